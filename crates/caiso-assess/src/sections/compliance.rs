//! Obligations: the EU AI Act class of the system, and the state of every requirement.

use std::collections::BTreeMap;
use std::sync::Arc;

use caiso_compliance::{
    Answers, Class, Classification, EvidenceItem, Frameworks, RequirementState, Situation, State,
    classify, posture,
};
use caiso_core::{
    Check, CheckError, Direction, Finding, Location, Measurement, Meta, NotAssessed, Outcome,
    ParameterSet, Parameters, RunContext, Severity, Subject, unit,
};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Planner;
use crate::step::{Step, Work};
use crate::{AssessError, LoadedSystem};

/// Input of the classification.
pub(crate) struct ClassificationInput {
    answers: Answers,
}

/// Input of the requirement states.
pub(crate) struct StatesInput {
    pub(crate) as_of: Date,
    pub(crate) states: Vec<RequirementState>,
}

unit! {
    /// ## What it does
    /// Walks the EU AI Act's definitions as a decision procedure over the answers in
    /// `system.eu_ai_act`: scope, roles, general-purpose models, each prohibited practice,
    /// Annex I, Annex III with its derogation, and the transparency duties. A question without an
    /// answer takes the stricter branch and makes the result provisional.
    ///
    /// ## Why it matters
    /// The class decides which obligations apply, to whom and from when. A provisional result
    /// lists what must be answered and must not be passed on as final. The procedure is an
    /// own-words analysis of the law, not legal advice.
    ///
    /// ## References
    /// - Regulation (EU) 2024/1689 as amended by Regulation (EU) 2026/1744, Articles 2, 3, 5, 6,
    ///   25, 50, 51 and Annexes I and III
    static EU_CLASSIFICATION: Check<ClassificationInput> = Check {
        meta: Meta {
            code: "CM-CLASS-001",
            name: "eu-ai-act-classification",
            title: "Class under the EU AI Act",
            severity: Severity::Critical,
            techniques: &[],
            evidence: &["eu-classification-record"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: run_classification,
    };
}

/// Parameters of the requirement states.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct StatesParameters {}

unit! {
    /// ## What it does
    /// Gives every assessable requirement of the five catalogs a state at a date: missing, stale,
    /// gap, evidence-ready, attested, not-applicable or inherited-suggestion, from the sealed
    /// evidence, the open findings, recorded attestations and the classification.
    ///
    /// ## Why it matters
    /// It joins measurements with obligations: each row leads to the evidence behind it. Automatic
    /// evidence ends at evidence-ready; only a named person attests. A failing test makes a gap
    /// that no attestation hides.
    ///
    /// ## References
    /// - EU AI Act, ISO/IEC 42001:2023, NIST AI 100-1, NIST AI 600-1, OECD/LEGAL/0449
    /// - `catalogs/frameworks/evidence-map.yaml` for the rules
    static REQUIREMENT_STATES: Check<StatesInput> = Check {
        meta: Meta {
            code: "CM-STATE-001",
            name: "requirement-states",
            title: "States of all requirements",
            severity: Severity::Info,
            techniques: &[],
            evidence: &[],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::of::<StatesParameters>(),
        run: run_states,
    };
}

/// Checks of the first phase.
pub(crate) static CLASSIFICATION: &[&Check<ClassificationInput>] = &[&EU_CLASSIFICATION];
/// Checks over the results of the others.
pub(crate) static STATES: &[&Check<StatesInput>] = &[&REQUIREMENT_STATES];

/// The manifest's answers, checked.
pub fn answers(system: &LoadedSystem) -> Result<Answers, AssessError> {
    let procedure = &Frameworks::embedded().procedure;
    Answers::new(procedure, &system.manifest.system.eu_ai_act).map_err(|errors| {
        let problems = errors
            .iter()
            .map(|error| {
                let problem = system.problem_at_key(error.name(), error.to_string());
                problem.with_help("`caiso comply classify --questions` lists questions and answers")
            })
            .collect();
        AssessError::Manifest(problems)
    })
}

pub(crate) fn plan_classification(planner: &Planner<'_>) -> Result<Vec<Step>, AssessError> {
    let system = planner.system;
    let canonical = serde_json_canonicalizer::to_vec(&system.manifest.system.eu_ai_act)
        .map_err(caiso_core::StatementError::Canonical)?;
    let subjects = vec![Subject::new("answers:eu-ai-act", caiso_core::sha256_hex(&canonical))];
    if system.manifest.system.eu_ai_act.is_empty() {
        let none = || {
            crate::plan::missing(
                "no question of the EU AI Act classification is answered",
                "answer them under `system.eu_ai_act`; `caiso comply classify --questions` lists them",
            )
        };
        return Ok(planner.without_running(CLASSIFICATION, "", &subjects, none));
    }
    let input = Arc::new(ClassificationInput { answers: answers(system)? });
    let run = |check: &&'static Check<ClassificationInput>| {
        let parameters = planner.parameters(check.meta.code);
        Step::run(check, &input, "", subjects.clone(), parameters)
    };
    Ok(CLASSIFICATION.iter().map(run).collect())
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn run_classification(
    input: &ClassificationInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let found = classify(Frameworks::embedded(), &input.answers);
    let mut outcome = Outcome::default();
    let class = found.headline.map_or("undetermined", Class::title);
    let provisional = if found.provisional { ", provisional" } else { "" };
    outcome.summary = format!("The system is {class}{provisional}.");
    let fact = |name: &str, value: String| (name.to_owned(), value);
    outcome.facts.extend([
        fact("class", found.headline.map_or("undetermined", Class::as_str).to_owned()),
        fact("provisional", if found.provisional { "yes" } else { "no" }.to_owned()),
        fact("law version", found.law_version.clone()),
        fact("procedure version", found.procedure_version.clone()),
        fact("path", path_text(&found)),
        fact("obligations", found.obligations.join(", ")),
    ]);
    if !found.annex_iii_points.is_empty() {
        outcome.facts.insert("annex III points".to_owned(), found.annex_iii_points.join(", "));
    }
    if !found.legal_judgement.is_empty() {
        let facts = found.legal_judgement.join(", ");
        outcome
            .limits
            .push(format!("needs legal judgement and a second person's sign-off: {facts}"));
    }
    outcome.limits.push("an own-words analysis of the law, not legal advice".to_owned());
    for key in &found.prohibited {
        let location = Location {
            component: "system".to_owned(),
            part: Some(key.clone()),
            ..Location::default()
        };
        let message = format!("The answers describe a practice that {key} prohibits.");
        let remediation = "Do not place it on the market or use it; take legal advice, and correct \
            the answers if they are wrong.";
        outcome.findings.push(Finding::of(&EU_CLASSIFICATION.meta, location, message, remediation));
    }
    for open in &found.open {
        let questions: Vec<String> =
            open.unanswered.iter().map(|(fact, ask)| format!("{fact}: {ask}")).collect();
        outcome.not_assessed.push(NotAssessed {
            what: format!("{} ({})", open.question, open.cite.join(", ")),
            reason: "a question is not answered, so the stricter branch was taken".to_owned(),
            remedy: format!("answer under `system.eu_ai_act`: {}", questions.join("; ")),
        });
    }
    Ok(outcome)
}

fn path_text(found: &Classification) -> String {
    let steps = found
        .path
        .iter()
        .filter(|step| !step.emitted.is_empty())
        .map(|step| format!("{} {:?} ({})", step.question, step.answer, step.cite.join(", ")));
    steps.collect::<Vec<_>>().join(" → ")
}

/// States of all requirements for what is known about a system.
pub(crate) fn situation_states(
    as_of: Date,
    classification: Option<&Classification>,
    deployed: &BTreeMap<String, String>,
    evidence: &[EvidenceItem],
    attestations: &[caiso_compliance::Attestation],
) -> Vec<RequirementState> {
    let situation =
        Situation { as_of, classification, deployed, evidence, attestations, not_applicable: &[] };
    caiso_compliance::assess(Frameworks::embedded(), &situation)
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn run_states(input: &StatesInput, _: &Parameters, _: &RunContext) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    let mut words = Vec::new();
    for (framework, counts) in posture(&input.states) {
        for (state, count) in &counts.states {
            outcome.measurements.push(
                Measurement::new(
                    "requirements",
                    *count as f64,
                    "requirements",
                    Direction::Informative,
                    counts.scored as u64,
                )
                .of("framework", &framework)
                .of("state", state.as_str()),
            );
        }
        let of = |state: State| counts.states.get(&state).copied().unwrap_or(0);
        words.push(format!(
            "{framework} {} evidence-ready, {} gap, {} missing",
            of(State::EvidenceReady),
            of(State::Gap),
            of(State::Missing)
        ));
    }
    outcome.summary = format!("At {}: {}.", input.as_of, words.join(" · "));
    outcome.facts.insert("as of".to_owned(), input.as_of.to_string());
    outcome.limits.push(
        "automatic evidence ends at evidence-ready; a named person attests with `caiso attest`"
            .to_owned(),
    );
    Ok(outcome)
}

/// The step that gives the states.
pub(crate) fn states_step(
    planner: &Planner<'_>,
    input: StatesInput,
    subjects: Vec<Subject>,
    skipped: Option<String>,
) -> Step {
    let check = STATES[0];
    let parameters = planner.parameters(check.meta.code);
    let mut step = Step::run(check, &Arc::new(input), "", subjects, parameters);
    if let Some(by) = skipped {
        step.work = Work::Skipped(by);
    }
    step
}
