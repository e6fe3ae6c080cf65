/// Each vector of `length` values minus its mean, divided by its standard deviation; without `center` divided by
/// the root of its mean square.
pub(crate) struct Standardize {
    pub(crate) length: usize,
    pub(crate) epsilon: f32,
    pub(crate) center: bool,
    /// Added to the deviation, not to the variance.
    pub(crate) outside: bool,
}

impl Standardize {
    /// Mean and inverse deviation.
    fn moments(&self, vector: &[f32]) -> (f32, f32) {
        let count = self.length as f32;
        let mean = if self.center { sum(vector.iter().copied()) / count } else { 0.0 };
        let variance = sum(vector.iter().map(|x| (x - mean) * (x - mean))) / count;
        let inverse = if self.outside {
            1.0 / (variance.sqrt() + self.epsilon)
        } else {
            1.0 / (variance + self.epsilon).sqrt()
        };
        (mean, inverse)
    }

    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        for (input, out) in input.chunks_exact(self.length).zip(out.chunks_exact_mut(self.length)) {
            let (mean, inverse) = self.moments(input);
            for (out, x) in out.iter_mut().zip(input) {
                *out = (x - mean) * inverse;
            }
        }
    }

    pub(super) fn backward(&self, input: &[f32], out: &[f32], seed: &[f32], gradient: &mut [f32]) {
        let count = self.length as f32;
        let parts = input.chunks_exact(self.length).zip(out.chunks_exact(self.length));
        let parts = parts.zip(seed.chunks_exact(self.length));
        for (((input, out), seed), gradient) in parts.zip(gradient.chunks_exact_mut(self.length)) {
            let (_, inverse) = self.moments(input);
            let mean = if self.center { sum(seed.iter().copied()) / count } else { 0.0 };
            let mut along = sum(seed.iter().zip(out).map(|(seed, out)| seed * out)) / count;
            if self.outside {
                // The derivative of the deviation lacks the constant that is added to it.
                let deviation = 1.0 / inverse - self.epsilon;
                along = if deviation == 0.0 { 0.0 } else { along / (inverse * deviation) };
            }
            for ((gradient, seed), out) in gradient.iter_mut().zip(seed).zip(out) {
                *gradient += inverse * (seed - mean - out * along);
            }
        }
    }
}

/// A sum by sixteen partial sums.
fn sum(values: impl ExactSizeIterator<Item = f32>) -> f32 {
    let mut lanes = [0.0; 16];
    for (index, value) in values.enumerate() {
        lanes[index % 16] += value;
    }
    lanes.iter().sum()
}

/// Division by a power of the sum of squares of neighbours along the first axis of a block: `length` values
/// `stride` apart (Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural
/// Networks", 2012, 3.3).
pub(crate) struct LocalResponse {
    pub(crate) length: usize,
    pub(crate) stride: usize,
    /// Neighbours that are summed, among them the value itself: more after it if the number is even.
    pub(crate) size: usize,
    pub(crate) alpha: f32,
    pub(crate) beta: f32,
    pub(crate) bias: f32,
}

impl LocalResponse {
    fn neighbours(&self, channel: usize) -> std::ops::Range<usize> {
        let before = (self.size - 1) / 2;
        channel.saturating_sub(before)..(channel + self.size - before).min(self.length)
    }

    fn divisor(&self, block: &[f32], place: usize, channel: usize) -> f32 {
        let start = place % self.stride;
        let squares = self.neighbours(channel).map(|c| block[start + c * self.stride].powi(2));
        self.bias + self.alpha / self.size as f32 * squares.sum::<f32>()
    }

    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        let block = self.length * self.stride;
        for (input, out) in input.chunks_exact(block).zip(out.chunks_exact_mut(block)) {
            for (place, out) in out.iter_mut().enumerate() {
                let divisor = self.divisor(input, place, place / self.stride);
                *out = input[place] * divisor.powf(-self.beta);
            }
        }
    }

    pub(super) fn backward(&self, input: &[f32], seed: &[f32], gradient: &mut [f32]) {
        let block = self.length * self.stride;
        let parts = input.chunks_exact(block).zip(seed.chunks_exact(block));
        for ((input, seed), gradient) in parts.zip(gradient.chunks_exact_mut(block)) {
            for place in 0..block {
                let (start, channel) = (place % self.stride, place / self.stride);
                let divisor = self.divisor(input, place, channel);
                gradient[place] += seed[place] * divisor.powf(-self.beta);
                let factor = -2.0 * self.beta * self.alpha / self.size as f32
                    * seed[place]
                    * input[place]
                    * divisor.powf(-self.beta - 1.0);
                for other in self.neighbours(channel) {
                    let other = start + other * self.stride;
                    gradient[other] += factor * input[other];
                }
            }
        }
    }
}
