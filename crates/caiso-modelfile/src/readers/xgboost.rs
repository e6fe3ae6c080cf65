//! XGBoost models.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct XgBoost {}

pub(crate) const JSON: Reader = Reader {
    claims: |_| false,
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::XgBoost));
        Some(Reading::new(Format::XgBoost, Facts::XgBoost(XgBoost {})))
    },
};

pub(crate) const UBJSON: Reader = Reader {
    claims: |_| false,
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::XgBoost));
        Some(Reading::new(Format::XgBoost, Facts::XgBoost(XgBoost {})))
    },
};
