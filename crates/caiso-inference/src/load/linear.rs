//! The linear booster of XGBoost.

use super::OnnxModel;
use crate::kernels::{Dense, Impute, Kernel};
use crate::program::{Program, Step};
use crate::{Model, ModelSpec};

/// Sums of `weights`, `[features + 1, outputs]` with the bias in the last row; missing values count as 0. This
/// booster adds the first of the base scores to all outputs.
pub(super) fn build(
    spec: ModelSpec,
    weights: &[f64],
    base: &[f64],
) -> Result<Box<dyn Model>, String> {
    let (features, outputs) = (spec.features, base.len());
    let base = base.first().copied().unwrap_or(0.0);
    let expected = features.saturating_add(1).saturating_mul(outputs);
    let (Some((weights, bias)), true) =
        (weights.split_at_checked(features.saturating_mul(outputs)), weights.len() == expected)
    else {
        let found = weights.len();
        return Err(format!("\"weights\" has {found} numbers, expected {expected}"));
    };
    #[expect(clippy::cast_possible_truncation, reason = "written from 32 bits")]
    let narrow = |value: f64| value as f32;
    let weights: Vec<f32> = weights.iter().map(|&weight| narrow(weight)).collect();
    let bias = bias.iter().map(|bias| narrow(bias + base)).collect();
    let dense = Dense::new(&weights, features, outputs, Some(bias));
    let mut kernels = vec![
        (Kernel::Impute(Impute { replaced: f32::NAN, values: vec![0.0; features] }), features),
        (Kernel::Dense(dense), outputs),
    ];
    if outputs == 1 {
        kernels.push((Kernel::TwoClasses { flipped: false }, 2));
    }
    let output = kernels.len();
    let slots = std::iter::once(features).chain(kernels.iter().map(|(_, size)| *size)).collect();
    let steps = kernels
        .into_iter()
        .enumerate()
        .map(|(input, (kernel, _))| Step::new(kernel, vec![input], input.saturating_add(1)));
    let program = Program::new(slots, steps.collect(), output);
    Ok(Box::new(OnnxModel { spec, program }))
}
