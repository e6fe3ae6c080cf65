use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::{Access, Loss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ascent::{L1Step, steepest};
use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::measure::Measure;
use crate::objective::Objective;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Projected gradient descent with a line search: along the gradient of the margin, doubles the length of the step while
    /// the margin rises and then searches the best multiple of the smallest step, within epsilon and the valid inputs; stops
    /// when that gains nothing. It starts from the row, and from the nearest row of another class brought into the ball.
    /// The mistake of largest margin is kept.
    ///
    /// ## Why it matters
    /// It attacks with the most confidence that an epsilon allows, what matters against linear models, support vector
    /// machines and copies of a model, and moves on the grid of whole-number features.
    ///
    /// ## References
    /// - Biggio et al.: Evasion Attacks against Machine Learning at Test Time, ECML PKDD 2013,
    ///   <https://arxiv.org/abs/1708.06131>
    /// - Melis et al.: Is Deep Learning Safe for Robot Vision?, ViPAR 2017, <https://arxiv.org/abs/1708.06939>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-PGD-LS-001",
            name: "pgd-ls",
            title: "Projected gradient descent with line search",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Gradients,
        norms: &[Norm::L2, Norm::L1, Norm::Linf],
        goal: Goal::WithinEpsilon,
        scope: Scope::Row,
        parameters: ParameterSet::of::<PgdLsParameters>(),
        run,
    };
}

/// Parameters of `pgd-ls`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct PgdLsParameters {
    /// Most line searches from each start.
    #[schemars(range(min = 1, max = 100_000))]
    steps: u32,
    /// Smallest step, of which all steps are multiples, as a fraction of epsilon.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    relative_step_size: f64,
    /// Smallest step in units of distance; goes before `relative_step_size`. A whole-number feature under L1 moves by whole
    /// numbers instead.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    step_size: Option<f64>,
    /// Longest step as a fraction of epsilon.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 2.0))]
    relative_step_size_maximum: f64,
    /// By how much, in logits, the margin has to rise for the search to go on.
    #[schemars(range(min = 0.0))]
    tolerance: f64,
    /// Whether to start from the nearest row of another class too.
    double_init: bool,
}

impl Default for PgdLsParameters {
    fn default() -> Self {
        Self {
            steps: 100,
            relative_step_size: 0.01,
            step_size: None,
            relative_step_size_maximum: 2.0,
            tolerance: 1e-4,
            double_init: true,
        }
    }
}

/// One row's ascent.
struct Climber {
    row: usize,
    point: Vec<f32>,
    /// Margin of the valid point nearest to it.
    margin: f32,
    direction: Vec<f32>,
    /// Length of the smallest step, and how many of them the longest has.
    unit: f32,
    longest: u32,
    /// Best step so far in this search, in units, and its margin.
    best: (u32, f32),
    search: Search,
}

/// Where a line search is. All in units of the smallest step.
#[derive(Clone, Copy, PartialEq)]
enum Search {
    /// Doubling: the next to try.
    Doubling(u32),
    /// The best is between these two.
    Between(u32, u32),
    Done,
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: PgdLsParameters = parameters.read();
    batch.measure = Measure::Lead;
    let rows = batch.all();
    climb(batch, &rows, &batch.origin.clone(), &parameters)?;
    if let Some(starts) = batch.starts.clone() {
        let mut points = starts;
        batch.project(&rows, &mut points);
        climb(batch, &rows, &points, &parameters)?;
    }
    if parameters.double_init {
        let (mut rows, mut points) = (Vec::new(), Vec::new());
        for row in 0..batch.len() {
            if let Some(sample) = batch.nearest_sample(row) {
                rows.push(row);
                points.extend(sample);
            }
        }
        batch.project(&rows, &mut points);
        climb(batch, &rows, &points, &parameters)?;
    }
    Ok(())
}

fn climb(
    batch: &mut Batch<'_, '_>,
    rows: &[usize],
    starts: &[f32],
    parameters: &PgdLsParameters,
) -> Result<(), RobustnessError> {
    let width = batch.width;
    let objective = Objective::new(batch, Loss::Margin);
    let mut seed = vec![0.0; batch.classes];
    let affordable = |&(&row, _): &(&usize, &[f32])| batch.affords(row, 1);
    let pairs = rows.iter().zip(starts.chunks_exact(width)).filter(affordable);
    let (rows, starts): (Vec<usize>, Vec<&[f32]>) = pairs.unzip();
    let starts = starts.concat();
    batch.evaluate(&rows, &starts)?;
    let mut climbers: Vec<Climber> = rows
        .iter()
        .zip(starts.chunks_exact(width))
        .zip(batch.logits().chunks_exact(batch.classes))
        .map(|((&row, point), logits)| Climber {
            row,
            point: point.to_vec(),
            margin: objective.value_and_seed(row, logits, &mut seed),
            direction: vec![0.0; width],
            unit: 0.0,
            longest: 0,
            best: (0, 0.0),
            search: Search::Done,
        })
        .collect();
    let (mut live, mut points) = (Vec::new(), Vec::new());
    let mut margins = vec![0.0; rows.len()];
    let mut gradients = vec![0.0; starts.len()];
    let price = batch.price(1);
    for _ in 0..parameters.steps {
        climbers.retain(|climber| batch.affords(climber.row, price));
        if climbers.is_empty() {
            break;
        }
        live.clear();
        points.clear();
        for climber in &climbers {
            live.push(climber.row);
            points.extend_from_slice(&climber.point);
        }
        let gradients = &mut gradients[..points.len()];
        let loss = |k: usize, logits: &[f32], seed: &mut [f32]| {
            objective.value_and_seed(live[k], logits, seed)
        };
        batch.loss_and_gradient(&live, &points, loss, &mut margins, gradients)?;
        for (climber, gradient) in climbers.iter_mut().zip(gradients.chunks_exact_mut(width)) {
            climber.aim(batch, gradient, parameters);
        }
        search(batch, &mut climbers, &objective)?;
        climbers.retain_mut(|climber| {
            let (steps, margin) = climber.best;
            let gain = f64::from(margin) - f64::from(climber.margin);
            if steps > 0 && gain > 0.0 {
                points.clear();
                climber.ahead(batch, steps, &mut points);
                climber.point.copy_from_slice(&points);
                climber.margin = margin;
            }
            steps > 0 && gain > parameters.tolerance
        });
    }
    Ok(())
}

impl Climber {
    /// Takes the direction of steepest ascent that stays within bounds, and readies the search along it.
    fn aim(&mut self, batch: &Batch<'_, '_>, gradient: &mut [f32], parameters: &PgdLsParameters) {
        let norm = batch.task.norm;
        let (low, high) = batch.bounds_of(self.row);
        batch.still(self.row, gradient);
        batch.block(self.row, &self.point, gradient);
        steepest(norm, L1Step::Steepest, &self.point, low, high, gradient);
        self.direction.copy_from_slice(gradient);
        let epsilon = f64::from(batch.epsilons[self.row]);
        let mut unit = parameters.step_size.unwrap_or(parameters.relative_step_size * epsilon);
        if norm == Norm::L1
            && let Some(j) = gradient.iter().position(|&slope| slope != 0.0)
            && batch.task.domain.features()[j].integer
        {
            unit = 1.0 / batch.task.domain.features()[j].unit();
        }
        let longest = parameters.relative_step_size_maximum * epsilon / unit;
        self.unit = unit as f32;
        self.longest = if longest.is_finite() { longest.round().max(1.0) as u32 } else { 0 };
        self.best = (0, self.margin);
        let flat = gradient.iter().all(|&slope| slope == 0.0);
        self.search = if flat || self.longest == 0 { Search::Done } else { Search::Doubling(1) };
    }

    /// Appends the point so many smallest steps ahead, brought back into ball and box.
    fn ahead(&self, batch: &Batch<'_, '_>, steps: u32, points: &mut Vec<f32>) {
        let (length, start) = (steps as f32 * self.unit, points.len());
        let ahead = self.point.iter().zip(&self.direction);
        points.extend(ahead.map(|(x, direction)| x + length * direction));
        batch.project(&[self.row], &mut points[start..]);
    }

    /// The steps to try next: one while doubling, two neighbours while bisecting.
    fn next(&self) -> [Option<u32>; 2] {
        match self.search {
            Search::Doubling(steps) => [Some(steps), None],
            Search::Between(low, high) => {
                let middle = u32::midpoint(low, high);
                [Some(middle), Some(middle + 1)]
            }
            Search::Done => [None, None],
        }
    }

    /// Goes on with the margins of the steps that [`next`](Self::next) named.
    fn learn(&mut self, first: f32, second: Option<f32>) {
        let [tried, neighbour] = self.next();
        for (steps, margin) in [(tried, Some(first)), (neighbour, second)] {
            if let (Some(steps), Some(margin)) = (steps, margin)
                && margin > self.best.1
            {
                self.best = (steps, margin);
            }
        }
        self.search = match self.search {
            Search::Doubling(steps) if self.best.0 == steps && steps < self.longest => {
                Search::Doubling((2 * steps).min(self.longest))
            }
            // Beyond the best there was a fall or the end; before it, what was doubled.
            Search::Doubling(steps) => Search::Between(self.best.0 / 2, steps),
            Search::Between(low, high) => {
                let middle = u32::midpoint(low, high);
                if second.is_some_and(|second| second > first) {
                    Search::Between(middle + 1, high)
                } else {
                    Search::Between(low, middle)
                }
            }
            Search::Done => Search::Done,
        };
        if let Search::Between(low, high) = self.search
            && high <= low + 1
        {
            self.search = Search::Done;
        }
    }
}

/// Searches along the direction of every climber, all of them at once.
fn search(
    batch: &mut Batch<'_, '_>,
    climbers: &mut [Climber],
    objective: &Objective,
) -> Result<(), RobustnessError> {
    let mut seed = vec![0.0; batch.classes];
    let (mut rows, mut points) = (Vec::new(), Vec::new());
    loop {
        rows.clear();
        points.clear();
        for climber in climbers.iter_mut() {
            if !batch.affords(climber.row, 2) {
                climber.search = Search::Done;
            }
            for steps in climber.next().into_iter().flatten() {
                rows.push(climber.row);
                climber.ahead(batch, steps, &mut points);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        batch.evaluate(&rows, &points)?;
        let mut margins = rows
            .iter()
            .zip(batch.logits().chunks_exact(batch.classes))
            .map(|(&row, logits)| objective.value_and_seed(row, logits, &mut seed));
        for climber in climbers.iter_mut() {
            let [first, second] = climber.next();
            if first.is_some()
                && let Some(first) = margins.next()
            {
                let second = second.and_then(|_| margins.next());
                climber.learn(first, second);
            }
        }
    }
}
