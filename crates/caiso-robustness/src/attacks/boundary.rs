use std::collections::VecDeque;

use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::decision::{Grain, distance, finish, start, to_boundary};
use crate::norm::clip;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// The boundary attack: starts from an input that the model decides otherwise and walks at random along the boundary,
    /// a step around the row and a step towards it, and keeps what is still decided otherwise. Both lengths follow the
    /// rate of success.
    ///
    /// ## Why it matters
    /// It needs nothing but decisions, and no assumption about the boundary: what it does not find is worth little, what it
    /// finds is beyond doubt.
    ///
    /// ## References
    /// - Brendel, Rauber, Bethge: Decision-Based Adversarial Attacks, ICLR 2018, <https://arxiv.org/abs/1712.04248>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-BOUNDARY-001",
            name: "boundary",
            title: "Boundary attack",
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
        parameters: ParameterSet::of::<BoundaryParameters>(),
        run,
    };
}

/// Parameters of `boundary`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct BoundaryParameters {
    /// Steps of the walk.
    #[schemars(range(min = 1, max = 10_000_000))]
    steps: u32,
    /// First length of the step around the row, as a share of the distance.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    spherical_step: f64,
    /// First length of the step towards the row, as a share of the distance.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    source_step: f64,
    /// Factor by which the lengths change.
    #[schemars(extend("exclusiveMinimum" = 1.0), range(max = 100.0))]
    step_adaptation: f64,
    /// The walk ends where the step towards the row is shorter.
    #[schemars(range(min = 0.0, max = 1.0))]
    source_step_convergence: f64,
}

impl Default for BoundaryParameters {
    fn default() -> Self {
        Self {
            steps: 25_000,
            spherical_step: 0.01,
            source_step: 0.01,
            step_adaptation: 1.5,
            source_step_convergence: 1e-7,
        }
    }
}

/// How near the boundary the walk starts and ends, as a share of the distance.
const TOLERANCE: f64 = 1e-4;
/// Steps between two looks at the step around the row alone.
const CHECK_EVERY: u32 = 10;
/// Queries kept for the last walk to the boundary.
const RESERVE: u64 = 15;

/// The rate of success over the last tries.
struct Rate {
    tries: VecDeque<bool>,
    length: usize,
}

impl Rate {
    fn over(length: usize) -> Self {
        Self { tries: VecDeque::with_capacity(length), length }
    }

    /// Adds a try. Where there are enough of them and the rate is above `high`, answers `factor`, below `low` its
    /// reciprocal, and starts anew; 1 otherwise.
    fn factor(&mut self, success: bool, low: f64, high: f64, factor: f64) -> f64 {
        if self.tries.len() == self.length {
            self.tries.pop_front();
        }
        self.tries.push_back(success);
        if self.tries.len() < self.length {
            return 1.0;
        }
        let rate =
            self.tries.iter().filter(|&&success| success).count() as f64 / self.length as f64;
        let change = match rate {
            _ if rate > high => factor,
            _ if rate < low => 1.0 / factor,
            _ => return 1.0,
        };
        self.tries.clear();
        change
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: BoundaryParameters = parameters.read();
    batch.each_row(|batch, row| attack(batch, row, &parameters))
}

fn attack(
    batch: &mut Batch<'_, '_>,
    row: usize,
    parameters: &BoundaryParameters,
) -> Result<(), RobustnessError> {
    let Some(mut point) = start(batch, row, Norm::L2)? else { return Ok(()) };
    to_boundary(batch, row, Norm::L2, TOLERANCE, &mut point)?;
    let grain = Grain::of(batch, row);
    let mut stream = batch.stream(row);
    let (mut around, mut both) = (Rate::over(100), Rate::over(30));
    let mut walk = Walk {
        spherical: parameters.spherical_step,
        source: parameters.source_step,
        noise: vec![0.0; point.len()],
        circled: point.clone(),
        candidate: point.clone(),
    };
    let factor = parameters.step_adaptation;
    for step in 0..parameters.steps {
        if walk.source < parameters.source_step_convergence || batch.remaining(row) < RESERVE + 2 {
            break;
        }
        stream.fill_normal(&mut walk.noise);
        if !walk.propose(batch, row, &point, &grain) {
            break;
        }
        if step % CHECK_EVERY == 0 {
            let success = batch.is_adversarial(row, &walk.circled)?;
            let change = around.factor(success, 0.2, 0.5, factor);
            walk.spherical = (walk.spherical * change).min(1.0);
            walk.source = (walk.source * change).min(1.0);
        }
        let success = batch.is_adversarial(row, &walk.candidate)?;
        if step % CHECK_EVERY == 0 {
            walk.source = (walk.source * both.factor(success, 0.1, 0.25, factor)).min(1.0);
        }
        if success {
            point.copy_from_slice(&walk.candidate);
        }
    }
    finish(batch, row, Norm::L2, TOLERANCE)
}

struct Walk {
    spherical: f64,
    source: f64,
    /// A normal direction, changed by a proposal.
    noise: Vec<f32>,
    /// The point after the step around the row.
    circled: Vec<f32>,
    /// The point after the step towards it.
    candidate: Vec<f32>,
}

impl Walk {
    /// Proposes the next point; `false` if there is nowhere to go.
    fn propose(&mut self, batch: &Batch<'_, '_>, row: usize, point: &[f32], grain: &Grain) -> bool {
        let origin = batch.origin_of(row);
        let (low, high) = batch.bounds_of(row);
        let radius = distance(Norm::L2, origin, point);
        if radius == 0.0 {
            return false;
        }
        for (noise, least) in self.noise.iter_mut().zip(&grain.least) {
            *noise = if least.is_finite() { *noise } else { 0.0 };
        }
        // What is left of the noise across the line from the row to the point.
        let along = inner(&self.noise, point, origin) / (radius * radius);
        for (noise, (&at, &own)) in self.noise.iter_mut().zip(point.iter().zip(origin)) {
            *noise -= (along * f64::from(at - own)) as f32;
        }
        let length = Norm::L2.of(&self.noise);
        if length == 0.0 {
            return false;
        }
        // On the sphere around the row: a step along the tangent, then back to the radius.
        let shrink = 1.0 / self.spherical.hypot(1.0);
        let (keep, turn) = (shrink as f32, (shrink * self.spherical * radius / length) as f32);
        for (value, ((&at, &own), &noise)) in
            self.circled.iter_mut().zip(point.iter().zip(origin).zip(&self.noise))
        {
            *value = own + keep * (at - own) + turn * noise;
        }
        clip(low, high, &mut self.circled);
        let circled = distance(Norm::L2, origin, &self.circled);
        if circled == 0.0 {
            return false;
        }
        // As long as asked, and by what clipping has changed of the radius.
        let length = (self.source * radius + circled - radius).max(0.0) / circled;
        for (value, (&at, &own)) in self.candidate.iter_mut().zip(self.circled.iter().zip(origin)) {
            *value = at + length as f32 * (own - at);
        }
        clip(low, high, &mut self.candidate);
        true
    }
}

fn inner(noise: &[f32], point: &[f32], origin: &[f32]) -> f64 {
    let terms = noise.iter().zip(point.iter().zip(origin));
    terms.map(|(&noise, (&at, &own))| f64::from(noise) * f64::from(at - own)).sum()
}
