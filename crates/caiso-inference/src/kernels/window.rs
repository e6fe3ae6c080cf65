/// Windows that slide over a grid of up to three axes; axes that are missing have length 1.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// Lengths of the axes that the windows slide over.
    pub(crate) input: [usize; 3],
    /// Number of windows along each.
    pub(crate) output: [usize; 3],
    /// Places of a window along each.
    pub(crate) kernel: [usize; 3],
    /// From one window to the next.
    pub(crate) strides: [usize; 3],
    /// From one place of a window to the next.
    pub(crate) dilations: [usize; 3],
    /// How far before the first value the first window begins.
    pub(crate) before: [usize; 3],
    /// How many places after the last value are padding, not outside.
    pub(crate) after: [usize; 3],
}

/// Outputs along one axis that read at the same distances from where they begin.
pub(super) struct Phase {
    /// Each output and where it begins to read.
    pub(super) starts: Vec<(usize, isize)>,
    /// Each place of the kernel and how far from there it reads.
    pub(super) taps: Vec<(usize, isize)>,
}

impl Window {
    pub(super) fn input_pixels(&self) -> usize {
        self.input.iter().product()
    }

    /// Whether a window has no values in it.
    pub(crate) fn has_empty(&self) -> bool {
        (0..3).any(|axis| self.covered(axis).iter().any(|(inside, _)| inside.is_empty()))
    }

    /// The single phase in which an output gathers the inputs of its window.
    pub(super) fn gather(&self, axis: usize) -> Vec<Phase> {
        let start = |i: usize| (i * self.strides[axis]).cast_signed() - self.pad(axis);
        let starts = (0..self.output[axis]).map(|i| (i, start(i))).collect();
        let tap = |t: usize| (t, (t * self.dilations[axis]).cast_signed());
        vec![Phase { starts, taps: (0..self.kernel[axis]).map(tap).collect() }]
    }

    /// The phases in which an input gathers the outputs whose windows it lies in: as many as the stride.
    pub(super) fn spread(&self, axis: usize) -> Vec<Phase> {
        let stride = self.strides[axis].cast_signed();
        let remainders = (0..stride).take(self.input[axis]);
        remainders
            .map(|first| {
                let remainder = (first + self.pad(axis)).rem_euclid(stride);
                let inputs = (0..self.input[axis]).skip(first.unsigned_abs());
                let start = |i: usize| (i.cast_signed() + self.pad(axis) - remainder) / stride;
                let starts = inputs.step_by(self.strides[axis]).map(|i| (i, start(i))).collect();
                let taps = (0..self.kernel[axis]).filter_map(|t| {
                    let distance = remainder - (t * self.dilations[axis]).cast_signed();
                    (distance % stride == 0).then_some((t, distance / stride))
                });
                Phase { starts, taps: taps.collect() }
            })
            .collect()
    }

    fn pad(&self, axis: usize) -> isize {
        self.before[axis].cast_signed()
    }

    /// Along one axis, for each window the inputs that lie in it, and how many more places are padding.
    pub(super) fn covered(&self, axis: usize) -> Vec<(Vec<usize>, usize)> {
        let length = self.input[axis].cast_signed();
        let end = length + self.after[axis].cast_signed();
        let window = |i: usize| {
            let start = (i * self.strides[axis]).cast_signed() - self.pad(axis);
            let places =
                (0..self.kernel[axis]).map(|t| start + (t * self.dilations[axis]).cast_signed());
            let inside = places.clone().filter(|place| (0..length).contains(place));
            let inside: Vec<usize> = inside.map(isize::unsigned_abs).collect();
            let padding = places.filter(|&place| place < end).count() - inside.len();
            (inside, padding)
        };
        (0..self.output[axis]).map(window).collect()
    }
}
