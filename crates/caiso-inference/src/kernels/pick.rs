/// Values of an axis at places that differ from row to row.
///
/// The last input holds the places; the values come from the first input, or from a table that is the same for
/// all rows. Only the values carry a gradient. A place outside of the axis yields NaN.
pub(crate) struct Pick {
    pub(crate) table: Option<Vec<f32>>,
    /// For each place of the output, where the axis starts.
    pub(crate) starts: Vec<u32>,
    /// For each place of the output, which of the row's places counts.
    pub(crate) indices: Vec<u32>,
    /// How far apart the values along the axis lie, and how many there are.
    pub(crate) stride: usize,
    pub(crate) length: usize,
}

impl Pick {
    fn places<'a>(&'a self, wanted: &'a [f32]) -> impl Iterator<Item = Option<usize>> + 'a {
        self.starts.iter().zip(&self.indices).map(|(&start, &index)| {
            let wanted = wanted[index as usize];
            let length = self.length as f32;
            let place = if wanted < 0.0 { wanted + length } else { wanted };
            let within = place >= 0.0 && place < length;
            within.then(|| start as usize + place as usize * self.stride)
        })
    }

    pub(super) fn forward(
        &self,
        rows: usize,
        inputs: &[usize],
        values: &[Vec<f32>],
        out: &mut [f32],
    ) {
        let wanted = &values[inputs[inputs.len() - 1]];
        let wanted = wanted.chunks_exact(wanted.len() / rows);
        for (row, (out, wanted)) in out.chunks_exact_mut(self.starts.len()).zip(wanted).enumerate()
        {
            let from = if let Some(table) = &self.table {
                table.as_slice()
            } else {
                let values = &values[inputs[0]];
                let width = values.len() / rows;
                &values[row * width..(row + 1) * width]
            };
            for (out, place) in out.iter_mut().zip(self.places(wanted)) {
                *out = place.map_or(f32::NAN, |place| from[place]);
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
        let wanted = &values[inputs[inputs.len() - 1]];
        let wanted = wanted.chunks_exact(wanted.len() / rows);
        let gradient = &mut gradients[inputs[0]];
        let width = (gradient.len() / rows).max(1);
        let gradients = gradient.chunks_exact_mut(width);
        let parts = seed.chunks_exact(self.starts.len()).zip(wanted);
        for ((seed, wanted), gradient) in parts.zip(gradients) {
            for (seed, place) in seed.iter().zip(self.places(wanted)) {
                if let Some(place) = place {
                    gradient[place] += seed;
                }
            }
        }
    }
}
