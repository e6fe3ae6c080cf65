//! The rules over whole manifests.

use caiso_core::{Outcome, RunContext};
use caiso_infra::{CHECKS, InfraInput};
use proptest::prelude::*;
use serde_json::Map;

const BAD: &str = include_str!("../fixtures/bad.yaml");
const GOOD: &str = include_str!("../fixtures/good.yaml");

fn outcomes(text: &[u8]) -> Vec<(&'static str, Option<Outcome>)> {
    let input = InfraInput::parse("deployment:test", &[("manifest.yaml", text)]);
    CHECKS
        .iter()
        .map(|check| {
            let parameters = check.parameters.resolve(&Map::new()).unwrap();
            (check.meta.code, (check.run)(&input, &parameters, &RunContext::with_seed(1)).ok())
        })
        .collect()
}

#[test]
fn every_rule_finds_its_weakness_at_its_line() {
    let mut lines = Vec::new();
    for (code, outcome) in outcomes(BAD.as_bytes()) {
        let outcome = outcome.unwrap();
        // The reader itself has no weakness to find in what can be read.
        assert!(code == "IN-K8S-000" || !outcome.findings.is_empty(), "{code} finds nothing");
        for finding in &outcome.findings {
            assert_eq!(finding.code, code);
            let severity = finding.severity;
            lines.push(format!("{code} {severity} {}: {}", finding.location, finding.message));
        }
        for unclear in &outcome.not_assessed {
            lines.push(format!("{code} not assessed {}: {}", unclear.what, unclear.reason));
        }
    }
    let report = lines.join("\n");
    assert!(!report.contains("Vq7-tR2"), "a secret is printed");
    insta::assert_snapshot!(report);
}

#[test]
fn a_hardened_manifest_has_no_finding() {
    for (code, outcome) in outcomes(GOOD.as_bytes()) {
        let outcome = outcome.unwrap();
        assert!(outcome.findings.is_empty(), "{code}: {:?}", outcome.findings);
        assert!(outcome.not_assessed.is_empty(), "{code}: {:?}", outcome.not_assessed);
    }
}

#[test]
fn what_cannot_be_read_is_never_a_pass() {
    let cases: [(&str, &[u8]); 4] = [
        ("broken", b"apiVersion: v1\nkind: [Pod\n"),
        ("template", b"apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Values.name }}}\n"),
        ("not UTF-8", b"apiVersion: v1\nkind: \xff\n"),
        ("empty", b"# nothing\n"),
    ];
    for (name, text) in cases {
        for (code, outcome) in outcomes(text) {
            let passes = outcome.is_some_and(|outcome| outcome.not_assessed.is_empty());
            let reader = name == "empty" && code == "IN-K8S-000";
            assert!(!passes || reader, "{code} passes on {name}");
        }
    }
}

#[test]
fn one_broken_document_hides_no_other() {
    let text = format!("{BAD}\n---\nkind: [broken\n");
    let broken: usize = findings(&outcomes(text.as_bytes()));
    assert_eq!(broken, findings(&outcomes(BAD.as_bytes())));
}

fn findings(outcomes: &[(&str, Option<Outcome>)]) -> usize {
    outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref()).map(|o| o.findings.len()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_manifests_never_panic(position in 0..BAD.len(), byte: u8, cut in 0..BAD.len()) {
        let mut bytes = BAD.as_bytes().to_vec();
        bytes[position] = byte;
        outcomes(&bytes);
        bytes.truncate(cut);
        outcomes(&bytes);
    }
}
