//! Compressed streams: one or more members, and what lies between and after them.

use std::io::{self, Read};
use std::ops::Range;

use crate::bytes::{u32_at, u64_at};
use crate::codec::{Codec, bzip2, lz4};
use crate::{ArchiveError, Limits};

mod gzip;

pub use gzip::GzipHeader;

/// A format of compressed streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// RFC 1952.
    Gzip,
    /// RFC 1950, as joblib writes by default.
    Zlib,
    /// bzip2.
    Bzip2,
    /// xz, <https://tukaani.org/xz/xz-file-format.txt>.
    Xz,
    /// The older `.lzma`.
    Lzma,
    /// RFC 8878.
    Zstd,
    /// lz4 frames, legacy ones too.
    Lz4,
}

impl Kind {
    /// The format's name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }
}

const XZ: &[u8] = b"\xfd7zXZ\0";
const ZSTD: u32 = 0xfd2f_b528;

/// The format that the bytes start with.
///
/// Formats without a signature of their own (zlib, lzma) are taken for it only if they expand.
pub fn detect(bytes: &[u8]) -> Option<Kind> {
    let mut at = 0;
    while let Some(next) = skippable_end(bytes, at) {
        at = next;
    }
    match u32_at(bytes, at) {
        Some(ZSTD) => return Some(Kind::Zstd),
        Some(lz4::MAGIC | lz4::LEGACY) => return Some(Kind::Lz4),
        _ if at > 0 => return Some(Kind::Zstd),
        _ => {}
    }
    match bytes {
        [0x1f, 0x8b, 8, ..] => Some(Kind::Gzip),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] if bzip2::starts_block(bytes) => Some(Kind::Bzip2),
        _ if bytes.starts_with(XZ) => Some(Kind::Xz),
        [first, second, ..] if is_zlib(*first, *second) && expands(Kind::Zlib, bytes) => {
            Some(Kind::Zlib)
        }
        _ if is_lzma(bytes) && expands(Kind::Lzma, bytes) => Some(Kind::Lzma),
        _ => None,
    }
}

fn is_zlib(first: u8, second: u8) -> bool {
    let header = u16::from_be_bytes([first, second]);
    first & 0x0f == 8 && first >> 4 <= 7 && header.is_multiple_of(31) && second & 0x20 == 0
}

/// Properties in range, a dictionary size that encoders write, a plausible size, and the range coder's zero.
fn is_lzma(bytes: &[u8]) -> bool {
    let Some((header, [0, ..])) = bytes.split_at_checked(13) else { return false };
    let properties = header.first().is_some_and(|byte| *byte < 9 * 5 * 5);
    let dictionary = u32_at(header, 1).unwrap_or_default();
    let usual = dictionary == u32::MAX
        || dictionary >= 4096
            && (dictionary.is_power_of_two() || (dictionary / 3).is_power_of_two());
    let size = u64_at(header, 5).unwrap_or_default();
    properties && usual && (size == u64::MAX || size < 1 << 40)
}

/// Whether some bytes come out, or an empty stream ends well.
fn expands(kind: Kind, bytes: &[u8]) -> bool {
    let start = bytes.get(..bytes.len().min(1 << 16)).unwrap_or_default();
    let mut out = [0; 256];
    match Stream::new(kind, start, &Limits::default()) {
        Ok(mut stream) => match stream.step(&mut out) {
            Ok(_) => true,
            // A dictionary over the limit is a reason not to read it, not for being something else.
            Err(error) => matches!(error, ArchiveError::Memory { .. }),
        },
        Err(error) => matches!(error, ArchiveError::Memory { .. }),
    }
}

/// The end of the skippable frame at `at`.
fn skippable_end(bytes: &[u8], at: usize) -> Option<usize> {
    let magic = u32_at(bytes, at)?;
    let size = usize::try_from(u32_at(bytes, at.checked_add(4)?)?).ok()?;
    let end = at.checked_add(8)?.checked_add(size)?;
    (magic & 0xffff_fff0 == 0x184d_2a50 && end <= bytes.len()).then_some(end)
}

/// Opens the first member.
pub fn open<'a>(kind: Kind, bytes: &'a [u8], limits: &Limits) -> Result<Stream<'a>, ArchiveError> {
    Stream::new(kind, bytes, limits)
}

/// Reads all members of a stream one after the other; put it under a [`crate::Budget`] before reading.
///
/// An error stays: what follows it is in [`Stream::rest`].
pub struct Stream<'a> {
    kind: Kind,
    bytes: &'a [u8],
    limits: Limits,
    member: Option<Member<'a>>,
    rest: &'a [u8],
    members: usize,
    skipped: Vec<Range<usize>>,
    headers: Vec<GzipHeader<'a>>,
    failed: Option<ArchiveError>,
}

struct Member<'a> {
    codec: Codec<'a>,
    /// Of gzip, whose checksum lies outside of the deflate stream.
    hasher: crc32fast::Hasher,
    size: u32,
}

impl<'a> Stream<'a> {
    fn new(kind: Kind, bytes: &'a [u8], limits: &Limits) -> Result<Self, ArchiveError> {
        let mut stream = Self {
            kind,
            bytes,
            limits: *limits,
            member: None,
            rest: bytes,
            members: 0,
            skipped: Vec::new(),
            headers: Vec::new(),
            failed: None,
        };
        stream.skip_frames()?;
        if !stream.rest.is_empty() || stream.skipped.is_empty() {
            stream.start()?;
        }
        Ok(stream)
    }

    /// The format.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Bytes of input read so far; at the end, those of all members.
    pub fn consumed(&self) -> usize {
        self.bytes.len().saturating_sub(self.rest().len())
    }

    /// The input not read; at the end, what follows the last member.
    pub fn rest(&self) -> &'a [u8] {
        self.member.as_ref().map_or(self.rest, |member| member.codec.rest())
    }

    /// Members started so far.
    pub fn members(&self) -> usize {
        self.members
    }

    /// Input between members that no decoder expands: skippable frames and padding.
    pub fn skipped(&self) -> &[Range<usize>] {
        &self.skipped
    }

    /// Headers of the gzip members started so far.
    pub fn gzip_headers(&self) -> &[GzipHeader<'a>] {
        &self.headers
    }

    fn start(&mut self) -> Result<(), ArchiveError> {
        let (rest, memory) = (self.rest, self.limits.memory);
        let codec = match self.kind {
            Kind::Gzip => {
                let (header, data) = GzipHeader::read(rest)?;
                self.headers.push(header);
                Codec::deflate(data)
            }
            Kind::Zlib => Codec::zlib(rest),
            Kind::Bzip2 => Codec::bzip2(rest)?,
            Kind::Xz => Codec::xz(rest, memory),
            Kind::Lzma => Codec::lzma_alone(rest, memory)?,
            Kind::Zstd => Codec::zstd(rest, memory)?,
            Kind::Lz4 => Codec::lz4(rest)?,
        };
        self.members = self.members.saturating_add(1);
        self.member = Some(Member { codec, hasher: crc32fast::Hasher::new(), size: 0 });
        Ok(())
    }

    fn step(&mut self, out: &mut [u8]) -> Result<usize, ArchiveError> {
        while let Some(member) = &mut self.member {
            let count = member.codec.read(out)?;
            if count > 0 || out.is_empty() {
                if self.kind == Kind::Gzip {
                    member.hasher.update(out.get(..count).unwrap_or_default());
                    // The trailer has the size modulo 2^32.
                    member.size =
                        member.size.wrapping_add(u32::try_from(count).unwrap_or_default());
                }
                return Ok(count);
            }
            self.finish()?;
        }
        Ok(0)
    }

    /// Ends a member and starts the next one, if there is one.
    fn finish(&mut self) -> Result<(), ArchiveError> {
        let Some(member) = self.member.take() else { return Ok(()) };
        self.rest = member.codec.rest();
        if self.kind == Kind::Gzip {
            let (Some(expected), Some(size)) = (u32_at(self.rest, 0), u32_at(self.rest, 4)) else {
                let offset = self.bytes.len();
                return Err(ArchiveError::Truncated { what: "the gzip trailer", offset });
            };
            self.rest = self.rest.get(8..).unwrap_or_default();
            let (what, found) = ("the gzip member", member.hasher.finalize());
            if expected != found {
                return Err(ArchiveError::Checksum { what, expected, found });
            }
            if size != member.size {
                let (expected, found) = (size.into(), member.size.into());
                return Err(ArchiveError::Size { what, expected, found });
            }
        }
        self.skip_frames()?;
        if self.members.saturating_add(self.skipped.len()) > self.limits.entries {
            return Err(ArchiveError::Entries { limit: self.limits.entries });
        }
        let zeros = self.rest.iter().take_while(|byte| **byte == 0).count();
        let padding = match self.kind {
            Kind::Gzip => zeros,
            Kind::Xz => zeros & !3,
            _ => 0,
        };
        let next = self.rest.get(padding..).unwrap_or_default();
        let another = match self.kind {
            Kind::Gzip => next.starts_with(&[0x1f, 0x8b]),
            Kind::Bzip2 => next.starts_with(b"BZh"),
            Kind::Xz => next.starts_with(XZ),
            Kind::Zstd => u32_at(next, 0) == Some(ZSTD),
            Kind::Lz4 => matches!(u32_at(next, 0), Some(lz4::MAGIC | lz4::LEGACY)),
            Kind::Zlib | Kind::Lzma => false,
        };
        if another || (next.is_empty() && padding > 0) {
            let at = self.consumed();
            if padding > 0 {
                self.skipped.push(at..at.saturating_add(padding));
            }
            self.rest = next;
        }
        if another { self.start() } else { Ok(()) }
    }

    fn skip_frames(&mut self) -> Result<(), ArchiveError> {
        if !matches!(self.kind, Kind::Zstd | Kind::Lz4) {
            return Ok(());
        }
        while let Some(end) = skippable_end(self.rest, 0) {
            let at = self.consumed();
            if self.skipped.len() >= self.limits.entries {
                return Err(ArchiveError::Entries { limit: self.limits.entries });
            }
            self.skipped.push(at..at.saturating_add(end));
            self.rest = self.rest.get(end..).unwrap_or_default();
        }
        Ok(())
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        self.step(buffer).map_err(|error| {
            self.failed = Some(error.clone());
            error.into()
        })
    }
}
