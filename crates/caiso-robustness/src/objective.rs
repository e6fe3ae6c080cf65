//! What an attack with gradients raises.

use caiso_inference::Loss;

use crate::batch::Batch;

/// A loss of the true class, or, where a class is aimed at, the negative loss of that class. With [`Loss::Margin`] it is
/// positive just where the row is adversarial.
pub(crate) struct Objective {
    loss: Loss,
    /// The class of each row that the loss is of.
    classes: Vec<usize>,
    targeted: bool,
}

impl Objective {
    pub(crate) fn new(batch: &Batch<'_, '_>, loss: Loss) -> Self {
        let targeted = batch.targets.is_some();
        let classes = batch.targets.as_ref().unwrap_or(&batch.labels).clone();
        Self { loss, classes, targeted }
    }

    /// The value of row `row` and its derivative with respect to each logit.
    pub(crate) fn value_and_seed(&self, row: usize, logits: &[f32], seed: &mut [f32]) -> f32 {
        let value = self.loss.value_and_seed(logits, self.classes[row], seed);
        if !self.targeted {
            return value;
        }
        for slope in seed {
            *slope = -*slope;
        }
        -value
    }
}
