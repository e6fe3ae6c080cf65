//! 7z archives: listing and streaming, on top of `sevenz-rust2`.
//!
//! Methods: copy, LZMA, LZMA2, Deflate, the branch filters and Delta. Others, encryption among them, give an
//! error for the entries of their block.

use std::io::{self, Cursor, Read};
use std::ops::Range;

use sevenz_rust2::{ArchiveEntry, BlockDecoder, Error, Password};

use crate::bytes::{array, u64_at};
use crate::path::{PathProblem, path_problem};
use crate::{ArchiveError, Budget, Limits};

const SIGNATURE: &[u8] = b"7z\xbc\xaf\x27\x1c";
const WHAT: &str = "the 7z archive";

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Bytes of content as named.
    pub size: u64,
    /// It is a directory.
    pub directory: bool,
    /// Unix permissions and type, where the writer was a Unix.
    pub unix_mode: Option<u16>,
    /// It is a symbolic link; its content is the target.
    pub symlink: bool,
    /// CRC-32 of the content, checked on reading.
    pub crc: Option<u32>,
    /// Its content is encrypted.
    pub encrypted: bool,
    /// Why unpacking it leads out of the folder.
    pub path_problem: Option<PathProblem>,
}

/// Entries whose content could not be read to the end, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRead {
    /// Indices in [`Archive::entries`].
    pub entries: Range<usize>,
    /// The reason.
    pub error: ArchiveError,
}

/// A 7z archive.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Archive<'a> {
    bytes: &'a [u8],
    inner: sevenz_rust2::Archive,
    memory: usize,
    /// The entries in their order.
    pub entries: Vec<Entry>,
    /// Bytes after the end of the archive.
    pub trailing: Range<usize>,
}

/// Whether the bytes start with the signature.
pub fn detect(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE)
}

impl<'a> Archive<'a> {
    /// Reads the headers.
    pub fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, ArchiveError> {
        if !detect(bytes) {
            return Err(ArchiveError::NotThisFormat("7z"));
        }
        let Some(start) = array::<24>(bytes, 8) else {
            return Err(ArchiveError::Truncated { what: WHAT, offset: bytes.len() });
        };
        // Recovery from a start header of zeros tries a million places; no loader of models does it.
        if start == [0; 24] {
            return Err(ArchiveError::damaged(WHAT, "its start header is empty"));
        }
        let memory =
            usize::try_from(limits.memory / 1024).unwrap_or(usize::MAX).saturating_add(512);
        let inner = sevenz_rust2::Archive::read_with_memory_limit(
            &mut Cursor::new(bytes),
            &Password::empty(),
            memory,
        )
        .map_err(convert)?;
        if inner.files.len() > limits.entries {
            return Err(ArchiveError::Entries { limit: limits.entries });
        }
        let entries = inner.files.iter().enumerate().map(|(index, file)| {
            let encrypted = inner.is_file_encrypted(index);
            entry(file, encrypted)
        });
        let entries = entries.collect();
        let end = u64_at(&start, 4)
            .zip(u64_at(&start, 12))
            .and_then(|(offset, size)| offset.checked_add(size)?.checked_add(32));
        let end = end.and_then(|end| usize::try_from(end).ok()).unwrap_or(bytes.len());
        let trailing = end.min(bytes.len())..bytes.len();
        Ok(Self { bytes, inner, memory, entries, trailing })
    }

    /// Reads the content of all entries that have one, in order, under the budget.
    ///
    /// `visit` gets the index of an entry and a reader of its content, whose size and checksum are checked at its
    /// end. What it leaves is read after it, as the next entry of a block begins where this one ends. An error of
    /// the reader, or of `visit`, ends the block; those after it are read.
    pub fn read_each(
        &self,
        budget: &Budget,
        mut visit: impl FnMut(usize, &mut dyn Read) -> io::Result<()>,
    ) -> Vec<NotRead> {
        let mut failures = Vec::new();
        let mut source = Cursor::new(self.bytes);
        let password = Password::empty();
        for (block, &first) in self.inner.stream_map.block_first_file_index.iter().enumerate() {
            let Some(coders) = self.inner.blocks.get(block) else { break };
            if self.inner.stream_map.file_block_index.get(first).is_none_or(|of| *of != Some(block))
            {
                continue;
            }
            let compressed = self.compressed(block);
            let mut index = first;
            let decoder = BlockDecoder::new_with_memory_limit(
                1,
                self.memory,
                block,
                &self.inner,
                &password,
                &mut source,
            );
            let count = decoder.entry_count();
            let mut stopped = None;
            let result = decoder.for_each_entries(&mut |_, reader| {
                let mut reader = budget.reader(reader, compressed);
                let outcome = visit(index, &mut reader)
                    .and_then(|()| io::copy(&mut reader, &mut io::sink()).map(drop));
                match outcome {
                    Ok(()) => {
                        index = index.saturating_add(1);
                        Ok(true)
                    }
                    Err(error) => {
                        stopped = Some(of_io(&error));
                        Ok(false)
                    }
                }
            });
            let error = stopped.or_else(|| result.err().map(convert));
            if let Some(error) = error {
                let encrypted = coders
                    .coders
                    .iter()
                    .any(|coder| coder.encoder_method_id() == [0x06, 0xf1, 0x07, 0x01]);
                let error = if encrypted {
                    ArchiveError::Encrypted("the 7z block".to_owned())
                } else {
                    error
                };
                let end = first.saturating_add(count);
                // A block that fails at its very end leaves no entry open; its last one is in doubt.
                let from = index.min(end.saturating_sub(1));
                failures.push(NotRead { entries: from..end, error });
            }
        }
        failures
    }

    /// Packed bytes of a block.
    fn compressed(&self, block: usize) -> u64 {
        let firsts = self.inner.stream_map.block_first_pack_stream_index();
        let sizes = self.inner.pack_sizes();
        let first = firsts.get(block).copied().unwrap_or_default();
        let end = block.checked_add(1).and_then(|next| firsts.get(next)).copied();
        let sizes = sizes.get(first..end.unwrap_or(sizes.len())).unwrap_or_default();
        sizes.iter().fold(0, |sum: u64, size| sum.saturating_add(*size))
    }
}

fn entry(file: &ArchiveEntry, encrypted: bool) -> Entry {
    // Unix writers set this bit and keep the mode in the high half.
    const UNIX: u32 = 0x8000;
    let [_, _, low, high] = file.windows_attributes.to_le_bytes();
    let unix = file.has_windows_attributes && file.windows_attributes & UNIX != 0;
    let unix_mode = unix.then(|| u16::from_le_bytes([low, high]));
    Entry {
        name: file.name.clone(),
        size: file.size,
        directory: file.is_directory,
        unix_mode,
        symlink: unix_mode.is_some_and(|mode| mode & 0xf000 == 0xa000),
        crc: file.has_crc.then(|| u32::try_from(file.crc).ok()).flatten(),
        encrypted,
        path_problem: path_problem(file.name.as_bytes()),
    }
}

fn of_io(error: &io::Error) -> ArchiveError {
    if let Some(error) = ArchiveError::of(error) {
        return error.clone();
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::Truncated { what: WHAT, offset: 0 },
        _ => ArchiveError::damaged(WHAT, &error),
    }
}

fn convert(error: Error) -> ArchiveError {
    match error {
        Error::BadSignature(_) => ArchiveError::NotThisFormat("7z"),
        Error::PasswordRequired | Error::MaybeBadPassword(_) => {
            ArchiveError::Encrypted(WHAT.to_owned())
        }
        Error::UnsupportedCompressionMethod(method) if method.contains("AES") => {
            ArchiveError::Encrypted(WHAT.to_owned())
        }
        Error::UnsupportedCompressionMethod(method) => {
            ArchiveError::Unsupported(format!("7z method {method}"))
        }
        Error::Unsupported(what) => ArchiveError::Unsupported(format!("7z: {what}")),
        Error::ExternalUnsupported => {
            ArchiveError::Unsupported("7z header in another stream".to_owned())
        }
        Error::UnsupportedVersion { major, minor } => {
            ArchiveError::Unsupported(format!("7z version {major}.{minor}"))
        }
        Error::MaxMemLimited { max_kb, actaul_kb } => {
            let bytes = |kib: usize| u64::try_from(kib).unwrap_or(u64::MAX).saturating_mul(1024);
            ArchiveError::Memory { what: WHAT, needed: bytes(actaul_kb), limit: bytes(max_kb) }
        }
        Error::ChecksumVerificationFailed => ArchiveError::damaged(WHAT, "a checksum is wrong"),
        Error::NextHeaderCrcMismatch => {
            ArchiveError::damaged(WHAT, "the checksum of its header is wrong")
        }
        Error::Io(error, _) | Error::FileOpen(error, _) => of_io(&error),
        Error::Other(detail) => ArchiveError::damaged(WHAT, &detail),
        Error::FileNotFound => ArchiveError::damaged(WHAT, "an entry is missing"),
        Error::BadTerminatedHeader(_)
        | Error::BadTerminatedPackInfo(_)
        | Error::BadTerminatedStreamsInfo(_)
        | Error::BadTerminatedSubStreamsInfo
        | Error::BadTerminatedUnpackInfo => {
            ArchiveError::damaged(WHAT, "a part of its header does not end where it must")
        }
    }
}
