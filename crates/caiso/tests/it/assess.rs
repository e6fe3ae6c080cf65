//! `caiso assess`: the JSON contract, the cache, determinism, selection.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::Value;

use crate::system::System;

fn rows<'a>(report: &'a Value, key: &str) -> &'a Vec<Value> {
    report[key].as_array().unwrap_or_else(|| panic!("{key} is no list"))
}

fn evidence(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows(report, "evidence").iter().map(|row| (text(&row["code"]), text(&row["digest"]))).collect()
}

fn is_sha256(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

#[test]
fn the_example_fails_its_gate_and_the_json_keeps_its_contract() {
    let report = System::new().assess(&["--as-of", "2026-06-01", "--seed", "7"], 1);
    assert_eq!(report["verdict"], "fail");
    assert_eq!(report["system"], "mortgage-decisions");
    assert_eq!(report["as_of"], "2026-06-01");
    assert_eq!(report["seed"], 7);
    let statuses = ["passed", "failed", "incomplete", "not-applicable", "skipped"];
    for check in rows(&report, "checks") {
        assert!(check["code"].is_string() && check["duration_ms"].is_u64(), "{check}");
        assert_eq!(check["cached"], false, "{check}");
        assert!(statuses.contains(&check["status"].as_str().unwrap()), "{check}");
    }
    let sections = ["EV-", "FA-", "RB-", "MF-", "CM-", "TH-", "IN-"];
    for section in sections {
        let starts = |row: &Value| row["code"].as_str().unwrap().starts_with(section);
        assert!(rows(&report, "checks").iter().any(starts), "no check of {section}");
        assert!(rows(&report, "evidence").iter().any(starts), "no evidence of {section}");
    }
    let severities = ["critical", "high", "medium", "low", "info"];
    assert!(!rows(&report, "findings").is_empty());
    for finding in rows(&report, "findings") {
        for key in ["code", "message", "remediation"] {
            assert!(finding[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {finding}");
        }
        assert!(severities.contains(&finding["severity"].as_str().unwrap()), "{finding}");
        assert!(finding["location"]["component"].is_string(), "{finding}");
        assert!(rows(finding, "requirements").iter().all(Value::is_string), "{finding}");
        // Left out where a finding maps to no technique.
        let techniques = finding.get("techniques").map(|_| rows(finding, "techniques"));
        assert!(techniques.is_none_or(|ids| ids.iter().all(Value::is_string)), "{finding}");
    }
    for row in rows(&report, "evidence") {
        assert!(
            row["code"].is_string() && row["seq"].is_u64() && is_sha256(&row["digest"]),
            "{row}"
        );
    }
    let posture = report["posture"].as_object().unwrap();
    for framework in ["eu-ai-act", "iso-42001", "nist-ai-600-1", "nist-ai-rmf", "oecd-ai"] {
        let states = posture[framework].as_object().unwrap();
        assert!(states.values().all(Value::is_u64), "{framework}");
        assert!(states.contains_key("evidence-ready") && states.contains_key("gap"), "{framework}");
    }
    let ledger = &report["ledger"];
    assert!(ledger["size"].as_u64().unwrap() > rows(&report, "evidence").len() as u64);
    assert!(is_sha256(&ledger["root"]), "{ledger}");
    assert!(ledger["checkpoint"].as_str().unwrap().lines().nth(1).unwrap().parse::<u64>().is_ok());
}

#[test]
fn the_second_run_takes_every_result_from_the_cache_and_fresh_does_not() {
    let system = System::new();
    let first = system.assess(&[], 1);
    let count = || {
        let records = system.records();
        records.iter().filter(|row| row["record"]["action"] == "evidence").count()
    };
    let sealed = count();
    let second = system.assess(&[], 1);
    for check in rows(&second, "checks").iter().filter(|row| row["status"] != "not-applicable") {
        assert!(check["cached"] == true, "{} ran again", check["code"]);
    }
    assert_eq!(count(), sealed);
    assert_eq!(first["evidence"], second["evidence"]);
    let third = system.assess(&["--fresh"], 1);
    assert!(rows(&third, "checks").iter().all(|check| check["cached"] == false));
    assert_eq!(evidence(&first), evidence(&third));
    assert_eq!(count(), 2 * sealed);
}

#[test]
fn a_changed_model_is_assessed_anew_and_the_rest_comes_from_the_cache() {
    let system = System::new();
    system.assess(&[], 1);
    system.edit("deploy/decision-api.yaml", "\n", "\n# changed\n");
    let report = system.assess(&[], 1);
    let cached = |prefix: &str| {
        let mut of = rows(&report, "checks").iter();
        of.find(|check| check["code"].as_str().unwrap().starts_with(prefix)).unwrap()["cached"]
            .clone()
    };
    assert_eq!(cached("RB-"), true);
    assert_eq!(cached("IN-"), false);
}

#[test]
fn one_seed_gives_the_same_evidence_byte_for_byte_on_one_and_two_threads() {
    let (one, two) = (System::new(), System::new());
    let date = ["--as-of", "2026-06-01", "--seed", "11", "--threads"];
    let first = one.assess(&[&date[..], &["1"]].concat(), 1);
    let second = two.assess(&[&date[..], &["2"]].concat(), 1);
    assert_eq!(evidence(&first), evidence(&second));
    for (left, right) in rows(&first, "evidence").iter().zip(rows(&second, "evidence")) {
        let seq = |row: &Value| row["seq"].as_u64().unwrap();
        assert_eq!(one.statement(seq(left)), two.statement(seq(right)), "{}", left["code"]);
    }
    // The seed is part of the evidence, so another one cannot give the same digests.
    let third = two.assess(&["--as-of", "2026-06-01", "--seed", "12"], 1);
    for (left, right) in evidence(&first).iter().zip(evidence(&third)) {
        assert_eq!(left.0, right.0);
        assert_ne!(left.1, right.1, "{} does not depend on the seed", left.0);
    }
}

#[test]
fn only_and_skip_choose_checks_by_pattern() {
    let system = System::new();
    let report = system.assess(&["--only", "FA-*,rb-pgd-001", "--skip", "FA-INTER-*"], 1);
    let mut ran = 0;
    for check in rows(&report, "checks") {
        let code = check["code"].as_str().unwrap();
        let wanted = (code.starts_with("FA-") || code == "RB-PGD-001") && code != "FA-INTER-001";
        assert_eq!(check["status"] != "skipped", wanted, "{check}");
        ran += usize::from(wanted);
    }
    assert!(ran >= 2);
    assert_eq!(rows(&report, "evidence").len(), ran);
}

#[test]
fn a_pattern_that_matches_nothing_is_refused_with_a_suggestion() {
    let system = System::new();
    system
        .caiso(&["assess", "--only", "RB-PDG-001"])
        .expect(2)
        .says(&["RB-PDG-001", "did you mean `RB-PGD-001`"]);
    system.caiso(&["assess", "--skip", "XX-*"]).expect(2).says(&["`XX-*` matches no check"]);
    system.caiso(&["assess", "-o", "pdf=report.pdf"]).expect(2).says(&["pdf", "html"]);
}

#[test]
fn a_check_over_its_budget_is_incomplete_and_the_rest_goes_on() {
    let system = System::new();
    let report = system.assess(&["--only", "RB-PGD-001,EV-SKILL-001", "--budget", "0.000001"], 3);
    assert_eq!(report["verdict"], "incomplete");
    let pgd = rows(&report, "checks").iter().find(|check| check["code"] == "RB-PGD-001").unwrap();
    assert_eq!(pgd["status"], "incomplete");
    assert!(pgd["not_assessed"][0]["reason"].as_str().unwrap().contains("budget"), "{pgd}");
    system.ledger_is_fine();
}

#[test]
fn exit_zero_hides_the_gate_but_not_an_error() {
    let system = System::new();
    assert_eq!(system.assess(&["--exit-zero"], 0)["verdict"], "fail");
    system.caiso(&["assess", "--exit-zero", "nowhere"]).expect(2);
}

#[test]
fn the_terminal_summary_fits_a_screen() {
    let run = System::new().caiso(&["assess", "--quiet"]).expect(1);
    assert!(run.err.is_empty(), "{}", run.err);
    assert!(run.out.lines().count() <= 40, "{}", run.out);
    assert!(run.out.contains("FAIL") && run.out.contains("mortgage-decisions"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let system = System::assessed();
    for arguments in [&["assess", "--format", "json"][..], &["ledger", "log"], &["schema"]] {
        let mut command = system.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Closed before anything was read: the first write already fails.
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let status = child.wait().unwrap();
        assert!(!err.contains("panicked") && !err.contains("error:"), "{arguments:?}: {err}");
        assert_eq!(status.code(), Some(0), "{arguments:?}: {err}");
    }
    system.ledger_is_fine();
}

#[test]
fn what_the_scan_finds_in_a_model_is_evidence_with_techniques() {
    let system = System::new();
    system.write(
        "model/second.pkl",
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x8c\x0aecho caiso\x85R.",
    );
    system.edit(
        "caiso.yaml",
        "models:\n",
        "models:\n  - name: second\n    path: model/second.pkl\n",
    );
    let report = system.assess(&["--only", "MF-*"], 1);
    let found = rows(&report, "findings").iter().find(|row| row["code"] == "MF-PKL-001").cloned();
    let found = found.expect("the pickle's call is found");
    assert_eq!(found["severity"], "critical");
    assert_eq!(found["location"]["path"], "model/second.pkl");
    let techniques: Vec<&str> =
        found["techniques"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(techniques.contains(&"AML.T0011.000"), "{techniques:?}");
    let sealed = system
        .records()
        .iter()
        .any(|row| row["record"]["object"].to_string().contains("MF-PKL-001"));
    assert!(sealed, "{:?}", system.records());
}
