//! Keeps pixels with their channels last from one step to the next.
//!
//! The kernels of images want their channels last and are loaded between steps that turn them there and
//! back. Here functions of each value and the like move to before the turn back, so that it meets the next
//! turn there and both go.

use crate::kernels::{Arithmetic, Concat, Kernel, Operand, Transpose};
use crate::program::Step;

struct Layouts<'s> {
    slots: &'s mut Vec<usize>,
    steps: Vec<Step>,
    /// The slot that holds what this one would.
    same: Vec<usize>,
    /// For a slot another one, and the transpose that makes it from that.
    from: Vec<Option<(usize, Transpose)>>,
}

/// Moves turns; steps whose output is not used any more are left to be dropped.
pub(crate) fn arrange(slots: &mut Vec<usize>, steps: Vec<Step>, output: &mut usize) -> Vec<Step> {
    let count = slots.len();
    let mut layouts =
        Layouts { slots, steps: Vec::new(), same: (0..count).collect(), from: vec![None; count] };
    for mut step in steps {
        for input in &mut step.inputs {
            *input = layouts.same[*input];
        }
        layouts.add(step);
    }
    *output = layouts.same[*output];
    layouts.steps
}

impl Layouts<'_> {
    fn add(&mut self, step: Step) {
        let Step { kernel, inputs, output, .. } = step;
        let kernel = match kernel {
            Kernel::Transpose(transpose) => return self.turn(transpose, inputs[0], output),
            Kernel::Unary(unary) => match self.from[inputs[0]] {
                Some((slot, back)) => {
                    return self.before(Kernel::Unary(unary), vec![slot], back, output);
                }
                None => Kernel::Unary(unary),
            },
            Kernel::Dense(mut dense) => {
                // A product takes its inputs in any order.
                if let Some((slot, back)) = self.from[inputs[0]]
                    && self.slots[slot] == back.height * back.width
                    && dense.reorder(&back.places())
                {
                    return self.push(Kernel::Dense(dense), vec![slot], output);
                }
                Kernel::Dense(dense)
            }
            Kernel::Arithmetic(arithmetic) => {
                if let Some(back) = self.turned_operand(&arithmetic, &inputs) {
                    let (kernel, inputs) = self.arithmetic(arithmetic, inputs, back);
                    return self.before(kernel, inputs, back, output);
                }
                Kernel::Arithmetic(arithmetic)
            }
            Kernel::Concat(concat) => {
                let back = inputs.iter().find_map(|&input| self.from[input]);
                let size: usize = concat.parts.iter().sum();
                if let Some((_, back)) = back
                    && size == self.slots[output]
                    && concat.parts.iter().all(|part| part.is_multiple_of(back.height))
                {
                    return self.concat(&concat, &inputs, back.height, output);
                }
                Kernel::Concat(concat)
            }
            kernel => kernel,
        };
        self.push(kernel, inputs, output);
    }

    fn push(&mut self, kernel: Kernel, inputs: Vec<usize>, output: usize) {
        self.steps.push(Step::new(kernel, inputs, output));
    }

    fn slot(&mut self, size: usize) -> usize {
        let slot = self.slots.len();
        self.slots.push(size);
        self.same.push(slot);
        self.from.push(None);
        slot
    }

    /// A transpose, or the slot that has its result already.
    fn turn(&mut self, transpose: Transpose, input: usize, output: usize) {
        match self.from[input] {
            Some((slot, back)) if back == transpose.inverse() => self.same[output] = slot,
            _ => {
                self.push(Kernel::Transpose(transpose), vec![input], output);
                self.from[output] = Some((input, transpose));
                if self.from[input].is_none() {
                    self.from[input] = Some((output, transpose.inverse()));
                }
            }
        }
    }

    /// The slot from which `back` makes `slot`.
    fn turned(&mut self, slot: usize, back: Transpose) -> usize {
        match self.from[slot] {
            Some((from, transpose)) if transpose == back => from,
            _ => {
                let turned = self.slot(self.slots[slot]);
                self.turn(back.inverse(), slot, turned);
                turned
            }
        }
    }

    /// A step whose output is still to be turned back.
    fn before(&mut self, kernel: Kernel, inputs: Vec<usize>, back: Transpose, output: usize) {
        let turned = self.slot(self.slots[output]);
        self.steps.push(Step { origin: output, ..Step::new(kernel, inputs, turned) });
        self.push(Kernel::Transpose(back), vec![turned], output);
        self.from[output] = Some((turned, back));
    }

    /// The transpose that makes an operand in the shape of the output.
    fn turned_operand(&self, arithmetic: &Arithmetic, inputs: &[usize]) -> Option<Transpose> {
        let slots = arithmetic.operands.iter().filter_map(|operand| match operand {
            Operand::Slot { map } => Some(map.is_none()),
            Operand::Constant(_) => None,
        });
        let whole = slots.zip(inputs).filter(|(whole, _)| *whole);
        whole.filter_map(|(_, &input)| self.from[input]).map(|(_, back)| back).next()
    }

    fn arithmetic(
        &mut self,
        arithmetic: Arithmetic,
        mut inputs: Vec<usize>,
        back: Transpose,
    ) -> (Kernel, Vec<usize>) {
        // Where each place of what is turned lies in what it is turned to.
        let places = back.places();
        let mut slots = inputs.iter_mut();
        let operands = arithmetic.operands.map(|operand| match operand {
            Operand::Constant(values) => {
                Operand::Constant(places.iter().map(|&place| values[place]).collect())
            }
            Operand::Slot { map } => {
                let slot = slots.next();
                match (map, slot) {
                    (Some(map), _) => {
                        Operand::Slot { map: Some(places.iter().map(|&at| map[at]).collect()) }
                    }
                    (None, Some(slot)) => {
                        *slot = self.turned(*slot, back);
                        Operand::Slot { map: None }
                    }
                    (None, None) => Operand::Slot { map: None },
                }
            }
        });
        (Kernel::Arithmetic(Arithmetic::new(arithmetic.operator, operands)), inputs)
    }

    /// Channels of images of as many pixels, beside each other.
    fn concat(&mut self, concat: &Concat, inputs: &[usize], pixels: usize, output: usize) {
        let parts: Vec<usize> = concat.parts.iter().map(|part| part / pixels).collect();
        let turned = inputs.iter().zip(&parts).map(|(&input, &channels)| {
            // A single channel lies as it did.
            if channels == 1 {
                return input;
            }
            self.turned(input, Transpose { height: pixels, width: channels })
        });
        let turned = turned.collect();
        let back = Transpose { height: pixels, width: parts.iter().sum() };
        self.before(Kernel::Concat(Concat { parts }), turned, back, output);
    }
}
