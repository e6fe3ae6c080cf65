//! TensorFlow Lite.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct TensorFlowLite {}

pub(crate) const READER: Reader = Reader {
    claims: |artifact| artifact.bytes.get(4..8) == Some(b"TFL3"),
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::TensorFlowLite));
        Some(Reading::new(Format::TensorFlowLite, Facts::TensorFlowLite(TensorFlowLite {})))
    },
};
