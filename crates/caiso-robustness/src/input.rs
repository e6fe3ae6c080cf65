//! What a robustness check works on.

use std::sync::Arc;

use caiso_inference::Model;

use crate::{Domain, RobustnessError};

/// A model, labelled rows and the domain of valid inputs.
pub struct RobustnessInput {
    /// Component of the system: `model:mortgage`.
    pub component: String,
    /// File of the model, relative to the manifest.
    pub path: Option<String>,
    /// The classifier under attack.
    pub model: Arc<dyn Model>,
    /// Rows in row-major order, `[len, domain.width()]`, in the model's units.
    pub rows: Vec<f32>,
    /// True class of each row, from 0.
    pub labels: Vec<usize>,
    /// Names of the classes, in the order of the model's outputs.
    pub classes: Vec<String>,
    /// What is valid.
    pub domain: Domain,
}

impl RobustnessInput {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// How many rows hold a value outside its declared bounds.
    pub fn rows_outside_bounds(&self) -> usize {
        let outside = |row: &&[f32]| {
            self.domain.features().iter().zip(*row).any(|(feature, &value)| {
                let value = f64::from(value);
                value < feature.lower || value > feature.upper
            })
        };
        self.rows.chunks_exact(self.domain.width().max(1)).filter(outside).count()
    }
}

/// Checks that rows, labels, domain and model fit together and hold nothing but finite numbers.
pub(crate) fn check(
    model: &dyn Model,
    domain: &Domain,
    rows: &[f32],
    labels: &[usize],
) -> Result<(), RobustnessError> {
    let width = domain.width();
    let (inputs, classes) = (model.features(), model.classes());
    if inputs != width {
        return Err(RobustnessError::Width { model: inputs, domain: width });
    }
    if labels.is_empty() {
        return Err(RobustnessError::NoRows);
    }
    if width.checked_mul(labels.len()) != Some(rows.len()) {
        return Err(RobustnessError::Shape { values: rows.len(), labels: labels.len(), width });
    }
    if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
        return Err(RobustnessError::NotFinite {
            row: at / width + 1,
            feature: domain.features()[at % width].name.clone(),
            value: rows[at],
        });
    }
    if let Some(row) = labels.iter().position(|&label| label >= classes) {
        return Err(RobustnessError::Label { row: row + 1, label: labels[row], classes });
    }
    if !domain.features().iter().any(crate::FeatureDomain::is_free) {
        return Err(RobustnessError::NothingFree);
    }
    Ok(())
}
