//! Operators that bring values to a common mean and size.

use super::arithmetic::combine;
use super::graph::Builder;
use super::movement::{axes_back, axes_last};
use super::operators::{Fault, Op};
use super::shape;
use super::value::{Constant, Rows, Value};
use crate::kernels::{Kernel, LocalResponse, Norm, Normalize, Operator, Standardize};

type Outputs = Result<Vec<Value>, Fault>;

/// With statistics from training: `x * a + b` for each channel.
pub(super) fn batch_normalization(builder: &mut Builder, op: &Op<'_>) -> Outputs {
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

/// Mean 0 and deviation 1 (or mean square 1) along the last axes, then scaled and moved.
pub(super) fn layer_normalization(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let center = op.node.op_type == "LayerNormalization";
    let value = op.input(0)?;
    let index = value.row_axis(op.int("axis", -1)?)?;
    if let Value::Rows(rows) = value
        && index < rows.layout.axis
    {
        return Err(Fault::Unsupported("it normalises along the batch".to_owned()));
    }
    let length = value.shape()?.get(index..).and_then(shape::size).unwrap_or(1);
    let epsilon = op.float("epsilon", 1e-5)?;
    let kernel = Standardize { length, epsilon, center, outside: false };
    let mut result = builder.apply(Kernel::Standardize(kernel), value, |rows| Ok(rows.clone()))?;
    for (index, operator) in [(1, Operator::Mul), (2, Operator::Add)] {
        if let Some(parameter) = op.optional(index) {
            result = combine(builder, operator, &result, parameter)?;
        }
    }
    Ok(vec![result])
}

/// For each channel, or for each group of channels.
pub(super) fn group_normalization(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?;
    let channels = rows.shape.first().copied().unwrap_or(0);
    let size = shape::size(&rows.shape).unwrap_or(0);
    let groups = if op.node.op_type == "InstanceNormalization" {
        channels
    } else {
        usize::try_from(op.int("num_groups", 1)?).unwrap_or(0)
    };
    let length = size.checked_div(groups).filter(|_| groups > 0 && channels.is_multiple_of(groups));
    let length =
        length.ok_or_else(|| Fault::Graph(format!("{groups} groups of {channels} channels")))?;
    let epsilon = op.float("epsilon", 1e-5)?;
    let kernel = Standardize { length, epsilon, center: true, outside: false };
    let mut result =
        Value::Rows(builder.push(Kernel::Standardize(kernel), &[rows], rows.shape.clone())?);
    for (index, operator) in [(1, Operator::Mul), (2, Operator::Add)] {
        let (found, values) = op.floats(index)?;
        // Up to operator set 20 there is one value for each group.
        let each = channels.checked_div(values.len()).unwrap_or(0);
        if found.len() != 1 || values.len().saturating_mul(each) != channels {
            return Err(Fault::Graph(format!(
                "input {index} has shape {found:?}, expected [{channels}]"
            )));
        }
        let values = values.iter().flat_map(|&value| std::iter::repeat_n(value, each));
        let mut shape = vec![1; rows.shape.len()];
        if let Some(first) = shape.first_mut() {
            *first = channels;
        }
        let parameter = Constant::floats(shape, values.collect());
        result = combine(builder, operator, &result, &parameter)?;
    }
    Ok(vec![result])
}

/// Division by the norm along an axis.
pub(super) fn lp_normalization(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let norm = match op.int("p", 2)? {
        1 => Norm::L1,
        2 => Norm::L2,
        other => return Err(Fault::Graph(format!("p = {other}, expected 1 or 2"))),
    };
    let index = op.input(0)?.row_axis(op.int("axis", -1)?)?;
    along_axes(builder, op, &[index], |length| Kernel::Normalize(Normalize { norm, length }))
}

/// Mean 0 and deviation 1 along some axes.
pub(super) fn mean_variance_normalization(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let axes = op.int_list("axes")?.unwrap_or(&[0, 2, 3]);
    let value = op.input(0)?;
    let axes: Vec<usize> =
        axes.iter().map(|&axis| value.row_axis(axis)).collect::<Result<_, _>>()?;
    along_axes(builder, op, &axes, |length| {
        Kernel::Standardize(Standardize { length, epsilon: 1e-9, center: true, outside: true })
    })
}

/// A kernel for the values along some axes of a row together.
fn along_axes(
    builder: &mut Builder,
    op: &Op<'_>,
    axes: &[usize],
    kernel: impl Fn(usize) -> Kernel,
) -> Outputs {
    let value = op.input(0)?;
    let (moved, length) = axes_last(builder, value, axes)?;
    let result = builder.apply(kernel(length), &moved, |rows| Ok(rows.clone()))?;
    Ok(vec![axes_back(builder, &result, axes, value)?])
}

/// Division by the size of neighbouring channels.
pub(super) fn local_response_normalization(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?;
    let length = rows.shape.first().copied().unwrap_or(0);
    let size = usize::try_from(op.int("size", 0)?).ok().filter(|&size| size > 0);
    let kernel = LocalResponse {
        length,
        stride: shape::strides(&rows.shape).first().copied().unwrap_or(1),
        size: size.ok_or_else(|| Fault::Graph("size is no positive number".to_owned()))?,
        alpha: op.float("alpha", 1e-4)?,
        beta: op.float("beta", 0.75)?,
        bias: op.float("bias", 1.0)?,
    };
    let result: Rows = builder.push(Kernel::LocalResponse(kernel), &[rows], rows.shape.clone())?;
    Ok(vec![Value::Rows(result)])
}
