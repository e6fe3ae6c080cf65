//! Places of the largest and smallest values.

use super::arithmetic::{along, row_axis};
use super::graph::Builder;
use super::operators::{Fault, Op};
use super::value::{Rows, Value};
use crate::kernels::{ArgExtreme, Kernel};

type Outputs = Result<Vec<Value>, Fault>;

pub(super) fn arg_max(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    arg_extreme(builder, op, false)
}

pub(super) fn arg_min(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    arg_extreme(builder, op, true)
}

fn arg_extreme(builder: &mut Builder, op: &Op<'_>, smallest: bool) -> Outputs {
    let rows = op.rows(0)?;
    let axis = op.int("axis", 0)?;
    let index = row_axis(rows, axis)?;
    let (length, stride) = along(rows, axis)?;
    let last = op.int("select_last_index", 0)? != 0;
    let mut shape = rows.shape.clone();
    if op.int("keepdims", 1)? == 0 {
        shape.remove(index);
    } else if let Some(axis) = shape.get_mut(index) {
        *axis = 1;
    }
    let kernel = Kernel::ArgExtreme(ArgExtreme { smallest, last, length, stride });
    let places = builder.push(kernel, &[rows], shape)?;
    builder.note_integers(places.slot, Some(length));
    if !smallest && builder.slots.get(rows.slot) == Some(&length) {
        builder.arg_max.insert(places.slot, Rows::clone(rows));
    }
    Ok(vec![Value::Rows(places)])
}
