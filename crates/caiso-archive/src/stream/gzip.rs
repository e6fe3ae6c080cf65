use crate::ArchiveError;
use crate::bytes::{u16_at, u32_at};

/// Header of one gzip member (RFC 1952, section 2.3): fields that no decoder expands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GzipHeader<'a> {
    /// Time of modification in seconds since 1970; 0 for none.
    pub modified: u32,
    /// Extra field.
    pub extra: Option<&'a [u8]>,
    /// Original name of the file.
    pub name: Option<&'a [u8]>,
    /// Comment.
    pub comment: Option<&'a [u8]>,
}

impl<'a> GzipHeader<'a> {
    /// The header, and what follows it.
    pub(super) fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), ArchiveError> {
        let truncated = ArchiveError::Truncated { what: "the gzip header", offset: bytes.len() };
        match bytes {
            [0x1f, 0x8b, 8, ..] => {}
            [0x1f, 0x8b, method, ..] => {
                return Err(ArchiveError::Unsupported(format!("gzip method {method}")));
            }
            _ => return Err(ArchiveError::NotThisFormat("gzip")),
        }
        Self::fields(bytes).ok_or(truncated)
    }

    fn fields(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let flags = *bytes.get(3)?;
        let mut header = Self { modified: u32_at(bytes, 4)?, ..Self::default() };
        let mut rest = bytes.get(10..)?;
        if flagged(flags, 2) {
            let (extra, after) = counted(rest)?;
            header.extra = Some(extra);
            rest = after;
        }
        for (bit, field) in [(3, &mut header.name), (4, &mut header.comment)] {
            if flagged(flags, bit) {
                let (text, after) = rest.split_at_checked(memchr::memchr(0, rest)?)?;
                *field = Some(text);
                rest = after.get(1..)?;
            }
        }
        if flagged(flags, 1) {
            rest = rest.get(2..)?;
        }
        Some((header, rest))
    }
}

/// Whether a flag is set.
fn flagged(flags: u8, bit: u8) -> bool {
    flags >> bit & 1 == 1
}

/// A length in 16 bits and as many bytes.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(u16_at(bytes, 0)?);
    bytes.get(2..)?.split_at_checked(length)
}
