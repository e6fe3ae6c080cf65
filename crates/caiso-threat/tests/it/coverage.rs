//! Coverage of the matrix by an assessment.

use caiso_core::{Finding, Location, Severity};
use caiso_threat::{
    Assessed, Atlas, CheckRun, Coverage, Mapping, RunResult, TechniqueCoverage, TechniqueStatus,
    coverage, navigator_layer,
};
use proptest::prelude::*;
use proptest::sample::select;

fn finding(code: &str, techniques: &[&str]) -> Finding {
    Finding {
        code: code.to_owned(),
        severity: Severity::High,
        message: "something is weak".to_owned(),
        location: Location { component: "model:m".to_owned(), ..Location::default() },
        techniques: techniques.iter().map(|&id| id.to_owned()).collect(),
        remediation: "strengthen it".to_owned(),
        threshold: None,
    }
}

fn run(check: &str, result: RunResult) -> CheckRun<'_> {
    CheckRun { check, result, techniques: &[] }
}

fn cover(runs: &[CheckRun<'_>], findings: &[Finding]) -> Coverage {
    coverage(Atlas::embedded(), Mapping::embedded(), Assessed { runs, findings })
}

fn of<'a>(coverage: &'a Coverage, id: &str) -> &'a TechniqueCoverage {
    coverage.techniques.iter().find(|technique| technique.id == id).unwrap()
}

#[test]
fn nothing_run_is_nothing_tested() {
    let nothing = cover(&[], &[]);
    assert_eq!(nothing.counts[&TechniqueStatus::Untested], 170);
    assert_eq!(nothing.techniques.len(), 170);
    assert_eq!(nothing.tactics.len(), 16);
}

#[test]
fn a_finding_is_found_a_pass_is_tested_an_incomplete_run_is_neither() {
    let runs = [run("RB-PGD-001", RunResult::Failed), run("MF-SIG-001", RunResult::Passed)];
    let covered = cover(&runs, &[finding("RB-PGD-001", &[])]);
    assert_eq!(of(&covered, "AML.T0043.000").status, TechniqueStatus::Found);
    assert_eq!(of(&covered, "AML.T0015").status, TechniqueStatus::Found);
    let model = of(&covered, "AML.T0010.003");
    assert_eq!(model.status, TechniqueStatus::Tested);
    assert_eq!(model.tested_by, ["MF-SIG-001"]);
    assert!(model.mitigated_by.contains(&"AML.M0014".to_owned()), "{model:?}");
    assert_eq!(of(&covered, "AML.T0074").status, TechniqueStatus::Untested, "only indicated");

    let covered = cover(&[run("RB-PGD-001", RunResult::Incomplete)], &[]);
    let evasion = of(&covered, "AML.T0043.000");
    assert_eq!(evasion.status, TechniqueStatus::Untested);
    assert_eq!(evasion.incomplete, ["RB-PGD-001"]);
    assert!(evasion.mitigated_by.is_empty());
}

#[test]
fn unfairness_needs_no_attacker_and_only_indicates() {
    let covered = cover(&[], &[finding("FA-GROUP-001", &[])]);
    assert_eq!(of(&covered, "AML.T0048.002").status, TechniqueStatus::Indicated);
}

#[test]
fn a_missing_signature_shows_missing_controls() {
    let covered = cover(&[], &[finding("MF-SIG-001", &[])]);
    assert_eq!(covered.missing_mitigations, ["AML.M0013", "AML.M0014"]);
}

#[test]
fn what_a_unit_declares_counts_and_unknown_ids_are_reported() {
    let declared = CheckRun {
        check: "XX-NEW-001",
        result: RunResult::Passed,
        techniques: &["AML.T0024", "AML.T9999"],
    };
    let covered = cover(&[declared], &[finding("XX-NEW-002", &["AML.T0029", "AML.T8888"])]);
    assert_eq!(of(&covered, "AML.T0024").status, TechniqueStatus::Tested);
    assert_eq!(of(&covered, "AML.T0029").status, TechniqueStatus::Found);
    assert_eq!(covered.unknown_techniques, ["AML.T8888", "AML.T9999"]);
}

#[test]
fn navigator_layer_has_every_technique_under_every_tactic() {
    let runs = [run("RB-PGD-001", RunResult::Failed), run("MF-SIG-001", RunResult::Passed)];
    let covered = cover(&runs, &[finding("RB-PGD-001", &[])]);
    let layer = navigator_layer(Atlas::embedded(), &covered, "mortgage", "as of 2026-12-02");
    // As many entries as the official layer of the matrix: 111 placements and 69 sub-techniques.
    assert_eq!(layer["techniques"].as_array().unwrap().len(), 180);
    let shown: Vec<&serde_json::Value> = layer["techniques"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| {
            ["AML.T0043", "AML.T0043.000", "AML.T0010.003", "AML.T0015"]
                .contains(&entry["techniqueID"].as_str().unwrap())
        })
        .collect();
    let head: serde_json::Value = layer
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, _)| *key != "techniques")
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    insta::assert_json_snapshot!(serde_json::json!({"head": head, "techniques": shown}));
}

proptest! {
    #[test]
    fn counts_add_up_and_order_does_not_matter(
        picks in prop::collection::vec(
            (select(vec!["RB-PGD-001", "RB-FGSM-001", "MF-SIG-001", "MF-ONNX-001", "FA-GROUP-001"]),
             0_u8..3, any::<bool>()), 0..6),
    ) {
        let results = [RunResult::Passed, RunResult::Failed, RunResult::Incomplete];
        let mut runs: Vec<_> =
            picks.iter().map(|&(code, result, _)| run(code, results[result as usize])).collect();
        let mut findings: Vec<_> =
            picks.iter().filter(|pick| pick.2).map(|pick| finding(pick.0, &[])).collect();
        let forward = cover(&runs, &findings);
        prop_assert_eq!(forward.counts.values().sum::<usize>(), 170);
        runs.reverse();
        findings.reverse();
        prop_assert_eq!(forward, cover(&runs, &findings));
    }
}
