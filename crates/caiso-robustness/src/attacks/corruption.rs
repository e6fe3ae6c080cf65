use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::corruptions::Corruption;
use crate::image::Image;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Corrupts an image as cameras, transmission and weather do: noise of four kinds, blurs, brightness, contrast, larger
    /// pixels, the loss of JPEG, in one of five severities. The worst of the chosen kinds counts; one kind alone gives its own
    /// accuracy.
    ///
    /// ## Why it matters
    /// It is what happens without any attacker, in every deployment.
    ///
    /// ## References
    /// - Hendrycks, Dietterich: Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, ICLR 2019,
    ///   <https://arxiv.org/abs/1903.12261>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-CORRUPTION-001",
            name: "corruption",
            title: "Common corruptions",
            severity: Severity::Medium,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Labels,
        norms: &[Norm::L2, Norm::Linf, Norm::L1, Norm::L0],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<CorruptionParameters>(),
        run,
    };
}

/// Parameters of `corruption`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct CorruptionParameters {
    /// Which corruptions.
    kinds: Vec<Corruption>,
    /// How strong, from 1 to 5.
    #[schemars(range(min = 1, max = 5))]
    severity: u8,
    /// Draws of those that are random.
    #[schemars(range(min = 1, max = 10_000))]
    repeats: u32,
}

impl Default for CorruptionParameters {
    fn default() -> Self {
        Self { kinds: Corruption::ALL.to_vec(), severity: 3, repeats: 1 }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let CorruptionParameters { kinds, severity, repeats } = parameters.read();
    let image = Image::of(batch)?;
    let features = batch.task.domain.features();
    // Pixels as shares of their valid range, and back.
    let ends: Vec<(f32, f32)> = features
        .iter()
        .map(|feature| {
            ((feature.lower / feature.unit()) as f32, (feature.range() / feature.unit()) as f32)
        })
        .collect();
    batch.each_row(|batch, row| {
        let share = |(&value, &(low, range)): (&f32, &(f32, f32))| {
            if range > 0.0 { (value - low) / range } else { 0.0 }
        };
        let shares: Vec<f32> = batch.origin_of(row).iter().zip(&ends).map(share).collect();
        for (k, kind) in kinds.iter().enumerate() {
            let mut stream = batch.stream(row).lane(k as u32);
            for _ in 0..if kind.is_random() { repeats } else { 1 } {
                let mut point = shares.clone();
                kind.apply(image, usize::from(severity), &mut stream, &mut point);
                for (value, &(low, range)) in point.iter_mut().zip(&ends) {
                    *value = low + range * *value;
                }
                batch.query(row, &point)?;
            }
        }
        Ok(())
    })
}
