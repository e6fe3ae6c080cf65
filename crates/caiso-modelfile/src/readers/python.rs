//! Python source and path files.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Python {}

pub(crate) const SOURCE: Reader = Reader {
    claims: |artifact| artifact.extension() == "py",
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::PythonSource));
        Some(Reading::new(Format::PythonSource, Facts::Python(Python {})))
    },
};

pub(crate) const SITE_HOOK: Reader = Reader {
    claims: |_| false,
    read: |_, scope| {
        scope.gap(None, format!("nothing looks into the format {} yet", Format::SiteHook));
        Some(Reading::new(Format::SiteHook, Facts::Python(Python {})))
    },
};
