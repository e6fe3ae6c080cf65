use crate::ascent::sign;
use crate::metrics::losses_and_gradients;
use crate::{Attacked, Norm, Problem, RobustnessError};

/// What the gradients of a model look like where its rows are: an attack that follows gradients shows little where they
/// vanish or mislead (Athalye, Carlini, Wagner, Obfuscated Gradients Give a False Sense of Security, ICML 2018,
/// <https://arxiv.org/abs/1802.00420>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GradientCheck {
    /// Rows that are decided correctly.
    pub rows: usize,
    /// Of them, rows whose gradient is zero in every feature that may move.
    pub without_gradient: usize,
    /// Rows whose gradient or loss is not a finite number.
    pub not_finite: usize,
    /// Rows whose loss does not rise after a step of length `step` along the sign of the gradient, those without one aside.
    pub not_rising: usize,
}

/// Takes the gradient of the cross-entropy at every row that is decided correctly and steps along it, within the bounds.
/// `step` is in units of distance, small beside the epsilons of interest: a smooth loss rises there.
pub fn gradient_check(problem: &Problem<'_>, step: f64) -> Result<GradientCheck, RobustnessError> {
    let (losses, gradients) = losses_and_gradients(problem, "gradient check")?;
    let Problem { model, domain, rows, labels, .. } = *problem;
    let width = domain.width();
    let clean = model.predict(rows)?;
    let (mut low, mut high) = (vec![0.0; width], vec![0.0; width]);
    let mut check = GradientCheck::default();
    let (mut stepped, mut stepped_labels, mut before) = (Vec::new(), Vec::new(), Vec::new());
    for (i, gradient) in gradients.chunks_exact(width).enumerate() {
        if clean[i] != labels[i] {
            continue;
        }
        check.rows += 1;
        if !losses[i].is_finite() || gradient.iter().any(|slope| !slope.is_finite()) {
            check.not_finite += 1;
            continue;
        }
        let row = &rows[i * width..][..width];
        domain.reach(row, f64::INFINITY, &mut low, &mut high);
        let free = |j: usize| low[j] < high[j];
        if (0..width).all(|j| !free(j) || gradient[j] == 0.0) {
            check.without_gradient += usize::from((0..width).any(free));
            continue;
        }
        let start = stepped.len();
        for (j, feature) in domain.features().iter().enumerate() {
            let change = f64::from(sign(gradient[j])) * step * feature.unit();
            stepped.push(((f64::from(row[j]) + change) as f32).max(low[j]).min(high[j]));
        }
        // At a corner of the bounds nothing can rise.
        if stepped[start..] == *row {
            stepped.truncate(start);
        } else {
            stepped_labels.push(labels[i]);
            before.push(losses[i]);
        }
    }
    if !before.is_empty() {
        let ahead = Problem { rows: &stepped, labels: &stepped_labels, ..*problem };
        let (after, _) = losses_and_gradients(&ahead, "gradient check")?;
        // A loss that has become NaN does not rise either.
        let rises = |&(before, after): &(&f32, &f32)| after > before;
        check.not_rising = before.len() - before.iter().zip(&after).filter(rises).count();
    }
    Ok(check)
}

/// Rows that `other` fools within `epsilon` and `attack` does not: where `attack` sees gradients and `other` does not, a sign
/// of masked gradients. Both are of the same data set; rows that either did not get through are left out.
pub fn fooled_by_other_only(
    attack: &Attacked,
    other: &Attacked,
    norm: Norm,
    epsilon: f64,
) -> Vec<usize> {
    let pairs = attack.rows.iter().zip(&other.rows).enumerate();
    pairs
        .filter(|(_, (own, other))| own.finished && other.finished && own.is_correct())
        .filter(|(_, (own, other))| own.stands(norm, epsilon) && !other.stands(norm, epsilon))
        .map(|(row, _)| row)
        .collect()
}

/// Rows that fell within the smaller epsilon and stand at the larger, where the same attack was run for each: the larger ball
/// holds the smaller, so that the attack, not the model, is at fault.
pub fn stands_at_larger_epsilon(
    smaller: (f64, &Attacked),
    larger: (f64, &Attacked),
    norm: Norm,
) -> Vec<usize> {
    let pairs = smaller.1.rows.iter().zip(&larger.1.rows).enumerate();
    pairs
        .filter(|(_, (small, large))| small.is_correct() && large.finished)
        .filter(|(_, (small, large))| {
            !small.stands(norm, smaller.0) && large.stands(norm, larger.0)
        })
        .map(|(row, _)| row)
        .collect()
}
