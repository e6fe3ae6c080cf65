//! Plan, run, seal, judge.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use caiso_core::manifest::Acceptance;
use caiso_core::{
    CheckError, Finding, Meta, NotAssessed, Outcome, Parameters, Statement, Subject, sha256_hex,
};
use caiso_ledger::{Link, to_canonical};
use caiso_report::{CheckResult, CheckStatus, LedgerHead, Report};
use caiso_robustness::campaign_key;
use caiso_store::{Assessment as AssessmentState, Change, Disclose, Entry, Evidence, Store};
use jiff::civil::Date;

use crate::assemble::{self, Done};
use crate::plan::{self, Planner, Selection};
use crate::step::{Ended, Step, Work, execute};
use crate::{AssessError, LoadedSystem, parameters};

/// What an assessment is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Seed of every random stream, at most 2^53.
    pub seed: u64,
    /// Date the obligations are judged at.
    pub as_of: Date,
    /// Only checks whose code matches one of these; empty for all.
    pub only: Vec<String>,
    /// Not the checks whose code matches one of these.
    pub skip: Vec<String>,
    /// Run everything again.
    pub fresh: bool,
    /// Longest time for one check.
    pub budget: Duration,
    /// A JSON report; only findings that are new or worse than there fail the gate.
    pub baseline: Option<PathBuf>,
    /// Who runs this: `user:ada`.
    pub actor: String,
    /// Command line, for the report.
    pub command: String,
    /// Processors used, for the report.
    pub threads: usize,
    /// Digest of the program, so that another build takes nothing from the cache.
    pub program: String,
}

/// A sealed assessment.
#[derive(Debug)]
pub struct Assessment {
    /// The report, with the ledger's head.
    pub report: Report,
    /// The receipt that proves the report, for rendering.
    pub receipt: String,
    /// Number of the report's record.
    pub seq: u64,
}

/// What is happening.
#[derive(Debug)]
pub enum Event<'a> {
    /// The plan stands.
    Planned {
        /// Checks that will run or come from the cache.
        applies: usize,
        /// Checks that apply but lack something.
        missing: usize,
        /// Checks that do not apply.
        not_applicable: usize,
    },
    /// A check begins.
    Started {
        /// Its code.
        code: &'static str,
        /// Its component.
        component: &'a str,
    },
    /// A check has ended.
    Finished(&'a CheckResult),
    /// The report is being sealed.
    Sealing,
}

/// Takes a system through every check that applies, seals the results and judges them.
pub fn assess(
    system: &LoadedSystem,
    store: &Store,
    options: &Options,
    progress: &mut dyn FnMut(&Event<'_>),
) -> Result<Assessment, AssessError> {
    let start = Instant::now();
    let selection = Selection { only: &options.only, skip: &options.skip };
    plan::validate(&selection)?;
    validate_acceptances(system, options.as_of)?;
    let baseline = options.baseline.as_deref().map(read_report).transpose()?;
    let resolved = parameters::resolve(system)?;
    let planner = Planner { system, parameters: &resolved };
    let mut steps = plan::plan(&planner)?;
    plan::select(&mut steps, &selection);
    progress(&planned(&steps));

    let mut session = Session { system, store, options, progress, done: Vec::new() };
    for step in steps {
        session.take(step)?;
    }
    let previous = assemble::previous_report(store, system)?;
    let assembled = assemble::posture(
        &mut session,
        &planner,
        &selection,
        baseline.as_ref(),
        previous.as_ref(),
    )?;
    let Session { progress, done, .. } = session;
    progress(&Event::Sealing);
    let duration = start.elapsed();
    let mut report = assemble::report(system, options, &done, assembled, duration);
    let statement = report.statement().map_err(caiso_core::StatementError::Canonical)?;
    let body = report.without_ledger();
    let sealed = store.append(Entry {
        actor: options.actor.clone(),
        action: "assessment".to_owned(),
        object: format!("system:{}", report.system),
        outcome: Some(report.verdict.as_str().to_owned()),
        links: done
            .iter()
            .filter_map(|done| done.seq)
            .map(|seq| Link { rel: "evidence".to_owned(), seq })
            .collect(),
        statement: to_canonical("statement", &statement).map_err(caiso_store::StoreError::from)?,
        change: Some(Change::Assessment(AssessmentState {
            system: report.system.clone(),
            report: serde_json::to_string(&body).map_err(caiso_core::StatementError::Canonical)?,
        })),
    })?;
    let receipt = store.prove(sealed.seq, Disclose::Body)?;
    let head = LedgerHead::of_receipt(&receipt, store.verifier_key());
    report.ledger = Some(head.map_err(caiso_store::StoreError::from)?);
    Ok(Assessment { report, receipt: receipt.to_string(), seq: sealed.seq })
}

/// Component and result of a check that was run alone.
pub type SingleRun = (String, Result<Outcome, CheckError>);

/// Runs one check with parameters of its own; nothing is sealed.
pub fn run_one(
    system: &LoadedSystem,
    code: &str,
    overrides: &serde_json::Map<String, serde_json::Value>,
    seed: u64,
    budget: Duration,
) -> Result<Vec<SingleRun>, AssessError> {
    let mut resolved = parameters::resolve(system)?;
    let registry = crate::registry();
    let Some(check) = registry.iter().find(|check| check.meta.code == code) else {
        let near = caiso_core::nearest(code, registry.iter().map(|check| check.meta.code));
        let suggestion = near.map(str::to_owned);
        return Err(AssessError::NoSuchCheck { pattern: code.to_owned(), suggestion });
    };
    let mut values = resolved[check.meta.code].as_json().as_object().cloned().unwrap_or_default();
    values.extend(overrides.clone());
    let parameters = check.parameters.resolve(&values);
    resolved.insert(
        check.meta.code,
        parameters.map_err(|e| {
            AssessError::Answers(format!("{code}: {e}; `caiso checks {code}` shows its parameters"))
        })?,
    );
    let planner = Planner { system, parameters: &resolved };
    let steps = plan::plan(&planner)?.into_iter().filter(|step| step.meta.code == code);
    Ok(steps
        .map(|step| {
            let result = match step.work {
                Work::Run(job) | Work::Sealed(job) => match execute(job, seed, budget).0 {
                    Ended::Outcome(outcome) => Ok(*outcome),
                    Ended::Incomplete { reason, remedy } => {
                        Err(CheckError::not_assessable(reason, remedy))
                    }
                },
                Work::Missing(error) => Err(error),
                Work::NotApplicable(reason) | Work::Skipped(reason) => {
                    Err(CheckError::not_assessable(reason, ""))
                }
            };
            (step.component, result)
        })
        .collect())
}

fn planned(steps: &[Step]) -> Event<'static> {
    let count = |of: fn(&Work) -> bool| steps.iter().filter(|step| of(&step.work)).count();
    Event::Planned {
        applies: count(|work| matches!(work, Work::Run(_))),
        missing: count(|work| matches!(work, Work::Missing(_))),
        not_applicable: count(|work| matches!(work, Work::NotApplicable(_))),
    }
}

fn validate_acceptances(system: &LoadedSystem, as_of: Date) -> Result<(), AssessError> {
    let mut problems = Vec::new();
    for Acceptance { expires, .. } in &system.manifest.gate.accepted {
        let problem = |text: String| system.problem(expires, text);
        match expires.parse::<Date>() {
            Err(_) => problems
                .push(problem(format!("`{}` is not a date, expected YYYY-MM-DD", expires.value))),
            Ok(date) if as_of.saturating_add(jiff::Span::new().years(1)) < date => {
                problems.push(problem(format!("{date} is more than one year ahead")));
            }
            Ok(_) => {}
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(AssessError::Manifest(problems)) }
}

fn read_report(path: &Path) -> Result<Report, AssessError> {
    let bytes = std::fs::read(path)
        .map_err(|source| AssessError::Read { path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes)
        .map_err(|source| AssessError::Baseline { path: path.to_owned(), source })
}

/// A run in progress.
pub(crate) struct Session<'a> {
    pub(crate) system: &'a LoadedSystem,
    pub(crate) store: &'a Store,
    pub(crate) options: &'a Options,
    progress: &'a mut dyn FnMut(&Event<'_>),
    pub(crate) done: Vec<Done>,
}

impl Session<'_> {
    /// Runs a step, or takes its result from an earlier run, and seals it.
    pub(crate) fn take(&mut self, step: Step) -> Result<(), AssessError> {
        let Step { meta, component, subjects, parameters, work } = step;
        (self.progress)(&Event::Started { code: meta.code, component: &component });
        let mut done = match work {
            Work::Skipped(reason) => Done::without(meta, component, CheckStatus::Skipped, reason),
            Work::NotApplicable(reason) => {
                Done::without(meta, component, CheckStatus::NotApplicable, reason)
            }
            Work::Missing(error) => {
                let outcome = not_assessed(meta, &error);
                self.seal(meta, component, subjects, &parameters, outcome, None)?
            }
            Work::Sealed(_) => {
                let campaign = self.cached(meta, &component, &campaign_key(&subjects))?;
                campaign.unwrap_or_else(|| {
                    let reason = "no campaign was run on this model and data; `caiso redteam model` runs one";
                    let reason = reason.to_owned();
                    Done::without(meta, component, CheckStatus::NotApplicable, reason)
                })
            }
            Work::Run(job) => {
                let key = self.cache_key(meta, &subjects, &parameters)?;
                let cached =
                    if self.options.fresh { None } else { self.cached(meta, &component, &key)? };
                if let Some(done) = cached {
                    done
                } else {
                    let (ended, took) = execute(job, self.options.seed, self.options.budget);
                    let (outcome, key) = match ended {
                        Ended::Outcome(outcome) => (*outcome, Some(key)),
                        Ended::Incomplete { reason, remedy } => {
                            let error = CheckError::not_assessable(reason, remedy);
                            (not_assessed(meta, &error), None)
                        }
                    };
                    let mut done =
                        self.seal(meta, component, subjects, &parameters, outcome, key)?;
                    done.duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                    done
                }
            }
        };
        done.parameters.get_or_insert_with(|| parameters.as_json().clone());
        (self.progress)(&Event::Finished(&done.result()));
        self.done.push(done);
        Ok(())
    }

    fn statement(
        &self,
        meta: &Meta,
        subjects: Vec<Subject>,
        parameters: &Parameters,
        outcome: Outcome,
    ) -> Statement {
        let parameters = parameters.as_json().clone();
        Statement::new(meta.code, subjects, parameters, self.options.seed, outcome)
    }

    /// Everything the result depends on, the program included.
    fn cache_key(
        &self,
        meta: &Meta,
        subjects: &[Subject],
        parameters: &Parameters,
    ) -> Result<String, AssessError> {
        let mut inputs = self
            .statement(meta, subjects.to_vec(), parameters, Outcome::default())
            .to_canonical()?;
        inputs.extend_from_slice(self.options.program.as_bytes());
        Ok(sha256_hex(&inputs))
    }

    fn cached(
        &self,
        meta: &'static Meta,
        component: &str,
        key: &str,
    ) -> Result<Option<Done>, AssessError> {
        let Some((seq, evidence)) = self.store.cached_evidence(key)? else { return Ok(None) };
        let shown = self.store.show(seq)?;
        let Some(opening) = shown.opening else { return Ok(None) };
        let statement = serde_json::from_slice::<Statement>(opening.envelope.unverified_payload());
        let statement = statement.ok();
        Ok(statement.map(|statement| Done {
            seq: Some(seq),
            digest: evidence.digest,
            cached: true,
            sealed_on: Some(shown.record.time),
            subjects: statement.subject,
            parameters: Some(statement.predicate.parameters),
            ..Done::with(meta, component.to_owned(), Box::new(statement.predicate.outcome))
        }))
    }

    fn seal(
        &self,
        meta: &'static Meta,
        component: String,
        subjects: Vec<Subject>,
        parameters: &Parameters,
        outcome: Outcome,
        cache_key: Option<String>,
    ) -> Result<Done, AssessError> {
        let statement = self.statement(meta, subjects, parameters, outcome);
        seal(self.store, &self.options.actor, meta, component, statement, cache_key)
    }
}

/// Writes a result to the ledger.
pub(crate) fn seal(
    store: &Store,
    actor: &str,
    meta: &'static Meta,
    component: String,
    statement: Statement,
    cache_key: Option<String>,
) -> Result<Done, AssessError> {
    let bytes = statement.to_canonical()?;
    let digest = sha256_hex(&bytes);
    let done = Done::with(meta, component, Box::new(statement.predicate.outcome));
    let about = if done.component.is_empty() { "system" } else { &done.component };
    let sealed = store.append(Entry {
        actor: actor.to_owned(),
        action: "evidence".to_owned(),
        object: format!("{} {about}", meta.code),
        outcome: Some(done.status.as_str().to_owned()),
        links: Vec::new(),
        statement: bytes,
        change: cache_key
            .map(|cache_key| Change::Evidence(Evidence { cache_key, digest: digest.clone() })),
    })?;
    let seq = Some(sealed.seq);
    let sealed_on = Some(sealed.time);
    Ok(Done { seq, digest, sealed_on, subjects: statement.subject, ..done })
}

/// The outcome of a check that could not run.
fn not_assessed(meta: &Meta, error: &CheckError) -> Outcome {
    let (reason, remedy) = match error {
        CheckError::NotAssessable { reason, remedy } => (reason.clone(), remedy.clone()),
        other => (other.to_string(), String::new()),
    };
    Outcome {
        summary: format!("Not assessed: {reason}."),
        not_assessed: vec![NotAssessed { what: meta.title.to_owned(), reason, remedy }],
        ..Outcome::default()
    }
}

/// Findings of all results.
pub(crate) fn findings(done: &[Done]) -> Vec<Finding> {
    done.iter().flat_map(|done| done.outcome.findings.clone()).collect()
}
