//! The commands around the assessment.

use std::fs;

use serde_json::Value;

use crate::system::System;

#[test]
fn an_attestation_makes_an_attested_state() {
    let system = System::assessed();
    let key = "nist-ai-rmf:GOVERN-2.3";
    let state = || {
        let found = system.caiso(&["comply", "status", "--format", "json"]).expect(0).json();
        let rows = found["requirements"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["key"] == key).unwrap()["state"].clone()
    };
    assert_eq!(state(), "missing");
    let who = ["--person", "M. Jansen", "--role", "Chief Risk Officer"];
    let what = ["--statement", "The board owns the risk of this system.", "--evidence", "3,4"];
    system.caiso(&[&["attest", key], &who[..], &what[..]].concat()).expect(0);
    assert_eq!(state(), "attested");
    let report = system.assess(&[], 1);
    assert_eq!(report["posture"]["nist-ai-rmf"]["attested"], 1);
    system.ledger_is_fine();

    let refused = |changed: &[&str]| system.caiso(&[&["attest"], changed].concat()).expect(2);
    refused(&[&["nist-ai-rmf:GOVERN-2.33"], &who[..], &what[..]].concat()).says(&["did you mean"]);
    refused(&[&[key], &who[..], &["--statement", " "][..]].concat()).says(&["--statement"]);
    refused(&[&[key], &who[..], &["--statement", "x", "--evidence", "9999"][..]].concat())
        .says(&["#9999"]);
    refused(&[&[key], &who[..], &what[..], &["--expires", "2001-01-01"][..]].concat())
        .says(&["past"]);
}

#[test]
fn credit_scoring_is_classified_as_high_risk() {
    let system = System::new();
    let found = system.caiso(&["comply", "classify", "--format", "json"]).expect(0).json();
    assert_eq!(found["headline"], "high_risk_annex_iii");
    assert_eq!(found["provisional"], false);
    assert!(!found["path"].as_array().unwrap().is_empty());
    // Without the answers the class is provisional, never a guess that looks final.
    system.write("few.yaml", "subject: system\nis_ai_system: true\n");
    let run = system
        .caiso(&["comply", "classify", "--answers", "few.yaml", "--format", "json"])
        .expect(3);
    assert_eq!(run.json()["provisional"], true);
    system.write("bad.yaml", "subjekt: system\n");
    system
        .caiso(&["comply", "classify", "--answers", "bad.yaml"])
        .expect(2)
        .says(&["bad.yaml", "subjekt"]);
    let questions =
        system.caiso(&["comply", "classify", "--questions", "--format", "json"]).expect(0);
    assert!(questions.json().as_array().unwrap().len() > 20);
}

#[test]
fn explain_knows_checks_evidence_requirements_and_techniques() {
    let system = System::assessed();
    for (what, words) in [
        ("FA-GROUP-001", "FA-GROUP-001"),
        ("fa-group-001", "FA-GROUP-001"),
        ("#4", "ledger prove 4"),
        ("eu-ai-act:art-15-5", "not the authoritative text"),
        ("AML.T0043.000", "AML.T0043.000"),
    ] {
        let run = system.caiso(&["explain", what]).expect(0);
        assert!(run.out.contains(words), "{what}: {}", run.out);
    }
    system.caiso(&["explain", "FA-GRUOP-001"]).expect(2).says(&["did you mean `FA-GROUP-001`"]);
    system.caiso(&["explain", "#9999"]).expect(2).says(&["no record #9999"]);
}

#[test]
fn every_code_in_a_report_can_be_explained() {
    let system = System::new();
    let report = system.assess(&[], 1);
    for finding in report["findings"].as_array().unwrap() {
        let lists = [&finding["techniques"], &finding["requirements"]];
        // One of each kind a finding: every run costs a process.
        let words = lists.iter().filter_map(|list| list.get(0)).chain([&finding["code"]]);
        for word in words.filter_map(Value::as_str) {
            system.caiso(&["explain", word]).expect(0);
        }
    }
}

#[test]
fn one_check_runs_with_flags_of_its_own_and_seals_nothing() {
    let system = System::new();
    let run = ["checks", "run", "RB-PGD-001", "--steps", "5", "--format", "json"];
    let run = system.caiso(&run);
    // Few steps may find too little to fail.
    assert!(matches!(run.status, Some(0 | 1)), "{run:?}");
    let found = run.json();
    assert_eq!(found[0]["code"], "RB-PGD-001");
    assert!(found.to_string().contains("PGD, 5 steps"), "{found}");
    assert!(!found[0]["outcome"]["measurements"].as_array().unwrap().is_empty());
    assert!(!system.path(".caiso").exists());
    system.caiso(&["checks", "run", "RB-PGD-001", "--steps", "many"]).expect(2).says(&["many"]);
    system.caiso(&["checks", "run", "RB-PGD-001", "--steps", "0"]).expect(2);
    system.caiso(&["checks", "run", "RB-PGD-001", "--stepps", "5"]).expect(2).says(&["--steps"]);
    let listed = system.caiso(&["checks", "--format", "json"]).expect(0).json();
    assert!(listed.as_array().unwrap().iter().any(|check| check["code"] == "EV-SKILL-001"));
    system.caiso(&["checks", "RB-PDG-001"]).expect(2).says(&["did you mean"]);
}

#[test]
fn init_describes_what_a_folder_holds_and_the_result_is_read() {
    let system = System::new();
    system.caiso(&["init"]).expect(2).says(&["already there", "--force"]);
    fs::remove_file(system.path("caiso.yaml")).unwrap();
    let run = system.caiso(&["init", "."]).expect(0);
    assert!(run.out.contains("models 1, data sets 2, Kubernetes manifests 3"), "{}", run.out);
    let report = system.caiso(&["assess", "-q", "--format", "json"]);
    assert!(matches!(report.status, Some(1 | 3)), "{report:?}");
    // What the manifest does not say yet is incomplete or does not apply, and never passes.
    let report = report.json();
    for check in report["checks"].as_array().unwrap() {
        let code = check["code"].as_str().unwrap();
        if ["RB-", "FA-", "EV-"].iter().any(|section| code.starts_with(section)) {
            assert_ne!(check["status"], "passed", "{check}");
        }
    }
    let empty = tempfile::TempDir::new().unwrap();
    let folder = empty.path().to_str().unwrap();
    system.caiso(&["init", folder]).expect(0);
    let run = system.caiso(&["assess", "-q", folder]);
    assert!(matches!(run.status, Some(2 | 3)), "{run:?}");
}

#[test]
fn schema_completions_manual_and_help_are_there() {
    let system = System::new();
    let schema = system.caiso(&["schema"]).expect(0).json();
    assert!(schema["properties"]["models"].is_object() && schema["$schema"].is_string());
    assert!(system.caiso(&["completions", "bash"]).expect(0).out.contains("caiso"));
    system.caiso(&["man", "man"]).expect(0);
    assert!(system.path("man/caiso.1").is_file());
    assert!(system.caiso(&["--help"]).expect(0).out.contains("Exit status"));
    assert!(system.caiso(&["--version"]).expect(0).out.starts_with("caiso "));
    system.caiso(&["asess"]).expect(2).says(&["assess"]);
}

#[test]
fn threats_are_covered_by_what_was_tested() {
    let system = System::assessed();
    system.caiso(&["threat", "coverage", "--layer", "layer.json"]).expect(0);
    let layer: Value = serde_json::from_str(&system.read("layer.json")).unwrap();
    assert!(!layer["techniques"].as_array().unwrap().is_empty());
    system.caiso(&["threat", "show", "AML.T0043"]).expect(0);
    system.caiso(&["threat", "show", "AML.T9999"]).expect(2).says(&["AML.T9999"]);
}
