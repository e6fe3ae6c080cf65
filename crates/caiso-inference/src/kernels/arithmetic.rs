use super::repeated;

/// An operator of two operands, each broadcast to the size of the output.
pub(crate) struct Arithmetic {
    pub(crate) operator: Operator,
    pub(crate) operands: [Operand; 2],
    linear: Option<Linear>,
}

/// Operators with constants, one after the other, on one input in its own shape; linear in the input.
struct Linear {
    stages: Vec<Stage>,
    /// Derivative at each place, as by [`repeated`].
    slopes: Vec<f32>,
}

#[derive(Clone)]
struct Stage {
    operator: Operator,
    /// As by [`repeated`].
    constant: Vec<f32>,
    constant_first: bool,
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
        let linear = |constant: &[f32], side| {
            let slope = |&c: &f32| {
                let (left, right) = if side == 0 { (0.0, c) } else { (c, 0.0) };
                operator.slope(left, right, side)
            };
            let slopes: Vec<f32> = constant.iter().map(slope).collect();
            let stage = Stage { operator, constant: repeated(constant), constant_first: side == 1 };
            Linear { stages: vec![stage], slopes: repeated(&slopes) }
        };
        let linear = match &operands {
            [Operand::Slot { map: None }, Operand::Constant(c)] => Some(linear(c, 0)),
            [Operand::Constant(c), Operand::Slot { map: None }] if operator != Operator::Div => {
                Some(linear(c, 1))
            }
            _ => None,
        };
        Self { operator, operands, linear }
    }

    /// Whether it adds two slots in the output's shape.
    pub(crate) fn is_sum_of_slots(&self) -> bool {
        let whole = |operand: &Operand| matches!(operand, Operand::Slot { map: None });
        self.operator == Operator::Add && self.operands.iter().all(whole)
    }

    /// The operator and its constant, if the order of the two does not matter and the slot has the output's
    /// shape.
    pub(crate) fn with_constant(&self) -> Option<(Operator, &[f32])> {
        match (&self.operands, &self.linear) {
            (
                [Operand::Slot { map: None }, Operand::Constant(constant)]
                | [Operand::Constant(constant), Operand::Slot { map: None }],
                Some(linear),
            ) if linear.stages.len() == 1
                && matches!(self.operator, Operator::Add | Operator::Mul) =>
            {
                Some((self.operator, constant))
            }
            _ => None,
        }
    }

    /// Takes over the operator that follows; `false` where one of them is not linear.
    pub(crate) fn take(&mut self, next: &Self) -> bool {
        let (Some(own), Some(next)) = (&mut self.linear, &next.linear) else { return false };
        own.stages.extend(next.stages.iter().cloned());
        for (slope, next) in own.slopes.iter_mut().zip(&next.slopes) {
            *slope *= next;
        }
        true
    }

    pub(super) fn forward(
        &self,
        rows: usize,
        inputs: &[usize],
        values: &[Vec<f32>],
        out: &mut [f32],
    ) {
        if let (Some(linear), &[slot]) = (&self.linear, inputs) {
            let length = linear.slopes.len();
            for (out, input) in out.chunks_mut(length).zip(values[slot].chunks(length)) {
                for (index, stage) in linear.stages.iter().enumerate() {
                    stage.apply((index == 0).then_some(input), out);
                }
            }
            return;
        }
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
        if let (Some(linear), &[slot], &[first]) = (&self.linear, inputs, first) {
            return scaled(&mut gradients[slot], seed, &linear.slopes, first);
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

impl Stage {
    /// Applies the operator to `input`, or in place.
    fn apply(&self, input: Option<&[f32]>, out: &mut [f32]) {
        let constant = &self.constant;
        match (self.operator, self.constant_first) {
            (Operator::Add, _) => each_constant(input, out, constant, |x, c| x + c),
            (Operator::Sub, false) => each_constant(input, out, constant, |x, c| x - c),
            (Operator::Sub, true) => each_constant(input, out, constant, |x, c| c - x),
            (Operator::Mul, _) => each_constant(input, out, constant, |x, c| x * c),
            (Operator::Div, false) => each_constant(input, out, constant, |x, c| x / c),
            (Operator::Div, true) => each_constant(input, out, constant, |x, c| c / x),
        }
    }
}

fn each_constant(
    input: Option<&[f32]>,
    out: &mut [f32],
    constant: &[f32],
    apply: impl Fn(f32, f32) -> f32,
) {
    if let Some(input) = input {
        for (out, (x, c)) in out.iter_mut().zip(input.iter().zip(constant)) {
            *out = apply(*x, *c);
        }
    } else {
        for (x, c) in out.iter_mut().zip(constant) {
            *x = apply(*x, *c);
        }
    }
}

/// `gradient = seed * slopes` for each row, or `+=`; `slopes` as by [`repeated`].
fn scaled(gradient: &mut [f32], seed: &[f32], slopes: &[f32], first: bool) {
    let rows = gradient.chunks_mut(slopes.len()).zip(seed.chunks(slopes.len()));
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
