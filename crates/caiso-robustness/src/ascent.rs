//! Projected gradient ascent on a loss: the loop that FGSM, BIM, PGD and the momentum method share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::losses::AttackLoss;
use crate::{Norm, RobustnessError};

/// How far and how often to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ascent {
    pub(crate) steps: u32,
    pub(crate) step_size: StepSize,
    pub(crate) l1_step: L1Step,
}

/// Length of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum StepSize {
    /// As a fraction of epsilon.
    Relative(f64),
    /// In units of distance.
    Absolute(f64),
}

impl StepSize {
    fn of(self, epsilon: f32) -> f32 {
        match self {
            // In f64 first, as the peers compute it.
            Self::Relative(share) => (share * f64::from(epsilon)) as f32,
            Self::Absolute(length) => length as f32,
        }
    }
}

/// What the steepest direction under L1 is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum L1Step {
    /// The whole step in the one feature with the largest gradient that can still move: steepest ascent.
    #[default]
    Steepest,
    /// The step spread over all features in proportion to the gradient.
    Spread,
}

impl Ascent {
    /// Moves `points` of `rows` uphill, in place; the last step's end is recorded, no other.
    pub(crate) fn climb(
        &self,
        batch: &mut Batch<'_, '_>,
        rows: &[usize],
        points: &mut [f32],
    ) -> Result<(), RobustnessError> {
        let mut losses = vec![0.0; rows.len()];
        let mut gradients = vec![0.0; points.len()];
        let aims = batch.aims(rows);
        for _ in 0..self.steps {
            let loss = |k: usize, logits: &[f32], seed: &mut [f32]| {
                AttackLoss::CrossEntropy.value_and_seed(logits, aims[k], seed)
            };
            batch.loss_and_gradient(rows, points, loss, &mut losses, &mut gradients)?;
            self.step(batch, rows, points, &mut gradients);
        }
        batch.evaluate(rows, points)
    }

    /// One step along `gradients`, which are changed.
    pub(crate) fn step(
        &self,
        batch: &Batch<'_, '_>,
        rows: &[usize],
        points: &mut [f32],
        gradients: &mut [f32],
    ) {
        let width = batch.width;
        let pairs = points.chunks_exact_mut(width).zip(gradients.chunks_exact_mut(width));
        for (&row, (point, gradient)) in rows.iter().zip(pairs) {
            let length = self.step_size.of(batch.epsilons[row]);
            let (low, high) = batch.bounds_of(row);
            if batch.task.norm == Norm::Linf {
                // The box holds the ball, so this is the whole projection.
                for ((value, &slope), (&low, &high)) in
                    point.iter_mut().zip(&*gradient).zip(low.iter().zip(high))
                {
                    *value = (*value + sign(slope) * length).max(low).min(high);
                }
                continue;
            }
            for (slope, (low, high)) in gradient.iter_mut().zip(low.iter().zip(high)) {
                if low >= high || slope.is_nan() {
                    *slope = 0.0;
                }
            }
            steepest(batch.task.norm, self.l1_step, point, low, high, gradient);
            for (value, slope) in point.iter_mut().zip(&*gradient) {
                *value += length * slope;
            }
            batch.project(&[row], point);
        }
    }
}

/// -1, 0 or 1; zero, and what is not a number, has no direction.
pub(crate) fn sign(slope: f32) -> f32 {
    f32::from(slope > 0.0) - f32::from(slope < 0.0)
}

/// Turns a gradient into the direction of steepest ascent of length 1 in a norm.
pub(crate) fn steepest(
    norm: Norm,
    l1: L1Step,
    point: &[f32],
    low: &[f32],
    high: &[f32],
    gradient: &mut [f32],
) {
    match (norm, l1) {
        (Norm::Linf, _) => gradient.iter_mut().for_each(|slope| *slope = sign(*slope)),
        (Norm::L2, _) | (Norm::L1, L1Step::Spread) => {
            let length = norm.of(gradient);
            if length > 0.0 {
                let factor = (1.0 / length) as f32;
                for slope in gradient {
                    *slope *= factor;
                }
            }
        }
        (Norm::L1 | Norm::L0, _) => {
            let mut best = None;
            for (j, &slope) in gradient.iter().enumerate() {
                let blocked = if slope > 0.0 { point[j] >= high[j] } else { point[j] <= low[j] };
                let steeper = |&b: &usize| slope.abs() > gradient[b].abs();
                if slope != 0.0 && !blocked && best.as_ref().is_none_or(steeper) {
                    best = Some(j);
                }
            }
            let direction = best.map_or(0.0, |j| sign(gradient[j]));
            gradient.fill(0.0);
            if let Some(j) = best {
                gradient[j] = direction;
            }
        }
    }
}

/// Moves the points of `rows`, which are the rows themselves, to points drawn uniformly from their balls, within their
/// boxes. Each draw takes its own lane.
pub(crate) fn randomise(batch: &Batch<'_, '_>, rows: &[usize], lane: u32, points: &mut [f32]) {
    for (&row, point) in rows.iter().zip(points.chunks_exact_mut(batch.width)) {
        let mut stream = batch.stream(row).lane(lane);
        let (low, high) = batch.bounds_of(row);
        let epsilon = f64::from(batch.epsilons[row]);
        match batch.task.norm {
            Norm::Linf => {
                for (value, (&low, &high)) in point.iter_mut().zip(low.iter().zip(high)) {
                    // Drawn from the ball, then clipped, as the peers do; not from what the bounds leave of it.
                    let draw = f64::from(*value) + epsilon * (2.0 * stream.next_f64() - 1.0);
                    *value = (draw as f32).max(low).min(high);
                }
                continue;
            }
            Norm::L2 => {
                let draws: Vec<f64> = point.iter().map(|_| stream.next_normal()).collect();
                let length = draws.iter().map(|draw| draw * draw).sum::<f64>().sqrt();
                let radius = epsilon * libm::pow(stream.next_f64(), 1.0 / draws.len() as f64);
                for (value, draw) in point.iter_mut().zip(draws) {
                    *value += (radius * draw / length) as f32;
                }
            }
            Norm::L1 | Norm::L0 => {
                // Exponentials over their sum and one more are uniform in the simplex.
                let draws: Vec<f64> =
                    point.iter().map(|_| -libm::log(1.0 - stream.next_f64())).collect();
                let total = draws.iter().sum::<f64>() - libm::log(1.0 - stream.next_f64());
                for (value, draw) in point.iter_mut().zip(draws) {
                    let side = if stream.next_u32() & 1 == 0 { 1.0 } else { -1.0 };
                    *value += (side * epsilon * draw / total) as f32;
                }
            }
        }
        batch.project(&[row], point);
    }
}
