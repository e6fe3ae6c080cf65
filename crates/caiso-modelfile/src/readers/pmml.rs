//! PMML.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pmml {}

pub(crate) const READER: Reader = Reader {
    claims: |_| false,
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::Pmml));
        Some(Reading::new(Format::Pmml, Facts::Pmml(Pmml {})))
    },
};
