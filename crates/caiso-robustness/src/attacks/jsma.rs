use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::refine::refine;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// The Jacobian-based saliency map attack: moves, step by step, the two features (or the one) that raise the logit of a
    /// target class and lower the sum of all others most. Without a target, each wrong class in turn is aimed at, the most
    /// likely first, and the fewest changes count. Where no features do both, those count that bring target and others
    /// closest.
    ///
    /// ## Why it matters
    /// It tells how few entries of an application have to be false.
    ///
    /// ## References
    /// - Papernot et al.: The Limitations of Deep Learning in Adversarial Settings, IEEE EuroS&P 2016,
    ///   <https://arxiv.org/abs/1511.07528>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-JSMA-001",
            name: "jsma",
            title: "Jacobian-based saliency map attack",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Gradients,
        norms: &[Norm::L0],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<JsmaParameters>(),
        run,
    };
}

/// Parameters of `jsma`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct JsmaParameters {
    /// How far a feature moves in a step, as a share of its range.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    theta: f64,
    /// Largest share of the features that may change.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    gamma: f64,
    /// Whether two features move in a step, as in the paper, or one.
    pairs: bool,
    /// Most classes aimed at for a row without a target, the most likely first.
    #[schemars(range(min = 1, max = 100_000))]
    candidates: u32,
    /// Whether features that need not change are given their own values back at the end.
    restore: bool,
}

impl Default for JsmaParameters {
    fn default() -> Self {
        Self { theta: 1.0, gamma: 1.0, pairs: true, candidates: 9, restore: true }
    }
}

/// A row on its way to a class.
struct Seeker {
    row: usize,
    point: Vec<f32>,
    changed: usize,
    /// The class it is on its way to, and those after it, the last first.
    target: usize,
    next: Vec<usize>,
}

/// A feature that could move: which, in which direction, and what that does to the target and to the sum of all others.
#[derive(Clone, Copy)]
struct Move {
    feature: usize,
    direction: f32,
    target: f32,
    others: f32,
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: JsmaParameters = parameters.read();
    let (width, rows) = (batch.width, batch.all());
    let most = (parameters.gamma * width as f64).floor() as usize;
    batch.forward(&rows, &batch.origin.clone())?;
    let mut seekers: Vec<Seeker> =
        rows.into_iter().map(|row| seeker(batch, row, parameters.candidates as usize)).collect();
    let (mut live, mut points) = (Vec::new(), Vec::new());
    let mut rises = vec![0.0; batch.origin.len()];
    let mut falls = vec![0.0; batch.origin.len()];
    let price = batch.price(2);
    loop {
        seekers.retain(|seeker| batch.affords(seeker.row, price));
        if seekers.is_empty() {
            break;
        }
        live.clear();
        points.clear();
        for seeker in &seekers {
            live.push(seeker.row);
            points.extend_from_slice(&seeker.point);
        }
        let (rises, falls) = (&mut rises[..points.len()], &mut falls[..points.len()]);
        batch.forward(&live, &points)?;
        let targets: Vec<usize> = seekers.iter().map(|seeker| seeker.target).collect();
        let seed = |k: usize, _: &[f32], seed: &mut [f32], target: f32, others: f32| {
            seed.fill(others);
            seed[targets[k]] = target;
        };
        batch.backward(|k, logits, into| seed(k, logits, into, 1.0, 0.0), rises)?;
        batch.backward(|k, logits, into| seed(k, logits, into, 0.0, 1.0), falls)?;
        batch.record()?;
        let mut k = 0;
        seekers.retain_mut(|seeker| {
            let span = k * width..(k + 1) * width;
            let fooled = batch.fooled()[k];
            k += 1;
            let best = batch.found[seeker.row].distance;
            // What is found already cannot be bettered by as many changes again.
            let hopeless = seeker.changed >= most || seeker.changed as f64 + 1.0 >= best;
            if !fooled && !hopeless {
                let moves = moves(batch, seeker, &rises[span.clone()], &falls[span]);
                let room = most - seeker.changed;
                let flat = moves.iter().all(|step| step.target == 0.0 && step.others == 0.0);
                batch.found[seeker.row].without_gradient |= flat && seeker.changed == 0;
                if advance(batch, seeker, &moves, parameters.pairs && room > 1, parameters.theta) {
                    return true;
                }
            }
            seeker.turn(batch.origin_of(seeker.row))
        });
    }
    refine(batch, u32::from(parameters.restore))
}

fn seeker(batch: &Batch<'_, '_>, row: usize, candidates: usize) -> Seeker {
    let mut next: Vec<usize> = if let Some(targets) = &batch.targets {
        vec![targets[row]]
    } else {
        let logits = &batch.logits()[row * batch.classes..][..batch.classes];
        let mut rivals: Vec<usize> =
            (0..batch.classes).filter(|&class| class != batch.labels[row]).collect();
        rivals.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        rivals.truncate(candidates);
        rivals.reverse();
        rivals
    };
    let target = next.pop().unwrap_or(0);
    Seeker { row, point: batch.origin_of(row).to_vec(), changed: 0, target, next }
}

impl Seeker {
    /// Starts again towards the next class, if there is one.
    fn turn(&mut self, own: &[f32]) -> bool {
        let Some(target) = self.next.pop() else { return false };
        self.target = target;
        self.changed = 0;
        self.point.copy_from_slice(own);
        true
    }
}

/// Every feature in every direction that has room; none turns back.
fn moves(batch: &Batch<'_, '_>, seeker: &Seeker, rises: &[f32], falls: &[f32]) -> Vec<Move> {
    let (low, high) = batch.bounds_of(seeker.row);
    let own = batch.origin_of(seeker.row);
    let mut moves = Vec::new();
    for (j, &x) in seeker.point.iter().enumerate() {
        let up = x < high[j] && x >= own[j];
        let down = x > low[j] && x <= own[j];
        for (open, direction) in [(up, 1.0), (down, -1.0)] {
            let (target, others) = (direction * rises[j], direction * falls[j]);
            if open && target.is_finite() && others.is_finite() {
                moves.push(Move { feature: j, direction, target, others });
            }
        }
    }
    moves
}

/// Moves the most salient features; `false` if none helps.
fn advance(
    batch: &Batch<'_, '_>,
    seeker: &mut Seeker,
    moves: &[Move],
    pairs: bool,
    theta: f64,
) -> bool {
    let single = || best(moves.iter().map(|a| (a.target, a.others, (*a, None))));
    let pair = || {
        best(moves.iter().enumerate().flat_map(|(i, a)| {
            let partners = moves[i + 1..].iter().filter(|b| b.feature != a.feature);
            partners.map(|b| (a.target + b.target, a.others + b.others, (*a, Some(*b))))
        }))
    };
    let chosen = if pairs { pair().or_else(single) } else { single() };
    let Some((first, second)) = chosen else { return false };
    let (low, high) = batch.bounds_of(seeker.row);
    let own = batch.origin_of(seeker.row);
    for step in [Some(first), second].into_iter().flatten() {
        let j = step.feature;
        seeker.changed += usize::from(seeker.point[j] == own[j]);
        let length = (theta * f64::from(high[j] - low[j])) as f32;
        seeker.point[j] = (seeker.point[j] + step.direction * length).max(low[j]).min(high[j]);
    }
    true
}

/// The choice that raises the target and lowers the others, with the largest product of both; else the one that raises the
/// target over the others most. Of equal ones the first.
fn best<C>(choices: impl Iterator<Item = (f32, f32, C)>) -> Option<C> {
    let mut salient: (f32, Option<C>) = (0.0, None);
    let mut helpful: (f32, Option<C>) = (0.0, None);
    for (target, others, choice) in choices {
        if target > 0.0 && others < 0.0 && -target * others > salient.0 {
            salient = (-target * others, Some(choice));
        } else if salient.1.is_none() && target - others > helpful.0 {
            helpful = (target - others, Some(choice));
        }
    }
    salient.1.or(helpful.1)
}
