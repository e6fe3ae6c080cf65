//! Figures beside robust accuracy: how sensitive a model is, whether its gradients can be trusted, and curves.

mod curve;
mod empirical;
mod masking;
mod sensitivity;

pub use curve::{CurvePoint, Over, security_evaluation};
pub use empirical::{EmpiricalRobustness, empirical_robustness};
pub use masking::{GradientCheck, fooled_by_other_only, gradient_check, stands_at_larger_epsilon};
pub use sensitivity::loss_sensitivity;

use caiso_inference::Loss;

use crate::{Problem, RobustnessError, input};

/// The cross-entropy of each row and its gradient in units of distance, `[rows, width]`.
fn losses_and_gradients(
    problem: &Problem<'_>,
    metric: &'static str,
) -> Result<(Vec<f32>, Vec<f32>), RobustnessError> {
    let Problem { model, domain, rows, labels, .. } = *problem;
    input::check(model, domain, rows, labels)?;
    let Some(differentiable) = model.differentiable() else {
        let needed = "gradients";
        return Err(RobustnessError::Access { attack: metric, needed, given: "none" });
    };
    let (losses, mut gradients) =
        differentiable.loss_and_gradient(rows, labels, Loss::CrossEntropy)?;
    for gradient in gradients.chunks_exact_mut(domain.width()) {
        for (slope, feature) in gradient.iter_mut().zip(domain.features()) {
            *slope = (f64::from(*slope) * feature.unit()) as f32;
        }
    }
    Ok((losses, gradients))
}
