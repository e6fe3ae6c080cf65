use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ascent::{Ascent, L1Step, StepSize, randomise};
use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Projected gradient descent: steps uphill on the cross-entropy of the true class, each followed by a projection to
    /// the epsilon ball and a clip to the valid inputs, from the row itself and from random points of the ball. The last
    /// iterate of each start counts, the worst case of all starts is reported.
    ///
    /// ## Why it matters
    /// It is the standard measure of how far a person who knows the model, or a close copy of it, can push its decisions
    /// by small changes of the inputs that they control.
    ///
    /// ## References
    /// - Madry et al.: Towards Deep Learning Models Resistant to Adversarial Attacks, ICLR 2018,
    ///   <https://arxiv.org/abs/1706.06083>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-PGD-002",
            name: "pgd",
            title: "Projected gradient descent",
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
        parameters: ParameterSet::of::<PgdParameters>(),
        run,
    };
}

/// Parameters of `pgd`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct PgdParameters {
    /// Gradient steps from each start.
    #[schemars(range(min = 1, max = 100_000))]
    steps: u32,
    /// Length of a step as a fraction of epsilon. Not set: 2.5 / steps, at most 1, so that every point of the ball can
    /// be reached from any start, with steps left to settle.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 2.0))]
    relative_step_size: Option<f64>,
    /// Length of a step in units of distance; goes before `relative_step_size`.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    step_size: Option<f64>,
    /// Whether to start from random points of the ball too, not from the row alone.
    random_start: bool,
    /// Random starts besides the start at the row itself.
    #[schemars(range(min = 1, max = 1_000))]
    restarts: u32,
    /// How a step under L1 is made.
    l1_step: L1Step,
}

impl Default for PgdParameters {
    fn default() -> Self {
        Self {
            steps: 40,
            relative_step_size: None,
            step_size: None,
            random_start: true,
            restarts: 1,
            l1_step: L1Step::default(),
        }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: PgdParameters = parameters.read();
    let relative =
        parameters.relative_step_size.unwrap_or_else(|| relative_step_size(parameters.steps));
    let ascent = Ascent {
        steps: parameters.steps,
        step_size: parameters.step_size.map_or(StepSize::Relative(relative), StepSize::Absolute),
        l1_step: parameters.l1_step,
    };
    attack(batch, &ascent, if parameters.random_start { parameters.restarts } else { 0 })
}

/// 2.5 / steps, at most 1 (Madry et al. 2018).
pub(crate) fn relative_step_size(steps: u32) -> f64 {
    (2.5 / f64::from(steps)).min(1.0)
}

/// Climbs from the row itself, then from random starts where nothing is found yet.
pub(crate) fn attack(
    batch: &mut Batch<'_, '_>,
    ascent: &Ascent,
    restarts: u32,
) -> Result<(), RobustnessError> {
    for start in 0..=restarts {
        let rows = batch.survivors();
        if rows.is_empty() {
            break;
        }
        let mut points = batch.gather(&rows, &batch.origin);
        if start > 0 {
            randomise(batch, &rows, start, &mut points);
        }
        ascent.climb(batch, &rows, &mut points)?;
    }
    Ok(())
}
