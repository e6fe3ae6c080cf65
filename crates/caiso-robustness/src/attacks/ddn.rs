use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::{Access, Loss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::objective::Objective;
use crate::refine::refine;
use crate::schedule::annealed;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Decoupled direction and norm: steps along the gradient of the cross-entropy, each followed by a projection to a sphere
    /// around the row. The sphere shrinks by a few percent after each adversarial point and grows after any other, so that
    /// the points wander along the decision boundary to the place nearest to the row.
    ///
    /// ## Why it matters
    /// It finds how little has to change in L2 at a tenth of the gradients of the attack of Carlini and Wagner.
    ///
    /// ## References
    /// - Rony et al.: Decoupling Direction and Norm for Efficient Gradient-Based L2 Adversarial Attacks and Defenses, CVPR
    ///   2019, <https://arxiv.org/abs/1811.09600>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-DDN-001",
            name: "ddn",
            title: "Decoupled direction and norm",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Gradients,
        norms: &[Norm::L2],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<DdnParameters>(),
        run,
    };
}

/// Parameters of `ddn`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct DdnParameters {
    /// Gradient steps.
    #[schemars(range(min = 1, max = 100_000))]
    steps: u32,
    /// Radius of the first sphere, as a share of the widest feature.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    initial_epsilon: f64,
    /// By what share the sphere shrinks or grows after each step.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    gamma: f64,
    /// Length of the first step, as a share of the widest feature; steps shrink to a hundredth of it.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    relative_step_size: f64,
    /// Bisections between the row and what was found.
    #[schemars(range(max = 30))]
    refine_steps: u32,
}

impl Default for DdnParameters {
    fn default() -> Self {
        Self {
            steps: 100,
            initial_epsilon: 1.0,
            gamma: 0.05,
            relative_step_size: 1.0,
            refine_steps: 10,
        }
    }
}

/// Lane of the directions taken where the gradient is zero.
const FLAT: u32 = 0x1000_0000;

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: DdnParameters = parameters.read();
    let (rows, width) = (batch.all(), batch.width);
    let objective = Objective::new(batch, Loss::CrossEntropy);
    let extents: Vec<f64> = rows.iter().map(|&row| batch.extent(row)).collect();
    let farthest: Vec<f64> = rows.iter().map(|&row| batch.farthest(row, Norm::L2)).collect();
    let mut epsilons: Vec<f64> =
        extents.iter().map(|extent| parameters.initial_epsilon * extent).collect();
    let mut points = batch.origin.clone();
    let mut gradients = vec![0.0; points.len()];
    let mut losses = vec![0.0; rows.len()];
    for step in 0..parameters.steps {
        let loss =
            |k: usize, logits: &[f32], seed: &mut [f32]| objective.value_and_seed(k, logits, seed);
        batch.loss_and_gradient(&rows, &points, loss, &mut losses, &mut gradients)?;
        batch.record()?;
        let share = annealed(1.0, 0.01, step, parameters.steps) * parameters.relative_step_size;
        for &row in &rows {
            let span = row * width..(row + 1) * width;
            let (point, gradient) = (&mut points[span.clone()], &mut gradients[span]);
            batch.still(row, gradient);
            if gradient.iter().all(|&slope| slope == 0.0) {
                let mut stream = batch.stream(row).lane(FLAT + step);
                gradient.fill_with(|| stream.next_normal() as f32);
                batch.still(row, gradient);
            }
            let turn = if batch.fooled()[row] { -parameters.gamma } else { parameters.gamma };
            epsilons[row] = (epsilons[row] * (1.0 + turn)).min(farthest[row]);
            let length = Norm::L2.of(gradient);
            let stride = if length > 0.0 { (share * extents[row] / length) as f32 } else { 0.0 };
            for (value, slope) in point.iter_mut().zip(&*gradient) {
                *value += stride * slope;
            }
            to_sphere(batch, row, epsilons[row], point);
        }
    }
    batch.evaluate(&rows, &points)?;
    refine(batch, parameters.refine_steps)
}

/// Moves a point along the ray from its row to distance `epsilon`, then into the box.
fn to_sphere(batch: &Batch<'_, '_>, row: usize, epsilon: f64, point: &mut [f32]) {
    let (own, (low, high)) = (batch.origin_of(row), batch.bounds_of(row));
    let squares = point.iter().zip(own).map(|(&x, &own)| f64::from(x - own).powi(2));
    let length = squares.sum::<f64>().sqrt();
    let factor = if length > 0.0 { (epsilon / length) as f32 } else { 0.0 };
    for ((value, &own), (&low, &high)) in point.iter_mut().zip(own).zip(low.iter().zip(high)) {
        *value = (own + factor * (*value - own)).max(low).min(high);
    }
}
