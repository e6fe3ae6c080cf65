//! GGUF.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gguf {}

pub(crate) const READER: Reader = Reader {
    claims: |artifact| artifact.bytes.starts_with(b"GGUF"),
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::Gguf));
        Some(Reading::new(Format::Gguf, Facts::Gguf(Gguf {})))
    },
};
