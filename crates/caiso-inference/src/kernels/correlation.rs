use std::ops::Range;

use super::tile::{self, Start};
use super::window::{Phase as AxisPhase, Window};
use super::winograd::{self, Winograd};

/// Each output pixel is a sum over taps of products of an input pixel with a constant matrix. Channels lie last.
///
/// This is a convolution, its way back with respect to its input, and a transposed convolution: they differ
/// in where an output begins to read and in how far from there its taps lie, which is listed here. A
/// product along taps whose pixels lie side by side is one long one.
pub(super) struct Correlation {
    input: [usize; 3],
    /// Length of the axes with the zeros around them.
    padded: [usize; 3],
    before: [usize; 3],
    /// Channels of the input and of the output.
    channels: [usize; 2],
    output_pixels: usize,
    method: Method,
}

enum Method {
    Phases(Vec<Phase>),
    Winograd(Winograd),
}

/// Output pixels that read at the same distances from where they begin. A row has fewer than 2³² values.
pub(super) struct Phase {
    /// Where each begins to read in a padded row.
    pub(super) starts: Vec<u32>,
    /// Where each is written in a row of the output.
    pub(super) places: Vec<u32>,
    pub(super) segments: Vec<Segment>,
    /// From the first to the last value that it reads.
    pub(super) extent: usize,
    /// Segments whose weights stay in the cache while all pixels pass.
    pub(super) blocks: Vec<Range<usize>>,
    pub(super) panels: Vec<Panel>,
}

/// Consecutive values that an output reads.
pub(super) struct Segment {
    /// Distance from where the output begins to read.
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// How the channels of a panel are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// So many vectors of them together, from one input value after the other.
    Vectors(usize),
    /// As dot products over vectors of input values.
    Dots,
    /// Each from the input channel of the same number.
    Depthwise,
}

/// Output channels that are computed together: up to a few vectors of them.
pub(super) struct Panel {
    pub(super) way: Way,
    /// First of them, and how many; the rest of the vectors is padding.
    pub(super) first: usize,
    pub(super) count: usize,
    /// First input channel of their group.
    pub(super) source: usize,
    pub(super) bias: Vec<f32>,
    /// For each value of the segments one for each channel; for dot products vectors of them, one for each
    /// channel; each channel on its own, for each segment one for each channel.
    pub(super) weights: Vec<f32>,
}

/// Longest segment, and most values of segments whose weights are used in one go: 256 KiB for the widest panel.
const LONGEST: usize = 512;
const BLOCK: usize = 1024;

/// Most channels that are computed as dot products.
const FEW: usize = 4;

/// Values of padded input, at least one row, that are computed at a time.
const PADDED: usize = 1 << 17;

/// Output pixels that are computed at a time in any case, so that weights are worth their way from memory.
const PIXELS: usize = 384;

/// The sizes of a correlation.
pub(super) struct Shape {
    pub(super) input: [usize; 3],
    pub(super) output: [usize; 3],
    /// Channels of the input and of the output, in one group.
    pub(super) channels: [usize; 2],
    pub(super) groups: usize,
    pub(super) kernel: [usize; 3],
}

impl Shape {
    /// Of a convolution from `channels[0]` to `channels[1]` in each group.
    pub(super) fn gather(window: &Window, channels: [usize; 2], groups: usize) -> Self {
        let Window { input, output, kernel, .. } = *window;
        Self { input, output, channels, groups, kernel }
    }

    /// Of its way back.
    pub(super) fn spread(window: &Window, channels: [usize; 2], groups: usize) -> Self {
        let [from, to] = channels;
        let Window { input, output, kernel, .. } = *window;
        Self { input: output, output: input, channels: [to, from], groups, kernel }
    }
}

/// What is done with the sums.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    pub(super) start: Start,
    /// Added to the output.
    pub(super) residual: Option<&'a [f32]>,
    pub(super) relu: bool,
}

impl Correlation {
    /// `axes` are the phases along each axis; `weight` is given group, output and input channel in the
    /// group, and the tap; `bias` is empty or has one value for each output channel.
    pub(super) fn new(
        shape: &Shape,
        axes: &[Vec<AxisPhase>; 3],
        bias: &[f32],
        weight: impl Fn(usize, usize, usize, usize) -> f32,
    ) -> Self {
        let squares = Squares::of(shape, axes);
        let mut before = [0; 3];
        let mut padded = [0; 3];
        for (axis, phases) in axes.iter().enumerate() {
            let reads = phases.iter().flat_map(|phase| {
                let starts = phase.starts.iter().map(|(_, start)| *start);
                starts.flat_map(|start| phase.taps.iter().map(move |(_, offset)| start + offset))
            });
            let length = shape.input[axis].cast_signed();
            let (low, high) = reads.fold((0, length - 1), |(l, h), at| (at.min(l), at.max(h)));
            let high = squares.as_ref().map_or(high, |squares| squares.last(axis).max(high));
            before[axis] = low.unsigned_abs();
            padded[axis] = before[axis] + high.unsigned_abs() + 1;
        }
        let [inputs, outputs] = shape.channels;
        let channels = [inputs * shape.groups, outputs * shape.groups];
        let grid = Grid { padded, before, channels: channels[0] };
        let method = if let Some(squares) = squares {
            Method::Winograd(squares.winograd(shape, &grid, bias, &weight))
        } else {
            let mut phases = Vec::new();
            for depth in &axes[0] {
                for height in &axes[1] {
                    for width in &axes[2] {
                        let axes = [depth, height, width];
                        phases.push(Phase::new(shape, axes, &grid, bias, &weight));
                    }
                }
            }
            phases.retain(|phase| !phase.starts.is_empty());
            Method::Phases(phases)
        };
        let output_pixels = shape.output.iter().product();
        Self { input: shape.input, padded, before, channels, output_pixels, method }
    }

    /// Number of its weights as they are packed.
    pub(super) fn weights(&self) -> usize {
        match &self.method {
            Method::Phases(phases) => {
                let panels = phases.iter().flat_map(|phase| &phase.panels);
                panels.map(|panel| panel.weights.len()).sum()
            }
            Method::Winograd(winograd) => winograd.weights.len(),
        }
    }

    /// Values of a row with its padding.
    pub(super) fn padded_row(&self) -> usize {
        self.padded.iter().product::<usize>() * self.channels[0]
    }

    /// Computes all of `out`, from `input` where `mask` is positive, if there is one.
    pub(super) fn run(
        &self,
        input: &[f32],
        mask: Option<&[f32]>,
        out: &mut [f32],
        finish: &Finish<'_>,
        scratch: &mut Vec<f32>,
    ) {
        let padded_row = self.padded_row();
        let input_row = self.input.iter().product::<usize>() * self.channels[0];
        let output_row = self.output_pixels * self.channels[1];
        let rows = (PADDED / padded_row).max(PIXELS / self.output_pixels).max(1);
        let rows = rows.min(input.len() / input_row);
        let padded = rows * padded_row;
        let between = match &self.method {
            Method::Phases(_) => 0,
            Method::Winograd(winograd) => winograd.scratch(rows),
        };
        if scratch.len() < padded + between {
            scratch.resize(padded + between, 0.0);
        }
        let (padded, between) = scratch.split_at_mut(padded);
        let parts = input.chunks(rows * input_row).zip(out.chunks_mut(rows * output_row));
        for (index, (input, out)) in parts.enumerate() {
            let count = input.len() / input_row;
            let mask = mask.map(|mask| &mask[index * rows * input_row..][..input.len()]);
            let residual =
                finish.residual.map(|all| &all[index * rows * output_row..][..out.len()]);
            let input = if mask.is_none() && padded_row == input_row {
                input
            } else {
                let padded = &mut padded[..count * padded_row];
                self.pad(input, mask, padded);
                padded
            };
            let finish = Finish { residual, ..*finish };
            match &self.method {
                Method::Phases(phases) => {
                    for phase in phases {
                        tile::run(phase, input, padded_row, out, output_row, &finish);
                    }
                }
                Method::Winograd(winograd) => {
                    winograd.run(input, padded_row, between, out, &finish);
                }
            }
        }
    }

    /// Copies rows into a frame of zeros.
    fn pad(&self, input: &[f32], mask: Option<&[f32]>, out: &mut [f32]) {
        let [depth, height, width] = self.input;
        let channels = self.channels[0];
        let line = width * channels;
        let grid = Grid { padded: self.padded, before: self.before, channels };
        let mut lines = input.chunks_exact(line);
        let mut masks = mask.map(|mask| mask.chunks_exact(line));
        for out in out.chunks_exact_mut(self.padded_row()) {
            // What is between the lines is zero.
            let mut end = 0;
            for z in 0..depth {
                for y in 0..height {
                    let [a, b, c] = self.before;
                    let start = grid.place([a + z, b + y, c]);
                    out[end..start].fill(0.0);
                    end = start + line;
                    let out = &mut out[start..end];
                    let Some(input) = lines.next() else { return };
                    match masks.as_mut().and_then(Iterator::next) {
                        None => out.copy_from_slice(input),
                        Some(mask) => tile::masked(input, mask, out),
                    }
                }
            }
            out[end..].fill(0.0);
        }
    }
}

/// Windows of 3 x 3 with stride 1, for which there is a faster way.
struct Squares {
    /// Where the first output begins to read, along height and width.
    first: [isize; 2],
    /// The taps in reading order.
    taps: [[usize; 3]; 2],
    output: [usize; 2],
}

impl Squares {
    fn of(shape: &Shape, axes: &[Vec<AxisPhase>; 3]) -> Option<Self> {
        let [depth, height, width] = axes.each_ref().map(Vec::as_slice);
        let ([depth], [height], [width]) = (depth, height, width) else { return None };
        let output = [shape.output[1], shape.output[2]];
        let single = depth.taps.len() == 1 && depth.starts.len() == 1 && shape.input[0] == 1;
        if !single
            || depth.starts[0].1 + depth.taps[0].1 != 0
            || shape.groups != 1
            || !Winograd::pays(shape.channels, output)
        {
            return None;
        }
        let (first_line, lines) = Self::axis(height)?;
        let (first_place, places) = Self::axis(width)?;
        Some(Self { first: [first_line, first_place], taps: [lines, places], output })
    }

    fn axis(phase: &AxisPhase) -> Option<(isize, [usize; 3])> {
        let mut taps: [(usize, isize); 3] = phase.taps.as_slice().try_into().ok()?;
        taps.sort_unstable_by_key(|(_, offset)| *offset);
        let first = phase.starts.first()?.1;
        let regular = (first..).zip(&phase.starts).all(|(at, (_, start))| *start == at);
        let [(a, x), (b, y), (c, z)] = taps;
        (regular && y == x + 1 && z == x + 2).then_some((first + x, [a, b, c]))
    }

    /// The last place along an axis that is read, by tiles that reach over the edge.
    fn last(&self, axis: usize) -> isize {
        let Some(axis) = axis.checked_sub(1) else { return 0 };
        let length = self.output[axis].next_multiple_of(winograd::TILE) + 2;
        self.first[axis] + length.cast_signed() - 1
    }

    fn winograd(
        &self,
        shape: &Shape,
        grid: &Grid,
        bias: &[f32],
        weight: impl Fn(usize, usize, usize, usize) -> f32,
    ) -> Winograd {
        let at =
            |axis: usize| (self.first[axis] + grid.before[axis + 1].cast_signed()).unsigned_abs();
        let place = winograd::Place {
            channels: shape.channels,
            output: self.output,
            line: grid.place([0, 1, 0]),
            origin: grid.place([0, at(0), at(1)]),
        };
        let [lines, places] = self.taps;
        Winograd::new(&place, bias, |output, input, tap| {
            weight(0, output, input, lines[tap / 3] * 3 + places[tap % 3])
        })
    }
}

/// A padded row.
struct Grid {
    padded: [usize; 3],
    before: [usize; 3],
    channels: usize,
}

impl Grid {
    fn place(&self, [z, y, x]: [usize; 3]) -> usize {
        ((z * self.padded[1] + y) * self.padded[2] + x) * self.channels
    }
}

impl Phase {
    fn new(
        shape: &Shape,
        axes: [&AxisPhase; 3],
        grid: &Grid,
        bias: &[f32],
        weight: &impl Fn(usize, usize, usize, usize) -> f32,
    ) -> Self {
        let [inputs, outputs] = shape.channels;
        // Starts are moved to the nearest tap, so that no distance is negative.
        let nearest = axes.map(|axis| axis.taps.iter().map(|(_, at)| *at).min());
        let mut starts = Vec::new();
        let mut places = Vec::new();
        let mut taps = Vec::new();
        if let [Some(z0), Some(y0), Some(x0)] = nearest {
            for_each(axes.map(|axis| axis.taps.as_slice()), |[(t, z), (u, y), (v, x)]| {
                let at = [z - z0, y - y0, x - x0].map(isize::unsigned_abs);
                taps.push((grid.place(at), (t * shape.kernel[1] + u) * shape.kernel[2] + v));
            });
        }
        taps.sort_unstable();
        let nearest = nearest.map(|at| at.unwrap_or(0));
        for_each(axes.map(|axis| axis.starts.as_slice()), |start| {
            let mut at = [0; 3];
            for (axis, at) in at.iter_mut().enumerate() {
                let start = start[axis].1 + nearest[axis] + grid.before[axis].cast_signed();
                *at = start.max(0).unsigned_abs();
            }
            let [(z, _), (y, _), (x, _)] = start;
            starts.push(grid.place(at) as u32);
            let pixel = (z * shape.output[1] + y) * shape.output[2] + x;
            places.push((pixel * outputs * shape.groups) as u32);
        });

        let mut segments: Vec<Segment> = Vec::new();
        for &(offset, _) in &taps {
            match segments.last_mut() {
                Some(last) if last.offset + last.length == offset => last.length += inputs,
                _ => segments.push(Segment { offset, length: inputs }),
            }
        }
        let segments: Vec<Segment> = segments
            .iter()
            .flat_map(|&Segment { offset, length }| {
                (0..length).step_by(LONGEST).map(move |at| Segment {
                    offset: offset + at,
                    length: LONGEST.min(length - at),
                })
            })
            .collect();
        let mut blocks: Vec<Range<usize>> = Vec::new();
        let mut size = usize::MAX;
        for (index, segment) in segments.iter().enumerate() {
            match blocks.last_mut() {
                Some(last) if size + segment.length <= BLOCK => {
                    last.end = index + 1;
                    size += segment.length;
                }
                _ => {
                    blocks.push(index..index + 1);
                    size = segment.length;
                }
            }
        }

        let taps: Vec<usize> = taps.into_iter().map(|(_, tap)| tap).collect();
        let panels = panels(shape, &taps, &segments, bias, weight);
        let ends = segments.iter().map(|segment| segment.offset + segment.length);
        let extent = ends.max().unwrap_or(0);
        Self { starts, places, segments, extent, blocks, panels }
    }
}

/// Packs the weights, which follow each other as the taps do.
fn panels(
    shape: &Shape,
    taps: &[usize],
    segments: &[Segment],
    bias: &[f32],
    weight: &impl Fn(usize, usize, usize, usize) -> f32,
) -> Vec<Panel> {
    let [inputs, outputs] = shape.channels;
    let (lanes, widest) = tile::vectors();
    let padded = |start: usize, count: usize, length: usize| -> Vec<f32> {
        let bias = bias.iter().skip(start).take(count).copied();
        bias.chain(std::iter::repeat(0.0)).take(length).collect()
    };
    if shape.groups > 1 && inputs == 1 && outputs == 1 {
        let (count, length) = (shape.groups, shape.groups.next_multiple_of(lanes));
        let mut weights = Vec::with_capacity(taps.len() * length);
        for &tap in taps {
            weights.extend((0..count).map(|group| weight(group, 0, 0, tap)));
            weights.resize(weights.len() + length - count, 0.0);
        }
        let bias = padded(0, count, length);
        return vec![Panel { way: Way::Depthwise, first: 0, count, source: 0, bias, weights }];
    }
    let values = taps.len() * inputs;
    let dots = outputs <= FEW && values >= 4 * lanes;
    let mut panels = Vec::new();
    for group in 0..shape.groups {
        let mut first = 0;
        while first < outputs {
            let column = |channels: Range<usize>, index: usize| {
                let (tap, input) = (taps[index / inputs], index % inputs);
                channels.map(move |output| weight(group, output, input, tap))
            };
            let mut weights = Vec::new();
            let (way, count, length);
            if dots {
                (way, count, length) = (Way::Dots, outputs, outputs);
                let mut index = 0;
                for segment in segments {
                    for from in (0..segment.length).step_by(lanes) {
                        let filled = lanes.min(segment.length - from);
                        for channel in 0..outputs {
                            let values = (index..index + filled)
                                .flat_map(|index| column(channel..channel + 1, index));
                            weights.extend(values);
                            weights.resize(weights.len() + lanes - filled, 0.0);
                        }
                        index += filled;
                    }
                }
            } else {
                let vectors = (outputs - first).div_ceil(lanes).min(widest);
                length = vectors * lanes;
                (way, count) = (Way::Vectors(vectors), length.min(outputs - first));
                for index in 0..values {
                    weights.extend(column(first..first + count, index));
                    weights.resize(weights.len() + length - count, 0.0);
                }
            }
            let start = group * outputs + first;
            let (bias, source) = (padded(start, count, length), group * inputs);
            panels.push(Panel { way, first: start, count, source, bias, weights });
            first += count;
        }
    }
    panels
}

fn for_each<T: Copy>([a, b, c]: [&[T]; 3], mut visit: impl FnMut([T; 3])) {
    for &a in a {
        for &b in b {
            for &c in c {
                visit([a, b, c]);
            }
        }
    }
}
