//! Functions of each value, operators of two values, softmax.

use super::graph::Builder;
use super::operators::{Fault, Op};
use super::shape::{self, broadcast, broadcast_places};
use super::value::{Constant, Rows, Value};
use crate::kernels::{Arithmetic, Kernel, Operand, Operator, Softmax, Unary};

type Outputs = Result<Vec<Value>, Fault>;

pub(super) fn add(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    Ok(vec![combine(builder, Operator::Add, op.input(0)?, op.input(1)?)?])
}

pub(super) fn sub(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    Ok(vec![combine(builder, Operator::Sub, op.input(0)?, op.input(1)?)?])
}

pub(super) fn mul(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    Ok(vec![combine(builder, Operator::Mul, op.input(0)?, op.input(1)?)?])
}

pub(super) fn div(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    Ok(vec![combine(builder, Operator::Div, op.input(0)?, op.input(1)?)?])
}

/// An operator of two values, each broadcast to their common shape.
///
/// The shapes here are those of rows, so a constant of fewer axes than a whole batch has aligns with the
/// last axes of a row.
pub(super) fn combine(
    builder: &mut Builder,
    operator: Operator,
    left: &Value,
    right: &Value,
) -> Result<Value, Fault> {
    let shape_of = |value: &Value| match value {
        Value::Rows(rows) => Ok(rows.shape.clone()),
        Value::Constant(constant) => Ok(constant.shape.clone()),
        Value::Label(_) => {
            Err(Fault::Unsupported("it computes with a label, which has no gradient".to_owned()))
        }
        Value::Dims(_) | Value::Unsupported => {
            Err(Fault::Unsupported("it computes with a shape".to_owned()))
        }
    };
    let (mut left_shape, mut right_shape) = (shape_of(left)?, shape_of(right)?);
    match (left, right) {
        (Value::Rows(_), Value::Rows(_)) if left_shape.len() != right_shape.len() => {
            return Err(Fault::Unsupported(
                "operands of different rank mix the rows of a batch".into(),
            ));
        }
        (Value::Rows(rows), Value::Constant(_)) => drop_batch_axis(rows, &mut right_shape)?,
        (Value::Constant(_), Value::Rows(rows)) => drop_batch_axis(rows, &mut left_shape)?,
        _ => {}
    }
    let out = broadcast(&left_shape, &right_shape).ok_or_else(|| {
        Fault::Graph(format!("shapes {left_shape:?} and {right_shape:?} do not broadcast"))
    })?;
    builder.spend(&out)?;
    let mut inputs = Vec::new();
    let mut operands = Vec::new();
    for (value, shape) in [(left, &left_shape), (right, &right_shape)] {
        operands.push(match value {
            Value::Constant(constant) => Operand::Constant(expand(constant, shape, &out)?),
            Value::Rows(rows) => {
                inputs.push(rows);
                Operand::Slot { map: (*shape != out).then(|| broadcast_places(shape, &out)) }
            }
            Value::Dims(_) | Value::Label(_) | Value::Unsupported => continue,
        });
    }
    match <[Operand; 2]>::try_from(operands) {
        Ok([Operand::Constant(left), Operand::Constant(right)]) => {
            let pairs = left.into_iter().zip(right);
            Ok(Constant::floats(out, pairs.map(|(a, b)| operator.apply(a, b)).collect()))
        }
        Ok(operands) => {
            let kernel = Kernel::Arithmetic(Arithmetic::new(operator, operands));
            Ok(Value::Rows(builder.push(kernel, &inputs, out)?))
        }
        Err(_) => Err(Fault::Unsupported("it computes with a shape".to_owned())),
    }
}

/// Takes the batch axis off the shape of a constant that has as many axes as a batch.
fn drop_batch_axis(rows: &Rows, shape: &mut Vec<usize>) -> Result<(), Fault> {
    let extra = shape.len().saturating_sub(rows.shape.len());
    match (extra, shape.first()) {
        (0, _) => Ok(()),
        (1, Some(1)) => {
            shape.remove(0);
            Ok(())
        }
        _ => Err(Fault::Unsupported("a constant differs between the rows of a batch".to_owned())),
    }
}

/// The values of a constant, seen as `shape`, at each place of `out`.
fn expand(constant: &Constant, shape: &[usize], out: &[usize]) -> Result<Vec<f32>, Fault> {
    let values = constant
        .as_floats()
        .ok_or_else(|| Fault::Unsupported("arithmetic on integers".to_owned()))?;
    let places = broadcast_places(shape, out);
    Ok(places.iter().filter_map(|&place| values.get(place as usize).copied()).collect())
}

fn unary(builder: &mut Builder, value: &Value, unary: Unary) -> Outputs {
    Ok(vec![match value {
        Value::Constant(constant) => {
            let values = constant
                .as_floats()
                .ok_or_else(|| Fault::Unsupported("arithmetic on integers".to_owned()))?;
            builder.spend(&constant.shape)?;
            let values = values.iter().map(|&x| unary.apply(x)).collect();
            Constant::floats(constant.shape.clone(), values)
        }
        Value::Rows(rows) => {
            let shape = rows.shape.clone();
            Value::Rows(builder.push(Kernel::Unary(unary), &[rows], shape)?)
        }
        Value::Dims(_) | Value::Label(_) | Value::Unsupported => {
            return Err(Fault::Unsupported("it computes with a label or a shape".to_owned()));
        }
    }])
}

pub(super) fn neg(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    unary(builder, op.input(0)?, Unary::Neg)
}

pub(super) fn floor(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    unary(builder, op.input(0)?, Unary::Floor)
}

pub(super) fn ceil(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    unary(builder, op.input(0)?, Unary::Ceil)
}

pub(super) fn round(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    unary(builder, op.input(0)?, Unary::Round)
}

pub(super) fn sign(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    unary(builder, op.input(0)?, Unary::Sign)
}

pub(super) fn relu(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    unary(builder, op.input(0)?, Unary::Relu)
}

pub(super) fn leaky_relu(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let slope = op.float("alpha", 0.01)?;
    unary(builder, op.input(0)?, Unary::LeakyRelu { slope })
}

pub(super) fn sigmoid(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    unary(builder, op.input(0)?, Unary::Sigmoid)
}

pub(super) fn tanh(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    unary(builder, op.input(0)?, Unary::Tanh)
}

pub(super) fn clip(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let bound = |index: usize, name: &str, default: f32| {
        if op.opset < 11 {
            return op.float(name, default);
        }
        if op.optional(index).is_none() {
            return Ok(default);
        }
        match op.floats(index)? {
            (_, values) if values.len() == 1 => Ok(values.first().copied().unwrap_or(default)),
            (shape, _) => {
                Err(Fault::Graph(format!("{name} has shape {shape:?}, expected one value")))
            }
        }
    };
    let low = bound(1, "min", f32::NEG_INFINITY)?;
    let high = bound(2, "max", f32::INFINITY)?;
    unary(builder, op.input(0)?, Unary::Clip { low, high })
}

pub(super) fn softmax(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    softmax_or_its_logarithm(builder, op, false)
}

pub(super) fn log_softmax(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    softmax_or_its_logarithm(builder, op, true)
}

fn softmax_or_its_logarithm(builder: &mut Builder, op: &Op<'_>, log: bool) -> Outputs {
    let rows = op.rows(0)?;
    let flattening = op.opset < 13;
    let axis = op.int("axis", if flattening { 1 } else { -1 })?;
    let (length, stride) = along(rows, axis)?;
    // Up to operator set 12 it goes over all axes from the given one on.
    let (length, stride) =
        if flattening { (length.saturating_mul(stride), 1) } else { (length, stride) };
    let kernel = Kernel::Softmax(Softmax { log, length, stride });
    Ok(vec![Value::Rows(builder.push(kernel, &[rows], rows.shape.clone())?)])
}

/// Number of values along an axis of a row, and how far apart they lie; the axis counts the batch.
pub(super) fn along(rows: &Rows, axis: i64) -> Result<(usize, usize), Fault> {
    let index = row_axis(rows, axis)?;
    let length = rows.shape.get(index).copied();
    let stride = shape::strides(&rows.shape).get(index).copied();
    Ok((length.unwrap_or(1), stride.unwrap_or(1)))
}

/// The place in a row's shape of an axis that counts the batch.
pub(super) fn row_axis(rows: &Rows, axis: i64) -> Result<usize, Fault> {
    let rank = rows.shape.len().saturating_add(1);
    let index = shape::axis(axis, rank)
        .ok_or_else(|| Fault::Graph(format!("there is no axis {axis} among {rank}")))?;
    index
        .checked_sub(1)
        .ok_or_else(|| Fault::Unsupported(format!("axis = {axis} mixes the rows of a batch")))
}
