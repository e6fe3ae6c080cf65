use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ascent::sign;
use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::decision::{Grain, Probe, distance, finish, normalise, start, to_boundary};
use crate::norm::clip;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// The geometric decision-based attack: estimates the normal of the boundary from decisions around one of its points,
    /// walks from the row along that normal (its signs under L-infinity) to the boundary, and estimates again there with
    /// more decisions.
    ///
    /// ## Why it matters
    /// Where the boundary is nearly flat, as it mostly is near data, a few hundred decisions give the nearest adversarial
    /// point.
    ///
    /// ## References
    /// - Rahmati et al.: GeoDA, CVPR 2020, <https://arxiv.org/abs/2003.06468>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-GEODA-001",
            name: "geoda",
            title: "Geometric decision-based attack",
            severity: Severity::High,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Labels,
        norms: &[Norm::L2, Norm::Linf],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<GeodaParameters>(),
        run,
    };
}

/// Parameters of `geoda`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct GeodaParameters {
    /// Estimates of the normal, each followed by a walk along it.
    #[schemars(range(min = 1, max = 1_000))]
    steps: u32,
    /// Decisions in all estimates together, or what the queries of a row allow if that is less.
    #[schemars(range(min = 2, max = 100_000_000))]
    samples: u32,
    /// How many times as many decisions each estimate takes as the one before it.
    #[schemars(range(min = 1.0, max = 10.0))]
    growth: f64,
    /// How far around the boundary an estimate looks: this many times the distance over the number of features.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1_000.0))]
    gamma: f64,
}

impl Default for GeodaParameters {
    fn default() -> Self {
        // 0.6^(-2/3) is the growth that the authors find best.
        Self { steps: 10, samples: 4_000, growth: 1.4, gamma: 1.0 }
    }
}

/// How near the boundary its points are, as a share of their distance.
const TOLERANCE: f64 = 1e-4;
/// Queries that each walk may take.
const WALK: u64 = 30;
/// How far a walk along the normal goes at most, as a multiple of the distance so far.
const FARTHEST: f64 = 16.0;

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: GeodaParameters = parameters.read();
    let mut probe = Probe::default();
    batch.each_row(|batch, row| attack(batch, row, &parameters, &mut probe))
}

fn attack(
    batch: &mut Batch<'_, '_>,
    row: usize,
    parameters: &GeodaParameters,
    probe: &mut Probe,
) -> Result<(), RobustnessError> {
    let Some(mut point) = start(batch, row, Norm::L2)? else { return Ok(()) };
    let (norm, grain) = (batch.task.norm, Grain::of(batch, row));
    let mut stream = batch.stream(row);
    let mut direction = vec![0.0; point.len()];
    to_boundary(batch, row, Norm::L2, TOLERANCE, &mut point)?;
    let walks = u64::from(parameters.steps) * WALK;
    let samples = u64::from(parameters.samples).min(batch.remaining(row).saturating_sub(walks));
    let shares: Vec<f64> = (0..parameters.steps)
        .scan(1.0, |share, _| Some(std::mem::replace(share, *share * parameters.growth)))
        .collect();
    let total: f64 = shares.iter().sum();
    for share in shares {
        let radius = distance(Norm::L2, batch.origin_of(row), &point);
        if radius == 0.0 {
            break;
        }
        let count = ((samples as f64 * share / total) as usize).max(2);
        let spread = grain.spread(parameters.gamma * radius / grain.free as f64);
        probe.direction(batch, row, &point, &spread, count, false, &mut stream, &mut direction)?;
        if norm == Norm::Linf {
            for slope in &mut direction {
                *slope = sign(*slope);
            }
        } else {
            normalise(Norm::L2, &mut direction);
        }
        if let Some(found) = walk(batch, row, norm, &point, &direction)? {
            point = found;
        }
    }
    finish(batch, row, norm, TOLERANCE)
}

/// The point of the boundary that lies in a direction from the row, if there is one within reach.
fn walk(
    batch: &mut Batch<'_, '_>,
    row: usize,
    norm: Norm,
    point: &[f32],
    direction: &[f32],
) -> Result<Option<Vec<f32>>, RobustnessError> {
    let radius = distance(norm, batch.origin_of(row), point);
    let mut candidate = vec![0.0; point.len()];
    let mut length = radius;
    while length <= FARTHEST * radius {
        let (low, high) = batch.bounds_of(row);
        for (value, (&own, &slope)) in
            candidate.iter_mut().zip(batch.origin_of(row).iter().zip(direction))
        {
            *value = own + length as f32 * slope;
        }
        clip(low, high, &mut candidate);
        if batch.is_adversarial(row, &candidate)? {
            to_boundary(batch, row, norm, TOLERANCE, &mut candidate)?;
            return Ok(Some(candidate));
        }
        length *= 1.5;
    }
    Ok(None)
}
