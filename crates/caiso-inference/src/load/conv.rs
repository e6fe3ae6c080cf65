//! Convolutions.

use super::graph::Builder;
use super::operators::{Fault, Op};
use super::shape;
use super::value::{Rows, Value};
use super::window::{Axis, Same, Sliding, channels_last, image, spend_padded};
use crate::kernels::{Conv, Definition, Kernel};

/// Weights, and what can be read from their shape.
struct Weights {
    values: Vec<f32>,
    groups: usize,
    /// The first axis of the weights in one group, and the second.
    outer: usize,
    inner: usize,
    sliding: Sliding,
}

fn weights(op: &Op<'_>, rows: &Rows) -> Result<Weights, Fault> {
    let (_, axes) = image(rows)?;
    let (shape, values) = op.floats(1)?;
    let (outer, inner, kernel) = match shape.as_slice() {
        [outer, inner, kernel @ ..] if kernel.len() == axes.len() => (*outer, *inner, kernel),
        _ => {
            return Err(Fault::Graph(format!(
                "weights of shape {shape:?} do not fit input of shape [batch, {:?}]",
                rows.shape
            )));
        }
    };
    let stated = op.int_list("kernel_shape")?;
    if stated.is_some_and(|stated| {
        !stated
            .iter()
            .map(|&length| usize::try_from(length).ok())
            .eq(kernel.iter().map(|&k| Some(k)))
    }) {
        return Err(Fault::Graph(format!(
            "kernel_shape differs from the weights' own, {kernel:?}"
        )));
    }
    let groups = usize::try_from(op.int("group", 1)?).unwrap_or(0);
    if groups == 0 || outer == 0 || inner == 0 || !outer.is_multiple_of(groups) {
        return Err(Fault::Graph(format!(
            "weights of shape {shape:?} do not divide into {groups} groups"
        )));
    }
    let sliding = Sliding::read(op, kernel.to_vec())?;
    Ok(Weights { values, groups, outer: outer.checked_div(groups).unwrap_or(0), inner, sliding })
}

fn bias(op: &Op<'_>, channels: usize) -> Result<Vec<f32>, Fault> {
    if op.optional(2).is_none() {
        return Ok(Vec::new());
    }
    let (shape, values) = op.floats(2)?;
    if shape != [channels] {
        return Err(Fault::Graph(format!(
            "a bias of shape {shape:?} does not fit {channels} channels"
        )));
    }
    Ok(values)
}

/// A sum over a window of products with constant matrices.
pub(super) fn conv(builder: &mut Builder, op: &Op<'_>) -> Result<Vec<Value>, Fault> {
    let rows = op.rows(0)?;
    let Weights { values, groups, outer, inner, sliding } = weights(op, rows)?;
    let (channels, axes) = image(rows)?;
    if channels != inner.saturating_mul(groups) {
        return Err(Fault::Graph(format!(
            "weights for {groups} groups of {inner} channels do not fit {channels} channels"
        )));
    }
    let slide = |(axis, &length): (usize, &usize)| sliding.slide(axis, length);
    let slid: Vec<Axis> = axes.iter().enumerate().map(slide).collect::<Result<_, _>>()?;
    let outputs = outer.saturating_mul(groups);
    let shape: Vec<usize> =
        std::iter::once(outputs).chain(slid.iter().map(|axis| axis.output)).collect();
    spend_padded(builder, channels, axes, &slid)?;
    let definition = Definition {
        window: sliding.window(axes, &slid),
        channels: [inner, outer],
        groups,
        weights: values,
        bias: bias(op, outputs)?,
        transposed: false,
    };
    push(builder, definition, rows, shape)
}

/// The way back of a convolution with respect to its input, as an operator of its own.
pub(super) fn conv_transpose(builder: &mut Builder, op: &Op<'_>) -> Result<Vec<Value>, Fault> {
    let rows = op.rows(0)?;
    let Weights { values, groups, outer, inner, sliding } = weights(op, rows)?;
    let (channels, axes) = image(rows)?;
    if channels != outer.saturating_mul(groups) {
        return Err(Fault::Graph(format!(
            "weights for {groups} groups of {outer} channels do not fit {channels} channels"
        )));
    }
    let list = |name: &str| -> Result<Option<Vec<usize>>, Fault> {
        let Some(values) = op.int_list(name)? else { return Ok(None) };
        let values: Option<Vec<usize>> = values.iter().map(|&v| usize::try_from(v).ok()).collect();
        let values = values.filter(|values| values.len() == axes.len());
        values
            .map(Some)
            .ok_or_else(|| Fault::Graph(format!("{name} is no list of {} lengths", axes.len())))
    };
    let (extra, wanted) = (list("output_padding")?, list("output_shape")?);
    let mut backward = Vec::new();
    for (axis, &length) in axes.iter().enumerate() {
        let stride = sliding.stride(axis);
        let extra = extra.as_ref().and_then(|extra| extra.get(axis).copied()).unwrap_or(0);
        let reach = length.saturating_sub(1).saturating_mul(stride);
        let reach = reach.saturating_add(sliding.extent(axis)).saturating_add(extra);
        let wanted = wanted.as_ref().and_then(|wanted| wanted.get(axis).copied());
        let wanted = match (wanted, &sliding.same) {
            (None, Some(_)) => Some(length.saturating_mul(stride)),
            (wanted, _) => wanted,
        };
        // Where the size is given, it decides what is cut off.
        let output = if let Some(wanted) = wanted {
            let total = reach.saturating_sub(wanted);
            let half = total / 2;
            let after_is_longer = sliding.same == Some(Same::After);
            let before = if after_is_longer { half } else { total.saturating_sub(half) };
            Axis { output: wanted, before, after: total.saturating_sub(before) }
        } else {
            let (before, after) = sliding.split(axis, 0);
            let cut = before.saturating_add(after);
            let output = reach.checked_sub(cut).filter(|&output| output > 0);
            let output = output.ok_or_else(|| {
                Fault::Graph(format!("pads of {cut} leave nothing of {reach} places"))
            })?;
            Axis { output, before, after }
        };
        backward.push(output);
    }
    let outputs = inner.saturating_mul(groups);
    let lengths: Vec<usize> = backward.iter().map(|axis| axis.output).collect();
    let shape: Vec<usize> = std::iter::once(outputs).chain(lengths.iter().copied()).collect();
    spend_padded(builder, outputs, &lengths, &backward)?;
    // The convolution that this is the way back of writes what is read here.
    let slid: Vec<Axis> = backward
        .iter()
        .zip(axes)
        .map(|(axis, &output)| Axis { output, before: axis.before, after: axis.after })
        .collect();
    let definition = Definition {
        window: sliding.window(&lengths, &slid),
        channels: [inner, outer],
        groups,
        weights: values,
        bias: bias(op, outputs)?,
        transposed: true,
    };
    push(builder, definition, rows, shape)
}

fn push(
    builder: &mut Builder,
    definition: Definition,
    rows: &Rows,
    shape: Vec<usize>,
) -> Result<Vec<Value>, Fault> {
    if shape::size(&shape).is_none_or(|size| size == 0) {
        return Err(Fault::Graph(format!("a value of shape {shape:?} is empty or too large")));
    }
    let kernel = Kernel::Conv(Box::new(Conv::new(definition)));
    Ok(vec![Value::Rows(channels_last(builder, kernel, rows, shape)?)])
}
