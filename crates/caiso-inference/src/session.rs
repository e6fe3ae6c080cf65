//! Evaluation of a program forwards and backwards.

use crate::model::{check_length, check_rows};
use crate::program::{Program, Step};
use crate::{Error, Session};

/// Buffers of one thread for one program.
pub(crate) struct Workspace<'m> {
    program: &'m Program,
    /// Rows of the last forward; 0 before the first.
    rows: usize,
    /// Values of each slot, `[rows, size]`.
    values: Vec<Vec<f32>>,
    /// Derivatives with respect to them; empty for slots that no gradient reaches.
    gradients: Vec<Vec<f32>>,
    /// For the kernels' use.
    scratch: Vec<f32>,
}

impl<'m> Workspace<'m> {
    pub(crate) fn new(program: &'m Program) -> Self {
        let empty = vec![Vec::new(); program.slots.len()];
        Self { program, rows: 0, values: empty.clone(), gradients: empty, scratch: Vec::new() }
    }

    /// Some steps forwards.
    fn run(&mut self, which: impl Fn(&Step) -> bool) {
        if self.rows == 0 {
            return;
        }
        for step in self.program.steps.iter().filter(|step| which(step)) {
            let mut out = std::mem::take(&mut self.values[step.output]);
            let values = &self.values;
            step.kernel.forward(self.rows, &step.inputs, values, &mut out, &mut self.scratch);
            self.values[step.output] = out;
        }
    }
}

impl Session for Workspace<'_> {
    fn forward(&mut self, rows: &[f32]) -> Result<(), Error> {
        let program = self.program;
        let count = check_rows(rows, program.slots[0], None)?;
        if count != self.rows {
            let buffers = self.values.iter_mut().zip(&mut self.gradients);
            for ((values, gradients), (size, on_path)) in
                buffers.zip(program.slots.iter().zip(&program.path))
            {
                values.resize(count * size, 0.0);
                if program.differentiable() && *on_path {
                    gradients.resize(count * size, 0.0);
                }
            }
            self.rows = count;
            self.run(|step| step.constant);
        }
        self.values[0].copy_from_slice(rows);
        self.run(|step| !step.constant);
        Ok(())
    }

    fn outputs(&mut self) -> (&[f32], &mut [f32]) {
        let output = self.program.output;
        (&self.values[output], &mut self.gradients[output])
    }

    fn backward(&mut self, gradients: &mut [f32]) -> Result<(), Error> {
        if !self.program.differentiable() {
            return Err(Error::NoGradient);
        }
        if self.rows == 0 {
            return if gradients.is_empty() { Ok(()) } else { Err(Error::NoForward) };
        }
        check_length("gradients", gradients.len(), self.values[0].len())?;
        for step in self.program.steps.iter().rev().filter(|step| step.on_path) {
            let mut out = std::mem::take(&mut self.gradients[step.output]);
            let (gradients, scratch) = (&mut self.gradients, &mut self.scratch);
            step.kernel.backward(step, self.rows, &self.values, &mut out, gradients, scratch);
            self.gradients[step.output] = out;
        }
        gradients.copy_from_slice(&self.gradients[0]);
        Ok(())
    }

    fn classes(&self) -> usize {
        self.program.slots[self.program.output]
    }
}
