//! Evidence kinds: what they support, how far, how long, and which checks yield them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How far an evidence kind goes for one requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coverage {
    /// Background; never changes a state.
    Context,
    /// Proves a part.
    Partial,
    /// Is the record that is asked for, in form; adequacy stays a human judgement.
    Full,
}

/// The evidence map.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceMap {
    /// Rules, counts, authorship.
    #[serde(rename = "evidence_map")]
    pub about: AboutEvidenceMap,
    /// The kinds.
    pub kinds: Vec<EvidenceKind>,
}

/// Identity and rules of the evidence map.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AboutEvidenceMap {
    /// Id.
    pub id: String,
    /// Version of this data.
    pub data_version: String,
    /// Day it was last checked.
    pub checked_on: jiff::civil::Date,
    /// Meaning of the coverages.
    pub coverage_vocabulary: BTreeMap<String, String>,
    /// Rules that states follow.
    pub rules: Vec<String>,
    /// Counts, which a test compares with the links.
    pub counts: BTreeMap<String, u64>,
    /// Assessable items by framework.
    pub assessable_by_framework: BTreeMap<String, u64>,
    /// Items without any automatic evidence, by framework.
    pub attest_only: BTreeMap<String, Vec<String>>,
    /// How NIST AI 600-1 actions inherit.
    pub note_600_1: String,
    /// Who made the links.
    pub author: String,
}

/// One kind of evidence.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceKind {
    /// Id: `model-file-scan`.
    pub id: String,
    /// Title.
    pub title: String,
    /// Part of the workbench that yields it.
    pub produced_by: String,
    /// Formats it comes in.
    pub formats: Vec<String>,
    /// When it must be renewed.
    pub refresh: Refresh,
    /// What a complete record states.
    pub minimum_fields: Vec<String>,
    /// What a person still has to say.
    pub human_must_attest: Vec<String>,
    /// Requirements it supports.
    pub supports: Vec<Support>,
}

/// When evidence must be renewed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// Event that asks for new evidence.
    pub trigger: String,
    /// Days after which it is stale.
    pub max_age_days: u32,
}

/// One requirement that a kind supports.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Support {
    /// Key of the requirement.
    pub requirement: String,
    /// How far.
    pub coverage: Coverage,
}

/// Which evidence kind a run of a check is evidence of.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckEvidence {
    /// Code of the check; a trailing `*` stands for all codes with that beginning.
    pub check: String,
    /// The kind.
    pub kind: String,
    /// Minimum fields of the kind that the run supplies.
    pub supplies: Vec<String>,
}

impl CheckEvidence {
    /// Whether this row speaks of the check.
    pub fn matches(&self, code: &str) -> bool {
        matches_pattern(&self.check, code)
    }
}

/// Equality, or the same beginning if the pattern ends in `*`.
pub(crate) fn matches_pattern(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}
