use std::io;

/// Why bytes could not be read as what they claim to be, or why reading them was stopped.
///
/// Readers that implement [`io::Read`] wrap it; [`ArchiveError::of`] takes it out again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The bytes have none of the marks of the format.
    #[error("not a {0} file: its signature is missing")]
    NotThisFormat(&'static str),
    /// The bytes end before the data does.
    #[error("{what} ends early, at byte {offset}")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Where the bytes end, from the start of the data given.
        offset: usize,
    },
    /// The data contradict the format.
    #[error("{what} is damaged: {detail}")]
    Damaged {
        /// What was being read.
        what: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// A method or feature that is not implemented.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// The content is encrypted.
    #[error("{0} is encrypted; decrypt it first")]
    Encrypted(String),
    /// Decoding needs a larger window or dictionary than allowed.
    #[error("{what} needs {needed} bytes of memory, over the limit of {limit}")]
    Memory {
        /// What needs the memory.
        what: &'static str,
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed, from [`crate::Limits::memory`].
        limit: u64,
    },
    /// The header names more entries than allowed.
    #[error("the archive has more than {limit} entries")]
    Entries {
        /// Entries allowed, from [`crate::Limits::entries`].
        limit: usize,
    },
    /// The scan has expanded as many bytes as allowed.
    #[error("the data expand beyond the limit of {limit} bytes")]
    Expanded {
        /// Bytes allowed in this stream or in what is left of the scan.
        limit: u64,
    },
    /// A stream expands too far for its size, as decompression bombs do.
    #[error("{compressed} bytes expand more than {ratio} times")]
    Ratio {
        /// Bytes of compressed input.
        compressed: u64,
        /// Ratio allowed, from [`crate::Limits::ratio`].
        ratio: u64,
    },
    /// The content does not match its checksum.
    #[error("the checksum of {what} is {found:08x}, expected {expected:08x}")]
    Checksum {
        /// What was being read.
        what: &'static str,
        /// As the header says.
        expected: u32,
        /// As computed.
        found: u32,
    },
    /// The content does not have the size that the header names.
    #[error("{what} has {found} bytes, expected {expected}")]
    Size {
        /// What was being read.
        what: &'static str,
        /// As the header says.
        expected: u64,
        /// As counted.
        found: u64,
    },
}

impl ArchiveError {
    /// The typed error inside an [`io::Error`] of one of this crate's readers.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    pub(crate) fn damaged(what: &'static str, detail: &(impl ToString + ?Sized)) -> Self {
        Self::Damaged { what, detail: detail.to_string() }
    }
}

impl From<ArchiveError> for io::Error {
    fn from(error: ArchiveError) -> Self {
        Self::other(error)
    }
}
