/// The place of the largest or smallest value along an axis of `length` values that lie `stride` apart.
pub(crate) struct ArgExtreme {
    pub(crate) smallest: bool,
    /// Of equal values the last one counts, not the first.
    pub(crate) last: bool,
    pub(crate) length: usize,
    pub(crate) stride: usize,
}

impl ArgExtreme {
    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        let blocks = input.chunks_exact(self.length * self.stride);
        for (input, out) in blocks.zip(out.chunks_exact_mut(self.stride)) {
            for (start, out) in out.iter_mut().enumerate() {
                let mut best = 0;
                let mut extreme = input[start];
                for place in 1..self.length {
                    let value = input[start + place * self.stride];
                    let beyond = if self.smallest { value < extreme } else { value > extreme };
                    if beyond || (self.last && value == extreme) {
                        (best, extreme) = (place, value);
                    }
                }
                *out = best as f32;
            }
        }
    }
}
