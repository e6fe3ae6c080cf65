//! How far classes can get ahead of others in a box of points.

use caiso_inference::{Scores, TreeNode, TreeTest};

use super::region::Region;
use super::{Pair, Quest, parts};
use crate::Norm;

/// How much of the sum of all leaves may be lost by rounding: scores are rounded to 32 bits before they are compared.
const ROUNDING: f64 = 5e-7;
/// How much costs may be off by rounding.
const COST_ROUNDING: f64 = 1e-9;

/// The best leaves of trees within a box and within reach.
pub(super) struct Bound<'q> {
    quest: &'q Quest<'q>,
    /// For each pair of classes the outputs that their scores are, where they are any.
    pairs: Vec<[Option<usize>; 2]>,
    /// The lead of each pair without any tree.
    base: Vec<f64>,
    /// A lead this far below zero is none, whatever the rounding.
    slack: f64,
    /// The box, narrowed on the way to a leaf.
    region: Region,
    /// Cost of each feature in it, and of all together.
    costs: Vec<f64>,
    total: f64,
    /// Most that a point may cost.
    most: f64,
    /// For each tree the largest lead of each pair, `[trees + 1, pairs]`; the last is scratch.
    best: Vec<f64>,
}

/// Where a box is to be split: a feature, and the parts of its values.
pub(super) struct Split {
    pub(super) feature: usize,
    pub(super) parts: Vec<(f32, f32)>,
}

/// What narrowing a box changes: ends and cost of a feature, and the cost of all.
type Before = (f32, f32, f64, f64);

impl<'q> Bound<'q> {
    pub(super) fn new(quest: &'q Quest<'q>, pairs: &[Pair]) -> Self {
        let ensemble = quest.trees.ensemble;
        let outputs = |pair: &Pair| [quest.output_of(pair.ahead), quest.output_of(pair.behind)];
        Self {
            quest,
            pairs: pairs.iter().map(outputs).collect(),
            base: pairs.iter().map(|&pair| quest.base_lead(pair)).collect(),
            slack: ensemble.magnitude() * ROUNDING,
            region: Region { low: Vec::new(), high: Vec::new() },
            costs: vec![0.0; quest.row.len()],
            total: 0.0,
            most: 0.0,
            best: vec![0.0; (ensemble.trees() + 1) * pairs.len()],
        }
    }

    /// The pairs to work on in a box, looking at points that cost at most `most`: first the one that can get furthest
    /// ahead, or, where all have to get ahead, the one that can get least far. None if no point there is adversarial.
    pub(super) fn promising(&mut self, region: &Region, most: f64) -> Vec<usize> {
        self.enter(region, most);
        let (trees, width) = (self.quest.trees.ensemble.trees(), self.pairs.len());
        self.best.fill(f64::NEG_INFINITY);
        let mut leads = self.base.clone();
        for tree in 0..trees {
            self.walk(tree, self.quest.trees.ensemble.root(tree), tree);
            for (lead, best) in leads.iter_mut().zip(&self.best[tree * width..]) {
                *lead += best;
            }
        }
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|&a, &b| leads[b].total_cmp(&leads[a]));
        let gets_ahead = |pair: &usize| leads[*pair] >= -self.slack;
        if self.quest.target.is_some() {
            order.reverse();
            if !order.iter().all(gets_ahead) {
                order.clear();
            }
        } else {
            order.retain(gets_ahead);
        }
        order
    }

    /// The split of the box of the last [`promising`](Self::promising) that parts `point` from a leaf at which the pair is
    /// further ahead, in the tree where that matters most; `None` if the pair is nowhere further ahead than at `point`.
    pub(super) fn split(&mut self, pair: usize, point: &[f32]) -> Option<Split> {
        let width = self.pairs.len();
        let ensemble = self.quest.trees.ensemble;
        let gap = |tree: usize| {
            let (output, values) = ensemble.leaf(tree, point);
            self.best[tree * width + pair] - lead(self.pairs[pair], output, values)
        };
        let gaps = (0..ensemble.trees()).map(|tree| (gap(tree), tree));
        let (gap, tree) = gaps.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))?;
        if gap <= 0.0 {
            return None;
        }
        let mut node = ensemble.root(tree);
        let mut narrowed: Vec<(usize, Before)> = Vec::new();
        let mut split = None;
        while let TreeNode::Split { feature: j, test, left, right, .. } = ensemble.node(tree, node)
        {
            let before = self.state(j);
            let mut reached = Vec::new();
            for (goes_left, low, high) in parts(test, before.0, before.1) {
                let child = if goes_left { left } else { right };
                if self.narrow(j, low, high) {
                    let scratch = ensemble.trees();
                    self.best[scratch * width..].fill(f64::NEG_INFINITY);
                    self.walk(tree, child, scratch);
                    reached.push((low, high, child, self.best[scratch * width + pair]));
                }
                self.restore(j, before);
            }
            let holds = |low: f32, high: f32| low <= point[j] && point[j] <= high;
            // The point itself is within reach.
            let near = reached.iter().find(|(low, high, ..)| holds(*low, *high));
            let &(low, high, child, lead) = near.expect("the part that holds the point");
            if reached.iter().any(|(.., other)| *other > lead) {
                split = Some((j, test));
                break;
            }
            self.narrow(j, low, high);
            narrowed.push((j, before));
            node = child;
        }
        for (j, before) in narrowed.into_iter().rev() {
            self.restore(j, before);
        }
        // Of the whole box, which on the way here was narrowed.
        let (feature, test) = split?;
        let all = parts(test, self.region.low[feature], self.region.high[feature]);
        let parts = all.into_iter().map(|(_, low, high)| (low, high)).collect();
        Some(Split { feature, parts })
    }

    fn enter(&mut self, region: &Region, most: f64) {
        self.region.clone_from(region);
        self.most = most * (1.0 + COST_ROUNDING);
        self.total = 0.0;
        for j in 0..self.costs.len() {
            let near = self.quest.nearest_value(j, region.low[j], region.high[j]);
            self.costs[j] = near.map_or(f64::INFINITY, |near| self.quest.cost(j, near));
            self.total = self.quest.trees.together(self.total, self.costs[j]);
        }
    }

    /// Raises the leads number `into` to those at the leaves below a node that are within reach.
    fn walk(&mut self, tree: usize, mut node: u32, into: usize) {
        loop {
            match self.quest.trees.ensemble.node(tree, node) {
                TreeNode::Leaf { output, values } => {
                    let best = &mut self.best[into * self.pairs.len()..];
                    for (&pair, best) in self.pairs.iter().zip(best) {
                        *best = best.max(lead(pair, output, values));
                    }
                    return;
                }
                TreeNode::Split {
                    feature: j,
                    test: TreeTest::AtMost(threshold),
                    left,
                    right,
                    ..
                } => {
                    let before = self.state(j);
                    if before.1 <= threshold {
                        node = left;
                        continue;
                    }
                    if before.0 <= threshold {
                        if self.narrow(j, before.0, threshold) {
                            self.walk(tree, left, into);
                        }
                        self.restore(j, before);
                        if self.narrow(j, threshold.next_up(), before.1) {
                            self.walk(tree, right, into);
                        }
                        self.restore(j, before);
                        return;
                    }
                    node = right;
                }
                TreeNode::Split { feature: j, test, left, right, .. } => {
                    let before = self.state(j);
                    for (goes_left, low, high) in parts(test, before.0, before.1) {
                        if self.narrow(j, low, high) {
                            self.walk(tree, if goes_left { left } else { right }, into);
                        }
                        self.restore(j, before);
                    }
                    return;
                }
            }
        }
    }

    fn state(&self, j: usize) -> Before {
        (self.region.low[j], self.region.high[j], self.costs[j], self.total)
    }

    /// Narrows the box; `false` if nothing in it is within reach any more.
    fn narrow(&mut self, j: usize, low: f32, high: f32) -> bool {
        let Some(near) = self.quest.nearest_value(j, low, high) else { return false };
        let cost = self.quest.cost(j, near);
        self.total = if self.quest.trees.norm == Norm::Linf {
            self.total.max(cost)
        } else {
            self.total - self.costs[j] + cost
        };
        (self.region.low[j], self.region.high[j], self.costs[j]) = (low, high, cost);
        self.total <= self.most
    }

    fn restore(&mut self, j: usize, before: Before) {
        (self.region.low[j], self.region.high[j], self.costs[j], self.total) = before;
    }
}

/// What a leaf adds to the lead of one class before another.
fn lead([ahead, behind]: [Option<usize>; 2], output: usize, values: &[f64]) -> f64 {
    let of = |class: Option<usize>| {
        let place = class.and_then(|place| place.checked_sub(output));
        place.and_then(|place| values.get(place)).copied().unwrap_or(0.0)
    };
    of(ahead) - of(behind)
}

impl Quest<'_> {
    /// The output that a class's score is; `None` for the first of two classes that one output tells apart.
    fn output_of(&self, class: usize) -> Option<usize> {
        match self.trees.ensemble.scores() {
            Scores::Margins | Scores::Probabilities => Some(class),
            Scores::Margin => class.checked_sub(1),
        }
    }

    /// The lead of a pair without any tree.
    fn base_lead(&self, pair: Pair) -> f64 {
        let ensemble = self.trees.ensemble;
        let of = |class| self.output_of(class).map_or(0.0, |output| ensemble.base()[output]);
        of(pair.ahead) - of(pair.behind)
    }
}
