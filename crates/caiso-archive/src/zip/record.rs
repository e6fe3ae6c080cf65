//! Central and local headers.

use crate::bytes::{u16_at, u32_at, u64_at};

pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
pub(super) const CENTRAL: [u8; 4] = *b"PK\x01\x02";
pub(super) const END: [u8; 4] = *b"PK\x05\x06";
pub(super) const END64: [u8; 4] = *b"PK\x06\x06";
pub(super) const LOCATOR64: [u8; 4] = *b"PK\x06\x07";
pub(super) const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

/// Sizes and checksum follow the data.
pub(super) const FLAG_DESCRIPTOR: u16 = 1 << 3;

/// One header of an entry, local or central, with its zip64 values applied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header<'a> {
    /// Where it starts.
    pub offset: usize,
    /// Its bytes.
    pub length: usize,
    /// The name as it stands.
    pub name: &'a [u8],
    /// The extra fields.
    pub extra: &'a [u8],
    /// The comment; empty in a local header.
    pub comment: &'a [u8],
    /// System of the writer (0 DOS, 3 Unix); 0 in a local header.
    pub host: u8,
    /// Version of the format needed, ten times.
    pub version_needed: u16,
    /// General purpose flags.
    pub flags: u16,
    /// Compression method.
    pub method: u16,
    /// Time of modification, MS-DOS date and time.
    pub modified: (u16, u16),
    /// CRC-32 of the content.
    pub crc: u32,
    /// Bytes of data.
    pub compressed_size: u64,
    /// Bytes of content.
    pub size: u64,
    /// Offset of the local header as written; 0 in a local header.
    pub local_offset: u64,
    /// First disk of the entry; 0 in a local header.
    pub disk: u32,
    /// External attributes; 0 in a local header.
    pub external_attributes: u32,
    /// Its sizes come from a zip64 extra field.
    pub zip64: bool,
}

impl<'a> Header<'a> {
    /// The byte after the header.
    pub fn end(&self) -> usize {
        self.offset.saturating_add(self.length)
    }

    /// Whether size and checksum follow the data.
    pub fn has_descriptor(&self) -> bool {
        self.flags & FLAG_DESCRIPTOR != 0
    }

    pub(super) fn local(bytes: &'a [u8], offset: usize) -> Option<Self> {
        if !bytes.get(offset..)?.starts_with(&LOCAL) {
            return None;
        }
        Self::unsigned_local(bytes, offset)
    }

    /// The local header at `offset`, whatever its signature.
    pub(super) fn unsigned_local(bytes: &'a [u8], offset: usize) -> Option<Self> {
        let record = bytes.get(offset..)?;
        let name_length = usize::from(u16_at(record, 26)?);
        let extra_length = usize::from(u16_at(record, 28)?);
        let (name, rest) = record.get(30..)?.split_at_checked(name_length)?;
        let mut header = Self {
            offset,
            length: 30_usize.checked_add(name_length)?.checked_add(extra_length)?,
            name,
            extra: rest.get(..extra_length)?,
            comment: &[],
            host: 0,
            version_needed: u16_at(record, 4)?,
            flags: u16_at(record, 6)?,
            method: u16_at(record, 8)?,
            modified: (u16_at(record, 12)?, u16_at(record, 10)?),
            crc: u32_at(record, 14)?,
            compressed_size: u32_at(record, 18)?.into(),
            size: u32_at(record, 22)?.into(),
            local_offset: 0,
            disk: 0,
            external_attributes: 0,
            zip64: false,
        };
        header.apply_zip64();
        Some(header)
    }

    pub(super) fn central(bytes: &'a [u8], offset: usize) -> Option<Self> {
        let record = bytes.get(offset..)?;
        if !record.starts_with(&CENTRAL) {
            return None;
        }
        let name_length = usize::from(u16_at(record, 28)?);
        let extra_length = usize::from(u16_at(record, 30)?);
        let comment_length = usize::from(u16_at(record, 32)?);
        let (name, rest) = record.get(46..)?.split_at_checked(name_length)?;
        let (extra, rest) = rest.split_at_checked(extra_length)?;
        let [_, host] = u16_at(record, 4)?.to_le_bytes();
        let mut header = Self {
            offset,
            length: 46_usize
                .checked_add(name_length)?
                .checked_add(extra_length)?
                .checked_add(comment_length)?,
            name,
            extra,
            comment: rest.get(..comment_length)?,
            host,
            version_needed: u16_at(record, 6)?,
            flags: u16_at(record, 8)?,
            method: u16_at(record, 10)?,
            modified: (u16_at(record, 14)?, u16_at(record, 12)?),
            crc: u32_at(record, 16)?,
            compressed_size: u32_at(record, 20)?.into(),
            size: u32_at(record, 24)?.into(),
            local_offset: u32_at(record, 42)?.into(),
            disk: u16_at(record, 34)?.into(),
            external_attributes: u32_at(record, 38)?,
            zip64: false,
        };
        header.apply_zip64();
        Some(header)
    }

    /// The values of extra field 1, present only for those that are at their maximum, in a fixed order.
    fn apply_zip64(&mut self) {
        let Some(mut field) = self.extra_field(1) else { return };
        for value in [&mut self.size, &mut self.compressed_size, &mut self.local_offset] {
            if *value == u64::from(u32::MAX)
                && let Some(wide) = u64_at(field, 0)
            {
                *value = wide;
                self.zip64 = true;
                field = field.get(8..).unwrap_or_default();
            }
        }
    }

    /// The first extra field of an identifier.
    pub fn extra_field(&self, identifier: u16) -> Option<&'a [u8]> {
        let mut rest = self.extra;
        while let (Some(found), Some(length)) = (u16_at(rest, 0), u16_at(rest, 2)) {
            let (data, after) = rest.get(4..)?.split_at_checked(length.into())?;
            if found == identifier {
                return Some(data);
            }
            rest = after;
        }
        None
    }
}

/// Length of the data descriptor at `at` that agrees with the values: with or without signature, with sizes of
/// 4 or 8 bytes.
pub(super) fn descriptor_length(
    bytes: &[u8],
    at: usize,
    crc: u32,
    compressed_size: u64,
    size: u64,
) -> Option<usize> {
    let record = bytes.get(at..)?;
    let signed = usize::from(record.starts_with(&DESCRIPTOR)).saturating_mul(4);
    for skip in [signed, 0] {
        let record = record.get(skip..)?;
        if u32_at(record, 0) != Some(crc) {
            continue;
        }
        if (u64_at(record, 4), u64_at(record, 12)) == (Some(compressed_size), Some(size)) {
            return skip.checked_add(20);
        }
        let (short_compressed, short) = (u32_at(record, 4)?, u32_at(record, 8)?);
        if (u64::from(short_compressed), u64::from(short)) == (compressed_size, size) {
            return skip.checked_add(12);
        }
    }
    None
}
