//! Products with constant matrices.

use super::arithmetic::combine;
use super::graph::Builder;
use super::operators::{Fault, Op};
use super::shape;
use super::value::{Constant, Value};
use crate::kernels::{Dense, Kernel, Operator};

/// `alpha * x * w + beta * c`.
pub(super) fn gemm(builder: &mut Builder, op: &Op<'_>) -> Result<Vec<Value>, Fault> {
    let rows = op.rows(0)?;
    let &[k] = rows.shape.as_slice() else {
        return Err(Fault::Graph(format!(
            "input 0 has shape [batch, {:?}], expected two axes",
            rows.shape
        )));
    };
    if op.int("transA", 0)? != 0 {
        return Err(Fault::Unsupported("transA mixes the rows of a batch".to_owned()));
    }
    let (shape, mut weights) = op.floats(1)?;
    let transposed = op.int("transB", 0)? != 0;
    let n = match *shape.as_slice() {
        [n, inner] if transposed && inner == k => n,
        [inner, n] if !transposed && inner == k => n,
        _ => {
            return Err(Fault::Graph(format!(
                "weights of shape {shape:?} do not fit rows of {k} values"
            )));
        }
    };
    if transposed {
        weights = transpose(&weights, n, k);
    }
    let alpha = op.float("alpha", 1.0)?;
    for weight in &mut weights {
        *weight *= alpha;
    }
    let beta = op.float("beta", 1.0)?;
    let bias = match op.optional(2) {
        None => None,
        Some(Value::Constant(_)) => {
            let (shape, values) = op.floats(2)?;
            // The first of two axes is that of the batch.
            let fits = match shape.as_slice() {
                [] | [1] | [1, 1] => true,
                &[length] | &[1, length] => length == n,
                _ => false,
            };
            if !fits {
                return Err(Fault::Graph(format!(
                    "a bias of shape {shape:?} does not fit {n} outputs"
                )));
            }
            let value = |i: usize| values.get(i).or(values.first()).map_or(0.0, |c| beta * c);
            Some((0..n).map(value).collect())
        }
        Some(_) => return Err(Fault::Unsupported("input 2 is not a constant".to_owned())),
    };
    dense(builder, op, &weights, k, n, bias)
}

/// `x * w` along the last axis.
pub(super) fn matmul(builder: &mut Builder, op: &Op<'_>) -> Result<Vec<Value>, Fault> {
    let rows = op.rows(0)?;
    let Some((&k, outer)) = rows.shape.split_last() else {
        return Err(Fault::Unsupported("it multiplies along the batch".to_owned()));
    };
    let (shape, weights) = op.floats(1)?;
    match shape.as_slice() {
        &[inner, n] if inner == k => dense(builder, op, &weights, k, n, None),
        &[inner] if inner == k => {
            let outer = outer.to_vec();
            let mut values = dense(builder, op, &weights, k, 1, None)?;
            if let Some(Value::Rows(rows)) = values.first_mut() {
                rows.shape = outer;
            }
            Ok(values)
        }
        [_] | [_, _] => Err(Fault::Graph(format!(
            "weights of shape {shape:?} do not fit rows that end in {k} values"
        ))),
        _ => Err(Fault::Unsupported("weights with more than two axes".to_owned())),
    }
}

fn dense(
    builder: &mut Builder,
    op: &Op<'_>,
    weights: &[f32],
    k: usize,
    n: usize,
    bias: Option<Vec<f32>>,
) -> Result<Vec<Value>, Fault> {
    let rows = op.rows(0)?;
    let mut shape = rows.shape.clone();
    if let Some(last) = shape.last_mut() {
        *last = n;
    }
    if n == 0 {
        return Err(Fault::Graph("the weights are empty".to_owned()));
    }
    let kernel = Kernel::Dense(Dense::new(weights, k, n, bias));
    Ok(vec![Value::Rows(builder.push(kernel, &[rows], shape)?)])
}

/// The transpose of a matrix `[rows, columns]`.
pub(super) fn transpose(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let places =
        shape::places(&[shape::offsets(columns, 1, false), shape::offsets(rows, columns, false)]);
    places.iter().filter_map(|&place| matrix.get(place as usize).copied()).collect()
}

/// With statistics from training: `x * a + b` for each channel.
pub(super) fn batch_normalization(builder: &mut Builder, op: &Op<'_>) -> Result<Vec<Value>, Fault> {
    if op.int("training_mode", 0)? != 0 {
        return Err(Fault::Unsupported("training_mode mixes the rows of a batch".to_owned()));
    }
    if op.opset < 9 && op.int("spatial", 1)? == 0 {
        return Err(Fault::Unsupported("spatial = 0".to_owned()));
    }
    let rows = op.rows(0)?;
    let Some(&channels) = rows.shape.first() else {
        return Err(Fault::Graph("input 0 has no channels".to_owned()));
    };
    let mut parameters = Vec::new();
    for index in 1..=4 {
        let (shape, values) = op.floats(index)?;
        if shape != [channels] {
            return Err(Fault::Graph(format!(
                "input {index} has shape {shape:?}, expected [{channels}]"
            )));
        }
        parameters.push(values);
    }
    let epsilon = op.float("epsilon", 1e-5)?;
    let [scale, bias, mean, variance] = parameters.as_slice() else {
        return Err(Fault::Graph("expected five inputs".to_owned()));
    };
    let scale: Vec<f32> = scale
        .iter()
        .zip(variance)
        .map(|(scale, variance)| scale / (variance + epsilon).sqrt())
        .collect();
    let shift = bias.iter().zip(mean).zip(&scale).map(|((bias, mean), scale)| bias - mean * scale);
    // One value for each channel, whatever axes follow.
    let mut shape = vec![1; rows.shape.len()];
    if let Some(first) = shape.first_mut() {
        *first = channels;
    }
    let shift = Constant::floats(shape.clone(), shift.collect());
    let scaled = combine(
        builder,
        Operator::Mul,
        &Value::Rows(rows.clone()),
        &Constant::floats(shape, scale),
    )?;
    Ok(vec![combine(builder, Operator::Add, &scaled, &shift)?])
}
