//! What a step computes, forwards and backwards. Everything is `[rows, size]` in row-major order, and a row's
//! numbers never meet another row's.
//!
//! There is at least one row. `backward` adds to the gradients of the inputs it [carries](Kernel::carries), or
//! overwrites what is there where it is the first.

mod arithmetic;
mod choose;
mod conv;
mod correlation;
mod dense;
mod impute;
mod normalize;
mod pick;
mod pool;
mod product;
mod ranking;
mod recurrent;
mod reduce;
mod resample;
mod select;
mod softmax;
mod standardize;
mod support;
mod tile;
mod transpose;
mod unary;
mod window;
mod winograd;

pub(crate) use arithmetic::{Arithmetic, Operand, Operator};
pub(crate) use choose::Choose;
pub(crate) use conv::{Conv, Definition};
pub(crate) use dense::Dense;
pub(crate) use impute::Impute;
pub(crate) use normalize::{Norm, Normalize};
pub(crate) use pick::Pick;
pub(crate) use pool::{Pool, Pooling};
pub(crate) use product::Product;
pub(crate) use ranking::{ArgExtreme, TopK};
pub(crate) use recurrent::{Cell, Recurrent};
pub(crate) use reduce::{Cumulate, Reduce, Reduction};
pub(crate) use resample::Resample;
pub(crate) use select::{Concat, Select};
pub(crate) use softmax::Softmax;
pub(crate) use standardize::{LocalResponse, Standardize};
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
    /// The same for all rows: a step without inputs.
    Constant(Vec<f32>),
    /// One of two values, by a condition.
    Choose(Choose),
    /// Products of matrices that both depend on the row.
    Product(Product),
    /// A recurrent layer.
    Recurrent(Recurrent),
    /// Values at places that depend on the row.
    Pick(Pick),
    /// One number of the values along an axis.
    Reduce(Reduce),
    /// Sums up to each value along an axis.
    Cumulate(Cumulate),
    /// Weighted sums of neighbours along an axis.
    Resample(Resample),
    /// Mean 0 and deviation 1 along the last values.
    Standardize(Standardize),
    /// Division by the size of neighbours.
    LocalResponse(LocalResponse),
    /// The places of the largest or smallest values along an axis.
    TopK(TopK),
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
    pub(crate) fn carries(&self, input: usize) -> bool {
        match self {
            Self::Unary(unary) => !unary.is_piecewise_constant(),
            Self::Arithmetic(arithmetic) => !arithmetic.operator.is_piecewise_constant(),
            Self::Choose(_) => input > 0,
            Self::Pick(pick) => pick.table.is_none() && input == 0,
            Self::TopK(_)
            | Self::Trees(_)
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
            Self::Constant(constant) => {
                out.chunks_exact_mut(constant.len()).for_each(|out| out.copy_from_slice(constant));
            }
            Self::Choose(choose) => choose.forward(rows, inputs, values, out),
            Self::Product(product) => product.forward(rows, inputs, values, out),
            Self::Pick(pick) => pick.forward(rows, inputs, values, out),
            Self::Recurrent(layer) => layer.forward(rows, inputs, values, out),
            Self::Reduce(reduce) => reduce.forward(&values[inputs[0]], out),
            Self::Cumulate(cumulate) => cumulate.forward(&values[inputs[0]], out),
            Self::Resample(resample) => resample.forward(&values[inputs[0]], out),
            Self::Standardize(standardize) => standardize.forward(&values[inputs[0]], out),
            Self::LocalResponse(response) => response.forward(&values[inputs[0]], out),
            Self::TopK(top) => top.forward(&values[inputs[0]], out),
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
            Self::Pool(pool) => pool.backward(&values[slot], out, seed, gradient),
            // The first four are done, the others have no gradient.
            Self::Dense(_)
            | Self::Arithmetic(_)
            | Self::Conv(_)
            | Self::Transpose(_)
            | Self::Trees(_)
            | Self::Categories { .. }
            | Self::ArgExtreme(_)
            | Self::TopK(_)
            | Self::OneHot { .. }
            | Self::Constant(_) => {}
            Self::Choose(choose) => {
                choose.backward(rows, &step.inputs, values, seed, gradients);
            }
            Self::Product(product) => {
                product.backward(rows, &step.inputs, values, seed, gradients);
            }
            Self::Pick(pick) => pick.backward(rows, &step.inputs, values, seed, gradients),
            Self::Recurrent(layer) => {
                layer.backward(rows, &step.inputs, values, out, seed, gradients);
            }
            Self::Reduce(reduce) => reduce.backward(&values[slot], out, seed, gradient),
            Self::Cumulate(cumulate) => cumulate.backward(seed, gradient),
            Self::Resample(resample) => resample.backward(seed, gradient),
            Self::Standardize(standardize) => {
                standardize.backward(&values[slot], out, seed, gradient);
            }
            Self::LocalResponse(response) => response.backward(&values[slot], seed, gradient),
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
