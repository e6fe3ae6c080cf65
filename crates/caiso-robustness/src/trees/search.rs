//! The nearest adversarial point of an ensemble: best-first search over boxes.
//!
//! A box is left out if even the best leaf of each tree, among those that the box and the reach leave, cannot make any point
//! of it adversarial. Otherwise its nearest point is asked for; if that is not adversarial, the box is split between
//! that point and a better leaf. Boxes come in the order of their nearest points, so that the first adversarial point is the
//! nearest of all. The reach grows in stages, since a short reach leaves few leaves.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::bound::Bound;
use super::region::Region;
use super::{Pair, Quest};
use crate::{Norm, RobustnessError};

/// What a search came to.
pub(crate) struct Outcome {
    /// The nearest adversarial point found.
    pub(crate) point: Option<Vec<f32>>,
    /// No adversarial point is nearer than this; infinite if there is none at all.
    pub(crate) lower_bound: f64,
}

/// A part of the box of another one, in one feature.
struct Part {
    parent: usize,
    feature: usize,
    low: f32,
    high: f32,
}

/// A box that waits, by the cost of its nearest point; of equal ones the last made comes first.
struct Waiting {
    cost: f64,
    part: usize,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        other.cost.total_cmp(&self.cost).then(self.part.cmp(&other.part))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

/// Looks for the nearest adversarial point, knowing one (`start`) or none, in at most `budget` steps. `proceed` is asked
/// from time to time whether to go on.
pub(crate) fn nearest(
    quest: &Quest<'_>,
    start: Option<Vec<f32>>,
    budget: u64,
    proceed: &dyn Fn() -> Result<(), RobustnessError>,
) -> Result<Outcome, RobustnessError> {
    let pairs = quest.pairs();
    let known = start.map(|point| (quest.cost_of(&point), point));
    let mut search = Search { quest, known, steps: 0, budget, parts: Vec::new() };
    let farthest = (0..quest.row.len())
        .map(|j| quest.cost(j, quest.low[j]).max(quest.cost(j, quest.high[j])))
        .fold(0.0, |sum, cost| quest.trees.together(sum, cost));
    let most = search.known.as_ref().map_or(farthest, |(cost, _)| cost.min(farthest));
    let mut reach = if quest.trees.norm == Norm::L0 { 1.0 } else { most / 64.0 };
    let mut passed = 0.0;
    loop {
        let end = search.within(&pairs, reach.min(most), proceed)?;
        let (point, lower_bound) = match end {
            End::Found(point) => {
                let cost = quest.cost_of(&point);
                (Some(point), cost)
            }
            End::Nothing if reach < most => {
                passed = reach;
                reach = match quest.trees.norm {
                    Norm::L0 => reach + 1.0,
                    Norm::L2 => reach * 2.25,
                    Norm::L1 | Norm::Linf => reach * 1.5,
                };
                continue;
            }
            End::Nothing => match search.known.take() {
                Some((cost, point)) => (Some(point), cost),
                None => (None, f64::INFINITY),
            },
            End::Spent(least) => (search.known.take().map(|(_, point)| point), least.max(passed)),
        };
        let lower_bound = quest.trees.distance(lower_bound);
        return Ok(Outcome { point, lower_bound });
    }
}

enum End {
    /// The nearest adversarial point.
    Found(Vec<f32>),
    /// There is none within reach.
    Nothing,
    /// The budget is spent; no adversarial point costs less than this.
    Spent(f64),
}

struct Search<'q> {
    quest: &'q Quest<'q>,
    /// An adversarial point and its cost.
    known: Option<(f64, Vec<f32>)>,
    steps: u64,
    budget: u64,
    parts: Vec<Part>,
}

impl Search<'_> {
    /// The nearest adversarial point among those that cost at most `reach`.
    fn within(
        &mut self,
        pairs: &[Pair],
        reach: f64,
        proceed: &dyn Fn() -> Result<(), RobustnessError>,
    ) -> Result<End, RobustnessError> {
        self.parts.clear();
        let mut bound = Bound::new(self.quest, pairs);
        let whole = Region { low: self.quest.low.to_vec(), high: self.quest.high.to_vec() };
        let mut waiting = BinaryHeap::new();
        if let Some((_, cost)) = whole.nearest(self.quest) {
            let part = self.part(usize::MAX, 0, (whole.low[0], whole.high[0]));
            waiting.push(Waiting { cost, part });
        }
        while let Some(Waiting { cost, part }) = waiting.pop() {
            let mut part = part;
            let mut region = self.region(part, &whole);
            let Some((point, _)) = region.nearest(self.quest) else { continue };
            let mut asked = false;
            loop {
                if self.steps >= self.budget {
                    return Ok(End::Spent(cost));
                }
                if self.steps.is_multiple_of(256) {
                    proceed()?;
                }
                self.steps += 1;
                let promising = bound.promising(&region, reach);
                if promising.is_empty() {
                    break;
                }
                if !asked && self.quest.is_adversarial(&point) {
                    return Ok(End::Found(point));
                }
                asked = true;
                let split = promising.into_iter().find_map(|pair| bound.split(pair, &point));
                let Some(split) = split else { break };
                let j = split.feature;
                let mut near = None;
                for (low, high) in split.parts {
                    if low <= point[j] && point[j] <= high {
                        near = Some((low, high));
                        continue;
                    }
                    let (own_low, own_high) = (region.low[j], region.high[j]);
                    (region.low[j], region.high[j]) = (low, high);
                    let far = region.nearest(self.quest).filter(|(_, cost)| *cost <= reach);
                    (region.low[j], region.high[j]) = (own_low, own_high);
                    if let Some((_, cost)) = far {
                        let part = self.part(part, j, (low, high));
                        waiting.push(Waiting { cost, part });
                    }
                }
                let Some((low, high)) = near else { break };
                part = self.part(part, j, (low, high));
                (region.low[j], region.high[j]) = (low, high);
            }
        }
        Ok(End::Nothing)
    }

    fn part(&mut self, parent: usize, feature: usize, (low, high): (f32, f32)) -> usize {
        self.parts.push(Part { parent, feature, low, high });
        self.parts.len() - 1
    }

    fn region(&self, mut part: usize, whole: &Region) -> Region {
        let mut region = whole.clone();
        while let Some(&Part { parent, feature: j, low, high }) = self.parts.get(part) {
            region.low[j] = region.low[j].max(low);
            region.high[j] = region.high[j].min(high);
            part = parent;
        }
        region
    }
}
