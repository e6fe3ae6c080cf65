use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::{Access, Loss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::norm::project;
use crate::objective::Objective;
use crate::refine::refine;
use crate::schedule::annealed;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Fast minimum norm: steps along the gradient of the margin, each followed by a projection to a ball around the row. As
    /// long as nothing is found, the ball reaches to where the gradient expects the decision boundary; from then on it
    /// shrinks after each adversarial point and grows after any other, by less and less.
    ///
    /// ## Why it matters
    /// One attack of about a hundred gradients that answers in every norm, the sparse ones included: how few features, or how
    /// little in sum, at the largest or in length has to change.
    ///
    /// ## References
    /// - Pintor et al.: Fast Minimum-norm Adversarial Attacks through Adaptive Norm Constraints, NeurIPS 2021,
    ///   <https://arxiv.org/abs/2102.12827>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-FMN-001",
            name: "fmn",
            title: "Fast minimum norm",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Gradients,
        norms: &[Norm::Linf, Norm::L2, Norm::L1, Norm::L0],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<FmnParameters>(),
        run,
    };
}

/// Parameters of `fmn`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct FmnParameters {
    /// Gradient steps.
    #[schemars(range(min = 1, max = 100_000))]
    steps: u32,
    /// Euclidean length of the first step, as a share of the widest feature; steps shrink to a hundredth of it.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    relative_step_size: f64,
    /// By what share the ball shrinks or grows after the first step; a thousandth after the last.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    gamma: f64,
    /// Bisections between the row and what was found; under L0 any number but 0 gives features that need not change their
    /// own values back.
    #[schemars(range(max = 30))]
    refine_steps: u32,
}

impl Default for FmnParameters {
    fn default() -> Self {
        Self { steps: 100, relative_step_size: 1.0, gamma: 0.05, refine_steps: 10 }
    }
}

/// The ball of one row.
struct Ball {
    epsilon: f64,
    /// Where it need not grow beyond.
    farthest: f64,
    /// Smallest norm of an adversarial point so far.
    nearest: f64,
    /// Widest feature.
    extent: f64,
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: FmnParameters = parameters.read();
    let (rows, width, norm) = (batch.all(), batch.width, batch.task.norm);
    let objective = Objective::new(batch, Loss::Margin);
    let ball = |&row: &usize| Ball {
        epsilon: if norm == Norm::L0 { 1.0 } else { f64::INFINITY },
        farthest: batch.farthest(row, norm),
        nearest: f64::INFINITY,
        extent: batch.extent(row),
    };
    let mut balls: Vec<Ball> = rows.iter().map(ball).collect();
    let mut points = batch.origin.clone();
    let mut gradients = vec![0.0; points.len()];
    let mut changes = vec![0.0; width];
    let mut margins = vec![0.0; rows.len()];
    for step in 0..parameters.steps {
        let loss =
            |k: usize, logits: &[f32], seed: &mut [f32]| objective.value_and_seed(k, logits, seed);
        batch.loss_and_gradient(&rows, &points, loss, &mut margins, &mut gradients)?;
        batch.record()?;
        let share = parameters.relative_step_size * annealed(1.0, 0.01, step, parameters.steps);
        let gamma = annealed(parameters.gamma, 0.001, step, parameters.steps);
        for (&row, ball) in rows.iter().zip(&mut balls) {
            let span = row * width..(row + 1) * width;
            let (point, gradient) = (&mut points[span.clone()], &mut gradients[span]);
            batch.still(row, gradient);
            batch.block(row, point, gradient);
            let own = batch.origin_of(row);
            for ((change, &x), &own) in changes.iter_mut().zip(&*point).zip(own) {
                *change = x - own;
            }
            let size = norm.of(&changes);
            if batch.fooled()[row] {
                ball.nearest = ball.nearest.min(size);
                ball.shrink(norm, gamma);
            } else {
                let boundary = f64::from(margins[row].abs()) / dual(norm).of(gradient);
                // A little beyond, or the boundary of a linear model is met but not crossed.
                ball.grow(norm, gamma, (size + boundary) * (1.0 + gamma));
            }
            let length = Norm::L2.of(gradient);
            if length > 0.0 {
                let stride = (share * ball.extent / length) as f32;
                for (value, slope) in point.iter_mut().zip(&*gradient) {
                    *value += stride * slope;
                }
            }
            let (low, high) = batch.bounds_of(row);
            project(norm, ball.epsilon as f32, own, low, high, point);
        }
    }
    batch.evaluate(&rows, &points)?;
    refine(batch, parameters.refine_steps)
}

impl Ball {
    fn shrink(&mut self, norm: Norm, gamma: f64) {
        let smaller = self.epsilon * (1.0 - gamma);
        let smaller = match norm {
            Norm::L0 => smaller.floor().min(self.epsilon - 1.0).max(1.0),
            Norm::Linf | Norm::L2 | Norm::L1 => smaller,
        };
        self.epsilon = smaller.min(self.nearest).min(self.farthest);
    }

    /// `expected`: where the boundary would be if the margin were linear.
    fn grow(&mut self, norm: Norm, gamma: f64, expected: f64) {
        let larger = self.epsilon * (1.0 + gamma);
        let larger = match norm {
            Norm::L0 => larger.floor().max(self.epsilon + 1.0),
            Norm::Linf | Norm::L2 | Norm::L1 if self.nearest.is_finite() => larger,
            Norm::Linf | Norm::L2 | Norm::L1 if expected.is_finite() => expected,
            Norm::Linf | Norm::L2 | Norm::L1 => self.farthest,
        };
        self.epsilon = larger.min(self.farthest);
    }
}

/// The norm that measures gradients where changes are measured in `norm`.
fn dual(norm: Norm) -> Norm {
    match norm {
        Norm::Linf => Norm::L1,
        Norm::L2 => Norm::L2,
        Norm::L1 | Norm::L0 => Norm::Linf,
    }
}
