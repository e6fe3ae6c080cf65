use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::{Access, CHUNK};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::image::{Affine, Image};
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Turns and shifts an image in every combination of a grid, and asks for the decision. Distances are those of
    /// the pixels, which say little about how far an image was turned.
    ///
    /// ## Why it matters
    /// Turns and shifts occur by themselves, look natural, and leave every ball of the usual norms.
    ///
    /// ## References
    /// - Engstrom et al.: Exploring the Landscape of Spatial Robustness, ICML 2019, <https://arxiv.org/abs/1712.02779>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-SPATIAL-001",
            name: "spatial",
            title: "Turns and shifts",
            severity: Severity::High,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Labels,
        norms: &[Norm::L2, Norm::Linf, Norm::L1, Norm::L0],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<SpatialParameters>(),
        run,
    };
}

/// Parameters of `spatial`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct SpatialParameters {
    /// Largest turn in degrees, either way.
    #[schemars(range(min = 0.0, max = 180.0))]
    max_rotation: f64,
    /// Turns in the grid, evenly spaced.
    #[schemars(range(min = 1, max = 1_001))]
    rotations: u32,
    /// Largest shift along each axis as a share of the image's side, either way; whole pixels.
    #[schemars(range(min = 0.0, max = 1.0))]
    max_translation: f64,
    /// Shifts along each axis in the grid, evenly spaced.
    #[schemars(range(min = 1, max = 101))]
    translations: u32,
}

impl Default for SpatialParameters {
    fn default() -> Self {
        Self { max_rotation: 30.0, rotations: 31, max_translation: 0.1, translations: 5 }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: SpatialParameters = parameters.read();
    let image = Image::of(batch)?;
    let transforms = grid(&parameters, image);
    let mut points = Vec::new();
    batch.each_row(|batch, row| {
        for part in transforms.chunks(CHUNK) {
            let allowed = part.len().min(batch.remaining(row).max(1) as usize);
            points.resize(allowed * batch.width, 0.0);
            for (point, transform) in points.chunks_exact_mut(batch.width).zip(part) {
                image.transform(batch.origin_of(row), transform, point);
            }
            batch.query(row, &points)?;
        }
        Ok(())
    })
}

/// All combinations, the smallest first, so that a limit on queries leaves out the largest; without the one that changes
/// nothing.
fn grid(parameters: &SpatialParameters, image: Image) -> Vec<Affine> {
    let even = |most: f64, count: u32| {
        let place = move |k: u32| {
            if count == 1 { 0.0 } else { most * (2.0 * f64::from(k) / f64::from(count - 1) - 1.0) }
        };
        (0..count).map(place)
    };
    let whole = |side: usize| {
        let mut shifts: Vec<f64> =
            even(parameters.max_translation * side as f64, parameters.translations)
                .map(f64::round)
                .collect();
        shifts.dedup();
        shifts
    };
    let (down, right) = (whole(image.height), whole(image.width));
    let mut transforms = Vec::new();
    for degrees in even(parameters.max_rotation, parameters.rotations) {
        for &down in &down {
            for &right in &right {
                transforms.push(Affine { degrees, down, right });
            }
        }
    }
    let size = |t: &Affine| {
        let turn = t.degrees / parameters.max_rotation.max(1.0);
        let shift =
            |pixels: f64, side: usize| pixels / (side as f64 * parameters.max_translation).max(1.0);
        turn * turn + shift(t.down, image.height).powi(2) + shift(t.right, image.width).powi(2)
    };
    transforms.retain(|t| size(t) > 0.0);
    transforms.sort_by(|a, b| size(a).total_cmp(&size(b)));
    transforms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_holds_each_combination_once() {
        let image = Image { channels: 1, height: 28, width: 28 };
        let transforms = grid(&SpatialParameters::default(), image);
        assert_eq!(transforms.len(), 31 * 5 * 5 - 1);
        for (i, a) in transforms.iter().enumerate() {
            assert!(transforms[..i].iter().all(|b| a != b));
        }
        let few = SpatialParameters { max_translation: 0.04, ..SpatialParameters::default() };
        assert_eq!(grid(&few, image).len(), 31 * 3 * 3 - 1, "shifts of a pixel at most");
    }
}
