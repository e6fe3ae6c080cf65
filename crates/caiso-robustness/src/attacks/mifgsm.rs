use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ascent::{Ascent, L1Step, StepSize, steepest};
use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::losses::AttackLoss;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Steps uphill on the cross-entropy of the true class as `bim` does, but along the sum of all gradients so far, each
    /// divided by its length, the older ones discounted. The last iterate counts.
    ///
    /// ## Why it matters
    /// Momentum keeps the attack from fitting the details of the model that it has the gradients of, so that what it finds more
    /// often fools another model too: it is the usual attack with a copy of the model.
    ///
    /// ## References
    /// - Dong et al.: Boosting Adversarial Attacks with Momentum, CVPR 2018, <https://arxiv.org/abs/1710.06081>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-MIFGSM-001",
            name: "mifgsm",
            title: "Momentum iterative fast gradient method",
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
        parameters: ParameterSet::of::<MifgsmParameters>(),
        run,
    };
}

/// Parameters of `mifgsm`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct MifgsmParameters {
    /// Gradient steps.
    #[schemars(range(min = 1, max = 100_000))]
    steps: u32,
    /// Length of a step as a fraction of epsilon. Not set: 1 / steps.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 2.0))]
    relative_step_size: Option<f64>,
    /// Length of a step in units of distance; goes before `relative_step_size`.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    step_size: Option<f64>,
    /// Weight of the gradients before in each step.
    #[schemars(range(min = 0.0, max = 10.0))]
    decay: f64,
    /// What each gradient is divided by before it is added.
    momentum_norm: MomentumNorm,
    /// How a step under L1 is made.
    l1_step: L1Step,
}

impl Default for MifgsmParameters {
    fn default() -> Self {
        Self {
            steps: 10,
            relative_step_size: None,
            step_size: None,
            decay: 1.0,
            momentum_norm: MomentumNorm::L1,
            l1_step: L1Step::default(),
        }
    }
}

/// What each gradient is divided by before it is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum MomentumNorm {
    /// Its L1 norm, as in the paper.
    L1,
    /// The gradient is replaced by the step that follows it, under L-infinity its sign.
    Sign,
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: MifgsmParameters = parameters.read();
    let relative = parameters.relative_step_size.unwrap_or(1.0 / f64::from(parameters.steps));
    let step_size = parameters.step_size.map_or(StepSize::Relative(relative), StepSize::Absolute);
    let ascent = Ascent { steps: 1, step_size, l1_step: parameters.l1_step };
    let rows = batch.all();
    let aims = batch.aims(&rows);
    let norm = batch.task.norm;
    let decay = parameters.decay as f32;
    let mut points = batch.origin.clone();
    let mut losses = vec![0.0; rows.len()];
    let mut gradients = vec![0.0; points.len()];
    let mut momentum = vec![0.0; points.len()];
    for _ in 0..parameters.steps {
        let loss = |k: usize, logits: &[f32], seed: &mut [f32]| {
            AttackLoss::CrossEntropy.value_and_seed(logits, aims[k], seed)
        };
        batch.loss_and_gradient(&rows, &points, loss, &mut losses, &mut gradients)?;
        for &row in &rows {
            let span = batch.span(row);
            let (low, high) = batch.bounds_of(row);
            let gradient = &mut gradients[span.clone()];
            batch.still(row, gradient);
            let scale = match parameters.momentum_norm {
                MomentumNorm::L1 => Norm::L1.of(gradient),
                MomentumNorm::Sign => {
                    let point = &points[span.clone()];
                    steepest(norm, parameters.l1_step, point, low, high, gradient);
                    1.0
                }
            };
            let factor = if scale > 0.0 { (1.0 / scale) as f32 } else { 0.0 };
            for (sum, slope) in momentum[span].iter_mut().zip(gradient) {
                *sum = decay * *sum + factor * *slope;
                *slope = *sum;
            }
        }
        ascent.step(batch, &rows, &mut points, &mut gradients);
    }
    batch.evaluate(&rows, &points)
}
