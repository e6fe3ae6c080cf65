//! The inner loops of convolutions, for the processor's widest vectors.

#![expect(
    clippy::inline_always,
    reason = "an instruction set reaches only what is inlined where it is chosen"
)]
#![expect(clippy::needless_range_loop, reason = "loops over registers, unrolled")]

use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Isa, SimdOp};

use super::correlation::{Finish, Panel, Phase, Segment, Way};

/// What sums start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// The bias.
    Bias,
    /// What the output holds.
    Output,
}

/// Runs a loop compiled for the processor's instruction set.
#[inline]
pub(super) fn vectorised<R>(run: impl FnOnce() -> R) -> R {
    struct Loop<F>(F);
    impl<R, F: FnOnce() -> R> SimdOp for Loop<F> {
        type Output = R;

        #[inline(always)]
        fn eval<I: Isa>(self, _: I) -> R {
            (self.0)()
        }
    }
    Loop(run).dispatch()
}

/// `out = values` where `mask` is positive, else 0.
pub(super) fn masked(values: &[f32], mask: &[f32], out: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || {
            for (out, (value, mask)) in out.iter_mut().zip(values.iter().zip(mask)) {
                *out = if *mask > 0.0 { *value } else { 0.0 };
            }
        },
    );
}

/// `values = 0` where `mask` is not positive.
pub(super) fn mask(values: &mut [f32], mask: &[f32]) {
    vectorised(
        #[inline(always)]
        || {
            for (value, mask) in values.iter_mut().zip(mask) {
                *value = if *mask > 0.0 { *value } else { 0.0 };
            }
        },
    );
}

/// `sums += values`.
pub(super) fn add(sums: &mut [f32], values: &[f32]) {
    vectorised(
        #[inline(always)]
        || {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value;
            }
        },
    );
}

/// Values in a vector, and vectors in the widest panel: as many as leave registers for the rest of a tile.
pub(super) fn vectors() -> (usize, usize) {
    struct Lanes;
    impl SimdOp for Lanes {
        type Output = usize;

        #[inline(always)]
        fn eval<I: Isa>(self, isa: I) -> usize {
            isa.f32().len()
        }
    }
    let lanes = Lanes.dispatch();
    // AVX-512 and NEON have 32 registers, the others 16.
    (lanes, if lanes == 16 || cfg!(target_arch = "aarch64") { 4 } else { 2 })
}

/// Computes the output pixels of a phase for all rows in `input`.
pub(super) fn run(
    phase: &Phase,
    input: &[f32],
    input_row: usize,
    out: &mut [f32],
    output_row: usize,
    finish: &Finish<'_>,
) {
    let adds_nothing = phase.segments.is_empty() && finish.residual.is_none() && !finish.relu;
    if adds_nothing && finish.start == Start::Output {
        return;
    }
    Tiles { phase, input, input_row, out, output_row, finish }.dispatch();
}

struct Tiles<'a> {
    phase: &'a Phase,
    input: &'a [f32],
    input_row: usize,
    out: &'a mut [f32],
    output_row: usize,
    finish: &'a Finish<'a>,
}

impl SimdOp for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(mut self, isa: I) {
        let phase = self.phase;
        let narrow = vectors().1 == 2;
        for panel in &phase.panels {
            match (panel.way, narrow) {
                (Way::Depthwise, _) => self.depthwise::<I, 4>(isa, panel),
                (Way::Dots, _) => match panel.count {
                    1 => self.dots::<I, 1, 4>(isa, panel),
                    2 => self.dots::<I, 2, 4>(isa, panel),
                    3 => self.dots::<I, 3, 4>(isa, panel),
                    _ => self.dots::<I, 4, 4>(isa, panel),
                },
                (Way::Vectors(1), _) => self.panel::<I, 1, 12>(isa, panel),
                (Way::Vectors(2), true) => self.panel::<I, 2, 6>(isa, panel),
                (Way::Vectors(2), false) => self.panel::<I, 2, 12>(isa, panel),
                (Way::Vectors(3), _) => self.panel::<I, 3, 8>(isa, panel),
                (Way::Vectors(_), _) => self.panel::<I, 4, 6>(isa, panel),
            }
        }
    }
}

impl Tiles<'_> {
    /// Where the next `valid` pixels read and write, the last of them as often as there is room; `at` is row
    /// and pixel.
    #[inline(always)]
    fn tile<const P: usize>(
        &self,
        at: &mut (usize, usize),
        valid: usize,
        panel: &Panel,
    ) -> ([usize; P], [usize; P]) {
        let (mut starts, mut places) = ([0; P], [0; P]);
        let phase = self.phase;
        let (mut row, mut pixel) = *at;
        let rest = &phase.starts[pixel..];
        if let (Some(from), Some(to)) =
            (rest.first_chunk::<P>(), phase.places[pixel..].first_chunk::<P>())
            && rest.len() > P
        {
            let start = row * self.input_row + panel.source;
            let place = row * self.output_row + panel.first;
            *at = (row, pixel + P);
            return (from.map(|at| at as usize + start), to.map(|at| at as usize + place));
        }
        for i in 0..P {
            if i >= valid {
                (starts[i], places[i]) = (starts[i - 1], places[i - 1]);
                continue;
            }
            starts[i] = row * self.input_row + phase.starts[pixel] as usize + panel.source;
            places[i] = row * self.output_row + phase.places[pixel] as usize + panel.first;
            pixel += 1;
            if pixel == phase.starts.len() {
                (row, pixel) = (row + 1, 0);
            }
        }
        *at = (row, pixel);
        (starts, places)
    }

    /// Up to four channels, as dot products over vectors of input values. Where there are so few, a vector of
    /// them would be mostly empty.
    #[inline(always)]
    fn dots<I: Isa, const C: usize, const P: usize>(&mut self, isa: I, panel: &Panel) {
        let ops = isa.f32();
        let phase = self.phase;
        let total = self.input.len() / self.input_row * phase.starts.len();
        let mut at = (0, 0);
        let mut done = 0;
        while done < total {
            let valid = P.min(total - done);
            done += valid;
            let (starts, places) = self.tile::<P>(&mut at, valid, panel);
            let x = windows(self.input, &starts, phase.extent);
            let sums = dot_products::<I, C, P>(isa, &phase.segments, &panel.weights, &x);
            for i in 0..P {
                if i >= valid {
                    break;
                }
                for c in 0..C {
                    let place = places[i] + c;
                    let mut sum = ops.sum(sums[i][c]);
                    sum += match self.finish.start {
                        Start::Bias => panel.bias[c],
                        Start::Output => self.out[place],
                    };
                    if let Some(residual) = self.finish.residual {
                        sum += residual[place];
                    }
                    self.out[place] = if self.finish.relu && sum < 0.0 { 0.0 } else { sum };
                }
            }
        }
    }

    /// `V` vectors of channels for `P` pixels at a time. A sum runs over the segments in their order, whatever
    /// tile its pixel is in.
    #[inline(always)]
    fn panel<I: Isa, const V: usize, const P: usize>(&mut self, isa: I, panel: &Panel) {
        let ops = isa.f32();
        let lanes = ops.len();
        let width = V * lanes;
        let phase = self.phase;
        let total = self.input.len() / self.input_row * phase.starts.len();
        let whole = panel.count == width;
        let blocks = phase.blocks.len().max(1);
        let mut weights = panel.weights.as_slice();
        for block in 0..blocks {
            let segments = phase.blocks.get(block).cloned().unwrap_or(0..0);
            let segments = &phase.segments[segments];
            let values: usize = segments.iter().map(|segment| segment.length).sum();
            let (now, later) = weights.split_at(values * width);
            weights = later;
            let from_bias = block == 0 && self.finish.start == Start::Bias;
            let last = block + 1 == blocks;

            let mut at = (0, 0);
            let mut done = 0;
            while done < total {
                let valid = P.min(total - done);
                done += valid;
                let (starts, places) = self.tile::<P>(&mut at, valid, panel);
                let x = windows(self.input, &starts, phase.extent);

                let mut sums = [[ops.zero(); V]; P];
                for i in 0..P {
                    for v in 0..V {
                        sums[i][v] = if from_bias {
                            ops.load(&panel.bias[v * lanes..])
                        } else if whole {
                            ops.load(&self.out[places[i] + v * lanes..])
                        } else {
                            let out = &self.out[places[i]..places[i] + panel.count];
                            ops.load_pad(out.get(v * lanes..).unwrap_or(&[])).0
                        };
                    }
                }
                sums = products::<I, V, P>(isa, sums, segments, now, &x);
                let finish = if last {
                    *self.finish
                } else {
                    Finish { residual: None, relu: false, ..*self.finish }
                };
                if whole && valid == P {
                    self.tile_whole::<I, V, P>(isa, sums, &places, &finish);
                    continue;
                }
                for i in 0..valid {
                    let place = places[i];
                    if whole {
                        for v in 0..V {
                            self.whole(isa, sums[i][v], place + v * lanes, &finish);
                        }
                    } else {
                        self.part(isa, &sums[i], place, panel.count, &finish);
                    }
                }
            }
        }
    }

    /// Finishes and writes all pixels of a tile.
    #[inline(always)]
    fn tile_whole<I: Isa, const V: usize, const P: usize>(
        &mut self,
        isa: I,
        mut sums: [[I::F32; V]; P],
        places: &[usize; P],
        finish: &Finish<'_>,
    ) {
        let ops = isa.f32();
        let lanes = ops.len();
        if let Some(residual) = finish.residual {
            for i in 0..P {
                let residual = &residual[places[i]..][..V * lanes];
                for v in 0..V {
                    sums[i][v] = ops.add(sums[i][v], ops.load(&residual[v * lanes..]));
                }
            }
        }
        let floor = ops.splat(if finish.relu { 0.0 } else { f32::NEG_INFINITY });
        for i in 0..P {
            let out = &mut self.out[places[i]..][..V * lanes];
            for v in 0..V {
                // NaN stays NaN.
                let sum = ops.select(floor, sums[i][v], ops.lt(sums[i][v], floor));
                ops.store(sum, &mut out[v * lanes..]);
            }
        }
    }

    /// Each channel on its own, `P` pixels at a time.
    #[inline(always)]
    fn depthwise<I: Isa, const P: usize>(&mut self, isa: I, panel: &Panel) {
        let ops = isa.f32();
        let lanes = ops.len();
        let phase = self.phase;
        let finish = *self.finish;
        let total = self.input.len() / self.input_row * phase.starts.len();
        let padded = panel.bias.len();
        let mut at = (0, 0);
        let mut done = 0;
        while done < total {
            let valid = P.min(total - done);
            done += valid;
            let (starts, places) = self.tile::<P>(&mut at, valid, panel);
            for channel in (0..panel.count).step_by(lanes) {
                let count = lanes.min(panel.count - channel);
                let mut sums = [ops.zero(); P];
                if finish.start == Start::Bias {
                    sums = [ops.load(&panel.bias[channel..]); P];
                } else {
                    for i in 0..P {
                        let out = &self.out[places[i] + channel..][..count];
                        sums[i] = if count == lanes { ops.load(out) } else { ops.load_pad(out).0 };
                    }
                }
                for (segment, weights) in
                    phase.segments.iter().zip(panel.weights.chunks_exact(padded))
                {
                    let w = ops.load(&weights[channel..]);
                    for i in 0..P {
                        let x = &self.input[starts[i] + segment.offset + channel..][..count];
                        let x = if count == lanes { ops.load(x) } else { ops.load_pad(x).0 };
                        sums[i] = ops.mul_add(x, w, sums[i]);
                    }
                }
                for i in 0..P {
                    if i < valid {
                        let place = places[i] + channel;
                        if count == lanes {
                            self.whole(isa, sums[i], place, &finish);
                        } else {
                            self.part(isa, &sums[i..=i], place, count, &finish);
                        }
                    }
                }
            }
        }
    }

    /// Finishes and writes a vector of sums. It stays in a register: what is written to memory under a mask is
    /// slow to read back.
    #[inline(always)]
    fn whole<I: Isa>(&mut self, isa: I, mut sum: I::F32, place: usize, finish: &Finish<'_>) {
        let ops = isa.f32();
        if let Some(residual) = finish.residual {
            sum = ops.add(sum, ops.load(&residual[place..]));
        }
        if finish.relu {
            sum = relu(isa, sum);
        }
        ops.store(sum, &mut self.out[place..]);
    }

    /// Finishes and writes sums of which only the first `count` are wanted.
    #[inline(always)]
    fn part<I: Isa>(
        &mut self,
        isa: I,
        sums: &[I::F32],
        place: usize,
        count: usize,
        finish: &Finish<'_>,
    ) {
        let ops = isa.f32();
        let lanes = ops.len();
        for (v, &sum) in sums.iter().enumerate() {
            let count = count.saturating_sub(v * lanes).min(lanes);
            let place = place + v * lanes;
            let mut lane = [0.0; 16];
            ops.store(sum, &mut lane);
            for (i, sum) in lane[..count].iter_mut().enumerate() {
                *sum += finish.residual.map_or(0.0, |residual| residual[place + i]);
                *sum = if finish.relu && *sum < 0.0 { 0.0 } else { *sum };
            }
            self.out[place..place + count].copy_from_slice(&lane[..count]);
        }
    }
}

/// NaN stays NaN.
#[inline(always)]
pub(super) fn relu<I: Isa>(isa: I, x: I::F32) -> I::F32 {
    let ops = isa.f32();
    ops.select(ops.zero(), x, ops.lt(x, ops.zero()))
}

/// What each pixel of a tile reads lies within. All are of one length, so that one check serves all pixels.
#[inline(always)]
pub(super) fn windows<'a, const P: usize>(
    input: &'a [f32],
    starts: &[usize; P],
    extent: usize,
) -> [&'a [f32]; P] {
    let mut windows = [&input[..0]; P];
    for i in 0..P {
        windows[i] = &input[starts[i]..][..extent];
    }
    windows
}

/// Adds the products of a tile. The sums are here alone, so that they stay in registers.
#[inline(always)]
pub(super) fn products<I: Isa, const V: usize, const P: usize>(
    isa: I,
    mut sums: [[I::F32; V]; P],
    segments: &[Segment],
    mut weights: &[f32],
    windows: &[&[f32]; P],
) -> [[I::F32; V]; P] {
    let ops = isa.f32();
    let lanes = ops.len();
    let width = V * lanes;
    for segment in segments {
        let length = segment.length;
        let mut x = *windows;
        for i in 0..P {
            x[i] = &x[i][segment.offset..segment.offset + length];
        }
        let (now, later) = weights.split_at(length * width);
        weights = later;
        for (k, weights) in (0..length).zip(now.chunks_exact(width)) {
            let mut w = [ops.zero(); V];
            for v in 0..V {
                w[v] = ops.load(&weights[v * lanes..]);
            }
            for i in 0..P {
                let x = ops.splat(x[i][k]);
                for v in 0..V {
                    sums[i][v] = ops.mul_add(x, w[v], sums[i][v]);
                }
            }
        }
    }
    sums
}

/// Vectors of products, still to be summed up.
#[inline(always)]
fn dot_products<I: Isa, const C: usize, const P: usize>(
    isa: I,
    segments: &[Segment],
    mut weights: &[f32],
    windows: &[&[f32]; P],
) -> [[I::F32; C]; P] {
    let ops = isa.f32();
    let lanes = ops.len();
    let mut sums = [[ops.zero(); C]; P];
    for segment in segments {
        let length = segment.length;
        let mut x = *windows;
        for i in 0..P {
            x[i] = &x[i][segment.offset..segment.offset + length];
        }
        let (now, later) = weights.split_at(length.div_ceil(lanes) * C * lanes);
        weights = later;
        for (j, weights) in now.chunks_exact(C * lanes).enumerate() {
            let mut w = [ops.zero(); C];
            for c in 0..C {
                w[c] = ops.load(&weights[c * lanes..]);
            }
            for i in 0..P {
                let x = &x[i][j * lanes..];
                let x = if x.len() < lanes { ops.load_pad(x).0 } else { ops.load(x) };
                for c in 0..C {
                    sums[i][c] = ops.mul_add(x, w[c], sums[i][c]);
                }
            }
        }
    }
    sums
}
