//! Requirement states on dates, and the laws they keep.

use std::collections::{BTreeMap, BTreeSet};

use caiso_compliance::{
    Attestation, Classification, Coverage, EvidenceItem, FailedFinding, Frameworks, InForce,
    NotApplicable, RequirementState, RiskAcceptance, Run, Situation, State, assess, classify,
    posture,
};
use caiso_core::Subject;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use crate::answers;

/// A case that a test changes before it asks for states.
struct Case {
    as_of: Date,
    classification: Option<Classification>,
    deployed: BTreeMap<String, String>,
    evidence: Vec<EvidenceItem>,
    attestations: Vec<Attestation>,
    not_applicable: Vec<NotApplicable>,
}

impl Case {
    /// A credit scoring system whose bank built it, with nothing shown yet.
    fn credit(as_of: Date) -> Self {
        let answers = answers(&json!({"annex_iii_points": ["5-b"], "profiling": true,
            "roles": ["provider", "deployer"], "decides_on_people": true}));
        Self {
            as_of,
            classification: Some(classify(Frameworks::embedded(), &answers)),
            deployed: BTreeMap::from([
                ("model:scoring".to_owned(), "aa".to_owned()),
                ("dataset:test".to_owned(), "bb".to_owned()),
                ("deployment:production".to_owned(), "cc".to_owned()),
            ]),
            evidence: Vec::new(),
            attestations: Vec::new(),
            not_applicable: Vec::new(),
        }
    }

    fn states(&self) -> Vec<RequirementState> {
        let situation = Situation {
            as_of: self.as_of,
            classification: self.classification.as_ref(),
            deployed: &self.deployed,
            evidence: &self.evidence,
            attestations: &self.attestations,
            not_applicable: &self.not_applicable,
        };
        assess(Frameworks::embedded(), &situation)
    }

    fn state(&self, key: &str) -> RequirementState {
        self.states().into_iter().find(|state| state.key == key).expect("an assessable key")
    }
}

fn run(seq: u64, check: &str, sealed_on: Date, run: Run) -> EvidenceItem {
    let subjects = match &check[..2] {
        "IN" => vec![Subject::new("deployment:production", "cc")],
        "MF" => vec![Subject::new("model:scoring", "aa")],
        _ => vec![Subject::new("model:scoring", "aa"), Subject::new("dataset:test", "bb")],
    };
    EvidenceItem { seq, check: check.to_owned(), kinds: Vec::new(), sealed_on, subjects, run }
}

fn failed(code: &str, accepted: Option<Date>) -> Run {
    Run::Failed(vec![FailedFinding {
        code: code.to_owned(),
        accepted: accepted.map(|expires| RiskAcceptance {
            approver: "A. Officer".to_owned(),
            reason: "compensated by manual review of every refusal".to_owned(),
            expires,
        }),
    }])
}

fn attested(key: &str, day: Date, expires: Date, evidence: &[u64]) -> Attestation {
    Attestation {
        requirement: key.to_owned(),
        person: "B. Auditor".to_owned(),
        role: "head of model risk".to_owned(),
        date: day,
        expires,
        evidence: evidence.to_vec(),
    }
}

const MADE: Date = date(2026, 11, 30);

fn small_set(as_of: Date) -> Case {
    let mut case = Case::credit(as_of);
    case.evidence = vec![
        run(1, "MF-ID-001", MADE, Run::Passed),
        run(2, "MF-SIG-001", MADE, failed("MF-SIG-001", None)),
        run(3, "EV-SKILL-001", MADE, Run::Passed),
        run(4, "RB-PGD-001", MADE, failed("RB-PGD-001", None)),
        run(5, "FA-GROUP-001", MADE, failed("FA-GROUP-001", Some(date(2027, 3, 1)))),
        run(6, "IN-K8S-001", MADE, Run::Passed),
        run(7, "TH-ATLAS-001", MADE, Run::Passed),
        run(8, "CM-CLASS-001", MADE, Run::Incomplete("two facts are not answered".to_owned())),
    ];
    let year = date(2027, 11, 30);
    case.attestations = vec![
        attested("eu-ai-act:art-15-3", MADE, year, &[3]),
        attested("eu-ai-act:art-15-5", MADE, year, &[1]),
        attested("nist-ai-rmf:MAP-1.2", MADE, year, &[]),
    ];
    case.not_applicable = vec![NotApplicable {
        requirement: "iso-42001:A.10.4".to_owned(),
        reason: "the system is used by its maker only".to_owned(),
        approver: "C. Director".to_owned(),
    }];
    case
}

fn lines(case: &Case) -> String {
    let states = case.states();
    let mut lines = Vec::new();
    for (framework, counts) in posture(&states) {
        let states: Vec<String> = counts
            .states
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(state, count)| format!("{state} {count} ({} in force)", counts.in_force[state]))
            .collect();
        lines.push(format!("{framework}: {} scored: {}", counts.scored, states.join(", ")));
    }
    let told = |state: &&RequirementState| {
        !matches!(state.state, State::Missing | State::NotApplicable | State::InheritedSuggestion)
            && state.framework == "eu-ai-act"
            || state.key.ends_with("MAP-1.2")
            || state.key.ends_with("A.10.4")
            || state.key.ends_with("art-27-1-f")
            || state.key.ends_with("art-50-1")
    };
    for state in states.iter().filter(told) {
        lines.push(format!(
            "{} {} [{:?}{}] {}",
            state.reference,
            state.state,
            state.in_force,
            state.applies_from.map_or_else(String::new, |date| format!(" {date}")),
            state.why.join("; ")
        ));
    }
    lines.join("\n")
}

#[test]
fn three_dates() {
    insta::assert_snapshot!("on_2026_12_02", lines(&small_set(date(2026, 12, 2))));
    insta::assert_snapshot!("on_2027_12_02", lines(&small_set(date(2027, 12, 2))));
    insta::assert_snapshot!("on_2028_08_02", lines(&small_set(date(2028, 8, 2))));
}

const KEY: &str = "eu-ai-act:art-9-8";
const DAY: Date = date(2026, 12, 2);

#[test]
fn evidence_alone_never_attests_and_attestation_alone_never_stands() {
    let mut case = Case::credit(DAY);
    case.evidence.push(run(1, "RB-PGD-001", MADE, Run::Passed));
    let ready = case.state(KEY);
    assert_eq!(ready.state, State::EvidenceReady);
    assert_eq!(ready.evidence, [1]);
    assert!(ready.must_attest.iter().any(|text| text.contains("residual risk")));
    case.attestations.push(attested(KEY, MADE, date(2027, 1, 1), &[1]));
    assert_eq!(case.state(KEY).state, State::Attested);
    case.evidence.clear();
    case.attestations[0].evidence.clear();
    let alone = case.state(KEY);
    assert_eq!(alone.state, State::Missing);
    assert!(alone.why.iter().any(|why| why.contains("counts once current evidence")));
}

#[test]
fn a_failing_test_beats_an_attestation_until_the_risk_is_accepted() {
    let mut case = Case::credit(DAY);
    case.evidence.push(run(1, "RB-PGD-001", MADE, failed("RB-PGD-001", None)));
    case.attestations.push(attested(KEY, MADE, date(2027, 12, 1), &[1]));
    let gap = case.state(KEY);
    assert_eq!((gap.state, gap.findings.as_slice()), (State::Gap, &["RB-PGD-001".to_owned()][..]));
    case.evidence[0].run = failed("RB-PGD-001", Some(DAY));
    assert_eq!(case.state(KEY).state, State::Attested, "accepted to the end of this day");
    case.as_of = date(2026, 12, 3);
    assert_eq!(case.state(KEY).state, State::Gap, "the acceptance has expired");
}

#[test]
fn age_and_digest_make_stale() {
    let mut case = Case::credit(date(2026, 12, 2));
    case.evidence.push(run(1, "RB-PGD-001", date(2026, 6, 5), Run::Passed));
    assert_eq!(case.state(KEY).state, State::EvidenceReady, "180 days");
    case.as_of = date(2026, 12, 3);
    let old = case.state(KEY);
    assert_eq!(old.state, State::Stale);
    assert_eq!(
        old.stale_evidence[0].reason,
        "181 days old, robustness-evasion-test is renewed after 180"
    );
    case.as_of = date(2026, 6, 4);
    assert_eq!(case.state(KEY).state, State::Missing, "not yet sealed on that day");

    case.as_of = DAY;
    case.deployed.insert("model:scoring".to_owned(), "ab".to_owned());
    assert_eq!(case.state(KEY).stale_evidence[0].reason, "model:scoring has changed since");
    case.deployed.remove("model:scoring");
    assert_eq!(
        case.state(KEY).stale_evidence[0].reason,
        "model:scoring is no longer part of the system"
    );
}

#[test]
fn a_weakness_does_not_age_away() {
    let mut case = Case::credit(date(2028, 8, 2));
    case.evidence.push(run(1, "RB-PGD-001", MADE, failed("RB-PGD-001", None)));
    assert_eq!(case.state(KEY).state, State::Gap);
    case.evidence[0].run = failed("RB-PGD-001", Some(date(2029, 1, 1)));
    assert_eq!(case.state(KEY).state, State::Stale, "an accepted risk is looked at again");
    case.evidence[0].run = failed("RB-PGD-001", None);
    case.deployed.insert("model:scoring".to_owned(), "ab".to_owned());
    assert_eq!(case.state(KEY).state, State::Stale, "the new model was not tested");
}

#[test]
fn an_attestation_expires_and_falls_with_its_evidence() {
    let only = "nist-ai-rmf:MAP-1.2";
    let mut case = Case::credit(DAY);
    case.attestations.push(attested(only, MADE, DAY, &[]));
    let state = case.state(only);
    assert!(state.attest_only);
    assert_eq!(state.state, State::Attested);
    case.as_of = date(2026, 12, 3);
    assert_eq!(case.state(only).state, State::Stale);
    case.as_of = date(2026, 11, 29);
    assert_eq!(case.state(only).state, State::Missing, "not yet given");

    let mut case = Case::credit(DAY);
    case.evidence.push(run(1, "RB-PGD-001", date(2026, 11, 1), Run::Passed));
    case.evidence.push(run(2, "RB-PGD-001", MADE, Run::Passed));
    case.attestations.push(attested(KEY, date(2026, 11, 2), date(2027, 11, 2), &[1]));
    let replaced = case.state(KEY);
    assert_eq!(replaced.state, State::EvidenceReady, "a newer run has replaced what was looked at");
    assert!(replaced.why.iter().any(|why| why.contains("rests on #1")), "{:?}", replaced.why);
}

#[test]
fn the_newest_run_on_the_same_subjects_counts() {
    let mut case = Case::credit(DAY);
    case.evidence.push(run(2, "RB-PGD-001", MADE, Run::Passed));
    case.evidence.push(run(1, "RB-PGD-001", MADE, failed("RB-PGD-001", None)));
    assert_eq!(case.state(KEY).state, State::EvidenceReady);
    case.evidence.push(run(3, "RB-FGSM-001", MADE, failed("RB-FGSM-001", None)));
    assert_eq!(case.state(KEY).state, State::Gap, "another check replaces nothing");
    case.evidence.pop();
    case.evidence.push(run(4, "RB-PGD-001", DAY, Run::Incomplete("budget spent".to_owned())));
    let state = case.state(KEY);
    assert_eq!(state.state, State::EvidenceReady, "an incomplete run replaces nothing");
    assert!(state.why.iter().any(|why| why == "#4 is incomplete: budget spent"));
    case.evidence.remove(0);
    case.evidence.remove(0);
    assert_eq!(case.state(KEY).state, State::Missing, "an incomplete run shows nothing");
}

#[test]
fn full_coverage_needs_every_minimum_field() {
    let mut case = Case::credit(DAY);
    case.evidence.push(run(1, "EV-SKILL-001", MADE, Run::Passed));
    assert_eq!(case.state("eu-ai-act:art-15-3").coverage, Some(Coverage::Partial));
    case.evidence.push(run(2, "FA-GROUP-001", MADE, Run::Passed));
    let state = case.state("eu-ai-act:art-15-3");
    assert_eq!(state.coverage, Some(Coverage::Full));
    assert_eq!(state.state, State::EvidenceReady, "full is still not attested");
}

#[test]
fn documents_are_evidence_of_the_kind_they_name() {
    let mut case = Case::credit(DAY);
    let mut policy = run(1, "CM-ATTEST-001", MADE, Run::Passed);
    policy.kinds = vec!["management-record".to_owned()];
    policy.subjects = vec![];
    case.evidence.push(policy);
    case.attestations.push(attested("iso-42001:5.2", MADE, date(2027, 1, 1), &[1]));
    assert_eq!(case.state("iso-42001:5.2").state, State::Attested);
    assert_eq!(case.state("iso-42001:5.1").state, State::EvidenceReady);
}

#[test]
fn states_do_not_cross_frameworks_but_hints_do() {
    let mut case = Case::credit(DAY);
    case.evidence.push(run(1, "RB-PGD-001", MADE, Run::Passed));
    case.attestations.push(attested(KEY, MADE, date(2027, 1, 1), &[1]));
    let states = case.states();
    let frameworks = Frameworks::embedded();
    let hints: Vec<_> =
        states.iter().filter(|state| state.state == State::InheritedSuggestion).collect();
    assert!(!hints.is_empty());
    for hint in hints {
        assert!(hint.evidence.is_empty());
        for key in &hint.suggested_by {
            let related = states.iter().find(|state| state.key == *key).unwrap();
            assert!(!related.evidence.is_empty());
            let framework = frameworks.requirement(key).unwrap().0.about.id.as_str();
            assert_ne!(framework, hint.framework);
        }
    }
}

#[test]
fn a_decision_needs_reason_and_approver() {
    let mut case = Case::credit(DAY);
    let decide = |reason: &str, approver: &str| NotApplicable {
        requirement: "iso-42001:A.8.3".to_owned(),
        reason: reason.to_owned(),
        approver: approver.to_owned(),
    };
    case.not_applicable = vec![decide("no outside users", " ")];
    assert_eq!(case.state("iso-42001:A.8.3").state, State::Missing);
    case.not_applicable = vec![decide("no outside users", "C. Director")];
    assert_eq!(case.state("iso-42001:A.8.3").state, State::NotApplicable);
}

#[test]
fn only_a_final_classification_releases() {
    let mut case = Case::credit(DAY);
    let state = |case: &Case, item: &str| case.state(&format!("eu-ai-act:{item}"));
    // The role owes these; the route, the class and other roles exclude those.
    for item in [
        "art-9-8",
        "annex-iv-2-g",
        "annex-viii-a-5",
        "art-27-1-d",
        "art-43-2",
        "art-73-4",
        "art-5-1-a",
        "art-26-11",
        "annex-vi-3",
        "art-6-2",
    ] {
        assert_ne!(state(&case, item).state, State::NotApplicable, "{item}");
    }
    for item in [
        "art-23",
        "art-53-1-a",
        "art-43-1",
        "art-43-3",
        "annex-viii-b-6",
        "art-50-1",
        "art-50-5",
        "annex-xi-s1-1",
        "art-12-3",
        "art-26-7",
        "art-6-1",
        "art-51",
        "art-49-3",
    ] {
        let found = state(&case, item);
        assert_eq!(found.state, State::NotApplicable, "{item}");
        assert!(found.why[0].starts_with("by the classification: "), "{:?}", found.why);
    }
    let open = answers(&json!({"annex_iii_points": ["5-b"], "profiling": null}));
    case.classification = Some(classify(Frameworks::embedded(), &open));
    assert_eq!(state(&case, "art-23").state, State::Missing);
    case.classification = None;
    assert_eq!(state(&case, "art-23").state, State::Missing);
    let none = answers(&json!({"is_ai_system": false}));
    case.classification = Some(classify(Frameworks::embedded(), &none));
    assert_eq!(state(&case, "art-9-8").state, State::NotApplicable);
    assert_eq!(state(&case, "art-3-1").state, State::Missing, "the test of scope is owed");
}

#[test]
fn a_prohibited_practice_is_a_gap() {
    let mut case = Case::credit(DAY);
    let found = classify(
        Frameworks::embedded(),
        &answers(&json!({"untargeted_face_scraping": true, "ncii_capability": "intended"})),
    );
    case.classification = Some(found);
    let scraping = case.state("eu-ai-act:art-5-1-e");
    assert_eq!((scraping.state, scraping.in_force), (State::Gap, InForce::Yes));
    assert_eq!(case.state("eu-ai-act:art-5").state, State::Gap, "the parent shows the worst");
    case.as_of = date(2026, 12, 1);
    assert_eq!(case.state("eu-ai-act:art-5-1-ba").in_force, InForce::No);
}

#[test]
fn doubtful_dates_are_shown_as_such() {
    let registration = "eu-ai-act:art-49-1";
    let mut case = Case::credit(date(2026, 12, 2));
    let state = case.state(registration);
    assert_eq!(state.in_force, InForce::Uncertain);
    assert_eq!(state.applies_from, Some(date(2026, 8, 2)));
    assert_eq!(state.applies_by, Some(date(2027, 12, 2)));
    case.as_of = date(2027, 12, 2);
    assert_eq!(case.state(registration).in_force, InForce::Yes);
    case.as_of = date(2026, 8, 1);
    assert_eq!(case.state(registration).in_force, InForce::No);

    let device = answers(&json!({"annex_i": "section_a", "safety_component_or_product": true,
        "third_party_assessment": true}));
    case.classification = Some(classify(Frameworks::embedded(), &device));
    case.as_of = date(2027, 12, 2);
    let state = case.state(KEY);
    assert_eq!((state.in_force, state.applies_from), (InForce::No, Some(date(2028, 8, 2))));
}

#[test]
fn posture_counts_each_leaf_once() {
    let states = small_set(DAY).states();
    let frameworks = Frameworks::embedded();
    for (framework, counts) in posture(&states) {
        assert_eq!(counts.states.len(), State::ALL.len());
        assert_eq!(counts.states.values().sum::<usize>(), counts.scored);
        let leaves = frameworks.requirements().filter(|(key, of, item)| {
            of.about.id == framework && item.assessable && !frameworks.has_children(key)
        });
        assert_eq!(leaves.count(), counts.scored, "{framework}");
        assert!(State::ALL.iter().all(|state| counts.in_force[state] <= counts.states[state]));
    }
}

fn some_evidence() -> impl Strategy<Value = EvidenceItem> {
    let checks = vec!["MF-ID-001", "MF-SIG-001", "RB-PGD-001", "FA-GROUP-001", "IN-K8S-003"];
    let how = prop_oneof![
        Just(Run::Passed),
        Just(failed("X-1", None)),
        Just(failed("X-2", Some(date(2026, 12, 31)))),
        Just(Run::Incomplete("budget spent".to_owned())),
    ];
    (0_u64..1000, select(checks), 0_i32..400, how, prop::bool::weighted(0.2)).prop_map(
        |(seq, check, back, how, other)| {
            let day = date(2027, 1, 1).checked_sub(jiff::Span::new().days(back)).unwrap();
            let mut item = run(seq, check, day, how);
            if other {
                item.subjects[0] = Subject::new("model:scoring", "ee");
            }
            item
        },
    )
}

/// Distinct sequence numbers, as the ledger gives them.
fn evidence() -> impl Strategy<Value = Vec<EvidenceItem>> {
    prop::collection::vec(some_evidence(), 0..8).prop_map(|mut items| {
        let mut seen = BTreeSet::new();
        items.retain(|item| seen.insert(item.seq));
        items
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn more_evidence_never_leaves_less_than_before(items in evidence(), extra in some_evidence()) {
        prop_assume!(items.iter().all(|item| item.seq != extra.seq));
        let mut case = Case::credit(date(2026, 12, 20));
        case.evidence = items;
        let before = case.states();
        case.evidence.push(extra);
        for (old, new) in before.iter().zip(case.states()) {
            // A parent whose gap is closed may go on to show what else is missing below it, and
            // a hint ends when the evidence it points to does.
            let own = old.scored && old.state != State::InheritedSuggestion;
            if own && old.state != State::Missing {
                prop_assert_ne!(new.state, State::Missing, "{} was {}", old.key, old.state);
            }
        }
    }

    #[test]
    fn the_order_of_evidence_does_not_matter(items in evidence()) {
        let mut case = Case::credit(date(2026, 12, 20));
        case.evidence = items;
        let forward = case.states();
        case.evidence.reverse();
        prop_assert_eq!(forward, case.states());
    }

    #[test]
    fn no_evidence_attests(items in evidence()) {
        let mut case = Case::credit(date(2026, 12, 20));
        case.evidence = items;
        prop_assert!(case.states().iter().all(|state| state.state != State::Attested));
    }
}
