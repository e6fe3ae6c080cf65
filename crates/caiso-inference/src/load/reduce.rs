//! What becomes of the values along axes: reductions, softmax, sums.

use super::graph::Builder;
use super::movement::axes_last;
use super::operators::{Fault, Op};
use super::shape;
use super::value::{Constant, Rows, Value};
use crate::kernels::{Cumulate, Kernel, Operator, Reduce, Reduction, Softmax, Unary};

type Outputs = Result<Vec<Value>, Fault>;

/// A reduction, by its name.
pub(super) fn reduce(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let kind = match op.node.op_type {
        "ReduceSum" => Reduction::Sum,
        "ReduceMean" => Reduction::Mean,
        "ReduceMax" => Reduction::Max,
        "ReduceMin" => Reduction::Min,
        "ReduceProd" => Reduction::Prod,
        "ReduceL1" => Reduction::L1,
        "ReduceL2" => Reduction::L2,
        "ReduceLogSum" => Reduction::LogSum,
        "ReduceLogSumExp" => Reduction::LogSumExp,
        "ReduceSumSquare" => Reduction::SumSquare,
        _ => return Err(Fault::Unsupported(String::new())),
    };
    let since = if kind == Reduction::Sum { 13 } else { 18 };
    let axes = op.axes(1, since)?.unwrap_or_default();
    let value = op.input(0)?;
    if axes.is_empty() && op.int("noop_with_empty_axes", 0)? != 0 {
        return Ok(vec![match kind {
            Reduction::L1 | Reduction::L2 => super::arithmetic::unary(builder, value, Unary::Abs)?,
            Reduction::SumSquare => super::arithmetic::unary(builder, value, Unary::Square)?,
            Reduction::LogSum => super::arithmetic::unary(builder, value, Unary::Log)?,
            _ => value.clone(),
        }]);
    }
    let axes = if axes.is_empty() {
        (0..i64::try_from(value.rank()?).unwrap_or(0)).collect()
    } else {
        axes
    };
    Ok(vec![reduced(builder, value, kind, &axes, op.int("keepdims", 1)? != 0)?])
}

/// One value of those along `axes` of the whole.
pub(super) fn reduced(
    builder: &mut Builder,
    value: &Value,
    kind: Reduction,
    axes: &[i64],
    keep: bool,
) -> Result<Value, Fault> {
    let mut dropped = Vec::with_capacity(axes.len());
    for &axis in axes {
        match (value, value.row_axis(axis)) {
            // A batch of one row is an axis like any other of that length.
            (Value::Rows(rows), Err(_))
                if keep
                    && builder.fixed_batch == Some(1)
                    && rows.shape.len().saturating_add(1) == rows.rank()
                    && shape::axis(axis, rows.rank()) == Some(rows.layout.position()) => {}
            (_, found) => dropped.push(found?),
        }
    }
    dropped.sort_unstable();
    dropped.dedup();
    if let Value::Constant(constant) = value
        && constant.as_floats().is_none()
    {
        return integers(constant, kind, &dropped, keep);
    }
    let own = value.shape()?.to_vec();
    let (moved, length, stride) = if let Some((length, stride)) = contiguous(&own, &dropped) {
        (value.clone(), length, stride)
    } else {
        let (moved, length) = axes_last(builder, value, &dropped)?;
        (moved, length, 1)
    };
    if length == 0 {
        return Err(Fault::Graph(format!("an axis of shape {own:?} to be reduced is empty")));
    }
    let mut shape = own;
    for &axis in &dropped {
        if let Some(length) = shape.get_mut(axis) {
            *length = 1;
        }
    }
    let kernel = Kernel::Reduce(Reduce { kind, length, stride });
    let result =
        builder.apply(kernel, &moved, |rows| Ok(Rows { shape: shape.clone(), ..rows.clone() }))?;
    Ok(match result {
        // The layout is that of the value before its axes were moved.
        Value::Rows(rows) => {
            let layout = if let Value::Rows(before) = value { before.layout } else { rows.layout };
            let rows = Rows { layout, ..rows };
            Value::Rows(if keep { rows } else { rows.without_axes(&dropped) })
        }
        Value::Constant(constant) => {
            let kept =
                shape.iter().enumerate().filter(|(index, _)| keep || !dropped.contains(index));
            let kept = kept.map(|(_, &length)| length).collect();
            constant.with_shape(kept)
        }
        other => other,
    })
}

/// Length and stride of axes that are neighbours (or of length 1).
fn contiguous(shape: &[usize], axes: &[usize]) -> Option<(usize, usize)> {
    let long = |axis: &&usize| shape.get(**axis).is_some_and(|&length| length != 1);
    let mut long = axes.iter().filter(long);
    let Some(&first) = long.next() else { return Some((1, 1)) };
    let last = long.next_back().copied().unwrap_or(first);
    let between = (first..=last).all(|axis| axes.contains(&axis) || shape.get(axis) == Some(&1));
    let length = shape.get(first..=last).and_then(shape::size)?;
    let stride = shape.get(last.saturating_add(1)..).and_then(shape::size)?;
    between.then_some((length, stride))
}

/// Sums and products of integers, as shapes are computed with.
fn integers(
    constant: &Constant,
    kind: Reduction,
    axes: &[usize],
    keep: bool,
) -> Result<Value, Fault> {
    let refused = || Fault::Unsupported(format!("{kind:?} of integers"));
    let dims = constant.as_dims().ok_or_else(refused)?;
    if axes.len() != constant.shape.len() {
        return Err(refused());
    }
    let operator = match kind {
        Reduction::Sum => Operator::Add,
        Reduction::Prod => Operator::Mul,
        Reduction::Max => Operator::Max,
        Reduction::Min => Operator::Min,
        _ => return Err(refused()),
    };
    let mut dims = dims.into_iter();
    let first = dims.next().ok_or_else(refused)?;
    let total = dims.try_fold(first, |a, b| super::arithmetic::whole(operator, a, b));
    let shape = if keep { vec![1; constant.shape.len()] } else { Vec::new() };
    Ok(Constant::dims(shape, vec![total.ok_or_else(refused)?]))
}

/// Softmax and log-softmax.
pub(super) fn softmax(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let log = op.node.op_type == "LogSoftmax";
    let flattening = op.opset < 13;
    let value = op.input(0)?;
    let axis = op.int("axis", if flattening { 1 } else { -1 })?;
    if !flattening {
        return Ok(vec![softmax_along(builder, value, axis, log)?]);
    }
    // Up to operator set 12 it goes over all axes from the given one on.
    let index = value.row_axis(axis)?;
    if let Value::Rows(rows) = value
        && index < rows.layout.axis
    {
        return Err(Fault::Unsupported(format!("axis = {axis} mixes the rows of a batch")));
    }
    let length = value.shape()?.get(index..).and_then(shape::size).unwrap_or(1);
    let kernel = Kernel::Softmax(Softmax { log, length, stride: 1 });
    Ok(vec![builder.apply(kernel, value, |rows| Ok(rows.clone()))?])
}

pub(super) fn softmax_along(
    builder: &mut Builder,
    value: &Value,
    axis: i64,
    log: bool,
) -> Result<Value, Fault> {
    let (length, stride) = value.along(axis)?;
    let kernel = Kernel::Softmax(Softmax { log, length, stride });
    builder.apply(kernel, value, |rows| Ok(rows.clone()))
}

pub(super) fn cumulative_sum(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let axis = match op.integers(1)?.as_slice() {
        &[axis] => axis,
        other => return Err(Fault::Graph(format!("axis {other:?} is not one number"))),
    };
    let (length, stride) = op.input(0)?.along(axis)?;
    let (exclusive, reverse) = (op.int("exclusive", 0)? != 0, op.int("reverse", 0)? != 0);
    let kernel = Kernel::Cumulate(Cumulate { length, stride, exclusive, reverse });
    Ok(vec![builder.apply(kernel, op.input(0)?, |rows| Ok(rows.clone()))?])
}
