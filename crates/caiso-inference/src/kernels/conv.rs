use super::correlation::{Correlation, Finish, Shape};
use super::tile::{self, Start};
use super::window::Window;

/// A convolution or a transposed one, with bias, ReLU and the addition of a second input. Channels lie last.
pub(crate) struct Conv {
    definition: Definition,
    relu: bool,
    residual: bool,
    /// Forwards and backwards, once nothing more is joined to it.
    ready: Option<[Correlation; 2]>,
}

/// What a convolution computes.
pub(crate) struct Definition {
    /// Of the convolution; a transposed one goes from its output to its input.
    pub(crate) window: Window,
    /// Channels in one group of what the convolution reads and of what it writes.
    pub(crate) channels: [usize; 2],
    pub(crate) groups: usize,
    /// `[group, written, read, place in the window]` in row-major order.
    pub(crate) weights: Vec<f32>,
    /// Empty, or one for each channel of the step's output.
    pub(crate) bias: Vec<f32>,
    pub(crate) transposed: bool,
}

impl Definition {
    /// Channels of the step's output in one group.
    fn outputs(&self) -> usize {
        self.channels[usize::from(!self.transposed)]
    }
}

impl Conv {
    pub(crate) fn new(definition: Definition) -> Self {
        Self { definition, relu: false, residual: false, ready: None }
    }

    /// Packs the weights; nothing can be taken over any more.
    pub(crate) fn finish(&mut self) {
        let definition = &mut self.definition;
        let Definition { window, channels: [read, written], groups, .. } = &*definition;
        let (read, written, groups) = (*read, *written, *groups);
        let taps: usize = window.kernel.iter().product();
        let weights = std::mem::take(&mut definition.weights);
        let weight = |group: usize, to: usize, from: usize, tap: usize| {
            weights[((group * written + to) * read + from) * taps + tap]
        };
        let Definition { window, bias, transposed, .. } = &*definition;
        let bias = |transposed_side: bool| {
            if *transposed == transposed_side { bias.as_slice() } else { &[] }
        };
        let gather = Correlation::new(
            &Shape::gather(window, [read, written], groups),
            &[0, 1, 2].map(|axis| window.gather(axis)),
            bias(false),
            weight,
        );
        let spread = Correlation::new(
            &Shape::spread(window, [read, written], groups),
            &[0, 1, 2].map(|axis| window.spread(axis)),
            bias(true),
            |group, to, from, tap| weight(group, from, to, tap),
        );
        self.ready = Some(if *transposed { [spread, gather] } else { [gather, spread] });
    }

    /// Takes over a ReLU; `false` if there is one.
    pub(crate) fn take_relu(&mut self) -> bool {
        !std::mem::replace(&mut self.relu, true)
    }

    /// Takes over the addition of another slot; `false` if something follows the sums already.
    pub(crate) fn take_residual(&mut self) -> bool {
        !self.relu && !std::mem::replace(&mut self.residual, true)
    }

    /// Takes over an addition to the output; `false` where it differs between pixels.
    pub(crate) fn take_sum(&mut self, added: &[f32]) -> bool {
        let Some(added) = self.per_channel(added) else { return false };
        if self.definition.bias.is_empty() {
            self.definition.bias = added.to_vec();
        } else {
            self.definition.bias.iter_mut().zip(added).for_each(|(bias, added)| *bias += added);
        }
        true
    }

    /// Takes over a multiplication of the output; `false` where it differs between pixels.
    pub(crate) fn take_product(&mut self, factors: &[f32]) -> bool {
        let Some(factors) = self.per_channel(factors) else { return false };
        let definition = &mut self.definition;
        definition.bias.iter_mut().zip(factors).for_each(|(bias, factor)| *bias *= factor);
        let taps: usize = definition.window.kernel.iter().product();
        let [read, written] = definition.channels;
        let outputs = definition.outputs();
        for (index, weights) in definition.weights.chunks_exact_mut(taps).enumerate() {
            let (rest, from) = (index / read, index % read);
            let (group, to) = (rest / written, rest % written);
            let channel = if definition.transposed { from } else { to };
            for weight in weights {
                *weight *= factors[group * outputs + channel];
            }
        }
        true
    }

    /// One value for each output channel, if all pixels have the same and nothing follows the sums yet.
    fn per_channel<'a>(&self, values: &'a [f32]) -> Option<&'a [f32]> {
        let mut pixels = values.chunks_exact(self.definition.outputs() * self.definition.groups);
        let first = pixels.next()?;
        (!self.relu && !self.residual && pixels.all(|other| other == first)).then_some(first)
    }

    /// Number of its weights as they are packed, forwards and backwards.
    pub(crate) fn weights(&self) -> usize {
        self.ready().iter().map(Correlation::weights).sum()
    }

    fn ready(&self) -> &[Correlation; 2] {
        self.ready.as_ref().expect("a program finishes its convolutions")
    }

    pub(super) fn forward(
        &self,
        inputs: &[usize],
        values: &[Vec<f32>],
        out: &mut [f32],
        scratch: &mut Vec<f32>,
    ) {
        let residual = inputs.get(1).map(|&slot| values[slot].as_slice());
        let finish = Finish { start: Start::Bias, residual, relu: self.relu };
        self.ready()[0].run(&values[inputs[0]], None, out, &finish, scratch);
    }

    pub(super) fn backward(
        &self,
        [inputs, out]: [&[usize]; 2],
        first: &[bool],
        values: &[Vec<f32>],
        seed: &mut [f32],
        gradients: &mut [Vec<f32>],
        scratch: &mut Vec<f32>,
    ) {
        let mut mask = self.relu.then(|| values[out[0]].as_slice());
        let back = &self.ready()[1];
        if let (Some(out), true) = (mask, self.residual) {
            tile::mask(seed, out);
            mask = None;
        }
        let start = if first[0] { Start::Bias } else { Start::Output };
        let finish = Finish { start, residual: None, relu: false };
        back.run(seed, mask, &mut gradients[inputs[0]], &finish, scratch);
        if let (Some(&slot), Some(&first)) = (inputs.get(1), first.get(1)) {
            let gradient = &mut gradients[slot];
            if first {
                gradient.copy_from_slice(seed);
            } else {
                tile::add(gradient, seed);
            }
        }
    }
}
