//! HDF5, and Keras models in it.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hdf5 {}

pub(crate) const READER: Reader = Reader {
    claims: |artifact| artifact.bytes.starts_with(b"\x89HDF\r\n\x1a\n"),
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::Hdf5));
        Some(Reading::new(Format::Hdf5, Facts::Hdf5(Hdf5 {})))
    },
};
