//! All catalogs with what connects them, loaded once and checked for dangling references.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::applicability::Condition;
use crate::catalog::{Catalog, Requirement};
use crate::evidence::{CheckEvidence, Coverage, EvidenceKind, EvidenceMap};
use crate::procedure::Procedure;

/// Catalog data that contradicts itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// Not the shape that is expected.
    #[error("catalog file {file} does not have the expected shape")]
    Shape {
        /// The file.
        file: &'static str,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// Two items with one key.
    #[error("two requirements have the key {key}")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// A reference to something that does not exist.
    #[error("{from} refers to {to}, which does not exist")]
    Dangling {
        /// Who refers.
        from: String,
        /// To what.
        to: String,
    },
    /// A condition of a date that the engine does not know.
    #[error("requirement {key} applies under the unknown condition \"{when}\"")]
    UnknownCondition {
        /// The requirement.
        key: String,
        /// The condition.
        when: String,
    },
    /// A decision procedure that cannot be walked.
    #[error("classification procedure: {problem}")]
    Procedure {
        /// What is wrong.
        problem: String,
    },
}

/// Relations between requirements of different frameworks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crosswalk {
    /// Bases, vocabulary and caveats.
    #[serde(rename = "crosswalk")]
    pub about: serde_json::Map<String, serde_json::Value>,
    /// Relations between characteristics and requirements.
    pub characteristic_pairs: Vec<serde_json::Map<String, serde_json::Value>>,
    /// Relations between requirements.
    pub pairs: Vec<Pair>,
}

/// Two requirements that ask for related work. Evidence may be suggested across a pair; a state
/// never passes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Key of the one.
    pub source: String,
    /// Key of the other.
    pub target: String,
    /// Relationship of the OSCAL mapping model: `intersects-with`.
    pub relationship: String,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// Who found it: an id of the crosswalk's bases.
    pub basis: String,
    /// Correction or remark.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Five catalogs, the crosswalk, the evidence map and the classification procedure.
#[derive(Debug)]
pub struct Frameworks {
    /// The catalogs.
    pub catalogs: Vec<Catalog>,
    /// Relations between them.
    pub crosswalk: Crosswalk,
    /// Evidence kinds.
    pub evidence: EvidenceMap,
    /// Which check yields which kind.
    pub check_evidence: Vec<CheckEvidence>,
    /// The EU AI Act classification.
    pub procedure: Procedure,
    /// Key to catalog and requirement.
    index: BTreeMap<String, (usize, usize)>,
    /// Keys that have children.
    parents: BTreeSet<String>,
    /// Key to the kinds that support it.
    supports: BTreeMap<String, Vec<(usize, Coverage)>>,
    /// Key to keys across the crosswalk.
    neighbours: BTreeMap<String, BTreeSet<String>>,
}

/// The files of a [`Frameworks`] as JSON, in the shape of the YAML files in `catalogs/`.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The catalogs, name and content.
    pub catalogs: &'a [(&'static str, &'a str)],
    /// `crosswalk.yaml`.
    pub crosswalk: &'a str,
    /// `evidence-map.yaml`.
    pub evidence: &'a str,
    /// `check-evidence.yaml`.
    pub check_evidence: &'a str,
    /// `eu-classification.yaml`.
    pub procedure: &'a str,
}

macro_rules! embedded {
    ($name:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/", $name, ".json"))
    };
}

/// Id of the catalog that the classification procedure cites.
const AI_ACT: &str = "eu-ai-act";

impl Sources<'static> {
    /// The catalogs built into caiso.
    pub const EMBEDDED: Self = Self {
        catalogs: &[
            ("nist-ai-rmf", embedded!("nist-ai-rmf")),
            ("nist-ai-600-1", embedded!("nist-ai-600-1")),
            ("iso-42001", embedded!("iso-42001")),
            ("eu-ai-act", embedded!("eu-ai-act")),
            ("oecd-ai", embedded!("oecd-ai")),
        ],
        crosswalk: embedded!("crosswalk"),
        evidence: embedded!("evidence-map"),
        check_evidence: embedded!("check-evidence"),
        procedure: embedded!("eu-classification"),
    };
}

static EMBEDDED: LazyLock<Frameworks> = LazyLock::new(|| {
    Frameworks::load(Sources::EMBEDDED).expect("the embedded catalogs are checked by a test")
});

impl Frameworks {
    /// The catalogs built into caiso; loaded at first use.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Loads and checks catalogs.
    pub fn load(sources: Sources<'_>) -> Result<Self, CatalogError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct ProcedureFile {
            procedure: Procedure,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct CheckEvidenceFile {
            checks: Vec<CheckEvidence>,
        }

        let catalogs = sources
            .catalogs
            .iter()
            .map(|&(file, text)| read::<Catalog>(file, text))
            .collect::<Result<Vec<_>, _>>()?;
        let mut index = BTreeMap::new();
        let mut parents = BTreeSet::new();
        for (c, catalog) in catalogs.iter().enumerate() {
            for (r, requirement) in catalog.requirements.iter().enumerate() {
                let key = key_of(catalog, &requirement.id);
                if let Some(parent) = &requirement.parent {
                    let parent = key_of(catalog, parent);
                    if !index.contains_key(&parent) {
                        return Err(CatalogError::Dangling { from: key, to: parent });
                    }
                    parents.insert(parent);
                }
                for applies in &requirement.applies_from {
                    if Condition::of(&applies.when).is_none() {
                        let when = applies.when.clone();
                        return Err(CatalogError::UnknownCondition { key, when });
                    }
                }
                if index.insert(key.clone(), (c, r)).is_some() {
                    return Err(CatalogError::DuplicateKey { key });
                }
            }
        }
        let known = |from: &str, to: &str| {
            let exists = index.contains_key(to).then_some(());
            exists
                .ok_or_else(|| CatalogError::Dangling { from: from.to_owned(), to: to.to_owned() })
        };

        let crosswalk: Crosswalk = read("crosswalk", sources.crosswalk)?;
        let mut neighbours: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for Pair { source, target, .. } in &crosswalk.pairs {
            known("crosswalk", source)?;
            known("crosswalk", target)?;
            neighbours.entry(source.clone()).or_default().insert(target.clone());
            neighbours.entry(target.clone()).or_default().insert(source.clone());
        }

        let evidence: EvidenceMap = read("evidence-map", sources.evidence)?;
        let mut supports: BTreeMap<String, Vec<(usize, Coverage)>> = BTreeMap::new();
        for (k, kind) in evidence.kinds.iter().enumerate() {
            for support in &kind.supports {
                known(&kind.id, &support.requirement)?;
                supports
                    .entry(support.requirement.clone())
                    .or_default()
                    .push((k, support.coverage));
            }
        }

        let CheckEvidenceFile { checks } = read("check-evidence", sources.check_evidence)?;
        for row in &checks {
            let dangling =
                |to: &str| CatalogError::Dangling { from: row.check.clone(), to: to.to_owned() };
            let kind = evidence.kinds.iter().find(|kind| kind.id == row.kind);
            let kind = kind.ok_or_else(|| dangling(&row.kind))?;
            if let Some(field) =
                row.supplies.iter().find(|field| !kind.minimum_fields.contains(field))
            {
                return Err(dangling(field));
            }
        }

        let ProcedureFile { procedure } = read("eu-classification", sources.procedure)?;
        procedure
            .validate(|item| index.contains_key(&Self::ai_act_key(item)))
            .map_err(|problem| CatalogError::Procedure { problem })?;

        Ok(Self {
            catalogs,
            crosswalk,
            evidence,
            check_evidence: checks,
            procedure,
            index,
            parents,
            supports,
            neighbours,
        })
    }

    /// The requirement with this key, with its catalog.
    pub fn requirement(&self, key: &str) -> Option<(&Catalog, &Requirement)> {
        let &(c, r) = self.index.get(key)?;
        let catalog = self.catalogs.get(c)?;
        Some((catalog, catalog.requirements.get(r)?))
    }

    /// Every key with its catalog and requirement, in the frameworks' order.
    pub fn requirements(&self) -> impl Iterator<Item = (String, &Catalog, &Requirement)> {
        self.catalogs.iter().flat_map(|catalog| {
            catalog
                .requirements
                .iter()
                .map(move |requirement| (key_of(catalog, &requirement.id), catalog, requirement))
        })
    }

    /// Whether something lies below the requirement.
    pub fn has_children(&self, key: &str) -> bool {
        self.parents.contains(key)
    }

    /// Evidence kinds that support the requirement, background left out.
    pub fn kinds_for(&self, key: &str) -> impl Iterator<Item = (&EvidenceKind, Coverage)> {
        self.supports
            .get(key)
            .into_iter()
            .flatten()
            .filter(|(_, coverage)| *coverage > Coverage::Context)
            .filter_map(|&(kind, coverage)| Some((self.evidence.kinds.get(kind)?, coverage)))
    }

    /// Keys of requirements that ask for related work, in both directions of the crosswalk.
    pub fn neighbours(&self, key: &str) -> impl Iterator<Item = &str> {
        self.neighbours.get(key).into_iter().flatten().map(String::as_str)
    }

    /// Keys of requirements that a run of the check is evidence for, background left out. For a
    /// finding of the check these are the requirements it puts in doubt.
    pub fn requirements_of_check(&self, code: &str) -> BTreeSet<&str> {
        self.check_evidence
            .iter()
            .filter(|row| row.matches(code))
            .filter_map(|row| self.evidence.kinds.iter().find(|kind| kind.id == row.kind))
            .flat_map(|kind| &kind.supports)
            .filter(|support| support.coverage > Coverage::Context)
            .map(|support| support.requirement.as_str())
            .collect()
    }

    /// Key of an item of the AI Act.
    pub(crate) fn ai_act_key(item: &str) -> String {
        format!("{AI_ACT}:{item}")
    }

    /// Citation of an item of the AI Act.
    pub(crate) fn ai_act_reference(&self, item: &str) -> String {
        self.requirement(&Self::ai_act_key(item))
            .map_or_else(|| item.to_owned(), |(_, requirement)| requirement.reference.clone())
    }

    /// Key of the item above.
    pub(crate) fn parent_of(&self, key: &str) -> Option<String> {
        let (catalog, requirement) = self.requirement(key)?;
        Some(key_of(catalog, requirement.parent.as_deref()?))
    }

    /// Key of the NIST AI RMF subcategory above an action of NIST AI 600-1.
    pub(crate) fn subcategory_of_action(&self, key: &str) -> Option<String> {
        let (catalog, action) = self.requirement(key).filter(|(_, item)| item.kind == "action")?;
        let parent = key_of(catalog, action.parent.as_deref()?);
        let (_, group) = self.requirement(&parent)?;
        let subcategory = group.data.get("rmf_subcategory")?.as_str()?;
        Some(subcategory.to_owned())
    }

    /// Whether the catalog is the AI Act, whose items depend on the classification.
    pub(crate) fn is_ai_act(catalog: &Catalog) -> bool {
        catalog.about.id == AI_ACT
    }
}

fn key_of(catalog: &Catalog, item: &str) -> String {
    format!("{}:{item}", catalog.about.id)
}

fn read<T: DeserializeOwned>(file: &'static str, text: &str) -> Result<T, CatalogError> {
    serde_json::from_str(text).map_err(|source| CatalogError::Shape { file, source })
}
