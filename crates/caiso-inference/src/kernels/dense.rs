use super::repeated;
use crate::gemm::{Packed, gemm};

/// `relu(x * w + bias)`, for each vector along the last axis.
pub(crate) struct Dense {
    /// `[inputs, outputs]` in row-major order, until they are packed.
    matrix: Vec<f32>,
    inputs: usize,
    outputs: usize,
    /// For the way there and for the way back.
    packed: Option<[Packed; 2]>,
    /// As by [`repeated`].
    bias: Option<Vec<f32>>,
    pub(crate) relu: bool,
}

impl Dense {
    /// From weights `[k, n]` in row-major order.
    pub(crate) fn new(weights: &[f32], k: usize, n: usize, bias: Option<Vec<f32>>) -> Self {
        Self {
            matrix: weights.to_vec(),
            inputs: k,
            outputs: n,
            packed: None,
            bias: bias.map(|bias| repeated(&bias)),
            relu: false,
        }
    }

    /// Packs the weights; nothing can be taken over any more.
    pub(crate) fn finish(&mut self) {
        let matrix = std::mem::take(&mut self.matrix);
        let (k, n) = (self.inputs, self.outputs);
        self.packed = Some([Packed::new(&matrix, k, n), Packed::transposed(&matrix, n, k)]);
    }

    /// Takes its inputs in another order: the first one where the one at `places[0]` was, and so on. `false` if
    /// there are more or fewer.
    pub(crate) fn reorder(&mut self, places: &[usize]) -> bool {
        if places.len() != self.inputs {
            return false;
        }
        let rows: Vec<&[f32]> = self.matrix.chunks_exact(self.outputs).collect();
        self.matrix = places.iter().flat_map(|&place| rows[place]).copied().collect();
        true
    }

    fn packed(&self) -> &[Packed; 2] {
        self.packed.as_ref().expect("a program finishes its products")
    }

    /// Takes over an addition to the output; `false` where it differs between vectors of a row.
    pub(crate) fn take_bias(&mut self, added: &[f32]) -> bool {
        let mut vectors = added.chunks_exact(self.outputs);
        let Some(bias) = vectors.next() else { return false };
        if self.bias.is_some() || vectors.any(|other| other != bias) {
            return false;
        }
        self.bias = Some(repeated(bias));
        true
    }

    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        gemm(out, input, &self.packed()[0], false);
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
        gemm(gradient, seed, &self.packed()[1], accumulate);
    }
}

/// The larger one; NaN stays NaN, which `f32::max` would swallow.
#[inline]
pub(super) fn floor_or_nan(value: f32, floor: f32) -> f32 {
    if value < floor { floor } else { value }
}
