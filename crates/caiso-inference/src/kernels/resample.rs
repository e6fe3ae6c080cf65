/// Along an axis of `length` values that lie `stride` apart, weighted sums of a few of them.
pub(crate) struct Resample {
    pub(crate) length: usize,
    pub(crate) stride: usize,
    /// For each place along the new axis.
    pub(crate) taps: Vec<Vec<(u32, f32)>>,
}

impl Resample {
    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        let blocks = input.chunks_exact(self.length * self.stride);
        for (input, out) in blocks.zip(out.chunks_exact_mut(self.taps.len() * self.stride)) {
            for (out, taps) in out.chunks_exact_mut(self.stride).zip(&self.taps) {
                out.fill(0.0);
                for &(place, weight) in taps {
                    let input = &input[place as usize * self.stride..];
                    for (out, x) in out.iter_mut().zip(input) {
                        *out += weight * x;
                    }
                }
            }
        }
    }

    pub(super) fn backward(&self, seed: &[f32], gradient: &mut [f32]) {
        let blocks = gradient.chunks_exact_mut(self.length * self.stride);
        for (gradient, seed) in blocks.zip(seed.chunks_exact(self.taps.len() * self.stride)) {
            for (seed, taps) in seed.chunks_exact(self.stride).zip(&self.taps) {
                for &(place, weight) in taps {
                    let gradient = &mut gradient[place as usize * self.stride..];
                    for (gradient, seed) in gradient.iter_mut().zip(seed) {
                        *gradient += weight * seed;
                    }
                }
            }
        }
    }
}
