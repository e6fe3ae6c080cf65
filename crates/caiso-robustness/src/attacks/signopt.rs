use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::{Access, CHUNK};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::decision::{Grain, distance, finish, normalise, start, to_boundary};
use crate::norm::clip;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Sign-OPT: looks for the direction in which the boundary is nearest. One decision tells whether a slightly different
    /// direction is better; the mean of many such signs is where to turn, a line search how far.
    ///
    /// ## Why it matters
    /// It needs nothing but decisions, and its figure is a distance along a direction, which is exact to the tolerance of
    /// a bisection.
    ///
    /// ## References
    /// - Cheng et al.: Sign-OPT, ICLR 2020, <https://arxiv.org/abs/1909.10773>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-SIGNOPT-001",
            name: "signopt",
            title: "Sign-OPT",
            severity: Severity::High,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Labels,
        norms: &[Norm::L2],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<SignOptParameters>(),
        run,
    };
}

/// Parameters of `signopt`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct SignOptParameters {
    /// Turns of the direction.
    #[schemars(range(min = 1, max = 100_000))]
    steps: u32,
    /// Decisions for each turn.
    #[schemars(range(min = 1, max = 100_000))]
    samples: u32,
    /// First length of a turn.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 10.0))]
    step_size: f64,
    /// First size of the differences between directions.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    difference: f64,
}

impl Default for SignOptParameters {
    fn default() -> Self {
        Self { steps: 100, samples: 100, step_size: 0.2, difference: 1e-2 }
    }
}

/// How near the boundary its points are, as a share of their distance.
const TOLERANCE: f64 = 1e-4;
/// Tries of a longer and of a shorter turn.
const TRIES: usize = 12;
/// Queries kept for the line search.
const RESERVE: u64 = 60;
/// Differences of directions below this vanish in the arithmetic.
const LEAST_DIFFERENCE: f64 = 1e-4;

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: SignOptParameters = parameters.read();
    batch.each_row(|batch, row| attack(batch, row, &parameters))
}

fn attack(
    batch: &mut Batch<'_, '_>,
    row: usize,
    parameters: &SignOptParameters,
) -> Result<(), RobustnessError> {
    let Some(mut point) = start(batch, row, Norm::L2)? else { return Ok(()) };
    to_boundary(batch, row, Norm::L2, TOLERANCE, &mut point)?;
    let mut search = Search {
        grain: Grain::of(batch, row),
        radius: distance(Norm::L2, batch.origin_of(row), &point),
        way: point.iter().zip(batch.origin_of(row)).map(|(at, own)| at - own).collect(),
        gradient: vec![0.0; point.len()],
        noise: Vec::new(),
        points: Vec::new(),
    };
    normalise(Norm::L2, &mut search.way);
    let (mut step, mut difference) = (parameters.step_size, parameters.difference);
    let mut stream = batch.stream(row);
    for _ in 0..parameters.steps {
        let left = batch.remaining(row).saturating_sub(RESERVE);
        let samples = u64::from(parameters.samples).min(left) as usize;
        if samples == 0 || search.radius == 0.0 {
            break;
        }
        search.slope(batch, row, samples, difference as f32, &mut stream)?;
        step = search.turn(batch, row, step)?;
        if step < 1e-4 {
            // Nothing near is better at this scale: look closer.
            (step, difference) = (parameters.step_size, difference * 0.1);
            if difference < LEAST_DIFFERENCE {
                break;
            }
        }
    }
    finish(batch, row, Norm::L2, TOLERANCE)
}

/// A direction from the row and how far the boundary is in it.
struct Search {
    grain: Grain,
    radius: f64,
    way: Vec<f32>,
    gradient: Vec<f32>,
    noise: Vec<f32>,
    points: Vec<f32>,
}

impl Search {
    /// Estimates in which direction the boundary is farther away.
    fn slope(
        &mut self,
        batch: &mut Batch<'_, '_>,
        row: usize,
        samples: usize,
        difference: f32,
        stream: &mut caiso_math::Stream,
    ) -> Result<(), RobustnessError> {
        let width = batch.width;
        self.gradient.fill(0.0);
        let mut left = samples;
        while left > 0 {
            let block = left.min(CHUNK);
            left -= block;
            self.noise.resize(block * width, 0.0);
            self.points.resize(block * width, 0.0);
            stream.fill_normal(&mut self.noise);
            let pairs = self.noise.chunks_exact_mut(width).zip(self.points.chunks_exact_mut(width));
            for (noise, point) in pairs {
                for (noise, least) in noise.iter_mut().zip(&self.grain.least) {
                    *noise = if least.is_finite() { *noise } else { 0.0 };
                }
                normalise(Norm::L2, noise);
                for (value, (way, noise)) in point.iter_mut().zip(self.way.iter().zip(&*noise)) {
                    *value = way + difference * noise;
                }
                along(batch, row, self.radius, point);
            }
            batch.query(row, &self.points)?;
            for (noise, &fooled) in self.noise.chunks_exact(width).zip(batch.fooled()) {
                let sign = if fooled { -1.0 } else { 1.0 };
                for (slope, noise) in self.gradient.iter_mut().zip(noise) {
                    *slope += sign * noise;
                }
            }
        }
        normalise(Norm::L2, &mut self.gradient);
        Ok(())
    }

    /// Turns against the slope, by `step` and by twice as much as long as that is better, by less if it is not. Answers the
    /// length for the next turn.
    fn turn(
        &mut self,
        batch: &mut Batch<'_, '_>,
        row: usize,
        step: f64,
    ) -> Result<f64, RobustnessError> {
        let start = self.way.clone();
        let mut next = step;
        let mut step = step;
        let mut better = false;
        for _ in 0..TRIES {
            if !self.is_better(batch, row, &start, step)? {
                break;
            }
            (better, next) = (true, step);
            step *= 2.0;
        }
        if better {
            return Ok(next);
        }
        for _ in 0..TRIES {
            step *= 0.25;
            if step < 1e-4 || self.is_better(batch, row, &start, step)? {
                break;
            }
        }
        Ok(step)
    }

    /// Whether the boundary is nearer in the direction that lies `step` against the slope; if so it is taken.
    fn is_better(
        &mut self,
        batch: &mut Batch<'_, '_>,
        row: usize,
        start: &[f32],
        step: f64,
    ) -> Result<bool, RobustnessError> {
        let pairs = start.iter().zip(&self.gradient);
        let mut point: Vec<f32> = pairs.map(|(way, slope)| way - step as f32 * slope).collect();
        // Nearer than so far by more than the tolerance, or not at all.
        along(batch, row, self.radius * (1.0 - 2.0 * TOLERANCE), &mut point);
        if !batch.is_adversarial(row, &point)? {
            return Ok(false);
        }
        to_boundary(batch, row, Norm::L2, TOLERANCE, &mut point)?;
        self.radius = distance(Norm::L2, batch.origin_of(row), &point);
        for (way, (&at, &own)) in self.way.iter_mut().zip(point.iter().zip(batch.origin_of(row))) {
            *way = at - own;
        }
        normalise(Norm::L2, &mut self.way);
        Ok(true)
    }
}

/// Turns a direction into the point at `radius` from the row.
fn along(batch: &Batch<'_, '_>, row: usize, radius: f64, way: &mut [f32]) {
    let factor = (radius / Norm::L2.of(way).max(f64::MIN_POSITIVE)) as f32;
    for (value, &own) in way.iter_mut().zip(batch.origin_of(row)) {
        *value = own + factor * *value;
    }
    let (low, high) = batch.bounds_of(row);
    clip(low, high, way);
}
