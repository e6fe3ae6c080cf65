//! Which techniques a finding stands for.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// What a finding says about a technique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A sign or a consequence of it.
    Indicates,
    /// The weakness makes it possible.
    Enables,
    /// The test carried it out.
    Proves,
}

/// How sure the link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Plausible.
    Low,
    /// Likely.
    Medium,
    /// Follows from what the finding is.
    High,
}

/// What an attacker needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// The whole model.
    White,
    /// Part of its knowledge.
    Grey,
    /// Queries.
    Black,
    /// Its surroundings.
    Physical,
    /// What it is built from.
    Supply,
    /// Reach of a service over the network.
    Network,
    /// A foothold in the environment.
    Insider,
}

/// A technique of a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Id of the technique.
    pub id: String,
    /// What the finding says about it.
    pub role: Role,
    /// How sure that is.
    pub confidence: Confidence,
}

/// A kind of finding and its techniques.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappedFinding {
    /// Name: `white-box-evasion`.
    pub finding_id: String,
    /// What was found.
    pub title: String,
    /// Its techniques, the foremost first.
    pub techniques: Vec<Link>,
    /// What must hold for an attack to follow.
    pub preconditions: Vec<String>,
    /// What an attacker needs.
    pub requires_access: Access,
    /// Mitigations whose absence it shows.
    #[serde(default)]
    pub missing_mitigations: Vec<String>,
    /// Entries of the OWASP Top 10 for LLM Applications 2025.
    #[serde(default)]
    pub owasp_llm: Vec<String>,
    /// Codes of the checks that find it; a trailing `*` stands for all with that beginning.
    #[serde(default)]
    pub checks: Vec<String>,
}

/// A mitigation that a check shows at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MitigationShown {
    /// Id of the mitigation.
    pub mitigation: String,
    /// Code of the check whose passing run shows it.
    pub check: String,
}

/// All mapped findings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Version of ATLAS that the ids are from.
    pub atlas_version: String,
    /// Mitigations that checks show.
    pub mitigations: Vec<MitigationShown>,
    /// The findings.
    pub findings: Vec<MappedFinding>,
}

static EMBEDDED: LazyLock<Mapping> = LazyLock::new(|| {
    serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/mapping.json")))
        .expect("the embedded data is checked by a test")
});

impl Mapping {
    /// The mapping built into caiso; loaded at first use.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Kinds of findings that the check finds.
    pub fn of_check(&self, code: &str) -> impl Iterator<Item = &MappedFinding> {
        self.findings.iter().filter(move |finding| {
            finding.checks.iter().any(|check| match check.strip_suffix('*') {
                Some(start) => code.starts_with(start),
                None => check == code,
            })
        })
    }

    /// Techniques of a finding of the check, the strongest link of each, sorted by id.
    pub fn techniques_of(&self, code: &str) -> Vec<Link> {
        let mut links: Vec<Link> =
            self.of_check(code).flat_map(|finding| finding.techniques.iter().cloned()).collect();
        links.sort_by(|a, b| {
            a.id.cmp(&b.id).then((b.role, b.confidence).cmp(&(a.role, a.confidence)))
        });
        links.dedup_by(|later, first| later.id == first.id);
        links
    }
}
