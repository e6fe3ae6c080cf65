//! Windows by the letter of the standard.

use crate::gradients::Random;

/// Windows, as the attributes of an operator give them.
#[derive(Debug, Clone)]
pub(super) struct Windows {
    pub(super) kernel: Vec<usize>,
    pub(super) strides: Vec<usize>,
    pub(super) dilations: Vec<usize>,
    pub(super) before: Vec<usize>,
    pub(super) after: Vec<usize>,
    pub(super) auto: Option<&'static str>,
    pub(super) ceil: bool,
}

impl Windows {
    pub(super) fn random(random: &mut Random, axes: &[usize], dilated: bool) -> Self {
        let each = |random: &mut Random, low: usize, n: usize| -> Vec<usize> {
            axes.iter().map(|_| low + random.below(n)).collect()
        };
        let kernel = each(random, 1, 4);
        let auto = [None, None, None, Some("VALID"), Some("SAME_UPPER"), Some("SAME_LOWER")];
        let mut windows = Self {
            strides: each(random, 1, 3),
            dilations: if dilated { each(random, 1, 2) } else { vec![1; axes.len()] },
            before: vec![0; axes.len()],
            after: vec![0; axes.len()],
            auto: auto[random.below(auto.len())],
            ceil: false,
            kernel,
        };
        if random.below(2) == 0 {
            windows.strides = vec![1; axes.len()];
        }
        for (axis, &length) in axes.iter().enumerate() {
            if windows.auto.is_none() {
                windows.before[axis] = random.below(windows.kernel[axis]);
                windows.after[axis] = random.below(windows.kernel[axis]);
            }
            // A window no longer than the axis.
            while windows.extent(axis) > length {
                if windows.dilations[axis] > 1 {
                    windows.dilations[axis] = 1;
                } else {
                    windows.kernel[axis] -= 1;
                }
                windows.before[axis] = windows.before[axis].min(windows.kernel[axis] - 1);
                windows.after[axis] = windows.after[axis].min(windows.kernel[axis] - 1);
            }
        }
        windows.resolve(axes);
        windows
    }

    pub(super) fn extent(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilations[axis] + 1
    }

    /// Padding of `auto_pad`.
    pub(super) fn resolve(&mut self, axes: &[usize]) {
        for (axis, &length) in axes.iter().enumerate() {
            let reach = (length.div_ceil(self.strides[axis]) - 1) * self.strides[axis];
            let total = (reach + self.extent(axis)).saturating_sub(length);
            let (less, more) = (total / 2, total.div_ceil(2));
            match self.auto {
                Some("SAME_UPPER") => (self.before[axis], self.after[axis]) = (less, more),
                Some("SAME_LOWER") => (self.before[axis], self.after[axis]) = (more, less),
                _ => {}
            }
        }
    }

    pub(super) fn outputs(&self, axes: &[usize]) -> Vec<usize> {
        let output = |(axis, &length): (usize, &usize)| {
            if self.auto.is_some_and(|auto| auto != "VALID") {
                return length.div_ceil(self.strides[axis]);
            }
            let room = length + self.before[axis] + self.after[axis] - self.extent(axis);
            let stride = self.strides[axis];
            let mut steps = if self.ceil { room.div_ceil(stride) } else { room / stride };
            if self.ceil && steps * stride >= length + self.before[axis] {
                steps -= 1;
            }
            steps + 1
        };
        axes.iter().enumerate().map(output).collect()
    }

    /// Calls `visit` with output pixel, input pixel and tap wherever they meet; the input pixel is `None`
    /// where the tap lies in the padding.
    pub(super) fn each(&self, axes: &[usize], mut visit: impl FnMut(usize, Option<usize>, usize)) {
        let outputs = self.outputs(axes);
        let index = |mut flat: usize, lengths: &[usize]| -> Vec<usize> {
            let mut at = vec![0; lengths.len()];
            for (at, length) in at.iter_mut().zip(lengths).rev() {
                (*at, flat) = (flat % length, flat / length);
            }
            at
        };
        for output in 0..outputs.iter().product() {
            let at = index(output, &outputs);
            for tap in 0..self.kernel.iter().product() {
                let t = index(tap, &self.kernel);
                let place = |axis: usize| {
                    (at[axis] * self.strides[axis] + t[axis] * self.dilations[axis]) as i64
                        - self.before[axis] as i64
                };
                let places: Vec<i64> = (0..axes.len()).map(place).collect();
                let beyond = (0..axes.len())
                    .any(|axis| places[axis] >= (axes[axis] + self.after[axis]) as i64);
                let inside =
                    (0..axes.len()).all(|axis| (0..axes[axis] as i64).contains(&places[axis]));
                let flat = || {
                    places
                        .iter()
                        .zip(axes)
                        .fold(0, |flat, (at, length)| flat * length + *at as usize)
                };
                if !beyond {
                    visit(output, inside.then(flat), tap);
                }
            }
        }
    }

    pub(super) fn attributes(&self, pads: &[i64]) -> Vec<(&'static str, Vec<i64>)> {
        let ints = |values: &[usize]| values.iter().map(|&v| v as i64).collect::<Vec<_>>();
        let mut all = vec![
            ("kernel_shape", ints(&self.kernel)),
            ("strides", ints(&self.strides)),
            ("dilations", ints(&self.dilations)),
        ];
        if self.auto.is_none() {
            all.push(("pads", pads.to_vec()));
        }
        all
    }
}
