//! Parts of the report that restate the system, the class, the requirements and the threats.

use std::collections::BTreeMap;

use caiso_compliance::{Classification, RequirementState, Truth};
use caiso_core::Subject;
use caiso_report::{ComponentSummary, Coverage, RequirementRow, Scope, TechniqueCell};

use crate::LoadedSystem;
use crate::assemble::Done;
use crate::sections::threats;

pub(crate) fn scope(system: &LoadedSystem, done: &[Done]) -> Scope {
    let manifest = &system.manifest;
    let mut components = Vec::new();
    for model in &manifest.models {
        let component = format!("model:{}", model.name.value);
        let described =
            done.iter().find(|done| done.component == component && done.meta.code == "MF-ID-001");
        components.push(ComponentSummary {
            kind: "model".to_owned(),
            name: model.name.value.clone(),
            path: model.path.value.clone(),
            subject: Some(Subject::new(component, &system.get(&model.path).sha256)),
            facts: described.map(|done| done.outcome.facts.clone()).unwrap_or_default(),
        });
    }
    for dataset in &manifest.datasets {
        let file = system.get(&dataset.path);
        let role = format!("{:?}", dataset.role).to_lowercase();
        let mut facts = BTreeMap::from([("role".to_owned(), role)]);
        if let Ok(table) = crate::sections::labelled::table(system, dataset) {
            facts.insert("rows".to_owned(), table.rows().to_string());
            facts.insert("columns".to_owned(), table.names().len().to_string());
        }
        components.push(ComponentSummary {
            kind: "dataset".to_owned(),
            name: dataset.name.value.clone(),
            path: dataset.path.value.clone(),
            subject: Some(Subject::new(format!("dataset:{}", dataset.name.value), &file.sha256)),
            facts,
        });
    }
    for endpoint in &manifest.endpoints {
        components.push(ComponentSummary {
            kind: "endpoint".to_owned(),
            name: endpoint.name.value.clone(),
            path: endpoint.url.value.clone(),
            subject: None,
            facts: BTreeMap::new(),
        });
    }
    for deployment in &manifest.deployments {
        let files = system.deployment_files(deployment);
        let list: String = files.iter().map(|f| format!("{} {}\n", f.sha256, f.path)).collect();
        let name = format!("deployment:{}", deployment.name.value);
        components.push(ComponentSummary {
            kind: "deployment".to_owned(),
            name: deployment.name.value.clone(),
            path: deployment.paths.iter().map(|p| p.value.as_str()).collect::<Vec<_>>().join(", "),
            subject: Some(Subject::new(name, caiso_core::sha256_hex(list.as_bytes()))),
            facts: BTreeMap::from([("files".to_owned(), files.len().to_string())]),
        });
    }
    let about = &manifest.system;
    Scope {
        title: about.title.clone().unwrap_or_else(|| about.name.value.clone()),
        purpose: about.purpose.clone(),
        out_of_scope: about.out_of_scope.clone(),
        owner: about.owner.clone(),
        roles: about
            .eu_ai_act
            .get("roles")
            .and_then(|roles| serde_json::from_value(roles.clone()).ok())
            .unwrap_or_default(),
        stage: format!("{:?}", about.stage).to_lowercase(),
        components,
    }
}

pub(crate) fn classification_row(found: &Classification) -> caiso_report::Classification {
    let class = found.headline;
    // What was answered with yes in the stage that gave the class; its own step only adds how the
    // conformity is assessed.
    let decisive = class.map(|class| format!("class:{}", class.as_str())).unwrap_or_default();
    let stage = found.path.iter().find(|step| step.emitted.contains(&decisive)).map(|s| &s.stage);
    let cites =
        found.path.iter().filter(|step| Some(&step.stage) == stage && step.answer == Truth::Yes);
    let mut citations: Vec<String> = cites.flat_map(|step| step.cite.clone()).collect();
    if !found.annex_iii_points.is_empty() {
        citations.retain(|cite| cite != "Annex III");
    }
    citations.extend(found.annex_iii_points.iter().map(|point| {
        let (number, letter) = point.split_once('-').unwrap_or((point, ""));
        if letter.is_empty() {
            format!("Annex III point {number}")
        } else {
            format!("Annex III point {number}({letter})")
        }
    }));
    citations.dedup();
    caiso_report::Classification {
        class: class.map_or("undetermined", caiso_compliance::Class::as_str).to_owned(),
        title: class.map_or("undetermined", caiso_compliance::Class::title).to_owned(),
        citations,
        provisional: found.provisional,
        open_questions: found
            .open
            .iter()
            .flat_map(|open| open.unanswered.values().cloned())
            .collect(),
        law_version: found.law_version.clone(),
    }
}

pub(crate) fn requirement_row(state: &RequirementState) -> RequirementRow {
    RequirementRow {
        key: state.key.clone(),
        reference: state.reference.clone(),
        title: state.title.clone(),
        state: state.state.as_str().to_owned(),
        why: state.why.join("; "),
        applies_from: state.applies_from.map(|date| date.to_string()),
        evidence: state.evidence.clone(),
        to_attest: state.must_attest.clone(),
    }
}

pub(crate) fn coverage_rows(coverage: &caiso_threat::Coverage) -> Vec<Coverage> {
    coverage
        .tactics
        .iter()
        .map(|tactic| Coverage {
            tactic: tactic.id.clone(),
            name: tactic.name.clone(),
            techniques: tactic
                .techniques
                .iter()
                .filter_map(|id| coverage.techniques.iter().find(|found| found.id == *id))
                .map(|found| TechniqueCell {
                    id: found.id.clone(),
                    name: found.name.clone(),
                    state: threats::word(found.status).to_owned(),
                    checks: if found.found.is_empty() {
                        found.tested_by.clone()
                    } else {
                        let mut codes: Vec<String> =
                            found.found.iter().map(|found| found.code.clone()).collect();
                        codes.dedup();
                        codes
                    },
                })
                .collect(),
        })
        .collect()
}

pub(crate) fn does_not_say(system: &LoadedSystem) -> Vec<String> {
    let manifest = &system.manifest;
    let mut limits = vec![
        "It does not say that any requirement is met: evidence-ready means that a named person can now attest.".to_owned(),
        "It does not cover attacks, groups or techniques that are listed as untested or not assessed.".to_owned(),
        "It holds for the files whose digests it names, not for what may have replaced them since.".to_owned(),
    ];
    let endpoints: Vec<&str> = manifest.endpoints.iter().map(|e| e.name.as_str()).collect();
    if !endpoints.is_empty() {
        limits.push(format!("No request was sent to the endpoints {}.", endpoints.join(", ")));
    }
    let assessed = |name: &str| {
        manifest.models.iter().any(|m| m.dataset.as_ref().is_some_and(|d| d.value == name))
    };
    let unused: Vec<&str> = manifest
        .datasets
        .iter()
        .map(|dataset| dataset.name.as_str())
        .filter(|name| !assessed(name))
        .collect();
    if !unused.is_empty() {
        limits.push(format!("No check looked into the data sets {}.", unused.join(", ")));
    }
    limits
}
