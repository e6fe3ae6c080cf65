//! Runs checks over bytes, for the tests of formats.

use caiso_core::{Outcome, RunContext, Severity, sha256_hex};
use caiso_modelfile::{CHECKS, InMemory, ModelFileInput, applies};

pub(crate) fn input(name: &str, bytes: &[u8]) -> ModelFileInput {
    let path = format!("model/{name}");
    ModelFileInput::new("model:test", path, sha256_hex(bytes), bytes, None, &InMemory)
}

pub(crate) fn outcome(code: &str, name: &str, bytes: &[u8]) -> Outcome {
    let check = CHECKS.iter().find(|check| check.meta.code == code).unwrap();
    let parameters = check.parameters.resolve(&serde_json::Map::new()).unwrap();
    (check.run)(&input(name, bytes), &parameters, &RunContext::default()).unwrap()
}

/// Everything that the checks of the formats say, without the signature's: code, severity, message.
pub(crate) fn findings(name: &str, bytes: &[u8]) -> Vec<(String, Severity, String)> {
    let input = input(name, bytes);
    let parameters = serde_json::Map::new();
    let mut found = Vec::new();
    for check in CHECKS.iter().filter(|check| check.meta.code != "MF-SIG-001") {
        if applies(check.meta.code, &input) {
            let parameters = check.parameters.resolve(&parameters).unwrap();
            if let Ok(outcome) = (check.run)(&input, &parameters, &RunContext::default()) {
                let of = |finding: caiso_core::Finding| {
                    (finding.code, finding.severity, finding.message)
                };
                found.extend(outcome.findings.into_iter().map(of));
            }
        }
    }
    found
}

/// The worst of a check's findings.
pub(crate) fn worst(code: &str, name: &str, bytes: &[u8]) -> Option<Severity> {
    outcome(code, name, bytes).worst()
}
