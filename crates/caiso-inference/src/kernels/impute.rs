/// Each feature's own number in the place of a missing one.
pub(crate) struct Impute {
    /// The number that means missing.
    pub(crate) replaced: f32,
    pub(crate) values: Vec<f32>,
}

impl Impute {
    fn is_missing(&self, value: f32) -> bool {
        value == self.replaced || (value.is_nan() && self.replaced.is_nan())
    }

    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        let width = self.values.len();
        for (input, out) in input.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            for ((&value, &other), out) in input.iter().zip(&self.values).zip(out) {
                *out = if self.is_missing(value) { other } else { value };
            }
        }
    }

    pub(super) fn backward(&self, input: &[f32], seed: &[f32], gradient: &mut [f32]) {
        for ((&value, seed), gradient) in input.iter().zip(seed).zip(gradient) {
            if !self.is_missing(value) {
                *gradient += seed;
            }
        }
    }
}
