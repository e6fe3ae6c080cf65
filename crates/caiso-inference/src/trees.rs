//! Decision trees and sums of them: random forests and gradient boosting of every library.

mod build;
mod evaluate;
mod fold;
mod model;

pub(crate) use build::{Node, Test, round_down};
pub use evaluate::Scores;
pub(crate) use model::TreeModel;

/// An ensemble of decision trees whose leaves add up to one number for each output.
///
/// Libraries differ in how they compare: XGBoost asks `x < t` in 32 bits, LightGBM `x <= t` in 64, ONNX has
/// six comparisons. Rows are 32-bit floats, and over these every such question is one of two: whether `x` is at
/// most some 32-bit `t`, or whether it lies in one of some closed intervals with 32-bit ends (categories). A
/// loaded ensemble has only these two, so it decides exactly as the library does, also on a threshold, and the
/// values that reach a leaf are a box with closed ends.
///
/// Leaves hold everything that multiplies them: learning rates, weights of DART, the average of a forest.
/// They are added up in 64 bits, in the order of the trees.
#[derive(Debug, Clone)]
pub struct TreeEnsemble {
    features: usize,
    scores: Scores,
    /// Value of each output before any tree.
    base: Vec<f64>,
    trees: Vec<Tree>,
    nodes: Vec<Packed>,
    /// For each node that is a leaf: where its values begin.
    leaf: Vec<u32>,
    values: Vec<f64>,
    /// Sum over the trees of the largest absolute value in a leaf.
    magnitude: f64,
    /// Closed intervals of the sets that splits ask for, those of one set side by side in ascending order.
    intervals: Vec<(f32, f32)>,
    /// Where the intervals of each set begin; one more than there are sets.
    sets: Vec<u32>,
}

#[derive(Debug, Clone)]
struct Tree {
    root: u32,
    /// Splits on the shortest and on the longest way to a leaf.
    depth: (u32, u32),
    /// First output that its leaves have values for, and how many.
    outputs: (u32, u32),
}

/// A split or a leaf, small so that many fit a cache line. The right child follows the left one. A leaf is its
/// own left child, and every value goes there: walking on from a leaf does no harm.
#[derive(Debug, Clone, Copy)]
struct Packed {
    /// The threshold, or the number of the set.
    test: f32,
    /// Feature, and the two flags below.
    feature: u32,
    left: u32,
}

/// NaN goes left.
const MISSING_LEFT: u32 = 1 << 31;
/// The split asks for a set.
const SET: u32 = 1 << 30;
const FEATURE: u32 = SET - 1;

/// A node as the outside sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TreeNode<'e> {
    /// A question about one feature.
    Split {
        /// Feature, from 0.
        feature: usize,
        /// What goes left.
        test: TreeTest<'e>,
        /// Whether NaN goes left.
        missing_left: bool,
        /// Node that is reached if so.
        left: u32,
        /// Node that is reached otherwise.
        right: u32,
    },
    /// The end of a way.
    Leaf {
        /// First output that gets something added.
        output: usize,
        /// What is added to that output and those after it.
        values: &'e [f64],
    },
}

/// What a split asks of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TreeTest<'e> {
    /// Whether it is at most this. Never, if this is NaN.
    AtMost(f32),
    /// Whether it lies in one of these closed intervals, which are disjoint and ascend.
    Within(&'e [(f32, f32)]),
}

impl TreeEnsemble {
    /// Values in one row.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Number of trees.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    /// How the logits follow from the outputs.
    pub fn scores(&self) -> Scores {
        self.scores
    }

    /// Value of each output before any tree.
    pub fn base(&self) -> &[f64] {
        &self.base
    }

    /// Number of outputs: what the leaves add up to.
    pub fn outputs(&self) -> usize {
        self.base.len()
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.base.len().max(2)
    }

    /// Root of a tree below [`trees`](Self::trees).
    pub fn root(&self, tree: usize) -> u32 {
        self.trees[tree].root
    }

    /// A node: a root, or a child of one.
    pub fn node(&self, tree: usize, node: u32) -> TreeNode<'_> {
        let Packed { test, feature, left } = self.nodes[node as usize];
        if left == node {
            let (output, count) = self.trees[tree].outputs;
            let first = self.leaf[node as usize] as usize;
            let values = &self.values[first..first + count as usize];
            return TreeNode::Leaf { output: output as usize, values };
        }
        TreeNode::Split {
            feature: (feature & FEATURE) as usize,
            test: if feature & SET == 0 {
                TreeTest::AtMost(test)
            } else {
                TreeTest::Within(self.set(test))
            },
            missing_left: feature & MISSING_LEFT != 0,
            left,
            right: left + 1,
        }
    }

    /// The sum over all trees of the largest absolute value in a leaf, and the largest in [`base`](Self::base): no sum
    /// is larger.
    pub fn magnitude(&self) -> f64 {
        self.base.iter().fold(0.0, |most: f64, value| most.max(value.abs())) + self.magnitude
    }

    fn set(&self, test: f32) -> &[(f32, f32)] {
        let set = test.to_bits() as usize;
        &self.intervals[self.sets[set] as usize..self.sets[set + 1] as usize]
    }

    /// For each feature the largest values of the cells between which alone the ensemble tells apart,
    /// ascending and without the last cell's, which is infinity: values in one cell go the same way in all
    /// trees.
    pub fn cells(&self) -> Vec<Vec<f32>> {
        let mut ends = vec![Vec::new(); self.features];
        for (index, node) in self.nodes.iter().enumerate() {
            if node.left as usize == index {
                continue;
            }
            let ends = &mut ends[(node.feature & FEATURE) as usize];
            if node.feature & SET == 0 {
                ends.push(node.test);
            } else {
                ends.extend(
                    self.set(node.test).iter().flat_map(|(low, high)| [low.next_down(), *high]),
                );
            }
        }
        for ends in &mut ends {
            ends.retain(|end| *end < f32::INFINITY);
            // Both zeros are the same number.
            for end in ends.iter_mut() {
                *end += 0.0;
            }
            ends.sort_by(f32::total_cmp);
            ends.dedup();
        }
        ends
    }
}
