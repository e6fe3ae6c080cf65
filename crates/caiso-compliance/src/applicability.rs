//! Whether a requirement applies to a system, from when, and how sure that is.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Certainty, Requirement};
use crate::classify::{Class, Classification};
use crate::evidence::matches_pattern;
use crate::frameworks::Frameworks;

/// Whether a requirement is in force on the date of assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InForce {
    /// Not yet, by any reading.
    No,
    /// By one reading, not by another.
    Uncertain,
    /// Yes, by every reading.
    Yes,
}

/// Whether a requirement applies to the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applies {
    /// It does, or nothing says that it does not.
    Yes,
    /// The final classification excludes it, for this reason.
    No(String),
    /// The classification is missing or provisional; treated as applying.
    Undetermined,
}

/// From when a requirement applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applicability {
    /// Whether it applies at all.
    pub applies: Applies,
    /// Earliest date by any reading; none if no date fits the system.
    pub from: Option<Date>,
    /// Latest date by any reading; differs from `from` only when the date is uncertain.
    pub by: Option<Date>,
    /// In force on the date of assessment?
    pub in_force: InForce,
    /// Whether the law settles the date.
    pub certainty: Certainty,
}

/// Conditions of the dates in the catalogs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Always,
    HighRiskAnnexIii,
    HighRiskAnnexI,
    /// Article 111(2); depends on facts that the classification does not ask.
    LegacyPublicAuthority,
    LiteralReading,
    ReadingAnnexIii,
    ReadingAnnexI,
    ModelSince2025,
    /// Article 111(3).
    ModelBefore2025,
    SystemSince2026,
    /// Article 111(4).
    SystemBefore2026,
}

impl Condition {
    pub(crate) fn of(when: &str) -> Option<Self> {
        Some(match when {
            "always"
            | "voluntary; publication date"
            | "voluntary; publication"
            | "non-binding; current amended text"
            | "national sandboxes must be operational" => Self::Always,
            "high-risk under Art. 6(2)/Annex III" => Self::HighRiskAnnexIii,
            "high-risk under Art. 6(1)/Annex I" => Self::HighRiskAnnexI,
            "legacy high-risk system intended for public authorities (Art. 111(2))" => {
                Self::LegacyPublicAuthority
            }
            "literal reading: section/chapter not deferred" => Self::LiteralReading,
            "reading: bites with Annex III high-risk regime" => Self::ReadingAnnexIii,
            "reading: bites with Annex I high-risk regime" => Self::ReadingAnnexI,
            "model placed on market on or after 2025-08-02" => Self::ModelSince2025,
            "model placed on market before 2025-08-02 (Art. 111(3))" => Self::ModelBefore2025,
            "system placed on market on or after 2026-08-02" => Self::SystemSince2026,
            "system placed on market before 2026-08-02 (Art. 111(4))" => Self::SystemBefore2026,
            _ => return None,
        })
    }

    /// Whether the date belongs to the system; without a final classification every date may.
    fn holds(self, classification: Option<&Classification>) -> bool {
        let Some(found) = classification else { return self != Self::LegacyPublicAuthority };
        let annex_iii = found.is(Class::HighRiskAnnexIii) || found.is(Class::AnnexIiiDerogated);
        let annex_i = found.is(Class::HighRiskAnnexIA) || found.is(Class::HighRiskAnnexIB);
        let undecided = found.provisional;
        match self {
            Self::Always | Self::LiteralReading | Self::ModelSince2025 | Self::ModelBefore2025 => {
                true
            }
            Self::LegacyPublicAuthority => false,
            Self::HighRiskAnnexIii | Self::ReadingAnnexIii => annex_iii || undecided,
            Self::HighRiskAnnexI | Self::ReadingAnnexI => annex_i || undecided,
            Self::SystemSince2026 => found.answers.bool("placed_before_2026_08_02") != Some(true),
            Self::SystemBefore2026 => found.answers.bool("placed_before_2026_08_02") != Some(false),
        }
    }
}

/// Whether and from when the requirement with this key applies on `as_of`, given the
/// classification of the system under the EU AI Act. Returns `None` for an unknown key.
pub fn applicability(
    frameworks: &Frameworks,
    classification: Option<&Classification>,
    key: &str,
    as_of: Date,
) -> Option<Applicability> {
    let (catalog, requirement) = frameworks.requirement(key)?;
    let scope = Scope::new(frameworks, classification);
    Some(scope.of(catalog, requirement, as_of))
}

/// What a classification says about every item, worked out once.
pub(crate) struct Scope<'a> {
    frameworks: &'a Frameworks,
    classification: Option<&'a Classification>,
    roles: BTreeSet<&'static str>,
    decided: BTreeSet<&'a str>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        frameworks: &'a Frameworks,
        classification: Option<&'a Classification>,
    ) -> Self {
        Self {
            frameworks,
            classification,
            roles: classification.map(roles).unwrap_or_default(),
            decided: frameworks.procedure.decided(),
        }
    }

    pub(crate) fn of(
        &self,
        catalog: &Catalog,
        requirement: &Requirement,
        as_of: Date,
    ) -> Applicability {
        let applies = if Frameworks::is_ai_act(catalog) {
            self.applies(catalog, requirement)
        } else {
            Applies::Yes
        };
        let dates = |wanted: &dyn Fn(Condition) -> bool| -> Vec<Date> {
            requirement
                .applies_from
                .iter()
                .filter(|applies| {
                    Condition::of(&applies.when).is_some_and(|condition| {
                        wanted(condition) && condition.holds(self.classification)
                    })
                })
                .filter_map(|applies| applies.date)
                .collect()
        };
        let from = dates(&|_| true).into_iter().min();
        // Alternatives that the law leaves open: by the later reading, by the later placement.
        let readings = dates(&|condition| {
            matches!(condition, Condition::ReadingAnnexIii | Condition::ReadingAnnexI)
        });
        let placement = dates(&|condition| {
            matches!(condition, Condition::ModelBefore2025 | Condition::SystemBefore2026)
        });
        let by = readings.into_iter().min().or_else(|| placement.into_iter().max()).or(from);
        let in_force = match (from, by) {
            (Some(from), _) if as_of < from => InForce::No,
            (Some(_), Some(by)) if as_of < by => InForce::Uncertain,
            (Some(_), _) => InForce::Yes,
            (None, _) => InForce::No,
        };
        let certainty = if from == by { Certainty::Certain } else { Certainty::Uncertain };
        let certainty = match requirement.certainty {
            Certainty::Uncertain => Certainty::Uncertain,
            Certainty::Certain => certainty,
        };
        Applicability { applies, from, by, in_force, certainty }
    }

    fn applies(&self, catalog: &Catalog, requirement: &Requirement) -> Applies {
        let Some(found) = self.classification else { return Applies::Undetermined };
        match self.exclusion(catalog, requirement, found) {
            // A provisional result must not release anybody from anything.
            _ if found.provisional => Applies::Undetermined,
            None => Applies::Yes,
            Some(reason) => Applies::No(reason),
        }
    }

    /// Why the item does not apply to a system of this class and role.
    fn exclusion(
        &self,
        catalog: &Catalog,
        requirement: &Requirement,
        found: &Classification,
    ) -> Option<String> {
        let class = found.headline.map_or("unclassified", Class::title);
        if matches!(found.headline, Some(Class::OutOfScope | Class::Excluded)) {
            let kept = matches!(requirement.id.as_str(), "art-2" | "art-2-1" | "art-3-1");
            return (!kept).then(|| format!("the system is {class}"));
        }
        let rules = &self.frameworks.procedure.applicability;
        let condition =
            rules.only_if.iter().find(|(item, _)| matches_pattern(item, &requirement.id));
        if let Some((_, tags)) = condition
            && !tags.iter().any(|tag| found.emitted.contains(tag))
        {
            return Some(format!("it applies only with {}", tags.join(" or ")));
        }
        let mut governed = false;
        for item in line(catalog, requirement) {
            let carriers = rules
                .carried
                .iter()
                .filter(|(_, carried)| carried.iter().any(|pattern| matches_pattern(pattern, item)))
                .map(|(carrier, _)| carrier.as_str());
            let governors: Vec<&str> = carriers.chain(self.decided.get(item).copied()).collect();
            if governors
                .iter()
                .any(|item| found.obligations.contains(&Frameworks::ai_act_key(item)))
            {
                return None;
            }
            governed |= !governors.is_empty();
        }
        if governed {
            return Some("the answers give no such duty".to_owned());
        }
        if !requirement.roles.iter().any(|role| self.roles.contains(role.as_str())) {
            return Some(format!("it addresses {} only", requirement.roles.join(", ")));
        }
        let conditions = requirement.applies_from.iter().filter_map(|at| Condition::of(&at.when));
        if !conditions.into_iter().any(|condition| condition.holds(Some(found))) {
            return Some(format!("no date of it fits a system that is {class}"));
        }
        None
    }
}

/// The item and everything above it, nearest first.
fn line<'a>(catalog: &'a Catalog, requirement: &'a Requirement) -> Vec<&'a str> {
    let mut line = vec![requirement.id.as_str()];
    let mut parent = requirement.parent.as_deref();
    while let Some(id) = parent {
        line.push(id);
        let above = catalog.requirements.iter().find(|item| item.id == id);
        parent = above.and_then(|item| item.parent.as_deref());
    }
    line
}

/// Roles of the AI Act that the answers say are held.
fn roles(found: &Classification) -> BTreeSet<&'static str> {
    const HELD: [&str; 6] = [
        "provider",
        "deployer",
        "importer",
        "distributor",
        "authorised_representative",
        "product_manufacturer",
    ];
    let answers = &found.answers;
    let mut roles: BTreeSet<&'static str> =
        HELD.into_iter().filter(|role| answers.has("roles", role)).collect();
    roles.insert("any_operator");
    if answers.choice("art25_trigger").is_some_and(|trigger| trigger != "none") {
        roles.insert("provider");
    }
    if found.flags.iter().any(|flag| flag.starts_with("gpai")) {
        roles.insert("gpai_provider");
    }
    if found.flags.iter().any(|flag| flag == "gpai_systemic") {
        roles.insert("gpai_systemic_provider");
    }
    roles
}
