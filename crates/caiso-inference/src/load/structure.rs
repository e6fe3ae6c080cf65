//! Constants, casts and shapes.

use super::extent::expanded;
use super::graph::Builder;
use super::layout::Layout;
use super::operators::{Fault, Op};
use super::shape;
use super::value::{Constant, Data, Dim, Rows, Value};
use crate::kernels::{Kernel, Select, Unary};
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

/// To the type of another value.
pub(super) fn cast_like(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let integer = match op.input(1)? {
        Value::Rows(rows) => builder.is_integer(rows.slot),
        Value::Constant(constant) => constant.as_floats().is_none(),
        _ => false,
    };
    cast_to(builder, op.input(0)?, if integer { DataType::INT64 } else { DataType::FLOAT })
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
                Data::Ints(_) | Data::Dims(_) if to.is_integer() => value.clone(),
                Data::Dims(_) => return Err(refused("the number of rows")),
                _ => return Err(refused("a constant")),
            }
        }
        Value::Unsupported => return Err(Fault::Unsupported(String::new())),
    }])
}

pub(super) fn shape_of(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let dims = whole_shape(builder, op.input(0)?)?;
    let rank = i64::try_from(dims.len()).unwrap_or(i64::MAX);
    let place = |name, default| -> Result<usize, Fault> {
        let at = op.int(name, default)?;
        let at = if at < 0 { at.saturating_add(rank) } else { at };
        Ok(usize::try_from(at.clamp(0, rank)).unwrap_or(0))
    };
    let (start, end) = (place("start", 0)?, place("end", rank)?);
    let part = dims.get(start..end).unwrap_or_default().to_vec();
    Ok(vec![Constant::dims(vec![part.len()], part)])
}

fn whole_shape(builder: &Builder, value: &Value) -> Result<Vec<Dim>, Fault> {
    let known = |length: usize| Dim::Known(i64::try_from(length).unwrap_or(i64::MAX));
    Ok(match value {
        Value::Rows(rows) => {
            let fixed = builder.fixed_batch.and_then(|batch| i64::try_from(batch).ok());
            let fix = |dim: Dim| match (dim, fixed) {
                (Dim::Batch(times), Some(batch)) => Dim::Known(times.saturating_mul(batch)),
                (dim, _) => dim,
            };
            rows.dims().into_iter().map(fix).collect()
        }
        _ => value.shape()?.iter().map(|&length| known(length)).collect(),
    })
}

/// The number of elements.
pub(super) fn size_of(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let dims = whole_shape(builder, op.input(0)?)?;
    let mut total = Dim::Known(1);
    for dim in dims {
        total = super::arithmetic::whole(crate::kernels::Operator::Mul, total, dim)
            .ok_or_else(|| Fault::Graph("its size overflows".to_owned()))?;
    }
    Ok(vec![Constant::dims(Vec::new(), vec![total])])
}

/// The elements of a shape, computed or constant.
fn dims(op: &Op<'_>, index: usize) -> Result<Vec<Dim>, Fault> {
    match op.input(index)? {
        Value::Constant(constant) => constant
            .as_dims()
            .ok_or_else(|| Fault::Graph("a shape does not hold integers".to_owned())),
        _ => Err(Fault::Unsupported("a shape that depends on the input's values".to_owned())),
    }
}

pub(super) fn reshape(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let target = dims(op, 1)?;
    let keep_zero = op.int("allowzero", 0)? != 0;
    Ok(vec![reshaped(builder, op.input(0)?, &target, keep_zero)?])
}

pub(super) fn reshaped(
    builder: &mut Builder,
    value: &Value,
    target: &[Dim],
    keep_zero: bool,
) -> Result<Value, Fault> {
    Ok(match value {
        Value::Label(rows) => Value::Label(rows.clone()),
        Value::Rows(rows) => Value::Rows(rows.reshaped(target, keep_zero, builder.fixed_batch)?),
        Value::Constant(constant) => {
            builder.spend(&constant.shape)?;
            let shape = resolve(&constant.shape, target, keep_zero)?;
            constant.with_shape(shape)
        }
        Value::Unsupported => return Err(Fault::Unsupported(String::new())),
    })
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
            Dim::Batch(_) => return Err(wrong()),
        });
    }
    let (size, known) = (shape::size(shape), shape::size(&lengths));
    if let Some(length) = open.and_then(|index| lengths.get_mut(index)) {
        let (size, known) = (size.ok_or_else(wrong)?, known.ok_or_else(wrong)?);
        *length = size.checked_div(known).ok_or_else(wrong)?;
    }
    if shape::size(&lengths) == size { Ok(lengths) } else { Err(wrong()) }
}

/// To two axes: those before one, and the others.
pub(super) fn flatten(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let value = op.input(0)?;
    if let Value::Label(_) = value {
        return Ok(vec![value.clone()]);
    }
    let axis = op.int("axis", 1)?;
    let dims = match value {
        Value::Rows(rows) => rows.dims(),
        _ => whole_shape(builder, value)?,
    };
    let rank = dims.len();
    let place = if i64::try_from(rank) == Ok(axis) { Some(rank) } else { shape::axis(axis, rank) };
    let place = place.ok_or_else(|| Fault::Graph(format!("there is no axis {axis}")))?;
    let product = |dims: &[Dim]| {
        dims.iter().copied().try_fold(Dim::Known(1), |a, b| {
            super::arithmetic::whole(crate::kernels::Operator::Mul, a, b)
        })
    };
    let (before, behind) = dims.split_at_checked(place).unwrap_or_default();
    let (Some(first), Some(second)) = (product(before), product(behind)) else {
        return Err(Fault::Graph("its size overflows".to_owned()));
    };
    let mixes = |_| Fault::Unsupported(format!("axis = {axis} mixes the rows of a batch"));
    Ok(vec![match value {
        Value::Rows(rows) => {
            // Here a length is never that of a fixed batch in disguise.
            Value::Rows(rows.reshaped(&[first, second], true, None).map_err(mixes)?)
        }
        _ => reshaped(builder, value, &[first, second], true)?,
    }])
}

pub(super) fn squeeze(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let axes = op.axes(1, 13)?;
    let value = op.input(0)?;
    if let Value::Label(_) = value {
        return Ok(vec![value.clone()]);
    }
    if axes.is_none() && matches!(value, Value::Rows(_)) && builder.fixed_batch == Some(1) {
        return Err(Fault::Unsupported("without axes it drops the batch".to_owned()));
    }
    let shape = value.shape()?;
    let dropped: Vec<usize> = match &axes {
        None => {
            let joined = |index: usize| match value {
                Value::Rows(rows) => {
                    let Layout { axis, outer, inner } = rows.layout;
                    (outer && index.saturating_add(1) == axis) || (inner && index == axis)
                }
                _ => false,
            };
            let ones = shape.iter().enumerate().filter(|(_, length)| **length == 1);
            ones.map(|(index, _)| index).filter(|&index| !joined(index)).collect()
        }
        Some(axes) => {
            if let (Value::Rows(rows), Some(1)) = (value, builder.fixed_batch)
                && axes
                    .iter()
                    .any(|&axis| shape::axis(axis, rows.rank()) == Some(rows.layout.position()))
            {
                return Ok(vec![Value::Rows(without_batch(rows, axes)?)]);
            }
            axes.iter().map(|&axis| value.row_axis(axis)).collect::<Result<_, _>>()?
        }
    };
    if dropped.iter().any(|&index| shape.get(index) != Some(&1)) {
        return Err(Fault::Graph(format!(
            "an axis of shape {shape:?} to be dropped has not length 1"
        )));
    }
    Ok(vec![match value {
        Value::Rows(rows) => Value::Rows(rows.without_axes(&dropped)),
        Value::Constant(constant) => {
            builder.spend(&constant.shape)?;
            let kept = shape.iter().enumerate().filter(|(index, _)| !dropped.contains(index));
            constant.with_shape(kept.map(|(_, &length)| length).collect())
        }
        _ => return Err(Fault::Unsupported(String::new())),
    }])
}

/// A batch of one row without its axis: another axis takes it in.
fn without_batch(rows: &Rows, axes: &[i64]) -> Result<Rows, Fault> {
    let dropped: Vec<usize> =
        axes.iter().filter_map(|&axis| shape::axis(axis, rows.rank())).collect();
    let kept = rows.dims().into_iter().enumerate().filter(|(index, _)| !dropped.contains(index));
    let length = |dim| match dim {
        Dim::Batch(length) | Dim::Known(length) => Dim::Known(length),
    };
    let target: Vec<Dim> = kept.map(|(_, dim)| length(dim)).collect();
    rows.reshaped(&target, true, Some(1))
}

pub(super) fn unsqueeze(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let axes = op.axes(1, 13)?.ok_or_else(|| Fault::Graph("axes are missing".to_owned()))?;
    Ok(vec![unsqueezed(builder, op.input(0)?, &axes)?])
}

/// With axes of length 1 at places of the new shape.
pub(super) fn unsqueezed(
    builder: &mut Builder,
    value: &Value,
    axes: &[i64],
) -> Result<Value, Fault> {
    if let Value::Label(_) = value {
        return Ok(value.clone());
    }
    let rank = value.rank()?.saturating_add(axes.len());
    let mut inserted = Vec::with_capacity(axes.len());
    for &axis in axes {
        let index = shape::axis(axis, rank)
            .ok_or_else(|| Fault::Graph(format!("there is no axis {axis} among {rank}")))?;
        if inserted.contains(&index) {
            return Err(Fault::Graph(format!("axes {axes:?} hold one twice")));
        }
        inserted.push(index);
    }
    let own = value.shape()?;
    let mut lengths = Vec::with_capacity(rank);
    let mut own = own.iter().copied();
    let mut layout = Layout::default();
    // Axes of the whole seen so far, without the new ones.
    let mut seen = 0_usize;
    for index in 0..rank {
        if inserted.contains(&index) {
            lengths.push(1);
            continue;
        }
        match value {
            Value::Rows(rows) if seen == rows.layout.position() => {
                layout = rows.layout;
                layout.axis = lengths.len().saturating_add(usize::from(layout.outer));
                let joined = usize::from(layout.outer).saturating_add(usize::from(layout.inner));
                lengths.extend(own.by_ref().take(joined));
            }
            _ => lengths.extend(own.next()),
        }
        seen = seen.saturating_add(1);
    }
    Ok(match value {
        Value::Rows(rows) => Value::Rows(Rows { slot: rows.slot, shape: lengths, layout }),
        Value::Constant(constant) => {
            builder.spend(&constant.shape)?;
            constant.with_shape(lengths)
        }
        _ => return Err(Fault::Unsupported(String::new())),
    })
}

/// The same value everywhere, zero if not said otherwise.
pub(super) fn constant_of_shape(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let value = match op.tensor("value")? {
        Some(tensor) => Constant::of(tensor).map_err(Fault::Graph)?,
        None => Constant::floats(vec![1], vec![0.0]),
    };
    let target = dims(op, 0)?;
    let Value::Constant(constant) = value else {
        return Err(Fault::Unsupported(String::new()));
    };
    Ok(vec![expanded(builder, &constant.with_shape(Vec::new()), &target)?])
}

pub(super) fn range(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let [start, limit, delta] =
        [op.constant(0)?, op.constant(1)?, op.constant(2)?].map(|constant| {
            let float = constant.as_floats().and_then(|values| values.first().copied());
            (constant.as_ints().and_then(|values| values.first().copied()), float)
        });
    let wrong = || Fault::Unsupported("bounds that are not constant numbers".to_owned());
    if let (Some(start), Some(limit), Some(delta)) = (start.0, limit.0, delta.0) {
        let length = limit.checked_sub(start).and_then(|span| {
            let whole = span.checked_div(delta)?;
            whole.checked_add(i64::from(span.checked_rem(delta)? != 0))
        });
        let length = usize::try_from(length.ok_or_else(wrong)?.max(0)).map_err(|_| wrong())?;
        builder.spend(&[length])?;
        let value =
            |i: usize| start.saturating_add(delta.saturating_mul(i64::try_from(i).unwrap_or(0)));
        return Ok(vec![Constant::ints(vec![length], (0..length).map(value).collect())]);
    }
    let (Some(start), Some(limit), Some(delta)) = (start.1, limit.1, delta.1) else {
        return Err(wrong());
    };
    let length = ((limit - start) / delta).ceil().max(0.0) as usize;
    builder.spend(&[length])?;
    let value = |i: usize| start + delta * i as f32;
    Ok(vec![Constant::floats(vec![length], (0..length).map(value).collect())])
}

/// Where a constant is not zero.
pub(super) fn non_zero(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let constant = op.constant(0)?;
    let numbers = constant
        .numbers()
        .ok_or_else(|| Fault::Unsupported("places that depend on the number of rows".to_owned()))?;
    let found: Vec<usize> =
        numbers.iter().enumerate().filter(|(_, x)| **x != 0.0).map(|(place, _)| place).collect();
    builder.spend(&[found.len(), constant.shape.len()])?;
    let mut places = Vec::new();
    for (&length, stride) in constant.shape.iter().zip(shape::strides(&constant.shape)) {
        let at = |&place: &usize| {
            let index = place.checked_div(stride).and_then(|index| index.checked_rem(length));
            index.and_then(|index| i64::try_from(index).ok()).unwrap_or(0)
        };
        places.extend(found.iter().map(at));
    }
    Ok(vec![Constant::ints(vec![constant.shape.len(), found.len()], places)])
}

/// Ones on a diagonal, in the shape of a constant.
pub(super) fn eye_like(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let &[height, width] = op.input(0)?.shape()? else {
        return Err(Fault::Graph("it takes a matrix".to_owned()));
    };
    if !matches!(op.input(0)?, Value::Constant(_)) {
        return Err(Fault::Unsupported("a matrix with the batch as an axis".to_owned()));
    }
    let diagonal = op.int("k", 0)?;
    let size = builder.spend(&[height, width])?;
    let at = |place: usize| {
        let row = place.checked_div(width).and_then(|row| i64::try_from(row).ok()).unwrap_or(0);
        let column = place.checked_rem(width).and_then(|row| i64::try_from(row).ok()).unwrap_or(0);
        i64::from(column.saturating_sub(row) == diagonal)
    };
    let ones: Vec<i64> = (0..size).map(at).collect();
    let to = DataType(i32::try_from(op.int("dtype", 1)?).unwrap_or(1));
    cast_to(builder, &Constant::ints(vec![height, width], ones), to)
}
