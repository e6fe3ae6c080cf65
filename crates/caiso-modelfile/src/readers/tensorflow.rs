//! TensorFlow SavedModels and graphs.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct TensorFlow {}

pub(crate) const READER: Reader = Reader {
    claims: |_| false,
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::SavedModel));
        Some(Reading::new(Format::SavedModel, Facts::TensorFlow(TensorFlow {})))
    },
};
