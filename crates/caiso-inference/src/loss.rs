//! Losses of one sample, from its logits.

/// A function of a sample's logits `z` and label `y` that an attack raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// `-log(softmax(z)[y])`, in nats.
    CrossEntropy,
    /// `max(z[j], j != y) - z[y]`: positive just when the sample is misclassified (Carlini and Wagner,
    /// "Towards Evaluating the Robustness of Neural Networks", 2017, f6 without its floor).
    Margin,
}

impl Loss {
    /// The loss, and in `seed` its derivative with respect to each logit.
    ///
    /// `label` is below the number of logits, of which there are at least two. Losses and derivatives of
    /// confident samples keep their relative accuracy: the label's derivative is the negative sum of
    /// the others, never `p - 1`.
    pub fn value_and_seed(self, logits: &[f32], label: usize, seed: &mut [f32]) -> f32 {
        match self {
            Self::CrossEntropy => cross_entropy(logits, label, seed),
            Self::Margin => margin(logits, label, seed),
        }
    }
}

fn cross_entropy(logits: &[f32], label: usize, seed: &mut [f32]) -> f32 {
    if let (&[first, second], [first_seed, second_seed]) = (logits, &mut *seed) {
        let ahead = if label == 0 { second - first } else { first - second };
        let smaller = (-ahead.abs()).exp();
        let slope = if ahead > 0.0 { 1.0 } else { smaller } / (1.0 + smaller);
        (*first_seed, *second_seed) = if label == 0 { (-slope, slope) } else { (slope, -slope) };
        // NaN stays NaN, which `f32::max` would swallow.
        return if ahead < 0.0 { 0.0 } else { ahead } + ln_1p(smaller);
    }
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // The label's own term is kept out of `others`, which may be tiny beside it.
    let mut others = 0.0;
    for (index, (&logit, seed)) in logits.iter().zip(seed.iter_mut()).enumerate() {
        *seed = (logit - largest).exp();
        if index != label {
            others += *seed;
        }
    }
    let own = seed[label];
    let total = own + others;
    for seed in seed.iter_mut() {
        *seed /= total;
    }
    seed[label] = -(others / total);
    let above = largest - logits[label];
    if above == 0.0 { ln_1p(others) } else { above + total.ln() }
}

/// `log(1 + x)` of a positive number, faster than the library's: what rounding makes of `x` in the sum is made
/// good by the quotient (Kahan; Goldberg, "What Every Computer Scientist Should Know About Floating-Point
/// Arithmetic", theorem 4).
fn ln_1p(x: f32) -> f32 {
    let sum = 1.0 + x;
    if sum == 1.0 { x } else { sum.ln() * (x / (sum - 1.0)) }
}

fn margin(logits: &[f32], label: usize, seed: &mut [f32]) -> f32 {
    let mut rival = usize::from(label == 0);
    for (index, &logit) in logits.iter().enumerate() {
        if index != label && logit > logits[rival] {
            rival = index;
        }
    }
    seed.fill(0.0);
    seed[rival] = 1.0;
    seed[label] = -1.0;
    logits[rival] - logits[label]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cross-entropy and its derivatives in f64, by the definition.
    fn reference(logits: &[f32], label: usize) -> (f64, Vec<f64>) {
        let own = f64::from(logits[label]);
        let odds: Vec<f64> = logits.iter().map(|&z| (f64::from(z) - own).exp()).collect();
        let others: f64 =
            odds.iter().enumerate().filter(|(i, _)| *i != label).map(|(_, o)| o).sum();
        let seed = odds
            .iter()
            .enumerate()
            .map(|(i, odds)| if i == label { -others } else { *odds } / (1.0 + others))
            .collect();
        (others.ln_1p(), seed)
    }

    #[test]
    fn two_classes_keep_relative_accuracy() {
        for ahead in [0.0_f32, 1e-4, 0.7, 3.0, 16.0, 18.0, 20.0, 21.0, 45.0, 80.0] {
            for logits in [[0.5, 0.5 + ahead], [0.5 + ahead, 0.5]] {
                for label in 0..2 {
                    let mut seed = [0.0; 2];
                    let value = Loss::CrossEntropy.value_and_seed(&logits, label, &mut seed);
                    let (expected, expected_seed) = reference(&logits, label);
                    let close = |a: f32, b: f64| (f64::from(a) - b).abs() <= 3e-7 * b.abs();
                    assert!(close(value, expected), "{logits:?} {label}: {value} {expected}");
                    assert!(seed.iter().zip(&expected_seed).all(|(a, b)| close(*a, *b)));
                }
            }
        }
        let mut seed = [0.0; 2];
        assert!(Loss::CrossEntropy.value_and_seed(&[f32::NAN, 1.0], 0, &mut seed).is_nan());
    }

    #[test]
    fn cross_entropy_keeps_relative_accuracy_for_confident_and_for_hopeless_samples() {
        for logits in [
            [0.3_f32, -1.2, 2.0],
            [18.0, 0.5, -3.0],
            [60.0, 1.0, 0.0],
            [-70.0, 1.0, 3.0],
            [2.0, 2.0, 2.0],
        ] {
            for label in 0..3 {
                let mut seed = [0.0; 3];
                let value = Loss::CrossEntropy.value_and_seed(&logits, label, &mut seed);
                let (expected, expected_seed) = reference(&logits, label);
                let close = |a: f32, b: f64| (f64::from(a) - b).abs() <= 1e-6 * b.abs().max(1e-30);
                assert!(close(value, expected), "{logits:?} {label}: {value} {expected}");
                for (seed, expected) in seed.iter().zip(&expected_seed) {
                    assert!(close(*seed, *expected), "{logits:?} {label}: {seed} {expected}");
                }
            }
        }
    }

    #[test]
    fn margin_is_positive_just_when_the_label_is_not_on_top() {
        let mut seed = [0.0; 3];
        assert_eq!(Loss::Margin.value_and_seed(&[1.0, 4.0, 2.5], 1, &mut seed), -1.5);
        assert_eq!(seed, [0.0, -1.0, 1.0]);
        assert_eq!(Loss::Margin.value_and_seed(&[1.0, 4.0, 2.5], 0, &mut seed), 3.0);
        assert_eq!(seed, [-1.0, 1.0, 0.0]);
    }
}
