//! What the minimum-norm attacks step with.

use std::f64::consts::PI;

use crate::Norm;
use crate::batch::Batch;
use crate::oracle::Gradients;

/// From `first` to `last` along half a cosine (Loshchilov and Hutter 2017, <https://arxiv.org/abs/1608.03983>).
pub(crate) fn annealed(first: f64, last: f64, step: u32, steps: u32) -> f64 {
    let phase = libm::cos(PI * f64::from(step) / f64::from(steps));
    last + (first - last) * (1.0 + phase) / 2.0
}

impl Batch<'_, '_> {
    /// Whether a row may still cost so many queries. Rows that are worked on together but have cost differently ask this
    /// before each step, so that none ends with the budget of another.
    pub(crate) fn affords(&self, row: usize, queries: u64) -> bool {
        self.found[row].queries.saturating_add(queries) <= self.task.queries
    }

    /// What a row's gradients of `functions` of its logits at a point cost, with the decision there.
    pub(crate) fn price(&self, functions: u64) -> u64 {
        let decision = u64::from(!self.task.domain.is_continuous());
        match self.oracle.gradients {
            Gradients::Own => 1 + decision,
            Gradients::Surrogate => 1,
            Gradients::Estimated { pairs, .. } => 1 + 2 * u64::from(pairs) * functions + decision,
        }
    }

    /// The widest side of a row's box: what a step size of 1 stands for, so that an attack does the same to pixels between 0
    /// and 1 and between 0 and 255.
    pub(crate) fn extent(&self, row: usize) -> f64 {
        let (low, high) = self.bounds_of(row);
        let sides = low.iter().zip(high).map(|(&low, &high)| f64::from(high) - f64::from(low));
        sides.fold(0.0, f64::max)
    }

    /// The distance of the farthest corner of a row's box.
    pub(crate) fn farthest(&self, row: usize, norm: Norm) -> f64 {
        let (low, high) = self.bounds_of(row);
        let ends = self.origin_of(row).iter().zip(low.iter().zip(high));
        let sides: Vec<f32> = ends.map(|(&x, (&low, &high))| (x - low).max(high - x)).collect();
        norm.of(&sides)
    }

    /// Sets to zero what a gradient has in features that may not move, and what is not a number.
    pub(crate) fn still(&self, row: usize, gradient: &mut [f32]) {
        let (low, high) = self.bounds_of(row);
        for (slope, (low, high)) in gradient.iter_mut().zip(low.iter().zip(high)) {
            if low >= high || !slope.is_finite() {
                *slope = 0.0;
            }
        }
    }

    /// Sets to zero what an ascent along a gradient would move out of the box.
    pub(crate) fn block(&self, row: usize, point: &[f32], gradient: &mut [f32]) {
        let (low, high) = self.bounds_of(row);
        let ends = point.iter().zip(low.iter().zip(high));
        for (slope, (x, (low, high))) in gradient.iter_mut().zip(ends) {
            if (*slope > 0.0 && x >= high) || (*slope < 0.0 && x <= low) {
                *slope = 0.0;
            }
        }
    }
}
