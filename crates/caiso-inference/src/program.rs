//! A loaded graph: steps over slots, in the order of evaluation.

use std::sync::Arc;

use crate::CHUNK;
use crate::kernels::{Kernel, Operator, Unary};
use crate::layout;

/// What a model computes. Slot 0 holds the input; every other slot is written by one step.
pub(crate) struct Program {
    /// Values that each slot holds for one row.
    pub(crate) slots: Vec<usize>,
    pub(crate) steps: Vec<Step>,
    /// Slot of the logits.
    pub(crate) output: usize,
    /// Slots between the input and the logits, both included, as far as a gradient goes.
    pub(crate) path: Vec<bool>,
    /// Slots of the loaded graph on the path from the input to the logits that a gradient does not get past.
    pub(crate) blocked: Vec<usize>,
}

/// One kernel on its slots.
pub(crate) struct Step {
    pub(crate) kernel: Kernel,
    pub(crate) inputs: Vec<usize>,
    /// For each input: in reverse order this step is the first to write to that slot's gradient.
    pub(crate) first: Vec<bool>,
    pub(crate) output: usize,
    /// The slot that it wrote when the graph was loaded, before anything was rearranged.
    pub(crate) origin: usize,
    /// The gradient of the logits passes through this step.
    pub(crate) on_path: bool,
    /// What it yields does not depend on the model's input.
    pub(crate) constant: bool,
}

impl Step {
    /// A step whose way back is still to be found by [`Program::new`].
    pub(crate) fn new(kernel: Kernel, inputs: Vec<usize>, output: usize) -> Self {
        let (first, on_path, constant) = (Vec::new(), false, false);
        Self { kernel, inputs, first, output, origin: output, on_path, constant }
    }
}

impl Program {
    /// Drops steps that the output does not need and joins what one kernel can do.
    pub(crate) fn new(mut slots: Vec<usize>, steps: Vec<Step>, mut output: usize) -> Self {
        let mut steps = layout::arrange(&mut slots, steps, &mut output);
        let mut needed = vec![false; slots.len()];
        needed[output] = true;
        for step in steps.iter().rev() {
            if needed[step.output] {
                step.inputs.iter().for_each(|&input| needed[input] = true);
            }
        }
        steps.retain(|step| needed[step.output]);
        join(&mut steps, slots.len(), output);
        join_trees(&mut steps);
        for step in &mut steps {
            match &mut step.kernel {
                Kernel::Conv(conv) => conv.finish(),
                Kernel::Dense(dense) => dense.finish(),
                _ => {}
            }
        }

        let mut constant = vec![false; slots.len()];
        for step in &mut steps {
            step.constant = step.inputs.iter().all(|&slot| constant[slot]);
            constant[step.output] = step.constant;
        }
        let mut path = vec![false; slots.len()];
        path[output] = true;
        let mut blocked = Vec::new();
        let mut seen = vec![false; slots.len()];
        for step in steps.iter_mut().rev() {
            step.on_path = path[step.output];
            let carried = |input: &(usize, &usize)| {
                step.on_path && step.kernel.carries(input.0) && !constant[*input.1]
            };
            if step.on_path && !step.inputs.iter().enumerate().any(|input| carried(&input)) {
                blocked.push(step.origin);
            }
            let inputs = step.inputs.iter().enumerate();
            let first = inputs
                .map(|input| carried(&input) && !std::mem::replace(&mut path[*input.1], true));
            step.first = first.collect();
            step.inputs.iter().for_each(|&slot| seen[slot] = true);
        }
        // Nothing is kept in the slots that are left over.
        seen[0] = true;
        seen[output] = true;
        for (size, seen) in slots.iter_mut().zip(seen) {
            *size = if seen { *size } else { 0 };
        }
        Self { slots, steps, output, path, blocked }
    }

    /// Rows that one session should be given at a time, at least one and at most [`CHUNK`].
    ///
    /// Their values and gradients should stay near the processor, but the weights of convolutions should serve
    /// many rows on their way through it. So they take as much room as these weights and 2 MiB, but not more
    /// than 64 MiB. Measured: a network of two convolutions (0.2 MiB for each row) takes 1.15 times as long
    /// with 60 rows as with 8 to 16; ResNet-18 of 64 channels (8 MiB) 1.1 times as long with 8 rows as with 16.
    pub(crate) fn rows_at_once(&self) -> usize {
        let weights = self.steps.iter().map(|step| match &step.kernel {
            Kernel::Conv(conv) => conv.weights(),
            _ => 0,
        });
        let values = ((1 << 19) + weights.sum::<usize>()).min(1 << 24);
        let row: usize = self.slots.iter().sum();
        (values / (2 * row)).clamp(1, CHUNK)
    }

    /// Whether the logits have a gradient with respect to the input.
    pub(crate) fn differentiable(&self) -> bool {
        self.blocked.is_empty()
    }

    /// Whether the output depends on the input at all.
    pub(crate) fn depends_on_input(&self) -> bool {
        self.output == 0 || self.steps.iter().any(|step| step.inputs.contains(&0))
    }
}

/// Lets a step take over what alone follows it.
fn join(steps: &mut Vec<Step>, slots: usize, output: usize) {
    let mut uses = vec![0_usize; slots];
    uses[output] = 1;
    steps.iter().flat_map(|step| &step.inputs).for_each(|&slot| uses[slot] += 1);

    let mut joined: Vec<Step> = Vec::with_capacity(steps.len());
    let mut writer: Vec<Option<usize>> = vec![None; slots];
    for step in steps.drain(..) {
        if let Some((index, other)) = residual(&step, &mut joined, &writer, &uses) {
            joined[index].inputs.push(other);
            joined[index].output = step.output;
            writer[step.output] = Some(index);
            continue;
        }
        let before = match step.inputs.as_slice() {
            &[input] if uses[input] == 1 => writer[input],
            _ => None,
        };
        if let Some(index) = before
            && take(&mut joined[index].kernel, &step.kernel)
        {
            joined[index].output = step.output;
            writer[step.output] = Some(index);
            continue;
        }
        writer[step.output] = Some(joined.len());
        joined.push(step);
    }
    *steps = joined;
}

/// Trees take over scaling before them, if there is nothing else: attacks then see thresholds of the input itself.
fn join_trees(steps: &mut Vec<Step>) {
    let [scaling, trees] = steps.as_slice() else { return };
    let (Kernel::Arithmetic(arithmetic), Kernel::Trees(ensemble)) =
        (&scaling.kernel, &trees.kernel)
    else {
        return;
    };
    if scaling.inputs != [0] || trees.inputs != [scaling.output] {
        return;
    }
    let joined = arithmetic.increasing().map(|function| ensemble.before(&function));
    if let Some(joined) = joined {
        let output = trees.output;
        *steps = vec![Step::new(Kernel::Trees(Arc::new(joined)), vec![0], output)];
    }
}

/// The convolution that takes over a sum of two slots, the later one of what yields them, and the other slot.
fn residual(
    step: &Step,
    joined: &mut [Step],
    writer: &[Option<usize>],
    uses: &[usize],
) -> Option<(usize, usize)> {
    let (Kernel::Arithmetic(sum), &[left, right]) = (&step.kernel, step.inputs.as_slice()) else {
        return None;
    };
    if !sum.is_sum_of_slots() {
        return None;
    }
    let (last, other) = if writer[left] > writer[right] { (left, right) } else { (right, left) };
    let index = writer[last].filter(|_| uses[last] == 1 && last != other)?;
    match &mut joined[index].kernel {
        Kernel::Conv(conv) => conv.take_residual().then_some((index, other)),
        _ => None,
    }
}

/// A dense step takes a bias and a ReLU, operators with constants take each other.
fn take(kernel: &mut Kernel, next: &Kernel) -> bool {
    match (kernel, next) {
        (Kernel::Conv(conv), Kernel::Unary(Unary::Relu)) => conv.take_relu(),
        (Kernel::Conv(conv), Kernel::Arithmetic(next)) => match next.with_constant() {
            Some((Operator::Add, added)) => conv.take_sum(added),
            Some((Operator::Mul, factors)) => conv.take_product(factors),
            _ => false,
        },
        (Kernel::Dense(dense), Kernel::Unary(Unary::Relu)) => {
            !std::mem::replace(&mut dense.relu, true)
        }
        (Kernel::Dense(dense), Kernel::Arithmetic(next)) => match next.with_constant() {
            Some((Operator::Add, bias)) => !dense.relu && dense.take_bias(bias),
            _ => false,
        },
        (Kernel::Arithmetic(arithmetic), Kernel::Arithmetic(next)) => arithmetic.take(next),
        _ => false,
    }
}
