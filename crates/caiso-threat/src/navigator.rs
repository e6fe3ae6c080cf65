//! Coverage as a layer of the ATLAS Navigator.

use serde_json::{Value, json};

use crate::atlas::Atlas;
use crate::coverage::{Coverage, TechniqueCoverage, TechniqueStatus};

/// A layer in format 4.3, which the public ATLAS Navigator opens. The colour tells the status;
/// what was tested, found, incomplete and mitigated stands apart in the metadata.
pub fn navigator_layer(atlas: &Atlas, coverage: &Coverage, name: &str, description: &str) -> Value {
    let mut techniques = Vec::new();
    for technique in &coverage.techniques {
        let mut entry = entry(technique);
        if technique.parent.is_some() {
            techniques.push(entry);
            continue;
        }
        entry["showSubtechniques"] = true.into();
        for tactic in technique.tactics.iter().filter_map(|id| atlas.tactic(id)) {
            entry["tactic"] = tactic.phase_name().into();
            techniques.push(entry.clone());
        }
    }
    let legend: Vec<Value> = STATUSES
        .iter()
        .map(|&(status, label)| json!({"label": label, "color": color(status)}))
        .collect();
    json!({
        "name": name,
        "versions": {"layer": "4.3", "navigator": "4.6.4"},
        "domain": "atlas-atlas",
        "description": description,
        "metadata": [{"name": "atlas_data_version", "value": coverage.atlas_version}],
        "techniques": techniques,
        "legendItems": legend,
        "hideDisabled": false,
    })
}

const STATUSES: [(TechniqueStatus, &str); 4] = [
    (TechniqueStatus::Found, "open finding proves or enables it"),
    (TechniqueStatus::Indicated, "open finding indicates it"),
    (TechniqueStatus::Tested, "tested, nothing found"),
    (TechniqueStatus::Untested, "not tested"),
];

fn color(status: TechniqueStatus) -> &'static str {
    match status {
        TechniqueStatus::Found => "#d32f2f",
        TechniqueStatus::Indicated => "#f9a825",
        TechniqueStatus::Tested => "#90caf9",
        TechniqueStatus::Untested => "#e0e0e0",
    }
}

fn entry(technique: &TechniqueCoverage) -> Value {
    let found = technique.found.iter().map(|finding| finding.code.clone()).collect::<Vec<_>>();
    let facts = [
        ("found", &found),
        ("tested by", &technique.tested_by),
        ("incomplete", &technique.incomplete),
        ("mitigated by", &technique.mitigated_by),
    ];
    let metadata: Vec<Value> = facts
        .iter()
        .filter(|(_, codes)| !codes.is_empty())
        .map(|(name, codes)| json!({"name": name, "value": codes.join(", ")}))
        .collect();
    let label = STATUSES.iter().find(|(status, _)| *status == technique.status);
    json!({
        "techniqueID": technique.id,
        "color": color(technique.status),
        "comment": label.map_or("", |(_, label)| label),
        "enabled": true,
        "metadata": metadata,
    })
}
