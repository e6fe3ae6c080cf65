//! Layers of networks of windows: random ones, their shapes, and how they are written.

use super::windows::Windows;
use crate::encoder::{Attribute, Graph};
use crate::gradients::Random;

#[derive(Debug, Clone)]
pub(super) enum Layer {
    Conv {
        windows: Windows,
        groups: usize,
        outputs: usize,
        weights: Vec<f32>,
        bias: Vec<f32>,
    },
    ConvTranspose {
        conv: Box<Layer>,
        extra: Vec<usize>,
        bias: Vec<f32>,
        wide: Vec<usize>,
    },
    Pool {
        windows: Windows,
        kind: Kind,
    },
    Global(Kind),
    Relu,
    Sigmoid,
    /// Scale and shift of each channel.
    BatchNormalization([Vec<f32>; 4]),
    /// One value for each value, multiplied.
    Mul(Vec<f32>),
    /// With the value of so many layers before.
    Add(usize),
    Concat(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Max,
    Average { count_padding: bool },
    Norm(i32),
}

pub(super) fn random_layer(random: &mut Random, values: &[Vec<usize>]) -> Layer {
    let shape = &values[values.len() - 1];
    let (channels, axes) = (shape[0], &shape[1..]);
    let size: usize = shape.iter().product();
    let earlier = |random: &mut Random| 1 + random.below(values.len() - 1);
    match random.below(16) {
        0..=4 => conv(random, shape),
        5 => {
            let mut windows = Windows::random(random, axes, true);
            windows.auto = None;
            let windows = Windows {
                before: windows.kernel.iter().map(|&k| random.below(k)).collect(),
                after: windows.kernel.iter().map(|&k| random.below(k)).collect(),
                ..windows
            };
            let (mut extra, mut wide) = (Vec::new(), Vec::new());
            for (axis, &length) in axes.iter().enumerate() {
                let more = random.below(windows.strides[axis]);
                let whole = (length - 1) * windows.strides[axis] + windows.extent(axis) + more;
                let cut = windows.before[axis] + windows.after[axis];
                if whole <= cut {
                    return Layer::Relu;
                }
                extra.push(more);
                wide.push(whole - cut);
            }
            let divisors: Vec<_> = (1..=channels).filter(|g| channels.is_multiple_of(*g)).collect();
            let groups = divisors[random.below(divisors.len())];
            let inner = 1 + random.below(3);
            let taps: usize = windows.kernel.iter().product();
            let weights = random.floats(channels * inner * taps);
            let bias = if random.below(2) == 0 { random.floats(inner * groups) } else { vec![] };
            let conv = Layer::Conv { windows, groups, outputs: channels, weights, bias: vec![] };
            Layer::ConvTranspose { conv: Box::new(conv), extra, bias, wide }
        }
        6..=8 => {
            let kind = [
                Kind::Max,
                Kind::Average { count_padding: false },
                Kind::Average { count_padding: true },
                Kind::Norm(2),
                Kind::Norm(3),
            ][random.below(5)];
            let mut windows = Windows::random(random, axes, kind == Kind::Max);
            if windows.auto.is_none() {
                windows.ceil = random.below(2) == 0;
            }
            // No window may lie in the padding alone.
            if windows.dilations.iter().any(|d| *d > 1) {
                windows.before = vec![0; axes.len()];
                windows.after = vec![0; axes.len()];
                windows.auto = None;
            }
            Layer::Pool { windows, kind }
        }
        9 if random.below(3) == 0 => Layer::Global(
            [Kind::Max, Kind::Average { count_padding: false }, Kind::Norm(2)][random.below(3)],
        ),
        10 => Layer::Sigmoid,
        11 => {
            let positive = |random: &mut Random| -> Vec<f32> {
                random.floats(channels).iter().map(|x| x + 1.5).collect()
            };
            let parameters =
                [random.floats(channels), random.floats(channels), random.floats(channels)];
            let [scale, shift, mean] = parameters;
            Layer::BatchNormalization([scale, shift, mean, positive(random)])
        }
        12 if random.below(2) == 0 => Layer::Mul(random.floats(size)),
        13 if values.len() > 1 => {
            let back = earlier(random);
            if values[values.len() - 1 - back] == *shape {
                Layer::Add(back)
            } else {
                conv(random, shape)
            }
        }
        14 if values.len() > 1 => {
            let back = earlier(random);
            if values[values.len() - 1 - back][1..] == *axes {
                Layer::Concat(back)
            } else {
                Layer::Relu
            }
        }
        _ => Layer::Relu,
    }
}

fn conv(random: &mut Random, shape: &[usize]) -> Layer {
    let channels = shape[0];
    let mut windows = Windows::random(random, &shape[1..], true);
    if random.below(3) == 0 && shape[1..].iter().all(|&length| length >= 3) {
        let axes = shape.len() - 1;
        windows = Windows {
            kernel: vec![3; axes],
            strides: vec![1; axes],
            dilations: vec![1; axes],
            before: vec![1; axes],
            after: vec![1; axes],
            auto: None,
            ceil: false,
        };
    }
    let divisors: Vec<_> = (1..=channels).filter(|g| channels.is_multiple_of(*g)).collect();
    let groups = if random.below(2) == 0 { 1 } else { divisors[random.below(divisors.len())] };
    let most = [3, 3, 40][random.below(3)].min(60 / groups).max(1);
    let outputs = groups * (1 + random.below(most));
    let taps: usize = windows.kernel.iter().product();
    let weights = random.floats(outputs * channels / groups * taps);
    let bias = if random.below(2) == 0 { random.floats(outputs) } else { vec![] };
    Layer::Conv { windows, groups, outputs, weights, bias }
}

impl Layer {
    pub(super) fn shape(&self, shapes: &[Vec<usize>]) -> Vec<usize> {
        let shape = &shapes[shapes.len() - 1];
        let axes = &shape[1..];
        match self {
            Self::Conv { windows, outputs, .. } => [vec![*outputs], windows.outputs(axes)].concat(),
            Self::ConvTranspose { conv, wide, .. } => {
                let Self::Conv { groups, weights, windows, .. } = &**conv else { unreachable!() };
                let taps: usize = windows.kernel.iter().product();
                [vec![weights.len() / taps / shape[0] * groups], wide.clone()].concat()
            }
            Self::Pool { windows, .. } => [vec![shape[0]], windows.outputs(axes)].concat(),
            Self::Global(_) => [vec![shape[0]], vec![1; axes.len()]].concat(),
            Self::Concat(back) => {
                let other = &shapes[shapes.len() - 1 - back];
                [vec![shape[0] + other[0]], axes.to_vec()].concat()
            }
            _ => shape.clone(),
        }
    }

    pub(super) fn windows(&self, axes: &[usize]) -> Windows {
        match self {
            Self::Pool { windows, .. } => windows.clone(),
            _ => Windows {
                kernel: axes.to_vec(),
                strides: vec![1; axes.len()],
                dilations: vec![1; axes.len()],
                before: vec![0; axes.len()],
                after: vec![0; axes.len()],
                auto: None,
                ceil: false,
            },
        }
    }

    /// For each product of a convolution: output place, input place, weight place.
    pub(super) fn products(
        &self,
        axes: &[usize],
        channels: usize,
        mut visit: impl FnMut(usize, usize, usize),
    ) {
        let Self::Conv { windows, groups, outputs, .. } = self else { unreachable!() };
        let (inner, outer) = (channels / groups, outputs / groups);
        let taps: usize = windows.kernel.iter().product();
        let written: usize = windows.outputs(axes).iter().product();
        let read: usize = axes.iter().product();
        windows.each(axes, |to, from, tap| {
            let Some(from) = from else { return };
            for output in 0..*outputs {
                for input in 0..inner {
                    let source = output / outer * inner + input;
                    let weight = (output * inner + input) * taps + tap;
                    visit(output * written + to, source * read + from, weight);
                }
            }
        });
    }

    pub(super) fn encode(&self, graph: Graph, names: &[String], out: &str) -> Graph {
        let x = names[names.len() - 1].as_str();
        let name = |kind: &str| format!("{out}{kind}");
        let encode = |graph: Graph,
                      operator: &str,
                      inputs: &[&str],
                      windows: &Windows,
                      more: &[Attribute<'_>]| {
            let pads: Vec<i64> =
                windows.before.iter().chain(&windows.after).map(|&pad| pad as i64).collect();
            let mut lists = windows.attributes(&pads);
            if operator != "Conv" && operator != "ConvTranspose" && operator != "MaxPool" {
                lists.retain(|(name, _)| *name != "dilations");
            }
            let mut attributes: Vec<Attribute<'_>> =
                lists.iter().map(|(name, list)| Attribute::Ints(name, list)).collect();
            if let Some(auto) = windows.auto {
                attributes.push(Attribute::Text("auto_pad", auto));
            }
            if windows.ceil {
                attributes.push(Attribute::Int("ceil_mode", 1));
            }
            attributes.extend(more.iter().cloned());
            graph.node(operator, inputs, &[out], &attributes)
        };
        match self {
            Self::Conv { windows, groups, outputs, weights, bias } => {
                let taps: usize = windows.kernel.iter().product();
                let shape =
                    [&[*outputs, weights.len() / taps / outputs], &*windows.kernel].concat();
                let (w, b) = (name("w"), name("b"));
                let mut graph = graph.floats(&w, &shape, weights);
                let mut inputs = vec![x, &w];
                if !bias.is_empty() {
                    graph = graph.floats(&b, &[bias.len()], bias);
                    inputs.push(&b);
                }
                let group = [Attribute::Int("group", *groups as i64)];
                encode(graph, "Conv", &inputs, windows, &group)
            }
            Self::ConvTranspose { conv, extra, bias, .. } => {
                let Self::Conv { windows, groups, outputs, weights, .. } = &**conv else {
                    unreachable!()
                };
                let taps: usize = windows.kernel.iter().product();
                let shape =
                    [&[*outputs, weights.len() / taps / outputs], &*windows.kernel].concat();
                let (w, b) = (name("w"), name("b"));
                let mut graph = graph.floats(&w, &shape, weights);
                let mut inputs = vec![x, &w];
                if !bias.is_empty() {
                    graph = graph.floats(&b, &[bias.len()], bias);
                    inputs.push(&b);
                }
                let extra: Vec<i64> = extra.iter().map(|&extra| extra as i64).collect();
                let more = [
                    Attribute::Int("group", *groups as i64),
                    Attribute::Ints("output_padding", &extra),
                ];
                encode(graph, "ConvTranspose", &inputs, windows, &more)
            }
            Self::Pool { windows, kind } => {
                let (operator, more) = match kind {
                    Kind::Max => ("MaxPool", None),
                    Kind::Average { count_padding } => {
                        let count = i64::from(*count_padding);
                        ("AveragePool", Some(Attribute::Int("count_include_pad", count)))
                    }
                    Kind::Norm(p) => ("LpPool", Some(Attribute::Int("p", i64::from(*p)))),
                };
                encode(graph, operator, &[x], windows, more.as_slice())
            }
            Self::Global(kind) => {
                let operator = match kind {
                    Kind::Max => "GlobalMaxPool",
                    Kind::Average { .. } => "GlobalAveragePool",
                    Kind::Norm(_) => "GlobalLpPool",
                };
                graph.node(operator, &[x], &[out], &[])
            }
            Self::Relu => graph.node("Relu", &[x], &[out], &[]),
            Self::Sigmoid => graph.node("Sigmoid", &[x], &[out], &[]),
            Self::BatchNormalization(parameters) => {
                let own = ["scale", "shift", "mean", "variance"].map(name);
                let mut graph = graph;
                for (name, values) in own.iter().zip(parameters) {
                    graph = graph.floats(name, &[values.len()], values);
                }
                let [a, b, c, d] = own.each_ref().map(String::as_str);
                graph.node("BatchNormalization", &[x, a, b, c, d], &[out], &[])
            }
            Self::Mul(factors) => {
                let c = name("c");
                // In the shape of the value, which is not kept here: by way of the flattened one.
                let flat = name("flat");
                let shape = name("shape");
                graph
                    .floats(&c, &[factors.len()], factors)
                    .node("Shape", &[x], &[&shape], &[])
                    .node("Flatten", &[x], &[&flat], &[])
                    .node("Mul", &[&flat, &c], &[&name("product")], &[])
                    .node("Reshape", &[&name("product"), &shape], &[out], &[])
            }
            Self::Add(back) => graph.node("Add", &[x, &names[names.len() - 1 - back]], &[out], &[]),
            Self::Concat(back) => {
                let axis = [Attribute::Int("axis", 1)];
                graph.node("Concat", &[x, &names[names.len() - 1 - back]], &[out], &axis)
            }
        }
    }
}
