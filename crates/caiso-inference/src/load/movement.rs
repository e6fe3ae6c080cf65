//! Operators that move, repeat or leave out values and compute nothing.

use std::cmp::Ordering;

use super::graph::Builder;
use super::layout::Layout;
use super::operators::{Fault, Op};
use super::shape::{self, offsets, places, strides};
use super::value::{Constant, Data, Dim, Rows, Value};
use crate::kernels::{Concat, Kernel, Select};

type Outputs = Result<Vec<Value>, Fault>;

/// Values at some places of a row, in a new shape.
pub(super) fn select(
    builder: &mut Builder,
    value: &Value,
    shape: Vec<usize>,
    map: Vec<u32>,
    layout: Layout,
) -> Result<Value, Fault> {
    builder.spend(&shape)?;
    match value {
        Value::Rows(rows) => {
            let kernel = Kernel::Select(Select { map });
            Ok(Value::Rows(Rows { layout, ..builder.push(kernel, &[rows], shape)? }))
        }
        Value::Constant(constant) => Ok(constant.select(&map, shape)),
        Value::Label(_) => Err(Fault::Unsupported("it selects from class names".to_owned())),
        Value::Unsupported => Err(Fault::Unsupported(String::new())),
    }
}

/// Values at the sums of one offset from each list.
pub(super) fn select_lists(
    builder: &mut Builder,
    value: &Value,
    lists: &[Vec<usize>],
) -> Result<Value, Fault> {
    let shape: Vec<usize> = lists.iter().map(Vec::len).collect();
    builder.spend(&shape)?;
    select(builder, value, shape, places(lists), layout_of(value))
}

/// Values at some places of a row, and `fill` where there is none.
pub(super) fn select_or(
    builder: &mut Builder,
    value: &Value,
    shape: Vec<usize>,
    map: &[Option<u32>],
    fill: f32,
) -> Result<Value, Fault> {
    let layout = layout_of(value);
    if let Value::Constant(constant) = value
        && let Some(values) = constant.as_ints()
    {
        let at = |place: &Option<u32>| match place {
            Some(place) => values.get(*place as usize).copied().unwrap_or(0),
            None => fill as i64,
        };
        return Ok(Constant::ints(shape, map.iter().map(at).collect()));
    }
    let size = u32::try_from(shape::size(value.shape()?).unwrap_or(usize::MAX)).unwrap_or(u32::MAX);
    let known: Option<Vec<u32>> = map.iter().copied().collect();
    match (known, value) {
        (Some(map), _) => select(builder, value, shape, map, layout),
        (None, Value::Rows(rows)) => {
            let flat = Rows::new(rows.slot, vec![size as usize]);
            let fill = builder.constant_slot(vec![1], vec![fill])?;
            let parts = vec![size as usize, 1];
            let length = vec![size.saturating_add(1) as usize];
            let both = builder.push(Kernel::Concat(Concat { parts }), &[&flat, &fill], length)?;
            let map = map.iter().map(|place| place.unwrap_or(size)).collect();
            select(builder, &Value::Rows(both), shape, map, layout)
        }
        (None, Value::Constant(constant)) => {
            let values = constant.numbers().unwrap_or_default();
            let at = |place: &Option<u32>| match place {
                Some(place) => values.get(*place as usize).copied().unwrap_or(fill),
                None => fill,
            };
            builder.spend(&shape)?;
            Ok(Constant::floats(shape, map.iter().map(at).collect()))
        }
        _ => Err(Fault::Unsupported("it selects from class names".to_owned())),
    }
}

pub(super) fn layout_of(value: &Value) -> Layout {
    if let Value::Rows(rows) = value { rows.layout } else { Layout::default() }
}

/// A value seen as `shape`, its axes in another order, seen as `out`; for rows with the batch as first axis.
pub(super) fn permuted(
    builder: &mut Builder,
    value: &Value,
    shape: &[usize],
    order: &[usize],
    out: Vec<usize>,
) -> Result<Value, Fault> {
    let strides = strides(shape);
    let axes = order.iter().filter_map(|&axis| Some((*shape.get(axis)?, *strides.get(axis)?)));
    let lists: Vec<_> = axes.map(|(length, stride)| offsets(length, stride, false)).collect();
    builder.spend(&out)?;
    select(builder, value, out, places(&lists), Layout::default())
}

/// A value with some axes of a row behind all others, and the number of values along these together. Of the
/// batch nothing is said any more.
pub(super) fn axes_last(
    builder: &mut Builder,
    value: &Value,
    axes: &[usize],
) -> Result<(Value, usize), Fault> {
    let shape = value.shape()?.to_vec();
    let others = (0..shape.len()).filter(|axis| !axes.contains(axis));
    let order: Vec<usize> = others.chain(axes.iter().copied()).collect();
    let lengths: Vec<usize> = order.iter().filter_map(|&axis| shape.get(axis).copied()).collect();
    let length = axes.iter().filter_map(|&axis| shape.get(axis)).product();
    if order.iter().copied().eq(0..shape.len()) {
        return Ok((value.clone(), length));
    }
    Ok((permuted(builder, value, &shape, &order, lengths)?, length))
}

/// The way back from [`axes_last`], to the shape and layout of `like`.
pub(super) fn axes_back(
    builder: &mut Builder,
    value: &Value,
    axes: &[usize],
    like: &Value,
) -> Result<Value, Fault> {
    let shape = like.shape()?.to_vec();
    let others = (0..shape.len()).filter(|axis| !axes.contains(axis));
    let order: Vec<usize> = others.chain(axes.iter().copied()).collect();
    let lengths: Vec<usize> = order.iter().filter_map(|&axis| shape.get(axis).copied()).collect();
    let mut back = vec![0; order.len()];
    for (place, &axis) in order.iter().enumerate() {
        if let Some(back) = back.get_mut(axis) {
            *back = place;
        }
    }
    let moved = if order.iter().copied().eq(0..shape.len()) {
        value.clone()
    } else {
        permuted(builder, value, &lengths, &back, shape.clone())?
    };
    Ok(match (moved, like) {
        (Value::Rows(rows), Value::Rows(like)) => {
            Value::Rows(Rows { slot: rows.slot, ..like.clone() })
        }
        (Value::Constant(constant), _) => constant.with_shape(shape),
        (moved, _) => moved,
    })
}

pub(super) fn transpose(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let value = op.input(0)?;
    let rank = value.rank()?;
    let order = match op.int_list("perm")? {
        Some(perm) => perm
            .iter()
            .map(|&axis| shape::axis(axis, rank))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Fault::Graph(format!("perm {perm:?} names no axis of {rank}")))?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return Err(Fault::Graph(format!("perm {order:?} does not name each of {rank} axes once")));
    }
    let shape = value.shape()?.to_vec();
    let Value::Rows(rows) = value else {
        let out = order.iter().filter_map(|&axis| shape.get(axis).copied()).collect();
        return Ok(vec![permuted(builder, value, &shape, &order, out)?]);
    };
    // The axes of a row in their new order; what is joined with the batch goes with it.
    let position = rows.layout.position();
    let behind = rows.layout.axis.saturating_add(usize::from(rows.layout.inner));
    let mut layout = rows.layout;
    let mut row_order = Vec::with_capacity(shape.len());
    for axis in order {
        match axis.cmp(&position) {
            Ordering::Less => row_order.push(axis),
            Ordering::Equal => {
                layout.axis = row_order.len().saturating_add(usize::from(layout.outer));
                row_order.extend(position..behind);
            }
            Ordering::Greater => {
                row_order
                    .push(axis.saturating_sub(position).saturating_sub(1).saturating_add(behind));
            }
        }
    }
    let out: Vec<usize> = row_order.iter().filter_map(|&axis| shape.get(axis).copied()).collect();
    // Axes of length 1 can go anywhere.
    let long = |axis: &&usize| shape.get(**axis).is_some_and(|&length| length != 1);
    if row_order.iter().filter(long).is_sorted() {
        return Ok(vec![Value::Rows(Rows { slot: rows.slot, shape: out, layout })]);
    }
    let moved = permuted(builder, value, &shape, &row_order, out)?;
    Ok(vec![match moved {
        Value::Rows(rows) => Value::Rows(Rows { layout, ..rows }),
        other => other,
    }])
}

/// The offsets of all axes of a value, to be changed for some of them.
pub(super) fn all_offsets(shape: &[usize]) -> Vec<Vec<usize>> {
    shape
        .iter()
        .zip(strides(shape))
        .map(|(&length, stride)| offsets(length, stride, false))
        .collect()
}

pub(super) fn slice(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let value = op.input(0)?;
    let (starts, ends, axes, steps) = if op.opset < 10 {
        let list = |name| op.int_list(name).map(|list| list.map(<[i64]>::to_vec));
        let missing = || Fault::Graph("starts and ends are missing".to_owned());
        (
            list("starts")?.ok_or_else(missing)?,
            list("ends")?.ok_or_else(missing)?,
            list("axes")?,
            None,
        )
    } else {
        let optional = |index| op.optional(index).map(|_| op.integers(index)).transpose();
        // An end that is a multiple of the number of rows is that of the batch.
        let ends = op
            .constant(2)?
            .as_dims()
            .ok_or_else(|| Fault::Graph("input 2 does not hold integers".to_owned()))?;
        let ends = ends.iter().map(|dim| match dim {
            Dim::Known(end) => *end,
            Dim::Batch(_) => i64::MAX,
        });
        (op.integers(1)?, ends.collect(), optional(3)?, optional(4)?)
    };
    let count = starts.len();
    let axes = axes.unwrap_or_else(|| (0..i64::try_from(count).unwrap_or(0)).collect());
    let steps = steps.unwrap_or_else(|| vec![1; count]);
    if ends.len() != count || axes.len() != count || steps.len() != count {
        return Err(Fault::Graph("starts, ends, axes and steps differ in length".to_owned()));
    }
    let shape = value.shape()?.to_vec();
    let mut lists = all_offsets(&shape);
    for (((start, end), axis), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
        if start == 0 && step == 1 && end >= i64::from(i32::MAX) {
            continue;
        }
        let fixed = builder.fixed_batch.and_then(|batch| i64::try_from(batch).ok());
        if let (Value::Rows(rows), 0, 1, Some(batch)) = (value, start, step, fixed)
            && shape::axis(axis, rows.rank()) == Some(rows.layout.position())
            && end >= batch
        {
            continue;
        }
        let index = value.row_axis(axis)?;
        let length = i64::try_from(shape.get(index).copied().unwrap_or(0)).unwrap_or(i64::MAX);
        let clamp = |at: i64, low: i64, high: i64| {
            (if at < 0 { at.saturating_add(length) } else { at }).clamp(low, high)
        };
        let (low, high) = if step < 0 { (-1, length.saturating_sub(1)) } else { (0, length) };
        let first = clamp(start, low.max(0), high);
        let last = clamp(end, low, high);
        let count = match step {
            0 => return Err(Fault::Graph("a step is 0".to_owned())),
            1.. => {
                last.saturating_sub(first).saturating_add(step.saturating_sub(1)).checked_div(step)
            }
            _ => {
                last.saturating_sub(first).saturating_add(step.saturating_add(1)).checked_div(step)
            }
        };
        let count = usize::try_from(count.unwrap_or(0).max(0)).unwrap_or(0);
        if let Some(list) = lists.get_mut(index) {
            let at = |i: usize| {
                let place = i64::try_from(i).ok()?.checked_mul(step)?.checked_add(first)?;
                list.get(usize::try_from(place).ok()?).copied()
            };
            *list = (0..count).filter_map(at).collect();
        }
    }
    Ok(vec![select_lists(builder, value, &lists)?])
}

pub(super) fn split(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let value = op.input(0)?;
    let index = value.row_axis(op.int("axis", 0)?)?;
    let shape = value.shape()?.to_vec();
    let length = shape.get(index).copied().unwrap_or(0);
    let sizes = if op.opset < 13 {
        op.int_list("split")?.map(<[i64]>::to_vec)
    } else {
        op.optional(1).map(|_| op.integers(1)).transpose()?
    };
    let sizes: Vec<usize> = if let Some(sizes) = sizes {
        sizes.iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX)).collect()
    } else {
        let parts = op.node.outputs.len().max(1);
        let each = length.div_ceil(parts);
        let size = |part: usize| length.saturating_sub(part.saturating_mul(each)).min(each);
        (0..parts).map(size).collect()
    };
    if sizes.iter().try_fold(0_usize, |sum, &size| sum.checked_add(size)) != Some(length) {
        return Err(Fault::Graph(format!("parts {sizes:?} of an axis of length {length}")));
    }
    let lists = all_offsets(&shape);
    let mut start = 0_usize;
    let mut outputs = Vec::with_capacity(sizes.len());
    for size in sizes {
        let end = start.saturating_add(size);
        let mut lists = lists.clone();
        if let Some(list) = lists.get_mut(index) {
            *list = list.get(start..end).unwrap_or_default().to_vec();
        }
        outputs.push(select_lists(builder, value, &lists)?);
        start = end;
    }
    Ok(outputs)
}

pub(super) fn concat(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let values: Vec<&Value> = op.inputs.iter().flatten().collect();
    let axis = op.int("axis", 1)?;
    let rows = values.iter().find_map(|value| match value {
        Value::Rows(rows) => Some(rows.clone()),
        _ => None,
    });
    let Some(like) = rows else { return concat_constants(builder, &values, axis).map(|v| vec![v]) };
    if let [value] = values.as_slice() {
        return Ok(vec![Value::clone(value)]);
    }
    let axis = like.row_axis(axis)?;
    let mut shape = like.shape.clone();
    let behind = shape.get(axis.saturating_add(1)..).and_then(shape::size).unwrap_or(1);
    let (mut total, mut parts, mut inputs) = (0_usize, Vec::new(), Vec::new());
    for value in values {
        let rows = builder.slot_of(value, &like)?;
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
    let inputs: Vec<&Rows> = inputs.iter().collect();
    let joined = builder.push(Kernel::Concat(Concat { parts }), &inputs, shape)?;
    Ok(vec![Value::Rows(Rows { layout: like.layout, ..joined })])
}

fn concat_constants(builder: &mut Builder, values: &[&Value], axis: i64) -> Result<Value, Fault> {
    let mut shape: Vec<usize> = Vec::new();
    let mut parts: Vec<(usize, Data)> = Vec::new();
    let mut index = 0;
    for value in values {
        let Value::Constant(constant) = value else {
            return Err(Fault::Unsupported("it joins class names".to_owned()));
        };
        index = value.row_axis(axis)?;
        let length = constant.shape.get(index).copied().unwrap_or(0);
        if let (Some(total), false) = (shape.get_mut(index), parts.is_empty()) {
            *total = total.saturating_add(length);
        } else {
            shape.clone_from(&constant.shape);
        }
        let behind = constant.shape.get(index..).and_then(shape::size).unwrap_or(0);
        parts.push((behind, constant.data.clone()));
    }
    let size = builder.spend(&shape)?;
    let blocks = shape.get(..index).and_then(shape::size).unwrap_or(0);
    let wrong = || Fault::Graph("the parts differ in type or shape".to_owned());
    if parts.iter().all(|(_, data)| matches!(data, Data::Ints(_) | Data::Dims(_))) {
        let mut all = Vec::with_capacity(size);
        for block in 0..blocks {
            for (length, data) in &parts {
                let constant = Constant { shape: Vec::new(), data: data.clone() };
                let dims = constant.as_dims().unwrap_or_default();
                all.extend(dims.into_iter().skip(block.saturating_mul(*length)).take(*length));
            }
        }
        return if all.len() == size { Ok(Constant::dims(shape, all)) } else { Err(wrong()) };
    }
    let mut all = Vec::with_capacity(size);
    for block in 0..blocks {
        for (length, data) in &parts {
            let Data::Floats(values) = data else { return Err(wrong()) };
            all.extend(values.iter().skip(block.saturating_mul(*length)).take(*length));
        }
    }
    if all.len() == size { Ok(Constant::floats(shape, all)) } else { Err(wrong()) }
}
