//! Findings of the fixture.

use caiso_core::{Finding, Interval, Location, Section, Severity, Threshold};
use caiso_report::{Accepted, CheckStatus, FindingState, ReportedFinding};

use crate::fixture::checks;

fn finding(
    code: &str,
    severity: Severity,
    location: Location,
    message: &str,
    remediation: &str,
) -> ReportedFinding {
    let finding = Finding {
        code: code.into(),
        severity,
        message: message.into(),
        location,
        techniques: vec![],
        remediation: remediation.into(),
        threshold: None,
    };
    let seq = checks()
        .iter()
        .filter(|check| !matches!(check.status, CheckStatus::Skipped | CheckStatus::NotApplicable))
        .position(|check| check.code == code)
        .map(|at| 41 + at as u64);
    ReportedFinding {
        section: Section::of_code(code).unwrap(),
        fingerprint: finding.fingerprint(),
        finding,
        requirements: vec![],
        state: FindingState::Known,
        evidence: seq,
        breaks_gate: severity >= Severity::High,
        accepted: None,
        caution: None,
    }
}

fn threshold(
    measurement: &str,
    value: f64,
    ends: (f64, f64),
    n: u64,
    minimum: f64,
    method: &str,
) -> Threshold {
    Threshold {
        measurement: measurement.into(),
        value,
        interval: Some(Interval { low: ends.0, high: ends.1, level: 0.95, method: method.into() }),
        n,
        minimum: Some(minimum),
        maximum: None,
    }
}

pub(crate) fn findings() -> Vec<ReportedFinding> {
    let model = |part: &str| Location {
        component: "model:mortgage".into(),
        part: Some(part.into()),
        ..Location::default()
    };
    let line = |line: u64, column: u64| Location {
        component: "deployment:kubernetes".into(),
        path: Some("deploy/inference.yaml".into()),
        line: Some(line),
        column: Some(column),
        part: Some("Deployment/mortgage".into()),
        bytes: None,
    };
    let mut fairness = finding(
        "FA-GROUP-001",
        Severity::Critical,
        model("afam=yes"),
        "African American applicants are granted a mortgage at 0.71 of the rate of other applicants; for 100 grants to others only 71 go to them.",
        "Find the features that stand in for the group (caiso explain FA-GROUP-001), retrain with a fairness constraint or set thresholds per group after legal advice; a ratio of at least 0.80 passes.",
    );
    fairness.finding.threshold = Some(threshold(
        "disparate_impact[group=afam=yes]",
        0.712,
        (0.634, 0.785),
        1190,
        0.8,
        "katz-log",
    ));
    fairness.requirements = vec!["eu-ai-act:art-10-2-f".into(), "iso-42001:A.7.4".into()];
    fairness.state = FindingState::Worse;

    let mut intersection = finding(
        "FA-INTER-001",
        Severity::High,
        model("afam=yes, single=yes"),
        "Single African American applicants are granted a mortgage at 0.66 of the rate of the best-placed group.",
        "Treat together with FA-GROUP-001; a ratio of at least 0.80 passes.",
    );
    intersection.finding.threshold = Some(threshold(
        "selection_rate_ratio[group=afam=yes,single=yes]",
        0.655,
        (0.552, 0.757),
        79,
        0.8,
        "katz-log",
    ));
    intersection.requirements = vec!["eu-ai-act:art-10-2-f".into()];

    let mut robustness = finding(
        "RB-PGD-001",
        Severity::High,
        model("epsilon=0.05"),
        "An applicant who shades income, debts and property value by 5 % of their range can turn 35 of 100 right decisions into wrong ones.",
        "Train with adversarial examples or verify the stated figures before the model sees them; at least 0.70 of decisions must stay right at epsilon 0.05.",
    );
    robustness.finding.threshold = Some(threshold(
        "robust_accuracy[epsilon=0.05]",
        0.542,
        (0.514, 0.570),
        1190,
        0.7,
        "wilson",
    ));
    robustness.finding.techniques = vec!["AML.T0043".into(), "AML.T0015".into()];
    robustness.requirements = vec!["eu-ai-act:art-15-5".into(), "eu-ai-act:art-15-1".into()];

    let mut root = finding(
        "IN-K8S-003",
        Severity::High,
        line(22, 11),
        "The container may run as root, so whoever breaks into the model server owns the node's kernel interface.",
        "Set securityContext.runAsNonRoot: true and a numeric runAsUser above 0.",
    );
    root.finding.techniques = vec!["AML.T0105".into()];
    root.requirements = vec!["eu-ai-act:art-15-5".into()];
    let mut secret = finding(
        "IN-K8S-007",
        Severity::High,
        line(31, 13),
        "A password of the applicants' database stands in clear text in the deployment; everyone who can read the manifest can read it.",
        "Move it to a Secret and reference it with secretKeyRef, then change the password.",
    );
    secret.finding.techniques = vec!["AML.T0055".into()];
    secret.state = FindingState::New;
    let limits = finding(
        "IN-K8S-009",
        Severity::Medium,
        line(19, 11),
        "Without a memory limit one request flood can stop every service on the node.",
        "Set resources.limits.memory on the container.",
    );
    let mut signature = finding(
        "MF-SIG-001",
        Severity::Medium,
        Location {
            component: "model:mortgage".into(),
            path: Some("model/mortgage.onnx".into()),
            ..Location::default()
        },
        "Nobody can tell whether the deployed model is the one that was trained and approved: it carries no signature.",
        "Sign it with `caiso scan --sign` at the end of training and verify it when it is deployed.",
    );
    signature.state = FindingState::Accepted;
    signature.accepted = Some(Accepted {
        reason:
            "The registry signs images from December on; until then the digest is compared by hand."
                .into(),
        approver: "L. de Vries, CISO".into(),
        expires: "2026-12-15".into(),
    });
    let info = finding(
        "MF-ID-001",
        Severity::Info,
        Location {
            component: "model:mortgage".into(),
            path: Some("model/mortgage.onnx".into()),
            ..Location::default()
        },
        "The exporter wrote its version into the file, which tells an attacker what to look for.",
        "Nothing has to be done.",
    );
    vec![fairness, intersection, robustness, root, secret, limits, signature, info]
}
