//! A loaded graph: steps over slots, in the order of evaluation.

use crate::kernels::{Arithmetic, Kernel, Operand, Operator, Unary};

/// What a model computes. Slot 0 holds the input; every other slot is written by one step.
pub(crate) struct Program {
    /// Values that each slot holds for one row.
    pub(crate) slots: Vec<usize>,
    pub(crate) steps: Vec<Step>,
    /// Slot of the logits.
    pub(crate) output: usize,
    /// Slots between the input and the logits, both included, as far as a gradient goes.
    pub(crate) path: Vec<bool>,
    /// Slots on the path from the input to the logits that a gradient does not get past.
    pub(crate) blocked: Vec<usize>,
}

/// One kernel on its slots.
pub(crate) struct Step {
    pub(crate) kernel: Kernel,
    pub(crate) inputs: Vec<usize>,
    /// For each input: in reverse order this step is the first to write to that slot's gradient.
    pub(crate) first: Vec<bool>,
    pub(crate) output: usize,
    /// The gradient of the logits passes through this step.
    pub(crate) on_path: bool,
}

impl Program {
    /// Drops steps that the output does not need and joins what one kernel can do.
    pub(crate) fn new(mut slots: Vec<usize>, mut steps: Vec<Step>, output: usize) -> Self {
        let mut needed = vec![false; slots.len()];
        needed[output] = true;
        for step in steps.iter().rev() {
            if needed[step.output] {
                step.inputs.iter().for_each(|&input| needed[input] = true);
            }
        }
        steps.retain(|step| needed[step.output]);
        join(&mut steps, slots.len(), output);

        let mut constant = vec![false; slots.len()];
        for step in &steps {
            constant[step.output] = step.inputs.is_empty();
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
                blocked.push(step.output);
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

/// A dense step takes a bias and a ReLU, operators with constants take each other.
fn take(kernel: &mut Kernel, next: &Kernel) -> bool {
    match (kernel, next) {
        (Kernel::Dense(dense), Kernel::Unary(Unary::Relu)) => {
            !std::mem::replace(&mut dense.relu, true)
        }
        (
            Kernel::Dense(dense),
            Kernel::Arithmetic(Arithmetic {
                operator: Operator::Add,
                operands:
                    [Operand::Slot { map: None }, Operand::Constant(bias)]
                    | [Operand::Constant(bias), Operand::Slot { map: None }],
                ..
            }),
        ) => !dense.relu && dense.take_bias(bias),
        (Kernel::Arithmetic(arithmetic), Kernel::Arithmetic(next)) => arithmetic.take(next),
        _ => false,
    }
}
