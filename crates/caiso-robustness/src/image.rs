//! Rows that are images.

use crate::RobustnessError;
use crate::batch::Batch;

/// Shape of the images of a model: `[channels, height, width]`, row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Image {
    /// The shape that the model under attack declares; two axes are an image of one channel.
    pub(crate) fn of(batch: &Batch<'_, '_>) -> Result<Self, RobustnessError> {
        let shape = &batch.oracle.model.spec().input_shape;
        let image = match **shape {
            [channels, height, width] => Self { channels, height, width },
            [height, width] => Self { channels: 1, height, width },
            _ => {
                let shape = shape.clone();
                return Err(RobustnessError::NotAnImage { attack: batch.task.attack, shape });
            }
        };
        Ok(image)
    }

    /// Values in one channel.
    pub(crate) fn plane(&self) -> usize {
        self.height * self.width
    }
}
