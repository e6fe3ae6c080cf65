//! Tests of the rules over whole manifests.

mod files;
mod properties;
mod rules;
mod walk;

use caiso_core::{CheckError, Outcome, Parameters, RunContext};
use caiso_infra::{CHECKS, InfraInput};

/// The manifests of one file.
fn input(yaml: &str) -> InfraInput {
    InfraInput::parse("deployment:production", &[("deploy.yaml", yaml.as_bytes())])
}

fn run(code: &str, input: &InfraInput) -> Result<Outcome, CheckError> {
    let check = CHECKS.iter().find(|check| check.meta.code == code).expect("a known code");
    let parameters: Parameters = check.parameters.resolve(&serde_json::Map::new()).unwrap();
    (check.run)(input, &parameters, &RunContext::default())
}

/// What a rule finds, a line each: `12:7 high Pod/a container b`.
fn found(code: &str, input: &InfraInput) -> Vec<String> {
    let outcome = run(code, input).unwrap();
    let line = |finding: &caiso_core::Finding| {
        let place = &finding.location;
        format!(
            "{}:{} {} {}",
            place.line.unwrap(),
            place.column.unwrap(),
            finding.severity,
            place.part.as_deref().unwrap()
        )
    };
    outcome.findings.iter().map(line).collect()
}

/// What a rule could not judge, a line each.
fn unclear(code: &str, input: &InfraInput) -> Vec<String> {
    let outcome = run(code, input).unwrap();
    outcome.not_assessed.iter().map(|item| format!("{}: {}", item.what, item.reason)).collect()
}
