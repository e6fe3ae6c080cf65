/// For each place of the output the value of one of two inputs, as a condition says: the condition is the
/// first input and carries no gradient.
pub(crate) struct Choose {
    /// For the condition, the value where it holds and where not: the place for each place of the output,
    /// where they differ.
    pub(crate) maps: [Option<Vec<u32>>; 3],
}

impl Choose {
    pub(super) fn forward(
        &self,
        rows: usize,
        inputs: &[usize],
        values: &[Vec<f32>],
        out: &mut [f32],
    ) {
        let size = out.len() / rows;
        for (index, out) in out.chunks_exact_mut(size).enumerate() {
            let at = |input: usize, place: usize| {
                let values = &values[inputs[input]];
                values[index * (values.len() / rows) + self.place(input, place)]
            };
            for (place, out) in out.iter_mut().enumerate() {
                *out = at(if at(0, place) == 0.0 { 2 } else { 1 }, place);
            }
        }
    }

    pub(super) fn backward(
        &self,
        rows: usize,
        inputs: &[usize],
        values: &[Vec<f32>],
        seed: &[f32],
        gradients: &mut [Vec<f32>],
    ) {
        let size = seed.len() / rows;
        let condition = &values[inputs[0]];
        for (index, seed) in seed.chunks_exact(size).enumerate() {
            for (place, seed) in seed.iter().enumerate() {
                let holds = condition[index * (condition.len() / rows) + self.place(0, place)];
                let input = if holds == 0.0 { 2 } else { 1 };
                let gradient = &mut gradients[inputs[input]];
                let start = index * (gradient.len() / rows);
                if let Some(gradient) = gradient.get_mut(start + self.place(input, place)) {
                    *gradient += seed;
                }
            }
        }
    }

    fn place(&self, input: usize, place: usize) -> usize {
        self.maps[input].as_ref().map_or(place, |map| map[place] as usize)
    }
}
