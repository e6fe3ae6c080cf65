//! One lz4 frame, <https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>.

use std::io::{ErrorKind, Read};

use lz4_flex::frame::FrameDecoder;

use crate::ArchiveError;
use crate::bytes::u32_at;

const WHAT: &str = "the lz4 frame";
/// First bytes of a frame.
pub(crate) const MAGIC: u32 = 0x184d_2204;
/// First bytes of a legacy frame.
pub(crate) const LEGACY: u32 = 0x184c_2102;

/// Reads one frame whose end was found beforehand: the decoder underneath takes an empty block for the end.
pub(crate) struct Decoder<'a> {
    frame: FrameDecoder<&'a [u8]>,
    after: &'a [u8],
    complete: bool,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, ArchiveError> {
        let (end, complete) = match u32_at(bytes, 0) {
            Some(MAGIC) => match frame_end(bytes) {
                Some(end) if end <= bytes.len() => (end, true),
                _ => (bytes.len(), false),
            },
            Some(LEGACY) => legacy_end(bytes),
            _ => return Err(ArchiveError::NotThisFormat("lz4")),
        };
        let (frame, after) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        Ok(Self { frame: FrameDecoder::new(frame), after, complete })
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.after
    }

    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, ArchiveError> {
        loop {
            match self.frame.read(out) {
                Ok(0) if self.frame.get_ref().is_empty() => {
                    return if self.complete { Ok(0) } else { Err(Self::truncated()) };
                }
                Ok(0) => {}
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Err(Self::truncated());
                }
                Err(error) => return Err(ArchiveError::damaged(WHAT, &error)),
            }
        }
    }

    fn truncated() -> ArchiveError {
        ArchiveError::Truncated { what: WHAT, offset: 0 }
    }
}

/// Where a frame ends, from its block sizes alone.
fn frame_end(bytes: &[u8]) -> Option<usize> {
    let flags = *bytes.get(4)?;
    let flag = |bit: u8, size: usize| if flags >> bit & 1 == 1 { size } else { 0 };
    // Magic, flags, block descriptor, content size, dictionary, header checksum.
    let mut at = 7_usize.checked_add(flag(3, 8))?.checked_add(flag(0, 4))?;
    loop {
        let size = u32_at(bytes, at)?;
        at = at.checked_add(4)?;
        if size == 0 {
            return at.checked_add(flag(2, 4));
        }
        at = at.checked_add(usize::try_from(size & 0x7fff_ffff).ok()?)?.checked_add(flag(4, 4))?;
    }
}

/// A legacy frame ends with the data or where its next block size is the mark of a frame.
fn legacy_end(bytes: &[u8]) -> (usize, bool) {
    let mut at = 4_usize;
    while let Some(size) = u32_at(bytes, at) {
        if matches!(size, MAGIC | LEGACY) || size & 0xffff_fff0 == 0x184d_2a50 {
            break;
        }
        let next = usize::try_from(size).ok().and_then(|size| at.checked_add(4)?.checked_add(size));
        match next {
            Some(next) if next <= bytes.len() => at = next,
            _ => return (bytes.len(), false),
        }
    }
    (at, true)
}
