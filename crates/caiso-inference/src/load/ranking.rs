//! Places of the largest and smallest values.

use super::graph::Builder;
use super::indexing::picked;
use super::movement::{axes_back, axes_last};
use super::operators::{Fault, Op};
use super::value::{Rows, Value};
use crate::kernels::{ArgExtreme, Kernel, TopK};

type Outputs = Result<Vec<Value>, Fault>;

/// The place of the largest or the smallest value along an axis.
pub(super) fn arg_extreme(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let smallest = op.node.op_type == "ArgMin";
    let Value::Rows(rows) = op.input(0)? else {
        return Err(Fault::Unsupported("places in a constant".to_owned()));
    };
    let axis = op.int("axis", 0)?;
    let index = rows.row_axis(axis)?;
    let (length, stride) = op.input(0)?.along(axis)?;
    let last = op.int("select_last_index", 0)? != 0;
    let mut shape = rows.shape.clone();
    if let Some(axis) = shape.get_mut(index) {
        *axis = 1;
    }
    let kernel = Kernel::ArgExtreme(ArgExtreme { smallest, last, length, stride });
    let places = Rows { layout: rows.layout, ..builder.push(kernel, &[rows], shape)? };
    builder.note_integers(places.slot, Some(length));
    if !smallest && builder.slots.get(rows.slot) == Some(&length) {
        builder.arg_max.insert(places.slot, Rows::clone(rows));
    }
    let keep = op.int("keepdims", 1)? != 0;
    Ok(vec![Value::Rows(if keep { places } else { places.without_axes(&[index]) })])
}

/// The largest or smallest values along an axis, and their places.
pub(super) fn top_k(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let Value::Rows(rows) = op.input(0)? else {
        return Err(Fault::Unsupported("the largest values of a constant".to_owned()));
    };
    let axis = op.int("axis", -1)?;
    let index = rows.row_axis(axis)?;
    let (length, stride) = op.input(0)?.along(axis)?;
    let k =
        if op.opset < 10 { op.int("k", 0)? } else { op.integers(1)?.first().copied().unwrap_or(0) };
    let k = usize::try_from(k)
        .ok()
        .filter(|k| (1..=length).contains(k))
        .ok_or_else(|| Fault::Graph(format!("k = {k} for an axis of length {length}")))?;
    let smallest = op.int("largest", 1)? == 0;
    let mut shape = rows.shape.clone();
    if let Some(axis) = shape.get_mut(index) {
        *axis = k;
    }
    let kernel = Kernel::TopK(TopK { k, smallest, length, stride });
    let places = Rows { layout: rows.layout, ..builder.push(kernel, &[rows], shape)? };
    builder.note_integers(places.slot, Some(length));
    let values = picked(builder, rows, &places, index)?;
    Ok(vec![Value::Rows(values), Value::Rows(places)])
}

/// 1 for the first of the largest values along an axis, 0 for all others.
pub(super) fn hardmax(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let value = op.input(0)?;
    let flattening = op.opset < 13;
    let index = value.row_axis(op.int("axis", if flattening { 1 } else { -1 })?)?;
    let axes: Vec<usize> =
        if flattening { (index..value.shape()?.len()).collect() } else { vec![index] };
    let (moved, length) = axes_last(builder, value, &axes)?;
    let Value::Rows(moved) = moved else {
        return Err(Fault::Unsupported("the largest value of a constant".to_owned()));
    };
    let kernel = ArgExtreme { smallest: false, last: false, length, stride: 1 };
    let count = moved.shape.iter().product::<usize>().checked_div(length).unwrap_or(0);
    let places = builder.push(Kernel::ArgExtreme(kernel), &[&moved], vec![count])?;
    let ones = builder.push(Kernel::OneHot { classes: length }, &[&places], moved.shape.clone())?;
    builder.note_floats(ones.slot);
    Ok(vec![axes_back(builder, &Value::Rows(ones), &axes, value)?])
}
