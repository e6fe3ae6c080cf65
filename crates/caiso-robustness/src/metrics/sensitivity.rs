use crate::metrics::losses_and_gradients;
use crate::{Norm, Problem, RobustnessError};

/// Loss sensitivity: the mean over all rows of the Euclidean length of the gradient of the cross-entropy, in nats for each
/// unit of distance (Arpit et al., A Closer Look at Memorization in Deep Networks, ICML 2017,
/// <https://arxiv.org/abs/1706.05394>, with the Euclidean norm).
pub fn loss_sensitivity(problem: &Problem<'_>) -> Result<f64, RobustnessError> {
    let (losses, gradients) = losses_and_gradients(problem, "loss sensitivity")?;
    let lengths = gradients.chunks_exact(problem.domain.width()).map(|slope| Norm::L2.of(slope));
    Ok(lengths.sum::<f64>() / losses.len() as f64)
}
