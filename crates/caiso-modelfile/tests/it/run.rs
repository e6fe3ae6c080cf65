//! Runs all checks over one content.

use caiso_core::{CheckError, Finding, Outcome, RunContext, Severity, sha256_hex};
use caiso_modelfile::{CHECKS, Format, InMemory, ModelFileInput, applies};

/// A content read under a name.
pub(crate) fn input(name: &str, bytes: &[u8]) -> ModelFileInput {
    ModelFileInput::new("model:test", name, sha256_hex(bytes), bytes, None, &InMemory)
}

/// The outcome of one check.
pub(crate) fn run(code: &str, input: &ModelFileInput) -> Result<Outcome, CheckError> {
    let check = CHECKS.iter().find(|check| check.meta.code == code).unwrap();
    let parameters = check.parameters.resolve(&serde_json::Map::new()).unwrap();
    (check.run)(input, &parameters, &RunContext::default())
}

/// The outcome of one check over a content.
pub(crate) fn outcome(code: &str, name: &str, bytes: &[u8]) -> Outcome {
    run(code, &input(name, bytes)).unwrap()
}

/// The worst of a check's findings.
pub(crate) fn worst(code: &str, name: &str, bytes: &[u8]) -> Option<Severity> {
    outcome(code, name, bytes).worst()
}

/// Everything that the checks of contents find; the signature is not part of the content.
pub(crate) fn findings(name: &str, bytes: &[u8]) -> Vec<Finding> {
    let input = input(name, bytes);
    let checks = CHECKS.iter().filter(|check| check.meta.code != "MF-SIG-001");
    checks
        .filter(|check| applies(check.meta.code, &input))
        .filter_map(|check| match run(check.meta.code, &input) {
            Ok(outcome) => Some(outcome.findings),
            // Identification says that it knows no format; nothing else may refuse.
            Err(error) => {
                assert!(input.format().is_none(), "{}: {error}", check.meta.code);
                None
            }
        })
        .flatten()
        .collect()
}

/// `CODE severity part`, one line for each finding.
pub(crate) fn lines(name: &str, bytes: &[u8]) -> Vec<String> {
    let findings = findings(name, bytes).into_iter();
    let line = |finding: Finding| {
        let severity = format!("{:?}", finding.severity).to_lowercase();
        format!("{} {severity} {}", finding.code, finding.location.part.unwrap_or_default())
    };
    findings.map(line).collect()
}

/// Asserts that a real file is read to its end as this format and nothing is found that is worse than low.
pub(crate) fn assert_clean(name: &str, bytes: &[u8], format: Format) {
    let input = input(name, bytes);
    assert_eq!(input.format(), Some(format), "{name}");
    let gaps: Vec<_> = input.tree.gaps().map(|(node, gap)| (&node.path, gap)).collect();
    assert!(gaps.is_empty(), "{name}: {gaps:?}");
    let bad: Vec<Finding> = findings(name, bytes)
        .into_iter()
        .filter(|finding| finding.severity > Severity::Low)
        .collect();
    assert!(bad.is_empty(), "{name}: {bad:#?}");
}

/// Runs every check; that none panics is the test.
pub(crate) fn survives(name: &str, bytes: &[u8]) {
    let input = input(name, bytes);
    for check in CHECKS {
        let _ = run(check.meta.code, &input);
    }
    let _ = findings(name, bytes);
}
