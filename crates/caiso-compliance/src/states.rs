//! The state of every requirement on a date, and why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::applicability::{Applies, InForce, Scope};
use crate::catalog::{Catalog, Certainty, EvidenceMode, Requirement};
use crate::evidence::Coverage;
use crate::frameworks::Frameworks;
use crate::situation::{Attestation, Situation};
use crate::standing::{StaleEvidence, Standing, standings};

/// State of a requirement. There is no state that says it is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A test failed and nobody has accepted the risk.
    Gap,
    /// Nothing is there.
    Missing,
    /// Nothing of its own, but a related requirement has current evidence to look at.
    InheritedSuggestion,
    /// Evidence or attestation is too old, or about something no longer deployed.
    Stale,
    /// Current evidence is there; a named person has not attested.
    EvidenceReady,
    /// A named person has attested, on current evidence where evidence is possible.
    Attested,
    /// Does not apply, with reason.
    NotApplicable,
}

impl State {
    /// All states, worst first.
    pub const ALL: [Self; 7] = [
        Self::Gap,
        Self::Missing,
        Self::InheritedSuggestion,
        Self::Stale,
        Self::EvidenceReady,
        Self::Attested,
        Self::NotApplicable,
    ];

    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::InheritedSuggestion => "inherited-suggestion",
            Self::EvidenceReady => "evidence-ready",
            Self::Attested => "attested",
            Self::NotApplicable => "not-applicable",
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A requirement on the date of assessment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequirementState {
    /// Key: `eu-ai-act:art-15-5`.
    pub key: String,
    /// Id of its framework.
    pub framework: String,
    /// Citation: `Art. 15(5)`.
    pub reference: String,
    /// Title in own words.
    pub title: String,
    /// The state.
    pub state: State,
    /// Whether it counts; a parent repeats the worst state below it and does not.
    pub scored: bool,
    /// Plain sentences that explain the state.
    pub why: Vec<String>,
    /// Sequence numbers of current evidence.
    pub evidence: Vec<u64>,
    /// Evidence that no longer counts.
    pub stale_evidence: Vec<StaleEvidence>,
    /// Codes of open findings that make the gap.
    pub findings: Vec<String>,
    /// How far the current evidence goes; none without evidence.
    pub coverage: Option<Coverage>,
    /// Kinds of evidence that support it and are not at hand.
    pub missing_kinds: Vec<String>,
    /// What a person still has to state.
    pub must_attest: Vec<String>,
    /// Whether no automatic evidence exists for it at all.
    pub attest_only: bool,
    /// Keys of related requirements whose evidence may help.
    pub suggested_by: Vec<String>,
    /// First day it applies by any reading; none if no date fits the system.
    pub applies_from: Option<Date>,
    /// Day by which it applies by every reading.
    pub applies_by: Option<Date>,
    /// In force on the date of assessment?
    pub in_force: InForce,
    /// Whether the law settles the date.
    pub certainty: Certainty,
}

/// States of all assessable requirements of all frameworks, in the frameworks' order.
pub fn assess(frameworks: &Frameworks, situation: &Situation<'_>) -> Vec<RequirementState> {
    let assessment = Assessment {
        frameworks,
        situation,
        scope: Scope::new(frameworks, situation.classification),
        standings: standings(frameworks, situation),
    };
    let mut states: Vec<RequirementState> = frameworks
        .requirements()
        .filter(|(_, _, requirement)| requirement.assessable)
        .map(|(key, catalog, requirement)| assessment.state(key, catalog, requirement))
        .collect();
    suggest(frameworks, &mut states);
    roll_up(frameworks, &mut states);
    states
}

struct Assessment<'a> {
    frameworks: &'a Frameworks,
    situation: &'a Situation<'a>,
    scope: Scope<'a>,
    standings: BTreeMap<String, Standing>,
}

impl Assessment<'_> {
    fn state(&self, key: String, catalog: &Catalog, requirement: &Requirement) -> RequirementState {
        let applicability = self.scope.of(catalog, requirement, self.situation.as_of);
        let mut standing = Standing::default();
        let mut coverage = None;
        let mut must_attest = BTreeSet::new();
        let mut missing_kinds = Vec::new();
        let mut attest_only = true;
        for (kind, possible) in self.frameworks.kinds_for(&key) {
            attest_only = false;
            must_attest.extend(kind.human_must_attest.iter().cloned());
            match self.standings.get(&kind.id) {
                Some(of_kind) => {
                    standing.absorb(of_kind);
                    if of_kind.is_current() {
                        coverage = coverage.max(Some(of_kind.coverage(kind, possible)));
                    } else {
                        missing_kinds.push(kind.id.clone());
                    }
                }
                None => missing_kinds.push(kind.id.clone()),
            }
        }
        let mut state = RequirementState {
            framework: catalog.about.id.clone(),
            reference: requirement.reference.clone(),
            title: requirement.title.clone(),
            state: State::Missing,
            scored: !self.frameworks.has_children(&key),
            why: Vec::new(),
            evidence: standing.good.union(&standing.failing).copied().collect(),
            stale_evidence: standing.stale.iter().cloned().collect(),
            findings: standing.findings.iter().cloned().collect(),
            coverage,
            missing_kinds,
            must_attest: must_attest.into_iter().collect(),
            attest_only,
            suggested_by: Vec::new(),
            applies_from: applicability.from,
            applies_by: applicability.by,
            in_force: applicability.in_force,
            certainty: applicability.certainty,
            key,
        };
        self.decide(&mut state, requirement, &standing, &applicability.applies);
        state
    }

    fn decide(
        &self,
        state: &mut RequirementState,
        requirement: &Requirement,
        standing: &Standing,
        applies: &Applies,
    ) {
        let found = self.situation.classification;
        if found.is_some_and(|found| found.prohibited.contains(&state.key)) {
            state.state = State::Gap;
            state.why.push("the classification found this prohibited practice".to_owned());
            return;
        }
        let decision = self.situation.not_applicable.iter().find(|decision| {
            decision.requirement == state.key
                && !decision.reason.trim().is_empty()
                && !decision.approver.trim().is_empty()
        });
        if let Some(decision) = decision {
            state.state = State::NotApplicable;
            state.why.push(format!("{} (approved by {})", decision.reason, decision.approver));
            return;
        }
        match applies {
            Applies::No(reason) => {
                state.state = State::NotApplicable;
                state.why.push(format!("by the classification: {reason}"));
                return;
            }
            Applies::Undetermined => {
                let how = if found.is_some() { "provisional" } else { "missing" };
                state.why.push(format!("treated as applying: the classification is {how}"));
            }
            Applies::Yes => {}
        }

        let why = &mut state.why;
        why.extend(standing.accepted.iter().map(|accepted| format!("risk of {accepted}")));
        why.extend(
            standing.incomplete.iter().map(|(seq, why)| format!("#{seq} is incomplete: {why}")),
        );
        if !standing.failing.is_empty() {
            state.state = State::Gap;
            why.push(format!("open findings: {}", state.findings.join(", ")));
            return;
        }
        let evidence = if !standing.good.is_empty() {
            let how = if state.coverage == Some(Coverage::Full) { "in full" } else { "in part" };
            why.push(format!("current evidence covers it {how}"));
            State::EvidenceReady
        } else if !standing.stale.is_empty() {
            why.extend(standing.stale.iter().map(|old| format!("#{}: {}", old.seq, old.reason)));
            State::Stale
        } else {
            State::Missing
        };

        let needs_evidence =
            requirement.evidence_mode != EvidenceMode::Attest && !state.attest_only;
        let attested = self.attested(&state.key, standing, why);
        state.state = match (evidence, attested) {
            (State::EvidenceReady, Some(State::Attested)) => State::Attested,
            (State::EvidenceReady, _) => State::EvidenceReady,
            (State::Missing, Some(attested)) if !needs_evidence => attested,
            (State::Stale, Some(State::Attested)) if !needs_evidence => State::Attested,
            (evidence, attested) => {
                if attested == Some(State::Attested) {
                    why.push("the attestation counts once current evidence is there".to_owned());
                }
                evidence
            }
        };
        if state.state == State::Missing {
            why.push(match (needs_evidence, state.missing_kinds.is_empty()) {
                (true, false) => format!("no evidence of {}", state.missing_kinds.join(", ")),
                _ => "no person has attested".to_owned(),
            });
        }
    }

    /// [`State::Attested`] or [`State::Stale`] if a person attested, with reasons added to `why`.
    fn attested(&self, key: &str, standing: &Standing, why: &mut Vec<String>) -> Option<State> {
        let as_of = self.situation.as_of;
        let problem = |attestation: &Attestation| {
            if attestation.expires < as_of {
                return Some(format!("expired on {}", attestation.expires));
            }
            let current = |seq: &u64| standing.good.contains(seq) || standing.failing.contains(seq);
            let old = attestation.evidence.iter().find(|seq| !current(seq))?;
            Some(format!("rests on #{old}, which is not current evidence"))
        };
        let mut of_key: Vec<_> = self
            .situation
            .attestations
            .iter()
            .filter(|attestation| attestation.requirement == key && attestation.date <= as_of)
            .collect();
        of_key.sort_by_key(|attestation| (attestation.date, attestation.expires));
        if let Some(valid) = of_key.iter().rev().find(|attestation| problem(attestation).is_none())
        {
            let Attestation { person, role, date, expires, .. } = valid;
            why.push(format!("attested by {person} ({role}) on {date}, until {expires}"));
            return Some(State::Attested);
        }
        let last = of_key.last()?;
        if let Some(problem) = problem(last) {
            why.push(format!("the attestation by {} {problem}", last.person));
        }
        Some(State::Stale)
    }
}

/// Evidence, never a state, passes across the crosswalk, and from a subcategory of the NIST AI
/// RMF to the actions of NIST AI 600-1 below it; one step, and only to what has nothing.
fn suggest(frameworks: &Frameworks, states: &mut [RequirementState]) {
    let current: BTreeSet<String> = states
        .iter()
        .filter(|state| !state.evidence.is_empty() && state.state != State::NotApplicable)
        .map(|state| state.key.clone())
        .collect();
    for state in states.iter_mut().filter(|state| state.state == State::Missing) {
        let subcategory = frameworks.subcategory_of_action(&state.key);
        let related = frameworks.neighbours(&state.key).chain(subcategory.as_deref());
        let suggested: BTreeSet<&str> = related.filter(|key| current.contains(*key)).collect();
        if !suggested.is_empty() {
            state.state = State::InheritedSuggestion;
            state.suggested_by = suggested.into_iter().map(str::to_owned).collect();
            state.why.push(format!("look at the evidence of {}", state.suggested_by.join(", ")));
        }
    }
}

/// A parent takes the worst state of what lies below it; what does not apply is left out.
fn roll_up(frameworks: &Frameworks, states: &mut [RequirementState]) {
    let mut worst: BTreeMap<String, State> = BTreeMap::new();
    for state in states.iter().filter(|state| state.scored) {
        let mut key = state.key.clone();
        while let Some(parent) = frameworks.parent_of(&key) {
            let entry = worst.entry(parent.clone()).or_insert(state.state);
            *entry = (*entry).min(state.state);
            key = parent;
        }
    }
    for state in states.iter_mut().filter(|state| !state.scored) {
        // A gap of its own, such as an accepted practice, is never softened.
        if let Some(below) = worst.get(&state.key)
            && state.state != State::Gap
        {
            state.state = *below;
            state.why = Vec::from(["the worst state of the items below it".to_owned()]);
        }
    }
}

/// Counts of one framework on one date.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameworkPosture {
    /// Scored requirements by state; every state is listed.
    pub states: BTreeMap<State, usize>,
    /// The same, only requirements in force on the date by every reading.
    pub in_force: BTreeMap<State, usize>,
    /// Scored requirements.
    pub scored: usize,
    /// Applicable scored requirements that no automatic evidence supports.
    pub attest_only: usize,
}

/// Counts scored requirements by framework and state.
pub fn posture(states: &[RequirementState]) -> BTreeMap<String, FrameworkPosture> {
    let zero = || State::ALL.into_iter().map(|state| (state, 0)).collect();
    let mut posture: BTreeMap<String, FrameworkPosture> = BTreeMap::new();
    for state in states.iter().filter(|state| state.scored) {
        let framework = posture.entry(state.framework.clone()).or_insert_with(|| {
            FrameworkPosture { states: zero(), in_force: zero(), scored: 0, attest_only: 0 }
        });
        framework.scored += 1;
        *framework.states.entry(state.state).or_default() += 1;
        if state.in_force == InForce::Yes {
            *framework.in_force.entry(state.state).or_default() += 1;
        }
        if state.attest_only && state.state != State::NotApplicable {
            framework.attest_only += 1;
        }
    }
    posture
}
