use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apgd::{self, ApgdParameters};
use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::losses::Aim;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// The steps of `apgd-ce`, driven to one other class after another, the most likely first: what is raised is how far that
    /// class's logit is above that of the true class, as a share of the distance between the largest logit and the mean of the third and
    /// fourth. Every misclassified point counts, whatever its class. With two or three classes the ratio does not exist: the
    /// difference alone is raised, and the result says so.
    ///
    /// ## Why it matters
    /// An attack that only leaves the true class follows the nearest rival of each moment and gets stuck where the rivals hold
    /// the balance. Aiming at one class at a time does not.
    ///
    /// ## References
    /// - Croce, Hein: Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks, ICML
    ///   2020, <https://arxiv.org/abs/2003.01690>
    /// - Croce, Hein: Mind the Box: l1-APGD for Sparse Adversarial Attacks on Image Classifiers, ICML 2021,
    ///   <https://arxiv.org/abs/2103.01208>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-APGD-T-001",
            name: "apgd-t",
            title: "Auto-PGD towards one class after another",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Gradients,
        norms: &[Norm::Linf, Norm::L2, Norm::L1],
        goal: Goal::WithinEpsilon,
        scope: Scope::Row,
        parameters: ParameterSet::of::<ApgdTargetedParameters>(),
        run,
    };
}

/// Parameters of `apgd-t`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ApgdTargetedParameters {
    /// Classes aimed at, the most likely first; no more than there are.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) target_classes: u32,
    /// Gradient steps from each start.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) steps: u32,
    /// Random starts for each class.
    #[schemars(range(min = 1, max = 1_000))]
    pub(crate) restarts: u32,
    /// Steps are halved when no more than this share of them raised the loss.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) rho: f64,
    /// Under L1 only: three tenths of the steps within 3 epsilon, three tenths within 2 epsilon, the rest within
    /// epsilon.
    pub(crate) decreasing_epsilon: bool,
}

impl Default for ApgdTargetedParameters {
    fn default() -> Self {
        let ApgdParameters { steps, restarts, rho, decreasing_epsilon } = ApgdParameters::default();
        Self { target_classes: 9, steps, restarts, rho, decreasing_epsilon }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    attack(batch, &parameters.read())
}

/// Attacks what still stands, one class after another.
pub(crate) fn attack(
    batch: &mut Batch<'_, '_>,
    parameters: &ApgdTargetedParameters,
) -> Result<(), RobustnessError> {
    let &ApgdTargetedParameters { target_classes, steps, restarts, rho, decreasing_epsilon } =
        parameters;
    let parameters = ApgdParameters { steps, restarts, rho, decreasing_epsilon };
    let loss = batch.ratio_or_margin(true);
    let ranking = batch.rivals(target_classes as usize)?;
    for place in 0..ranking.most {
        for start in 0..restarts {
            let rows = batch.survivors();
            let aim = |&row: &usize| Aim {
                label: batch.labels[row],
                target: Some(ranking.of(row)[place]),
            };
            let aims: Vec<Aim> = rows.iter().map(aim).collect();
            let lane = place as u32 * restarts + start;
            apgd::attack(batch, &parameters, loss, &rows, &aims, lane)?;
        }
    }
    Ok(())
}
