//! From the nodes of a file to the packed ones.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use super::{FEATURE, MISSING_LEFT, Packed, SET, Scores, Tree, TreeEnsemble};

/// A node of a file, with the numbers of its children in the file.
#[derive(Clone)]
pub(crate) enum Node {
    Split {
        feature: usize,
        test: Test,
        missing_left: bool,
        left: usize,
        right: usize,
    },
    /// What it adds to which outputs.
    Leaf(Vec<(usize, f64)>),
}

/// Values of all leaves at most, 2 GiB.
const VALUES: usize = 1 << 28;

/// What a split asks of a number: see [`TreeTest`](super::TreeTest).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    AtMost(f32),
    /// Closed intervals, disjoint and ascending.
    Within(Vec<(f32, f32)>),
}

impl Test {
    /// `x < threshold`.
    pub(crate) fn below(threshold: f32) -> Self {
        // Nothing is below negative infinity, while `x <= -inf` has a solution.
        let none = threshold == f32::NEG_INFINITY;
        Self::AtMost(if none { f32::NAN } else { threshold.next_down() })
    }

    /// Numbers in one of some intervals that ascend; empty ones are left out, neighbours joined.
    pub(crate) fn within(intervals: impl IntoIterator<Item = (f32, f32)>) -> Self {
        let mut joined: Vec<(f32, f32)> = Vec::new();
        for (low, high) in intervals {
            match joined.last_mut() {
                Some(last) if last.1.next_up() >= low => last.1 = last.1.max(high),
                _ if low <= high => joined.push((low, high)),
                _ => {}
            }
        }
        Self::Within(joined)
    }

    /// Numbers that are one of `members` (whole, ascending) without their fraction; category 0 begins at `zero`.
    pub(crate) fn categories(members: impl Iterator<Item = f64>, zero: f32) -> Self {
        Self::within(members.map(|member| {
            let floor = round_down(member);
            let low = if f64::from(floor) < member { floor.next_up() } else { floor };
            let low = if member == 0.0 { zero } else { low };
            (low, round_down((member + 1.0).next_down()))
        }))
    }
}

/// The largest 32-bit number that is not above.
pub(crate) fn round_down(number: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "corrected below")]
    let nearest = number as f32;
    if f64::from(nearest) > number { nearest.next_down() } else { nearest }
}

impl TreeEnsemble {
    /// An ensemble without trees, for at least one feature.
    pub(crate) fn new(features: usize, scores: Scores, base: Vec<f64>) -> Self {
        Self {
            features,
            scores,
            base,
            trees: Vec::new(),
            nodes: Vec::new(),
            leaf: Vec::new(),
            values: Vec::new(),
            magnitude: 0.0,
            intervals: Vec::new(),
            sets: vec![0],
        }
    }

    /// Adds the trees with these roots. Nodes that cannot be reached are left out.
    ///
    /// # Errors
    /// What is wrong with the nodes.
    pub(crate) fn push(&mut self, nodes: &[Node], roots: &[usize]) -> Result<(), String> {
        let mut seen = vec![false; nodes.len()];
        roots.iter().try_for_each(|&root| self.push_tree(nodes, root, &mut seen))
    }

    fn push_tree(&mut self, nodes: &[Node], root: usize, seen: &mut [bool]) -> Result<(), String> {
        let first = number(self.nodes.len())?;
        // The nodes in the order of their places, each with the number of splits before it.
        let mut order = vec![(root, 0_u32)];
        let mut depth = (u32::MAX, 0);
        let mut leaves = Vec::new();
        let mut done = 0_usize;
        while let Some(&(at, level)) = order.get(done) {
            done = done.saturating_add(1);
            let (Some(node), Some(seen)) = (nodes.get(at), seen.get_mut(at)) else {
                return Err(format!("node {at} does not exist, there are {}", nodes.len()));
            };
            if std::mem::replace(seen, true) {
                return Err(format!("node {at} is reached in two ways"));
            }
            let packed = match node {
                Node::Leaf(values) => {
                    depth = (depth.0.min(level), depth.1.max(level));
                    self.leaf.push(number(leaves.len())?);
                    leaves.push((at, values.as_slice()));
                    let left = number(self.nodes.len())?;
                    Packed { test: f32::INFINITY, feature: MISSING_LEFT, left }
                }
                Node::Split { feature, test, missing_left, left, right } => {
                    let place = number(order.len())?;
                    let below = level.saturating_add(1);
                    order.extend([(*left, below), (*right, below)]);
                    self.leaf.push(u32::MAX);
                    let (test, set) = self.test(test)?;
                    let missing = if *missing_left { MISSING_LEFT } else { 0 };
                    let feature = self.feature(at, *feature)? | set | missing;
                    Packed { test, feature, left: first.saturating_add(place) }
                }
            };
            self.nodes.push(packed);
        }
        let outputs = self.add_values(first, &leaves)?;
        self.trees.push(Tree { root: first, depth, outputs });
        Ok(())
    }

    /// Stores the values of leaves and where they begin, for the outputs that they have any for: the first one and
    /// their number.
    fn add_values(
        &mut self,
        tree: u32,
        leaves: &[(usize, &[(usize, f64)])],
    ) -> Result<(u32, u32), String> {
        let mut range = (usize::MAX, 0_usize);
        for (at, values) in leaves {
            for &(output, value) in *values {
                if output >= self.base.len() {
                    let known = self.base.len();
                    return Err(format!("leaf {at} adds to output {output}, there are {known}"));
                }
                if !value.is_finite() {
                    return Err(format!(
                        "leaf {at} has the value {value}, expected a finite number"
                    ));
                }
                range = (range.0.min(output), range.1.max(output));
            }
        }
        let first = if range.0 == usize::MAX { 0 } else { range.0 };
        let count = range.1.saturating_sub(first).saturating_add(1);
        let total = count.saturating_mul(leaves.len());
        let begin = self.values.len();
        if begin.saturating_add(total) > VALUES {
            return Err(format!("the leaves hold more than {VALUES} values"));
        }
        self.values.resize(begin.saturating_add(total), 0.0);
        let all = self.values.get_mut(begin..).unwrap_or_default();
        for ((_, values), room) in leaves.iter().zip(all.chunks_exact_mut(count)) {
            for &(output, value) in *values {
                if let Some(room) = room.get_mut(output.saturating_sub(first)) {
                    *room += value;
                }
            }
        }
        self.magnitude += all.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        let begin = number(begin)?;
        let count = number(count)?;
        for leaf in self.leaf.iter_mut().skip(tree as usize).filter(|leaf| **leaf != u32::MAX) {
            *leaf = begin.saturating_add(leaf.saturating_mul(count));
        }
        Ok((number(first)?, count))
    }

    fn feature(&self, at: usize, feature: usize) -> Result<u32, String> {
        if feature >= self.features {
            let known = self.features;
            return Err(format!("node {at} asks for feature {feature}, there are {known}, from 0"));
        }
        match number(feature) {
            Ok(feature) if feature <= FEATURE => Ok(feature),
            _ => Err(format!("feature {feature} is beyond {FEATURE}")),
        }
    }

    /// The threshold or the number of the set, and the flag that says which.
    fn test(&mut self, test: &Test) -> Result<(f32, u32), String> {
        match test {
            Test::AtMost(threshold) => Ok((*threshold, 0)),
            Test::Within(intervals) => {
                let set = number(self.sets.len().saturating_sub(1))?;
                self.intervals.extend_from_slice(intervals);
                self.sets.push(number(self.intervals.len())?);
                Ok((f32::from_bits(set), SET))
            }
        }
    }
}

fn number(index: usize) -> Result<u32, String> {
    u32::try_from(index).map_err(|_| format!("more than {} nodes or values", u32::MAX))
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn goes(test: &Test, x: f32) -> bool {
        match test {
            Test::AtMost(threshold) => x <= *threshold,
            Test::Within(intervals) => intervals.iter().any(|(low, high)| *low <= x && x <= *high),
        }
    }

    /// Any bits, and often two numbers beside each other.
    fn pair() -> impl Strategy<Value = (f32, f32)> {
        let number = prop_oneof![
            any::<u32>().prop_map(f32::from_bits),
            Just(0.0),
            Just(-0.0),
            Just(f32::INFINITY),
            Just(f32::NEG_INFINITY),
            Just(f32::MAX)
        ];
        (number.clone(), number, 0..4).prop_map(|(a, b, choice)| match choice {
            0 => (a, a.next_up()),
            1 => (a, a.next_down()),
            2 => (a, a),
            _ => (a, b),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn below_is_below((threshold, x) in pair()) {
            prop_assert_eq!(goes(&Test::below(threshold), x), x < threshold);
        }

        #[test]
        fn rounded_thresholds_part_the_same_numbers((near, x) in pair(), away in -2_i64..=2) {
            let bits = f64::from(near).to_bits() as i64;
            let threshold = f64::from_bits(bits.wrapping_add(away << 20) as u64);
            prop_assert_eq!(x <= round_down(threshold), f64::from(x) <= threshold);
        }

        #[test]
        fn categories_are_whole_parts(
            members in prop::collection::btree_set(0_u32..40, 0..8),
            huge in any::<bool>(),
            x in -2.0_f32..42.0,
        ) {
            let base = if huge { 16_777_210 } else { 0 };
            let x = if huge { (x + 16_777_210.0).round() } else { x };
            let members: Vec<u32> = members.into_iter().map(|member| member + base).collect();
            let test = Test::categories(members.iter().map(|&member| f64::from(member)), 0.0);
            let expected = x >= 0.0 && members.contains(&(x as u32));
            prop_assert_eq!(goes(&test, x), expected);
        }
    }
}
