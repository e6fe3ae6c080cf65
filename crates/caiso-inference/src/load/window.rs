//! Windows as the attributes of convolutions and pools describe them.

use super::layout::Layout;
use super::operators::{Fault, Op};
use super::value::Rows;
use crate::kernels::{Kernel, Transpose, Window};
use crate::load::graph::Builder;
use crate::load::shape;

/// What the attributes say, with the number of axes checked.
pub(super) struct Sliding {
    pub(super) kernel: Vec<usize>,
    pub(super) strides: Vec<usize>,
    pub(super) dilations: Vec<usize>,
    /// Before and after each axis, where the attribute gives them.
    pub(super) pads: Option<Vec<(usize, usize)>>,
    /// Where the place that is left over goes if padding is to keep the size; `None` is no padding.
    pub(super) same: Option<Same>,
    pub(super) ceil: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Same {
    Before,
    After,
}

/// One axis of the result.
pub(super) struct Axis {
    pub(super) output: usize,
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Sliding {
    /// Reads the attributes for windows of `kernel` places.
    pub(super) fn read(op: &Op<'_>, kernel: Vec<usize>) -> Result<Self, Fault> {
        let rank = kernel.len();
        if !(1..=3).contains(&rank) {
            return Err(Fault::Unsupported(format!("windows of {rank} axes; 1 to 3 are known")));
        }
        if kernel.contains(&0) {
            return Err(Fault::Graph(format!("windows of {kernel:?} are empty")));
        }
        let factors = |name: &str| -> Result<Vec<usize>, Fault> {
            let Some(values) = op.int_list(name)? else { return Ok(vec![1; rank]) };
            let values: Option<Vec<usize>> =
                values.iter().map(|&v| usize::try_from(v).ok().filter(|&v| v > 0)).collect();
            values
                .filter(|values| values.len() == rank)
                .ok_or_else(|| Fault::Graph(format!("{name} are not {rank} positive numbers")))
        };
        let (strides, dilations) = (factors("strides")?, factors("dilations")?);
        let auto = op.text("auto_pad")?.unwrap_or(b"NOTSET");
        let (explicit, same) = match auto {
            b"NOTSET" | b"" => (true, None),
            b"VALID" => (false, None),
            b"SAME_UPPER" => (false, Some(Same::After)),
            b"SAME_LOWER" => (false, Some(Same::Before)),
            other => {
                let other = String::from_utf8_lossy(other);
                return Err(Fault::Graph(format!(
                    "auto_pad is {other:?}, which is none of NOTSET, VALID, SAME_UPPER and SAME_LOWER"
                )));
            }
        };
        let pads = match op.int_list("pads")? {
            Some(values) if explicit => Some(Self::pads(values, rank)?),
            _ => None,
        };
        Ok(Self { kernel, strides, dilations, pads, same, ceil: op.int("ceil_mode", 0)? != 0 })
    }

    fn pads(values: &[i64], rank: usize) -> Result<Vec<(usize, usize)>, Fault> {
        let lengths: Option<Vec<usize>> =
            values.iter().map(|&pad| usize::try_from(pad).ok()).collect();
        let Some(lengths) = lengths else {
            return Err(Fault::Unsupported(format!("pads = {values:?} cut the input off")));
        };
        match lengths.split_at_checked(rank) {
            Some((before, after)) if after.len() == rank => {
                Ok(before.iter().copied().zip(after.iter().copied()).collect())
            }
            _ => Err(Fault::Graph(format!(
                "pads = {values:?} do not have a beginning and an end for each of {rank} axes"
            ))),
        }
    }

    /// Places from the first to the last of a window.
    pub(super) fn extent(&self, axis: usize) -> usize {
        let (kernel, dilation) = (at(&self.kernel, axis), at(&self.dilations, axis));
        kernel.saturating_sub(1).saturating_mul(dilation).saturating_add(1)
    }

    pub(super) fn stride(&self, axis: usize) -> usize {
        at(&self.strides, axis)
    }

    fn explicit(&self, axis: usize) -> (usize, usize) {
        self.pads.as_ref().and_then(|pads| pads.get(axis).copied()).unwrap_or((0, 0))
    }

    /// Padding on both sides of one axis, `total` of it unless the attribute says how much.
    pub(super) fn split(&self, axis: usize, total: usize) -> (usize, usize) {
        let half = total / 2;
        match self.same {
            None => self.explicit(axis),
            Some(Same::After) => (half, total.saturating_sub(half)),
            Some(Same::Before) => (total.saturating_sub(half), half),
        }
    }

    /// Slides windows over an axis of `input` values.
    pub(super) fn slide(&self, axis: usize, input: usize) -> Result<Axis, Fault> {
        let (stride, extent) = (self.stride(axis), self.extent(axis));
        let wanted = input.div_ceil(stride);
        let reach = wanted.saturating_sub(1).saturating_mul(stride).saturating_add(extent);
        let (before, after) = self.split(axis, reach.saturating_sub(input));
        if self.same.is_some() {
            return Ok(Axis { output: wanted, before, after });
        }
        let padded = input.saturating_add(before).saturating_add(after);
        let Some(room) = padded.checked_sub(extent) else {
            return Err(Fault::Graph(format!(
                "a window of {extent} places is longer than the axis, {padded} with its padding"
            )));
        };
        let steps =
            if self.ceil { room.div_ceil(stride) } else { room.checked_div(stride).unwrap_or(0) };
        // A last window that would begin after the values does not count.
        let beyond = steps.saturating_mul(stride) >= input.saturating_add(before);
        let steps = if self.ceil && beyond { steps.saturating_sub(1) } else { steps };
        Ok(Axis { output: steps.saturating_add(1), before, after })
    }

    /// With axes of length 1 in front.
    pub(super) fn window(&self, input: &[usize], axes: &[Axis]) -> Window {
        let output: Vec<usize> = axes.iter().map(|axis| axis.output).collect();
        let before: Vec<usize> = axes.iter().map(|axis| axis.before).collect();
        let after: Vec<usize> = axes.iter().map(|axis| axis.after).collect();
        Window {
            input: three(input, 1),
            output: three(&output, 1),
            kernel: three(&self.kernel, 1),
            strides: three(&self.strides, 1),
            dilations: three(&self.dilations, 1),
            before: three(&before, 0),
            after: three(&after, 0),
        }
    }
}

fn at(values: &[usize], axis: usize) -> usize {
    values.get(axis).copied().unwrap_or(1)
}

/// Up to three values, behind as many of `fill` as are missing.
fn three(values: &[usize], fill: usize) -> [usize; 3] {
    let mut all = [fill; 3];
    all.iter_mut().rev().zip(values.iter().rev()).for_each(|(all, value)| *all = *value);
    all
}

/// Channels, and the lengths of the axes after them.
pub(super) fn image(rows: &Rows) -> Result<(usize, &[usize]), Fault> {
    if rows.layout != Layout::default() {
        return Err(Fault::Unsupported("the batch is not the first axis".to_owned()));
    }
    match rows.shape.split_first() {
        Some((&channels, axes)) if !axes.is_empty() => Ok((channels, axes)),
        _ => Err(Fault::Graph(format!(
            "input 0 has shape [batch, {:?}], expected channels and at least one axis after them",
            rows.shape
        ))),
    }
}

/// A row with its padding takes room while it is computed.
pub(super) fn spend_padded(
    builder: &mut Builder,
    channels: usize,
    axes: &[usize],
    slid: &[Axis],
) -> Result<(), Fault> {
    let padded = axes
        .iter()
        .zip(slid)
        .map(|(length, axis)| length.saturating_add(axis.before).saturating_add(axis.after));
    let shape: Vec<usize> = std::iter::once(channels).chain(padded).collect();
    builder.spend(&shape).map(|_| ())
}

/// Adds a step that takes and yields pixels with their channels last, between steps that turn them.
pub(super) fn channels_last(
    builder: &mut Builder,
    kernel: Kernel,
    rows: &Rows,
    shape: Vec<usize>,
) -> Result<Rows, Fault> {
    let input = turned(builder, rows, rows.shape.clone(), true)?;
    let output = builder.push(kernel, &[&input], shape.clone())?;
    turned(builder, &output, shape, false)
}

fn turned(
    builder: &mut Builder,
    rows: &Rows,
    shape: Vec<usize>,
    last: bool,
) -> Result<Rows, Fault> {
    let Some((&channels, axes)) = shape.split_first() else { return Ok(rows.clone()) };
    let pixels = shape::size(axes).unwrap_or(usize::MAX);
    if channels == 1 || pixels == 1 {
        return Ok(Rows::new(rows.slot, shape));
    }
    let (height, width) = if last { (channels, pixels) } else { (pixels, channels) };
    builder.push(Kernel::Transpose(Transpose { height, width }), &[rows], shape)
}
