//! Threats: which ATLAS techniques the assessment tested, found, or never looked at.

use std::sync::Arc;

use caiso_core::{
    Check, CheckError, Direction, Finding, Measurement, Meta, Outcome, ParameterSet, Parameters,
    RunContext, Severity, Subject, unit,
};
use caiso_threat::{
    Assessed, Atlas, CheckRun, Coverage, Mapping, RunResult, TechniqueStatus, coverage,
};

use crate::plan::Planner;
use crate::step::{Step, Work};

/// Runs and findings of the first phase.
pub(crate) struct CoverageInput {
    pub(crate) runs: Vec<(&'static Meta, RunResult)>,
    pub(crate) findings: Vec<Finding>,
}

impl CoverageInput {
    /// Coverage of every technique.
    pub(crate) fn coverage(&self) -> Coverage {
        let runs: Vec<CheckRun<'_>> = self
            .runs
            .iter()
            .map(|(meta, result)| CheckRun {
                check: meta.code,
                result: *result,
                techniques: meta.techniques,
            })
            .collect();
        let assessed = Assessed { runs: &runs, findings: &self.findings };
        coverage(Atlas::embedded(), Mapping::embedded(), assessed)
    }
}

unit! {
    /// ## What it does
    /// Maps every finding to the MITRE ATLAS techniques that it proves, enables or indicates, and
    /// says for each technique whether a check of this assessment could have found it.
    ///
    /// ## Why it matters
    /// A list of findings says nothing about what nobody looked for. Untested techniques are
    /// listed as untested, never as absent.
    ///
    /// ## References
    /// - MITRE ATLAS, <https://atlas.mitre.org>
    /// - `catalogs/atlas/mapping.yaml` for the mapping
    static ATLAS_COVERAGE: Check<CoverageInput> = Check {
        meta: Meta {
            code: "TH-ATLAS-001",
            name: "atlas-coverage",
            title: "Coverage of MITRE ATLAS techniques",
            severity: Severity::Info,
            techniques: &[],
            evidence: &["threat-model"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run,
    };
}

/// Checks over the results of the others.
pub(crate) static COVERAGE: &[&Check<CoverageInput>] = &[&ATLAS_COVERAGE];

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn run(input: &CoverageInput, _: &Parameters, _: &RunContext) -> Result<Outcome, CheckError> {
    let found = input.coverage();
    let total = found.techniques.len();
    let mut outcome = Outcome::default();
    for (status, count) in &found.counts {
        outcome.measurements.push(
            Measurement::new(
                "techniques",
                *count as f64,
                "techniques",
                Direction::Informative,
                total as u64,
            )
            .of("state", word(*status)),
        );
    }
    let count = |status| found.counts.get(&status).copied().unwrap_or(0);
    outcome.summary = format!(
        "Of {total} techniques {} were found, {} only indicated, {} tested without a finding, {} not tested.",
        count(TechniqueStatus::Found),
        count(TechniqueStatus::Indicated),
        count(TechniqueStatus::Tested),
        count(TechniqueStatus::Untested),
    );
    outcome.facts.insert("ATLAS version".to_owned(), found.atlas_version.clone());
    outcome.limits.push("an untested technique is unknown, not absent".to_owned());
    Ok(outcome)
}

/// The word of a status in figures and reports.
pub(crate) fn word(status: TechniqueStatus) -> &'static str {
    match status {
        TechniqueStatus::Found | TechniqueStatus::Indicated => "found",
        TechniqueStatus::Tested => "tested",
        TechniqueStatus::Untested => "untested",
    }
}

/// The step that gives the coverage.
pub(crate) fn step(
    planner: &Planner<'_>,
    input: CoverageInput,
    subjects: Vec<Subject>,
    skipped: Option<String>,
) -> Step {
    let check = COVERAGE[0];
    let parameters = planner.parameters(check.meta.code);
    let mut step = Step::run(check, &Arc::new(input), "", subjects, parameters);
    if let Some(by) = skipped {
        step.work = Work::Skipped(by);
    }
    step
}
