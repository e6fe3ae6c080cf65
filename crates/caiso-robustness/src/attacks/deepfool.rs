use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ascent::sign;
use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::refine::refine;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// DeepFool: takes the classifier for linear where the point is, goes straight to the nearest of the linear decision
    /// boundaries between the true class and the others, and starts again from there until the decision changes. Features at
    /// a bound that would have to go beyond it are left out of a step, and what a clip takes off is made up by the next.
    ///
    /// ## Why it matters
    /// A handful of gradients tells about how far an input is from another decision.
    ///
    /// ## References
    /// - Moosavi-Dezfooli, Fawzi, Frossard: DeepFool: A Simple and Accurate Method to Fool Deep Neural Networks, CVPR 2016,
    ///   <https://arxiv.org/abs/1511.04599>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-DEEPFOOL-001",
            name: "deepfool",
            title: "DeepFool",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Gradients,
        norms: &[Norm::L2, Norm::Linf],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<DeepFoolParameters>(),
        run,
    };
}

/// Parameters of `deepfool`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct DeepFoolParameters {
    /// Most steps.
    #[schemars(range(min = 1, max = 10_000))]
    steps: u32,
    /// By what share the way to a boundary is overstepped.
    #[schemars(range(min = 0.0, max = 10.0))]
    overshoot: f64,
    /// Classes looked at besides the true one, the most likely first.
    #[schemars(range(min = 1, max = 100_000))]
    candidates: u32,
    /// Bisections between the row and what was found.
    #[schemars(range(max = 30))]
    refine_steps: u32,
}

impl Default for DeepFoolParameters {
    fn default() -> Self {
        Self { steps: 50, overshoot: 0.02, candidates: 9, refine_steps: 10 }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let DeepFoolParameters { steps, overshoot, candidates, refine_steps } = parameters.read();
    let walk = Walk { steps, overshoot: overshoot as f32, candidates: candidates as usize };
    let mut points = batch.origin.clone();
    walk.cross(batch, &batch.all(), &mut points, true)?;
    refine(batch, refine_steps)
}

/// The way over the nearest boundary.
pub(crate) struct Walk {
    pub(crate) steps: u32,
    pub(crate) overshoot: f32,
    /// Most rival classes.
    pub(crate) candidates: usize,
}

/// What each step adds, as a share of the widest feature, so that the last one does cross.
const BEYOND: f64 = 1e-4;

/// A row on its way.
struct Walker {
    /// Its place in the list of rows.
    place: usize,
    row: usize,
    rivals: Vec<usize>,
    /// The class it is to leave: the true one, or where one is aimed at, the largest other.
    from: usize,
    /// The least distance to a linear boundary so far in this step.
    nearest: f64,
}

impl Walk {
    /// Moves `points` of `rows` on until each is decided otherwise than its row. `record`: whether the points on the way count
    /// as results; else the model's scores at relaxed points decide.
    pub(crate) fn cross(
        &self,
        batch: &mut Batch<'_, '_>,
        rows: &[usize],
        points: &mut [f32],
        record: bool,
    ) -> Result<(), RobustnessError> {
        let width = batch.width;
        let starts = points.to_vec();
        let mut totals = vec![0.0_f32; points.len()];
        let mut walkers: Vec<Walker> = rows
            .iter()
            .enumerate()
            .map(|(place, &row)| Walker { place, row, rivals: Vec::new(), from: 0, nearest: 0.0 })
            .collect();
        let mut live: Vec<usize> = rows.to_vec();
        let mut here = points.to_vec();
        let mut gradients = vec![0.0; points.len()];
        let mut steps = vec![0.0; points.len()];
        let rivals = if batch.targets.is_some() { 1 } else { self.candidates };
        let price = batch.price(rivals.min(batch.classes - 1) as u64);
        for step in 0..=self.steps {
            walkers.retain(|walker| batch.affords(walker.row, price));
            if walkers.is_empty() {
                break;
            }
            let size = walkers.len() * width;
            let (here, gradients, steps) =
                (&mut here[..size], &mut gradients[..size], &mut steps[..size]);
            live.clear();
            for (walker, to) in walkers.iter().zip(here.chunks_exact_mut(width)) {
                live.push(walker.row);
                to.copy_from_slice(&points[walker.place * width..][..width]);
            }
            batch.forward(&live, here)?;
            if step == 0 {
                for (k, walker) in walkers.iter_mut().enumerate() {
                    walker.rivals = self.rivals(batch, walker.row, k);
                }
            }
            if step < self.steps {
                Self::steps(batch, &mut walkers, here, gradients, steps)?;
            }
            let fooled: Vec<bool> = if record {
                batch.record()?;
                batch.fooled().to_vec()
            } else {
                let logits = batch.logits().chunks_exact(batch.classes);
                live.iter().zip(logits).map(|(&row, logits)| batch.fools(row, logits)).collect()
            };
            let mut k = 0;
            walkers.retain(|walker| {
                let span = walker.place * width..(walker.place + 1) * width;
                let way = &steps[k * width..][..width];
                k += 1;
                // A row without a way has only flat boundaries around it.
                if step == 0 && walker.nearest.is_infinite() {
                    batch.found[walker.row].without_gradient = true;
                }
                if fooled[k - 1] || step == self.steps || walker.nearest.is_infinite() {
                    return false;
                }
                let (low, high) = batch.bounds_of(walker.row);
                let start = &starts[span.clone()];
                for (j, (value, total)) in
                    points[span.clone()].iter_mut().zip(&mut totals[span]).enumerate()
                {
                    *total = (start[j] + *total + way[j]).max(low[j]).min(high[j]) - start[j];
                    let beyond = start[j] + (1.0 + self.overshoot) * *total;
                    *value = beyond.max(low[j]).min(high[j]);
                }
                true
            });
        }
        Ok(())
    }

    /// The classes that a row may be taken for, the most likely first.
    fn rivals(&self, batch: &Batch<'_, '_>, row: usize, k: usize) -> Vec<usize> {
        if let Some(targets) = &batch.targets {
            return vec![targets[row]];
        }
        let logits = &batch.logits()[k * batch.classes..][..batch.classes];
        let mut rivals: Vec<usize> =
            (0..batch.classes).filter(|&class| class != batch.labels[row]).collect();
        rivals.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        rivals.truncate(self.candidates);
        rivals
    }

    /// The steps from the points of the last forward, `here`, to the nearest boundaries, `[walkers, width]`.
    fn steps(
        batch: &mut Batch<'_, '_>,
        walkers: &mut [Walker],
        here: &[f32],
        gradients: &mut [f32],
        steps: &mut [f32],
    ) -> Result<(), RobustnessError> {
        let (width, classes) = (batch.width, batch.classes);
        for (walker, logits) in walkers.iter_mut().zip(batch.logits().chunks_exact(classes)) {
            walker.nearest = f64::INFINITY;
            walker.from = match &batch.targets {
                Some(targets) => largest_other(logits, targets[walker.row]),
                None => batch.labels[walker.row],
            };
        }
        let most = walkers.iter().map(|walker| walker.rivals.len()).max().unwrap_or(0);
        for choice in 0..most {
            let seed = |k: usize, _: &[f32], seed: &mut [f32]| {
                seed.fill(0.0);
                if let Some(&rival) = walkers[k].rivals.get(choice) {
                    seed[rival] = 1.0;
                    seed[walkers[k].from] = -1.0;
                }
            };
            batch.backward(seed, gradients)?;
            for (k, walker) in walkers.iter_mut().enumerate() {
                let Some(&rival) = walker.rivals.get(choice) else { continue };
                let logits = &batch.logits()[k * classes..][..classes];
                let gap = (f64::from(logits[walker.from]) - f64::from(logits[rival])).abs();
                let span = k * width..(k + 1) * width;
                let gradient = &mut gradients[span.clone()];
                batch.still(walker.row, gradient);
                batch.block(walker.row, &here[span.clone()], gradient);
                let linf = batch.task.norm == Norm::Linf;
                let steepness = if linf { Norm::L1 } else { Norm::L2 }.of(gradient);
                let distance = gap / steepness;
                // False for a flat boundary too, whose distance is infinite or not a number.
                if distance < walker.nearest {
                    walker.nearest = distance;
                    let length = distance + BEYOND * batch.extent(walker.row);
                    for (step, &slope) in steps[span].iter_mut().zip(&*gradient) {
                        let direction =
                            if linf { sign(slope) } else { (f64::from(slope) / steepness) as f32 };
                        *step = length as f32 * direction;
                    }
                }
            }
        }
        Ok(())
    }
}

fn largest_other(logits: &[f32], class: usize) -> usize {
    let others = (0..logits.len()).filter(|&other| other != class);
    others.max_by(|&a, &b| logits[a].total_cmp(&logits[b]).then(b.cmp(&a))).unwrap_or(0)
}
