//! Projected gradient ascent on the loss, for one chunk of rows at a time.

use caiso_inference::{Differentiable, Loss, Session};
use caiso_math::Stream;

use crate::attacks::{Pgd, Start};
use crate::{Domain, RobustnessError};

/// Key of the random streams that starts are drawn from.
const STREAM: &str = "RB-PGD-001";

/// Rows that go through the model together: enough of narrow rows to make a step worth its calls, few
/// enough of wide ones that the activations stay in the cache. It has no influence on results.
pub(crate) fn chunk_rows(width: usize) -> usize {
    (4096 / width.max(1)).clamp(32, 128)
}

/// A session of the model with the buffers of an attack, reused from chunk to chunk so that
/// nothing is allocated in a step.
pub(crate) struct Ascent<'m> {
    domain: &'m Domain,
    session: Box<dyn Session + 'm>,
    low: Vec<f32>,
    high: Vec<f32>,
    /// Length of a step in each value.
    step: Vec<f32>,
    gradient: Vec<f32>,
    loss: Vec<f32>,
    /// For each row of the last run: the first gradient was zero in all features that may move.
    pub(crate) without_gradient: Vec<bool>,
}

impl<'m> Ascent<'m> {
    pub(crate) fn new(model: &'m dyn Differentiable, domain: &'m Domain) -> Self {
        Self {
            domain,
            session: model.session(),
            low: Vec::new(),
            high: Vec::new(),
            step: Vec::new(),
            gradient: Vec::new(),
            loss: Vec::new(),
            without_gradient: Vec::new(),
        }
    }

    /// The classes that the model gives to the rows.
    pub(crate) fn predict(
        &mut self,
        rows: &[f32],
        classes: &mut [usize],
    ) -> Result<(), RobustnessError> {
        Ok(self.session.predict(rows, classes)?)
    }

    /// Writes the adversarial rows of `rows` to `adversarial`. `ids` key the random starts.
    pub(crate) fn run(
        &mut self,
        rows: &[f32],
        labels: &[usize],
        ids: &[usize],
        settings: &Pgd,
        adversarial: &mut [f32],
    ) -> Result<(), RobustnessError> {
        let width = self.domain.width();
        for buffer in [&mut self.low, &mut self.high, &mut self.gradient] {
            buffer.resize(rows.len(), 0.0);
        }
        self.loss.resize(labels.len(), 0.0);
        self.without_gradient.clear();
        self.without_gradient.resize(labels.len(), false);

        let ends = self.low.chunks_exact_mut(width).zip(self.high.chunks_exact_mut(width));
        for (row, (low, high)) in rows.chunks_exact(width).zip(ends) {
            self.domain.reach(row, settings.epsilon, low, high);
        }
        adversarial.copy_from_slice(rows);
        if let Start::Random { seed, restart } = settings.start {
            self.randomise(ids, seed, restart, settings.epsilon, adversarial);
        }
        self.step.clear();
        for _ in labels {
            let scale = settings.epsilon * settings.relative_step_size;
            let features = self.domain.features().iter();
            self.step.extend(features.map(|feature| (scale * feature.range()) as f32));
        }
        for step in 0..settings.steps {
            self.session.loss_and_gradient(
                adversarial,
                labels,
                Loss::CrossEntropy,
                &mut self.loss,
                &mut self.gradient,
            )?;
            if step == 0 {
                self.note_zero_gradients(width);
            }
            self.step(adversarial);
        }
        let places = rows.chunks_exact(width).zip(adversarial.chunks_exact_mut(width));
        let ends = self.low.chunks_exact(width).zip(self.high.chunks_exact(width));
        for ((row, point), (low, high)) in places.zip(ends) {
            self.domain.snap(row, low, high, point);
        }
        Ok(())
    }

    fn randomise(&self, ids: &[usize], seed: u64, restart: u32, epsilon: f64, points: &mut [f32]) {
        let width = self.domain.width();
        let ends = self.low.chunks_exact(width).zip(self.high.chunks_exact(width));
        for ((&id, point), (low, high)) in ids.iter().zip(points.chunks_exact_mut(width)).zip(ends)
        {
            let mut stream = Stream::new(seed, STREAM, id as u64).lane(restart);
            for (j, feature) in self.domain.features().iter().enumerate() {
                let shift = epsilon * feature.range() * (2.0 * f64::from(stream.next_f32()) - 1.0);
                // Drawn for every feature, so that freeing one does not move the others' starts.
                point[j] = (point[j] + shift as f32).clamp(low[j], high[j]);
            }
        }
    }

    /// One signed step, projected: ball and box are both intervals that hold the row, so clamping to
    /// their intersection is the same as projecting to one and clipping to the other.
    fn step(&self, points: &mut [f32]) {
        let ends = self.low.iter().zip(&self.high);
        let moves = self.gradient.iter().zip(&self.step);
        for ((point, (&gradient, &step)), (&low, &high)) in points.iter_mut().zip(moves).zip(ends) {
            // Zero, and a gradient that is not a number, has no direction.
            let sign = f32::from(gradient > 0.0) - f32::from(gradient < 0.0);
            *point = (*point + sign * step).max(low).min(high);
        }
    }

    fn note_zero_gradients(&mut self, width: usize) {
        let rows = self
            .gradient
            .chunks_exact(width)
            .zip(self.low.chunks_exact(width).zip(self.high.chunks_exact(width)));
        for (zero, (gradient, (low, high))) in self.without_gradient.iter_mut().zip(rows) {
            let movable = |&j: &usize| low[j] < high[j];
            let flat = |j: usize| gradient[j] == 0.0 || gradient[j].is_nan();
            // A row in which nothing can move at this epsilon needs no gradient.
            *zero = (0..width).any(|j| movable(&j)) && (0..width).filter(movable).all(flat);
        }
    }
}
