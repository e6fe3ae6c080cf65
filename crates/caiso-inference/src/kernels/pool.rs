#![expect(
    clippy::inline_always,
    reason = "an instruction set reaches only what is inlined where it is chosen"
)]

use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Isa, SimdOp};

use super::window::Window;

/// What a pool makes of the values in a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pooling {
    Max,
    /// Divided by the number of values, with the padding or without.
    Average {
        count_padding: bool,
    },
    /// The `p`-norm.
    Norm {
        p: i32,
    },
}

/// One value for each window and channel. Channels lie last.
pub(crate) struct Pool {
    pooling: Pooling,
    channels: usize,
    input_pixels: usize,
    /// Input pixels of all windows, one window after the other.
    pixels: Vec<u32>,
    /// Where each window ends among them.
    ends: Vec<u32>,
    /// For each window 1 divided by the number of places that count.
    shares: Vec<f32>,
}

impl Pool {
    /// Windows have at least one value each and, all together, not more than 2³².
    pub(crate) fn new(pooling: Pooling, window: &Window, channels: usize) -> Self {
        let [depth, height, width] = [0, 1, 2].map(|axis| window.covered(axis));
        let (mut pixels, mut ends, mut shares) = (Vec::new(), Vec::new(), Vec::new());
        for (zs, z_padding) in &depth {
            for (ys, y_padding) in &height {
                for (xs, x_padding) in &width {
                    for z in zs {
                        for y in ys {
                            let line = (z * window.input[1] + y) * window.input[2];
                            pixels.extend(xs.iter().map(|x| (line + x) as u32));
                        }
                    }
                    ends.push(pixels.len() as u32);
                    let count = |padding: [usize; 3]| {
                        let [z, y, x] = padding;
                        (zs.len() + z) * (ys.len() + y) * (xs.len() + x)
                    };
                    let count = match pooling {
                        Pooling::Average { count_padding: true } => {
                            count([*z_padding, *y_padding, *x_padding])
                        }
                        _ => count([0; 3]),
                    };
                    shares.push(1.0 / count as f32);
                }
            }
        }
        Self { pooling, channels, input_pixels: window.input_pixels(), pixels, ends, shares }
    }

    /// Calls `visit` with the input pixels of each window, and its share.
    #[inline(always)]
    fn windows(&self, mut visit: impl FnMut(usize, &[u32], f32)) {
        let mut start = 0;
        for (index, (&end, &share)) in self.ends.iter().zip(&self.shares).enumerate() {
            visit(index * self.channels, &self.pixels[start..end as usize], share);
            start = end as usize;
        }
    }

    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        Forward { pool: self, input, out }.dispatch();
    }

    /// Adds to the gradient. Of several largest values the first one gets it all.
    pub(super) fn backward(&self, input: &[f32], out: &[f32], seed: &[f32], gradient: &mut [f32]) {
        Backward { pool: self, input, out, seed, gradient }.dispatch();
    }
}

struct Forward<'a> {
    pool: &'a Pool,
    input: &'a [f32],
    out: &'a mut [f32],
}

impl SimdOp for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let Self { pool, input, out } = self;
        let c = pool.channels;
        let rows = input.chunks_exact(pool.input_pixels * c);
        for (input, out) in rows.zip(out.chunks_exact_mut(pool.ends.len() * c)) {
            pool.windows(
                #[inline(always)]
                |place, pixels, share| {
                    pool.window(isa, input, &mut out[place..place + c], pixels, share);
                },
            );
        }
    }
}

struct Backward<'a> {
    pool: &'a Pool,
    input: &'a [f32],
    out: &'a [f32],
    seed: &'a [f32],
    gradient: &'a mut [f32],
}

impl SimdOp for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let Self { pool, input, out, seed, gradient } = self;
        let c = pool.channels;
        let rows = input.chunks_exact(pool.input_pixels * c);
        let rows = rows.zip(gradient.chunks_exact_mut(pool.input_pixels * c));
        let size = pool.ends.len() * c;
        let outs = out.chunks_exact(size).zip(seed.chunks_exact(size));
        for ((input, gradient), (out, seed)) in rows.zip(outs) {
            pool.windows(
                #[inline(always)]
                |place, pixels, share| {
                    let of = place..place + c;
                    let outs = [&out[of.clone()], &seed[of]];
                    pool.window_backward(isa, input, outs, gradient, pixels, share);
                },
            );
        }
    }
}

impl Pool {
    #[inline(always)]
    fn window<I: Isa>(&self, isa: I, input: &[f32], out: &mut [f32], pixels: &[u32], share: f32) {
        let c = out.len();
        let values = |pixel: &u32| &input[*pixel as usize * c..][..c];
        match self.pooling {
            Pooling::Max => {
                let ops = isa.f32();
                let Some((first, rest)) = pixels.split_first() else { return };
                let lanes = ops.len();
                let whole = c - c % lanes;
                for at in (0..whole).step_by(lanes) {
                    let vector = |pixel: &u32| &input[*pixel as usize * c + at..];
                    let mut largest = ops.load(vector(first));
                    let mut nan = largest;
                    for pixel in rest {
                        let x = ops.load(vector(pixel));
                        largest = ops.select(largest, x, ops.ge(largest, x));
                        nan = ops.select(nan, x, ops.eq(x, x));
                    }
                    // A NaN stays, by a way of its own so that one comparison need not wait for another.
                    largest = ops.select(largest, nan, ops.eq(nan, nan));
                    ops.store(largest, &mut out[at..]);
                }
                for (at, out) in out.iter_mut().enumerate().skip(whole) {
                    *out = values(first)[at];
                    for pixel in rest {
                        let x = values(pixel)[at];
                        *out = if *out >= x || out.is_nan() { *out } else { x };
                    }
                }
            }
            Pooling::Average { .. } => {
                out.fill(0.0);
                for pixel in pixels {
                    for (out, x) in out.iter_mut().zip(values(pixel)) {
                        *out += x;
                    }
                }
                for out in out {
                    *out *= share;
                }
            }
            Pooling::Norm { p } => {
                out.fill(0.0);
                for pixel in pixels {
                    for (out, x) in out.iter_mut().zip(values(pixel)) {
                        *out += x.abs().powi(p);
                    }
                }
                match p {
                    1 => {}
                    2 => out.iter_mut().for_each(|out| *out = out.sqrt()),
                    _ => out.iter_mut().for_each(|out| *out = out.powf(1.0 / p as f32)),
                }
            }
        }
    }

    #[inline(always)]
    fn window_backward<I: Isa>(
        &self,
        isa: I,
        input: &[f32],
        [out, seed]: [&[f32]; 2],
        gradient: &mut [f32],
        pixels: &[u32],
        share: f32,
    ) {
        let c = out.len();
        match self.pooling {
            Pooling::Max => {
                let ops = isa.f32();
                let lanes = ops.len();
                let whole = c - c % lanes;
                for at in (0..whole).step_by(lanes) {
                    let largest = ops.load(&out[at..]);
                    let mut left = ops.load(&seed[at..]);
                    for pixel in pixels {
                        let place = *pixel as usize * c + at;
                        // Not less is the largest, or there is a NaN.
                        let less = ops.lt(ops.load(&input[place..]), largest);
                        let gradient = &mut gradient[place..];
                        let sum = ops.add(ops.load(gradient), ops.select(ops.zero(), left, less));
                        ops.store(sum, gradient);
                        left = ops.select(left, ops.zero(), less);
                    }
                }
                for at in whole..c {
                    let mut found = pixels.iter().map(|pixel| *pixel as usize * c + at);
                    let less = |place: usize| input[place] < out[at];
                    if let Some(place) = found.find(|&place| !less(place)) {
                        gradient[place] += seed[at];
                    }
                }
            }
            Pooling::Average { .. } => {
                for pixel in pixels {
                    let gradient = &mut gradient[*pixel as usize * c..][..c];
                    for (gradient, seed) in gradient.iter_mut().zip(seed) {
                        *gradient += seed * share;
                    }
                }
            }
            Pooling::Norm { p } => {
                for pixel in pixels {
                    let at = *pixel as usize * c;
                    let parts = gradient[at..at + c].iter_mut().zip(&input[at..at + c]);
                    for ((gradient, x), (out, seed)) in parts.zip(out.iter().zip(seed)) {
                        let ratio = if *out > 0.0 { (x.abs() / out).powi(p - 1) } else { 0.0 };
                        *gradient += if *x == 0.0 { 0.0 } else { seed * ratio * x.signum() };
                    }
                }
            }
        }
    }
}
