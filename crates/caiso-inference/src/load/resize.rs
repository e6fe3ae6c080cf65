//! Images at another resolution.

use super::graph::Builder;
use super::operators::{Fault, Op};
use super::value::{Rows, Value};
use crate::kernels::{Kernel, Resample};

/// How a new place is made of old ones.
struct Rule<'n> {
    mode: &'n [u8],
    coordinates: &'n [u8],
    nearest: &'n [u8],
    cubic: f64,
    exclude_outside: bool,
    antialias: bool,
}

pub(super) fn resize(builder: &mut Builder, op: &Op<'_>) -> Result<Vec<Value>, Fault> {
    let Value::Rows(rows) = op.input(0)? else {
        return Err(Fault::Unsupported("it resizes a constant".to_owned()));
    };
    let old = op.node.op_type == "Upsample" || op.opset < 11;
    let text = |name, default: &'static [u8]| -> Result<&[u8], Fault> {
        Ok(if old { default } else { op.text(name)?.unwrap_or(default) })
    };
    let rule = Rule {
        mode: op.text("mode")?.unwrap_or(b"nearest"),
        coordinates: text(
            "coordinate_transformation_mode",
            if old { b"asymmetric" } else { b"half_pixel" },
        )?,
        nearest: text("nearest_mode", if old { b"floor" } else { b"round_prefer_floor" })?,
        cubic: f64::from(op.float("cubic_coeff_a", -0.75)?),
        exclude_outside: op.int("exclude_outside", 0)? != 0,
        antialias: op.int("antialias", 0)? != 0,
    };
    if let Some(policy) = op.text("keep_aspect_ratio_policy")?
        && policy != b"stretch"
    {
        let policy = String::from_utf8_lossy(policy);
        return Err(Fault::Unsupported(format!("keep_aspect_ratio_policy = {policy}")));
    }
    let rank = rows.rank();
    let axes = match op.int_list("axes")? {
        Some(axes) => axes.to_vec(),
        None => (0..i64::try_from(rank).unwrap_or(0)).collect(),
    };
    let given = |index| match op.optional(index) {
        Some(Value::Constant(constant)) if constant.shape.contains(&0) => Ok(None),
        Some(_) => Ok(Some(op.constant(index)?)),
        None => Ok(None),
    };
    let (scales, sizes) = match (old, op.node.op_type, op.opset) {
        (true, "Upsample", ..=8) => (op.float_list("scales")?.map(<[f32]>::to_vec), None),
        (true, ..) => (given(1)?.and_then(|constant| constant.numbers()), None),
        (false, ..) => (
            given(2)?.and_then(|constant| constant.numbers()),
            given(3)?.and_then(|constant| constant.as_dims()),
        ),
    };
    if scales.as_ref().map(Vec::len).or(sizes.as_ref().map(Vec::len)) != Some(axes.len()) {
        return Err(Fault::Unsupported("neither scales nor sizes for each axis".to_owned()));
    }
    let mut result = rows.clone();
    for (place, &axis) in axes.iter().enumerate() {
        let scale = scales.as_ref().and_then(|scales| scales.get(place)).map(|&s| f64::from(s));
        let size = sizes.as_ref().and_then(|sizes| sizes.get(place));
        let index = match (result.row_axis(axis), scale, size) {
            (Ok(index), ..) => index,
            // The batch keeps its length.
            (Err(_), Some(1.0), _) | (Err(_), None, Some(super::value::Dim::Batch(1))) => continue,
            (Err(_), None, Some(super::value::Dim::Known(length)))
                if builder.fixed_batch.and_then(|batch| i64::try_from(batch).ok())
                    == Some(*length) =>
            {
                continue;
            }
            (Err(fault), ..) => return Err(fault),
        };
        let before = result.shape.get(index).copied().unwrap_or(0);
        let (after, scale) = match (scale, size) {
            (Some(scale), _) => ((before as f64 * scale).floor() as usize, scale),
            (None, Some(super::value::Dim::Known(size))) => {
                let size = usize::try_from(*size).unwrap_or(0);
                (size, size as f64 / before as f64)
            }
            _ => return Err(Fault::Unsupported("a size that depends on the batch".to_owned())),
        };
        if after == 0 || !scale.is_finite() {
            return Err(Fault::Graph(format!("an axis of length {before} times {scale}")));
        }
        if before == after && scale == 1.0 {
            continue;
        }
        builder.spend(&[after, 4])?;
        let taps = (0..after)
            .map(|to| rule.taps(to, before, after, scale))
            .collect::<Result<Vec<_>, _>>()?;
        let mut shape = result.shape.clone();
        if let Some(length) = shape.get_mut(index) {
            *length = after;
        }
        let stride = super::shape::strides(&result.shape).get(index).copied().unwrap_or(1);
        let kernel = Kernel::Resample(Resample { length: before, stride, taps });
        let layout = result.layout;
        result = Rows { layout, ..builder.push(kernel, &[&result], shape)? };
    }
    Ok(vec![Value::Rows(result)])
}

impl Rule<'_> {
    /// The old places that make the new place `to`, and their weights.
    fn taps(
        &self,
        to: usize,
        before: usize,
        after: usize,
        scale: f64,
    ) -> Result<Vec<(u32, f32)>, Fault> {
        let unknown = |what: &str, value: &[u8]| {
            let value = String::from_utf8_lossy(value);
            Fault::Unsupported(format!("{what} = {value}"))
        };
        let (length, place, count) = (before as f64, to as f64, after as f64);
        let half_pixel = (place + 0.5) / scale - 0.5;
        let at = match self.coordinates {
            b"half_pixel" => half_pixel,
            b"pytorch_half_pixel" => {
                if after > 1 {
                    half_pixel
                } else {
                    0.0
                }
            }
            b"align_corners" if after == 1 => 0.0,
            b"align_corners" => place * (length - 1.0) / (count - 1.0),
            b"asymmetric" => place / scale,
            b"half_pixel_symmetric" => {
                let adjustment = count / (scale * length);
                length / 2.0 * (1.0 - adjustment) + half_pixel
            }
            other => return Err(unknown("coordinate_transformation_mode", other)),
        };
        let stretch = if self.antialias && scale < 1.0 { 1.0 / scale } else { 1.0 };
        let cubic = |x: f64| {
            let (a, x) = (self.cubic, x.abs());
            if x <= 1.0 {
                ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
            } else if x < 2.0 {
                ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
            } else {
                0.0
            }
        };
        let last = length - 1.0;
        match self.mode {
            b"nearest" => {
                let nearest = match self.nearest {
                    b"round_prefer_floor" => (at - 0.5).ceil(),
                    b"round_prefer_ceil" => (at + 0.5).floor(),
                    b"floor" => at.floor(),
                    b"ceil" => at.ceil(),
                    other => return Err(unknown("nearest_mode", other)),
                };
                Ok(vec![(nearest.clamp(0.0, last) as u32, 1.0)])
            }
            b"linear" | b"bilinear" | b"trilinear" => {
                let at = if stretch > 1.0 { at } else { at.clamp(0.0, last) };
                Ok(self.weighted(at, 1.0, stretch, last, |x| (1.0 - x.abs()).max(0.0)))
            }
            b"cubic" => Ok(self.weighted(at, 2.0, stretch, last, cubic)),
            other => Err(unknown("mode", other)),
        }
    }

    fn weighted(
        &self,
        at: f64,
        reach: f64,
        stretch: f64,
        last: f64,
        weight: impl Fn(f64) -> f64,
    ) -> Vec<(u32, f32)> {
        let (first, end) = ((at - reach * stretch).floor(), (at + reach * stretch).ceil());
        let mut taps: Vec<(u32, f64)> = Vec::new();
        let mut place = first;
        while place <= end {
            let weight = weight((place - at) / stretch);
            let outside = place < 0.0 || place > last;
            if weight != 0.0 && !(outside && self.exclude_outside) {
                let place = place.clamp(0.0, last) as u32;
                match taps.last_mut() {
                    Some((before, total)) if *before == place => *total += weight,
                    _ => taps.push((place, weight)),
                }
            }
            place += 1.0;
        }
        let total: f64 = taps.iter().map(|(_, weight)| weight).sum();
        let total = if total == 0.0 { 1.0 } else { total };
        taps.into_iter().map(|(place, weight)| (place, (weight / total) as f32)).collect()
    }
}
