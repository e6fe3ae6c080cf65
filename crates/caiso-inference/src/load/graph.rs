//! The program as far as it is built.

use std::collections::{BTreeMap, BTreeSet};

use super::operators::Fault;
use super::shape;
use super::value::{Constant, Rows, Value};
use crate::Unsupported;
use crate::kernels::Kernel;
use crate::program::Step;

/// Values of one row in all slots, and elements of constants computed while loading: 256 MiB of each row.
const LARGEST: usize = 1 << 26;

/// The program as far as it is built.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) slots: Vec<usize>,
    pub(super) steps: Vec<Step>,
    /// Length of the batch axis where the file fixes it.
    pub(super) fixed_batch: Option<usize>,
    /// Names of the classes, where an operator states them.
    pub(super) labels: Vec<String>,
    /// Slots that hold integers or booleans; how many different values from 0 on, where that is known.
    integers: BTreeMap<usize, Option<usize>>,
    /// Slots that hold the same for all rows.
    pub(super) fixed: BTreeSet<usize>,
    /// Slots that hold the place of a row's largest value, and where that value is.
    pub(super) arg_max: BTreeMap<usize, Rows>,
    /// For slots of scores whose order is not that of the classes: the logits.
    pub(super) logits: BTreeMap<usize, Rows>,
    /// Slots that a gradient does not get past, and the node that is to blame.
    pub(super) blocked: BTreeMap<usize, Unsupported>,
    spent: usize,
}

impl Builder {
    /// With the input in slot 0.
    pub(super) fn new(input: &[usize], fixed_batch: Option<usize>) -> Result<Self, Fault> {
        let mut builder = Self { fixed_batch, ..Self::default() };
        let features = builder.spend(input)?;
        builder.slots.push(features);
        Ok(builder)
    }

    /// Number of values of `shape`, if there is room for so many.
    pub(super) fn spend(&mut self, shape: &[usize]) -> Result<usize, Fault> {
        let size = shape::size(shape).unwrap_or(usize::MAX);
        self.spent = self.spent.saturating_add(size);
        if self.spent > LARGEST {
            return Err(Fault::Graph(format!(
                "a row with all its intermediate values takes more than {LARGEST} numbers"
            )));
        }
        Ok(size)
    }

    /// A step and the slot that it writes.
    pub(super) fn push(
        &mut self,
        kernel: Kernel,
        inputs: &[&Rows],
        shape: Vec<usize>,
    ) -> Result<Rows, Fault> {
        let size = self.spend(&shape)?;
        if size == 0 {
            return Err(Fault::Graph(format!("a value of shape {shape:?} is empty")));
        }
        let slot = self.slots.len();
        self.slots.push(size);
        let inputs: Vec<usize> = inputs.iter().map(|rows| rows.slot).collect();
        if inputs.iter().all(|slot| self.integers.contains_key(slot)) {
            self.integers.insert(slot, None);
        }
        if inputs.iter().all(|slot| self.fixed.contains(slot)) {
            self.fixed.insert(slot);
        }
        self.steps.push(Step::new(kernel, inputs, slot));
        Ok(Rows::new(slot, shape))
    }

    /// A slot that holds the same for all rows.
    pub(super) fn constant_slot(
        &mut self,
        shape: Vec<usize>,
        values: Vec<f32>,
    ) -> Result<Rows, Fault> {
        let rows = self.push(Kernel::Constant(values), &[], shape)?;
        self.note_floats(rows.slot);
        Ok(rows)
    }

    /// What such a slot holds.
    pub(super) fn constant_of(&self, slot: usize) -> Option<&[f32]> {
        // Each step has a slot of its own, after that of the input.
        let step = self.steps.get(slot.checked_sub(1)?)?;
        match &step.kernel {
            Kernel::Constant(values) => Some(values),
            _ => None,
        }
    }

    /// The slot of a value that is computed with together with `like`: for a constant one of its own.
    pub(super) fn slot_of(&mut self, value: &Value, like: &Rows) -> Result<Rows, Fault> {
        match value {
            Value::Rows(rows) => {
                like.check_alignment(rows)?;
                Ok(rows.clone())
            }
            Value::Constant(constant) => {
                let shape = like.align(&constant.shape)?;
                let layout = like.layout_for(shape.len());
                let values = constant.numbers().ok_or_else(|| {
                    Fault::Unsupported(
                        "it computes with the number of rows, or with texts".to_owned(),
                    )
                })?;
                let rows = self.constant_slot(shape, values)?;
                if constant.as_floats().is_none() {
                    self.note_integers(rows.slot, None);
                }
                Ok(Rows { layout, ..rows })
            }
            Value::Label(_) => Err(Fault::Unsupported("it computes with class names".to_owned())),
            Value::Unsupported => Err(Fault::Unsupported(String::new())),
        }
    }

    /// What a kernel makes of one value; `like` gives shape and layout of the result from those of the value.
    pub(super) fn apply(
        &mut self,
        kernel: Kernel,
        value: &Value,
        like: impl FnOnce(&Rows) -> Result<Rows, Fault>,
    ) -> Result<Value, Fault> {
        match value {
            Value::Rows(rows) => {
                let Rows { shape, layout, .. } = like(rows)?;
                Ok(Value::Rows(Rows { layout, ..self.push(kernel, &[rows], shape)? }))
            }
            Value::Constant(constant) => {
                let shape = like(&Rows::new(0, constant.shape.clone()))?.shape;
                let size = self.spend(&shape)?;
                let numbers = constant.numbers().filter(|numbers| !numbers.is_empty());
                let (Some(numbers), true) = (numbers, size > 0) else {
                    return Err(Fault::Unsupported(
                        "it computes with nothing, with the number of rows, or with texts"
                            .to_owned(),
                    ));
                };
                let mut out = vec![0.0; size];
                kernel.forward(1, &[0], &[numbers], &mut out, &mut Vec::new());
                let logical = matches!(&kernel, Kernel::Unary(unary) if unary.is_logical());
                Ok(if logical || constant.as_floats().is_none() {
                    Constant::ints(shape, out.iter().map(|&value| value as i64).collect())
                } else {
                    Constant::floats(shape, out)
                })
            }
            Value::Label(_) => Err(Fault::Unsupported("it computes with class names".to_owned())),
            Value::Unsupported => Err(Fault::Unsupported(String::new())),
        }
    }

    /// A step in the place of the one that writes `like`, with the shape of `like`; it has no more of a gradient.
    pub(super) fn rewrite(
        &mut self,
        kernel: Kernel,
        input: usize,
        like: &Rows,
    ) -> Result<Rows, Fault> {
        let input = Rows::new(input, Vec::new());
        let rows = self.push(kernel, &[&input], like.shape.clone())?;
        if let Some(blocked) = self.blocked.get(&like.slot).cloned() {
            self.blocked.insert(rows.slot, blocked);
        }
        Ok(rows)
    }

    /// Notes that a slot holds integers (0 and 1 for booleans), `count` different ones where that is known.
    /// Slots computed from integers alone hold integers without being noted.
    pub(super) fn note_integers(&mut self, slot: usize, count: Option<usize>) {
        self.integers.insert(slot, count);
    }

    /// Notes that a slot holds floats although it is computed from integers.
    pub(super) fn note_floats(&mut self, slot: usize) {
        self.integers.remove(&slot);
    }

    /// Whether a slot holds integers or booleans.
    pub(super) fn is_integer(&self, slot: usize) -> bool {
        self.integers.contains_key(&slot)
    }

    /// How many different integers, from 0 on, a slot holds, where that is known.
    pub(super) fn count(&self, slot: usize) -> Option<usize> {
        self.integers.get(&slot).copied().flatten()
    }
}
