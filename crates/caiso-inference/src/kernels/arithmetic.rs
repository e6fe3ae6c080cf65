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
    /// Of integers, towards zero.
    IntegerDiv,
    Pow,
    /// The remainder with the sign of the divisor.
    Mod,
    /// The remainder with the sign of the dividend.
    Remainder,
    Min,
    Max,
    /// The left operand, times the right one below zero.
    PRelu,
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Xor,
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
    #[inline]
    pub(crate) fn apply(self, left: f32, right: f32) -> f32 {
        match self {
            Self::Add => left + right,
            Self::Sub => left - right,
            Self::Mul => left * right,
            Self::Div => left / right,
            Self::IntegerDiv => (f64::from(left) / f64::from(right)).trunc() as f32,
            Self::Pow => left.powf(right),
            Self::Mod => left - right * (left / right).floor(),
            Self::Remainder => left % right,
            Self::Min | Self::Max if left.is_nan() => left,
            Self::Min if right < left || right.is_nan() => right,
            Self::Max if right > left || right.is_nan() => right,
            Self::Min | Self::Max => left,
            Self::PRelu => {
                if left < 0.0 {
                    left * right
                } else {
                    left
                }
            }
            Self::Equal => f32::from(left == right),
            Self::Less => f32::from(left < right),
            Self::LessOrEqual => f32::from(left <= right),
            Self::Greater => f32::from(left > right),
            Self::GreaterOrEqual => f32::from(left >= right),
            Self::And => f32::from(left != 0.0 && right != 0.0),
            Self::Or => f32::from(left != 0.0 || right != 0.0),
            Self::Xor => f32::from((left != 0.0) != (right != 0.0)),
        }
    }

    /// Whether the derivative is zero wherever there is one.
    pub(super) fn is_piecewise_constant(self) -> bool {
        self == Self::IntegerDiv || self.is_logical()
    }

    /// Whether the result is 0 or 1.
    pub(crate) fn is_logical(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::Less
                | Self::LessOrEqual
                | Self::Greater
                | Self::GreaterOrEqual
                | Self::And
                | Self::Or
                | Self::Xor
        )
    }

    /// Derivative with respect to the left or the right operand. Two equal operands of a minimum or a maximum
    /// share it, as in PyTorch.
    #[inline]
    fn slope(self, left: f32, right: f32, with_respect_to: usize) -> f32 {
        match (self, with_respect_to) {
            (Self::Add, _) | (Self::Sub | Self::Mod | Self::Remainder, 0) => 1.0,
            (Self::Sub, _) => -1.0,
            (Self::Mul, 0) => right,
            (Self::Mul, _) => left,
            (Self::Div, 0) => 1.0 / right,
            (Self::Div, _) => -(left / right) / right,
            (Self::Pow, 0) => {
                if right == 0.0 {
                    0.0
                } else {
                    right * left.powf(right - 1.0)
                }
            }
            (Self::Pow, _) if left == 0.0 && right >= 0.0 => 0.0,
            (Self::Pow, _) => left.powf(right) * left.ln(),
            (Self::Mod, _) => -(left / right).floor(),
            (Self::Remainder, _) => -(left / right).trunc(),
            (Self::Min | Self::Max, _) if left == right => 0.5,
            (Self::Min, 0) | (Self::Max, 1) => f32::from(left < right),
            (Self::Min | Self::Max, _) => f32::from(left > right),
            (Self::PRelu, 0) => {
                if left > 0.0 {
                    1.0
                } else {
                    right
                }
            }
            (Self::PRelu, _) if left < 0.0 => left,
            _ => 0.0,
        }
    }
}

/// Calls `$body` with `$operator` as a constant in each case, so that each loop is vectorised on its own.
macro_rules! specialised {
    ($value:expr, $operator:ident => $body:expr; $($case:ident)*) => {
        match $value {
            $(Operator::$case => { const $operator: Operator = Operator::$case; $body })*
        }
    };
}

macro_rules! for_operator {
    ($value:expr, $operator:ident => $body:expr) => {
        specialised!($value, $operator => $body;
            Add Sub Mul Div IntegerDiv Pow Mod Remainder Min Max PRelu Equal Less LessOrEqual Greater
            GreaterOrEqual And Or Xor)
    };
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
        let basic =
            matches!(operator, Operator::Add | Operator::Sub | Operator::Mul | Operator::Div);
        let linear = match &operands {
            [Operand::Slot { map: None }, Operand::Constant(c)] if basic => Some(linear(c, 0)),
            [Operand::Constant(c), Operand::Slot { map: None }]
                if basic && operator != Operator::Div =>
            {
                Some(linear(c, 1))
            }
            _ => None,
        };
        Self { operator, operands, linear }
    }

    /// What it makes of a number at a place of the row, if a larger number never becomes a smaller one.
    pub(crate) fn increasing(&self) -> Option<impl Fn(usize, f32) -> f32> {
        let linear = self.linear.as_ref()?;
        let rises = linear.slopes.iter().all(|slope| *slope > 0.0 && slope.is_finite());
        let apply = |place: usize, value: f32, stage: &Stage| {
            let constant = stage.constant[place];
            if stage.constant_first {
                stage.operator.apply(constant, value)
            } else {
                stage.operator.apply(value, constant)
            }
        };
        rises.then_some(move |place: usize, value: f32| {
            linear.stages.iter().fold(value, |value, stage| apply(place, value, stage))
        })
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
            for_operator!(self.operator, OPERATOR => {
                each(out, &left, &right, |a, b| OPERATOR.apply(a, b));
            });
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
            if gradient.is_empty() {
                continue;
            }
            let width = gradient.len() / rows;
            let parts = gradient.chunks_exact_mut(width).zip(seed.chunks_exact(size));
            for (index, (gradient, seed)) in parts.enumerate() {
                let [left, right] = self.rows(index, rows, inputs, values);
                for_operator!(self.operator, OPERATOR => if side == 0 {
                    each_slope(gradient, map.as_deref(), seed, &left, &right, |a, b| {
                        OPERATOR.slope(a, b, 0)
                    });
                } else {
                    each_slope(gradient, map.as_deref(), seed, &left, &right, |a, b| {
                        OPERATOR.slope(a, b, 1)
                    });
                });
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
            _ => {}
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

/// Adds seed times slope at each place; a zero slope stops a seed of any size.
fn each_slope(
    gradient: &mut [f32],
    map: Option<&[u32]>,
    seed: &[f32],
    left: &Row<'_>,
    right: &Row<'_>,
    slope: impl Fn(f32, f32) -> f32,
) {
    if map.is_none() && left.map.is_none() && right.map.is_none() {
        let operands = left.values.iter().zip(right.values);
        for ((gradient, seed), (&left, &right)) in gradient.iter_mut().zip(seed).zip(operands) {
            let slope = slope(left, right);
            *gradient += if slope == 0.0 { 0.0 } else { seed * slope };
        }
        return;
    }
    for (place, seed) in seed.iter().enumerate() {
        let slope = slope(left.at(place), right.at(place));
        let place = map.map_or(place, |map| map[place] as usize);
        gradient[place] += if slope == 0.0 { 0.0 } else { seed * slope };
    }
}
