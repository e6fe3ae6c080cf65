//! Operators that let axes reach further, or fill a part of them.

use super::graph::Builder;
use super::layout::Layout;
use super::movement::{all_offsets, permuted, select, select_lists, select_or};
use super::operators::{Fault, Op};
use super::shape::{broadcast, broadcast_places};
use super::value::{Dim, Rows, Value};

type Outputs = Result<Vec<Value>, Fault>;

pub(super) fn pad(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let value = op.input(0)?;
    let (pads, fill) = if op.opset < 11 {
        let pads = op.int_list("pads")?.unwrap_or_default().to_vec();
        (pads, op.float("value", 0.0)?)
    } else {
        let fill = match op.optional(2) {
            Some(_) => op.constant(2)?.numbers().and_then(|values| values.first().copied()),
            None => None,
        };
        (op.integers(1)?, fill.unwrap_or(0.0))
    };
    let rank = value.rank()?;
    let axes = match op.optional(3) {
        Some(_) => op.integers(3)?,
        None => (0..i64::try_from(rank).unwrap_or(0)).collect(),
    };
    if pads.len() != axes.len().saturating_mul(2) {
        return Err(Fault::Graph(format!("{} pads for {} axes", pads.len(), axes.len())));
    }
    let mode = op.text("mode")?.unwrap_or(b"constant");
    let shape = value.shape()?.to_vec();
    let mut lists: Vec<Vec<Option<usize>>> =
        all_offsets(&shape).into_iter().map(|list| list.into_iter().map(Some).collect()).collect();
    for (index, &axis) in axes.iter().enumerate() {
        let before = pads.get(index).copied().unwrap_or(0);
        let after = pads.get(index.saturating_add(axes.len())).copied().unwrap_or(0);
        if (before, after) == (0, 0) {
            continue;
        }
        let Some(list) = lists.get_mut(value.row_axis(axis)?) else { continue };
        let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
        builder.spend(&[
            usize::try_from(before.saturating_add(after).saturating_add(length)).unwrap_or(0)
        ])?;
        let at = |place: i64| -> Option<i64> {
            if (0..length).contains(&place) {
                return Some(place);
            }
            let last = length.saturating_sub(1);
            match mode {
                b"edge" => Some(place.clamp(0, last)),
                b"wrap" => place.checked_rem_euclid(length),
                b"reflect" if last == 0 => Some(0),
                b"reflect" => {
                    let period = last.saturating_mul(2);
                    let place = place.checked_rem_euclid(period)?;
                    Some(if place > last { period.saturating_sub(place) } else { place })
                }
                _ => None,
            }
        };
        if !matches!(mode, b"constant" | b"edge" | b"wrap" | b"reflect") {
            let mode = String::from_utf8_lossy(mode);
            return Err(Fault::Unsupported(format!("mode = {mode}")));
        }
        let from = before.saturating_neg();
        let moved = (from..length.saturating_add(after)).map(|place| {
            let place = usize::try_from(at(place)?).ok()?;
            list.get(place).copied().flatten()
        });
        *list = moved.collect();
    }
    let out: Vec<usize> = lists.iter().map(Vec::len).collect();
    builder.spend(&out)?;
    let mut map = vec![Some(0_u32)];
    for list in &lists {
        map = map
            .iter()
            .flat_map(|&place| {
                list.iter().map(move |&offset| {
                    Some(place?.saturating_add(u32::try_from(offset?).unwrap_or(u32::MAX)))
                })
            })
            .collect();
    }
    Ok(vec![select_or(builder, value, out, &map, fill)?])
}

pub(super) fn tile(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let value = op.input(0)?;
    let repeats = op
        .constant(1)?
        .as_dims()
        .ok_or_else(|| Fault::Graph("input 1 does not hold integers".to_owned()))?;
    if repeats.len() != value.rank()? {
        return Err(Fault::Graph(format!("{} repeats for {} axes", repeats.len(), value.rank()?)));
    }
    if let Value::Constant(constant) = value
        && repeats.iter().any(|dim| matches!(dim, Dim::Batch(_)))
    {
        // An axis of length 1 is as good repeated as expanded.
        let lengths = repeats.iter().zip(&constant.shape).map(|pair| match pair {
            (Dim::Batch(times), 1) => Ok(Dim::Batch(*times)),
            (Dim::Known(1), &length) => Ok(Dim::Known(i64::try_from(length).unwrap_or(i64::MAX))),
            (Dim::Known(times), 1) => Ok(Dim::Known(*times)),
            _ => Err(Fault::Unsupported("it repeats values along the batch".to_owned())),
        });
        let target = lengths.collect::<Result<Vec<_>, _>>()?;
        return Ok(vec![expanded(builder, value, &target)?]);
    }
    let shape = value.shape()?.to_vec();
    let mut lists = all_offsets(&shape);
    for (axis, repeat) in repeats.iter().enumerate() {
        let Dim::Known(repeat) = *repeat else {
            return Err(Fault::Unsupported("it repeats values along the batch".to_owned()));
        };
        if repeat == 1 {
            continue;
        }
        let index = value.row_axis(i64::try_from(axis).unwrap_or(i64::MAX))?;
        let times = usize::try_from(repeat).unwrap_or(0);
        if let Some(list) = lists.get_mut(index) {
            builder.spend(&[list.len(), times])?;
            *list = list.repeat(times);
        }
    }
    Ok(vec![select_lists(builder, value, &lists)?])
}

pub(super) fn expand(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let target = op
        .constant(1)?
        .as_dims()
        .ok_or_else(|| Fault::Graph("input 1 does not hold integers".to_owned()))?;
    Ok(vec![expanded(builder, op.input(0)?, &target)?])
}

/// A value broadcast with a shape.
pub(super) fn expanded(
    builder: &mut Builder,
    value: &Value,
    target: &[Dim],
) -> Result<Value, Fault> {
    let wrong = || Fault::Graph(format!("it cannot be expanded to {target:?}"));
    let length = |dim: &Dim| match dim {
        Dim::Known(length) | Dim::Batch(length) => usize::try_from(*length).map_err(|_| wrong()),
    };
    let lengths = target.iter().map(length).collect::<Result<Vec<_>, _>>()?;
    let batch = target.iter().position(|dim| matches!(dim, Dim::Batch(_)));
    match value {
        Value::Constant(constant) => {
            let out = broadcast(&constant.shape, &lengths).ok_or_else(wrong)?;
            builder.spend(&out)?;
            let map = broadcast_places(&constant.shape, &out);
            let Some(position) = batch else { return Ok(constant.select(&map, out)) };
            // The same for each row, but with as many rows as the batch has.
            let position = position.saturating_add(out.len()).saturating_sub(target.len());
            let Value::Constant(whole) = constant.select(&map, out.clone()) else {
                return Err(wrong());
            };
            let missing = out.len().saturating_sub(constant.shape.len());
            let own = position.checked_sub(missing).and_then(|index| constant.shape.get(index));
            if own.is_some_and(|&length| length != 1) {
                return Err(Fault::Unsupported(
                    "a constant differs between the rows of a batch".to_owned(),
                ));
            }
            let values = whole.numbers().ok_or_else(wrong)?;
            let inner = out.get(position).is_some_and(|&length| length > 1);
            let mut shape = out;
            if !inner {
                shape.remove(position);
            }
            let rows = builder.constant_slot(shape, values)?;
            if constant.as_floats().is_none() {
                builder.note_integers(rows.slot, None);
            }
            let layout = Layout { axis: position, outer: false, inner };
            Ok(Value::Rows(Rows { layout, ..rows }))
        }
        Value::Rows(rows) => {
            // The target without the axis of the batch.
            let behind = rows.rank().saturating_sub(rows.layout.position());
            let mut lengths = lengths;
            if let Some(place) = lengths.len().checked_sub(behind) {
                let fits = match target.get(place) {
                    Some(Dim::Batch(_) | Dim::Known(1)) => true,
                    Some(Dim::Known(length)) => {
                        builder.fixed_batch.is_some_and(|batch| i64::try_from(batch) == Ok(*length))
                    }
                    None => false,
                };
                if !fits {
                    return Err(wrong());
                }
                let ones = rows.shape.len().saturating_add(1).saturating_sub(rows.rank());
                lengths.splice(place..place.saturating_add(1), std::iter::repeat_n(1, ones));
            }
            let out = broadcast(&rows.shape, &lengths).ok_or_else(wrong)?;
            if out == rows.shape {
                return Ok(value.clone());
            }
            builder.spend(&out)?;
            let map = broadcast_places(&rows.shape, &out);
            let layout = rows.layout_for(out.len());
            select(builder, value, out, map, layout)
        }
        _ => Err(wrong()),
    }
}

/// Channels to places of an image, and back.
pub(super) fn depth_to_space(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?;
    let block = usize::try_from(op.int("blocksize", 0)?).unwrap_or(0);
    let (&[c, h, w], true) = (rows.shape.as_slice(), block > 0) else {
        return Err(Fault::Graph(format!("rows of shape {:?}, blocks of {block}", rows.shape)));
    };
    let area = block.saturating_mul(block);
    let wrong = || Fault::Graph(format!("rows of shape {:?} in blocks of {block}", rows.shape));
    let value = Value::Rows(rows.clone());
    Ok(vec![if op.node.op_type == "DepthToSpace" {
        let depth = c.checked_div(area).filter(|_| c.is_multiple_of(area)).ok_or_else(wrong)?;
        let out = vec![depth, h.saturating_mul(block), w.saturating_mul(block)];
        if let Some(b"CRD") = op.text("mode")? {
            let shape = [depth, block, block, h, w];
            permuted(builder, &value, &shape, &[0, 3, 1, 4, 2], out)?
        } else {
            let shape = [block, block, depth, h, w];
            permuted(builder, &value, &shape, &[2, 3, 0, 4, 1], out)?
        }
    } else {
        let (down, across) = (h.checked_div(block).unwrap_or(0), w.checked_div(block).unwrap_or(0));
        if !h.is_multiple_of(block) || !w.is_multiple_of(block) {
            return Err(wrong());
        }
        let out = vec![c.saturating_mul(area), down, across];
        permuted(builder, &value, &[c, down, block, across, block], &[2, 4, 0, 1, 3], out)?
    }])
}

/// The upper or lower triangle of matrices.
pub(super) fn triangle(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let value = op.input(0)?;
    let diagonal = match op.optional(1) {
        Some(_) => op.integers(1)?.first().copied().unwrap_or(0),
        None => 0,
    };
    let upper = op.int("upper", 1)? != 0;
    // Both axes must be those of a row.
    value.row_axis(-1)?;
    value.row_axis(-2)?;
    let shape = value.shape()?.to_vec();
    let &[.., height, width] = shape.as_slice() else {
        return Err(Fault::Graph("it takes matrices".to_owned()));
    };
    let size = builder.spend(&shape)?;
    let keeps = |place: usize| -> Option<bool> {
        let column = i64::try_from(place.checked_rem(width)?).ok()?;
        let row = i64::try_from(place.checked_div(width)?.checked_rem(height)?).ok()?;
        let above = column.saturating_sub(row);
        Some(if upper { above >= diagonal } else { above <= diagonal })
    };
    let map: Vec<Option<u32>> = (0..size)
        .map(|place| {
            keeps(place).unwrap_or(false).then(|| u32::try_from(place).unwrap_or(u32::MAX))
        })
        .collect();
    Ok(vec![select_or(builder, value, shape, &map, 0.0)?])
}
