use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::norm::clip;
use crate::projection::to_hyperplane;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// The fast adaptive boundary attack: takes the decision boundary for flat where it stands, projects both the current point and
    /// the row to it within the valid inputs, goes a little beyond, closer to the row the farther away it is, and
    /// after each success back towards the row. By default it does so with the boundary to one other class after another
    /// (FAB-T), or with whichever boundary is nearest at each step (FAB, one backward pass for each class).
    ///
    /// ## Why it matters
    /// It looks for the smallest change rather than the largest loss, so that neither the scale of the logits nor a chosen
    /// epsilon misleads it.
    ///
    /// ## References
    /// - Croce, Hein: Minimally Distorted Adversarial Examples with a Fast Adaptive Boundary Attack, ICML 2020,
    ///   <https://arxiv.org/abs/1907.02044>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-FAB-001",
            name: "fab",
            title: "Fast adaptive boundary attack",
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
        parameters: ParameterSet::of::<FabParameters>(),
        run,
    };
}

/// Parameters of `fab`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FabParameters {
    /// Projections from each start.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) steps: u32,
    /// Other classes gone for, the most likely first; no more than there are. 0: at each step the one whose boundary is
    /// nearest.
    #[schemars(range(max = 100_000))]
    pub(crate) target_classes: u32,
    /// Starts: the first at the row itself, the others at random points around it.
    #[schemars(range(min = 1, max = 1_000))]
    pub(crate) restarts: u32,
    /// Largest weight of the projection of the row beside that of the current point.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) alpha_max: f64,
    /// Length of each step as a multiple of the way to the boundary.
    #[schemars(range(min = 1.0, max = 10.0))]
    pub(crate) eta: f64,
    /// What is kept of the change after a success.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) beta: f64,
}

impl Default for FabParameters {
    fn default() -> Self {
        Self { steps: 100, target_classes: 9, restarts: 1, alpha_max: 0.1, eta: 1.05, beta: 0.9 }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    attack(batch, &parameters.read())
}

/// Attacks within epsilon, on ways that lead through what lies beyond.
pub(crate) fn attack_within(
    batch: &mut Batch<'_, '_>,
    parameters: &FabParameters,
) -> Result<(), RobustnessError> {
    batch.leave_balls();
    let before = batch.adversarial.clone();
    let result = attack(batch, parameters);
    // Points that were tried out there do not stand for rows that nothing was found for.
    for row in batch.survivors() {
        let span = batch.span(row);
        batch.adversarial[span.clone()].copy_from_slice(&before[span]);
    }
    result
}

/// Goes for one class after another. Where there is an epsilon, rows that are done are left out.
fn attack(batch: &mut Batch<'_, '_>, parameters: &FabParameters) -> Result<(), RobustnessError> {
    let at_once = parameters.target_classes == 0;
    let most = if at_once { usize::MAX } else { parameters.target_classes as usize };
    let rivals = batch.rivals(most)?;
    let groups: Vec<std::ops::Range<usize>> = if at_once {
        std::iter::once(0..rivals.most).collect()
    } else {
        (0..rivals.most).map(|place| place..place + 1).collect()
    };
    for (number, group) in groups.into_iter().enumerate() {
        for start in 0..parameters.restarts {
            let rows = batch.all().into_iter().filter(|&row| stands(batch, row));
            let walkers: Vec<Walker> = rows
                .map(|row| Walker {
                    row,
                    rivals: rivals.of(row)[group.clone()].to_vec(),
                    gap: 0.0,
                    distance: f64::INFINITY,
                })
                .collect();
            let lane = (start > 0).then_some(number as u32 * parameters.restarts + start);
            walk(batch, parameters, walkers, lane)?;
        }
    }
    Ok(())
}

fn stands(batch: &Batch<'_, '_>, row: usize) -> bool {
    batch.epsilons[row].is_infinite() || !batch.found[row].is_adversarial()
}

/// A row on its way.
struct Walker {
    row: usize,
    /// Classes whose boundaries count.
    rivals: Vec<usize>,
    /// Of the nearest boundary: how far the rival's logit is ahead, and how far the boundary is if it is flat.
    gap: f64,
    distance: f64,
}

fn walk(
    batch: &mut Batch<'_, '_>,
    parameters: &FabParameters,
    mut walkers: Vec<Walker>,
    lane: Option<u32>,
) -> Result<(), RobustnessError> {
    let width = batch.width;
    let mut rows: Vec<usize> = walkers.iter().map(|walker| walker.row).collect();
    let mut points = batch.gather(&rows, &batch.origin);
    if let Some(lane) = lane {
        scatter(batch, &rows, lane, &mut points);
    }
    let mut gradients = vec![0.0; points.len()];
    let mut slopes = vec![0.0; points.len()];
    let mut steps = [vec![0.0; width], vec![0.0; width]];
    for _ in 0..parameters.steps {
        if rows.is_empty() {
            break;
        }
        batch.forward(&rows, &points)?;
        nearest_boundaries(batch, &mut walkers, &mut gradients, &mut slopes)?;
        for (k, walker) in walkers.iter().enumerate() {
            let span = k * width..(k + 1) * width;
            // A row without a finite distance has nothing but flat boundaries around it.
            if walker.distance.is_finite() {
                let slopes = &slopes[span.clone()];
                step(batch, parameters, walker, slopes, &mut steps, &mut points[span]);
            }
        }
        batch.evaluate(&rows, &points)?;
        let mut to = 0;
        for k in 0..rows.len() {
            let row = rows[k];
            if !stands(batch, row) || walkers[k].distance.is_infinite() {
                continue;
            }
            let logits = &batch.logits()[k * batch.classes..][..batch.classes];
            if batch.fools(row, logits) {
                let beta = parameters.beta as f32;
                for (value, own) in
                    points[k * width..][..width].iter_mut().zip(batch.origin_of(row))
                {
                    *value = own + beta * (*value - own);
                }
            }
            points.copy_within(k * width..(k + 1) * width, to * width);
            rows[to] = row;
            walkers.swap(to, k);
            to += 1;
        }
        rows.truncate(to);
        walkers.truncate(to);
        for values in [&mut points, &mut gradients, &mut slopes] {
            values.truncate(to * width);
        }
    }
    Ok(())
}

/// Random points around the rows: half as far as what was found so far, or as epsilon.
fn scatter(batch: &Batch<'_, '_>, rows: &[usize], lane: u32, points: &mut [f32]) {
    let norm = batch.task.norm;
    let mut draws = vec![0.0; batch.width];
    for (&row, point) in rows.iter().zip(points.chunks_exact_mut(batch.width)) {
        let mut stream = batch.stream(row).lane(lane);
        let (low, high) = batch.bounds_of(row);
        for (draw, (low, high)) in draws.iter_mut().zip(low.iter().zip(high)) {
            let linf = norm == Norm::Linf;
            let drawn = if linf { 2.0 * stream.next_f64() - 1.0 } else { stream.next_normal() };
            *draw = if low < high { drawn as f32 } else { 0.0 };
        }
        let radius = batch.found[row].distance.min(f64::from(batch.epsilons[row]));
        // Where nothing is known yet, the values that the paper uses.
        let unknown = match norm {
            Norm::Linf => 0.3,
            Norm::L2 => 1.0,
            Norm::L1 | Norm::L0 => 5.0,
        };
        let radius = if radius.is_finite() { radius } else { unknown };
        let factor = (0.5 * radius / norm.of(&draws).max(f64::MIN_POSITIVE)) as f32;
        for (value, draw) in point.iter_mut().zip(&draws) {
            *value += factor * draw;
        }
        clip(low, high, point);
    }
}

/// For each row the boundary that is nearest if all were flat, with its `slopes`.
fn nearest_boundaries(
    batch: &mut Batch<'_, '_>,
    walkers: &mut [Walker],
    gradients: &mut [f32],
    slopes: &mut [f32],
) -> Result<(), RobustnessError> {
    let width = batch.width;
    let dual = match batch.task.norm {
        Norm::Linf => Norm::L1,
        Norm::L2 => Norm::L2,
        Norm::L1 | Norm::L0 => Norm::Linf,
    };
    let logits = batch.logits().chunks_exact(batch.classes);
    let from: Vec<usize> = walkers
        .iter()
        .zip(logits)
        .map(|(walker, logits)| match &batch.targets {
            None => batch.labels[walker.row],
            Some(targets) => {
                let others = (0..logits.len()).filter(|&other| other != targets[walker.row]);
                others.max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or(0)
            }
        })
        .collect();
    for walker in walkers.iter_mut() {
        walker.distance = f64::INFINITY;
    }
    let most = walkers.iter().map(|walker| walker.rivals.len()).max().unwrap_or(0);
    for place in 0..most {
        let seed = |k: usize, _: &[f32], seed: &mut [f32]| {
            seed.fill(0.0);
            seed[walkers[k].rivals[place]] = 1.0;
            seed[from[k]] = -1.0;
        };
        batch.backward(seed, gradients)?;
        for (k, walker) in walkers.iter_mut().enumerate() {
            let span = k * width..(k + 1) * width;
            let gradient = &mut gradients[span.clone()];
            batch.still(walker.row, gradient);
            let logits = &batch.logits()[k * batch.classes..][..batch.classes];
            let gap = f64::from(logits[walker.rivals[place]]) - f64::from(logits[from[k]]);
            let distance = gap.abs() / dual.of(gradient);
            // False where the boundary is flat too, whose distance is infinite or not a number.
            if distance < walker.distance {
                walker.distance = distance;
                walker.gap = gap;
                slopes[span].copy_from_slice(gradient);
            }
        }
    }
    Ok(())
}

/// From a point to just beyond the boundary, drawn towards the row.
fn step(
    batch: &Batch<'_, '_>,
    parameters: &FabParameters,
    walker: &Walker,
    slopes: &[f32],
    [from_point, from_row]: &mut [Vec<f32>; 2],
    point: &mut [f32],
) {
    /// Keeps the quotient of the distances finite.
    const TINY: f64 = 1e-8;
    let norm = batch.task.norm;
    let origin = batch.origin_of(walker.row);
    let (low, high) = batch.bounds_of(walker.row);
    let gain = -walker.gap;
    let behind: f64 = slopes
        .iter()
        .zip(point.iter().zip(origin))
        .map(|(&slope, (&value, &own))| f64::from(slope) * (f64::from(value) - f64::from(own)))
        .sum();
    to_hyperplane(norm, slopes, gain, point, (low, high), from_point);
    to_hyperplane(norm, slopes, gain + behind, origin, (low, high), from_row);
    let (near, far) = (norm.of(from_point).max(TINY), norm.of(from_row).max(TINY));
    let alpha = (near / (near + far)).min(parameters.alpha_max) as f32;
    let eta = parameters.eta as f32;
    for (j, value) in point.iter_mut().enumerate() {
        let own = origin[j] + eta * from_row[j];
        *value = (1.0 - alpha) * (*value + eta * from_point[j]) + alpha * own;
    }
    clip(low, high, point);
}
