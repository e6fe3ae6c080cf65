//! An ensemble as a model.

use rayon::prelude::*;

use super::TreeEnsemble;
use crate::model::check_rows;
use crate::{Error, Model, ModelSpec};

/// Rows of one task.
const ROWS: usize = 256;

/// An ensemble with the meaning of its outputs.
pub(crate) struct TreeModel {
    pub(crate) spec: ModelSpec,
    pub(crate) ensemble: TreeEnsemble,
}

impl Model for TreeModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn trees(&self) -> Option<&TreeEnsemble> {
        Some(&self.ensemble)
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        check_rows(rows, self.spec.features, None)?;
        let tasks = rows.par_chunks(ROWS * self.spec.features);
        let logits = tasks.map(|rows| self.ensemble.logits_of(&self.ensemble.sums(rows)));
        Ok(logits.collect::<Vec<_>>().concat())
    }
}
