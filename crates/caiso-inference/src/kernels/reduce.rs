//! What becomes of all values along an axis.

/// One number of each `length` values that lie `stride` apart.
pub(crate) struct Reduce {
    pub(crate) kind: Reduction,
    pub(crate) length: usize,
    pub(crate) stride: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reduction {
    Sum,
    Mean,
    Max,
    Min,
    Prod,
    /// The sum of the absolute values.
    L1,
    /// The root of the sum of squares.
    L2,
    LogSum,
    LogSumExp,
    SumSquare,
}

/// Partial sums of a long row, added at the end: so the loop is vectorised and rounds less.
const LANES: usize = 16;

impl Reduce {
    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        let count = self.length as f32;
        match self.kind {
            Reduction::Sum => self.fold(input, out, 0.0, |x| x, |a, b| a + b),
            Reduction::Mean => {
                self.fold(input, out, 0.0, |x| x, |a, b| a + b);
                for value in out.iter_mut() {
                    *value /= count;
                }
            }
            Reduction::Max => self.fold(input, out, f32::NEG_INFINITY, |x| x, larger),
            Reduction::Min => self.fold(input, out, f32::INFINITY, |x| x, |a, b| -larger(-a, -b)),
            Reduction::Prod => self.fold(input, out, 1.0, |x| x, |a, b| a * b),
            Reduction::L1 => self.fold(input, out, 0.0, f32::abs, |a, b| a + b),
            Reduction::SumSquare => self.fold(input, out, 0.0, |x| x * x, |a, b| a + b),
            Reduction::L2 => {
                self.fold(input, out, 0.0, |x| x * x, |a, b| a + b);
                for value in out.iter_mut() {
                    *value = value.sqrt();
                }
            }
            Reduction::LogSum => {
                self.fold(input, out, 0.0, |x| x, |a, b| a + b);
                for value in out.iter_mut() {
                    *value = value.ln();
                }
            }
            Reduction::LogSumExp => self.each(input, out, |input, out| {
                let largest = input.clone().fold(f32::NEG_INFINITY, larger);
                let total: f32 = input.map(|x| (x - largest).exp()).sum();
                *out = if largest.is_infinite() { largest } else { largest + total.ln() };
            }),
        }
    }

    /// Joins what `map` makes of the values.
    fn fold(
        &self,
        input: &[f32],
        out: &mut [f32],
        start: f32,
        map: impl Fn(f32) -> f32,
        join: impl Fn(f32, f32) -> f32,
    ) {
        if self.stride == 1 {
            for (input, out) in input.chunks_exact(self.length).zip(out) {
                let mut lanes = [start; LANES];
                let (whole, rest) = input.as_chunks::<LANES>();
                for values in whole {
                    for (lane, &value) in lanes.iter_mut().zip(values) {
                        *lane = join(*lane, map(value));
                    }
                }
                for (lane, &value) in lanes.iter_mut().zip(rest) {
                    *lane = join(*lane, map(value));
                }
                *out = lanes.into_iter().fold(start, &join);
            }
            return;
        }
        let blocks = input.chunks_exact(self.length * self.stride);
        for (input, out) in blocks.zip(out.chunks_exact_mut(self.stride)) {
            out.fill(start);
            for input in input.chunks_exact(self.stride) {
                for (out, &value) in out.iter_mut().zip(input) {
                    *out = join(*out, map(value));
                }
            }
        }
    }

    fn each<'a>(
        &self,
        input: &'a [f32],
        out: &mut [f32],
        mut reduce: impl FnMut(
            std::iter::StepBy<std::iter::Skip<std::iter::Copied<std::slice::Iter<'a, f32>>>>,
            &mut f32,
        ),
    ) {
        let blocks = input.chunks_exact(self.length * self.stride);
        for (input, out) in blocks.zip(out.chunks_exact_mut(self.stride)) {
            for (start, out) in out.iter_mut().enumerate() {
                reduce(input.iter().copied().skip(start).step_by(self.stride), out);
            }
        }
    }

    pub(super) fn backward(&self, input: &[f32], out: &[f32], seed: &[f32], gradient: &mut [f32]) {
        let block = self.length * self.stride;
        let parts = input.chunks_exact(block).zip(gradient.chunks_exact_mut(block));
        let outs = out.chunks_exact(self.stride).zip(seed.chunks_exact(self.stride));
        for ((input, gradient), (out, seed)) in parts.zip(outs) {
            for start in 0..self.stride {
                self.slopes(start, input, out[start], seed[start], gradient);
            }
        }
    }

    fn slopes(&self, start: usize, input: &[f32], out: f32, seed: f32, gradient: &mut [f32]) {
        let places = (start..input.len()).step_by(self.stride);
        match self.kind {
            Reduction::Sum => places.for_each(|i| gradient[i] += seed),
            Reduction::Mean => {
                let share = seed / self.length as f32;
                places.for_each(|i| gradient[i] += share);
            }
            // Equal values share it, as in PyTorch's `amax`.
            Reduction::Max | Reduction::Min => {
                let count = places.clone().filter(|&i| input[i] == out).count() as f32;
                places.filter(|&i| input[i] == out).for_each(|i| gradient[i] += seed / count);
            }
            Reduction::Prod => {
                // The product of the others, also where one of them is zero.
                let mut before = 1.0;
                for i in places.clone() {
                    let behind: f32 =
                        places.clone().skip_while(|&j| j <= i).map(|j| input[j]).product();
                    gradient[i] += seed * before * behind;
                    before *= input[i];
                }
            }
            Reduction::L1 => places.filter(|&i| input[i] != 0.0).for_each(|i| {
                gradient[i] += seed * input[i].signum();
            }),
            Reduction::L2 if out == 0.0 => {}
            Reduction::L2 => places.for_each(|i| gradient[i] += seed * (input[i] / out)),
            Reduction::LogSum => {
                let share = seed / out.exp();
                places.for_each(|i| gradient[i] += share);
            }
            Reduction::LogSumExp => {
                places.for_each(|i| gradient[i] += seed * (input[i] - out).exp());
            }
            Reduction::SumSquare => places.for_each(|i| gradient[i] += seed * 2.0 * input[i]),
        }
    }
}

/// The larger one; NaN if there is one.
fn larger(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

/// The sum of all values up to each, along an axis of `length` values that lie `stride` apart.
pub(crate) struct Cumulate {
    pub(crate) length: usize,
    pub(crate) stride: usize,
    /// Without the value itself.
    pub(crate) exclusive: bool,
    /// From the end.
    pub(crate) reverse: bool,
}

impl Cumulate {
    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        self.run(self.reverse, input, out, |out, sum| *out = sum);
    }

    pub(super) fn backward(&self, seed: &[f32], gradient: &mut [f32]) {
        self.run(!self.reverse, seed, gradient, |gradient, sum| *gradient += sum);
    }

    fn run(&self, reverse: bool, input: &[f32], out: &mut [f32], write: impl Fn(&mut f32, f32)) {
        let block = self.length * self.stride;
        for (input, out) in input.chunks_exact(block).zip(out.chunks_exact_mut(block)) {
            for start in 0..self.stride {
                let mut sum = 0.0;
                for step in 0..self.length {
                    let step = if reverse { self.length - 1 - step } else { step };
                    let place = start + step * self.stride;
                    let with = sum + input[place];
                    write(&mut out[place], if self.exclusive { sum } else { with });
                    sum = with;
                }
            }
        }
    }
}
