//! Random reports: consistent, with texts that try to break every format.

use std::collections::BTreeMap;

use caiso_core::{
    Bar, Direction, Figure, Finding, Location, Measurement, NotAssessed, Section, Severity,
    Subject, Threshold,
};
use caiso_report::{
    Accepted, Changes, CheckResult, CheckStatus, Classification, ComponentSummary, Coverage,
    FindingState, GateResult, Report, ReportedFinding, Reproduction, RequirementRow, Scope, Skill,
    TechniqueCell, Verdict,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// A text that some format could take for its own syntax.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z ,.]{0,30}",
        any::<String>(),
        select(vec![
            "<script>alert(1)</script>",
            "</template></html>",
            "\" data-part=\"page-one\" data-finding=\"XX-X-001",
            "| a | b |\n|---|---|",
            "## Findings\n### 1. `XX-XXX-001` (high, new)",
            "```\n~~~",
            "\u{1b}[31mFAIL\u{1b}[0m",
            "PASS  \u{202e}gnihton",
            "findings     9 critical · 9 high · 9 medium · 9 low · 9 info",
            "a\\`b`\u{0}",
            "&lt;&amp;",
        ])
        .prop_map(str::to_owned),
    ]
}

fn section() -> impl Strategy<Value = Section> {
    select(Section::ALL.to_vec())
}

fn severity() -> impl Strategy<Value = Severity> {
    select(Severity::WORST_FIRST.to_vec())
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..1.0_f64, -1e9..1e9_f64, Just(0.0), Just(1e-300), Just(1e300)]
}

fn measurement() -> impl Strategy<Value = Measurement> {
    (text(), number(), number(), 0..5000_u64, option::of(0.0..1.0_f64)).prop_map(
        |(name, value, margin, n, p)| {
            let made = Measurement::new(&name, value, "ratio", Direction::OneIsBest, n)
                .with_interval(value - margin.abs(), value + margin.abs(), 0.95, "wilson");
            match p {
                Some(p) => made.with_test("fisher-exact", p),
                None => made,
            }
        },
    )
}

fn check() -> impl Strategy<Value = CheckResult> {
    let figure = (text(), text(), 0..9_u64).prop_map(|(title, alternative, n)| Figure::Strip {
        title,
        alternative,
        bars: vec![Bar { label: "x".into(), parts: vec![("gap".into(), n)] }],
    });
    let statuses = select(CheckStatus::ALL.to_vec());
    (
        (section(), 0..4_u32, text(), text(), statuses),
        (any::<bool>(), text(), option::of(text()), option::of(text()), option::of(text())),
        (
            vec(measurement(), 0..3),
            vec(figure, 0..2),
            vec((text(), text(), text()), 0..2),
            vec(text(), 0..2),
        ),
    )
        .prop_map(
            |(
                (section, number, title, component, status),
                (cached, summary, reason, remedy, caution),
                (measurements, figures, open, limits),
            )| {
                CheckResult {
                    code: code(section, "CHECK", number),
                    title,
                    section,
                    component,
                    status,
                    duration_ms: u64::from(number) * 700,
                    cached,
                    summary,
                    reason,
                    remedy,
                    caution,
                    parameters: serde_json::json!({"epsilon": 1.0, "n": number}),
                    measurements,
                    figures,
                    not_assessed: open
                        .into_iter()
                        .map(|(what, reason, remedy)| NotAssessed { what, reason, remedy })
                        .collect(),
                    limits,
                    facts: BTreeMap::new(),
                }
            },
        )
}

fn code(section: Section, topic: &str, number: u32) -> String {
    let letters = match section {
        Section::Models => "MF",
        Section::Robustness => "RB",
        Section::Fairness => "FA",
        Section::Compliance => "CM",
        Section::Infrastructure => "IN",
        Section::Threats => "TH",
    };
    format!("{letters}-{topic}-{number:03}")
}

fn finding() -> impl Strategy<Value = ReportedFinding> {
    let place = (
        text(),
        option::of(text()),
        option::of(0..99_u64),
        option::of(1..99_u64),
        option::of(text()),
    );
    let bound = option::of((number(), option::of(number()), option::of(number()), 0..999_u64));
    (
        (section(), 0..4_u32, severity(), text(), text(), place, bound),
        (
            0..4_u8,
            any::<bool>(),
            option::of(0..99_u64),
            vec(select(vec!["AML.T0043", "AML.T0015"]), 0..2),
        ),
    )
        .prop_map(
            |(
                (section, number, severity, message, remediation, place, bound),
                (state, breaks, evidence, techniques),
            )| {
                let (component, path, line, column, part) = place;
                let finding = Finding {
                    code: code(section, "FIND", number),
                    severity,
                    message,
                    location: Location {
                        component,
                        path,
                        line,
                        column,
                        part,
                        ..Location::default()
                    },
                    techniques: techniques.into_iter().map(str::to_owned).collect(),
                    remediation,
                    threshold: bound.map(|(value, minimum, maximum, n)| Threshold {
                        measurement: "m".into(),
                        value,
                        interval: None,
                        n,
                        minimum,
                        maximum,
                    }),
                };
                let state = [
                    FindingState::New,
                    FindingState::Known,
                    FindingState::Worse,
                    FindingState::Accepted,
                ][usize::from(state)];
                ReportedFinding {
                    section,
                    requirements: vec!["eu-ai-act:art-15-5".into()],
                    state,
                    fingerprint: finding.fingerprint(),
                    evidence,
                    breaks_gate: breaks && state != FindingState::Accepted,
                    accepted: (state == FindingState::Accepted).then(|| Accepted {
                        reason: finding.message.clone(),
                        approver: "A".into(),
                        expires: "2027-01-01".into(),
                    }),
                    caution: None,
                    finding,
                }
            },
        )
}

prop_compose! {
    /// A report whose verdict follows from its contents.
    pub(crate) fn report()(
        texts in vec(text(), 8),
        checks in vec(check(), 0..10),
        mut findings in vec(finding(), 0..10),
        does_not_say in vec(text(), 0..6),
        since in option::of(vec(text(), 0..6)),
        class in option::of((text(), any::<bool>())),
        skill in vec((text(), option::of(any::<bool>())), 0..2),
        posture in btree_map(select(vec!["eu-ai-act", "iso-42001", "own"]), 0..50_u64, 0..3),
        seed in 0..(1_u64 << 53),
    ) -> Report {
        findings.sort_by_key(|found| std::cmp::Reverse(found.finding.severity));
        let broken: Vec<String> = findings.iter().filter(|found| found.breaks_gate).map(|found| found.finding.code.clone()).collect();
        let incomplete = checks.iter().any(|check| check.status == CheckStatus::Incomplete);
        let verdict = match (broken.is_empty(), incomplete) {
            (false, _) => Verdict::Fail,
            (true, true) => Verdict::Incomplete,
            (true, false) => Verdict::Pass,
        };
        let mut texts = texts.into_iter();
        let mut text = || texts.next().unwrap();
        Report {
            format: 1,
            verdict,
            sentence: text(),
            system: text(),
            as_of: "2026-11-25".into(),
            assessed_at: "2026-11-25T08:14:09.412Z".into(),
            seed,
            scope: Scope {
                title: text(), purpose: text(), out_of_scope: vec![text()], owner: text(), stage: text(), roles: vec![],
                components: vec![ComponentSummary {
                    kind: "model".into(), name: "m".into(), path: text(),
                    subject: Some(Subject::new("model:m", "ab".repeat(32))), facts: BTreeMap::new(),
                }],
            },
            classification: class.map(|(title, provisional)| Classification {
                class: "x".into(), title, citations: vec!["Art. 6".into()], provisional,
                open_questions: vec![], law_version: "1".into(),
            }),
            skill: skill.into_iter().map(|(sentence, has_skill)| Skill { model: "m".into(), has_skill, sentence }).collect(),
            checks,
            findings,
            suppressions: vec![],
            evidence: vec![],
            posture: posture.into_iter().map(|(id, n)| (id.to_owned(), BTreeMap::from([("gap".to_owned(), n)]))).collect(),
            requirements: vec![RequirementRow {
                key: "eu-ai-act:art-15-5".into(), reference: "Art. 15(5)".into(), title: "Cybersecurity".into(),
                state: "gap".into(), why: "x".into(), applies_from: Some("2027-12-02".into()), evidence: vec![1], to_attest: vec![],
            }],
            threats: vec![Coverage {
                tactic: "AML.TA0001".into(), name: "Staging".into(),
                techniques: vec![TechniqueCell { id: "AML.T0043".into(), name: "Craft".into(), state: "found".into(), checks: vec![] }],
            }],
            attestations: vec![],
            gate: GateResult { fail_on: Severity::High, broken, let_through: 0 },
            changes: since.map(|new| Changes { since: "before".into(), new, fixed: vec![], worse: vec![] }),
            does_not_say,
            reproduce: Reproduction { tool_version: "0.1.0".into(), command: "caiso assess".into(), duration_ms: 1, threads: 1 },
            ledger: None,
        }
    }
}
