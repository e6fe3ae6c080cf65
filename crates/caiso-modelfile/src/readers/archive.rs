//! Containers and compressed streams.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What a container says about its entries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Archive {}

macro_rules! not_yet {
    ($format:ident, $claims:expr) => {
        Reader {
            claims: $claims,
            read: |_, scope| {
                scope.gap(None, format!("nothing looks into the format {} yet", Format::$format));
                Some(Reading::new(Format::$format, Facts::Archive(Archive {})))
            },
        }
    };
}

pub(crate) const ZIP: Reader = not_yet!(Zip, |artifact| artifact.bytes.starts_with(b"PK\x03\x04"));
pub(crate) const SEVEN_ZIP: Reader =
    not_yet!(SevenZip, |artifact| artifact.bytes.starts_with(b"7z\xbc\xaf\x27\x1c"));
pub(crate) const TAR: Reader =
    not_yet!(Tar, |artifact| artifact.bytes.get(257..262) == Some(b"ustar"));
pub(crate) const STREAM: Reader =
    not_yet!(Gzip, |artifact| artifact.bytes.starts_with(b"\x1f\x8b"));
