/// Softmax or its logarithm along an axis of `length` values that lie `stride` apart.
pub(crate) struct Softmax {
    pub(crate) log: bool,
    pub(crate) length: usize,
    pub(crate) stride: usize,
}

impl Softmax {
    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        let block = self.length * self.stride;
        for (input, out) in input.chunks_exact(block).zip(out.chunks_exact_mut(block)) {
            for start in 0..self.stride {
                let places = || (start..block).step_by(self.stride);
                let largest = places().map(|i| input[i]).fold(f32::NEG_INFINITY, f32::max);
                let mut total = 0.0;
                for i in places() {
                    out[i] = (input[i] - largest).exp();
                    total += out[i];
                }
                let log_total = total.ln();
                for i in places() {
                    out[i] =
                        if self.log { (input[i] - largest) - log_total } else { out[i] / total };
                }
            }
        }
    }

    pub(super) fn backward(&self, out: &[f32], seed: &[f32], gradient: &mut [f32]) {
        let block = self.length * self.stride;
        let parts = out.chunks_exact(block).zip(seed.chunks_exact(block));
        for ((out, seed), gradient) in parts.zip(gradient.chunks_exact_mut(block)) {
            for start in 0..self.stride {
                let places = || (start..block).step_by(self.stride);
                if self.log {
                    let total: f32 = places().map(|i| seed[i]).sum();
                    places().for_each(|i| gradient[i] += seed[i] - out[i].exp() * total);
                } else {
                    let mean: f32 = places().map(|i| seed[i] * out[i]).sum();
                    places().for_each(|i| gradient[i] += out[i] * (seed[i] - mean));
                }
            }
        }
    }
}
