//! LightGBM models.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct LightGbm {}

pub(crate) const READER: Reader = Reader {
    claims: |artifact| artifact.bytes.starts_with(b"tree\nversion="),
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::LightGbm));
        Some(Reading::new(Format::LightGbm, Facts::LightGbm(LightGbm {})))
    },
};
