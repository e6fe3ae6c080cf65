use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::{Access, Loss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ascent::{L1Step, steepest};
use crate::attack::{Goal, Scope};
use crate::attacks::deepfool::Walk;
use crate::batch::Batch;
use crate::norm::project;
use crate::objective::Objective;
use crate::run::chunk_rows;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Looks for one change that fools the model on as many rows as possible, each clipped to its own valid inputs. By
    /// gradient: ascent on the mean margin, cut off where a row is fooled. By DeepFool: row after row, what is still needed
    /// to fool it is added. The change of the best round is applied to all rows.
    ///
    /// ## Why it matters
    /// Whoever has it needs no model, no gradient and no time for the next input: the same sticker, the same noise, the same
    /// false entries work for all.
    ///
    /// ## References
    /// - Moosavi-Dezfooli et al.: Universal Adversarial Perturbations, CVPR 2017, <https://arxiv.org/abs/1610.08401>
    /// - Shafahi et al.: Universal Adversarial Training, AAAI 2020, <https://arxiv.org/abs/1811.11304>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-UNIVERSAL-001",
            name: "universal",
            title: "Universal adversarial perturbation",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Gradients,
        norms: &[Norm::Linf, Norm::L2],
        goal: Goal::WithinEpsilon,
        scope: Scope::DataSet,
        parameters: ParameterSet::of::<UniversalParameters>(),
        run,
    };
}

/// Parameters of `universal`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct UniversalParameters {
    /// How the change is made.
    method: Method,
    /// Rounds over all rows: gradient steps, or passes of DeepFool.
    #[schemars(range(min = 1, max = 100_000))]
    steps: u32,
    /// Length of a gradient step as a fraction of epsilon.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 2.0))]
    relative_step_size: f64,
    /// The share of fooled rows that is enough.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    fooling_rate: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Method {
    #[default]
    Gradient,
    DeepFool,
}

impl Default for UniversalParameters {
    fn default() -> Self {
        Self { method: Method::default(), steps: 50, relative_step_size: 0.1, fooling_rate: 1.0 }
    }
}

/// A change of every feature in units of distance, and on how many rows it was seen to fool the model.
struct Best {
    change: Vec<f32>,
    fooled: usize,
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: UniversalParameters = parameters.read();
    // One change has one size: the smallest that every row allows.
    let epsilon = batch.epsilons.iter().copied().fold(f32::INFINITY, f32::min);
    let mut best = Best { change: vec![0.0; batch.width], fooled: 0 };
    craft(batch, &parameters, epsilon, &mut best)?;
    // Points on the way fooled by other changes; only this one counts.
    let rows = batch.all();
    for rows in rows.chunks(chunk_rows(batch.oracle.model)) {
        let points = shifted(batch, rows, &best.change);
        batch.evaluate(rows, &points)?;
    }
    Ok(())
}

fn craft(
    batch: &mut Batch<'_, '_>,
    parameters: &UniversalParameters,
    epsilon: f32,
    best: &mut Best,
) -> Result<(), RobustnessError> {
    let enough = (parameters.fooling_rate * batch.len() as f64).ceil() as usize;
    let mut change = vec![0.0; batch.width];
    let mut ascent = vec![0.0; batch.width];
    for step in 0..=parameters.steps {
        // The last query of every row is for the result.
        let price = batch.price(1) + 1;
        if !batch.all().into_iter().all(|row| batch.affords(row, price)) {
            break;
        }
        let fooled = survey(batch, &change, &mut ascent)?;
        if fooled > best.fooled || step == 0 {
            best.fooled = fooled;
            best.change.copy_from_slice(&change);
        }
        if fooled >= enough || step == parameters.steps {
            break;
        }
        match parameters.method {
            Method::Gradient => {
                let (low, high) = batch.widest();
                let length = (parameters.relative_step_size * f64::from(epsilon)) as f32;
                steepest(batch.task.norm, L1Step::Steepest, &change, &low, &high, &mut ascent);
                for (change, slope) in change.iter_mut().zip(&ascent) {
                    *change += length * slope;
                }
                bring_back(batch, epsilon, &mut change);
            }
            Method::DeepFool => pass(batch, step, epsilon, &mut change)?,
        }
    }
    Ok(())
}

/// How many rows the change fools, and in `ascent` the sum over all others of the gradient of their margins.
fn survey(
    batch: &mut Batch<'_, '_>,
    change: &[f32],
    ascent: &mut [f32],
) -> Result<usize, RobustnessError> {
    let (width, objective) = (batch.width, Objective::new(batch, Loss::Margin));
    let mut sums = vec![0.0_f64; width];
    let mut fooled = 0;
    let mut gradients = Vec::new();
    let mut margins = Vec::new();
    let rows = batch.all();
    for rows in rows.chunks(chunk_rows(batch.oracle.model)) {
        let points = shifted(batch, rows, change);
        gradients.resize(points.len(), 0.0);
        margins.resize(rows.len(), 0.0);
        let loss = |k: usize, logits: &[f32], seed: &mut [f32]| {
            objective.value_and_seed(rows[k], logits, seed)
        };
        batch.loss_and_gradient(rows, &points, loss, &mut margins, &mut gradients)?;
        for (k, &row) in rows.iter().enumerate() {
            if batch.fools(row, &batch.logits()[k * batch.classes..][..batch.classes]) {
                fooled += 1;
                continue;
            }
            let gradient = &mut gradients[k * width..][..width];
            batch.still(row, gradient);
            batch.block(row, &points[k * width..][..width], gradient);
            // Row by row, so that the sum is the same for any size of a chunk.
            for (sum, &slope) in sums.iter_mut().zip(&*gradient) {
                *sum += f64::from(slope);
            }
        }
    }
    for (slope, sum) in ascent.iter_mut().zip(sums) {
        *slope = sum as f32;
    }
    Ok(fooled)
}

/// One pass over all rows in random order, adding to the change what DeepFool still needs on each.
fn pass(
    batch: &mut Batch<'_, '_>,
    step: u32,
    epsilon: f32,
    change: &mut [f32],
) -> Result<(), RobustnessError> {
    let walk = Walk { steps: 10, overshoot: 0.02, candidates: 9 };
    let mut rows = batch.all();
    batch.stream(0).lane(step).shuffle(&mut rows);
    let rivals = walk.candidates.min(batch.classes - 1) as u64;
    let price = u64::from(walk.steps + 1) * batch.price(rivals);
    for row in rows {
        // What this row still costs, another look at all rows, and the result.
        if !batch.affords(row, price + batch.price(1) + 1) {
            continue;
        }
        let start = shifted(batch, &[row], change);
        let mut end = start.clone();
        walk.cross(batch, &[row], &mut end, false)?;
        for ((change, end), start) in change.iter_mut().zip(end).zip(start) {
            *change += end - start;
        }
        bring_back(batch, epsilon, change);
    }
    Ok(())
}

/// The points that the change makes of `rows`, each within its own box.
fn shifted(batch: &Batch<'_, '_>, rows: &[usize], change: &[f32]) -> Vec<f32> {
    let mut points = batch.gather(rows, &batch.origin);
    for (&row, point) in rows.iter().zip(points.chunks_exact_mut(batch.width)) {
        let (low, high) = batch.bounds_of(row);
        for (j, x) in point.iter_mut().enumerate() {
            *x = (*x + change[j]).max(low[j]).min(high[j]);
        }
    }
    points
}

/// Brings a change into the ball around none.
fn bring_back(batch: &Batch<'_, '_>, epsilon: f32, change: &mut [f32]) {
    let (low, high) = batch.widest();
    let none = vec![0.0; change.len()];
    project(batch.task.norm, epsilon, &none, &low, &high, change);
}

impl Batch<'_, '_> {
    /// The box of all changes that move any row within its own.
    fn widest(&self) -> (Vec<f32>, Vec<f32>) {
        let mut low = vec![0.0_f32; self.width];
        let mut high = vec![0.0_f32; self.width];
        for row in 0..self.len() {
            let (own, (lower, upper)) = (self.origin_of(row), self.bounds_of(row));
            for j in 0..self.width {
                low[j] = low[j].min(lower[j] - own[j]);
                high[j] = high[j].max(upper[j] - own[j]);
            }
        }
        (low, high)
    }
}
