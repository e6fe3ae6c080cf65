//! NumPy arrays.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numpy {}

pub(crate) const READER: Reader = Reader {
    claims: |artifact| artifact.bytes.starts_with(b"\x93NUMPY"),
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::Numpy));
        Some(Reading::new(Format::Numpy, Facts::Numpy(Numpy {})))
    },
};
