//! Readers of the content of an entry.

use std::io::{self, Read};

use super::Method;
use crate::codec::Codec;
use crate::{ArchiveError, Limits};

/// The expanded content of an entry; put it under a [`crate::Budget`] before reading.
pub struct Content<'a> {
    codec: Codec<'a>,
}

impl<'a> Content<'a> {
    pub(super) fn open(
        method: Method,
        data: &'a [u8],
        flags: u16,
        size: u64,
        limits: &Limits,
    ) -> Result<Self, ArchiveError> {
        let codec = match method {
            Method::Stored => Codec::Stored(data),
            Method::Deflate => Codec::deflate(data),
            Method::Deflate64 => Codec::deflate64(data),
            Method::Bzip2 => Codec::bzip2(data)?,
            Method::Lzma => {
                // Flag 1: the stream has an end marker, and its size need not be true.
                let size = if flags & 2 == 0 { size } else { u64::MAX };
                Codec::lzma_zip(data, size, limits.memory)?
            }
            Method::Zstd => Codec::zstd(data, limits.memory)?,
            Method::Xz => Codec::xz(data, limits.memory),
            Method::Aes => return Err(ArchiveError::Encrypted("the entry".to_owned())),
            Method::Other(number) => {
                return Err(ArchiveError::Unsupported(format!("zip method {number}")));
            }
        };
        Ok(Self { codec })
    }

    /// The data not read yet; at the end, those after the compressed stream, which no reader expands.
    pub fn unread(&self) -> &'a [u8] {
        self.codec.rest()
    }
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.codec.read(buffer)?)
    }
}

/// Counts and hashes what is read through it.
///
/// A wrong checksum does not stop the reading, as loaders exist that do not check it either.
#[derive(Debug)]
pub struct ChecksumReader<R> {
    reader: R,
    hasher: crc32fast::Hasher,
    count: u64,
}

impl<R> ChecksumReader<R> {
    /// Starts to count and hash.
    pub fn new(reader: R) -> Self {
        Self { reader, hasher: crc32fast::Hasher::new(), count: 0 }
    }

    /// Whether what was read has this size and CRC-32.
    pub fn verify(&self, crc: u32, size: u64) -> Result<(), ArchiveError> {
        let what = "the content";
        if self.count != size {
            return Err(ArchiveError::Size { what, expected: size, found: self.count });
        }
        let found = self.hasher.clone().finalize();
        if found != crc {
            return Err(ArchiveError::Checksum { what, expected: crc, found });
        }
        Ok(())
    }

    /// Takes the reader out.
    pub fn into_inner(self) -> R {
        self.reader
    }
}

impl<R: Read> Read for ChecksumReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.count = self.count.saturating_add(count as u64);
        Ok(count)
    }
}
