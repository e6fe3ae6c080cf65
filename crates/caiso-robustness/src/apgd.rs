//! Projected gradient ascent that finds its step sizes by itself: the loop of the APGD attacks.
//!
//! Croce and Hein 2020, "Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks",
//! <https://arxiv.org/abs/2003.01690>, algorithm 1; under L1 the one of Croce and Hein 2021, "Mind the Box",
//! <https://arxiv.org/abs/2103.01208>.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RobustnessError;
use crate::ascent::sign;
use crate::batch::Batch;
use crate::losses::{Aim, AttackLoss};
use crate::norm::Norm;
use crate::projection::project_l1;

/// Weight of a step beside the momentum of the step before.
const STEP_SHARE: f32 = 0.75;
/// Share of the features that a first step under L1 moves.
const FIRST_SHARE: f64 = 0.2;
/// Under L1 steps shrink by this, and so does the number of features that move.
const SHRINKING: f64 = 1.5;
/// Largest step under L1 over the smallest.
const L1_STEPS: f32 = 10.0;
/// Radii and shares of the steps of the run with decreasing epsilon under L1.
const PHASES: [(f64, f64); 3] = [(3.0, 0.3), (2.0, 0.3), (1.0, 0.4)];
/// What is left free of an L1 ball, so that rounding does not lead out of it.
const L1_SLACK: f64 = 1e-6;

/// Parameters of the APGD attacks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ApgdParameters {
    /// Gradient steps from each start.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) steps: u32,
    /// Random starts.
    #[schemars(range(min = 1, max = 1_000))]
    pub(crate) restarts: u32,
    /// Steps are halved when no more than this share of them raised the loss.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) rho: f64,
    /// Under L1 only: three tenths of the steps within 3 epsilon, three tenths within 2 epsilon, the rest within
    /// epsilon.
    pub(crate) decreasing_epsilon: bool,
}

impl Default for ApgdParameters {
    fn default() -> Self {
        Self { steps: 100, restarts: 1, rho: 0.75, decreasing_epsilon: true }
    }
}

/// Attacks what still stands with one loss, from each start.
pub(crate) fn untargeted(
    batch: &mut Batch<'_, '_>,
    parameters: &ApgdParameters,
    loss: AttackLoss,
) -> Result<(), RobustnessError> {
    for start in 0..parameters.restarts {
        let rows = batch.survivors();
        let aims = batch.aims(&rows);
        attack(batch, parameters, loss, &rows, &aims, start)?;
    }
    Ok(())
}

/// Attacks `rows`, each driven to its aim, from the random start of one lane. Every point on the way that is adversarial counts.
pub(crate) fn attack(
    batch: &mut Batch<'_, '_>,
    parameters: &ApgdParameters,
    loss: AttackLoss,
    rows: &[usize],
    aims: &[Aim],
    lane: u32,
) -> Result<(), RobustnessError> {
    if rows.is_empty() {
        return Ok(());
    }
    let l1 = batch.task.norm == Norm::L1;
    let phases = if l1 && parameters.decreasing_epsilon { &PHASES[..] } else { &PHASES[2..] };
    let mut points = start(batch, rows, phases[0].0, lane);
    let mut steps_left = parameters.steps;
    for (phase, &(radius, share)) in phases.iter().enumerate() {
        let last = phase + 1 == phases.len();
        let steps = (share * f64::from(parameters.steps)).ceil() as u32;
        let steps = if last { steps_left } else { steps.min(steps_left) };
        steps_left -= steps;
        let mut climb = Climb {
            loss,
            radius,
            steps,
            rho: parameters.rho,
            counts: last,
            rows: rows.to_vec(),
            aims: aims.to_vec(),
            states: Vec::new(),
            losses: vec![0.0; rows.len()],
            previous: points.clone(),
            best: points.clone(),
            gradients: vec![0.0; points.len()],
            best_gradients: Vec::new(),
            points,
            room: vec![0.0; batch.width],
        };
        if phase > 0 {
            climb.shrink(batch);
        }
        climb.run(batch, phases.len() > 1)?;
        points = climb.best;
    }
    Ok(())
}

/// Random points of the surfaces of the balls of `radius` epsilons, within the boxes.
fn start(batch: &Batch<'_, '_>, rows: &[usize], radius: f64, lane: u32) -> Vec<f32> {
    let mut points = batch.gather(rows, &batch.origin);
    let mut draws = vec![0.0; batch.width];
    for (&row, point) in rows.iter().zip(points.chunks_exact_mut(batch.width)) {
        let mut stream = batch.stream(row).lane(lane);
        let (low, high) = batch.bounds_of(row);
        let epsilon = radius * f64::from(batch.epsilons[row]);
        let linf = batch.task.norm == Norm::Linf;
        for (draw, (low, high)) in draws.iter_mut().zip(low.iter().zip(high)) {
            let drawn = if linf { 2.0 * stream.next_f64() - 1.0 } else { stream.next_normal() };
            *draw = if low < high { drawn } else { 0.0 };
        }
        let length = match batch.task.norm {
            Norm::Linf => draws.iter().fold(0.0, |most: f64, draw| most.max(draw.abs())),
            _ => draws.iter().map(|draw| draw * draw).sum::<f64>().sqrt(),
        };
        if batch.task.norm == Norm::L1 {
            for (value, draw) in point.iter_mut().zip(&draws) {
                *value += *draw as f32;
            }
            project_l1(epsilon * (1.0 - L1_SLACK), batch.origin_of(row), low, high, point);
        } else if length > 0.0 {
            let factor = epsilon / length;
            for ((value, draw), (&low, &high)) in
                point.iter_mut().zip(&draws).zip(low.iter().zip(high))
            {
                *value = (*value + (factor * draw) as f32).max(low).min(high);
            }
        }
    }
    points
}

/// Rows on their way uphill, in lockstep; those that are through leave. Arrays go by place in `rows`.
struct Climb {
    loss: AttackLoss,
    /// In epsilons.
    radius: f64,
    steps: u32,
    rho: f64,
    /// Whether adversarial points are recorded.
    counts: bool,
    rows: Vec<usize>,
    aims: Vec<Aim>,
    states: Vec<State>,
    /// Loss at `points`.
    losses: Vec<f32>,
    points: Vec<f32>,
    /// The points before the last step.
    previous: Vec<f32>,
    gradients: Vec<f32>,
    /// Where the loss was largest, and the gradients there.
    best: Vec<f32>,
    best_gradients: Vec<f32>,
    /// Room for the calculations on one row.
    room: Vec<f32>,
}

/// What is known about a row on its way.
#[derive(Clone, Copy)]
struct State {
    step: f32,
    loss: f32,
    best: f32,
    best_at_check: f32,
    /// Steps since the last check that raised the loss.
    rises: u32,
    /// Whether the step was halved at the last check.
    halved: bool,
    /// Features that may move.
    free: usize,
    /// Under L1: share of them that a step moves, and how many differed from the row at the last check.
    share: f64,
    support: usize,
}

impl Climb {
    fn run(&mut self, batch: &mut Batch<'_, '_>, in_phases: bool) -> Result<(), RobustnessError> {
        self.look(batch)?;
        self.best_gradients = self.gradients.clone();
        self.states = (0..self.rows.len()).map(|k| self.state(batch, k, in_phases)).collect();
        self.drop_found(batch);
        let of_steps = |share: f64| ((share * f64::from(self.steps)) as u32).max(1);
        let l1 = batch.task.norm == Norm::L1;
        let mut window = of_steps(if l1 { 0.04 } else { 0.22 });
        let (shortest, shorter) = (of_steps(0.06), of_steps(0.03));
        let mut since_check = 0;
        for step in 0..self.steps {
            if self.rows.is_empty() {
                break;
            }
            self.step(batch, if step == 0 { 1.0 } else { STEP_SHARE });
            self.look(batch)?;
            self.compare(batch.width);
            self.drop_found(batch);
            since_check += 1;
            if since_check == window {
                since_check = 0;
                if l1 {
                    self.check_l1(batch);
                } else {
                    self.check(batch.width, window);
                    window = window.saturating_sub(shorter).max(shortest);
                }
            }
        }
        Ok(())
    }

    /// Losses and gradients at the points, which are recorded.
    fn look(&mut self, batch: &mut Batch<'_, '_>) -> Result<(), RobustnessError> {
        let (loss, aims) = (self.loss, &self.aims);
        batch.loss_and_gradient(
            &self.rows,
            &self.points,
            |k, logits, seed| loss.value_and_seed(logits, aims[k], seed),
            &mut self.losses,
            &mut self.gradients,
        )?;
        if self.counts { batch.record() } else { Ok(()) }
    }

    fn state(&self, batch: &Batch<'_, '_>, k: usize, in_phases: bool) -> State {
        let row = self.rows[k];
        let (low, high) = batch.bounds_of(row);
        let free = low.iter().zip(high).filter(|(low, high)| low < high).count();
        let longest = self.longest(batch, row);
        let loss = self.losses[k];
        let mut state = State {
            step: longest,
            loss,
            best: loss,
            best_at_check: loss,
            rises: 0,
            halved: true,
            free,
            share: FIRST_SHARE,
            support: free,
        };
        if in_phases {
            state.support = self.support(batch, k);
            state.share = state.support as f64 / free.max(1) as f64 / SHRINKING;
        }
        state
    }

    /// The first step's length.
    fn longest(&self, batch: &Batch<'_, '_>, row: usize) -> f32 {
        let radius = (self.radius * f64::from(batch.epsilons[row])) as f32;
        if batch.task.norm == Norm::L1 { radius } else { 2.0 * radius }
    }

    /// Features in which the best point differs from its row.
    fn support(&self, batch: &Batch<'_, '_>, k: usize) -> usize {
        let best = &self.best[k * batch.width..][..batch.width];
        best.iter().zip(batch.origin_of(self.rows[k])).filter(|(a, b)| a != b).count()
    }

    /// Brings the points into the balls of this run.
    fn shrink(&mut self, batch: &Batch<'_, '_>) {
        for (&row, point) in self.rows.iter().zip(self.points.chunks_exact_mut(batch.width)) {
            let (low, high) = batch.bounds_of(row);
            let epsilon = self.radius * f64::from(batch.epsilons[row]) * (1.0 - L1_SLACK);
            project_l1(epsilon, batch.origin_of(row), low, high, point);
        }
        self.previous.copy_from_slice(&self.points);
        self.best.copy_from_slice(&self.points);
    }

    fn step(&mut self, batch: &Batch<'_, '_>, share: f32) {
        let width = batch.width;
        for (k, &row) in self.rows.iter().enumerate() {
            let span = k * width..(k + 1) * width;
            let (low, high) = batch.bounds_of(row);
            let gradient = &mut self.gradients[span.clone()];
            let point = &mut self.points[span.clone()];
            let previous = &mut self.previous[span];
            let state = &self.states[k];
            if batch.task.norm == Norm::Linf {
                step_linf(state.step, share, (low, high), gradient, previous, point);
                continue;
            }
            batch.still(row, gradient);
            if batch.task.norm == Norm::L1 {
                previous.copy_from_slice(point);
                step_l1(state, gradient, &mut self.room, point);
                let epsilon = self.radius * f64::from(batch.epsilons[row]) * (1.0 - L1_SLACK);
                project_l1(epsilon, batch.origin_of(row), low, high, point);
            } else {
                let length = Norm::L2.of(gradient);
                let factor = if length > 0.0 { state.step / length as f32 } else { 0.0 };
                for (ahead, (&value, &slope)) in
                    self.room.iter_mut().zip(point.iter().zip(&*gradient))
                {
                    *ahead = value + factor * slope;
                }
                batch.project(&[row], &mut self.room);
                for (&ahead, (value, before)) in
                    self.room.iter().zip(point.iter_mut().zip(previous))
                {
                    let last = *value - *before;
                    *before = *value;
                    *value += share * (ahead - *value) + (1.0 - share) * last;
                }
                batch.project(&[row], point);
            }
        }
    }

    /// Takes note of what the last step gained.
    fn compare(&mut self, width: usize) {
        for (k, (state, &loss)) in self.states.iter_mut().zip(&self.losses).enumerate() {
            state.rises += u32::from(loss > state.loss);
            state.loss = loss;
            if loss > state.best {
                state.best = loss;
                let span = k * width..(k + 1) * width;
                self.best[span.clone()].copy_from_slice(&self.points[span.clone()]);
                self.best_gradients[span.clone()].copy_from_slice(&self.gradients[span]);
            }
        }
    }

    /// Halves the steps of rows that make no progress and sets them back to their best points.
    fn check(&mut self, width: usize, window: u32) {
        for k in 0..self.rows.len() {
            let state = &mut self.states[k];
            let oscillates = f64::from(state.rises) <= self.rho * f64::from(window);
            let stalls = !state.halved && state.best <= state.best_at_check;
            state.halved = oscillates || stalls;
            state.best_at_check = state.best;
            state.rises = 0;
            if state.halved {
                state.step *= 0.5;
                self.back_to_best(k, width);
            }
        }
    }

    /// Adapts how many features a step moves to how many it took to come to the best points.
    fn check_l1(&mut self, batch: &Batch<'_, '_>) {
        for k in 0..self.rows.len() {
            let support = self.support(batch, k);
            let longest = self.longest(batch, self.rows[k]);
            let state = &mut self.states[k];
            let sparser = (support as f64) < 0.95 * state.support as f64;
            state.share = support as f64 / state.free.max(1) as f64 / SHRINKING;
            state.support = support;
            if sparser {
                state.step = longest;
                self.back_to_best(k, batch.width);
            } else {
                state.step = (state.step / SHRINKING as f32).max(longest / L1_STEPS);
            }
        }
    }

    fn back_to_best(&mut self, k: usize, width: usize) {
        let span = k * width..(k + 1) * width;
        self.points[span.clone()].copy_from_slice(&self.best[span.clone()]);
        self.gradients[span.clone()].copy_from_slice(&self.best_gradients[span]);
    }

    /// Leaves out the rows that are through.
    fn drop_found(&mut self, batch: &Batch<'_, '_>) {
        if !self.counts || !self.rows.iter().any(|&row| batch.found[row].is_adversarial()) {
            return;
        }
        let width = batch.width;
        let mut to = 0;
        for k in 0..self.rows.len() {
            if batch.found[self.rows[k]].is_adversarial() {
                continue;
            }
            self.rows[to] = self.rows[k];
            self.aims[to] = self.aims[k];
            self.states[to] = self.states[k];
            for values in self.arrays() {
                values.copy_within(k * width..(k + 1) * width, to * width);
            }
            to += 1;
        }
        self.rows.truncate(to);
        self.aims.truncate(to);
        self.states.truncate(to);
        self.losses.truncate(to);
        for values in self.arrays() {
            values.truncate(to * width);
        }
    }

    fn arrays(&mut self) -> [&mut Vec<f32>; 5] {
        [
            &mut self.points,
            &mut self.previous,
            &mut self.gradients,
            &mut self.best,
            &mut self.best_gradients,
        ]
    }
}

fn step_linf(
    step: f32,
    share: f32,
    (low, high): (&[f32], &[f32]),
    gradient: &[f32],
    previous: &mut [f32],
    point: &mut [f32],
) {
    for ((value, before), (&slope, (&low, &high))) in
        point.iter_mut().zip(previous).zip(gradient.iter().zip(low.iter().zip(high)))
    {
        // The box holds the ball, so that clipping to it is the whole projection.
        let ahead = (*value + step * sign(slope)).max(low).min(high);
        let last = *value - *before;
        *before = *value;
        *value = (*value + share * (ahead - *value) + (1.0 - share) * last).max(low).min(high);
    }
}

/// Spreads the step over the features with the largest slopes, equally.
fn step_l1(state: &State, gradient: &[f32], room: &mut [f32], point: &mut [f32]) {
    // Rounded to the nearest: rounded up, as the authors do, two features would never become one.
    let moved = (state.share * state.free as f64).round() as usize;
    let moved = moved.clamp(1, gradient.len());
    for (size, slope) in room.iter_mut().zip(gradient) {
        *size = slope.abs();
    }
    let (_, &mut least, _) = room.select_nth_unstable_by(moved - 1, |a, b| b.total_cmp(a));
    let goes = |slope: f32| slope != 0.0 && slope.abs() >= least;
    let count = gradient.iter().filter(|&&slope| goes(slope)).count();
    if count > 0 {
        let length = state.step / count as f32;
        for (value, &slope) in point.iter_mut().zip(gradient) {
            *value += if goes(slope) { length * sign(slope) } else { 0.0 };
        }
    }
}
