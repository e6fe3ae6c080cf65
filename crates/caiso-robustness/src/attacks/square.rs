use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use caiso_math::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::projection::project_l1;
use crate::windows::{Grid, Window, hills};
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Random search with scores alone: proposes to change one square of an image, or one block of a table's features,
    /// keeps the proposal if the margin of the true class shrinks, and makes the squares smaller as it goes on. Under L-infinity
    /// all changes are of size epsilon, under L2 and L1 each proposal moves what is left of epsilon, and what another square had,
    /// to a square. The features of a table are put into a random order first and form blocks in that order.
    ///
    /// ## Why it matters
    /// It needs the scores that an interface gives to everybody, no gradients and no copy of the model. Where it finds
    /// more than attacks with gradients do, these were misled.
    ///
    /// ## References
    /// - Andriushchenko, Croce, Flammarion, Hein: Square Attack, ECCV 2020, <https://arxiv.org/abs/1912.00049>; L1 in Croce,
    ///   Hein: Mind the Box, ICML 2021, <https://arxiv.org/abs/2103.01208>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-SQUARE-001",
            name: "square",
            title: "Square attack: random search with scores",
            severity: Severity::High,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Scores,
        norms: &[Norm::Linf, Norm::L2, Norm::L1],
        goal: Goal::WithinEpsilon,
        scope: Scope::Row,
        parameters: ParameterSet::of::<SquareParameters>(),
        run,
    };
}

/// Parameters of `square`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SquareParameters {
    /// Proposals for each row, one query each.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub(crate) steps: u32,
    /// Random starts.
    #[schemars(range(min = 1, max = 1_000))]
    pub(crate) restarts: u32,
    /// Share of the image or of the features that the first proposals change. It is halved after 10, 50, 200, 500,
    /// 1,000, 2,000, 4,000, 6,000 and 8,000 steps.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    pub(crate) share: f64,
    /// Whether these numbers of steps are meant for 10,000 steps and scaled to `steps`.
    pub(crate) rescale_schedule: bool,
}

impl Default for SquareParameters {
    fn default() -> Self {
        Self { steps: 5_000, restarts: 1, share: 0.8, rescale_schedule: false }
    }
}

impl SquareParameters {
    /// The share of the plane that a proposal changes.
    fn share_at(&self, step: u32) -> f64 {
        const HALVINGS: [f64; 9] =
            [10.0, 50.0, 200.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 6_000.0, 8_000.0];
        let scale = if self.rescale_schedule { 10_000.0 / f64::from(self.steps) } else { 1.0 };
        let at = (f64::from(step) * scale).floor();
        let halved = HALVINGS.iter().filter(|&&after| at > after).count();
        self.share / f64::from(1_u32 << halved)
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    attack(batch, &parameters.read())
}

/// Attacks what still stands.
pub(crate) fn attack(
    batch: &mut Batch<'_, '_>,
    parameters: &SquareParameters,
) -> Result<(), RobustnessError> {
    let grid = Grid::of(batch);
    for start in 0..parameters.restarts {
        search(batch, &grid, parameters, start)?;
    }
    Ok(())
}

/// A row under search.
struct Search {
    row: usize,
    stream: Stream,
    /// Margin of the true class at the best point.
    margin: f32,
}

fn search(
    batch: &mut Batch<'_, '_>,
    grid: &Grid,
    parameters: &SquareParameters,
    lane: u32,
) -> Result<(), RobustnessError> {
    let width = batch.width;
    let mut rows = batch.survivors();
    let mut searches: Vec<Search> = rows
        .iter()
        .map(|&row| Search { row, stream: batch.stream(row).lane(lane), margin: f32::INFINITY })
        .collect();
    let mut best = batch.gather(&rows, &batch.origin);
    let mut proposed = best.clone();
    for step in 0..=parameters.steps {
        if rows.is_empty() {
            break;
        }
        for (search, (best, proposed)) in
            searches.iter_mut().zip(best.chunks_exact(width).zip(proposed.chunks_exact_mut(width)))
        {
            proposed.copy_from_slice(best);
            let proposal = Proposal { batch, grid, row: search.row, stream: &mut search.stream };
            match step.checked_sub(1) {
                None => proposal.start(proposed),
                Some(step) => proposal.change(parameters.share_at(step), proposed),
            }
        }
        batch.evaluate(&rows, &proposed)?;
        let mut to = 0;
        for k in 0..rows.len() {
            let row = rows[k];
            if batch.found[row].is_adversarial() {
                continue;
            }
            searches.swap(to, k);
            let search = &mut searches[to];
            let margin = margin(batch, row, &batch.logits()[k * batch.classes..][..batch.classes]);
            let span = k * width..(k + 1) * width;
            if margin < search.margin {
                search.margin = margin;
                best[to * width..][..width].copy_from_slice(&proposed[span]);
            } else {
                best.copy_within(span, to * width);
            }
            rows[to] = row;
            to += 1;
        }
        rows.truncate(to);
        searches.truncate(to);
        best.truncate(to * width);
        proposed.truncate(to * width);
    }
    Ok(())
}

/// What has to fall below 0: how far the true class is ahead, or how far the class aimed at is behind.
fn margin(batch: &Batch<'_, '_>, row: usize, logits: &[f32]) -> f32 {
    let ahead = |class: usize| {
        let others = logits.iter().enumerate().filter(|&(other, _)| other != class);
        logits[class] - others.map(|(_, &logit)| logit).fold(f32::NEG_INFINITY, f32::max)
    };
    match &batch.targets {
        Some(targets) => -ahead(targets[row]),
        None => ahead(batch.labels[row]),
    }
}

/// One proposal for one row.
struct Proposal<'p, 'o, 'm> {
    batch: &'p Batch<'o, 'm>,
    grid: &'p Grid,
    row: usize,
    stream: &'p mut Stream,
}

/// Tries to draw a change that changes anything.
const DRAWS: usize = 10;
/// Keeps quotients of lengths finite.
const TINY: f64 = 1e-12;
/// What is left free of an L1 ball, so that rounding does not lead out of it.
const L1_SLACK: f64 = 1e-6;

impl Proposal<'_, '_, '_> {
    /// From the row itself to where the search starts: vertical stripes, or hills all over.
    fn start(mut self, point: &mut [f32]) {
        let grid = self.grid;
        if self.batch.task.norm == Norm::Linf {
            for channel in 0..grid.channels {
                for column in grid.columns(channel) {
                    let up = self.stream.next_u32() & 1 == 0;
                    self.to_end(column, up, point);
                }
            }
            return;
        }
        for window in grid.tiles() {
            let across = self.stream.next_u32() & 1 == 0;
            let hills = hills(window.rows, window.columns, across);
            let length = self.norm().of(&hills) as f32;
            for channel in 0..grid.channels {
                let side = self.side() / length;
                for (j, value) in grid.places(channel, window).zip(&hills) {
                    point[j] += side * value;
                }
            }
        }
        self.to_surface(point);
    }

    /// From the best point to the next one.
    fn change(mut self, share: f64, point: &mut [f32]) {
        let grid = self.grid;
        if self.batch.task.norm == Norm::Linf {
            for _ in 0..DRAWS {
                let window = grid.draw(share, 1, false, self.stream);
                let mut changed = false;
                for channel in 0..grid.channels {
                    let up = self.stream.next_u32() & 1 == 0;
                    changed |= self.to_end(grid.places(channel, window), up, point);
                }
                if changed {
                    break;
                }
            }
            return;
        }
        let to = grid.draw(share, 3, true, self.stream);
        let from = grid.draw(share, 3, true, self.stream);
        let across = self.stream.next_u32() & 1 == 0;
        let hills = hills(to.rows, to.columns, across);
        let origin = self.batch.origin_of(self.row);
        for (value, own) in point.iter_mut().zip(origin) {
            *value -= own;
        }
        let left = self.left(point) / grid.channels as f64;
        for channel in 0..grid.channels {
            self.move_hill(channel, (to, from), &hills, left, point);
        }
        for (value, own) in point.iter_mut().zip(origin) {
            *value += own;
        }
        self.to_surface(point);
    }

    /// Sends features to one end of what they can reach; whether that changed anything.
    fn to_end(&self, features: impl Iterator<Item = usize>, up: bool, point: &mut [f32]) -> bool {
        let (low, high) = self.batch.bounds_of(self.row);
        let mut changed = false;
        for j in features {
            let end = if up { high[j] } else { low[j] };
            changed |= point[j] != end;
            point[j] = end;
        }
        changed
    }

    fn norm(&self) -> Norm {
        self.batch.task.norm
    }

    fn epsilon(&self) -> f64 {
        f64::from(self.batch.epsilons[self.row])
    }

    fn side(&mut self) -> f32 {
        if self.stream.next_u32() & 1 == 0 { 1.0 } else { -1.0 }
    }

    /// What is left of epsilon; under L2 its square.
    fn left(&self, change: &[f32]) -> f64 {
        let length = self.norm().of(change);
        let left = match self.norm() {
            Norm::L2 => self.epsilon() * self.epsilon() - length * length,
            _ => self.epsilon() - length,
        };
        left.max(0.0)
    }

    /// Within one channel of `change`, empties one window and puts all that it had, and what is left of epsilon, into
    /// another, in the direction of what is there and of new hills.
    fn move_hill(
        &mut self,
        channel: usize,
        (to, from): (Window, Window),
        hills: &[f32],
        left: f64,
        change: &mut [f32],
    ) {
        let grid = self.grid;
        let l2 = self.norm() == Norm::L2;
        let size = |value: f32| {
            let value = f64::from(value);
            if l2 { value * value } else { value.abs() }
        };
        let root = |sum: f64| if l2 { sum.sqrt() } else { sum };
        let there: f64 = grid.places(channel, to).map(|j| size(change[j])).sum();
        let mut moved = there;
        let mut fresh: Vec<f32> =
            grid.places(channel, to).map(|j| change[j] / (root(there) + TINY) as f32).collect();
        for j in grid.places(channel, to) {
            change[j] = 0.0;
        }
        // Where the windows overlap nothing is left to count twice.
        for j in grid.places(channel, from) {
            moved += size(change[j]);
            change[j] = 0.0;
        }
        let side = self.side() / self.norm().of(hills) as f32;
        for (value, hill) in fresh.iter_mut().zip(hills) {
            *value += side * hill;
        }
        let length = root(left + moved) / (self.norm().of(&fresh) + TINY);
        for (j, value) in grid.places(channel, to).zip(fresh) {
            change[j] = length as f32 * value;
        }
    }

    /// Stretches the change of `point` to epsilon, within the box.
    fn to_surface(&self, point: &mut [f32]) {
        let origin = self.batch.origin_of(self.row);
        let (low, high) = self.batch.bounds_of(self.row);
        if self.norm() == Norm::L1 {
            project_l1(self.epsilon() * (1.0 - L1_SLACK), origin, low, high, point);
            return;
        }
        let squares = point.iter().zip(origin).map(|(a, b)| f64::from(a - b).powi(2));
        let factor = (self.epsilon() / (squares.sum::<f64>().sqrt() + TINY)) as f32;
        for ((value, own), (&low, &high)) in point.iter_mut().zip(origin).zip(low.iter().zip(high))
        {
            *value = (own + factor * (*value - own)).max(low).min(high);
        }
    }
}
