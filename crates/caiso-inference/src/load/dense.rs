//! Products of matrices.

use super::arithmetic::combine;
use super::graph::Builder;
use super::movement::permuted;
use super::operators::{Fault, Op};
use super::shape::{self, broadcast, broadcast_places};
use super::structure::unsqueezed;
use super::value::{Constant, Rows, Value};
use crate::kernels::{Dense, Kernel, Operator, Product};

/// `alpha * a * b + beta * c`.
pub(super) fn gemm(builder: &mut Builder, op: &Op<'_>) -> Result<Vec<Value>, Fault> {
    let (left, right) = (op.input(0)?, op.input(1)?);
    let (alpha, beta) = (op.float("alpha", 1.0)?, op.float("beta", 1.0)?);
    let turned = [op.int("transA", 0)? != 0, op.int("transB", 0)? != 0];
    let added = op.optional(2);
    if let (Value::Rows(rows), Value::Constant(weights), [false, transposed]) =
        (left, right, turned)
    {
        let &[first, second] = weights.shape.as_slice() else {
            return Err(Fault::Graph(format!(
                "weights of shape {:?}, expected two axes",
                weights.shape
            )));
        };
        let mut values = weights.numbers().ok_or_else(no_numbers)?;
        let (k, n) = if transposed { (second, first) } else { (first, second) };
        if transposed {
            values = transpose(&values, n, k);
        }
        for weight in &mut values {
            *weight *= alpha;
        }
        let bias = match added {
            Some(Value::Constant(constant)) => bias(rows, constant, n, beta)?,
            _ => None,
        };
        let done = bias.is_some() || added.is_none();
        let product = dense(builder, rows, &values, k, n, bias)?;
        return match added {
            Some(added) if !done => {
                let added = scaled(builder, added, beta)?;
                Ok(vec![combine(builder, Operator::Add, &product, &added)?])
            }
            _ => Ok(vec![product]),
        };
    }
    let [left, right] = [(left, turned[0]), (right, turned[1])]
        .map(|(value, turned)| if turned { turn(builder, value) } else { Ok(value.clone()) });
    let product = multiply(builder, &left?, &right?)?;
    let product = scaled(builder, &product, alpha)?;
    Ok(vec![match added {
        Some(added) => {
            let added = scaled(builder, added, beta)?;
            combine(builder, Operator::Add, &product, &added)?
        }
        None => product,
    }])
}

fn no_numbers() -> Fault {
    Fault::Graph("the weights are no numbers".to_owned())
}

/// The bias that a dense step can add itself; the first of two axes is that of the batch.
fn bias(rows: &Rows, constant: &Constant, n: usize, beta: f32) -> Result<Option<Vec<f32>>, Fault> {
    let shape = rows.align(&constant.shape)?;
    let values = constant.numbers().ok_or_else(no_numbers)?;
    let wrong =
        || Fault::Graph(format!("a bias of shape {:?} does not fit {n} outputs", constant.shape));
    match shape.split_last() {
        None => {}
        Some((&last, before)) => {
            if last != 1 && last != n {
                return Err(wrong());
            }
            if before.iter().any(|&length| length != 1) {
                return Ok(None);
            }
        }
    }
    let value = |i: usize| values.get(i).or(values.first()).map_or(0.0, |c| beta * c);
    Ok(Some((0..n).map(value).collect()))
}

fn scaled(builder: &mut Builder, value: &Value, factor: f32) -> Result<Value, Fault> {
    if factor == 1.0 {
        return Ok(value.clone());
    }
    combine(builder, Operator::Mul, value, &Constant::floats(Vec::new(), vec![factor]))
}

/// The transpose of a matrix: of a constant, since a row's matrix has three axes.
fn turn(builder: &mut Builder, value: &Value) -> Result<Value, Fault> {
    match (value, value.shape()?) {
        (Value::Constant(_), &[height, width]) => {
            permuted(builder, value, &[height, width], &[1, 0], vec![width, height])
        }
        _ => Err(Fault::Unsupported("a transpose mixes the rows of a batch".to_owned())),
    }
}

pub(super) fn matmul(builder: &mut Builder, op: &Op<'_>) -> Result<Vec<Value>, Fault> {
    Ok(vec![multiply(builder, op.input(0)?, op.input(1)?)?])
}

/// Products of the matrices in the last two axes.
pub(super) fn multiply(builder: &mut Builder, left: &Value, right: &Value) -> Result<Value, Fault> {
    if let (Value::Rows(rows), Value::Constant(weights)) = (left, right) {
        match *weights.shape.as_slice() {
            [k, n] => {
                let weights = weights.numbers().ok_or_else(no_numbers)?;
                return dense(builder, rows, &weights, k, n, None);
            }
            [k] => {
                let weights = weights.numbers().ok_or_else(no_numbers)?;
                let product = dense(builder, rows, &weights, k, 1, None)?;
                let Value::Rows(rows) = product else { return Ok(product) };
                let last = rows.shape.len().saturating_sub(1);
                return Ok(Value::Rows(rows.without_axes(&[last])));
            }
            _ => {}
        }
    }
    let vectors = [left, right].map(|value| value.rank().map(|rank| rank == 1));
    let [left_vector, right_vector] = vectors;
    let (left_vector, right_vector) = (left_vector?, right_vector?);
    let wide_left = if left_vector { unsqueezed(builder, left, &[0])? } else { left.clone() };
    let wide_right = if right_vector { unsqueezed(builder, right, &[1])? } else { right.clone() };
    let product = product(builder, &wide_left, &wide_right)?;
    let mut dropped = Vec::new();
    let rank = product.shape()?.len();
    if left_vector {
        dropped.push(rank.saturating_sub(2));
    }
    if right_vector {
        dropped.push(rank.saturating_sub(1));
    }
    Ok(match product {
        Value::Rows(rows) => Value::Rows(rows.without_axes(&dropped)),
        Value::Constant(constant) => {
            let kept = constant.shape.iter().enumerate();
            let kept = kept.filter(|(index, _)| !dropped.contains(index));
            constant.with_shape(kept.map(|(_, &length)| length).collect())
        }
        other => other,
    })
}

fn product(builder: &mut Builder, left: &Value, right: &Value) -> Result<Value, Fault> {
    let like = [left, right].into_iter().find_map(|value| match value {
        Value::Rows(rows) => Some(rows.clone()),
        _ => None,
    });
    let mut shapes = Vec::with_capacity(2);
    for value in [left, right] {
        // Neither axis of a matrix may be that of the batch.
        value.row_axis(-1)?;
        value.row_axis(-2)?;
        shapes.push(match (&like, value) {
            (Some(like), Value::Rows(rows)) => {
                like.check_alignment(rows)?;
                rows.shape.clone()
            }
            (Some(like), _) => like.align(value.shape()?)?,
            (None, _) => value.shape()?.to_vec(),
        });
    }
    let [left_shape, right_shape] = shapes.as_slice() else { return Err(no_numbers()) };
    let (Some((&[m, k], outer_left)), Some((&[inner, n], outer_right))) =
        (split_matrix(left_shape), split_matrix(right_shape))
    else {
        return Err(Fault::Graph("operands without matrices".to_owned()));
    };
    let wrong =
        || Fault::Graph(format!("matrices of shape {left_shape:?} and {right_shape:?} do not fit"));
    if inner != k || [m, n, k].contains(&0) {
        return Err(wrong());
    }
    let outer = broadcast(outer_left, outer_right).ok_or_else(wrong)?;
    builder.spend(&outer)?;
    let pairs = broadcast_places(outer_left, &outer).into_iter();
    let pairs = pairs.zip(broadcast_places(outer_right, &outer)).map(|(a, b)| [a, b]).collect();
    let shape = [outer.as_slice(), &[m, n]].concat();
    let kernel = Kernel::Product(Product { m, k, n, pairs });
    let Some(like) = like else {
        let numbers = [left, right].map(|value| match value {
            Value::Constant(constant) => constant.numbers().unwrap_or_default(),
            _ => Vec::new(),
        });
        // What is computed while loading is bounded as well.
        builder.spend(&[&outer[..], &[m, n, k.div_ceil(256)]].concat())?;
        let mut out = vec![0.0; builder.spend(&shape)?];
        kernel.forward(1, &[0, 1], &numbers, &mut out, &mut Vec::new());
        return Ok(Constant::floats(shape, out));
    };
    let layout = like.layout_for(shape.len());
    let (left, right) = (builder.slot_of(left, &like)?, builder.slot_of(right, &like)?);
    Ok(Value::Rows(Rows { layout, ..builder.push(kernel, &[&left, &right], shape)? }))
}

fn split_matrix(shape: &[usize]) -> Option<(&[usize; 2], &[usize])> {
    shape.split_last_chunk::<2>().map(|(outer, matrix)| (matrix, outer))
}

/// A product along the last axis with weights `[k, n]`.
pub(super) fn dense(
    builder: &mut Builder,
    rows: &Rows,
    weights: &[f32],
    k: usize,
    n: usize,
    bias: Option<Vec<f32>>,
) -> Result<Value, Fault> {
    if rows.row_axis(-1).is_err() {
        return Err(Fault::Unsupported("it multiplies along the batch".to_owned()));
    }
    let mut shape = rows.shape.clone();
    if shape.last() != Some(&k) {
        let found = shape.last().copied().unwrap_or(0);
        return Err(Fault::Graph(format!(
            "weights of shape [{k}, {n}] do not fit rows that end in {found} values"
        )));
    }
    if let Some(last) = shape.last_mut() {
        *last = n;
    }
    if n == 0 || k == 0 {
        return Err(Fault::Graph("the weights are empty".to_owned()));
    }
    let kernel = Kernel::Dense(Dense::new(weights, k, n, bias));
    Ok(Value::Rows(Rows { layout: rows.layout, ..builder.push(kernel, &[rows], shape)? }))
}

/// The transpose of a matrix `[rows, columns]`.
pub(super) fn transpose(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let places =
        shape::places(&[shape::offsets(columns, 1, false), shape::offsets(rows, columns, false)]);
    places.iter().filter_map(|&place| matrix.get(place as usize).copied()).collect()
}
