//! Looking at the last sealed assessment again: at another date, or for its threats alone.

use std::collections::BTreeMap;

use caiso_compliance::{EvidenceItem, Frameworks, RequirementState, classify};
use caiso_core::{Finding, Statement};
use caiso_report::Report;
use caiso_store::Store;
use caiso_threat::Coverage;
use jiff::civil::Date;

use crate::assemble::{self, Done, run_result};
use crate::sections::{compliance, threats};
use crate::{AssessError, LoadedSystem, registry};

/// States of all requirements at a date, from the sealed evidence of the last assessment. Evidence
/// about a file that has changed since is stale.
pub fn states_at(
    system: &LoadedSystem,
    store: &Store,
    as_of: Date,
) -> Result<Vec<RequirementState>, AssessError> {
    let report = assemble::previous_report(store, system)?;
    let mut evidence = Vec::new();
    let mut deployed = BTreeMap::new();
    if let Some(report) = &report {
        for row in &report.evidence {
            evidence.extend(item(store, report, row.seq)?);
        }
    }
    for item in &evidence {
        for subject in &item.subjects {
            deployed.insert(subject.name.clone(), subject.sha256().to_owned());
        }
    }
    let manifest = &system.manifest;
    for model in &manifest.models {
        deployed
            .insert(format!("model:{}", model.name.value), system.get(&model.path).sha256.clone());
    }
    for dataset in &manifest.datasets {
        let name = format!("dataset:{}", dataset.name.value);
        deployed.insert(name, system.get(&dataset.path).sha256.clone());
    }
    let classification = if manifest.system.eu_ai_act.is_empty() {
        None
    } else {
        Some(classify(Frameworks::embedded(), &compliance::answers(system)?))
    };
    let attestations = assemble::attestations(store, system)?;
    let attestations: Vec<_> = attestations.iter().filter_map(assemble::attestation).collect();
    Ok(compliance::situation_states(
        as_of,
        classification.as_ref(),
        &deployed,
        &evidence,
        &attestations,
    ))
}

fn item(store: &Store, report: &Report, seq: u64) -> Result<Option<EvidenceItem>, AssessError> {
    let shown = store.show(seq)?;
    let Some(opening) = shown.opening else { return Ok(None) };
    let Ok(statement) = serde_json::from_slice::<Statement>(opening.envelope.unverified_payload())
    else {
        return Ok(None);
    };
    let code = &statement.predicate.check;
    let Some(check) = registry().into_iter().find(|check| check.meta.code == code) else {
        return Ok(None);
    };
    let done = Done {
        seq: Some(seq),
        sealed_on: Some(shown.record.time),
        subjects: statement.subject,
        ..Done::with(check.meta, String::new(), Box::new(statement.predicate.outcome))
    };
    Ok(assemble::evidence_item(&done, &report.findings))
}

/// Coverage of ATLAS techniques by a report's checks and findings.
pub fn coverage_of(report: &Report) -> Coverage {
    let registry = registry();
    let runs = report.checks.iter().filter_map(|check| {
        let found = registry.iter().find(|known| known.meta.code == check.code)?;
        Some((found.meta, run_result(check.status)?))
    });
    let findings: Vec<Finding> =
        report.findings.iter().map(|reported| reported.finding.clone()).collect();
    threats::CoverageInput { runs: runs.collect(), findings }.coverage()
}
