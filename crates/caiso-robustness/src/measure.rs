//! Which of a row's adversarial examples an attack reports.

use crate::norm::Distances;
use crate::{Domain, FeatureDomain, Norm};

/// What is least in the adversarial example that is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Measure {
    /// The distance in the norm of the run.
    #[default]
    Distance,
    /// `l1 * L1 + L2^2` (elastic net).
    Elastic {
        /// Weight of the L1 distance.
        l1: f64,
    },
    /// The distance in the norm of the run of changes multiplied by a weight for each feature.
    Weighted(Vec<f64>),
    /// The lead of the true class over all others, or of all others over the target: the most confident mistake is kept.
    Lead,
}

impl Measure {
    /// The measure of `point` as a stand-in for `row`, both in the model's units, where the model gives it these logits.
    pub(crate) fn of(
        &self,
        domain: &Domain,
        norm: Norm,
        (row, point): (&[f32], &[f32]),
        distances: &Distances,
        (logits, label, target): (&[f32], usize, Option<usize>),
    ) -> f64 {
        match self {
            Self::Distance => distances.in_norm(norm),
            Self::Elastic { l1 } => l1 * distances.l1 + distances.l2 * distances.l2,
            Self::Weighted(weights) => {
                let units = domain.features().iter().map(FeatureDomain::unit);
                let changes = row.iter().zip(point).zip(units.zip(weights));
                Distances::of(changes.map(|((&own, &moved), (unit, weight))| {
                    weight * (f64::from(moved) - f64::from(own)) / unit
                }))
                .in_norm(norm)
            }
            Self::Lead => match target {
                Some(target) => -lead(logits, target),
                None => lead(logits, label),
            },
        }
    }
}

/// By how much the logit of a class exceeds the largest other.
fn lead(logits: &[f32], class: usize) -> f64 {
    let others = logits.iter().enumerate().filter(|&(other, _)| other != class);
    let rival = others.map(|(_, &logit)| logit).fold(f32::NEG_INFINITY, f32::max);
    f64::from(logits[class]) - f64::from(rival)
}
