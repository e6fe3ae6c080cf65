//! What is known about a system on the date of assessment.

use std::collections::BTreeMap;

use caiso_core::Subject;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::classify::Classification;

/// Everything that requirement states rest on.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// The date of assessment. Later evidence and attestations are not seen.
    pub as_of: Date,
    /// Classification under the EU AI Act, if one was made.
    pub classification: Option<&'a Classification>,
    /// SHA-256 of what is deployed now, by subject name.
    pub deployed: &'a BTreeMap<String, String>,
    /// Sealed evidence, in any order.
    pub evidence: &'a [EvidenceItem],
    /// Statements of named people.
    pub attestations: &'a [Attestation],
    /// Recorded decisions that a requirement does not apply.
    pub not_applicable: &'a [NotApplicable],
}

/// One sealed run of a check, or a document that a person recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceItem {
    /// Sequence number in the ledger.
    pub seq: u64,
    /// Code of the check; the evidence kinds follow from it.
    pub check: String,
    /// Kinds of a recorded document, besides those of the check.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Day it was sealed.
    pub sealed_on: Date,
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// How the run ended.
    pub run: Run,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Run {
    /// Without a finding that the policy counts.
    Passed,
    /// With findings.
    Failed(Vec<FailedFinding>),
    /// It could not assess what it should, for this reason.
    Incomplete(String),
}

/// A finding of a failed run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailedFinding {
    /// Code of the finding.
    pub code: String,
    /// The recorded acceptance of its risk, if there is one.
    #[serde(default)]
    pub accepted: Option<RiskAcceptance>,
}

/// A person has accepted a risk for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskAcceptance {
    /// Who.
    pub approver: String,
    /// Why.
    pub reason: String,
    /// Last day it holds.
    pub expires: Date,
}

/// A named person states that a requirement is taken care of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// Key of the requirement.
    pub requirement: String,
    /// Who.
    pub person: String,
    /// In which role.
    pub role: String,
    /// When.
    pub date: Date,
    /// Last day it holds.
    pub expires: Date,
    /// Sequence numbers of the evidence the person looked at.
    #[serde(default)]
    pub evidence: Vec<u64>,
}

/// A decision that a requirement does not apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotApplicable {
    /// Key of the requirement.
    pub requirement: String,
    /// Why.
    pub reason: String,
    /// Who approved it.
    pub approver: String,
}
