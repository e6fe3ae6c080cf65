//! What can be asked of a classifier of texts.

use crate::model::arg_max;
use crate::{Access, Error, LogitTap};

/// Meaning of the outputs of a classifier of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextSpec {
    /// Number of classes, at least two.
    pub classes: usize,
    /// How the logits follow from the model's own output.
    pub tap: LogitTap,
    /// Labels of the classes in the order of the logits, where they are known.
    pub labels: Vec<String>,
}

/// A classifier of texts that can be queried.
pub trait TextModel: Send + Sync {
    /// Meaning of its outputs.
    fn spec(&self) -> &TextSpec;

    /// What it lets one see: [`Access::Labels`] or [`Access::Scores`].
    fn access(&self) -> Access;

    /// Logits `[texts, classes]`; with [`Access::Labels`] 1 for the class and 0 for all others.
    fn logits(&self, texts: &[String]) -> Result<Vec<f32>, Error>;

    /// Class of each text: the first of the largest logits.
    fn predict(&self, texts: &[String]) -> Result<Vec<usize>, Error> {
        let logits = self.logits(texts)?;
        Ok(logits.chunks_exact(self.spec().classes).map(arg_max).collect())
    }
}
