//! Manifest of TorchServe model archives.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mar {}

pub(crate) const READER: Reader = Reader {
    claims: |_| false,
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::TorchModelArchive));
        Some(Reading::new(Format::TorchModelArchive, Facts::Mar(Mar {})))
    },
};
