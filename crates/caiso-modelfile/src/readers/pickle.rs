//! Python pickles.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What loading would do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pickle {}

pub(crate) const READER: Reader = Reader {
    claims: |artifact| matches!(artifact.bytes, [0x80, 2..=5, ..]),
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::Pickle));
        Some(Reading::new(Format::Pickle, Facts::Pickle(Pickle {})))
    },
};
