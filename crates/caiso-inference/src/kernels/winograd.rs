//! Convolutions with windows of 3 x 3 by Winograd's minimal filtering F(4 x 4, 3 x 3).
//!
//! Lavin and Gray, Fast algorithms for convolutional neural networks, 2015 (<https://arxiv.org/abs/1509.09308>):
//! tiles of 6 x 6 inputs and the windows are turned into 36 numbers each, between which products of matrices
//! over the channels take the place of the convolution, a quarter of its multiplications. Rounding errors are
//! a few times those of the products themselves, and what would be exactly zero can be as large as these; an
//! infinite value makes NaN of its whole tile.

#![expect(
    clippy::inline_always,
    reason = "an instruction set reaches only what is inlined where it is chosen"
)]
#![expect(clippy::needless_range_loop, reason = "loops over registers, unrolled")]

use rten_simd::ops::{BitOps, FloatOps, NumOps};
use rten_simd::{Isa, SimdOp};

use super::correlation::{Finish, Segment};
use super::tile::{self, Start, products, relu, windows};

/// Outputs of a tile along an axis, inputs that it reads, and all its numbers.
pub(super) const TILE: usize = 4;
const READ: usize = TILE + 2;
const NUMBERS: usize = READ * READ;

/// Values of turned tiles, before and after the products, that are in use at a time, if that is not too few tiles:
/// 128 KiB.
const TURNED: usize = 1 << 15;

/// Tiles that are taken together in any case, so that weights are worth their way from memory.
const FEWEST: usize = 24;

/// The weights of a convolution with windows of 3 x 3 and stride 1.
pub(super) struct Winograd {
    /// Channels of the input and of the output, whole vectors of them.
    channels: [usize; 2],
    /// Height and width of the output.
    output: [usize; 2],
    /// Values in a line of the padded input, and where the first output begins to read.
    line: usize,
    origin: usize,
    bias: Vec<f32>,
    /// For each of the tile's numbers and each panel of output channels, one for each input and each of these.
    pub(super) weights: Vec<f32>,
}

/// Where tiles lie.
pub(super) struct Place {
    pub(super) channels: [usize; 2],
    pub(super) output: [usize; 2],
    pub(super) line: usize,
    pub(super) origin: usize,
}

impl Winograd {
    /// Whether it is faster than the products themselves, and possible: whole vectors of channels.
    pub(super) fn pays([from, to]: [usize; 2], [height, width]: [usize; 2]) -> bool {
        let (lanes, _) = tile::vectors();
        let tiles = height.div_ceil(TILE) * width.div_ceil(TILE);
        // In units of multiplications; turning a value takes as long as about 50.
        let turned = tiles * (NUMBERS * from * to + 50 * READ * (from + to));
        let direct = height * width * 9 * from * to;
        from % lanes == 0 && to % lanes == 0 && from <= 1024 && turned * 5 < direct * 4
    }

    /// `weight` is given output channel, input channel and the tap in reading order.
    pub(super) fn new(
        place: &Place,
        bias: &[f32],
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        const TURN: [[f64; 3]; READ] = [
            [1.0 / 4.0, 0.0, 0.0],
            [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
            [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
            [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
            [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
            [0.0, 0.0, 1.0],
        ];
        let Place { channels: [from, to], output, line, origin } = *place;
        let mut weights = vec![0.0; NUMBERS * from * to];
        for o in 0..to {
            let (first, width) = panel(o, to);
            for i in 0..from {
                let mut lines = [[0.0; 3]; READ];
                for (line, turn) in lines.iter_mut().zip(TURN) {
                    for (x, value) in line.iter_mut().enumerate() {
                        let terms = turn.iter().enumerate();
                        *value = terms.map(|(y, t)| t * f64::from(weight(o, i, y * 3 + x))).sum();
                    }
                }
                for (y, line) in lines.iter().enumerate() {
                    for (x, turn) in TURN.iter().enumerate() {
                        let value: f64 = line.iter().zip(turn).map(|(a, b)| a * b).sum();
                        let number = (y * READ + x) * from * to;
                        weights[number + first * from + i * width + o - first] = value as f32;
                    }
                }
            }
        }
        let bias = if bias.is_empty() { vec![0.0; to] } else { bias.to_vec() };
        Self { channels: [from, to], output, line, origin, bias, weights }
    }

    fn tiles(&self) -> [usize; 2] {
        self.output.map(|length| length.div_ceil(TILE))
    }

    /// Values that are needed between, for so many padded rows.
    pub(super) fn scratch(&self, rows: usize) -> usize {
        self.together(rows) * NUMBERS * (self.channels[0] + self.channels[1])
    }

    /// Tiles that are turned at a time.
    fn together(&self, rows: usize) -> usize {
        let [height, width] = self.tiles();
        let fit = TURNED / (NUMBERS * (self.channels[0] + self.channels[1]));
        fit.max(FEWEST).next_multiple_of(12).min(rows * height * width)
    }

    /// Computes all rows in `input`, which are padded.
    pub(super) fn run(
        &self,
        input: &[f32],
        input_row: usize,
        scratch: &mut [f32],
        out: &mut [f32],
        finish: &Finish<'_>,
    ) {
        Run { of: self, input, input_row, scratch, out, finish }.dispatch();
    }
}

/// First channel of a channel's panel, and how many there are in it.
fn panel(channel: usize, channels: usize) -> (usize, usize) {
    let (lanes, widest) = tile::vectors();
    let first = channel - channel % (lanes * widest);
    (first, (channels - first).min(lanes * widest))
}

struct Run<'a> {
    of: &'a Winograd,
    input: &'a [f32],
    input_row: usize,
    scratch: &'a mut [f32],
    out: &'a mut [f32],
    finish: &'a Finish<'a>,
}

impl SimdOp for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let Self { of, input, input_row, scratch, out, finish } = self;
        let [from, to] = of.channels;
        let rows = input.len() / input_row;
        let [height, width] = of.tiles();
        let total = rows * height * width;
        let together = of.together(rows);
        let (turned, sums) = scratch.split_at_mut(together * NUMBERS * from);
        let sums = &mut sums[..together * NUMBERS * to];
        let narrow = tile::vectors().1 == 2;
        for first in (0..total).step_by(together) {
            let count = together.min(total - first);
            let place = |tile: usize| {
                let (rest, x) = (tile / width, tile % width);
                (rest / height, rest % height * TILE, x * TILE)
            };
            for tile in 0..count {
                let (row, y, x) = place(first + tile);
                let start = row * input_row + of.origin + y * of.line + x * from;
                turn(isa, &input[start..], of.line, from, &mut turned[tile * from..], count * from);
            }
            for number in 0..NUMBERS {
                let weights = &of.weights[number * from * to..][..from * to];
                let x = &turned[number * count * from..][..count * from];
                let sums = &mut sums[number * count * to..][..count * to];
                let mut channel = 0;
                while channel < to {
                    let (_, wide) = panel(channel, to);
                    let weights = &weights[channel * from..][..wide * from];
                    let sums = &mut sums[channel..];
                    match (wide / isa.f32().len(), narrow) {
                        (1, _) => multiply::<I, 1, 12>(isa, x, weights, sums, to),
                        (2, true) => multiply::<I, 2, 6>(isa, x, weights, sums, to),
                        (2, false) => multiply::<I, 2, 12>(isa, x, weights, sums, to),
                        (3, _) => multiply::<I, 3, 8>(isa, x, weights, sums, to),
                        _ => multiply::<I, 4, 6>(isa, x, weights, sums, to),
                    }
                    channel += wide;
                }
            }
            for tile in 0..count {
                let (row, y, x) = place(first + tile);
                turn_back(isa, of, &sums[tile * to..], count * to, out, (row, y, x), finish);
            }
        }
    }
}

/// One of the products: tiles in rows of `x`, as in the rows of `sums`, which lie `stride` apart.
#[inline(always)]
fn multiply<I: Isa, const V: usize, const P: usize>(
    isa: I,
    x: &[f32],
    weights: &[f32],
    sums: &mut [f32],
    stride: usize,
) {
    let ops = isa.f32();
    let lanes = ops.len();
    let length = weights.len() / (V * lanes);
    let tiles = x.len() / length;
    let segments = [Segment { offset: 0, length }];
    for first in (0..tiles).step_by(P) {
        let valid = P.min(tiles - first);
        let mut starts = [0; P];
        for i in 0..P {
            starts[i] = (first + i.min(valid - 1)) * length;
        }
        let zeros = [[ops.zero(); V]; P];
        let windows = windows(x, &starts, length);
        let products = products::<I, V, P>(isa, zeros, &segments, weights, &windows);
        for i in 0..P {
            if i >= valid {
                break;
            }
            let sums = &mut sums[(first + i) * stride..][..V * lanes];
            for v in 0..V {
                ops.store(products[i][v], &mut sums[v * lanes..]);
            }
        }
    }
}

/// Turns one tile of the input; its numbers lie `stride` apart.
#[inline(always)]
fn turn<I: Isa>(
    isa: I,
    input: &[f32],
    line: usize,
    channels: usize,
    out: &mut [f32],
    stride: usize,
) {
    let ops = isa.f32();
    for channel in (0..channels).step_by(ops.len()) {
        let mut half = [[ops.zero(); READ]; READ];
        let mut lines = [input; READ];
        for y in 0..READ {
            lines[y] = &input[y * line + channel..][..(READ - 1) * channels + ops.len()];
        }
        for x in 0..READ {
            let mut column = [ops.zero(); READ];
            for y in 0..READ {
                column[y] = ops.load(&lines[y][x * channels..]);
            }
            half[x] = turn_axis(isa, column);
        }
        for y in 0..READ {
            let mut row = [ops.zero(); READ];
            for x in 0..READ {
                row[x] = half[x][y];
            }
            let row = turn_axis(isa, row);
            for x in 0..READ {
                ops.store(row[x], &mut out[(y * READ + x) * stride + channel..]);
            }
        }
    }
}

/// Turns the sums of one tile into its outputs.
#[inline(always)]
fn turn_back<I: Isa>(
    isa: I,
    of: &Winograd,
    sums: &[f32],
    stride: usize,
    out: &mut [f32],
    (row, top, left): (usize, usize, usize),
    finish: &Finish<'_>,
) {
    let ops = isa.f32();
    let channels = of.channels[1];
    let [height, width] = of.output;
    for channel in (0..channels).step_by(ops.len()) {
        let mut half = [[ops.zero(); TILE]; READ];
        for x in 0..READ {
            let mut column = [ops.zero(); READ];
            for y in 0..READ {
                column[y] = ops.load(&sums[(y * READ + x) * stride + channel..]);
            }
            half[x] = turn_back_axis(isa, column);
        }
        let bias = ops.load(&of.bias[channel..]);
        for y in 0..TILE.min(height - top) {
            let mut line = [ops.zero(); READ];
            for x in 0..READ {
                line[x] = half[x][y];
            }
            let line = turn_back_axis(isa, line);
            for x in 0..TILE {
                if left + x >= width {
                    break;
                }
                let place = ((row * height + top + y) * width + left + x) * channels + channel;
                let out = &mut out[place..];
                let start = if finish.start == Start::Bias { bias } else { ops.load(out) };
                let mut sum = ops.add(line[x], start);
                if let Some(residual) = finish.residual {
                    sum = ops.add(sum, ops.load(&residual[place..]));
                }
                if finish.relu {
                    sum = relu(isa, sum);
                }
                ops.store(sum, out);
            }
        }
    }
}

/// Along one axis, inputs.
#[inline(always)]
fn turn_axis<I: Isa>(isa: I, d: [I::F32; READ]) -> [I::F32; READ] {
    let ops = isa.f32();
    let (four, five) = (ops.splat(4.0), ops.splat(5.0));

    let a = ops.mul_sub_from(four, d[2], d[4]);
    let b = ops.mul_sub_from(four, d[1], d[3]);
    let c = ops.sub(d[4], d[2]);
    let e = ops.sub(d[3], d[1]);
    let e = ops.add(e, e);
    [
        ops.mul_add(four, d[0], ops.mul_sub_from(five, d[2], d[4])),
        ops.add(a, b),
        ops.sub(a, b),
        ops.add(c, e),
        ops.sub(c, e),
        ops.mul_add(four, d[1], ops.mul_sub_from(five, d[3], d[5])),
    ]
}

/// Along one axis, sums.
#[inline(always)]
fn turn_back_axis<I: Isa>(isa: I, m: [I::F32; READ]) -> [I::F32; TILE] {
    let ops = isa.f32();
    let (two, four, eight) = (ops.splat(2.0), ops.splat(4.0), ops.splat(8.0));

    let (s, d) = (ops.add(m[1], m[2]), ops.sub(m[1], m[2]));
    let (p, q) = (ops.add(m[3], m[4]), ops.sub(m[3], m[4]));
    [
        ops.add(ops.add(m[0], s), p),
        ops.mul_add(two, q, d),
        ops.mul_add(four, p, s),
        ops.add(ops.mul_add(eight, q, d), m[5]),
    ]
}
