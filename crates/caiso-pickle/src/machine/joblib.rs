//! Arrays that joblib writes into the stream, right after the object that describes them.

use super::Machine;
use crate::event::{End, Gap, GapReason};
use crate::value::{Kind, Value};

const WRAPPERS: [&str; 2] = ["joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle"];
/// Object arrays within object arrays that are followed in place.
const DEEPEST: u8 = 8;

impl Machine<'_> {
    /// After `BUILD`: if a `NumpyArrayWrapper` was built, its array follows, and the stream goes on after it.
    pub(super) fn array_bytes(&mut self, position: usize) -> usize {
        self.described_array(position).unwrap_or(position)
    }

    fn described_array(&mut self, position: usize) -> Option<usize> {
        let wrapper = self.stack.last().copied()?;
        if !wrapper.is_node() {
            return None;
        }
        let class = self.global_name(self.arena.first(wrapper)?)?;
        let class = if &*class.name == "_reconstructor" {
            let arguments = self.arena.item(wrapper, 1)?;
            self.global_name(self.arena.first(arguments)?)?
        } else {
            class
        };
        if &*class.name != "NumpyArrayWrapper" || !WRAPPERS.contains(&&*class.module) {
            return None;
        }
        let state = self.arena.item(wrapper, 3)?;
        let code = self.entry(state, "dtype").and_then(|dtype| {
            let arguments = self.arena.item(dtype, 1)?;
            self.text(self.arena.first(arguments)?)
        })?;
        let code = code.trim_start_matches(['<', '>', '|', '=']);
        if code.starts_with('O') {
            return self.object_array(position);
        }
        let (shape, true) = self.arena.items(self.entry(state, "shape")?, 64) else { return None };
        let mut length = item_size(code)?;
        for side in shape {
            let Kind::Int(side) = side.kind() else { return None };
            length = length.checked_mul(usize::try_from(side).ok()?)?;
        }
        let mut start = position;
        let aligned = self
            .entry(state, "numpy_array_alignment_bytes")
            .is_some_and(|bytes| bytes != Value::NONE);
        if aligned {
            let padding = *self.data.get(position)?;
            start = position.checked_add(1)?.checked_add(usize::from(padding))?;
        }
        let end = start.checked_add(length)?;
        if length > self.decoder.left(start) {
            return None;
        }
        self.gaps.push(Gap { range: position..end, reason: GapReason::ArrayBytes });
        Some(end)
    }

    /// An array of objects is a pickle of its own, in place.
    fn object_array(&mut self, position: usize) -> Option<usize> {
        if self.depth >= DEEPEST {
            return None;
        }
        let end = position.checked_add(self.decoder.left(position))?;
        let mut limits = self.limits;
        limits.values >>= 1;
        limits.memo >>= 1;
        limits.events = self.events_left;
        limits.text = self.text_left;
        let mut machine = Machine::new(self.data, &limits);
        machine.steps = self.steps;
        let left = self.limits.steps.saturating_sub(self.steps);
        let depth = self.depth.saturating_add(1);
        let stream = machine.run(position, end, depth, left);
        self.steps = machine.steps;
        self.spend(stream.events.len());
        self.gaps.append(&mut machine.gaps);
        self.pending.append(&mut machine.pending);
        self.incomplete.append(&mut machine.incomplete);
        self.inner.append(&mut machine.inner);
        let after = (stream.end == End::Stop).then_some(stream.range.end);
        self.inner.push(stream);
        after
    }
}

/// Bytes of one element: `f8`, `U10`, `V24`.
fn item_size(code: &str) -> Option<usize> {
    let mut characters = code.chars();
    let kind = characters.next()?;
    let digits = characters.as_str();
    let digits = digits.split('[').next().unwrap_or(digits);
    if digits.is_empty() {
        return (kind == '?').then_some(1);
    }
    let size: usize = digits.parse().ok()?;
    size.checked_mul(if kind == 'U' { 4 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn element_sizes() {
        assert_eq!(item_size("f8"), Some(8));
        assert_eq!(item_size("U10"), Some(40));
        assert_eq!(item_size("?"), Some(1));
        assert_eq!(item_size("M8[ns]"), Some(8));
        assert_eq!(item_size("x"), None);
    }
}
