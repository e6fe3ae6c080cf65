//! Every rule on its good and its bad fixture, and what every unit owes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use caiso_core::Section;
use caiso_infra::{CHECKS, InfraInput};

use crate::run;

#[expect(clippy::disallowed_methods, reason = "tests read their fixtures")]
fn fixture(code: &str, which: &str) -> InfraInput {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(code).join(which);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    InfraInput::parse("deployment:production", &[(which, &bytes)])
}

#[test]
fn units_are_documented_and_their_codes_unique() {
    let (mut codes, mut names) = (BTreeSet::new(), BTreeSet::new());
    for check in CHECKS {
        let meta = &check.meta;
        assert!(codes.insert(meta.code), "{} twice", meta.code);
        assert!(names.insert(meta.name), "{} twice", meta.name);
        assert_eq!(meta.section(), Section::Infrastructure);
        for heading in ["## What it does", "## Why it matters", "## References"] {
            assert!(meta.docs.contains(heading), "{} lacks {heading}", meta.code);
        }
        assert_eq!(meta.evidence, ["k8s-scan"]);
        assert!(!meta.title.ends_with('.'));
        for technique in meta.techniques {
            assert!(technique.starts_with("AML.T"), "{technique}");
        }
    }
    assert_eq!(codes.len(), 27);
}

#[test]
fn good_fixtures_pass() {
    for check in CHECKS {
        let code = check.meta.code;
        let outcome = run(code, &fixture(code, "good.yaml")).unwrap();
        assert_eq!(outcome.findings, [], "{code}");
        assert_eq!(outcome.not_assessed, [], "{code}");
        assert!(outcome.measurements.iter().any(|m| m.n > 0), "{code} looked at nothing");
    }
}

#[test]
fn bad_fixtures_are_found_at_line_and_column() {
    for check in CHECKS {
        let code = check.meta.code;
        let input = fixture(code, "bad.yaml");
        let outcome = run(code, &input).unwrap();
        let mut text = format!("{}\n", outcome.summary);
        for finding in &outcome.findings {
            assert_eq!(finding.code, code);
            assert_eq!(finding.location.component, "deployment:production");
            let _ = writeln!(
                text,
                "\n{} {}\n  {}\n  {}",
                finding.severity, finding.location, finding.message, finding.remediation
            );
        }
        for item in &outcome.not_assessed {
            let _ = writeln!(
                text,
                "\nnot assessed {}\n  {}\n  {}",
                item.what, item.reason, item.remedy
            );
        }
        let empty = outcome.findings.is_empty();
        assert_eq!(empty, code == "IN-K8S-000", "{code}:\n{text}");
        let prints: BTreeSet<_> =
            outcome.findings.iter().map(caiso_core::Finding::fingerprint).collect();
        assert_eq!(prints.len(), outcome.findings.len(), "{code}: two findings look like one");
        insta::assert_snapshot!(code, text);
    }
}

#[test]
fn outcomes_do_not_change_from_run_to_run() {
    for check in CHECKS {
        let code = check.meta.code;
        let first = run(code, &fixture(code, "bad.yaml")).unwrap();
        assert_eq!(first, run(code, &fixture(code, "bad.yaml")).unwrap());
    }
}

#[test]
fn no_output_repeats_a_secret() {
    let input = fixture("IN-K8S-007", "bad.yaml");
    let secrets = ["correct-horse", "hunter2", "changeme", "geheim", "wJalrXUtn", "minio123"];
    for check in CHECKS {
        if let Ok(outcome) = run(check.meta.code, &input) {
            let text = serde_json::to_string(&outcome).unwrap();
            for secret in secrets {
                assert!(!text.contains(secret), "{} shows {secret}", check.meta.code);
            }
        }
    }
}
