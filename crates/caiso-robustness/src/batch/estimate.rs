//! Gradients from scores alone.

use super::Batch;
use crate::RobustnessError;

impl Batch<'_, '_> {
    /// The gradient of `seeds * logits` at the points of the last forward, estimated from scores at `pairs` of points on
    /// opposite sides.
    pub(super) fn estimate(
        &mut self,
        seeds: &[f32],
        pairs: u32,
        deviation: f32,
        gradients: &mut [f32],
    ) -> Result<(), RobustnessError> {
        let (width, classes) = (self.width, self.classes);
        let centres = std::mem::take(&mut self.points);
        let rows = self.rows.clone();
        let logits = std::mem::take(&mut self.logits);
        gradients.fill(0.0);
        let mut directions = vec![0.0; pairs as usize * width];
        let mut around = vec![0.0; 2 * pairs as usize * width];
        for (k, &row) in rows.iter().enumerate() {
            // The number of queries so far makes each estimate's directions its own.
            let mut stream = self.stream(row).lane(self.found[row].queries as u32);
            let centre = &centres[k * width..][..width];
            let seed = &seeds[k * classes..][..classes];
            for (direction, pair) in
                directions.chunks_exact_mut(width).zip(around.chunks_exact_mut(2 * width))
            {
                let (ahead, behind) = pair.split_at_mut(width);
                for j in 0..width {
                    direction[j] = stream.next_normal() as f32;
                    ahead[j] = centre[j] + deviation * direction[j];
                    behind[j] = centre[j] - deviation * direction[j];
                }
            }
            self.load(&vec![row; 2 * pairs as usize], &around);
            self.spend(1)?;
            self.oracle.ask(&self.input, &mut self.logits)?;
            let gradient = &mut gradients[k * width..][..width];
            for (pair, direction) in
                self.logits.chunks_exact(2 * classes).zip(directions.chunks_exact(width))
            {
                let (ahead, behind) = pair.split_at(classes);
                let slope: f32 =
                    seed.iter().zip(ahead.iter().zip(behind)).map(|(s, (a, b))| s * (a - b)).sum();
                let weight = slope / (2.0 * deviation * pairs as f32);
                for (gradient, direction) in gradient.iter_mut().zip(direction) {
                    *gradient += weight * direction;
                }
            }
        }
        self.load(&rows, &centres);
        self.logits = logits;
        self.points = centres;
        Ok(())
    }
}
