//! How the evidence at hand stands on the date of assessment, kind by kind.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::evidence::{Coverage, EvidenceKind};
use crate::frameworks::Frameworks;
use crate::situation::{EvidenceItem, FailedFinding, RiskAcceptance, Run, Situation};

/// Evidence that no longer counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StaleEvidence {
    /// Sequence number in the ledger.
    pub seq: u64,
    /// Why it is stale.
    pub reason: String,
}

/// The evidence of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// Current evidence without open findings.
    pub(crate) good: BTreeSet<u64>,
    /// Evidence with open findings about what is deployed, however old.
    pub(crate) failing: BTreeSet<u64>,
    /// Codes of the open findings.
    pub(crate) findings: BTreeSet<String>,
    /// Findings whose risk is accepted, with approver and end, as text.
    pub(crate) accepted: BTreeSet<String>,
    pub(crate) stale: BTreeSet<StaleEvidence>,
    /// Runs that could not assess, with the reason.
    pub(crate) incomplete: BTreeMap<u64, String>,
    /// Minimum fields that the current evidence supplies.
    fields: BTreeSet<String>,
}

impl Standing {
    pub(crate) fn is_current(&self) -> bool {
        !self.good.is_empty() || !self.failing.is_empty()
    }

    /// The coverage that the evidence at hand reaches of what the kind could reach.
    pub(crate) fn coverage(&self, kind: &EvidenceKind, possible: Coverage) -> Coverage {
        let complete = kind.minimum_fields.iter().all(|field| self.fields.contains(field));
        if complete { possible } else { possible.min(Coverage::Partial) }
    }

    /// Takes in another kind's evidence for the same requirement.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.good.extend(&other.good);
        self.failing.extend(&other.failing);
        self.findings.extend(other.findings.iter().cloned());
        self.accepted.extend(other.accepted.iter().cloned());
        self.stale.extend(other.stale.iter().cloned());
        self.incomplete.extend(other.incomplete.iter().map(|(seq, why)| (*seq, why.clone())));
    }
}

/// Standing of every kind that has any evidence, by the id of the kind.
pub(crate) fn standings(
    frameworks: &Frameworks,
    situation: &Situation<'_>,
) -> BTreeMap<String, Standing> {
    let mut standings: BTreeMap<String, Standing> = BTreeMap::new();
    for item in newest(situation) {
        for kind in &frameworks.evidence.kinds {
            let rows: Vec<_> = frameworks
                .check_evidence
                .iter()
                .filter(|row| row.kind == kind.id && row.matches(&item.check))
                .collect();
            if rows.is_empty() && !item.kinds.contains(&kind.id) {
                continue;
            }
            let standing = standings.entry(kind.id.clone()).or_default();
            if let Run::Incomplete(reason) = &item.run {
                standing.incomplete.insert(item.seq, reason.clone());
            } else if let Some(reason) = changed(item, situation)
                .or_else(|| too_old(item, kind, situation).filter(|_| !is_open(item, situation)))
            {
                standing.stale.insert(StaleEvidence { seq: item.seq, reason });
            } else {
                standing.count(item, situation);
                standing.fields.extend(rows.iter().flat_map(|row| row.supplies.iter().cloned()));
            }
        }
    }
    standings
}

impl Standing {
    fn count(&mut self, item: &EvidenceItem, situation: &Situation<'_>) {
        let side = if is_open(item, situation) { &mut self.failing } else { &mut self.good };
        side.insert(item.seq);
        let Run::Failed(findings) = &item.run else { return };
        for finding in findings {
            match &finding.accepted {
                Some(accepted) if is_accepted(finding, situation) => {
                    let RiskAcceptance { approver, expires, .. } = accepted;
                    let text = format!("{} accepted by {approver} until {expires}", finding.code);
                    self.accepted.insert(text);
                }
                _ => drop(self.findings.insert(finding.code.clone())),
            }
        }
    }
}

/// Evidence up to the date of assessment, without what a newer run on the same subjects replaces.
/// An incomplete run replaces nothing.
fn newest<'a>(situation: &Situation<'a>) -> Vec<&'a EvidenceItem> {
    let mut newest: BTreeMap<_, &EvidenceItem> = BTreeMap::new();
    let mut incomplete = Vec::new();
    for item in situation.evidence.iter().filter(|item| item.sealed_on <= situation.as_of) {
        if matches!(item.run, Run::Incomplete(_)) {
            incomplete.push(item);
            continue;
        }
        let mut subjects: Vec<_> = item.subjects.iter().collect();
        subjects.sort();
        let entry = newest.entry((&item.check, &item.kinds, subjects)).or_insert(item);
        if (item.sealed_on, item.seq) > (entry.sealed_on, entry.seq) {
            *entry = item;
        }
    }
    newest.into_values().chain(incomplete).collect()
}

/// Why the run is not about what is deployed.
fn changed(item: &EvidenceItem, situation: &Situation<'_>) -> Option<String> {
    item.subjects.iter().find_map(|subject| match situation.deployed.get(&subject.name) {
        None => Some(format!("{} is no longer part of the system", subject.name)),
        Some(digest) if digest != subject.sha256() => {
            Some(format!("{} has changed since", subject.name))
        }
        Some(_) => None,
    })
}

/// Why the run no longer shows anything good. What it found wrong does not go away with age.
fn too_old(item: &EvidenceItem, kind: &EvidenceKind, situation: &Situation<'_>) -> Option<String> {
    let age = situation.as_of.since(item.sealed_on).map_or(i32::MAX, |span| span.get_days());
    let limit = kind.refresh.max_age_days;
    (i64::from(age) > i64::from(limit))
        .then(|| format!("{age} days old, {} is renewed after {limit}", kind.id))
}

/// Whether the run has a finding whose risk nobody accepts on the date. A failed run without
/// findings is a contradiction of the caller; it stays failing.
fn is_open(item: &EvidenceItem, situation: &Situation<'_>) -> bool {
    matches!(&item.run, Run::Failed(findings) if findings.is_empty()
        || findings.iter().any(|finding| !is_accepted(finding, situation)))
}

fn is_accepted(finding: &FailedFinding, situation: &Situation<'_>) -> bool {
    finding.accepted.as_ref().is_some_and(|accepted| accepted.expires >= situation.as_of)
}
