//! The report as one value. Every renderer reads it and nothing else, so that counts, verdict
//! and codes cannot differ between them.

use std::collections::BTreeMap;

use caiso_core::{Figure, Finding, Measurement, NotAssessed, Section, Severity, Subject};
use serde::{Deserialize, Serialize};

/// One assessment of one system at one date. Serialised, it is the JSON output of
/// `caiso assess`; without `ledger` it is the body that the ledger seals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this format; 1.
    pub format: u32,
    /// The gate's answer.
    pub verdict: Verdict,
    /// The verdict in one sentence with its counts.
    pub sentence: String,
    /// Name of the system.
    pub system: String,
    /// Date the obligations are judged at, `YYYY-MM-DD`.
    pub as_of: String,
    /// When the assessment was made, RFC 3339 UTC.
    pub assessed_at: String,
    /// Seed of every random stream.
    pub seed: u64,
    /// What was assessed.
    pub scope: Scope,
    /// Class under the EU AI Act.
    pub classification: Option<Classification>,
    /// Whether each model is better than a constant predictor.
    pub skill: Vec<Skill>,
    /// Every check that applies or was skipped, in section order, with what it yielded.
    pub checks: Vec<CheckResult>,
    /// Weaknesses, worst first.
    pub findings: Vec<ReportedFinding>,
    /// Acceptances that are unused, expired or about to expire.
    pub suppressions: Vec<SuppressionNote>,
    /// Where each result is sealed.
    pub evidence: Vec<EvidenceRow>,
    /// Framework id to requirement state to count.
    pub posture: BTreeMap<String, BTreeMap<String, u64>>,
    /// The requirements behind `posture`, in catalog order.
    pub requirements: Vec<RequirementRow>,
    /// Coverage of ATLAS techniques, in matrix order.
    pub threats: Vec<Coverage>,
    /// What named people have attested.
    pub attestations: Vec<Attestation>,
    /// The policy and how it was met.
    pub gate: GateResult,
    /// Difference to the last sealed report or the baseline.
    pub changes: Option<Changes>,
    /// What this report does not say.
    pub does_not_say: Vec<String>,
    /// How to get the same digests again.
    pub reproduce: Reproduction,
    /// Head of the ledger that includes this report; absent in the sealed body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerHead>,
}

/// The gate's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing fails and everything that applies was assessed.
    Pass,
    /// A gate rule is broken.
    Fail,
    /// Nothing fails, but something that applies could not be assessed.
    Incomplete,
}

/// What happened to a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckStatus {
    /// Ran, no finding above `info`.
    Passed,
    /// Ran, at least one finding above `info`.
    Failed,
    /// Applies, but was not or only partly assessed; `reason` says why. A check that also has
    /// findings is `failed`, with what it could not assess listed.
    Incomplete,
    /// Left out by `--only` or `--skip`.
    Skipped,
    /// Does not apply to this system; `reason` says why.
    NotApplicable,
}

/// What was assessed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    /// Name for people.
    pub title: String,
    /// Intended purpose.
    pub purpose: String,
    /// Uses it is not meant for.
    pub out_of_scope: Vec<String>,
    /// Who answers for it.
    pub owner: String,
    /// Where it is in its life.
    pub stage: String,
    /// Roles of the organisation under the EU AI Act (`provider`, `deployer`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Its parts.
    pub components: Vec<ComponentSummary>,
}

/// A model, dataset, endpoint or deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComponentSummary {
    /// `model`, `dataset`, `endpoint`, `deployment`.
    pub kind: String,
    /// Name in the manifest.
    pub name: String,
    /// Path or address.
    pub path: String,
    /// Digest, for files that were read.
    pub subject: Option<Subject>,
    /// Facts in words: `rows` = `952`, `format` = `ONNX`.
    pub facts: BTreeMap<String, String>,
}

/// Class under the EU AI Act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// Class id: `high_risk_annex_iii`.
    pub class: String,
    /// The class in words.
    pub title: String,
    /// Articles on the decisive path.
    pub citations: Vec<String>,
    /// Facts are open; the stricter branch was taken.
    pub provisional: bool,
    /// Questions that must be answered to settle it.
    pub open_questions: Vec<String>,
    /// Version of the law the procedure follows.
    pub law_version: String,
}

/// Whether a model is better than a constant predictor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Skill {
    /// Name of the model.
    pub model: String,
    /// `None` when it could not be measured.
    pub has_skill: Option<bool>,
    /// One sentence with the numbers.
    pub sentence: String,
}

/// A check and what it yielded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Code.
    pub code: String,
    /// Title for people.
    pub title: String,
    /// Section.
    pub section: Section,
    /// Component it ran on: `model:classifier`; empty for the whole system.
    pub component: String,
    /// What happened.
    pub status: CheckStatus,
    /// Wall time of the run in milliseconds; 0 for checks that did not run.
    pub duration_ms: u64,
    /// Taken from an earlier run with the same inputs.
    pub cached: bool,
    /// The answer in one sentence.
    pub summary: String,
    /// Why it is incomplete, skipped or not applicable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What would change that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// A caution that belongs to every reading of this result (the model has no skill).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caution: Option<String>,
    /// Complete parameters of the run.
    pub parameters: serde_json::Value,
    /// Values.
    pub measurements: Vec<Measurement>,
    /// Figures.
    pub figures: Vec<Figure>,
    /// What it could not assess.
    pub not_assessed: Vec<NotAssessed>,
    /// Assumptions and blind spots.
    pub limits: Vec<String>,
    /// Descriptive facts.
    pub facts: BTreeMap<String, String>,
}

/// Whether a finding is news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingState {
    /// Not in the last sealed report or baseline, or there is none.
    New,
    /// Known before.
    Known,
    /// Known, and worse beyond the interval.
    Worse,
    /// Accepted by someone until a date.
    Accepted,
}

/// A finding with its context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportedFinding {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// Section of its check.
    pub section: Section,
    /// Requirement keys that it bears on: `eu-ai-act:art-15-5`.
    pub requirements: Vec<String>,
    /// News or not.
    pub state: FindingState,
    /// Stable identity from run to run.
    pub fingerprint: String,
    /// Sequence number of the evidence.
    pub evidence: Option<u64>,
    /// It breaks the gate.
    pub breaks_gate: bool,
    /// Who accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    /// The model it concerns has no skill, or the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caution: Option<String>,
}

/// An acceptance of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Why.
    pub reason: String,
    /// By whom.
    pub approver: String,
    /// Last day.
    pub expires: String,
}

/// A remark on an acceptance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionNote {
    /// `SUP-001` unused, `SUP-002` expired, `SUP-003` expires within 30 days.
    pub code: String,
    /// In words.
    pub message: String,
}

/// Where a result is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRow {
    /// Code of the check.
    pub code: String,
    /// Component it is about.
    pub component: String,
    /// Sequence number in the ledger, from 0.
    pub seq: u64,
    /// SHA-256 of the statement; equal inputs give an equal digest.
    pub digest: String,
}

/// A requirement and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequirementRow {
    /// `eu-ai-act:art-15-5`.
    pub key: String,
    /// How the framework cites it.
    pub reference: String,
    /// Our title.
    pub title: String,
    /// State word of the vocabulary.
    pub state: String,
    /// Why, in words.
    pub why: String,
    /// From when it applies, `YYYY-MM-DD`.
    pub applies_from: Option<String>,
    /// Sequence numbers of supporting evidence.
    pub evidence: Vec<u64>,
    /// What a person still has to attest.
    pub to_attest: Vec<String>,
}

/// A tactic with its techniques.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Tactic id.
    pub tactic: String,
    /// Tactic name.
    pub name: String,
    /// Techniques in matrix order.
    pub techniques: Vec<TechniqueCell>,
}

/// A technique and how far it was tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TechniqueCell {
    /// Technique id.
    pub id: String,
    /// Name.
    pub name: String,
    /// `found`, `tested`, `untested`.
    pub state: String,
    /// Codes of the checks that tested it or found it.
    pub checks: Vec<String>,
}

/// What a named person stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// Requirement key.
    pub requirement: String,
    /// Who.
    pub person: String,
    /// In which role.
    pub role: String,
    /// What was stated.
    pub statement: String,
    /// When, RFC 3339 UTC.
    pub time: String,
    /// Last day it holds.
    pub expires: Option<String>,
    /// Sequence number of the record.
    pub seq: u64,
}

/// The policy and how it was met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateResult {
    /// Findings at or above this severity fail.
    pub fail_on: Severity,
    /// Broken rules in words, one for each check that fails the gate.
    pub broken: Vec<String>,
    /// With a baseline only new or worse findings fail; how many known ones were let through.
    pub let_through: u64,
}

/// Difference to an earlier report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// What it is compared with, in words.
    pub since: String,
    /// Findings that are new (`code location`).
    pub new: Vec<String>,
    /// Findings that are gone.
    pub fixed: Vec<String>,
    /// Findings that became worse.
    pub worse: Vec<String>,
}

/// How to get the same digests again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reproduction {
    /// Version of caiso.
    pub tool_version: String,
    /// Command line.
    pub command: String,
    /// Wall time of the whole run in milliseconds.
    pub duration_ms: u64,
    /// Processors used.
    pub threads: u64,
}

/// Head of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerHead {
    /// Number of records.
    pub size: u64,
    /// Root hash in hexadecimal.
    pub root: String,
    /// The signed checkpoint (C2SP signed note).
    pub checkpoint: String,
    /// Verifier key of the ledger (`name+id+key`).
    pub key: String,
}

impl Report {
    /// Checks of a section with this status.
    pub fn count(&self, section: Section, status: CheckStatus) -> usize {
        self.checks
            .iter()
            .filter(|check| check.section == section && check.status == status)
            .count()
    }

    /// The body that the ledger seals: the report without the ledger's head.
    #[must_use]
    pub fn without_ledger(&self) -> Self {
        Self { ledger: None, ..self.clone() }
    }
}
