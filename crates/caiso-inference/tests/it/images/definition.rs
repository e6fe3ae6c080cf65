//! What layers compute in double precision, and the way back.

use super::Image;
use super::layer::{Kind, Layer};

impl Layer {
    pub(super) fn apply(&self, values: &[Image], distance: &mut f64) -> Image {
        let x = &values[values.len() - 1];
        let shapes: Vec<Vec<usize>> = values.iter().map(|value| value.shape.clone()).collect();
        let mut out = Image::zeros(&self.shape(&shapes));
        let pixels = out.pixels();
        let per_channel = |out: &mut Image, bias: &[f32]| {
            for (i, out) in out.values.iter_mut().enumerate() {
                *out += bias.get(i / pixels).map_or(0.0, |&b| f64::from(b));
            }
        };
        match self {
            Self::Conv { weights, bias, .. } => {
                self.products(&x.shape[1..], x.shape[0], |to, from, weight| {
                    out.values[to] += x.values[from] * f64::from(weights[weight]);
                });
                per_channel(&mut out, bias);
            }
            Self::ConvTranspose { conv, bias, .. } => {
                let Self::Conv { weights, .. } = &**conv else { unreachable!() };
                let (axes, channels) = (out.shape[1..].to_vec(), out.shape[0]);
                conv.products(&axes, channels, |to, from, weight| {
                    out.values[from] += x.values[to] * f64::from(weights[weight]);
                });
                per_channel(&mut out, bias);
            }
            Self::Pool { kind, .. } | Self::Global(kind) => {
                let axes = &x.shape[1..];
                let windows = self.windows(axes);
                for channel in 0..x.shape[0] {
                    let x = &x.values[channel * x.pixels()..][..x.pixels()];
                    let out = &mut out.values[channel * pixels..][..pixels];
                    let mut seen = vec![Vec::new(); pixels];
                    let mut padding = vec![0; pixels];
                    windows.each(axes, |to, from, _| match from {
                        Some(from) => seen[to].push(x[from]),
                        None => padding[to] += 1,
                    });
                    for ((out, seen), padding) in out.iter_mut().zip(seen).zip(padding) {
                        *out = match kind {
                            Kind::Max => {
                                let mut sorted = seen.clone();
                                sorted.sort_by(|a, b| b.total_cmp(a));
                                if let [a, b, ..] = sorted.as_slice()
                                    && a != b
                                {
                                    *distance = distance.min(a - b);
                                }
                                sorted[0]
                            }
                            Kind::Average { count_padding } => {
                                let count = seen.len() + if *count_padding { padding } else { 0 };
                                seen.iter().sum::<f64>() / count as f64
                            }
                            Kind::Norm(p) => seen
                                .iter()
                                .map(|x| x.abs().powi(*p))
                                .sum::<f64>()
                                .powf(1.0 / f64::from(*p)),
                        };
                        if matches!(kind, Kind::Norm(_)) {
                            *distance = distance.min(*out);
                        }
                    }
                }
            }
            Self::Relu => {
                for (out, &x) in out.values.iter_mut().zip(&x.values) {
                    *distance = distance.min(if x == 0.0 { f64::INFINITY } else { x.abs() });
                    *out = x.max(0.0);
                }
            }
            Self::Sigmoid => {
                for (out, &x) in out.values.iter_mut().zip(&x.values) {
                    *out = 1.0 / (1.0 + (-x).exp());
                }
            }
            Self::BatchNormalization([scale, shift, mean, variance]) => {
                for (i, out) in out.values.iter_mut().enumerate() {
                    let [scale, shift, mean, variance] =
                        [scale, shift, mean, variance].map(|v| f64::from(v[i / pixels]));
                    *out = scale * (x.values[i] - mean) / (variance + 1e-5).sqrt() + shift;
                }
            }
            Self::Mul(factors) => {
                for (i, out) in out.values.iter_mut().enumerate() {
                    *out = x.values[i] * f64::from(factors[i]);
                }
            }
            Self::Add(back) => {
                let other = &values[values.len() - 1 - back];
                let sums = x.values.iter().zip(&other.values).map(|(a, b)| a + b);
                out.values = sums.collect();
            }
            Self::Concat(back) => {
                let other = &values[values.len() - 1 - back];
                out.values = [x.values.clone(), other.values.clone()].concat();
            }
        }
        out
    }

    /// Adds to the gradients; the last of `values` is the layer's own.
    pub(super) fn adjoint(&self, values: &[Image], seed: &Image, gradients: &mut [Image]) {
        let (out, values) = values.split_last().unwrap();
        let x = &values[values.len() - 1];
        let (gradient, before) = gradients.split_last_mut().unwrap();
        match self {
            Self::Conv { weights, .. } => {
                self.products(&x.shape[1..], x.shape[0], |to, from, weight| {
                    gradient.values[from] += seed.values[to] * f64::from(weights[weight]);
                });
            }
            Self::ConvTranspose { conv, .. } => {
                let Self::Conv { weights, .. } = &**conv else { unreachable!() };
                conv.products(&out.shape[1..], out.shape[0], |to, from, weight| {
                    gradient.values[to] += seed.values[from] * f64::from(weights[weight]);
                });
            }
            Self::Pool { kind, .. } | Self::Global(kind) => {
                let axes = &x.shape[1..];
                let windows = self.windows(axes);
                let (pixels, own) = (out.pixels(), x.pixels());
                for channel in 0..x.shape[0] {
                    let mut counts = vec![0; pixels];
                    windows.each(axes, |to, from, _| {
                        let counts_padding = matches!(kind, Kind::Average { count_padding: true });
                        counts[to] += usize::from(from.is_some() || counts_padding);
                    });
                    let mut done = vec![false; pixels];
                    windows.each(axes, |to, from, _| {
                        let Some(from) = from else { return };
                        let (to_place, from) = (channel * pixels + to, channel * own + from);
                        let (seed, out) = (seed.values[to_place], out.values[to_place]);
                        let x = x.values[from];
                        gradient.values[from] += match kind {
                            Kind::Max if x == out && !done[to] => {
                                done[to] = true;
                                seed
                            }
                            Kind::Max => 0.0,
                            Kind::Average { .. } => seed / counts[to] as f64,
                            Kind::Norm(_) if out == 0.0 || x == 0.0 => 0.0,
                            Kind::Norm(p) => seed * x.signum() * (x.abs() / out).powi(p - 1),
                        };
                    });
                }
            }
            Self::Concat(back) => {
                let split = gradient.values.len();
                let (own, others) = seed.values.split_at(split);
                gradient.values.iter_mut().zip(own).for_each(|(a, b)| *a += b);
                let at = before.len() - back;
                before[at].values.iter_mut().zip(others).for_each(|(a, b)| *a += b);
            }
            _ => {
                let pixels = x.pixels();
                for i in 0..x.values.len() {
                    let slope = match self {
                        Self::Relu => f64::from(x.values[i] > 0.0),
                        Self::Sigmoid => out.values[i] * (1.0 - out.values[i]),
                        Self::BatchNormalization([scale, _, _, variance]) => {
                            let variance = f64::from(variance[i / pixels]);
                            f64::from(scale[i / pixels]) / (variance + 1e-5).sqrt()
                        }
                        Self::Mul(factors) => f64::from(factors[i]),
                        _ => 1.0,
                    };
                    gradient.values[i] += seed.values[i] * slope;
                }
                if let Self::Add(back) = self {
                    let at = before.len() - back;
                    before[at].values.iter_mut().zip(&seed.values).for_each(|(a, b)| *a += b);
                }
            }
        }
    }
}
