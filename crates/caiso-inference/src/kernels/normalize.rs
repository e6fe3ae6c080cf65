/// Division of each vector of `length` values by its norm; a vector of norm 0 stays as it is.
pub(crate) struct Normalize {
    pub(crate) norm: Norm,
    pub(crate) length: usize,
}

/// Norms of `ai.onnx.ml.Normalizer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Norm {
    /// The sum of the absolute values.
    L1,
    L2,
    /// The largest value. (Of the values, not of their sizes: so does onnxruntime.)
    Max,
}

impl Normalize {
    fn norm_of(&self, vector: &[f32]) -> f32 {
        let norm = match self.norm {
            Norm::L1 => vector.iter().map(|value| value.abs()).sum(),
            Norm::L2 => vector.iter().map(|value| value * value).sum::<f32>().sqrt(),
            Norm::Max => vector.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        };
        if norm == 0.0 { 1.0 } else { norm }
    }

    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        for (input, out) in input.chunks_exact(self.length).zip(out.chunks_exact_mut(self.length)) {
            let norm = self.norm_of(input);
            for (out, value) in out.iter_mut().zip(input) {
                *out = value / norm;
            }
        }
    }

    pub(super) fn backward(&self, input: &[f32], out: &[f32], seed: &[f32], gradient: &mut [f32]) {
        let parts = input.chunks_exact(self.length).zip(out.chunks_exact(self.length));
        let parts = parts.zip(seed.chunks_exact(self.length));
        for (((input, out), seed), gradient) in parts.zip(gradient.chunks_exact_mut(self.length)) {
            let norm = self.norm_of(input);
            let inner: f32 = seed.iter().zip(out).map(|(seed, out)| seed * out).sum();
            let largest = crate::model::arg_max(input);
            for (i, gradient) in gradient.iter_mut().enumerate() {
                let of_norm = match self.norm {
                    Norm::L1 if input[i] == 0.0 => 0.0,
                    Norm::L1 => input[i].signum(),
                    Norm::L2 => out[i],
                    Norm::Max => f32::from(i == largest),
                };
                *gradient += (seed[i] - inner * of_norm) / norm;
            }
        }
    }
}
