//! Pools: one value for each window of an image.

use super::graph::Builder;
use super::operators::{Fault, Op};
use super::shape;
use super::value::Value;
use super::window::{Axis, Sliding, channels_last, image, spend_padded};
use crate::kernels::{Kernel, Pool, Pooling};

type Outputs = Result<Vec<Value>, Fault>;

pub(super) fn max_pool(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    pool(builder, op, Pooling::Max)
}

pub(super) fn average_pool(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let count_padding = op.int("count_include_pad", 0)? != 0;
    pool(builder, op, Pooling::Average { count_padding })
}

pub(super) fn lp_pool(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    pool(builder, op, norm(op)?)
}

pub(super) fn global_max_pool(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    global(builder, op, Pooling::Max)
}

pub(super) fn global_average_pool(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    global(builder, op, Pooling::Average { count_padding: false })
}

pub(super) fn global_lp_pool(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    global(builder, op, norm(op)?)
}

fn norm(op: &Op<'_>) -> Result<Pooling, Fault> {
    let p = op.int("p", 2)?;
    let p = i32::try_from(p).ok().filter(|p| *p > 0);
    let p = p.ok_or_else(|| Fault::Graph("p is no positive number of 32 bits".to_owned()))?;
    Ok(Pooling::Norm { p })
}

fn pool(builder: &mut Builder, op: &Op<'_>, pooling: Pooling) -> Outputs {
    let rows = op.rows(0)?;
    let (_, axes) = image(rows)?;
    let kernel = op.int_list("kernel_shape")?.unwrap_or(&[]);
    let kernel: Option<Vec<usize>> =
        kernel.iter().map(|&length| usize::try_from(length).ok()).collect();
    let kernel = kernel.filter(|kernel| kernel.len() == axes.len()).ok_or_else(|| {
        Fault::Graph(format!("kernel_shape does not give the lengths of {} axes", axes.len()))
    })?;
    let sliding = Sliding::read(op, kernel)?;
    let slide = |(axis, &length): (usize, &usize)| sliding.slide(axis, length);
    let slid: Vec<Axis> = axes.iter().enumerate().map(slide).collect::<Result<_, _>>()?;
    slides(builder, op, pooling, &sliding, &slid)
}

fn global(builder: &mut Builder, op: &Op<'_>, pooling: Pooling) -> Outputs {
    let (_, axes) = image(op.rows(0)?)?;
    let size = shape::size(axes).unwrap_or(usize::MAX);
    // One axis will do.
    let sliding = Sliding {
        kernel: vec![size],
        strides: vec![1],
        dilations: vec![1],
        pads: None,
        same: None,
        ceil: false,
    };
    let slid: Vec<Axis> = axes.iter().map(|_| Axis { output: 1, before: 0, after: 0 }).collect();
    slides(builder, op, pooling, &sliding, &slid)
}

fn slides(
    builder: &mut Builder,
    op: &Op<'_>,
    pooling: Pooling,
    sliding: &Sliding,
    slid: &[Axis],
) -> Outputs {
    let rows = op.rows(0)?;
    let (channels, axes) = image(rows)?;
    let shape: Vec<usize> =
        std::iter::once(channels).chain(slid.iter().map(|axis| axis.output)).collect();
    // For each window the values that it covers.
    let covered: Vec<usize> = shape.iter().skip(1).chain(&sliding.kernel).copied().collect();
    builder.spend(&covered)?;
    spend_padded(builder, channels, axes, slid)?;
    let window = if sliding.kernel.len() == axes.len() {
        sliding.window(axes, slid)
    } else {
        sliding.window(&[shape::size(axes).unwrap_or(usize::MAX)], slid.get(..1).unwrap_or(&[]))
    };
    if window.has_empty() {
        return Err(Fault::Graph("a window covers nothing but padding".to_owned()));
    }
    let kernel = Kernel::Pool(Pool::new(pooling, &window, channels));
    Ok(vec![Value::Rows(channels_last(builder, kernel, rows, shape)?)])
}
