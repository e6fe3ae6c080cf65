//! Evaluation of many rows at once.

use super::{FEATURE, MISSING_LEFT, Packed, SET, TreeEnsemble};

/// How logits follow from the outputs of an ensemble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scores {
    /// One output for each of several classes: the logits as they are.
    Margins,
    /// One output `z`: logits `[0, z]`.
    Margin,
    /// The probability of each of several classes: logits are their logarithms.
    Probabilities,
}

/// How far sums of probabilities may be from 1 by the rounding of each to 32 bits.
const ROUNDING: f64 = 1e-4;

/// Ways through trees that are followed side by side, so that the processor need not wait for the memory.
const LANES: usize = 16;
/// Rows that go through all trees before the next ones do, so that they stay in the cache.
const BLOCK: usize = 128;

impl TreeEnsemble {
    /// What the leaves of each row add up to, `[rows, outputs]`.
    ///
    /// # Panics
    /// If `rows` are not whole rows, `[rows, features]`.
    pub fn sums(&self, rows: &[f32]) -> Vec<f64> {
        assert!(rows.len().is_multiple_of(self.features), "whole rows");
        let mut sums = self.base.repeat(rows.len() / self.features);
        let blocks = rows.chunks(BLOCK * self.features);
        for (rows, sums) in blocks.zip(sums.chunks_mut(BLOCK * self.outputs())) {
            if self.sets.len() > 1 {
                self.add::<true>(rows, sums);
            } else {
                self.add::<false>(rows, sums);
            }
        }
        sums
    }

    /// The leaf of a tree that a row comes to: its first output and its values.
    ///
    /// # Panics
    /// If `row` is not one row.
    pub fn leaf(&self, tree: usize, row: &[f32]) -> (usize, &[f64]) {
        assert_eq!(row.len(), self.features, "one row");
        let mut at = [self.trees[tree].root];
        self.walk::<true>(&mut at, [tree], |_| row);
        let (output, count) = self.trees[tree].outputs;
        let first = self.leaf[at[0] as usize] as usize;
        (output as usize, &self.values[first..first + count as usize])
    }

    fn add<const SETS: bool>(&self, rows: &[f32], sums: &mut [f64]) {
        let width = self.features;
        let groups = rows.chunks_exact(LANES * width);
        let rest = groups.remainder();
        let (many, few) = sums.split_at_mut(sums.len() - rest.len() / width * self.outputs());
        for tree in 0..self.trees.len() {
            let groups = rows.chunks_exact(LANES * width);
            for (group, sums) in groups.zip(many.chunks_exact_mut(LANES * self.outputs())) {
                let mut at = [self.trees[tree].root; LANES];
                self.walk::<SETS>(&mut at, [tree; LANES], |lane| &group[lane * width..][..width]);
                for (at, sums) in at.into_iter().zip(sums.chunks_exact_mut(self.outputs())) {
                    self.add_leaf(tree, at, sums);
                }
            }
        }
        // Of few rows each goes through several trees at a time.
        let trees: Vec<usize> = (0..self.trees.len()).collect();
        for (row, sums) in rest.chunks_exact(width).zip(few.chunks_exact_mut(self.outputs())) {
            let (groups, rest) = trees.as_chunks::<LANES>();
            for &group in groups {
                let mut at = group.map(|tree| self.trees[tree].root);
                self.walk::<SETS>(&mut at, group, |_| row);
                for (tree, at) in group.into_iter().zip(at) {
                    self.add_leaf(tree, at, sums);
                }
            }
            for &tree in rest {
                let mut at = [self.trees[tree].root];
                self.walk::<SETS>(&mut at, [tree], |_| row);
                self.add_leaf(tree, at[0], sums);
            }
        }
    }

    fn add_leaf(&self, tree: usize, node: u32, sums: &mut [f64]) {
        let (output, count) = self.trees[tree].outputs;
        let first = self.leaf[node as usize] as usize;
        let sums = &mut sums[output as usize..][..count as usize];
        for (sum, value) in sums.iter_mut().zip(&self.values[first..]) {
            *sum += value;
        }
    }

    /// Goes from roots to leaves.
    #[inline]
    fn walk<'r, const SETS: bool>(
        &self,
        at: &mut [u32],
        trees: impl IntoIterator<Item = usize>,
        row: impl Fn(usize) -> &'r [f32],
    ) {
        let (least, most) = trees.into_iter().fold((u32::MAX, 0), |(least, most), tree| {
            let (shortest, longest) = self.trees[tree].depth;
            (least.min(shortest), most.max(longest))
        });
        let mut step = || {
            let mut moved = false;
            for (lane, at) in at.iter_mut().enumerate() {
                let next = self.next::<SETS>(*at, row(lane));
                moved |= next != *at;
                *at = next;
            }
            moved
        };
        for _ in 0..least {
            step();
        }
        for _ in least..most {
            if !step() {
                return;
            }
        }
    }

    #[inline]
    fn next<const SETS: bool>(&self, at: u32, row: &[f32]) -> u32 {
        let Packed { test, feature, left } = self.nodes[at as usize];
        let value = row[(feature & FEATURE) as usize];
        let within = if SETS && feature & SET != 0 {
            let set = self.set(test);
            let above = set.partition_point(|(_, high)| *high < value);
            set.get(above).is_some_and(|(low, high)| (*low..=*high).contains(&value))
        } else {
            value <= test
        };
        let stays = within | ((feature & MISSING_LEFT != 0) & value.is_nan());
        // A leaf is its own left child, and a leaf lets every value go left.
        left + u32::from(!stays)
    }

    /// The same trees with another meaning of their outputs.
    pub(crate) fn with_scores(&self, scores: Scores) -> Self {
        Self { scores, ..self.clone() }
    }

    /// The same trees with their first output lower by so much.
    pub(crate) fn lowered(&self, by: f64) -> Self {
        let mut lowered = self.clone();
        lowered.base[0] -= by;
        lowered
    }

    /// Whether the outputs are a probability for each of several classes, whatever the row.
    pub(crate) fn is_distribution(&self) -> bool {
        let outputs = self.outputs();
        let mut least = self.base.clone();
        let mut total: f64 = self.base.iter().sum();
        for (index, tree) in self.trees.iter().enumerate() {
            let (first, count) = (tree.outputs.0 as usize, tree.outputs.1 as usize);
            let end = self.trees.get(index + 1).map_or(self.nodes.len(), |next| next.root as usize);
            let leaves =
                self.leaf[tree.root as usize..end].iter().filter(|leaf| **leaf != u32::MAX);
            let mut smallest = vec![f64::INFINITY; count];
            let mut sums = (f64::INFINITY, f64::NEG_INFINITY);
            for &leaf in leaves {
                let values = &self.values[leaf as usize..][..count];
                let sum = values.iter().sum();
                sums = (sums.0.min(sum), sums.1.max(sum));
                for (smallest, value) in smallest.iter_mut().zip(values) {
                    *smallest = smallest.min(*value);
                }
            }
            if sums.1 - sums.0 > ROUNDING {
                return false;
            }
            total += sums.0;
            for (least, smallest) in least[first..].iter_mut().zip(smallest) {
                *least += smallest;
            }
        }
        outputs > 1
            && (total - 1.0).abs() <= ROUNDING
            && least.iter().all(|least| *least >= -ROUNDING)
    }

    /// The logits `[rows, classes]` of sums `[rows, outputs]`.
    pub fn logits_of(&self, sums: &[f64]) -> Vec<f32> {
        let logarithm = |p: f64| (p.max(f64::from(f32::MIN_POSITIVE)).ln()) as f32;
        match self.scores {
            Scores::Margins => sums.iter().map(|&z| z as f32).collect(),
            Scores::Margin => sums.iter().flat_map(|&z| [0.0, z as f32]).collect(),
            Scores::Probabilities => sums.iter().map(|&p| logarithm(p)).collect(),
        }
    }
}
