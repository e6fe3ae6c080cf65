use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ascent::{L1Step, steepest};
use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::losses::AttackLoss;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// The fast gradient method with as small an epsilon as it takes: goes from the row in the direction in which the
    /// cross-entropy of the true class rises most, clipped to the valid inputs, first in equal steps until the decision
    /// flips, then by halving.
    ///
    /// ## Why it matters
    /// It costs an attacker one gradient and some queries, and gives the distance at which the simplest attack begins to work.
    ///
    /// ## References
    /// - Goodfellow, Shlens, Szegedy: Explaining and Harnessing Adversarial Examples, ICLR 2015,
    ///   <https://arxiv.org/abs/1412.6572>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-FGSM-MINIMAL-001",
            name: "fgsm-minimal",
            title: "Fast gradient (sign) method with the smallest epsilon",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Gradients,
        norms: &[Norm::Linf, Norm::L2, Norm::L1],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<FgsmMinimalParameters>(),
        run,
    };
}

/// Parameters of `fgsm-minimal`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct FgsmMinimalParameters {
    /// Equal steps from the row to the end of what is valid.
    #[schemars(range(min = 1, max = 100_000))]
    steps: u32,
    /// Halvings of the step in which the decision flips.
    #[schemars(range(max = 50))]
    refine_steps: u32,
    /// How a step under L1 is made.
    l1_step: L1Step,
}

impl Default for FgsmMinimalParameters {
    fn default() -> Self {
        Self { steps: 100, refine_steps: 12, l1_step: L1Step::default() }
    }
}

/// Points asked about at once.
const AT_ONCE: usize = 16;

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: FgsmMinimalParameters = parameters.read();
    let rows = batch.all();
    let aims = batch.aims(&rows);
    let points = batch.origin.clone();
    let mut losses = vec![0.0; rows.len()];
    let mut directions = vec![0.0; points.len()];
    let loss = |k: usize, logits: &[f32], seed: &mut [f32]| {
        AttackLoss::CrossEntropy.value_and_seed(logits, aims[k], seed)
    };
    batch.loss_and_gradient(&rows, &points, loss, &mut losses, &mut directions)?;
    batch.each_row(|batch, row| {
        let span = batch.span(row);
        let direction = &mut directions[span];
        batch.still(row, direction);
        let (low, high) = batch.bounds_of(row);
        let origin = batch.origin_of(row);
        steepest(batch.task.norm, parameters.l1_step, origin, low, high, direction);
        search(batch, &parameters, row, direction)
    })
}

fn search(
    batch: &mut Batch<'_, '_>,
    parameters: &FgsmMinimalParameters,
    row: usize,
    direction: &[f32],
) -> Result<(), RobustnessError> {
    let origin = batch.origin_of(row).to_vec();
    let (low, high) = batch.bounds_of(row);
    let bounds: Vec<(f32, f32)> = low.iter().copied().zip(high.iter().copied()).collect();
    let at = |length: f64, into: &mut Vec<f32>| {
        let sides = origin.iter().zip(direction).zip(&bounds);
        into.extend(sides.map(|((&own, &slope), &(low, high))| {
            (own + (length * f64::from(slope)) as f32).max(low).min(high)
        }));
    };
    let ends = origin.iter().zip(direction).zip(&bounds).map(|((&own, &slope), &(low, high))| {
        if slope > 0.0 {
            high - own
        } else if slope < 0.0 {
            own - low
        } else {
            0.0
        }
    });
    let most = batch.task.norm.of(&ends.collect::<Vec<f32>>());
    if most == 0.0 {
        return Ok(());
    }
    let length = |step: usize| most * step as f64 / f64::from(parameters.steps);
    let mut points = Vec::with_capacity(AT_ONCE * origin.len());
    let steps = parameters.steps as usize;
    let mut asked = 0;
    while asked < steps {
        let left = batch.remaining(row);
        let count = AT_ONCE.min(steps - asked).min(left.clamp(1, AT_ONCE as u64) as usize);
        points.clear();
        (1..=count).for_each(|step| at(length(asked + step), &mut points));
        batch.query(row, &points)?;
        if let Some(first) = batch.fooled().iter().position(|&fooled| fooled) {
            let (mut without, mut with) = (length(asked + first), length(asked + first + 1));
            for _ in 0..parameters.refine_steps {
                let middle = 0.5 * (without + with);
                points.clear();
                at(middle, &mut points);
                if batch.is_adversarial(row, &points)? {
                    with = middle;
                } else {
                    without = middle;
                }
            }
            return Ok(());
        }
        asked += count;
    }
    Ok(())
}
