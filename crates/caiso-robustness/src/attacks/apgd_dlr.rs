use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;

use crate::apgd::{ApgdParameters, untargeted};
use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// The steps of `apgd-ce`, on another loss: how far the largest other logit is above that of the true class, as a share of
    /// the distance between the largest and the third. With two classes there is no third: the difference alone is raised, and
    /// the result says so.
    ///
    /// ## Why it matters
    /// The cross-entropy of a model that is very sure of itself has no slope left in single precision, and its attacks fail for
    /// that reason alone. The ratio changes neither with the scale nor with the shift of the logits.
    ///
    /// ## References
    /// - Croce, Hein: Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks, ICML
    ///   2020, <https://arxiv.org/abs/2003.01690>
    /// - Croce, Hein: Mind the Box: l1-APGD for Sparse Adversarial Attacks on Image Classifiers, ICML 2021,
    ///   <https://arxiv.org/abs/2103.01208>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-APGD-DLR-001",
            name: "apgd-dlr",
            title: "Auto-PGD on the difference of logits ratio",
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
    let loss = batch.ratio_or_margin(batch.targets.is_some());
    untargeted(batch, &parameters.read(), loss)
}
