//! What a step computes, forwards and backwards. Everything is `[rows, size]` in row-major order, and a row's
//! numbers never meet another row's.
//!
//! There is at least one row. `backward` adds to the gradients of the inputs it [carries](Kernel::carries), or
//! overwrites what is there where it is the first.

mod arithmetic;
mod conv;
mod correlation;
mod dense;
mod impute;
mod normalize;
mod pool;
mod ranking;
mod select;
mod softmax;
mod support;
mod tile;
mod transpose;
mod unary;
mod window;
mod winograd;

pub(crate) use arithmetic::{Arithmetic, Operand, Operator};
pub(crate) use conv::{Conv, Definition};
pub(crate) use dense::Dense;
pub(crate) use impute::Impute;
pub(crate) use normalize::{Norm, Normalize};
pub(crate) use pool::{Pool, Pooling};
pub(crate) use ranking::ArgExtreme;
pub(crate) use select::{Concat, Select};
pub(crate) use softmax::Softmax;
pub(crate) use support::{OneVsOne, Similarity, SupportVectors};
pub(crate) use transpose::Transpose;
pub(crate) use unary::Unary;
pub(crate) use window::Window;

use std::sync::Arc;

use crate::TreeEnsemble;
use crate::program::Step;

pub(crate) enum Kernel {
    /// A product with a constant matrix, with bias and ReLU.
    Dense(Dense),
    /// A convolution with constant weights, with bias, the addition of a second slot, and ReLU.
    Conv(Box<Conv>),
    /// One value for each window of pixels.
    Pool(Pool),
    /// Each row as a matrix, transposed.
    Transpose(Transpose),
    /// A function of each value.
    Unary(Unary),
    /// An operator on two slots or on a slot and a constant.
    Arithmetic(Arithmetic),
    /// Softmax or its logarithm along an axis.
    Softmax(Softmax),
    /// Numbers in the place of missing values.
    Impute(Impute),
    /// Division of each row by its norm.
    Normalize(Normalize),
    /// Values in another order, left out or repeated.
    Select(Select),
    /// Several slots side by side.
    Concat(Concat),
    /// Decision functions of support vector machines.
    SupportVectors(Box<SupportVectors>),
    /// Scores of classes from decisions between pairs of them.
    OneVsOne(OneVsOne),
    /// For each value and each of these numbers, whether they are equal.
    Categories { numbers: Vec<f32> },
    /// Sums of the leaves of decision trees.
    Trees(Arc<TreeEnsemble>),
    /// The place of the largest or smallest value along an axis.
    ArgExtreme(ArgExtreme),
    /// For each value, a class, 1 at its place among so many zeros.
    OneHot { classes: usize },
    /// The logits `[0, z]` of two classes from one value; `[z, 0]` if `flipped`.
    TwoClasses { flipped: bool },
}

/// One row's constants, repeated so that loops over several short rows are one long loop.
fn repeated(row: &[f32]) -> Vec<f32> {
    row.repeat(256_usize.div_ceil(row.len().max(1)))
}

impl Kernel {
    /// Whether a small change of that input changes the output, so that it has a gradient. A kernel that
    /// carries none of its inputs ends the way back: if it lies between input and logits, the model has no
    /// gradient.
    pub(crate) fn carries(&self, _input: usize) -> bool {
        match self {
            Self::Unary(unary) => !unary.is_piecewise_constant(),
            Self::Trees(_)
            | Self::Categories { .. }
            | Self::ArgExtreme(_)
            | Self::OneHot { .. } => false,
            _ => true,
        }
    }

    /// Writes all of `out`; `scratch` is for use in between, of any size.
    pub(crate) fn forward(
        &self,
        rows: usize,
        inputs: &[usize],
        values: &[Vec<f32>],
        out: &mut [f32],
        scratch: &mut Vec<f32>,
    ) {
        match self {
            Self::Dense(dense) => dense.forward(&values[inputs[0]], out),
            Self::Conv(conv) => conv.forward(inputs, values, out, scratch),
            Self::Pool(pool) => pool.forward(&values[inputs[0]], out),
            Self::Transpose(transpose) => transpose.forward(&values[inputs[0]], out),
            Self::Unary(unary) => unary.forward(&values[inputs[0]], out),
            Self::Arithmetic(arithmetic) => arithmetic.forward(rows, inputs, values, out),
            Self::Softmax(softmax) => softmax.forward(&values[inputs[0]], out),
            Self::Impute(impute) => impute.forward(&values[inputs[0]], out),
            Self::Normalize(normalize) => normalize.forward(&values[inputs[0]], out),
            Self::Select(select) => select.forward(rows, &values[inputs[0]], out),
            Self::Concat(concat) => concat.forward(inputs, values, out),
            Self::SupportVectors(machine) => machine.forward(&values[inputs[0]], out),
            Self::OneVsOne(votes) => votes.forward(&values[inputs[0]], out),
            Self::Categories { numbers } => {
                for (out, &value) in out.chunks_exact_mut(numbers.len()).zip(&values[inputs[0]]) {
                    for (out, &number) in out.iter_mut().zip(numbers) {
                        *out = f32::from(value == number);
                    }
                }
            }
            Self::Trees(trees) => {
                out.copy_from_slice(&trees.logits_of(&trees.sums(&values[inputs[0]])));
            }
            Self::ArgExtreme(extreme) => extreme.forward(&values[inputs[0]], out),
            Self::OneHot { classes } => {
                for (out, &class) in out.chunks_exact_mut(*classes).zip(&values[inputs[0]]) {
                    for (index, out) in out.iter_mut().enumerate() {
                        *out = f32::from(index as f32 == class);
                    }
                }
            }
            Self::TwoClasses { flipped } => {
                for (pair, &z) in out.as_chunks_mut().0.iter_mut().zip(&values[inputs[0]]) {
                    *pair = if *flipped { [z, 0.0] } else { [0.0, z] };
                }
            }
        }
    }

    /// Carries `seed`, the gradient of the output, to the gradients of the inputs; may change `seed`.
    pub(crate) fn backward(
        &self,
        step: &Step,
        rows: usize,
        values: &[Vec<f32>],
        seed: &mut [f32],
        gradients: &mut [Vec<f32>],
        scratch: &mut Vec<f32>,
    ) {
        let (slot, out) = (step.inputs[0], &values[step.output]);
        match self {
            Self::Dense(dense) => {
                return dense.backward(out, seed, &mut gradients[slot], !step.first[0]);
            }
            Self::Conv(conv) => {
                let slots = [step.inputs.as_slice(), &[step.output]];
                return conv.backward(slots, &step.first, values, seed, gradients, scratch);
            }
            Self::Transpose(transpose) => {
                return transpose.backward(seed, &mut gradients[slot], !step.first[0]);
            }
            Self::Arithmetic(arithmetic) => {
                let Step { inputs, first, .. } = step;
                return arithmetic.backward(rows, inputs, first, values, seed, gradients);
            }
            _ => {}
        }
        for (&slot, _) in step.inputs.iter().zip(&step.first).filter(|(_, first)| **first) {
            gradients[slot].fill(0.0);
        }
        let gradient = &mut gradients[slot];
        match self {
            // The first four are done, the others have no gradient.
            Self::Dense(_)
            | Self::Arithmetic(_)
            | Self::Conv(_)
            | Self::Transpose(_)
            | Self::Trees(_)
            | Self::Categories { .. }
            | Self::ArgExtreme(_)
            | Self::OneHot { .. } => {}
            Self::Pool(pool) => pool.backward(&values[slot], out, seed, gradient),
            Self::Unary(unary) => unary.backward(&values[slot], seed, gradient),
            Self::Softmax(softmax) => softmax.backward(out, seed, gradient),
            Self::SupportVectors(machine) => machine.backward(&values[slot], seed, gradient),
            Self::OneVsOne(votes) => votes.backward(&values[slot], seed, gradient),
            Self::Impute(impute) => impute.backward(&values[slot], seed, gradient),
            Self::Normalize(normalize) => normalize.backward(&values[slot], out, seed, gradient),
            Self::Select(select) => select.backward(rows, seed, gradient),
            Self::Concat(concat) => concat.backward(&step.inputs, seed, gradients),
            Self::TwoClasses { flipped } => {
                for (pair, gradient) in seed.as_chunks::<2>().0.iter().zip(gradient) {
                    *gradient += pair[usize::from(!flipped)];
                }
            }
        }
    }
}
