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
    /// The basic iterative method: steps uphill on the cross-entropy of the true class from the row itself, each step
    /// followed by a projection to the epsilon ball and a clip to the valid inputs. The last iterate counts.
    ///
    /// ## Why it matters
    /// It shows what a patient attacker gains over a single step, without any chance in it: two runs agree bit for bit,
    /// and so do other tools.
    ///
    /// ## References
    /// - Kurakin, Goodfellow, Bengio: Adversarial Examples in the Physical World, 2017,
    ///   <https://arxiv.org/abs/1607.02533>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-BIM-001",
            name: "bim",
            title: "Basic iterative method",
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
        parameters: ParameterSet::of::<BimParameters>(),
        run,
    };
}

/// Parameters of `bim`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct BimParameters {
    /// Gradient steps.
    #[schemars(range(min = 1, max = 100_000))]
    steps: u32,
    /// Length of a step as a fraction of epsilon.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 2.0))]
    relative_step_size: f64,
    /// Length of a step in units of distance; goes before `relative_step_size`.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    step_size: Option<f64>,
    /// How a step under L1 is made.
    l1_step: L1Step,
}

impl Default for BimParameters {
    fn default() -> Self {
        Self { steps: 10, relative_step_size: 0.2, step_size: None, l1_step: L1Step::default() }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let BimParameters { steps, relative_step_size, step_size, l1_step } = parameters.read();
    let step_size = step_size.map_or(StepSize::Relative(relative_step_size), StepSize::Absolute);
    let mut points = batch.origin.clone();
    Ascent { steps, step_size, l1_step }.climb(batch, &batch.all(), &mut points)
}
