//! Configurations that name what is instantiated.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {}

pub(crate) const READER: Reader = Reader {
    claims: |_| false,
    read: |_, scope| {
        scope
            .gap(None, format!("nothing looks into the format {} yet", Format::HydraConfiguration));
        Some(Reading::new(Format::HydraConfiguration, Facts::Hydra(Targets {})))
    },
};
