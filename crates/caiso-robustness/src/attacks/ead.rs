use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::{Access, Loss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::measure::Measure;
use crate::objective::Objective;
use crate::refine::refine;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// The elastic-net attack: accelerated gradient descent on the square of the change plus a constant times the margin,
    /// with every step followed by shrinking all changes towards zero, so that most features do not change at all. The
    /// constant of each row is searched for.
    ///
    /// ## Why it matters
    /// Few features changed by little are how a person adapts an application, and defences against small changes everywhere
    /// do not see it.
    ///
    /// ## References
    /// - Chen et al.: EAD: Elastic-Net Attacks to Deep Neural Networks via Adversarial Examples, AAAI 2018,
    ///   <https://arxiv.org/abs/1709.04114>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-EAD-001",
            name: "ead",
            title: "Elastic-net attack",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Gradients,
        norms: &[Norm::L1],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<EadParameters>(),
        run,
    };
}

/// Parameters of `ead`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct EadParameters {
    /// Most gradient steps for each constant.
    #[schemars(range(min = 1, max = 1_000_000))]
    steps: u32,
    /// Constants tried for each row: tenfold until one succeeds, then bisected.
    #[schemars(range(min = 1, max = 30))]
    binary_search_steps: u32,
    /// Length of the first step in the gradient's own units; it falls with the root of the steps left.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    step_size: f64,
    /// The first constant.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    initial_const: f64,
    /// By how much changes shrink after each step, as a share of the widest feature: the weight of L1.
    #[schemars(range(min = 0.0))]
    regularization: f64,
    /// Which adversarial example is kept.
    decision_rule: DecisionRule,
    /// By how much, in logits, the wrong class shall lead.
    #[schemars(range(min = 0.0))]
    confidence: f64,
    /// Whether a row stops when its loss has not fallen by a ten-thousandth within a tenth of the steps.
    abort_early: bool,
    /// Bisections between the row and what was found.
    #[schemars(range(max = 30))]
    refine_steps: u32,
}

/// What is least in the example that is kept.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum DecisionRule {
    /// The sum of the absolute changes.
    #[default]
    L1,
    /// `regularization * L1 + L2^2`.
    En,
}

impl Default for EadParameters {
    fn default() -> Self {
        Self {
            steps: 1_000,
            binary_search_steps: 9,
            step_size: 0.01,
            initial_const: 1e-3,
            regularization: 0.01,
            decision_rule: DecisionRule::default(),
            confidence: 0.0,
            abort_early: true,
            refine_steps: 10,
        }
    }
}

/// One row's search.
struct Trial {
    row: usize,
    constant: f64,
    ends: (f64, f64),
    success: bool,
    loss: f64,
    /// Widest feature.
    extent: f32,
    /// The iterate and the point ahead of it.
    x: Vec<f32>,
    y: Vec<f32>,
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: EadParameters = parameters.read();
    if matches!(parameters.decision_rule, DecisionRule::En) {
        batch.measure = Measure::Elastic { l1: parameters.regularization };
    }
    let trial = |row: usize| Trial {
        row,
        constant: parameters.initial_const,
        ends: (0.0, f64::INFINITY),
        success: false,
        loss: f64::INFINITY,
        extent: batch.extent(row) as f32,
        x: Vec::new(),
        y: Vec::new(),
    };
    let mut trials: Vec<Trial> = batch.all().into_iter().map(trial).collect();
    for _ in 0..parameters.binary_search_steps {
        for trial in &mut trials {
            trial.success = false;
            trial.loss = f64::INFINITY;
            trial.x = batch.origin_of(trial.row).to_vec();
            trial.y = trial.x.clone();
        }
        descend(batch, &mut trials, &parameters)?;
        for trial in &mut trials {
            let (low, high) = &mut trial.ends;
            *(if trial.success { &mut *high } else { &mut *low }) = trial.constant;
            trial.constant =
                if high.is_finite() { f64::midpoint(*low, *high) } else { trial.constant * 10.0 };
        }
    }
    refine(batch, parameters.refine_steps)
}

/// Iterative shrinkage and thresholding with momentum (Beck and Teboulle 2009, <https://doi.org/10.1137/080716542>).
fn descend(
    batch: &mut Batch<'_, '_>,
    trials: &mut [Trial],
    parameters: &EadParameters,
) -> Result<(), RobustnessError> {
    let width = batch.width;
    let objective = Objective::new(batch, Loss::Margin);
    let confidence = parameters.confidence as f32;
    let mut live: Vec<usize> = (0..trials.len()).collect();
    let (mut rows, mut points) = (Vec::new(), Vec::new());
    let mut margins = vec![0.0; trials.len()];
    let mut gradients = vec![0.0; trials.len() * width];
    let price = batch.price(1) + 1;
    for step in 0..parameters.steps {
        live.retain(|&t| batch.affords(trials[t].row, price));
        if live.is_empty() {
            break;
        }
        rows.clear();
        points.clear();
        for &t in &live {
            rows.push(trials[t].row);
            points.extend_from_slice(&trials[t].y);
        }
        let gradients = &mut gradients[..points.len()];
        let loss = |k: usize, logits: &[f32], seed: &mut [f32]| {
            objective.value_and_seed(rows[k], logits, seed)
        };
        batch.loss_and_gradient(&rows, &points, loss, &mut margins, gradients)?;
        let left = 1.0 - f64::from(step) / f64::from(parameters.steps);
        let rate = (parameters.step_size * left.sqrt()) as f32;
        let ahead = step as f32 / (step as f32 + 3.0);
        let checks = step > 0 && step % parameters.steps.div_ceil(10) == 0;
        points.clear();
        let mut still = Vec::with_capacity(live.len());
        for (k, &t) in live.iter().enumerate() {
            let trial = &mut trials[t];
            let (own, (low, high)) = (batch.origin_of(trial.row), batch.bounds_of(trial.row));
            let short = confidence - margins[k];
            let pull = if short > 0.0 { trial.constant as f32 } else { 0.0 };
            let gradient = &gradients[k * width..][..width];
            let shrinkage = parameters.regularization as f32 * trial.extent;
            let mut squares = 0.0;
            for j in 0..width {
                let change = trial.y[j] - own[j];
                squares += f64::from(change / trial.extent).powi(2);
                let uphill = if gradient[j].is_finite() { gradient[j] } else { 0.0 };
                let descent = 2.0 * change - pull * trial.extent * trial.extent * uphill;
                let moved = change - rate * descent;
                let shrunk = moved.signum() * (moved.abs() - shrinkage).max(0.0);
                let next = (own[j] + shrunk).max(low[j]).min(high[j]);
                trial.y[j] = next + ahead * (next - trial.x[j]);
                trial.x[j] = next;
            }
            points.extend_from_slice(&trial.x);
            let loss = squares + trial.constant * f64::from(short.max(0.0));
            let stuck = checks && parameters.abort_early && loss > 0.9999 * trial.loss;
            if checks {
                trial.loss = loss;
            }
            still.push(!stuck);
        }
        batch.evaluate(&rows, &points)?;
        let mut k = 0;
        live.retain(|&t| {
            trials[t].success |= batch.fooled()[k];
            k += 1;
            still[k - 1]
        });
    }
    Ok(())
}
