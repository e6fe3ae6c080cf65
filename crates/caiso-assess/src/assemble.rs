//! From results to posture and report.

use std::time::Duration;

use caiso_compliance::{
    Attestation, Classification, EvidenceItem, FailedFinding, Frameworks, RequirementState,
    RiskAcceptance, Run, State, classify, posture as count_states,
};
use caiso_core::{Finding, Meta, Outcome, Severity, Subject};
use caiso_report::{
    Attestation as AttestationRow, CheckResult, CheckStatus, EvidenceRow, FindingState, Report,
    ReportedFinding, Reproduction, Skill,
};
use caiso_store::Store;
use caiso_threat::RunResult;
use jiff::{Timestamp, tz::TimeZone};

use crate::assess::{Options, Session, findings};
use crate::gate::{self, Earlier};
use crate::plan::{Planner, Selection, skipped_by};
use crate::rows::{classification_row, coverage_rows, does_not_say, requirement_row, scope};
use crate::sections::{compliance, threats};
use crate::{AssessError, LoadedSystem};

/// A check that ended, sealed or not.
pub(crate) struct Done {
    pub(crate) meta: &'static Meta,
    pub(crate) component: String,
    pub(crate) status: CheckStatus,
    pub(crate) outcome: Box<Outcome>,
    pub(crate) reason: Option<String>,
    pub(crate) seq: Option<u64>,
    pub(crate) digest: String,
    pub(crate) cached: bool,
    pub(crate) duration_ms: u64,
    pub(crate) sealed_on: Option<Timestamp>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) parameters: Option<serde_json::Value>,
}

impl Done {
    /// A check with an outcome.
    pub(crate) fn with(meta: &'static Meta, component: String, outcome: Box<Outcome>) -> Self {
        let status = if outcome.worst().is_some_and(|worst| worst > Severity::Info) {
            CheckStatus::Failed
        } else if outcome.not_assessed.is_empty() {
            CheckStatus::Passed
        } else {
            CheckStatus::Incomplete
        };
        Self {
            meta,
            component,
            status,
            outcome,
            reason: None,
            seq: None,
            digest: String::new(),
            cached: false,
            duration_ms: 0,
            sealed_on: None,
            subjects: Vec::new(),
            parameters: None,
        }
    }

    /// A check that did not run and does not count as evidence.
    pub(crate) fn without(
        meta: &'static Meta,
        component: String,
        status: CheckStatus,
        reason: String,
    ) -> Self {
        let done = Self::with(meta, component, Box::default());
        Self { status, reason: Some(reason), ..done }
    }

    /// The row of the report.
    pub(crate) fn result(&self) -> CheckResult {
        let outcome = &self.outcome;
        let first = outcome.not_assessed.first();
        CheckResult {
            code: self.meta.code.to_owned(),
            title: self.meta.title.to_owned(),
            section: self.meta.section(),
            component: self.component.clone(),
            status: self.status,
            duration_ms: self.duration_ms,
            cached: self.cached,
            summary: outcome.summary.clone(),
            reason: self
                .reason
                .clone()
                .or_else(|| first.map(|not_assessed| not_assessed.reason.clone())),
            remedy: first.map(|not_assessed| not_assessed.remedy.clone()),
            caution: None,
            parameters: self.parameters.clone().unwrap_or_default(),
            measurements: outcome.measurements.clone(),
            figures: outcome.figures.clone(),
            not_assessed: outcome.not_assessed.clone(),
            limits: outcome.limits.clone(),
            facts: outcome.facts.clone(),
        }
    }
}

/// Everything that follows from the results.
pub(crate) struct Assembled {
    findings: Vec<ReportedFinding>,
    judged: (
        caiso_report::GateResult,
        Vec<caiso_report::SuppressionNote>,
        Option<caiso_report::Changes>,
    ),
    classification: Option<Classification>,
    states: Vec<RequirementState>,
    coverage: caiso_threat::Coverage,
    attestations: Vec<AttestationRow>,
}

/// The last sealed report of the system, if it can be read.
pub(crate) fn previous_report(
    store: &Store,
    system: &LoadedSystem,
) -> Result<Option<Report>, AssessError> {
    let Some(seq) = store.assessments(&system.manifest.system.name)?.into_iter().next() else {
        return Ok(None);
    };
    // An older version's report may have another form; then nothing is compared.
    Ok(serde_json::from_str(&store.assessment(seq)?.report).ok())
}

/// The second phase: gate, coverage, requirement states.
pub(crate) fn posture(
    session: &mut Session<'_>,
    planner: &Planner<'_>,
    selection: &Selection<'_>,
    baseline: Option<&Report>,
    previous: Option<&Report>,
) -> Result<Assembled, AssessError> {
    let as_of = session.options.as_of;
    let skill = skill(&session.done);
    let mut reported = reported_findings(&session.done, &skill);
    let earlier = match (baseline, previous) {
        (Some(report), _) => {
            let since = format!("the baseline of {}", report.assessed_at);
            Some(Earlier { report, since, lets_through: true })
        }
        (None, Some(report)) => {
            let since = format!("the report of {}", report.assessed_at);
            Some(Earlier { report, since, lets_through: false })
        }
        (None, None) => None,
    };
    let done = &session.done;
    let assessed = |finding: &Finding| {
        done.iter().any(|done| {
            done.meta.code == finding.code
                && done.component == finding.location.component
                && matches!(done.status, CheckStatus::Passed | CheckStatus::Failed)
                && done.outcome.not_assessed.is_empty()
        })
    };
    let gate = &session.system.manifest.gate;
    let judged = gate::judge(gate, as_of, &mut reported, earlier.as_ref(), &assessed);

    let subjects: Vec<Subject> = session
        .done
        .iter()
        .filter(|done| done.seq.is_some())
        .map(|done| {
            let about = if done.component.is_empty() { "system" } else { &done.component };
            Subject::new(format!("evidence:{}:{about}", done.meta.code), &done.digest)
        })
        .collect();
    let input = threats::CoverageInput {
        runs: session
            .done
            .iter()
            .filter_map(|done| Some((done.meta, run_result(done.status)?)))
            .collect(),
        findings: findings(&session.done),
    };
    let coverage = input.coverage();
    let skipped = skipped_by("TH-ATLAS-001", selection);
    session.take(threats::step(planner, input, subjects.clone(), skipped))?;

    let classification = if session.system.manifest.system.eu_ai_act.is_empty() {
        None
    } else {
        let answers = compliance::answers(session.system)?;
        Some(classify(Frameworks::embedded(), &answers))
    };
    let attestations = attestations(session.store, session.system)?;
    let evidence: Vec<EvidenceItem> =
        session.done.iter().filter_map(|done| evidence_item(done, &reported)).collect();
    let deployed = session
        .done
        .iter()
        .flat_map(|done| &done.subjects)
        .map(|subject| (subject.name.clone(), subject.sha256().to_owned()))
        .collect();
    let found: Vec<Attestation> = attestations.iter().filter_map(attestation).collect();
    let states =
        compliance::situation_states(as_of, classification.as_ref(), &deployed, &evidence, &found);
    for found in &mut reported {
        found
            .requirements
            .retain(|key| !states.iter().any(|s| s.key == *key && s.state == State::NotApplicable));
    }
    let input = compliance::StatesInput { as_of, states: states.clone() };
    let mut subjects = subjects;
    // The states depend on the date, on attestations and on the age of evidence.
    subjects.push(Subject::new("requirement-states", basis_of(&states)));
    let skipped = skipped_by("CM-STATE-001", selection);
    session.take(compliance::states_step(planner, input, subjects, skipped))?;
    Ok(Assembled { findings: reported, judged, classification, states, coverage, attestations })
}

/// Digest of key and state of every requirement, without sequence numbers: equal inputs give an
/// equal digest in every ledger.
fn basis_of(states: &[RequirementState]) -> String {
    let lines: String = states.iter().map(|s| format!("{} {}\n", s.key, s.state)).collect();
    caiso_core::sha256_hex(lines.as_bytes())
}

/// The report of an assessment, not yet sealed.
pub(crate) fn report(
    system: &LoadedSystem,
    options: &Options,
    done: &[Done],
    assembled: Assembled,
    duration: Duration,
) -> Report {
    let Assembled { findings, judged, classification, states, coverage, attestations } = assembled;
    let (gate, suppressions, changes) = judged;
    let skill = skill(done);
    let mut checks: Vec<CheckResult> = done.iter().map(Done::result).collect();
    for check in &mut checks {
        check.caution = caution(&check.code, &check.component, &skill);
    }
    checks.sort_by(|a, b| {
        (a.section, &a.code, &a.component).cmp(&(b.section, &b.code, &b.component))
    });
    let (verdict, sentence) = gate::verdict(&gate, &checks);
    let assessed_at = Timestamp::now();
    let manifest = &system.manifest;
    Report {
        format: 1,
        verdict,
        sentence,
        system: manifest.system.name.value.clone(),
        as_of: options.as_of.to_string(),
        assessed_at: format!("{assessed_at:.0}"),
        seed: options.seed,
        scope: scope(system, done),
        classification: classification.as_ref().map(classification_row),
        skill,
        checks,
        findings,
        suppressions,
        evidence: done
            .iter()
            .filter_map(|done| {
                Some(EvidenceRow {
                    code: done.meta.code.to_owned(),
                    component: done.component.clone(),
                    seq: done.seq?,
                    digest: done.digest.clone(),
                })
            })
            .collect(),
        posture: count_states(&states)
            .into_iter()
            .map(|(framework, counts)| {
                let counts = counts.states.iter();
                (framework, counts.map(|(s, n)| (s.as_str().to_owned(), *n as u64)).collect())
            })
            .collect(),
        requirements: states.iter().filter(|state| state.scored).map(requirement_row).collect(),
        threats: coverage_rows(&coverage),
        attestations,
        gate,
        changes,
        does_not_say: does_not_say(system),
        reproduce: Reproduction {
            tool_version: caiso_core::TOOL_VERSION.to_owned(),
            command: options.command.clone(),
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            threads: options.threads as u64,
        },
        ledger: None,
    }
}

pub(crate) fn run_result(status: CheckStatus) -> Option<RunResult> {
    match status {
        CheckStatus::Passed => Some(RunResult::Passed),
        CheckStatus::Failed => Some(RunResult::Failed),
        CheckStatus::Incomplete => Some(RunResult::Incomplete),
        CheckStatus::Skipped | CheckStatus::NotApplicable => None,
    }
}

fn skill(done: &[Done]) -> Vec<Skill> {
    done.iter()
        .filter(|done| done.meta.code == "EV-SKILL-001" && done.component.starts_with("model:"))
        .map(|done| Skill {
            model: done.component.trim_start_matches("model:").to_owned(),
            has_skill: done.outcome.facts.get(caiso_evals::HAS_SKILL).map(|word| word == "yes"),
            sentence: match &done.reason {
                Some(reason) => format!("Not measured: {reason}."),
                None => done.outcome.summary.clone(),
            },
        })
        .collect()
}

/// What a reader of a behavioural result must know about the model's skill.
fn caution(code: &str, component: &str, skill: &[Skill]) -> Option<String> {
    if !code.starts_with("RB-") && !code.starts_with("FA-") {
        return None;
    }
    let model = component.strip_prefix("model:")?;
    let skill = skill.iter().find(|skill| skill.model == model)?;
    match skill.has_skill {
        Some(true) => None,
        Some(false) => Some(
            "The model is not better than a constant predictor: this result says little."
                .to_owned(),
        ),
        None => Some("Whether the model has skill was not measured.".to_owned()),
    }
}

fn reported_findings(done: &[Done], skill: &[Skill]) -> Vec<ReportedFinding> {
    let frameworks = Frameworks::embedded();
    let mut all: Vec<ReportedFinding> = done
        .iter()
        .flat_map(|done| done.outcome.findings.iter().map(move |finding| (done, finding)))
        .map(|(done, finding)| ReportedFinding {
            section: done.meta.section(),
            requirements: frameworks
                .requirements_of_check(&finding.code)
                .into_iter()
                .map(str::to_owned)
                .collect(),
            state: FindingState::New,
            fingerprint: finding.fingerprint(),
            evidence: done.seq,
            breaks_gate: false,
            accepted: None,
            caution: caution(done.meta.code, &done.component, skill),
            finding: finding.clone(),
        })
        .collect();
    all.sort_by(|a, b| {
        let place =
            |f: &ReportedFinding| (f.section, f.finding.code.clone(), f.finding.location.clone());
        b.finding.severity.cmp(&a.finding.severity).then_with(|| place(a).cmp(&place(b)))
    });
    all
}

pub(crate) fn evidence_item(done: &Done, reported: &[ReportedFinding]) -> Option<EvidenceItem> {
    let failed = || {
        reported
            .iter()
            .filter(|found| found.evidence == done.seq && found.finding.severity > Severity::Info)
            .map(|found| FailedFinding {
                code: found.finding.code.clone(),
                accepted: found.accepted.as_ref().and_then(|accepted| {
                    Some(RiskAcceptance {
                        approver: accepted.approver.clone(),
                        reason: accepted.reason.clone(),
                        expires: accepted.expires.parse().ok()?,
                    })
                }),
            })
            .collect()
    };
    Some(EvidenceItem {
        seq: done.seq?,
        check: done.meta.code.to_owned(),
        kinds: Vec::new(),
        sealed_on: day(done.sealed_on?),
        subjects: done.subjects.clone(),
        run: match done.status {
            CheckStatus::Passed => Run::Passed,
            CheckStatus::Failed => Run::Failed(failed()),
            _ => Run::Incomplete(done.result().reason.unwrap_or_default()),
        },
    })
}

fn day(time: Timestamp) -> jiff::civil::Date {
    TimeZone::UTC.to_datetime(time).date()
}

/// What named people have attested about a system.
pub(crate) fn attestations(
    store: &Store,
    system: &LoadedSystem,
) -> Result<Vec<AttestationRow>, AssessError> {
    let mut rows = Vec::new();
    for (seq, found) in store.attestations(&system.manifest.system.name)? {
        rows.push(AttestationRow {
            requirement: found.requirement,
            person: found.who,
            role: found.role,
            statement: found.statement,
            time: format!("{:.0}", store.show(seq)?.record.time),
            expires: found.expires,
            seq,
        });
    }
    Ok(rows)
}

pub(crate) fn attestation(row: &AttestationRow) -> Option<Attestation> {
    let date = day(row.time.parse().ok()?);
    Some(Attestation {
        requirement: row.requirement.clone(),
        person: row.person.clone(),
        role: row.role.clone(),
        date,
        expires: row
            .expires
            .as_deref()
            .and_then(|day| day.parse().ok())
            .unwrap_or(jiff::civil::Date::MAX),
        evidence: Vec::new(),
    })
}
