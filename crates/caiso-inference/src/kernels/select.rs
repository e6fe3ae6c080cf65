/// The input's place for each place of the output: slices, transpositions and expansions within a row.
pub(crate) struct Select {
    pub(crate) map: Vec<u32>,
}

impl Select {
    pub(super) fn forward(&self, rows: usize, input: &[f32], out: &mut [f32]) {
        let width = input.len() / rows.max(1);
        let outs = out.chunks_exact_mut(self.map.len());
        for (input, out) in input.chunks_exact(width).zip(outs) {
            for (out, &place) in out.iter_mut().zip(&self.map) {
                *out = input[place as usize];
            }
        }
    }

    pub(super) fn backward(&self, rows: usize, seed: &[f32], gradient: &mut [f32]) {
        let width = gradient.len() / rows.max(1);
        let seeds = seed.chunks_exact(self.map.len());
        for (gradient, seed) in gradient.chunks_exact_mut(width).zip(seeds) {
            for (seed, &place) in seed.iter().zip(&self.map) {
                gradient[place as usize] += seed;
            }
        }
    }
}

/// Slots side by side along an axis: each contributes `parts[i]` consecutive values to each block.
pub(crate) struct Concat {
    pub(crate) parts: Vec<usize>,
}

impl Concat {
    pub(super) fn forward(&self, inputs: &[usize], values: &[Vec<f32>], out: &mut [f32]) {
        let block: usize = self.parts.iter().sum();
        let mut start = 0;
        for (&slot, &part) in inputs.iter().zip(&self.parts) {
            let outs = out.chunks_exact_mut(block);
            for (input, out) in values[slot].chunks_exact(part).zip(outs) {
                out[start..start + part].copy_from_slice(input);
            }
            start += part;
        }
    }

    pub(super) fn backward(&self, inputs: &[usize], seed: &[f32], gradients: &mut [Vec<f32>]) {
        let block: usize = self.parts.iter().sum();
        let mut start = 0;
        for (&slot, &part) in inputs.iter().zip(&self.parts) {
            let seeds = seed.chunks_exact(block);
            for (gradient, seed) in gradients[slot].chunks_exact_mut(part).zip(seeds) {
                for (gradient, seed) in gradient.iter_mut().zip(&seed[start..start + part]) {
                    *gradient += seed;
                }
            }
            start += part;
        }
    }
}
