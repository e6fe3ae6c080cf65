//! CatBoost models.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct CatBoost {}

pub(crate) const READER: Reader = Reader {
    claims: |artifact| artifact.bytes.starts_with(b"CBM1"),
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::CatBoost));
        Some(Reading::new(Format::CatBoost, Facts::CatBoost(CatBoost {})))
    },
};
