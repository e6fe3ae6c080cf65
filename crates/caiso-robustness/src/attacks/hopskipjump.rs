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
    /// HopSkipJump: starts from an input that the model decides otherwise, walks to the boundary, estimates from decisions
    /// around that point in which direction the boundary lies, steps there and walks back to the boundary, nearer each
    /// time.
    ///
    /// ## Why it matters
    /// It needs nothing but decisions. Hiding scores and gradients behind an interface does not stop it.
    ///
    /// ## References
    /// - Chen, Jordan, Wainwright: HopSkipJumpAttack, IEEE Symposium on Security and Privacy 2020,
    ///   <https://arxiv.org/abs/1904.02144>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-HOPSKIPJUMP-001",
            name: "hopskipjump",
            title: "HopSkipJump",
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
        parameters: ParameterSet::of::<HopSkipJumpParameters>(),
        run,
    };
}

/// Parameters of `hopskipjump`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct HopSkipJumpParameters {
    /// Estimates of a direction, each followed by a step and a walk to the boundary.
    #[schemars(range(min = 1, max = 10_000))]
    steps: u32,
    /// Decisions in the first estimate; the number grows with the square root of the step.
    #[schemars(range(min = 2, max = 100_000))]
    first_samples: u32,
    /// Most decisions in one estimate.
    #[schemars(range(min = 2, max = 1_000_000))]
    most_samples: u32,
    /// How far around the boundary an estimate looks: this many times the distance over the number of features.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1_000.0))]
    gamma: f64,
}

impl Default for HopSkipJumpParameters {
    fn default() -> Self {
        Self { steps: 64, first_samples: 100, most_samples: 10_000, gamma: 1.0 }
    }
}

/// How near the boundary the last point is, as a share of its distance: not so near that another runtime's rounding decides.
const LAST_TOLERANCE: f64 = 1e-4;
/// Queries kept for a step and its walk to the boundary.
const RESERVE: u64 = 50;

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: HopSkipJumpParameters = parameters.read();
    let mut probe = Probe::default();
    batch.each_row(|batch, row| attack(batch, row, &parameters, &mut probe))
}

fn attack(
    batch: &mut Batch<'_, '_>,
    row: usize,
    parameters: &HopSkipJumpParameters,
    probe: &mut Probe,
) -> Result<(), RobustnessError> {
    let (norm, grain) = (batch.task.norm, Grain::of(batch, row));
    let Some(mut point) = start(batch, row, norm)? else { return Ok(()) };
    let features = grain.free as f64;
    let tolerance = match norm {
        Norm::Linf => parameters.gamma / (features * features),
        _ => parameters.gamma / (features * features.sqrt()),
    }
    .clamp(1e-6, 1e-3);
    let mut stream = batch.stream(row);
    let mut direction = vec![0.0; point.len()];
    let mut candidate = point.clone();
    to_boundary(batch, row, norm, tolerance, &mut point)?;
    for step in 0..parameters.steps {
        let radius = distance(norm, batch.origin_of(row), &point);
        let samples = f64::from(parameters.first_samples) * f64::from(step + 1).sqrt();
        let samples = samples.min(f64::from(parameters.most_samples)) as u64;
        let samples = samples.min(batch.remaining(row).saturating_sub(RESERVE));
        if radius == 0.0 || samples < 2 {
            break;
        }
        // The first point is far from the row, whatever its distance: the boundary may be curved there.
        let length =
            if step == 0 { 0.1 * grain.extent } else { parameters.gamma * radius / features };
        let uniform = norm == Norm::Linf;
        probe.direction(
            batch,
            row,
            &point,
            &grain.spread(length),
            samples as usize,
            uniform,
            &mut stream,
            &mut direction,
        )?;
        if norm == Norm::Linf {
            for slope in &mut direction {
                *slope = sign(*slope);
            }
        } else {
            normalise(Norm::L2, &mut direction);
        }
        let mut length = radius / f64::from(step + 1).sqrt();
        while length > 1e-4 * radius {
            let (low, high) = batch.bounds_of(row);
            for (value, (&at, &slope)) in candidate.iter_mut().zip(point.iter().zip(&direction)) {
                *value = at + length as f32 * slope;
            }
            clip(low, high, &mut candidate);
            if batch.is_adversarial(row, &candidate)? {
                point.copy_from_slice(&candidate);
                to_boundary(batch, row, norm, tolerance, &mut point)?;
                break;
            }
            length *= 0.5;
        }
    }
    finish(batch, row, norm, LAST_TOLERANCE)
}
