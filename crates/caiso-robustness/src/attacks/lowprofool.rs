use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::{Access, Loss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ascent::sign;
use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::measure::Measure;
use crate::refine::refine;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// LowProFool: descends on the cross-entropy of the most likely wrong class plus a weighted norm of the change, in which
    /// every feature counts as much as an expert would look at it. The weights are given, or the absolute correlations of the
    /// features with the classes in the data set. The example of least weighted norm is kept.
    ///
    /// ## Why it matters
    /// In tables, what a change costs an attacker is not its size but whether the person who decides would notice it.
    ///
    /// ## References
    /// - Ballet et al.: Imperceptible Adversarial Attacks on Tabular Data, 2019, <https://arxiv.org/abs/1911.03274>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-LOWPROFOOL-001",
            name: "lowprofool",
            title: "LowProFool",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Gradients,
        norms: &[Norm::L2, Norm::L1, Norm::Linf],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<LowProFoolParameters>(),
        run,
    };
}

/// Parameters of `lowprofool`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct LowProFoolParameters {
    /// Gradient steps.
    #[schemars(range(min = 1, max = 100_000))]
    steps: u32,
    /// Weight of the norm of the change against the cross-entropy.
    #[schemars(range(min = 0.0))]
    lambda: f64,
    /// Length of the first step in the gradient's own units.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    step_size: f64,
    /// What the length of a step is multiplied by after each.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    decay: f64,
    /// The least length of a step.
    #[schemars(range(min = 0.0))]
    minimum_step_size: f64,
    /// How much a change of each feature counts, in the model's order. Empty: its largest absolute correlation with a class
    /// in the data set.
    #[schemars(inner(range(min = 0.0)))]
    importances: Vec<f64>,
    /// Bisections between the row and what was found.
    #[schemars(range(max = 30))]
    refine_steps: u32,
}

impl Default for LowProFoolParameters {
    fn default() -> Self {
        Self {
            steps: 100,
            lambda: 1.5,
            step_size: 0.2,
            decay: 0.98,
            minimum_step_size: 1e-7,
            importances: Vec::new(),
            refine_steps: 10,
        }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: LowProFoolParameters = parameters.read();
    let (width, rows, norm) = (batch.width, batch.all(), batch.task.norm);
    let mut weights = parameters.importances;
    if weights.is_empty() {
        let (data, labels) = batch.task.data;
        weights = importances(data, labels, width, batch.classes);
    }
    if weights.len() != width {
        return Err(RobustnessError::Parameter {
            attack: UNIT.meta.name,
            reason: format!("{} importances are given for {width} features", weights.len()),
        });
    }
    normalise(&mut weights);
    batch.measure = Measure::Weighted(weights.clone());
    let targets = match &batch.targets {
        Some(targets) => targets.clone(),
        None => most_likely_wrong(batch, &rows)?,
    };
    let mut points = batch.origin.clone();
    let mut gradients = vec![0.0; points.len()];
    let mut losses = vec![0.0; rows.len()];
    let mut length = parameters.step_size;
    let mut pull = vec![0.0; width];
    for _ in 0..parameters.steps {
        let loss = |k: usize, logits: &[f32], seed: &mut [f32]| {
            Loss::CrossEntropy.value_and_seed(logits, targets[k], seed)
        };
        batch.loss_and_gradient(&rows, &points, loss, &mut losses, &mut gradients)?;
        batch.record()?;
        for &row in &rows {
            let span = row * width..(row + 1) * width;
            let (point, gradient) = (&mut points[span.clone()], &mut gradients[span]);
            batch.still(row, gradient);
            slope_of_norm(norm, &weights, batch.origin_of(row), point, &mut pull);
            let (low, high) = batch.bounds_of(row);
            for (j, x) in point.iter_mut().enumerate() {
                let downhill = f64::from(gradient[j]) + parameters.lambda * pull[j];
                *x = ((f64::from(*x) - length * downhill) as f32).max(low[j]).min(high[j]);
            }
        }
        length = (length * parameters.decay).max(parameters.minimum_step_size);
    }
    batch.evaluate(&rows, &points)?;
    refine(batch, parameters.refine_steps)
}

/// The likeliest class of each row besides its own.
fn most_likely_wrong(
    batch: &mut Batch<'_, '_>,
    rows: &[usize],
) -> Result<Vec<usize>, RobustnessError> {
    batch.forward(rows, &batch.origin.clone())?;
    let wrong = |(&row, logits): (&usize, &[f32])| {
        let others = (0..batch.classes).filter(|&class| class != batch.labels[row]);
        others.max_by(|&a, &b| logits[a].total_cmp(&logits[b]).then(b.cmp(&a))).unwrap_or(0)
    };
    Ok(rows.iter().zip(batch.logits().chunks_exact(batch.classes)).map(wrong).collect())
}

/// The derivative of the norm of `weights * (point - own)` with respect to the point; zero where there is no change.
fn slope_of_norm(norm: Norm, weights: &[f64], own: &[f32], point: &[f32], slopes: &mut [f64]) {
    for (j, slope) in slopes.iter_mut().enumerate() {
        *slope = weights[j] * (f64::from(point[j]) - f64::from(own[j]));
    }
    match norm {
        Norm::L2 => {
            let length = slopes.iter().map(|change| change * change).sum::<f64>().sqrt();
            for (slope, weight) in slopes.iter_mut().zip(weights) {
                *slope = if length > 0.0 { *slope * weight / length } else { 0.0 };
            }
        }
        Norm::Linf => {
            let largest = slopes.iter().map(|change| change.abs()).fold(0.0, f64::max);
            for (slope, weight) in slopes.iter_mut().zip(weights) {
                let counts = largest > 0.0 && slope.abs() >= largest;
                *slope = if counts { f64::from(sign(*slope as f32)) * weight } else { 0.0 };
            }
        }
        Norm::L1 | Norm::L0 => {
            for (slope, weight) in slopes.iter_mut().zip(weights) {
                *slope = f64::from(sign(*slope as f32)) * weight;
            }
        }
    }
}

/// For each feature the largest absolute correlation with belonging to a class; with two classes, that with the label.
fn importances(rows: &[f32], labels: &[usize], width: usize, classes: usize) -> Vec<f64> {
    let n = labels.len() as f64;
    let mut counts = vec![0.0; classes];
    let mut sums = vec![0.0; classes * width];
    let mut means = vec![0.0; width];
    for (row, &label) in rows.chunks_exact(width).zip(labels) {
        counts[label] += 1.0;
        for (j, &x) in row.iter().enumerate() {
            sums[label * width + j] += f64::from(x);
            means[j] += f64::from(x) / n;
        }
    }
    let mut variances = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        for (j, &x) in row.iter().enumerate() {
            variances[j] += (f64::from(x) - means[j]).powi(2) / n;
        }
    }
    let correlation = |j: usize, class: usize| {
        let share: f64 = counts[class] / n;
        let spread = (variances[j] * share * (1.0 - share)).sqrt();
        let covariance = sums[class * width + j] / n - means[j] * share;
        if spread > 0.0 { (covariance / spread).abs() } else { 0.0 }
    };
    (0..width)
        .map(|j| (0..classes).map(|class| correlation(j, class)).fold(0.0, f64::max))
        .collect()
}

/// Scales weights to length 1; weights that are all zero become equal.
fn normalise(weights: &mut [f64]) {
    if weights.iter().all(|&weight| weight == 0.0) {
        weights.fill(1.0);
    }
    let length = weights.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
    for weight in weights {
        *weight /= length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn importances_are_correlations_with_the_label() {
        // Against numpy.corrcoef: 0.9622504486493764 for the first feature, 0 for the second, which is constant.
        let rows = [0.0, 5.0, 1.0, 5.0, 2.0, 5.0, 9.0, 5.0, 10.0, 5.0, 8.0, 5.0];
        let found = importances(&rows, &[0, 0, 0, 1, 1, 1], 2, 2);
        let by_hand = 4.0 / (50.0_f64 / 3.0).sqrt();
        assert!((found[0] - by_hand).abs() < 1e-12, "{found:?}, {by_hand}");
        assert_eq!(found[1], 0.0);
    }

    #[test]
    fn the_slope_of_a_norm_is_its_difference_quotient() {
        let (weights, own) = ([0.5, 2.0, 1.0], [0.0, 1.0, 2.0]);
        let point = [0.5_f32, 0.25, 1.5];
        for norm in [Norm::L2, Norm::L1, Norm::Linf] {
            let size = |point: &[f32]| {
                let changes: Vec<f32> =
                    (0..3).map(|j| weights[j] as f32 * (point[j] - own[j])).collect();
                norm.of(&changes)
            };
            let mut slopes = [0.0; 3];
            slope_of_norm(norm, &weights, &own, &point, &mut slopes);
            for j in 0..3 {
                let (mut ahead, mut behind) = (point, point);
                ahead[j] += 0.001;
                behind[j] -= 0.001;
                let quotient = (size(&ahead) - size(&behind)) / 0.002;
                assert!((slopes[j] - quotient).abs() < 1e-3, "{norm} {j}: {slopes:?} {quotient}");
            }
        }
    }
}
