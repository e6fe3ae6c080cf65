use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::decision::{Grain, normalise};
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Adds random noise that uses up the whole epsilon, several times, and asks for the decision.
    ///
    /// ## Why it matters
    /// It is what happens without any attacker. An attack that finds less than noise does has failed, and a model that
    /// falls to noise needs no attacker.
    ///
    /// ## References
    /// - Rauber, Brendel, Bethge: Foolbox, 2017, <https://arxiv.org/abs/1707.04131>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-NOISE-001",
            name: "noise",
            title: "Random noise",
            severity: Severity::High,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Labels,
        norms: &[Norm::Linf, Norm::L2],
        goal: Goal::WithinEpsilon,
        scope: Scope::Row,
        parameters: ParameterSet::of::<NoiseParameters>(),
        run,
    };
}

/// Parameters of `noise`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct NoiseParameters {
    /// How the noise is distributed.
    kind: Kind,
    /// Draws for each row.
    #[schemars(range(min = 1, max = 1_000_000))]
    repeats: u32,
}

impl Default for NoiseParameters {
    fn default() -> Self {
        Self { kind: Kind::Uniform, repeats: 100 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// Normal, scaled to the length of epsilon.
    Gaussian,
    /// Uniform: under L-infinity in the whole ball, under L2 scaled to the length of epsilon.
    Uniform,
    /// Every feature to the lower or the upper end of its reach, under L2 scaled to the length of epsilon.
    SaltAndPepper,
}

/// Draws that are decided together.
const BLOCK: usize = 10;

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let NoiseParameters { kind, repeats } = parameters.read();
    let mut points = Vec::new();
    batch.each_row(|batch, row| {
        let grain = Grain::of(batch, row);
        let mut stream = batch.stream(row);
        let mut left = repeats as usize;
        while left > 0 && !batch.found[row].is_adversarial() {
            let block = left.min(BLOCK).min(batch.remaining(row).max(1) as usize);
            left -= block;
            points.resize(block * batch.width, 0.0);
            if kind == Kind::Gaussian {
                stream.fill_normal(&mut points);
            } else {
                stream.fill_uniform(&mut points);
            }
            for point in points.chunks_exact_mut(batch.width) {
                draw(batch, row, kind, &grain, point);
            }
            batch.query(row, &points)?;
        }
        Ok(())
    })
}

/// Turns random numbers into a noisy copy of the row.
fn draw(batch: &Batch<'_, '_>, row: usize, kind: Kind, grain: &Grain, point: &mut [f32]) {
    let norm = batch.task.norm;
    for (value, least) in point.iter_mut().zip(&grain.least) {
        *value = match kind {
            _ if least.is_infinite() => 0.0,
            Kind::Gaussian => *value,
            Kind::Uniform => 2.0 * *value - 1.0,
            Kind::SaltAndPepper => (*value - 0.5).signum(),
        };
    }
    // Uniform noise under L-infinity fills the ball instead of its faces.
    if norm != Norm::Linf || kind == Kind::Gaussian {
        normalise(norm, point);
    }
    let epsilon = batch.epsilons[row];
    for (value, &own) in point.iter_mut().zip(batch.origin_of(row)) {
        *value = own + epsilon * *value;
    }
    batch.project(&[row], point);
}
