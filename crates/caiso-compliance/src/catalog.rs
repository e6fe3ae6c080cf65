//! A framework as a catalog of requirements.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One framework: who publishes it, where the data came from, and its items.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Edition, sources, caveats.
    #[serde(rename = "catalog")]
    pub about: About,
    /// Items in the framework's order; parents come before their children.
    #[serde(rename = "items")]
    pub requirements: Vec<Requirement>,
}

/// Identity and provenance of a catalog.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// First part of every key: `eu-ai-act`.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Who publishes the framework.
    pub publisher: String,
    /// Edition the items follow.
    pub edition: String,
    /// Version of this data.
    pub data_version: String,
    /// Licence of the framework's text and nature of ours.
    pub text_licence: String,
    /// Day the sources were last checked.
    pub checked_on: Date,
    /// Sources read.
    pub sources: Vec<Source>,
    /// Published counts, which a test compares with the items.
    pub counts: BTreeMap<String, u64>,
    /// What a reader must know before relying on the data.
    pub caveats: Vec<String>,
    /// Words the items use.
    #[serde(default)]
    pub vocabulary: serde_json::Map<String, serde_json::Value>,
}

/// A source of a catalog.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Short name.
    pub id: String,
    /// Title.
    pub title: String,
    /// Address.
    pub url: String,
    /// `primary` or `secondary`.
    pub kind: String,
    /// What it was used for.
    #[serde(default)]
    pub note: String,
}

/// An item of a framework: a requirement, or a heading above requirements.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Second part of the key: `art-15-5`.
    pub id: String,
    /// How the framework cites it: `Art. 15(5)`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The item above.
    pub parent: Option<String>,
    /// `article`, `control`, `subcategory` …
    pub kind: String,
    /// Title, in own words.
    pub title: String,
    /// Summary, in own words.
    pub summary: String,
    /// Roles it addresses.
    pub roles: Vec<String>,
    /// Dates, each with its condition.
    pub applies_from: Vec<AppliesFrom>,
    /// Whether it can have a state of its own.
    pub assessable: bool,
    /// What can show it.
    pub evidence_mode: EvidenceMode,
    /// Whether its date is certain.
    pub certainty: Certainty,
    /// Why it is not.
    #[serde(default)]
    pub certainty_note: Option<String>,
    /// Where it is written.
    pub source: Citation,
    /// Version of the text.
    pub version: String,
    /// Act that last changed it.
    #[serde(default)]
    pub amended_by: Option<String>,
    /// Generative AI risks (NIST AI 600-1).
    #[serde(default)]
    pub risks: Vec<String>,
    /// Characteristics of trustworthy AI (NIST AI RMF).
    #[serde(default)]
    pub characteristics: Vec<String>,
    /// Article that sets the fine.
    #[serde(default)]
    pub penalty: Option<String>,
    /// Deadlines, amounts and thresholds.
    #[serde(default)]
    pub data: serde_json::Map<String, serde_json::Value>,
}

/// From when an item applies, and to whom that date belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliesFrom {
    /// The date; none if no date is fixed.
    pub date: Option<Date>,
    /// The condition, in words of the catalog.
    pub when: String,
}

/// What can show that a requirement is taken care of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceMode {
    /// Checks can produce most of the evidence.
    Auto,
    /// Evidence and the statement of a person.
    Hybrid,
    /// The statement of a person only.
    Attest,
    /// Not assessable.
    None,
}

/// Whether the law settles a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// Settled.
    Certain,
    /// More than one reading is held; all dates are shown.
    Uncertain,
}

/// A place in the source text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Citation {
    /// Citation.
    pub citation: String,
    /// Address.
    pub url: String,
}
