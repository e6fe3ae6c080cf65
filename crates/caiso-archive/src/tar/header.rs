//! One header block.

use std::borrow::Cow;

use super::EntryKind;

/// Bytes of a header; data are padded to a multiple.
pub(super) const BLOCK: usize = 512;

/// A header whose checksum is right.
#[derive(Clone, Copy)]
pub(super) struct Header<'a> {
    block: &'a [u8; BLOCK],
}

impl<'a> Header<'a> {
    pub(super) fn new(block: &'a [u8; BLOCK]) -> Self {
        Self { block }
    }

    fn field(self, start: usize, length: usize) -> &'a [u8] {
        self.block.get(start..start.saturating_add(length)).unwrap_or_default()
    }

    /// The name, with the prefix of ustar (GNU's header has other fields there).
    pub(super) fn name(self) -> Cow<'a, [u8]> {
        let name = text(self.field(0, 100));
        let prefix = text(self.field(345, 155));
        if prefix.is_empty() || self.field(257, 8) == b"ustar  \0" || self.field(257, 5) != b"ustar"
        {
            return Cow::Borrowed(name);
        }
        Cow::Owned([prefix, b"/", name].concat())
    }

    pub(super) fn mode(self) -> Option<u32> {
        number(self.field(100, 8))?.try_into().ok()
    }

    pub(super) fn size(self) -> Option<u64> {
        number(self.field(124, 12))
    }

    pub(super) fn link(self) -> &'a [u8] {
        text(self.field(157, 100))
    }

    pub(super) fn kind(self) -> EntryKind {
        match self.block.get(156).copied().unwrap_or_default() {
            0 | b'0' | b'7' => EntryKind::File,
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Symlink,
            b'3' => EntryKind::CharacterDevice,
            b'4' => EntryKind::BlockDevice,
            b'5' => EntryKind::Directory,
            b'6' => EntryKind::Fifo,
            other => EntryKind::Other(other),
        }
    }
}

/// Up to the first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Octal digits between blanks, or GNU's big-endian binary; nothing is 0.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    if let [0x80, rest @ ..] = field {
        return rest
            .iter()
            .try_fold(0_u64, |value, byte| value.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = text(field).trim_ascii();
    digits.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value.checked_mul(8)?.checked_add(digit.into())
    })
}

/// Whether a header is at `at`: the checksum is right, summed over unsigned or, as old writers did, signed bytes.
pub(super) fn valid_header(bytes: &[u8], at: usize) -> bool {
    let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) else { return false };
    let Some(expected) = block.get(148..156).and_then(number) else { return false };
    let Ok(expected) = i64::try_from(expected) else { return false };
    let (mut unsigned, mut signed) = (256_i64, 256_i64);
    for (index, byte) in block.iter().enumerate() {
        if !(148..156).contains(&index) {
            unsigned = unsigned.saturating_add(i64::from(*byte));
            signed = signed.saturating_add(i64::from(byte.cast_signed()));
        }
    }
    // A block of zeros is no header.
    (expected == unsigned || expected == signed) && block.iter().any(|byte| *byte != 0)
}

/// Where the data of an old GNU sparse entry start: behind the blocks that continue its map.
pub(super) fn sparse_end(bytes: &[u8], header: usize) -> usize {
    let mut end = header.saturating_add(BLOCK);
    let mut more = bytes.get(header.saturating_add(482));
    while more.is_some_and(|more| *more != 0) && end < bytes.len() {
        more = bytes.get(end.saturating_add(504));
        end = end.saturating_add(BLOCK);
    }
    end
}
