use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;

use crate::apgd::{ApgdParameters, untargeted};
use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::losses::AttackLoss;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Projected gradient descent that finds its own step sizes: it begins with steps of two epsilon from a random point of
    /// the ball's surface, keeps momentum, and halves the steps and returns to the best point whenever the loss has stopped rising.
    /// It raises the cross-entropy of the true class. Any adversarial point on the way counts. Under L1 each step moves only the
    /// features with the largest slopes, as many as the best points so far needed, and is projected to what the ball and the
    /// valid inputs have in common.
    ///
    /// ## Why it matters
    /// Plain PGD depends on a step size that somebody has to choose, and a poor choice makes a model look robust. This attack
    /// leaves nothing to choose but the number of steps.
    ///
    /// ## References
    /// - Croce, Hein: Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks, ICML
    ///   2020, <https://arxiv.org/abs/2003.01690>
    /// - Croce, Hein: Mind the Box: l1-APGD for Sparse Adversarial Attacks on Image Classifiers, ICML 2021,
    ///   <https://arxiv.org/abs/2103.01208>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-APGD-CE-001",
            name: "apgd-ce",
            title: "Auto-PGD on the cross-entropy",
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
        parameters: ParameterSet::of::<ApgdParameters>(),
        run,
    };
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    untargeted(batch, &parameters.read(), AttackLoss::CrossEntropy)
}
