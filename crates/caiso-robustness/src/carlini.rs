//! Gradient descent in the space of Carlini and Wagner, where every point is within bounds: what their attacks share.
//!
//! A feature between `centre - half` and `centre + half` is written `centre + half * tanh(w)`, and Adam descends on `w`
//! (Kingma and Ba 2015, <https://arxiv.org/abs/1412.6980>). Every row has its own constant, its own Adam and stops by itself.

use caiso_inference::Loss;

use crate::RobustnessError;
use crate::batch::Batch;
use crate::objective::Objective;

/// How to descend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descent {
    pub(crate) steps: u32,
    pub(crate) step_size: f32,
    /// By how much the wrong class has to lead before the margin is left alone.
    pub(crate) confidence: f32,
    /// Whether a row stops when its loss has not fallen by a ten-thousandth within a tenth of the steps.
    pub(crate) abort_early: bool,
    /// Whether a row stops at its first success.
    pub(crate) until_success: bool,
}

/// One row's descent.
pub(crate) struct Trial {
    pub(crate) row: usize,
    /// Weight of the margin against the size of the change.
    pub(crate) constant: f64,
    /// Changes up to this size are free, what exceeds it counts in sum; `None`: squares of all changes count.
    pub(crate) free: Option<f32>,
    /// Whether an adversarial point was found in the last descent, within what is free.
    pub(crate) success: bool,
    /// The point where the descent is, or where it stopped.
    pub(crate) point: Vec<f32>,
    /// Gradient of the margin there.
    pub(crate) slopes: Vec<f32>,
    extent: f32,
    centre: Vec<f32>,
    half: Vec<f32>,
    w: Vec<f32>,
    moments: Vec<(f32, f32)>,
    loss: f64,
}

/// Decay of Adam's two moments.
const DECAY: (f32, f32) = (0.9, 0.999);
/// Keeps the row, which may be at its bounds, at finite `w`.
const WITHIN: f32 = 0.999_999;

impl Trial {
    pub(crate) fn new(batch: &Batch<'_, '_>, row: usize, constant: f64) -> Self {
        let (low, high) = batch.bounds_of(row);
        let ends = || low.iter().zip(high);
        let mut trial = Self {
            row,
            constant,
            free: None,
            success: false,
            point: batch.origin_of(row).to_vec(),
            slopes: vec![0.0; batch.width],
            extent: (batch.extent(row) as f32).max(f32::MIN_POSITIVE),
            centre: ends().map(|(&low, &high)| f32::midpoint(low, high)).collect(),
            half: ends().map(|(&low, &high)| (high - low) / 2.0).collect(),
            w: vec![0.0; batch.width],
            moments: Vec::new(),
            loss: f64::INFINITY,
        };
        trial.start_at(batch.origin_of(row));
        trial
    }

    /// Puts the descent at a point within bounds.
    pub(crate) fn start_at(&mut self, point: &[f32]) {
        for (j, &x) in point.iter().enumerate() {
            let share = if self.half[j] > 0.0 { (x - self.centre[j]) / self.half[j] } else { 0.0 };
            self.w[j] = libm::atanhf(WITHIN * share);
        }
        self.place();
    }

    /// Fixes a feature at the value it has in the row.
    pub(crate) fn freeze(&mut self, j: usize, own: f32) {
        (self.centre[j], self.half[j], self.w[j]) = (own, 0.0, 0.0);
        self.point[j] = own;
    }

    pub(crate) fn is_frozen(&self, j: usize) -> bool {
        self.half[j] <= 0.0
    }

    fn place(&mut self) {
        let space = self.centre.iter().zip(&self.half).zip(&self.w);
        for (x, ((centre, half), &w)) in self.point.iter_mut().zip(space) {
            *x = if *half > 0.0 { centre + half * libm::tanhf(w) } else { *centre };
        }
    }

    /// What the changes cost, and for each its derivative, written to `slopes`.
    fn cost(&self, own: &[f32], slopes: &mut [f32]) -> f64 {
        let changes = self.point.iter().zip(own).map(|(&x, &own)| (x - own) / self.extent);
        let mut cost = 0.0;
        match self.free {
            None => {
                for (slope, change) in slopes.iter_mut().zip(changes) {
                    cost += f64::from(change * change);
                    *slope = 2.0 * change / self.extent;
                }
            }
            Some(free) => {
                for (slope, change) in slopes.iter_mut().zip(changes) {
                    let excess = change.abs() - free / self.extent;
                    let counts = excess > 0.0;
                    cost += if counts { f64::from(excess) } else { 0.0 };
                    *slope = if counts { change.signum() / self.extent } else { 0.0 };
                }
            }
        }
        cost
    }

    /// One step of Adam down the gradient with respect to the point.
    fn step(&mut self, step_size: f32, step: u32, slopes: &[f32]) {
        let corrected = |decay: f32| 1.0 - libm::powf(decay, (step + 1) as f32);
        let (first, second) = (corrected(DECAY.0), corrected(DECAY.1));
        for (j, &slope) in slopes.iter().enumerate() {
            let half = self.half[j];
            if half <= 0.0 || !slope.is_finite() {
                continue;
            }
            let tanh = (self.point[j] - self.centre[j]) / half;
            let slope = slope * half * (1.0 - tanh * tanh);
            let (m, v) = &mut self.moments[j];
            *m = DECAY.0 * *m + (1.0 - DECAY.0) * slope;
            *v = DECAY.1 * *v + (1.0 - DECAY.1) * slope * slope;
            self.w[j] -= step_size * (*m / first) / ((*v / second).sqrt() + 1e-8);
        }
        self.place();
    }
}

impl Descent {
    /// Descends on `cost + constant * max(0, confidence - margin)` in every trial, from where it is.
    pub(crate) fn run(
        &self,
        batch: &mut Batch<'_, '_>,
        trials: &mut [Trial],
    ) -> Result<(), RobustnessError> {
        let width = batch.width;
        let objective = Objective::new(batch, Loss::Margin);
        for trial in trials.iter_mut() {
            trial.success = false;
            trial.loss = f64::INFINITY;
            trial.moments.clear();
            trial.moments.resize(width, (0.0, 0.0));
        }
        let mut live: Vec<usize> = (0..trials.len()).collect();
        let (mut rows, mut points) = (Vec::new(), Vec::new());
        let mut margins = vec![0.0; trials.len()];
        let mut gradients = vec![0.0; trials.len() * width];
        let mut slopes = vec![0.0; width];
        let price = batch.price(1);
        for step in 0..self.steps {
            live.retain(|&t| batch.affords(trials[t].row, price));
            if live.is_empty() {
                break;
            }
            rows.clear();
            points.clear();
            for &t in &live {
                rows.push(trials[t].row);
                points.extend_from_slice(&trials[t].point);
            }
            let gradients = &mut gradients[..points.len()];
            batch.loss_and_gradient(
                &rows,
                &points,
                |k, logits, seed| objective.value_and_seed(rows[k], logits, seed),
                &mut margins,
                gradients,
            )?;
            batch.record()?;
            let checks = step > 0 && step % self.steps.div_ceil(10) == 0;
            let mut k = 0;
            live.retain(|&t| {
                let trial = &mut trials[t];
                let gradient = &mut gradients[k * width..][..width];
                let (fooled, margin) = (batch.fooled()[k], margins[k]);
                k += 1;
                let cost = trial.cost(batch.origin_of(trial.row), &mut slopes);
                if fooled && (trial.free.is_none() || cost <= 0.0) {
                    trial.success = true;
                    if self.until_success {
                        trial.slopes.copy_from_slice(gradient);
                        return false;
                    }
                }
                let short = self.confidence - margin;
                let missing = trial.constant * f64::from(short.max(0.0));
                if checks && self.abort_early {
                    if cost + missing > 0.9999 * trial.loss {
                        return false;
                    }
                    trial.loss = cost + missing;
                }
                if short > 0.0 {
                    for (slope, uphill) in slopes.iter_mut().zip(&*gradient) {
                        *slope -= trial.constant as f32 * uphill;
                    }
                }
                trial.step(self.step_size, step, &slopes);
                true
            });
        }
        Ok(())
    }
}
