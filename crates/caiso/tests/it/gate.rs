//! Baseline and accepted findings.

use serde_json::Value;

use crate::system::System;

const DATE: [&str; 2] = ["--as-of", "2026-06-01"];

fn accept(system: &System, entries: &[(&str, &str)]) {
    let list: String = entries
        .iter()
        .map(|(code, expires)| {
            format!(
                "    - code: {code}\n      reason: Compensated by a second look at every refusal\n      \
approver: M. Jansen\n      expires: {expires}\n"
            )
        })
        .collect();
    system.edit("caiso.yaml", "  fail_on: high", &format!("  fail_on: high\n  accepted:\n{list}"));
}

fn notes(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let notes = report["suppressions"].as_array().unwrap();
    notes.iter().map(|note| (text(&note["code"]), text(&note["message"]))).collect()
}

fn breaks(report: &Value, code: &str) -> bool {
    let findings = report["findings"].as_array().unwrap();
    let of_code = || findings.iter().filter(|finding| finding["code"] == code);
    assert!(of_code().next().is_some(), "no finding of {code}");
    of_code().any(|finding| finding["breaks_gate"] == true)
}

#[test]
fn a_baseline_lets_known_findings_through_and_no_new_ones() {
    let system = System::new();
    system.caiso(&["assess", "-o", "json=base.json"]).expect(1);
    let run = system.caiso(&["assess", "--baseline", "base.json", "--format", "json"]);
    assert!(matches!(run.status, Some(0 | 3)), "{run:?}");
    let report = run.json();
    assert_ne!(report["verdict"], "fail");
    assert!(report["gate"]["let_through"].as_u64().unwrap() > 0);
    assert!(!report["findings"].as_array().unwrap().is_empty(), "known findings are still shown");

    let text = system.read("base.json");
    let mut base: Value = serde_json::from_str(&text).unwrap();
    base["findings"].as_array_mut().unwrap().retain(|finding| finding["code"] != "RB-PGD-001");
    system.write("older.json", base.to_string());
    let report = system.assess(&["--baseline", "older.json"], 1);
    assert!(breaks(&report, "RB-PGD-001"));
    assert!(!breaks(&report, "FA-GROUP-001"));

    system.write("not.json", "[1, 2]");
    system
        .caiso(&["assess", "--baseline", "not.json"])
        .expect(2)
        .says(&["not.json", "not a JSON report"]);
    system.caiso(&["assess", "--baseline", "none.json"]).expect(2).says(&["none.json"]);
}

#[test]
fn an_accepted_finding_passes_the_gate_until_it_expires() {
    let system = System::new();
    accept(&system, &[("RB-PGD-001", "2026-12-31")]);
    let report = system.assess(&[&["--only", "RB-PGD-001,EV-*"], &DATE[..]].concat(), 0);
    assert!(!breaks(&report, "RB-PGD-001"));
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["code"] == "RB-PGD-001").unwrap();
    assert_eq!(found["state"], "accepted");
    assert_eq!(found["accepted"]["approver"], "M. Jansen");
    assert!(notes(&report).is_empty(), "{:?}", notes(&report));

    let later = system.assess(&["--only", "RB-PGD-001,EV-*", "--as-of", "2027-01-01"], 1);
    assert!(breaks(&later, "RB-PGD-001"));
    let found = notes(&later);
    assert!(
        found.iter().any(|(code, text)| code == "SUP-002" && text.contains("RB-PGD-001")),
        "{found:?}"
    );
}

#[test]
fn an_acceptance_that_matches_nothing_is_reported() {
    let system = System::new();
    accept(&system, &[("MF-ONNX-001", "2026-12-31")]);
    let report = system.assess(&DATE, 1);
    let found = notes(&report);
    assert!(
        found.iter().any(|(code, text)| code == "SUP-001" && text.contains("MF-ONNX-001")),
        "{found:?}"
    );
}

#[test]
fn an_acceptance_needs_a_date_within_a_year() {
    for (date, words) in [("2028-01-01", "more than one year"), ("soon", "expected YYYY-MM-DD")] {
        let system = System::new();
        accept(&system, &[("RB-PGD-001", date)]);
        let run = [&["assess"], &DATE[..]].concat();
        system.caiso(&run).expect(2).says(&["caiso.yaml", words]);
    }
}

#[test]
fn what_was_not_looked_for_again_is_not_fixed() {
    let system = System::new();
    system.caiso(&["assess", "-q"]).expect(1);
    let report = system.caiso(&["assess", "-q", "--only", "EV-*", "--format", "json"]).json();
    assert_eq!(report["changes"]["fixed"], serde_json::json!([]));
}
