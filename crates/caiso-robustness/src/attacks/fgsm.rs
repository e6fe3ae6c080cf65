use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ascent::{Ascent, L1Step, StepSize};
use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// The fast gradient method: one step as long as epsilon in the direction that raises the cross-entropy of the true
    /// class most, clipped to the valid inputs. Under L-infinity that is the sign of the gradient (FGSM), under L2 the
    /// gradient's own direction, under L1 the one steepest feature.
    ///
    /// ## Why it matters
    /// It costs an attacker one gradient, or one gradient of a similar model. What already falls to this falls to anybody.
    ///
    /// ## References
    /// - Goodfellow, Shlens, Szegedy: Explaining and Harnessing Adversarial Examples, ICLR 2015,
    ///   <https://arxiv.org/abs/1412.6572>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-FGSM-002",
            name: "fgsm",
            title: "Fast gradient (sign) method",
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
        parameters: ParameterSet::of::<FgsmParameters>(),
        run,
    };
}

/// Parameters of `fgsm`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct FgsmParameters {
    /// How a step under L1 is made.
    l1_step: L1Step,
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let FgsmParameters { l1_step } = parameters.read();
    let ascent = Ascent { steps: 1, step_size: StepSize::Relative(1.0), l1_step };
    let mut points = batch.origin.clone();
    ascent.climb(batch, &batch.all(), &mut points)
}
