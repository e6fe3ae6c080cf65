use caiso_core::RunContext;
use serde_json::Map;

use crate::attack::find;
use crate::{Norm, Problem, RobustnessError, Settings, run};

/// How far, on average, the fast gradient method has to go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EmpiricalRobustness {
    /// Mean over the fooled rows of the size of the change relative to the size of the row, both in the norm of the attack and
    /// in units of distance; `None` if no row was fooled.
    pub value: Option<f64>,
    /// Rows whose decision changed.
    pub fooled: usize,
    /// Rows in all.
    pub rows: usize,
}

/// Empirical robustness: the fast gradient method with epsilon `step`, `2 * step` … up to `largest`, at the first epsilon that
/// changes the decision of a row, right or wrong (Moosavi-Dezfooli, Fawzi, Frossard, DeepFool, CVPR 2016,
/// <https://arxiv.org/abs/1511.04599>, with that attack as ART has it). Rows that are zero throughout have no relative size and
/// are left out of the mean.
///
/// # Panics
/// If `step` is not a positive number.
pub fn empirical_robustness(
    problem: &Problem<'_>,
    norm: Norm,
    step: f64,
    largest: f64,
    context: &RunContext,
) -> Result<EmpiricalRobustness, RobustnessError> {
    assert!(step > 0.0, "the step is a positive number");
    let attack = find("fgsm").expect("is an attack");
    let parameters = attack.parameters.resolve(&Map::new()).expect("defaults are in range");
    let width = problem.domain.width();
    let mut labels = problem.model.predict(problem.rows)?;
    let mut rows = problem.rows.to_vec();
    let mut robustness = EmpiricalRobustness { value: None, fooled: 0, rows: labels.len() };
    let (mut sum, mut measured) = (0.0, 0_usize);
    let steps = (largest / step * (1.0 + 1e-9)).floor() as u64;
    for multiple in 1..=steps {
        if labels.is_empty() {
            break;
        }
        let settings = Settings::new(norm, Some(multiple as f64 * step));
        let part = Problem { rows: &rows, labels: &labels, ..*problem };
        let attacked = run(attack, &parameters, &part, &settings, context, &|_| ())?;
        let zero = vec![0.0; width];
        let (mut left, mut left_labels) = (Vec::new(), Vec::new());
        for (result, row) in attacked.rows.iter().zip(rows.chunks_exact(width)) {
            if result.flipped.is_none() {
                left.extend_from_slice(row);
                left_labels.push(result.label);
                continue;
            }
            robustness.fooled += 1;
            let size = problem.domain.distances(&zero, row).in_norm(norm);
            if size > 0.0 {
                sum += result.distances.in_norm(norm) / size;
                measured += 1;
            }
        }
        (rows, labels) = (left, left_labels);
    }
    robustness.value = (measured > 0).then(|| sum / measured as f64);
    Ok(robustness)
}
