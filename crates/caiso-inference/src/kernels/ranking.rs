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

/// The places of the `k` largest or smallest values along an axis of `length` values that lie `stride` apart,
/// in order; of equal values the first ones.
pub(crate) struct TopK {
    pub(crate) k: usize,
    pub(crate) smallest: bool,
    pub(crate) length: usize,
    pub(crate) stride: usize,
}

impl TopK {
    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        let mut order: Vec<usize> = Vec::with_capacity(self.length);
        let blocks = input.chunks_exact(self.length * self.stride);
        for (input, out) in blocks.zip(out.chunks_exact_mut(self.k * self.stride)) {
            for start in 0..self.stride {
                order.clear();
                order.extend(0..self.length);
                // Both zeros are the same.
                let value = |place: &usize| input[start + place * self.stride] + 0.0;
                order.sort_by(|a, b| {
                    let (a, b) = (value(a), value(b));
                    if self.smallest { a.total_cmp(&b) } else { b.total_cmp(&a) }
                });
                for (index, place) in order.iter().take(self.k).enumerate() {
                    out[start + index * self.stride] = *place as f32;
                }
            }
        }
    }
}
