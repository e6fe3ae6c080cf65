use super::repeated;
use crate::gemm::{Packed, gemm};

/// `relu(x * w + bias)`, for each vector along the last axis.
pub(crate) struct Dense {
    weights: Packed,
    /// The same weights for the way back.
    back: Packed,
    /// As by [`repeated`].
    bias: Option<Vec<f32>>,
    pub(crate) relu: bool,
}

impl Dense {
    /// From weights `[k, n]` in row-major order.
    pub(crate) fn new(weights: &[f32], k: usize, n: usize, bias: Option<Vec<f32>>) -> Self {
        Self {
            weights: Packed::new(weights, k, n),
            back: Packed::transposed(weights, n, k),
            bias: bias.map(|bias| repeated(&bias)),
            relu: false,
        }
    }

    /// Takes over an addition to the output; `false` where it differs between vectors of a row.
    pub(crate) fn take_bias(&mut self, added: &[f32]) -> bool {
        let mut vectors = added.chunks_exact(self.weights.outputs());
        let Some(bias) = vectors.next() else { return false };
        if self.bias.is_some() || vectors.any(|other| other != bias) {
            return false;
        }
        self.bias = Some(repeated(bias));
        true
    }

    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        gemm(out, input, &self.weights, false);
        match (&self.bias, self.relu) {
            (None, false) => {}
            (None, true) => out.iter_mut().for_each(|value| *value = floor_or_nan(*value, 0.0)),
            (Some(bias), relu) => {
                let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
                for vector in out.chunks_mut(bias.len()) {
                    for (value, bias) in vector.iter_mut().zip(bias) {
                        *value = floor_or_nan(*value + bias, floor);
                    }
                }
            }
        }
    }

    pub(super) fn backward(
        &self,
        out: &[f32],
        seed: &mut [f32],
        gradient: &mut [f32],
        accumulate: bool,
    ) {
        if self.relu {
            for (seed, out) in seed.iter_mut().zip(out) {
                *seed = if *out > 0.0 { *seed } else { 0.0 };
            }
        }
        gemm(gradient, seed, &self.back, accumulate);
    }
}

/// The larger one; NaN stays NaN, which `f32::max` would swallow.
#[inline]
pub(super) fn floor_or_nan(value: f32, floor: f32) -> f32 {
    if value < floor { floor } else { value }
}
