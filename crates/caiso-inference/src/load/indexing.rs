//! Operators that read or write at places that another input names.

use super::arithmetic::{choose, combine};
use super::graph::Builder;
use super::layout::Layout;
use super::movement::{layout_of, select, select_or};
use super::operators::{Fault, Op};
use super::shape::{self, strides};
use super::structure::unsqueezed;
use super::value::{Constant, Rows, Value};
use crate::kernels::{Concat, Kernel, Operator, Pick};

type Outputs = Result<Vec<Value>, Fault>;

/// The place of an index, counted from the end if negative.
fn place_of(index: i64, length: usize) -> Result<usize, Fault> {
    shape::axis(index, length)
        .ok_or_else(|| Fault::Graph(format!("index {index} for an axis of length {length}")))
}

fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Index along each axis of a place.
fn coordinates(place: usize, shape: &[usize]) -> Vec<usize> {
    let strides = strides(shape);
    let axes = shape.iter().zip(&strides);
    axes.map(|(&length, &stride)| {
        place.checked_div(stride).and_then(|index| index.checked_rem(length)).unwrap_or(0)
    })
    .collect()
}

/// The place with some index along each axis.
fn sum(coordinates: &[usize], strides: &[usize]) -> usize {
    let parts =
        coordinates.iter().zip(strides).map(|(index, stride)| index.saturating_mul(*stride));
    parts.fold(0, usize::saturating_add)
}

/// Indices of some shape.
type Indices = (Vec<usize>, Vec<i64>);

/// Indices that are the same for all rows, aligned with a row.
fn known_indices(builder: &Builder, value: &Value, like: &Value) -> Result<Option<Indices>, Fault> {
    match (value, like) {
        (Value::Constant(constant), _) => {
            let shape = match like {
                Value::Rows(rows) => rows.align(&constant.shape)?,
                _ => constant.shape.clone(),
            };
            let indices = constant
                .as_ints()
                .ok_or_else(|| Fault::Graph("indices that are no integers".to_owned()))?;
            Ok(Some((shape, indices.to_vec())))
        }
        (Value::Rows(rows), Value::Rows(like)) => {
            rows.check_alignment(like)?;
            let values = builder.constant_of(rows.slot);
            Ok(values.map(|values| {
                (rows.shape.clone(), values.iter().map(|&value| value as i64).collect())
            }))
        }
        (Value::Rows(rows), _) => {
            Err(Fault::Unsupported(format!("indices of shape {:?} into a constant", rows.dims())))
        }
        _ => Err(Fault::Unsupported("class names as indices".to_owned())),
    }
}

pub(super) fn gather(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let (value, axis) = (op.input(0)?, op.int("axis", 0)?);
    let index = value.row_axis(axis)?;
    let shape = value.shape()?.to_vec();
    let length = shape.get(index).copied().unwrap_or(0);
    let (before, behind) = (shape.get(..index), shape.get(index.saturating_add(1)..));
    let (before, behind) = (before.unwrap_or_default(), behind.unwrap_or_default());
    let stride = shape::size(behind).unwrap_or(usize::MAX);
    let indices = op.input(1)?;
    let inner = indices.shape()?.to_vec();
    let out = [before, &inner, behind].concat();
    let size = builder.spend(&out)?;
    let count = shape::size(&inner).unwrap_or(0);
    let block = count.saturating_mul(stride);
    // For each place of the output: where its axis starts, and which index counts.
    let parts = (0..size).map(|place| {
        let outer = place.checked_div(block).unwrap_or(0);
        let within = place.checked_rem(block).unwrap_or(0);
        let start = outer.saturating_mul(length).saturating_mul(stride);
        let start = start.saturating_add(within.checked_rem(stride).unwrap_or(0));
        (start, within.checked_div(stride).unwrap_or(0))
    });
    if let Value::Constant(constant) = indices {
        let wanted = constant
            .as_ints()
            .ok_or_else(|| Fault::Graph("input 1 does not hold integers".to_owned()))?;
        let places: Vec<usize> =
            wanted.iter().map(|&index| place_of(index, length)).collect::<Result<_, _>>()?;
        let at = |(start, index): (usize, usize)| {
            let place = places.get(index).copied().unwrap_or(0);
            narrow(start.saturating_add(place.saturating_mul(stride)))
        };
        let mut layout = layout_of(value);
        if index < layout.axis {
            layout.axis = layout.axis.saturating_add(inner.len()).saturating_sub(1);
        }
        return Ok(vec![select(builder, value, out, parts.map(at).collect(), layout)?]);
    }
    let (Value::Constant(table), Value::Rows(rows)) = (value, indices) else {
        return Err(Fault::Unsupported("it gathers along other axes than a row's".to_owned()));
    };
    let integers = table.as_ints().is_some();
    let table = table
        .numbers()
        .ok_or_else(|| Fault::Unsupported("it looks up the number of rows or texts".to_owned()))?;
    let (starts, indices) = parts.map(|(start, index)| (narrow(start), narrow(index))).unzip();
    let kernel = Kernel::Pick(Pick { table: Some(table), starts, indices, stride, length });
    let layout = Layout { axis: rows.layout.axis.saturating_add(index), ..rows.layout };
    let found = Rows { layout, ..builder.push(kernel, &[rows], out)? };
    if integers {
        builder.note_integers(found.slot, None);
    } else {
        builder.note_floats(found.slot);
    }
    Ok(vec![Value::Rows(found)])
}

/// For each place of indices of some shape: the start of its axis in `shape`.
fn starts(shape: &[usize], indices: &[usize], axis: usize) -> Result<Vec<usize>, Fault> {
    let fits = shape.len() == indices.len()
        && shape.iter().zip(indices).enumerate().all(|(i, (own, index))| i == axis || index <= own);
    let Some(size) = shape::size(indices).filter(|_| fits) else {
        return Err(Fault::Graph(format!("indices of shape {indices:?} for shape {shape:?}")));
    };
    let strides = strides(shape);
    let start = |place: usize| {
        let mut at = coordinates(place, indices);
        if let Some(index) = at.get_mut(axis) {
            *index = 0;
        }
        sum(&at, &strides)
    };
    Ok((0..size).map(start).collect())
}

pub(super) fn gather_elements(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let (value, indices) = (op.input(0)?, op.input(1)?);
    let axis = op.int("axis", 0)?;
    let index = value.row_axis(axis)?;
    let shape = value.shape()?.to_vec();
    let (length, stride) = value.along(axis)?;
    if let Some((inner, wanted)) = known_indices(builder, indices, value)? {
        builder.spend(&inner)?;
        let starts = starts(&shape, &inner, index)?;
        let mut map = Vec::with_capacity(starts.len());
        for (start, wanted) in starts.into_iter().zip(wanted) {
            let place = place_of(wanted, length)?.saturating_mul(stride);
            map.push(narrow(start.saturating_add(place)));
        }
        return Ok(vec![select(builder, value, inner, map, layout_of(value))?]);
    }
    let (Value::Rows(rows), Value::Rows(wanted)) = (value, indices) else {
        return Err(Fault::Unsupported("indices that depend on the row".to_owned()));
    };
    Ok(vec![Value::Rows(picked(builder, rows, wanted, index)?)])
}

/// The values along a row axis at places that depend on the row, one for each place of `wanted`.
pub(super) fn picked(
    builder: &mut Builder,
    rows: &Rows,
    wanted: &Rows,
    axis: usize,
) -> Result<Rows, Fault> {
    let length = rows.shape.get(axis).copied().unwrap_or(0);
    let stride = strides(&rows.shape).get(axis).copied().unwrap_or(1);
    builder.spend(&wanted.shape)?;
    let starts = starts(&rows.shape, &wanted.shape, axis)?.into_iter().map(narrow).collect();
    let indices = (0..shape::size(&wanted.shape).unwrap_or(0)).map(narrow).collect();
    let kernel = Kernel::Pick(Pick { table: None, starts, indices, stride, length });
    let found = builder.push(kernel, &[rows, wanted], wanted.shape.clone())?;
    if !builder.is_integer(rows.slot) {
        builder.note_floats(found.slot);
    }
    Ok(Rows { layout: rows.layout, ..found })
}

/// Places of blocks that tuples of indices name: of a constant or of a row, whose batch comes first.
struct Tuples {
    /// Start of each block.
    places: Vec<usize>,
    /// Values of a block.
    block: usize,
    /// Shape of the whole of all blocks.
    shape: Vec<usize>,
}

fn tuples(builder: &Builder, op: &Op<'_>, batched: bool) -> Result<Tuples, Fault> {
    let value = op.input(0)?;
    let shape = value.shape()?;
    let found = known_indices(builder, op.input(1)?, value)?;
    let (indices, mut wanted) =
        found.ok_or_else(|| Fault::Unsupported("indices that depend on the row".to_owned()))?;
    let (outer, mut count) = match indices.split_last() {
        Some((&count, outer)) => (outer.to_vec(), count),
        None => return Err(Fault::Graph("indices without axes".to_owned())),
    };
    if let (Value::Rows(_), false) = (value, batched) {
        // The first index of each tuple is that of the row, of which there must be one.
        let first = wanted.iter().step_by(count.max(1)).all(|&index| index == 0);
        if builder.fixed_batch != Some(1) || !first || count == 0 {
            return Err(Fault::Unsupported("it addresses the rows of a batch".to_owned()));
        }
        wanted = wanted.chunks(count).flat_map(|tuple| tuple.iter().skip(1).copied()).collect();
        count = count.saturating_sub(1);
    }
    let strides = strides(shape);
    let behind = shape
        .get(count..)
        .ok_or_else(|| Fault::Graph(format!("tuples of {count} indices for shape {shape:?}")))?;
    let mut places = Vec::new();
    for tuple in 0..shape::size(&outer).unwrap_or(0) {
        let mut place = 0_usize;
        for (axis, &index) in
            wanted.iter().skip(tuple.saturating_mul(count)).take(count).enumerate()
        {
            let length = shape.get(axis).copied().unwrap_or(0);
            let stride = strides.get(axis).copied().unwrap_or(0);
            place = place.saturating_add(place_of(index, length)?.saturating_mul(stride));
        }
        places.push(place);
    }
    let block = shape::size(behind).unwrap_or(0);
    Ok(Tuples { places, block, shape: [&outer, behind].concat() })
}

impl Tuples {
    fn all(&self) -> impl Iterator<Item = usize> + '_ {
        self.places.iter().flat_map(|&place| (0..self.block).map(move |i| place.saturating_add(i)))
    }
}

pub(super) fn gather_nd(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let value = op.input(0)?;
    let batched = match (value, op.int("batch_dims", 0)?) {
        (Value::Rows(rows), 1) => rows.layout == Layout::default(),
        (_, 0) => false,
        (_, other) => return Err(Fault::Unsupported(format!("batch_dims = {other}"))),
    };
    let tuples = tuples(builder, op, batched)?;
    builder.spend(&tuples.shape)?;
    let map = tuples.all().map(narrow).collect();
    Ok(vec![select(builder, value, tuples.shape.clone(), map, layout_of(value))?])
}

pub(super) fn scatter_elements(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let value = op.input(0)?;
    let axis = op.int("axis", 0)?;
    let index = value.row_axis(axis)?;
    let (length, stride) = value.along(axis)?;
    let found = known_indices(builder, op.input(1)?, value)?;
    let (inner, wanted) =
        found.ok_or_else(|| Fault::Unsupported("indices that depend on the row".to_owned()))?;
    let mut places = Vec::with_capacity(wanted.len());
    for (start, wanted) in starts(value.shape()?, &inner, index)?.into_iter().zip(wanted) {
        places.push(start.saturating_add(place_of(wanted, length)?.saturating_mul(stride)));
    }
    scatter(builder, op, &places)
}

pub(super) fn scatter_nd(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let tuples = tuples(builder, op, false)?;
    let places: Vec<usize> = tuples.all().collect();
    scatter(builder, op, &places)
}

/// Writes the values of input 2 to some places of input 0.
fn scatter(builder: &mut Builder, op: &Op<'_>, places: &[usize]) -> Outputs {
    let (value, updates) = (op.input(0)?, op.input(2)?);
    let shape = value.shape()?.to_vec();
    let size = builder.spend(&shape)?;
    let mut update: Vec<Option<u32>> = vec![None; size];
    let mut twice = false;
    for (number, &place) in places.iter().enumerate() {
        if let Some(update) = update.get_mut(place) {
            twice |= update.replace(narrow(number)).is_some();
        }
    }
    let (operator, neutral) = match op.text("reduction")?.unwrap_or(b"none") {
        b"none" => (None, 0.0),
        b"add" => (Some(Operator::Add), 0.0),
        b"mul" => (Some(Operator::Mul), 1.0),
        b"max" => (Some(Operator::Max), f32::NEG_INFINITY),
        b"min" => (Some(Operator::Min), f32::INFINITY),
        other => {
            let other = String::from_utf8_lossy(other);
            return Err(Fault::Graph(format!("reduction = {other}")));
        }
    };
    if let Some(operator) = operator {
        if twice {
            return Err(Fault::Unsupported(
                "a reduction of several values at one place".to_owned(),
            ));
        }
        let updates = select_or(builder, updates, shape, &update, neutral)?;
        let updates = match (value, updates) {
            (Value::Rows(like), Value::Rows(rows)) => {
                Value::Rows(Rows { layout: like.layout, ..rows })
            }
            (_, updates) => updates,
        };
        return Ok(vec![combine(builder, operator, value, &updates)?]);
    }
    let like = match (value, updates) {
        (Value::Rows(rows), _) | (_, Value::Rows(rows)) => rows.clone(),
        (Value::Constant(_), Value::Constant(constant)) => {
            let Value::Constant(data) = value else {
                return Err(Fault::Unsupported(String::new()));
            };
            let wrong = || Fault::Unsupported("it writes other than numbers".to_owned());
            let mut numbers = data.numbers().ok_or_else(wrong)?;
            let new = constant.numbers().ok_or_else(wrong)?;
            for (number, update) in numbers.iter_mut().zip(&update) {
                if let Some(value) = update.and_then(|place| new.get(place as usize)) {
                    *number = *value;
                }
            }
            return Ok(vec![if data.as_ints().is_some() {
                Constant::ints(shape, numbers.iter().map(|&number| number as i64).collect())
            } else {
                Constant::floats(shape, numbers)
            }]);
        }
        _ => return Err(Fault::Unsupported("it writes class names".to_owned())),
    };
    let (data, new) = (builder.slot_of(value, &like)?, builder.slot_of(updates, &like)?);
    if data.shape != shape {
        return Err(Fault::Unsupported("it writes a part of each row to a constant".to_owned()));
    }
    let parts = vec![size, places.len()];
    let length = vec![size.saturating_add(places.len())];
    let both = builder.push(Kernel::Concat(Concat { parts }), &[&data, &new], length)?;
    let at = |(place, update): (usize, &Option<u32>)| match update {
        Some(update) => narrow(size).saturating_add(*update),
        None => narrow(place),
    };
    let map = update.iter().enumerate().map(at).collect();
    Ok(vec![select(builder, &Value::Rows(both), shape, map, like.layout)?])
}

/// One of two values at each place of a new axis, as an index says.
pub(super) fn one_hot(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let indices = op.input(0)?;
    let depth = op.constant(1)?.numbers().and_then(|values| values.first().copied());
    let depth = depth
        .filter(|depth| *depth >= 1.0)
        .ok_or_else(|| Fault::Graph("depth is no positive number".to_owned()))?
        as usize;
    let values = op.constant(2)?;
    let (Some(off), Some(on)) = (
        values.numbers().and_then(|values| values.first().copied()),
        values.numbers().and_then(|values| values.get(1).copied()),
    ) else {
        return Err(Fault::Graph("values hold not two numbers".to_owned()));
    };
    let axis = op.int("axis", -1)?;
    let wide = unsqueezed(builder, indices, &[axis])?;
    builder.spend(&[depth])?;
    let rank = wide.rank()?;
    let index = shape::axis(axis, rank).unwrap_or(0);
    let mut shape = vec![1; rank.saturating_sub(index)];
    if let Some(first) = shape.first_mut() {
        *first = depth;
    }
    let count = |offset: i64| {
        let number = |i: usize| i64::try_from(i).unwrap_or(0).saturating_add(offset);
        Constant::ints(shape.clone(), (0..depth).map(number).collect())
    };
    let same = combine(builder, Operator::Equal, &wide, &count(0))?;
    let negative = i64::try_from(depth).unwrap_or(0).saturating_neg();
    let from_end = combine(builder, Operator::Equal, &wide, &count(negative))?;
    let holds = combine(builder, Operator::Or, &same, &from_end)?;
    let number = |value: f32| {
        if values.as_ints().is_some() {
            Constant::ints(Vec::new(), vec![value as i64])
        } else {
            Constant::floats(Vec::new(), vec![value])
        }
    };
    Ok(vec![choose(builder, [&holds, &number(on), &number(off)])?])
}
