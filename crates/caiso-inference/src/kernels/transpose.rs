/// Each row as a matrix `[height, width]`, transposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transpose {
    pub(crate) height: usize,
    pub(crate) width: usize,
}

/// Lines and columns that are copied together, so that what is read and what is written stays in the cache.
const TILE: usize = 16;

impl Transpose {
    pub(crate) fn inverse(self) -> Self {
        Self { height: self.width, width: self.height }
    }

    /// For each place of the input its place in the output.
    pub(crate) fn places(self) -> Vec<usize> {
        let line = |y: usize| (0..self.width).map(move |x| x * self.height + y);
        (0..self.height).flat_map(line).collect()
    }

    pub(super) fn forward(self, input: &[f32], out: &mut [f32]) {
        each(self.height, self.width, input, out, |out, value| *out = value);
    }

    pub(super) fn backward(self, seed: &[f32], gradient: &mut [f32], accumulate: bool) {
        if accumulate {
            each(self.width, self.height, seed, gradient, |out, value| *out += value);
        } else {
            each(self.width, self.height, seed, gradient, |out, value| *out = value);
        }
    }
}

fn each(
    height: usize,
    width: usize,
    input: &[f32],
    out: &mut [f32],
    write: impl Fn(&mut f32, f32),
) {
    let size = height * width;
    for (input, out) in input.chunks_exact(size).zip(out.chunks_exact_mut(size)) {
        for top in (0..height).step_by(TILE) {
            let bottom = (top + TILE).min(height);
            for left in (0..width).step_by(TILE) {
                for x in left..(left + TILE).min(width) {
                    let column = input[top * width + x..].iter().step_by(width);
                    let out = &mut out[x * height + top..x * height + bottom];
                    out.iter_mut().zip(column).for_each(|(out, value)| write(out, *value));
                }
            }
        }
    }
}
