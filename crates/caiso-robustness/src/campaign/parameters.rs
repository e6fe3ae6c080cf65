//! What a campaign is asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Norm;

/// Parameters of `RB-REDTEAM-001`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CampaignParameters {
    /// Names of the attacks; `caiso robustness list` shows them. Empty: all that fit the model and the norm.
    pub(super) attacks: Vec<String>,
    /// How the size of a change is measured, each feature divided by its range: linf, l2, l1 or l0.
    pub(super) norm: Norm,
    /// Perturbation sizes. Empty: five that are usual for the norm.
    #[schemars(inner(range(min = 0.0)))]
    pub(super) epsilons: Vec<f64>,
    /// The perturbation size at which the gate judges. Not set: the middle one of `epsilons`.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub(super) threshold_epsilon: Option<f64>,
    /// Smallest acceptable robust accuracy at `threshold_epsilon`, in the worst case of all attacks. Not set: nine
    /// tenths of the clean accuracy.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(super) minimum_robust_accuracy: Option<f64>,
    /// Stop as soon as it is known with this confidence on which side of `minimum_robust_accuracy` the model lies. Not set:
    /// the campaign runs to its end.
    #[schemars(range(min = 0.5, max = 0.9999))]
    pub(super) confidence: Option<f64>,
    /// Most rows to attack; a larger data set is sampled by the seed. 0: all.
    pub(super) rows: u32,
    /// Sets of parameters tried for each attack: its defaults, and others drawn around them.
    #[schemars(range(min = 1, max = 100))]
    pub(super) configurations: u32,
    /// Most queries that one attack may spend on one row; a gradient counts as one.
    #[schemars(range(min = 1))]
    pub(super) queries_per_row: u64,
    /// Most queries of the whole campaign. Not set: any number.
    #[schemars(range(min = 1))]
    pub(super) budget_queries: Option<u64>,
}

impl Default for CampaignParameters {
    fn default() -> Self {
        Self {
            attacks: Vec::new(),
            norm: Norm::Linf,
            epsilons: Vec::new(),
            threshold_epsilon: None,
            minimum_robust_accuracy: None,
            confidence: None,
            rows: 1_000,
            configurations: 3,
            queries_per_row: 5_000,
            budget_queries: None,
        }
    }
}

impl CampaignParameters {
    /// All epsilons, ascending, and the one at which the gate judges.
    pub(super) fn epsilons(&self) -> (Vec<f64>, f64) {
        let usual: &[f64] = match self.norm {
            Norm::Linf => &[0.01, 0.02, 0.03, 0.05, 0.1],
            Norm::L2 => &[0.05, 0.1, 0.2, 0.5, 1.0],
            Norm::L1 => &[0.1, 0.2, 0.5, 1.0, 2.0],
            Norm::L0 => &[1.0, 2.0, 3.0, 5.0, 10.0],
        };
        // An epsilon of 0 is no attack; every curve begins there anyway.
        let mut epsilons: Vec<f64> =
            self.epsilons.iter().copied().filter(|&epsilon| epsilon > 0.0).collect();
        if epsilons.is_empty() {
            epsilons = usual.to_vec();
        }
        epsilons.sort_by(f64::total_cmp);
        epsilons.dedup();
        let threshold = self.threshold_epsilon.unwrap_or(epsilons[epsilons.len() / 2]);
        epsilons.push(threshold);
        epsilons.sort_by(f64::total_cmp);
        epsilons.dedup();
        (epsilons, threshold)
    }
}
