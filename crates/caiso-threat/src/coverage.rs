//! What an assessment says about each technique: tested, found, mitigated, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use caiso_core::{Finding, Severity};
use serde::{Deserialize, Serialize};

use crate::atlas::{Atlas, Maturity};
use crate::mapping::{Confidence, Link, Mapping, Role};

/// How a run of a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunResult {
    /// Assessed, nothing found.
    Passed,
    /// Assessed, with findings.
    Failed,
    /// Could not assess all it should.
    Incomplete,
}

/// A run of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRun<'a> {
    /// Code of the check.
    pub check: &'a str,
    /// How it ended.
    pub result: RunResult,
    /// Techniques that the check itself declares, beside those of the mapping.
    pub techniques: &'a [&'a str],
}

/// Runs and open findings of an assessment.
#[derive(Clone, Copy, Debug)]
pub struct Assessed<'a> {
    /// Every run, in any order.
    pub runs: &'a [CheckRun<'a>],
    /// Open findings, in any order.
    pub findings: &'a [Finding],
}

/// What is known about a technique, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TechniqueStatus {
    /// An open finding proves or enables it.
    Found,
    /// An open finding only indicates it.
    Indicated,
    /// Nothing was run that could tell.
    Untested,
    /// A check that could have found it ran and found nothing.
    Tested,
}

/// An open finding on a technique.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Found {
    /// Code of the finding.
    pub code: String,
    /// [`Finding::fingerprint`].
    pub fingerprint: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it says about the technique.
    pub role: Role,
    /// How sure that is.
    pub confidence: Confidence,
}

/// One technique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TechniqueCoverage {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// The technique above a sub-technique.
    pub parent: Option<String>,
    /// Ids of its tactics.
    pub tactics: Vec<String>,
    /// How far it has been seen in the world.
    pub maturity: Maturity,
    /// The worst that is known.
    pub status: TechniqueStatus,
    /// Codes of checks that could find it and assessed.
    pub tested_by: Vec<String>,
    /// Codes of checks that could find it and were incomplete.
    pub incomplete: Vec<String>,
    /// Open findings.
    pub found: Vec<Found>,
    /// Mitigations that ATLAS names for it.
    pub mitigations: Vec<String>,
    /// Those of them that a passing run has shown at work. A mitigation narrows a technique, it
    /// does not close it.
    pub mitigated_by: Vec<String>,
}

/// One tactic with its techniques in matrix order, sub-techniques after their parents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TacticCoverage {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Ids of its techniques.
    pub techniques: Vec<String>,
    /// Their number by status.
    pub counts: Counts,
}

/// Number of techniques and sub-techniques by status; every status is listed.
pub type Counts = BTreeMap<TechniqueStatus, usize>;

/// The matrix after an assessment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Version of the ATLAS data.
    pub atlas_version: String,
    /// Tactics in matrix order.
    pub tactics: Vec<TacticCoverage>,
    /// Techniques in matrix order, each once.
    pub techniques: Vec<TechniqueCoverage>,
    /// Number of techniques and sub-techniques by status.
    pub counts: Counts,
    /// Mitigations whose absence an open finding shows.
    pub missing_mitigations: Vec<String>,
    /// Technique ids that runs or findings name and this version of ATLAS does not have.
    pub unknown_techniques: Vec<String>,
}

/// Puts an assessment on the matrix. A technique that nothing tested is `untested`, never fine.
pub fn coverage(atlas: &Atlas, mapping: &Mapping, assessed: Assessed<'_>) -> Coverage {
    let mut tested: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut incomplete: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    for run in assessed.runs {
        let into = match run.result {
            RunResult::Incomplete => &mut incomplete,
            RunResult::Passed | RunResult::Failed => &mut tested,
        };
        for technique in could_find(mapping, run) {
            into.entry(technique).or_default().insert(run.check);
        }
        if run.result == RunResult::Passed {
            let shows = mapping.mitigations.iter().filter(|row| row.check == run.check);
            shown.extend(shows.map(|row| row.mitigation.as_str()));
        }
    }
    let mut found: BTreeMap<String, BTreeSet<Found>> = BTreeMap::new();
    let mut missing_mitigations = BTreeSet::new();
    for finding in assessed.findings {
        for Link { id, role, confidence } in links(mapping, finding) {
            found.entry(id).or_default().insert(Found {
                code: finding.code.clone(),
                fingerprint: finding.fingerprint(),
                severity: finding.severity,
                role,
                confidence,
            });
        }
        let kinds = mapping.of_check(&finding.code);
        missing_mitigations.extend(kinds.flat_map(|kind| kind.missing_mitigations.iter().cloned()));
    }

    let named = found.keys().chain(tested.keys()).chain(incomplete.keys());
    let unknown_techniques: BTreeSet<String> =
        named.filter(|id| atlas.technique(id).is_none()).cloned().collect();
    let codes = |of: &BTreeMap<String, BTreeSet<&str>>, id: &str| -> Vec<String> {
        of.get(id).into_iter().flatten().map(|&code| code.to_owned()).collect()
    };
    let techniques: Vec<TechniqueCoverage> = atlas
        .techniques
        .iter()
        .map(|technique| {
            let found: Vec<Found> =
                found.get(&technique.id).into_iter().flatten().cloned().collect();
            let tested_by = codes(&tested, &technique.id);
            let status = match found.iter().map(|finding| finding.role).max() {
                Some(Role::Proves | Role::Enables) => TechniqueStatus::Found,
                Some(Role::Indicates) => TechniqueStatus::Indicated,
                None if tested_by.is_empty() => TechniqueStatus::Untested,
                None => TechniqueStatus::Tested,
            };
            let mitigations: Vec<String> =
                atlas.mitigations_of(technique).map(|of| of.id.clone()).collect();
            TechniqueCoverage {
                id: technique.id.clone(),
                name: technique.name.clone(),
                parent: technique.parent.clone(),
                tactics: technique.tactics.clone(),
                maturity: technique.maturity,
                status,
                tested_by,
                incomplete: codes(&incomplete, &technique.id),
                found,
                mitigated_by: mitigations
                    .iter()
                    .filter(|id| shown.contains(id.as_str()))
                    .cloned()
                    .collect(),
                mitigations,
            }
        })
        .collect();
    let tactics = atlas
        .tactics
        .iter()
        .map(|tactic| {
            let of_tactic: Vec<_> = techniques
                .iter()
                .filter(|technique| technique.tactics.contains(&tactic.id))
                .collect();
            TacticCoverage {
                id: tactic.id.clone(),
                name: tactic.name.clone(),
                techniques: of_tactic.iter().map(|technique| technique.id.clone()).collect(),
                counts: count(of_tactic),
            }
        })
        .collect();
    Coverage {
        atlas_version: atlas.version.clone(),
        tactics,
        counts: count(&techniques),
        techniques,
        missing_mitigations: missing_mitigations.into_iter().collect(),
        unknown_techniques: unknown_techniques.into_iter().collect(),
    }
}

fn count<'a>(techniques: impl IntoIterator<Item = &'a TechniqueCoverage>) -> Counts {
    use TechniqueStatus::{Found, Indicated, Tested, Untested};
    let mut counts: Counts = [Found, Indicated, Untested, Tested].map(|status| (status, 0)).into();
    for technique in techniques {
        *counts.entry(technique.status).or_default() += 1;
    }
    counts
}

/// Techniques that a finding of the check would prove or enable.
fn could_find(mapping: &Mapping, run: &CheckRun<'_>) -> BTreeSet<String> {
    let mapped = mapping.techniques_of(run.check);
    let strong = mapped.into_iter().filter(|link| link.role > Role::Indicates).map(|link| link.id);
    strong.chain(run.techniques.iter().map(|&id| id.to_owned())).collect()
}

/// Techniques of a finding. One that the finding names and the mapping does not is enabled by it,
/// with medium confidence.
fn links(mapping: &Mapping, finding: &Finding) -> Vec<Link> {
    let mut links = mapping.techniques_of(&finding.code);
    for id in &finding.techniques {
        if !links.iter().any(|link| link.id == *id) {
            links.push(Link {
                id: id.clone(),
                role: Role::Enables,
                confidence: Confidence::Medium,
            });
        }
    }
    links
}
