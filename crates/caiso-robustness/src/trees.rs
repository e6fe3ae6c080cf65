//! Search for adversarial points in the structure of decision trees.
//!
//! Everything here is in the model's units, and all ends of intervals are 32-bit numbers that lie inside, as in
//! [`TreeEnsemble`]: what a search calls reachable is a point that the model can be asked about.

mod bound;
mod moves;
mod region;
mod search;

use caiso_inference::{TreeEnsemble, TreeTest, arg_max};

pub(crate) use moves::{reduce, step_by_step};
pub(crate) use search::nearest;

use crate::batch::Batch;
use crate::{Domain, Norm, RobustnessError};

/// Trees and what is valid for them.
pub(crate) struct Trees<'a> {
    pub(crate) ensemble: &'a TreeEnsemble,
    domain: &'a Domain,
    norm: Norm,
    /// The largest values of each feature's cells: see [`TreeEnsemble::cells`].
    cells: Vec<Vec<f32>>,
    /// Features that take whole numbers only.
    whole: Vec<bool>,
}

impl<'a> Trees<'a> {
    pub(crate) fn new(ensemble: &'a TreeEnsemble, domain: &'a Domain, norm: Norm) -> Self {
        let mut whole: Vec<bool> =
            domain.features().iter().map(|feature| feature.integer).collect();
        for &j in domain.one_hot().iter().flatten() {
            whole[j] = true;
        }
        Self { ensemble, domain, norm, cells: ensemble.cells(), whole }
    }

    /// The cost of two sets of features together.
    fn together(&self, one: f64, other: f64) -> f64 {
        if self.norm == Norm::Linf { one.max(other) } else { one + other }
    }

    /// The distance that a cost is.
    fn distance(&self, cost: f64) -> f64 {
        if self.norm == Norm::L2 { cost.sqrt() } else { cost }
    }
}

/// What is looked for around one row.
pub(crate) struct Quest<'a> {
    pub(crate) trees: &'a Trees<'a>,
    /// The row and the values that each feature may take.
    pub(crate) row: &'a [f32],
    pub(crate) low: &'a [f32],
    pub(crate) high: &'a [f32],
    /// True class.
    pub(crate) label: usize,
    /// The class that the row shall be taken for, any other than its label if `None`.
    pub(crate) target: Option<usize>,
}

impl<'o, 'm: 'o> Batch<'o, 'm> {
    /// The trees of the model, if it is made of nothing else.
    pub(crate) fn trees(&self) -> Result<Trees<'o>, RobustnessError> {
        let Some(ensemble) = self.oracle.model.trees() else {
            let (attack, given) = (self.task.attack, "none, or other computations around them");
            return Err(RobustnessError::Access { attack, needed: "decision trees", given });
        };
        Ok(Trees::new(ensemble, self.task.domain, self.task.norm))
    }

    pub(crate) fn quest<'q>(&'q self, row: usize, trees: &'q Trees<'q>) -> Quest<'q> {
        let [own, low, high] = self.in_model_units(row);
        let target = self.targets.as_ref().map(|targets| targets[row]);
        Quest { trees, row: own, low, high, label: self.labels[row], target }
    }
}

/// Two classes, of which the first shall be ahead of the second.
#[derive(Clone, Copy, Debug)]
struct Pair {
    ahead: usize,
    behind: usize,
}

impl Quest<'_> {
    /// Whether scores of all classes decide as wished.
    fn fools(&self, logits: &[f32]) -> bool {
        let class = arg_max(logits);
        self.target.map_or(class != self.label, |target| class == target)
    }

    /// Whether the ensemble decides a point as wished.
    pub(crate) fn is_adversarial(&self, point: &[f32]) -> bool {
        let ensemble = self.trees.ensemble;
        self.fools(&ensemble.logits_of(&ensemble.sums(point)))
    }

    /// The pairs of classes that decide: any of them without a target, all of them with one.
    fn pairs(&self) -> Vec<Pair> {
        let classes = 0..self.trees.ensemble.classes();
        match self.target {
            None => classes
                .filter(|&class| class != self.label)
                .map(|ahead| Pair { ahead, behind: self.label })
                .collect(),
            Some(ahead) => classes
                .filter(|&class| class != ahead)
                .map(|behind| Pair { ahead, behind })
                .collect(),
        }
    }

    /// What a change of feature `j` to a value costs. Costs add up to the distance, to its square under L2; under
    /// L-infinity the largest is the distance.
    fn cost(&self, j: usize, to: f32) -> f64 {
        let from = self.row[j];
        if from == to {
            return 0.0;
        }
        let unit = self.trees.domain.features()[j].unit();
        let change = (f64::from(to) - f64::from(from)).abs() / unit;
        match self.trees.norm {
            Norm::Linf | Norm::L1 => change,
            Norm::L2 => change * change,
            Norm::L0 => 1.0,
        }
    }

    /// The cost of a point.
    fn cost_of(&self, point: &[f32]) -> f64 {
        let costs = point.iter().enumerate().map(|(j, &to)| self.cost(j, to));
        costs.fold(0.0, |sum, cost| self.trees.together(sum, cost))
    }

    /// The value in `[low, high]` of feature `j` that is nearest to the row's own, valid taken by itself.
    fn nearest_value(&self, j: usize, low: f32, high: f32) -> Option<f32> {
        let own = self.row[j];
        let inside = |value: f32| low <= value && value <= high;
        let value = match (inside(own), own < low, self.trees.whole[j]) {
            (true, ..) => own,
            (_, true, false) => low,
            (_, true, true) => low.ceil(),
            (_, false, false) => high,
            (_, false, true) => high.floor(),
        };
        inside(value).then_some(value)
    }
}

/// The parts of `[low, high]` that go left (`true`) and right at a test, in ascending order.
fn parts(test: TreeTest<'_>, low: f32, high: f32) -> Parts {
    let mut parts = Parts::new();
    match test {
        TreeTest::AtMost(threshold) => {
            if low <= threshold {
                parts.push((true, low, high.min(threshold)));
            }
            // Nothing is at most NaN.
            if threshold.is_nan() {
                parts.push((false, low, high));
            } else if high > threshold {
                parts.push((false, low.max(threshold.next_up()), high));
            }
        }
        TreeTest::Within(intervals) => {
            let mut from = low;
            for &(first, last) in intervals.iter().filter(|(_, last)| *last >= low) {
                if first > high {
                    break;
                }
                if from < first {
                    parts.push((false, from, first.next_down()));
                }
                parts.push((true, from.max(first), high.min(last)));
                if last >= high {
                    return parts;
                }
                from = last.next_up();
            }
            parts.push((false, from, high));
        }
    }
    parts
}

type Parts = Vec<(bool, f32, f32)>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_an_interval_without_overlap() {
        let up = |x: f32| x.next_up();
        let down = |x: f32| x.next_down();
        let infinity = f32::INFINITY;
        let all = (-infinity, infinity);
        let of = |test, (low, high)| parts(test, low, high);
        assert_eq!(
            of(TreeTest::AtMost(1.0), all),
            [(true, -infinity, 1.0), (false, up(1.0), infinity)]
        );
        assert_eq!(of(TreeTest::AtMost(1.0), (1.0, 1.0)), [(true, 1.0, 1.0)]);
        assert_eq!(of(TreeTest::AtMost(1.0), (up(1.0), 2.0)), [(false, up(1.0), 2.0)]);
        assert_eq!(of(TreeTest::AtMost(f32::NAN), all), [(false, -infinity, infinity)]);
        assert_eq!(of(TreeTest::AtMost(infinity), all), [(true, -infinity, infinity)]);
        let set = TreeTest::Within(&[(1.0, 2.0), (4.0, 4.0)]);
        assert_eq!(
            of(set, (0.0, 9.0)),
            [
                (false, 0.0, down(1.0)),
                (true, 1.0, 2.0),
                (false, up(2.0), down(4.0)),
                (true, 4.0, 4.0),
                (false, up(4.0), 9.0)
            ]
        );
        assert_eq!(
            of(set, (1.5, 4.0)),
            [(true, 1.5, 2.0), (false, up(2.0), down(4.0)), (true, 4.0, 4.0)]
        );
        assert_eq!(of(set, (5.0, 6.0)), [(false, 5.0, 6.0)]);
        assert_eq!(of(TreeTest::Within(&[]), (5.0, 6.0)), [(false, 5.0, 6.0)]);
    }
}
