//! The counts that every output shows.

use caiso_core::{Section, Severity};

use crate::{CheckStatus, FindingState, Report};

/// Counts of one section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionTally {
    /// The section.
    pub section: Section,
    /// Checks that ran without a finding above `info`.
    pub passed: usize,
    /// Checks with a finding above `info`.
    pub failed: usize,
    /// Checks that apply and could not be assessed.
    pub not_assessed: usize,
    /// Checks left out on request.
    pub skipped: usize,
    /// Checks that do not apply.
    pub not_applicable: usize,
    /// Worst severity among the findings that nobody accepted.
    pub worst: Option<Severity>,
}

/// What a section amounts to, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionState {
    /// A check failed.
    Failed,
    /// Nothing failed; some checks were not assessed, others passed.
    Partial,
    /// Checks apply, none was assessed.
    NotAssessed,
    /// No check applies or all were skipped.
    Empty,
    /// Every check that applies passed.
    Passed,
}

impl SectionTally {
    /// Worst severity above `info` among the findings that nobody accepted.
    pub fn worst_open(&self) -> Option<Severity> {
        self.worst.filter(|worst| *worst > Severity::Info)
    }

    /// Word for the worst open finding: a severity, `accepted` if nothing of what failed is open,
    /// or a dash.
    pub fn worst_word(&self) -> &'static str {
        match (self.worst_open(), self.failed) {
            (Some(worst), _) => worst.as_str(),
            (None, 1..) => "accepted",
            (None, 0) => "-",
        }
    }

    /// What the counts amount to. Only something assessed can pass.
    pub fn state(&self) -> SectionState {
        match (self.passed, self.failed, self.not_assessed) {
            (_, 1.., _) => SectionState::Failed,
            (0, 0, 1..) => SectionState::NotAssessed,
            (0, 0, 0) => SectionState::Empty,
            (_, 0, 1..) => SectionState::Partial,
            (_, 0, 0) => SectionState::Passed,
        }
    }
}

impl Report {
    /// Counts by section, in report order.
    pub fn tally(&self) -> [SectionTally; 6] {
        Section::ALL.map(|section| SectionTally {
            section,
            passed: self.count(section, CheckStatus::Passed),
            failed: self.count(section, CheckStatus::Failed),
            not_assessed: self.count(section, CheckStatus::Incomplete),
            skipped: self.count(section, CheckStatus::Skipped),
            not_applicable: self.count(section, CheckStatus::NotApplicable),
            worst: self
                .findings
                .iter()
                .filter(|found| found.section == section && found.state != FindingState::Accepted)
                .map(|found| found.finding.severity)
                .max(),
        })
    }

    /// Number of findings, accepted ones among them, by severity, worst first.
    pub fn severities(&self) -> [(Severity, usize); 5] {
        Severity::WORST_FIRST.map(|severity| {
            let of = |found: &&crate::ReportedFinding| found.finding.severity == severity;
            (severity, self.findings.iter().filter(of).count())
        })
    }

    /// Number of checks with this status.
    pub fn total(&self, status: CheckStatus) -> usize {
        self.checks.iter().filter(|check| check.status == status).count()
    }

    /// Number of findings that someone accepted.
    pub fn accepted(&self) -> usize {
        self.findings.iter().filter(|found| found.state == FindingState::Accepted).count()
    }
}
