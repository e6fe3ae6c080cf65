//! Parameters of the attacks, and what they have in common.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far an attacker may go, on how many rows, and what is enough.
pub(crate) struct Budget {
    /// Ascending, without repetition, holds `threshold_epsilon`.
    pub(crate) epsilons: Vec<f64>,
    pub(crate) threshold_epsilon: f64,
    pub(crate) minimum_robust_accuracy: Option<f64>,
    pub(crate) rows: usize,
}

/// Parameters of `RB-FGSM-001`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FgsmParameters {
    /// Perturbation sizes, each a fraction of every feature's declared range.
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    pub(crate) epsilons: Vec<f64>,
    /// The perturbation size at which the gate judges.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) threshold_epsilon: f64,
    /// Smallest acceptable robust accuracy at `threshold_epsilon`. Not set: nine tenths of the
    /// clean accuracy, so that at most one correct decision in ten may flip, whatever the model's
    /// skill and the shares of the classes.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) minimum_robust_accuracy: Option<f64>,
    /// Most rows to attack; a larger data set is sampled by the seed. 0: all.
    pub(crate) rows: u32,
}

impl Default for FgsmParameters {
    fn default() -> Self {
        Self {
            epsilons: vec![0.01, 0.02, 0.03, 0.05, 0.1],
            threshold_epsilon: 0.03,
            minimum_robust_accuracy: None,
            rows: 5_000,
        }
    }
}

/// Parameters of `RB-PGD-001`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PgdParameters {
    /// Perturbation sizes, each a fraction of every feature's declared range.
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    pub(crate) epsilons: Vec<f64>,
    /// Gradient steps from each start.
    #[schemars(range(min = 1, max = 10_000))]
    pub(crate) steps: u32,
    /// Step size as a fraction of epsilon. Not set: 2.5 / steps, at most 1, so that every point of
    /// the ball can be reached from any start, with steps left to settle (Madry et al. 2018).
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 2.0))]
    pub(crate) relative_step_size: Option<f64>,
    /// Random starts besides the start at the row itself; the worst case of all counts.
    #[schemars(range(max = 1_000))]
    pub(crate) restarts: u32,
    /// The perturbation size at which the gate judges.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) threshold_epsilon: f64,
    /// Smallest acceptable robust accuracy at `threshold_epsilon`. Not set: nine tenths of the
    /// clean accuracy, so that at most one correct decision in ten may flip, whatever the model's
    /// skill and the shares of the classes.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) minimum_robust_accuracy: Option<f64>,
    /// Most rows to attack; a larger data set is sampled by the seed. 0: all.
    pub(crate) rows: u32,
}

impl Default for PgdParameters {
    fn default() -> Self {
        let FgsmParameters { epsilons, threshold_epsilon, minimum_robust_accuracy, rows } =
            FgsmParameters::default();
        Self {
            epsilons,
            steps: 40,
            relative_step_size: None,
            restarts: 2,
            threshold_epsilon,
            minimum_robust_accuracy,
            rows,
        }
    }
}

impl Budget {
    pub(crate) fn new(
        epsilons: &[f64],
        threshold_epsilon: f64,
        minimum_robust_accuracy: Option<f64>,
        rows: u32,
    ) -> Self {
        let mut epsilons: Vec<f64> = epsilons.to_vec();
        epsilons.push(threshold_epsilon);
        epsilons.sort_by(f64::total_cmp);
        epsilons.dedup();
        let rows = if rows == 0 { usize::MAX } else { rows as usize };
        Self { epsilons, threshold_epsilon, minimum_robust_accuracy, rows }
    }
}
