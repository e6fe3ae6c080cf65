//! Who attacks, and on how many rows.

use caiso_core::{Parameters, nearest};
use caiso_inference::Access;

use super::draw;
use super::parameters::CampaignParameters;
use crate::{ATTACKS, Attack, Goal, RobustnessError};

/// Rows that every candidate attacks first.
const FIRST_ROWS: usize = 32;
/// Fewest of them, where queries are short.
const FEWEST_ROWS: usize = 4;
/// Candidates that stay to the end: more than one, since attacks break different rows.
const FINALISTS: usize = 3;
/// Queries without which there is no point in attacking a row.
const QUERIES_WORTH: u64 = 100;

/// An attack with one set of parameters.
pub(super) struct Candidate {
    pub(super) attack: &'static Attack,
    pub(super) parameters: Parameters,
    /// Place among the sets of parameters of its attack; 0 has the defaults.
    pub(super) configuration: usize,
}

impl Candidate {
    /// `pgd`, `pgd #2`.
    pub(super) fn name(&self) -> String {
        match self.configuration {
            0 => self.attack.meta.name.to_owned(),
            place => format!("{} #{place}", self.attack.meta.name),
        }
    }
}

/// An attack that takes no part.
pub(super) struct LeftOut {
    pub(super) attack: &'static str,
    pub(super) reason: String,
}

/// How many rows and candidates there are in each round of the race.
#[derive(Debug, PartialEq)]
pub(super) struct Rungs {
    /// Rows attacked by the end of each rung, ascending.
    sizes: Vec<usize>,
    candidates: usize,
}

impl Rungs {
    fn new(first: usize, rows: usize, candidates: usize) -> Self {
        let sizes = std::iter::successors(Some(first), |size| Some(size * 2));
        let mut sizes: Vec<usize> = sizes.take_while(|&size| size < rows).collect();
        sizes.push(rows);
        Self { sizes, candidates }
    }

    pub(super) fn count(&self) -> usize {
        self.sizes.len()
    }

    /// Rows that take part.
    pub(super) fn rows(&self) -> usize {
        self.up_to(self.sizes.len() - 1)
    }

    /// Rows attacked by the end of a rung.
    pub(super) fn up_to(&self, rung: usize) -> usize {
        self.sizes[rung]
    }

    /// Rows that a rung adds.
    pub(super) fn added(&self, rung: usize) -> std::ops::Range<usize> {
        let start = if rung == 0 { 0 } else { self.sizes[rung - 1] };
        start..self.sizes[rung]
    }

    /// Candidates that attack in a rung.
    pub(super) fn places(&self, rung: usize) -> usize {
        let halved = self.candidates.div_ceil(1 << rung.min(32));
        halved.max(FINALISTS).min(self.candidates)
    }

    /// Attacks on single rows in a rung and all that follow.
    pub(super) fn work_from(&self, rung: usize) -> u64 {
        let work = |rung| self.added(rung).len() as u64 * self.places(rung) as u64;
        (rung..self.count()).map(work).sum()
    }
}

pub(super) struct Plan {
    pub(super) candidates: Vec<Candidate>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) rungs: Rungs,
}

/// What an attack can make use of.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) access: Access,
    /// Whether its decision trees are known.
    pub(super) trees: bool,
}

pub(super) fn plan(
    target: Target,
    rows: usize,
    parameters: &CampaignParameters,
    seed: u64,
) -> Result<Plan, RobustnessError> {
    let mut left_out = Vec::new();
    let mut attacks: Vec<&'static Attack> = Vec::new();
    for attack in asked(&parameters.attacks)? {
        match unfit(attack, target, parameters) {
            None => attacks.push(attack),
            Some(reason) => left_out.push(LeftOut { attack: attack.meta.name, reason }),
        }
    }
    if attacks.is_empty() {
        let reasons: Vec<String> =
            left_out.iter().map(|out| format!("`{}` {}", out.attack, out.reason)).collect();
        return Err(RobustnessError::NoAttack { reasons: reasons.join("; ") });
    }
    // Those that answer for every epsilon at once, and that use more of what the model gives, need fewer queries: they go
    // first, so that they stay where queries are short.
    attacks.sort_by_key(|attack| {
        (attack.goal == Goal::WithinEpsilon, std::cmp::Reverse(attack.access))
    });
    let most = if parameters.rows == 0 { rows } else { rows.min(parameters.rows as usize) };
    let mut size =
        Size { configurations: parameters.configurations, first: FIRST_ROWS.min(most), most };
    loop {
        let candidates: Vec<Candidate> =
            attacks
                .iter()
                .flat_map(|&attack| {
                    let code = attack.meta.code;
                    let drawn =
                        draw::configurations(&attack.parameters, code, seed, size.configurations);
                    drawn.into_iter().enumerate().map(move |(configuration, parameters)| {
                        Candidate { attack, parameters, configuration }
                    })
                })
                .collect();
        let rungs = Rungs::new(size.first, size.most, candidates.len());
        let cost = rungs.rows() as u64 + rungs.work_from(0).saturating_mul(QUERIES_WORTH);
        let fits = parameters.budget_queries.is_none_or(|budget| cost <= budget);
        if fits {
            return Ok(Plan { candidates, left_out, rungs });
        }
        if size.shrink() {
            continue;
        }
        if attacks.len() == 1 {
            return Ok(Plan { candidates, left_out, rungs });
        }
        let reason = "is left out, since the queries do not suffice for it".to_owned();
        let last = attacks.pop();
        left_out.extend(last.map(|attack| LeftOut { attack: attack.meta.name, reason }));
    }
}

/// What can be given up where queries are short.
struct Size {
    configurations: u32,
    first: usize,
    most: usize,
}

impl Size {
    /// Gives something up: rows before configurations, then the first rows; `false` if nothing is left to give up.
    fn shrink(&mut self) -> bool {
        if self.most > self.first {
            self.most = (self.most / 2).max(self.first);
        } else if self.configurations > 1 {
            self.configurations -= 1;
        } else if self.first > FEWEST_ROWS {
            self.first = (self.first / 2).max(FEWEST_ROWS);
            self.most = self.first;
        } else {
            return false;
        }
        true
    }
}

/// The attacks of these names, or all.
fn asked(names: &[String]) -> Result<Vec<&'static Attack>, RobustnessError> {
    if names.is_empty() {
        return Ok(ATTACKS.to_vec());
    }
    let mut attacks: Vec<&'static Attack> = Vec::new();
    for name in names {
        let attack = crate::find(name).ok_or_else(|| {
            let known = ATTACKS.iter().map(|attack| attack.meta.name);
            RobustnessError::NoSuchAttack {
                name: name.clone(),
                known: nearest(name, known.clone())
                    .map_or_else(|| known.collect::<Vec<_>>().join(", "), str::to_owned),
            }
        })?;
        if !attacks.iter().any(|known| std::ptr::eq(*known, attack)) {
            attacks.push(attack);
        }
    }
    Ok(attacks)
}

/// Why an attack cannot take part, if it cannot.
fn unfit(attack: &Attack, target: Target, parameters: &CampaignParameters) -> Option<String> {
    match attack.meta.name {
        "tree-min" | "decision-tree" if !target.trees => {
            return Some("needs decision trees, which the model is not".to_owned());
        }
        "transfer" => return Some("needs a surrogate, which a campaign has not".to_owned()),
        _ => {}
    }
    if attack.access > target.access {
        let needs = match attack.access {
            Access::Gradients => "gradients",
            Access::Scores => "scores",
            Access::Labels => "labels",
        };
        return Some(format!("needs {needs}, which the model does not give"));
    }
    if !attack.norms.contains(&parameters.norm) {
        return Some(format!("does not measure in {}", parameters.norm));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Target = Target { access: Access::Gradients, trees: false };

    #[test]
    fn rungs_double_and_candidates_halve() {
        let rungs = Rungs::new(32, 200, 12);
        assert_eq!(rungs.sizes, [32, 64, 128, 200]);
        assert_eq!((0..4).map(|rung| rungs.places(rung)).collect::<Vec<_>>(), [12, 6, 3, 3]);
        assert_eq!(rungs.added(3), 128..200);
        assert_eq!(rungs.work_from(0), 32 * 12 + 32 * 6 + 64 * 3 + 72 * 3);
        assert_eq!(Rungs::new(5, 5, 2).sizes, [5]);
        assert_eq!(Rungs::new(5, 5, 2).places(0), 2);
    }

    #[test]
    fn a_plan_fits_its_queries_as_long_as_there_is_anything_to_give_up() {
        for budget in [400, 1_000, 5_000, 20_000, 1_000_000] {
            let parameters = CampaignParameters {
                budget_queries: Some(budget),
                ..CampaignParameters::default()
            };
            let plan = plan(WHITE, 1_000, &parameters, 1).unwrap();
            let cost = plan.rungs.rows() as u64 + QUERIES_WORTH * plan.rungs.work_from(0);
            let least = plan.candidates.len() == 1 && plan.rungs.sizes == [FEWEST_ROWS];
            assert!(cost <= budget || least, "{budget}: {cost}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let asked = |attacks: &[&str], access| {
            let attacks = attacks.iter().map(|&name| name.to_owned()).collect();
            let parameters = CampaignParameters { attacks, ..CampaignParameters::default() };
            plan(Target { access, ..WHITE }, 10, &parameters, 1)
        };
        let error = asked(&["pgdd"], Access::Gradients).err().unwrap().to_string();
        assert!(error.starts_with("no attack is named `pgdd`"), "{error}");
        let error = asked(&["pgd"], Access::Labels).err().unwrap().to_string();
        assert!(error.contains("`pgd` needs gradients, which the model does not give"), "{error}");
    }
}
