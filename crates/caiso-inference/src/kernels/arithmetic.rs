/// An operator of two operands, each broadcast to the size of the output.
pub(crate) struct Arithmetic {
    pub(crate) operator: Operator,
    pub(crate) operands: [Operand; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
}

pub(crate) enum Operand {
    /// The step's next input; `map` gives the input's place for each place of the output, where they differ.
    Slot { map: Option<Vec<u32>> },
    /// The same in each row, one value for each place of the output.
    Constant(Vec<f32>),
}

/// One row of an operand.
struct Row<'a> {
    values: &'a [f32],
    map: Option<&'a [u32]>,
}

impl Row<'_> {
    fn at(&self, place: usize) -> f32 {
        self.values[self.map.map_or(place, |map| map[place] as usize)]
    }
}

impl Operator {
    pub(crate) fn apply(self, left: f32, right: f32) -> f32 {
        match self {
            Self::Add => left + right,
            Self::Sub => left - right,
            Self::Mul => left * right,
            Self::Div => left / right,
        }
    }

    /// Derivative with respect to the left or the right operand.
    fn slope(self, left: f32, right: f32, with_respect_to: usize) -> f32 {
        match (self, with_respect_to) {
            (Self::Add, _) | (Self::Sub, 0) => 1.0,
            (Self::Sub, _) => -1.0,
            (Self::Mul, 0) => right,
            (Self::Mul, _) => left,
            (Self::Div, 0) => 1.0 / right,
            (Self::Div, _) => -(left / right) / right,
        }
    }
}

impl Arithmetic {
    pub(super) fn forward(
        &self,
        rows: usize,
        inputs: &[usize],
        values: &[Vec<f32>],
        out: &mut [f32],
    ) {
        let size = out.len() / rows.max(1);
        for (index, out) in out.chunks_exact_mut(size).enumerate() {
            let [left, right] = self.rows(index, rows, inputs, values);
            // One loop for each operator, so that each is vectorised.
            match self.operator {
                Operator::Add => each(out, &left, &right, |a, b| a + b),
                Operator::Sub => each(out, &left, &right, |a, b| a - b),
                Operator::Mul => each(out, &left, &right, |a, b| a * b),
                Operator::Div => each(out, &left, &right, |a, b| a / b),
            }
        }
    }

    pub(super) fn backward(
        &self,
        rows: usize,
        inputs: &[usize],
        values: &[Vec<f32>],
        seed: &[f32],
        gradients: &mut [Vec<f32>],
    ) {
        let size = seed.len() / rows.max(1);
        let mut slots = inputs.iter();
        for (side, operand) in self.operands.iter().enumerate() {
            let Operand::Slot { map } = operand else { continue };
            let Some(&slot) = slots.next() else { return };
            let gradient = &mut gradients[slot];
            let width = gradient.len() / rows.max(1);
            let parts = gradient.chunks_exact_mut(width).zip(seed.chunks_exact(size));
            for (index, (gradient, seed)) in parts.enumerate() {
                let [left, right] = self.rows(index, rows, inputs, values);
                for (place, seed) in seed.iter().enumerate() {
                    let slope = self.operator.slope(left.at(place), right.at(place), side);
                    gradient[map.as_ref().map_or(place, |map| map[place] as usize)] += seed * slope;
                }
            }
        }
    }

    fn rows<'a>(
        &'a self,
        index: usize,
        rows: usize,
        inputs: &[usize],
        values: &'a [Vec<f32>],
    ) -> [Row<'a>; 2] {
        let mut slots = inputs.iter();
        self.operands.each_ref().map(|operand| match operand {
            Operand::Constant(values) => Row { values, map: None },
            Operand::Slot { map } => {
                let values = slots.next().map_or(&[][..], |&slot| &values[slot]);
                let width = values.len() / rows.max(1);
                Row { values: &values[index * width..(index + 1) * width], map: map.as_deref() }
            }
        })
    }
}

fn each(out: &mut [f32], left: &Row<'_>, right: &Row<'_>, apply: impl Fn(f32, f32) -> f32) {
    if left.map.is_none() && right.map.is_none() {
        for (out, (&left, &right)) in out.iter_mut().zip(left.values.iter().zip(right.values)) {
            *out = apply(left, right);
        }
    } else {
        for (place, out) in out.iter_mut().enumerate() {
            *out = apply(left.at(place), right.at(place));
        }
    }
}
