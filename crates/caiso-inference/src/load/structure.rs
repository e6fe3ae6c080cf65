//! Operators that move, name or reshape values and compute nothing.

use super::arithmetic::row_axis;
use super::graph::Builder;
use super::operators::{Fault, Op};
use super::shape::{self, offsets, places, strides};
use super::value::{Constant, Data, Dim, Rows, Value};
use crate::kernels::{Concat, Kernel, Select, Unary};
use crate::onnx::{AttributeValue, DataType};

type Outputs = Result<Vec<Value>, Fault>;

pub(super) fn constant(_: &mut Builder, op: &Op<'_>) -> Outputs {
    if let Some(tensor) = op.tensor("value")? {
        return Ok(vec![Constant::of(tensor).map_err(Fault::Graph)?]);
    }
    let scalar = |name| op.node.attribute(name);
    if let Some(AttributeValue::Float(value)) = scalar("value_float") {
        return Ok(vec![Constant::floats(Vec::new(), vec![*value])]);
    }
    if let Some(AttributeValue::Int(value)) = scalar("value_int") {
        return Ok(vec![Constant::ints(Vec::new(), vec![*value])]);
    }
    if let Some(values) = op.float_list("value_floats")? {
        return Ok(vec![Constant::floats(vec![values.len()], values.to_vec())]);
    }
    if let Some(values) = op.int_list("value_ints")? {
        return Ok(vec![Constant::ints(vec![values.len()], values.to_vec())]);
    }
    Err(Fault::Unsupported("neither numbers nor a dense tensor".to_owned()))
}

pub(super) fn identity(_: &mut Builder, op: &Op<'_>) -> Outputs {
    Ok(vec![op.input(0)?.clone()])
}

/// As in inference: nothing is dropped.
pub(super) fn dropout(_: &mut Builder, op: &Op<'_>) -> Outputs {
    if op.opset >= 12 && op.optional(2).is_some() && op.integers(2)? != [0] {
        return Err(Fault::Unsupported("training_mode is random".to_owned()));
    }
    Ok(vec![op.input(0)?.clone()])
}

/// Numbers of all types are 32-bit floats here: a cast changes their values, never their width.
pub(super) fn cast(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let to = DataType(i32::try_from(op.int("to", 0)?).unwrap_or(0));
    cast_to(builder, op.input(0)?, to)
}

pub(super) fn cast_to(builder: &mut Builder, value: &Value, to: DataType) -> Outputs {
    let refused = |what: &str| Fault::Unsupported(format!("the cast of {what} to {to}"));
    Ok(vec![match value {
        Value::Label(rows) => Value::Label(rows.clone()),
        Value::Rows(rows) => match (to.is_float(), builder.is_integer(rows.slot)) {
            (true, false) => Value::Rows(rows.clone()),
            (true, true) => {
                let scores = builder.arg_max.get(&rows.slot).cloned();
                let map = (0..builder.spend(&rows.shape)?).map(|place| place as u32).collect();
                let kernel = Kernel::Select(Select { map });
                let floats = builder.push(kernel, &[rows], rows.shape.clone())?;
                builder.note_floats(floats.slot);
                if let Some(scores) = scores {
                    builder.arg_max.insert(floats.slot, scores);
                }
                Value::Rows(floats)
            }
            (false, _) if to == DataType::BOOL => {
                if builder.count(rows.slot) == Some(2) {
                    return Ok(vec![value.clone()]);
                }
                let kernel = Kernel::Unary(Unary::NotZero);
                let booleans = builder.push(kernel, &[rows], rows.shape.clone())?;
                builder.note_integers(booleans.slot, Some(2));
                Value::Rows(booleans)
            }
            (false, true) if to.is_integer() => Value::Rows(rows.clone()),
            (false, false) if to.is_integer() => {
                let kernel = Kernel::Unary(Unary::Truncate);
                let integers = builder.push(kernel, &[rows], rows.shape.clone())?;
                builder.note_integers(integers.slot, None);
                Value::Rows(integers)
            }
            _ => return Err(refused("values")),
        },
        Value::Dims(dims) if to.is_integer() => Value::Dims(dims.clone()),
        Value::Constant(constant) => {
            builder.spend(&constant.shape)?;
            let shape = constant.shape.clone();
            match &constant.data {
                Data::Floats(values) if to.is_float() => Constant::floats(shape, values.clone()),
                Data::Ints(values) if to.is_float() => {
                    Constant::floats(shape, values.iter().map(|&value| value as f32).collect())
                }
                Data::Floats(values) if to == DataType::BOOL => {
                    Constant::ints(shape, values.iter().map(|&x| i64::from(x != 0.0)).collect())
                }
                Data::Ints(values) if to == DataType::BOOL => {
                    Constant::ints(shape, values.iter().map(|&x| i64::from(x != 0)).collect())
                }
                Data::Floats(values) if to.is_integer() => {
                    Constant::ints(shape, values.iter().map(|&value| value as i64).collect())
                }
                Data::Ints(values) if to.is_integer() => Constant::ints(shape, values.clone()),
                _ => return Err(refused("a constant")),
            }
        }
        _ => return Err(refused("a shape")),
    }])
}

pub(super) fn shape_of(_: &mut Builder, op: &Op<'_>) -> Outputs {
    if op.int("start", 0)? != 0 || op.node.attribute("end").is_some() {
        return Err(Fault::Unsupported("a part of a shape".to_owned()));
    }
    let known = |length: usize| Dim::Known(i64::try_from(length).unwrap_or(i64::MAX));
    Ok(vec![match op.input(0)? {
        Value::Rows(rows) => {
            let rest = rows.shape.iter().map(|&length| known(length));
            Value::Dims(std::iter::once(Dim::Batch).chain(rest).collect())
        }
        Value::Constant(constant) => {
            Value::Dims(constant.shape.iter().map(|&length| known(length)).collect())
        }
        _ => return Err(Fault::Unsupported("the shape of a shape or a label".to_owned())),
    }])
}

/// The elements of a shape, computed or constant.
fn dims(value: &Value) -> Result<Vec<Dim>, Fault> {
    match value {
        Value::Dims(dims) => Ok(dims.clone()),
        Value::Constant(constant) => constant
            .as_ints()
            .map(|values| values.iter().map(|&value| Dim::Known(value)).collect())
            .ok_or_else(|| Fault::Graph("a shape does not hold integers".to_owned())),
        _ => Err(Fault::Unsupported("a shape that depends on the input's values".to_owned())),
    }
}

pub(super) fn reshape(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let target = dims(op.input(1)?)?;
    let keep_zero = op.int("allowzero", 0)? != 0;
    Ok(vec![match op.input(0)? {
        Value::Label(rows) => Value::Label(rows.clone()),
        Value::Rows(rows) => {
            let shape = reshaped(rows, &target, keep_zero, builder.fixed_batch)?;
            Value::Rows(Rows { slot: rows.slot, shape })
        }
        Value::Constant(constant) => {
            builder.spend(&constant.shape)?;
            let shape = resolve(&constant.shape, &target, keep_zero)?;
            constant.with_shape(shape)
        }
        Value::Dims(_) | Value::Unsupported => {
            return Err(Fault::Unsupported("it reshapes a shape".to_owned()));
        }
    }])
}

/// Shape of a row after a reshape that keeps the batch as first axis.
fn reshaped(
    rows: &Rows,
    target: &[Dim],
    keep_zero: bool,
    fixed_batch: Option<usize>,
) -> Result<Vec<usize>, Fault> {
    let mixes = || Fault::Unsupported(format!("a reshape to {target:?} mixes the rows of a batch"));
    let (first, rest) = target.split_first().ok_or_else(mixes)?;
    let is_batch =
        |length: i64| fixed_batch.is_some_and(|batch| i64::try_from(batch) == Ok(length));
    let inferred = match *first {
        Dim::Batch => false,
        Dim::Known(-1) => true,
        Dim::Known(0) if !keep_zero => false,
        Dim::Known(length) if is_batch(length) => false,
        Dim::Known(_) => return Err(mixes()),
    };
    let mut lengths = Vec::with_capacity(rest.len());
    for (index, dim) in rest.iter().enumerate() {
        lengths.push(match *dim {
            Dim::Batch => return Err(mixes()),
            // 0 stands for the length that the axis of that index has.
            Dim::Known(0) if !keep_zero => match rows.shape.get(index) {
                Some(&length) => Dim::Known(i64::try_from(length).unwrap_or(i64::MAX)),
                None => {
                    return Err(Fault::Graph(format!("there is no axis to copy for {target:?}")));
                }
            },
            // With -1 for the batch as well, the standard allows no second one.
            Dim::Known(-1) if inferred => {
                return Err(Fault::Graph(format!("{target:?} has two lengths to infer")));
            }
            known @ Dim::Known(_) => known,
        });
    }
    resolve(&rows.shape, &lengths, true).map_err(|_| mixes())
}

/// A shape with as many values as `shape` has, at most one length to be inferred.
fn resolve(shape: &[usize], target: &[Dim], keep_zero: bool) -> Result<Vec<usize>, Fault> {
    let wrong = || Fault::Graph(format!("shape {shape:?} cannot become {target:?}"));
    let mut lengths = Vec::with_capacity(target.len());
    let mut open = None;
    for (index, dim) in target.iter().enumerate() {
        lengths.push(match *dim {
            Dim::Known(-1) if open.is_none() => {
                open = Some(index);
                1
            }
            Dim::Known(0) if !keep_zero => shape.get(index).copied().ok_or_else(wrong)?,
            Dim::Known(length) => usize::try_from(length).map_err(|_| wrong())?,
            Dim::Batch => return Err(wrong()),
        });
    }
    let (size, known) = (shape::size(shape), shape::size(&lengths));
    if let Some(length) = open.and_then(|index| lengths.get_mut(index)) {
        let (size, known) = (size.ok_or_else(wrong)?, known.ok_or_else(wrong)?);
        *length = size.checked_div(known).ok_or_else(wrong)?;
    }
    if shape::size(&lengths) == size { Ok(lengths) } else { Err(wrong()) }
}

pub(super) fn flatten(_: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = match op.input(0)? {
        Value::Label(rows) => return Ok(vec![Value::Label(rows.clone())]),
        _ => op.rows(0)?,
    };
    let axis = op.int("axis", 1)?;
    let size = shape::size(&rows.shape).unwrap_or(usize::MAX);
    // Axes between the batch and `axis` join the batch; they can do so if their length is 1.
    let before = rows.shape.get(..row_axis(rows, axis)?).and_then(shape::size);
    if before != Some(1) {
        return Err(Fault::Unsupported(format!("axis = {axis} mixes the rows of a batch")));
    }
    Ok(vec![Value::Rows(Rows { slot: rows.slot, shape: vec![size] })])
}

pub(super) fn squeeze(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let axes = op.axes(1, 13)?;
    Ok(vec![match op.input(0)? {
        Value::Label(rows) => Value::Label(rows.clone()),
        Value::Dims(dims) => Value::Dims(dims.clone()),
        Value::Rows(rows) => {
            let dropped = match &axes {
                None if builder.fixed_batch == Some(1) => {
                    return Err(Fault::Unsupported("without axes it drops the batch".to_owned()));
                }
                None => {
                    let ones = rows.shape.iter().enumerate().filter(|(_, length)| **length == 1);
                    ones.map(|(index, _)| index).collect()
                }
                Some(axes) => {
                    axes.iter().map(|&axis| row_axis(rows, axis)).collect::<Result<Vec<_>, _>>()?
                }
            };
            Value::Rows(Rows { slot: rows.slot, shape: without_ones(&rows.shape, &dropped)? })
        }
        Value::Constant(constant) => {
            let rank = constant.shape.len();
            let dropped = match &axes {
                None => (0..rank).filter(|&index| constant.shape.get(index) == Some(&1)).collect(),
                Some(axes) => resolved(axes, rank)?,
            };
            builder.spend(&constant.shape)?;
            constant.with_shape(without_ones(&constant.shape, &dropped)?)
        }
        Value::Unsupported => return Err(Fault::Unsupported(String::new())),
    }])
}

fn resolved(axes: &[i64], rank: usize) -> Result<Vec<usize>, Fault> {
    let resolve = |&axis: &i64| {
        shape::axis(axis, rank)
            .ok_or_else(|| Fault::Graph(format!("there is no axis {axis} among {rank}")))
    };
    axes.iter().map(resolve).collect()
}

fn without_ones(shape: &[usize], dropped: &[usize]) -> Result<Vec<usize>, Fault> {
    let is_one = |&index: &usize| shape.get(index) == Some(&1);
    if !dropped.iter().all(is_one) {
        return Err(Fault::Graph(format!(
            "an axis of shape {shape:?} to be dropped has not length 1"
        )));
    }
    let kept = shape.iter().enumerate().filter(|(index, _)| !dropped.contains(index));
    Ok(kept.map(|(_, &length)| length).collect())
}

pub(super) fn unsqueeze(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let axes = op.axes(1, 13)?.ok_or_else(|| Fault::Graph("axes are missing".to_owned()))?;
    let with_ones = |shape: &[usize], batch: usize| {
        let rank = shape.len().saturating_add(axes.len()).saturating_add(batch);
        let mut inserted = resolved(&axes, rank)?;
        inserted.sort_unstable();
        inserted.dedup();
        if inserted.len() != axes.len() {
            return Err(Fault::Graph(format!("axes {axes:?} hold one twice")));
        }
        let mut lengths = shape.to_vec();
        for index in inserted {
            let index = index.checked_sub(batch).ok_or_else(|| {
                Fault::Unsupported("an axis before the batch mixes the rows of a batch".to_owned())
            })?;
            lengths.insert(index.min(lengths.len()), 1);
        }
        Ok(lengths)
    };
    Ok(vec![match op.input(0)? {
        Value::Label(rows) => Value::Label(rows.clone()),
        Value::Dims(dims) => Value::Dims(dims.clone()),
        Value::Rows(rows) => {
            Value::Rows(Rows { slot: rows.slot, shape: with_ones(&rows.shape, 1)? })
        }
        Value::Constant(constant) => {
            builder.spend(&constant.shape)?;
            constant.with_shape(with_ones(&constant.shape, 0)?)
        }
        Value::Unsupported => return Err(Fault::Unsupported(String::new())),
    }])
}

pub(super) fn transpose(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let (shape, batch) = match op.input(0)? {
        Value::Rows(rows) => (rows.shape.clone(), 1),
        Value::Constant(constant) => (constant.shape.clone(), 0),
        _ => return Err(Fault::Unsupported("it transposes a label or a shape".to_owned())),
    };
    let rank = shape.len().saturating_add(batch);
    let order = match op.int_list("perm")? {
        Some(perm) => resolved(perm, rank)?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return Err(Fault::Graph(format!("perm {order:?} does not name each of {rank} axes once")));
    }
    if batch == 1 && order.first() != Some(&0) {
        return Err(Fault::Unsupported(format!("perm {order:?} moves the batch")));
    }
    let strides = strides(&shape);
    let axes = order.iter().filter_map(|axis| axis.checked_sub(batch));
    let axes = axes.filter_map(|axis| Some((*shape.get(axis)?, *strides.get(axis)?)));
    let (lengths, lists): (Vec<_>, Vec<_>) =
        axes.map(|(length, stride)| (length, offsets(length, stride, false))).unzip();
    select(builder, op.input(0)?, lengths, &lists)
}

/// Values at the sums of one offset from each list.
fn select(
    builder: &mut Builder,
    value: &Value,
    shape: Vec<usize>,
    lists: &[Vec<usize>],
) -> Outputs {
    let size = builder.spend(&shape)?;
    let map = places(lists);
    debug_assert_eq!(map.len(), size);
    Ok(vec![match value {
        Value::Rows(rows) => {
            Value::Rows(builder.push(Kernel::Select(Select { map }), &[rows], shape)?)
        }
        Value::Constant(constant) => constant.select(&map, shape),
        _ => return Err(Fault::Unsupported("it selects from a label or a shape".to_owned())),
    }])
}

pub(super) fn gather(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let indices = op.constant(1)?;
    let wanted = indices
        .as_ints()
        .ok_or_else(|| Fault::Graph("input 1 does not hold integers".to_owned()))?;
    let axis = op.int("axis", 0)?;
    let within = |length: usize| resolved(wanted, length);
    let (shape, axis) = match op.input(0)? {
        Value::Dims(dims) => {
            let found = within(dims.len())?;
            let found = found.into_iter().filter_map(|index| dims.get(index).copied());
            return Ok(vec![Value::Dims(found.collect())]);
        }
        Value::Rows(rows) => (rows.shape.clone(), row_axis(rows, axis)?),
        Value::Constant(constant) => {
            let axis = resolved(&[axis], constant.shape.len())?;
            (constant.shape.clone(), axis.first().copied().unwrap_or(0))
        }
        _ => return Err(Fault::Unsupported("it selects from a label".to_owned())),
    };
    let mut lengths = Vec::new();
    let mut lists = Vec::new();
    for (index, (&length, stride)) in shape.iter().zip(strides(&shape)).enumerate() {
        if index == axis {
            lengths.extend(&indices.shape);
            let places = within(length)?.into_iter();
            lists.push(places.map(|place| place.saturating_mul(stride)).collect());
        } else {
            lengths.push(length);
            lists.push(offsets(length, stride, false));
        }
    }
    select(builder, op.input(0)?, lengths, &lists)
}

pub(super) fn concat(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let values: Vec<&Value> = op.inputs.iter().flatten().collect();
    if values.iter().any(|value| matches!(value, Value::Dims(_)))
        || values.iter().all(|value| matches!(value, Value::Constant(c) if c.as_ints().is_some()))
    {
        let mut all = Vec::new();
        for value in values {
            all.extend(dims(value)?);
        }
        return Ok(vec![Value::Dims(all)]);
    }
    let axis = op.int("axis", 1)?;
    let first = op.rows(0)?;
    let axis = row_axis(first, axis)?;
    let mut shape = first.shape.clone();
    let behind = first.shape.get(axis.saturating_add(1)..).and_then(shape::size).unwrap_or(1);
    let (mut total, mut parts, mut inputs) = (0_usize, Vec::new(), Vec::new());
    for index in 0..op.inputs.len() {
        let rows = op.rows(index)?;
        let mut other = rows.shape.clone();
        let length = other.get(axis).copied().unwrap_or(0);
        if let (Some(own), Some(length)) = (other.get_mut(axis), shape.get(axis)) {
            *own = *length;
        }
        if other != shape {
            let problem = format!("shapes {:?} and {:?} cannot be joined", shape, rows.shape);
            return Err(Fault::Graph(problem));
        }
        total = total.saturating_add(length);
        parts.push(length.saturating_mul(behind));
        inputs.push(rows);
    }
    if let Some(length) = shape.get_mut(axis) {
        *length = total;
    }
    Ok(vec![Value::Rows(builder.push(Kernel::Concat(Concat { parts }), &inputs, shape)?)])
}
