//! Report files, and verifying them offline.

use serde_json::Value;

use crate::system::System;

const KEY: &str = ".caiso/keys/ledger.vkey";

#[test]
fn one_run_writes_all_formats_and_they_agree() {
    let system = System::new();
    let files =
        ["-o", "html=r.html", "-o", "sarif=r.sarif", "-o", "json=r.json", "-o", "markdown=r.md"];
    system.caiso(&[&["assess"], &files[..]].concat()).expect(1);
    let json: Value = serde_json::from_str(&system.read("r.json")).unwrap();
    let sarif: Value = serde_json::from_str(&system.read("r.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let findings = json["findings"].as_array().unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), findings.len());
    let (html, markdown) = (system.read("r.html"), system.read("r.md"));
    for finding in findings {
        let code = finding["code"].as_str().unwrap();
        assert!(html.contains(code) && markdown.contains(code), "{code}");
    }
    assert!(html.len() < 2_000_000 && !html.contains("<script"), "{} bytes", html.len());

    // Rendered again from the ledger, nothing differs and nothing runs.
    let before = system.records().len();
    let again =
        ["-o", "html=2.html", "-o", "sarif=2.sarif", "-o", "json=2.json", "-o", "markdown=2.md"];
    system.caiso(&[&["report"], &again[..]].concat()).expect(0);
    assert_eq!(system.records().len(), before);
    for (first, second) in
        [("r.html", "2.html"), ("r.sarif", "2.sarif"), ("r.json", "2.json"), ("r.md", "2.md")]
    {
        assert!(system.read(first) == system.read(second), "{first} and {second} differ");
    }
    for format in ["json", "sarif", "markdown", "html", "text"] {
        system.caiso(&["report", "--format", format]).expect(0);
    }
}

#[test]
fn a_report_verifies_offline_and_one_changed_digit_does_not() {
    let system = System::new();
    system.caiso(&["assess", "-o", "html=report.html"]).expect(1);
    let ok = system.caiso(&["verify", "report.html", "--key", KEY]).expect(0);
    assert!(ok.out.contains("checked") && ok.out.contains("not checked"), "{}", ok.out);
    // The key itself may be given, and the home's key is the default.
    system.caiso(&["verify", "report.html", "--key", system.read(KEY).trim()]).expect(0);
    system.caiso(&["verify", "report.html"]).expect(0);

    let html = system.read("report.html");
    let digits: Vec<usize> =
        html.bytes().enumerate().filter(|(_, b)| b.is_ascii_digit()).map(|(at, _)| at).collect();
    for at in digits.iter().step_by(digits.len() / 24) {
        let mut bytes = html.clone().into_bytes();
        bytes[*at] = if bytes[*at] == b'9' { b'0' } else { bytes[*at] + 1 };
        system.write("altered.html", bytes);
        let run = system.caiso(&["verify", "altered.html", "--key", KEY]);
        let place = &html[at.saturating_sub(40)..(at + 20).min(html.len())];
        assert_eq!(run.status, Some(1), "a changed digit passed: {place}");
        assert!(run.err.contains("NOT verified"), "{}", run.err);
    }
}

#[test]
fn an_altered_figure_names_the_part_it_stands_in() {
    let system = System::new();
    system.caiso(&["assess", "-o", "html=report.html", "-o", "json=r.json"]).expect(1);
    let json: Value = serde_json::from_str(&system.read("r.json")).unwrap();
    let message = json["findings"][0]["message"].as_str().unwrap();
    let figure = message.split(' ').find(|word| word.contains('.')).unwrap();
    let changed = figure.replacen(|c: char| c.is_ascii_digit(), "0", 1);
    assert_ne!(figure, changed);
    system.edit("report.html", figure, &changed);
    let run =
        system.caiso(&["verify", "report.html", "--key", KEY]).expect(1).says(&["NOT verified"]);
    assert!(run.err.contains("worst-findings") && run.err.contains(&changed), "{}", run.err);
}

#[test]
fn a_report_does_not_verify_with_the_key_of_another_ledger() {
    let (system, other) = (System::new(), System::assessed());
    system.caiso(&["assess", "-o", "html=report.html"]).expect(1);
    let key = other.read(KEY);
    system.caiso(&["verify", "report.html", "--key", key.trim()]).expect(1).says(&["key"]);
    // Not a key at all is a slip of the user, not a forged report.
    system.caiso(&["verify", "report.html", "--key", "nonsense"]).expect(2).says(&["nonsense"]);
    system.caiso(&["verify", "none.html"]).expect(2).says(&["none.html"]);
    system.write("half.html", &system.read("report.html").as_bytes()[..20_000]);
    system.caiso(&["verify", "half.html"]).expect(1);
}
