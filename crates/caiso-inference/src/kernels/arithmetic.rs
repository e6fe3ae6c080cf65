/// An operator of two operands, each broadcast to the size of the output.
pub(crate) struct Arithmetic {
    pub(crate) operator: Operator,
    pub(crate) operands: [Operand; 2],
    /// The derivative at each place, where it does not depend on the row: with one input in its own shape, of
    /// which the operator is a linear function.
    slopes: Option<Vec<f32>>,
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
    pub(crate) fn new(operator: Operator, operands: [Operand; 2]) -> Self {
        let slopes = match &operands {
            [Operand::Slot { map: None }, Operand::Constant(constant)] => {
                Some(constant.iter().map(|&c| operator.slope(0.0, c, 0)).collect())
            }
            [Operand::Constant(constant), Operand::Slot { map: None }]
                if operator != Operator::Div =>
            {
                Some(constant.iter().map(|&c| operator.slope(c, 0.0, 1)).collect())
            }
            _ => None,
        };
        Self { operator, operands, slopes }
    }

    pub(super) fn forward(
        &self,
        rows: usize,
        inputs: &[usize],
        values: &[Vec<f32>],
        out: &mut [f32],
    ) {
        let size = out.len() / rows;
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

    /// Adds to the gradients; overwrites those of the inputs that `first` marks.
    pub(super) fn backward(
        &self,
        rows: usize,
        inputs: &[usize],
        first: &[bool],
        values: &[Vec<f32>],
        seed: &[f32],
        gradients: &mut [Vec<f32>],
    ) {
        if let (Some(slopes), &[slot], &[first]) = (&self.slopes, inputs, first) {
            return scaled(&mut gradients[slot], seed, slopes, first);
        }
        for (&slot, _) in inputs.iter().zip(first).filter(|(_, first)| **first) {
            gradients[slot].fill(0.0);
        }
        let size = seed.len() / rows;
        let mut slots = inputs.iter();
        for (side, operand) in self.operands.iter().enumerate() {
            let Operand::Slot { map } = operand else { continue };
            let Some(&slot) = slots.next() else { return };
            let gradient = &mut gradients[slot];
            let width = gradient.len() / rows;
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
                let width = values.len() / rows;
                Row { values: &values[index * width..(index + 1) * width], map: map.as_deref() }
            }
        })
    }
}

/// `gradient = seed * slopes` for each row, or `+=`.
fn scaled(gradient: &mut [f32], seed: &[f32], slopes: &[f32], first: bool) {
    let rows = gradient.chunks_exact_mut(slopes.len()).zip(seed.chunks_exact(slopes.len()));
    for (gradient, seed) in rows {
        let parts = gradient.iter_mut().zip(seed.iter().zip(slopes));
        if first {
            parts.for_each(|(gradient, (seed, slope))| *gradient = seed * slope);
        } else {
            parts.for_each(|(gradient, (seed, slope))| *gradient += seed * slope);
        }
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
