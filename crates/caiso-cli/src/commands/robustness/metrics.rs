//! Figures of a model itself, without an attack of its own.

use anyhow::Result;
use caiso_core::RunContext;
use caiso_robustness::{Norm, Problem, empirical_robustness, gradient_check, loss_sensitivity};
use serde::Serialize;

/// Epsilons of the empirical robustness, and the step of the gradient check, as shares of the widest feature.
const STEP: f64 = 0.01;
const PROBE: f64 = 0.001;

/// Empirical robustness, loss sensitivity and what the gradients look like.
#[derive(Serialize)]
pub(super) struct Metrics {
    /// Mean relative size of the smallest fast gradient step under L-infinity that changes a decision.
    pub(super) empirical_robustness: Option<f64>,
    /// Rows whose decision such a step changes.
    pub(super) empirical_robustness_fooled: usize,
    /// Mean Euclidean length of the gradient of the loss, in nats for each unit of distance.
    pub(super) loss_sensitivity: f64,
    pub(super) gradients: Gradients,
}

/// Of the rows that are decided correctly, those whose gradient leads nowhere.
#[derive(Serialize)]
pub(super) struct Gradients {
    pub(super) rows: usize,
    pub(super) without_gradient: usize,
    pub(super) not_finite: usize,
    /// The loss does not rise along the gradient.
    pub(super) not_rising: usize,
}

impl Metrics {
    pub(super) fn of(problem: &Problem<'_>, context: &RunContext) -> Result<Self> {
        let free = problem.domain.features().iter().filter(|feature| feature.is_free());
        let widest = free.map(|feature| feature.range() / feature.scale).fold(0.0, f64::max);
        let empirical = empirical_robustness(problem, Norm::Linf, STEP * widest, widest, context)?;
        let check = gradient_check(problem, PROBE * widest)?;
        Ok(Self {
            empirical_robustness: empirical.value,
            empirical_robustness_fooled: empirical.fooled,
            loss_sensitivity: loss_sensitivity(problem)?,
            gradients: Gradients {
                rows: check.rows,
                without_gradient: check.without_gradient,
                not_finite: check.not_finite,
                not_rising: check.not_rising,
            },
        })
    }
}
