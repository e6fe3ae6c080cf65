//! Trees that take over what is done to their input.

use super::{FEATURE, SET, TreeEnsemble};

impl TreeEnsemble {
    /// Trees that decide about a row as these do about the row that `function` makes of it, given the feature and the
    /// number. More must never become less by it.
    pub(crate) fn before(&self, function: &dyn Fn(usize, f32) -> f32) -> Self {
        let mut trees = self.clone();
        trees.intervals.clear();
        trees.sets.truncate(1);
        for (index, node) in trees.nodes.iter_mut().enumerate() {
            if node.left as usize == index {
                continue;
            }
            let feature = (node.feature & FEATURE) as usize;
            let function = |x| function(feature, x);
            if node.feature & SET == 0 {
                node.test = last(&function, node.test);
                continue;
            }
            // Each set belongs to one node, and they are in the order of the nodes.
            let moved = self.set(node.test).iter().map(|&(low, high)| {
                let low = if low == f32::NEG_INFINITY {
                    low
                } else {
                    let before = last(&function, low.next_down());
                    if before.is_nan() { f32::NEG_INFINITY } else { before.next_up() }
                };
                (low, last(&function, high))
            });
            trees.intervals.extend(moved.filter(|(low, high)| low <= high));
            trees.sets.push(trees.intervals.len() as u32);
        }
        trees
    }
}

/// The largest number that a function takes to at most `end`, NaN if there is none.
fn last(function: &dyn Fn(f32) -> f32, end: f32) -> f32 {
    let within = |x: f32| function(x) <= end;
    if within(f32::INFINITY) {
        return f32::INFINITY;
    }
    if !within(f32::NEG_INFINITY) {
        return f32::NAN;
    }
    let (mut inside, mut outside) = (order(f32::NEG_INFINITY), order(f32::INFINITY));
    while inside + 1 < outside {
        let middle = i32::midpoint(inside, outside);
        if within(f32::from_bits(order_of_bits(middle) as u32)) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    f32::from_bits(order_of_bits(inside) as u32)
}

/// Integers in the order of the numbers.
fn order(x: f32) -> i32 {
    order_of_bits(x.to_bits() as i32)
}

/// Its own inverse.
fn order_of_bits(bits: i32) -> i32 {
    bits ^ (((bits >> 31) as u32) >> 1) as i32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::last;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_last_number_is_the_last(
            offset in -10.0_f32..10.0,
            scale in 1e-3_f32..100.0,
            end in prop_oneof![-50.0_f32..50.0, Just(f32::INFINITY), Just(f32::NEG_INFINITY), Just(0.0)],
            x in -60.0_f32..60.0,
        ) {
            let function = |x: f32| (x - offset) * scale;
            let last = last(&function, end);
            for x in [x, last, last.next_up(), last.next_down(), f32::INFINITY, f32::NEG_INFINITY] {
                prop_assert_eq!(x <= last, function(x) <= end, "{} {}", x, last);
            }
        }
    }
}
