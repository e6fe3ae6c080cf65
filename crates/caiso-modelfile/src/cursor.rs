//! Numbers and runs of bytes, one after the other, never beyond the end.

use std::ops::Range;

/// A place in a content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
    pub(crate) big_endian: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, big_endian: false }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Everything from here on.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    pub(crate) fn left(&self) -> u64 {
        size(self.rest())
    }

    /// The next `length` bytes.
    pub(crate) fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let end = self.position.checked_add(usize::try_from(length).ok()?)?;
        let content = self.bytes.get(self.position..end)?;
        self.position = end;
        Some(content)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, _) = self.rest().split_first_chunk::<N>()?;
        self.position = self.position.checked_add(N)?;
        let mut array = *array;
        if self.big_endian {
            array.reverse();
        }
        Some(array)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

/// The length as the 64-bit number that file formats use.
pub(crate) fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The bytes of a range of 64-bit offsets, if they are all there.
pub(crate) fn slice(bytes: &[u8], range: Range<u64>) -> Option<&[u8]> {
    bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}
