//! Zip archives as an attacker may write them: central directory and local headers side by side.
//!
//! Loaders differ in which of the two they trust, in which end record they take, and in what they refuse. So
//! everything that some loader could read is an [`Entry`], and all that differs is an [`Anomaly`].
//! Format: PKWARE APPNOTE 6.3.10, <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>.

use std::borrow::Cow;
use std::ops::Range;

use crate::{Anomaly, ArchiveError, Limits};

mod compare;
mod content;
mod directory;
mod kind;
mod record;
mod scan;

pub use content::{ChecksumReader, Content};
pub use directory::Directory;
pub use kind::AnomalyKind;
pub use record::Header;

/// How an entry's bytes are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Method {
    /// 0: as they are.
    Stored,
    /// 8.
    Deflate,
    /// 9.
    Deflate64,
    /// 12.
    Bzip2,
    /// 14.
    Lzma,
    /// 93, and 20, its deprecated number.
    Zstd,
    /// 95.
    Xz,
    /// 99: the entry is encrypted, its method lies in an extra field.
    Aes,
    /// Any other number.
    Other(u16),
}

impl From<u16> for Method {
    fn from(number: u16) -> Self {
        match number {
            0 => Self::Stored,
            8 => Self::Deflate,
            9 => Self::Deflate64,
            12 => Self::Bzip2,
            14 => Self::Lzma,
            20 | 93 => Self::Zstd,
            95 => Self::Xz,
            99 => Self::Aes,
            other => Self::Other(other),
        }
    }
}

/// What an entry is unpacked as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory: its name ends with a slash.
    Directory,
    /// A symbolic link; its content is the target.
    Symlink,
    /// A device, pipe or socket.
    Special,
}

/// One entry, as the central directory describes it or, where it is missing there, its local header.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// The name, with what is not UTF-8 replaced.
    pub name: Cow<'a, str>,
    /// The name as it stands.
    pub raw_name: &'a [u8],
    /// The record of the central directory.
    pub central: Option<Header<'a>>,
    /// The header before the data.
    pub local: Option<Header<'a>>,
    /// Index in [`Archive::directories`] of the directory that lists it.
    pub directory: Option<usize>,
    /// How it is compressed.
    pub method: Method,
    /// General purpose flags.
    pub flags: u16,
    /// CRC-32 of the content.
    pub crc: u32,
    /// Bytes of data as named.
    pub compressed_size: u64,
    /// Bytes of content as named.
    pub size: u64,
    /// Where its data lie; cut at the end of the archive.
    pub data: Range<usize>,
    /// The flags call it encrypted. Readers exist that ignore the flag, as [`Archive::open`] does.
    pub encrypted: bool,
    /// Unix permissions and type, where the writer was a Unix.
    pub unix_mode: Option<u16>,
    /// External attributes of the central directory.
    pub external_attributes: u32,
    /// What it is unpacked as.
    pub kind: EntryKind,
    /// Only local, and inside the data of another entry.
    pub inside: Option<usize>,
}

/// A zip archive.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Archive<'a> {
    bytes: &'a [u8],
    /// All entries: those of the directories in their order, then those that are only local by offset.
    pub entries: Vec<Entry<'a>>,
    /// The central directories that end records lead to; the first is what most readers take.
    pub directories: Vec<Directory>,
    /// Everything on which readers may disagree, or which hides bytes. Of what differs in entries, the first
    /// thousand of each kind, and then how many more there are.
    pub anomalies: Vec<Anomaly<AnomalyKind>>,
}

impl<'a> Archive<'a> {
    /// Reads the structure of an archive, not its content.
    ///
    /// Time and memory grow with the entries and the bytes outside of entries, not with the data.
    /// Errors only where neither an end record nor a local header is found.
    pub fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, ArchiveError> {
        let mut anomalies = Vec::new();
        let directories = directory::find(bytes, &mut anomalies);
        let mut archive = Self { bytes, entries: Vec::new(), directories, anomalies };
        archive.read_directories(limits);
        archive.read_local_only(limits);
        if archive.entries.is_empty() && archive.directories.is_empty() {
            return Err(ArchiveError::NotThisFormat("zip"));
        }
        archive.compare();
        archive.anomalies.sort_by(|one, other| {
            (one.range.start, one.kind, one.entry).cmp(&(
                other.range.start,
                other.kind,
                other.entry,
            ))
        });
        Ok(archive)
    }

    /// The bytes of the archive.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The data of an entry as they lie in the archive, compressed or not.
    pub fn data(&self, entry: &Entry<'_>) -> &'a [u8] {
        self.bytes.get(entry.data.clone()).unwrap_or_default()
    }

    /// The content of a stored entry, without a copy.
    pub fn stored(&self, entry: &Entry<'_>) -> Option<&'a [u8]> {
        (entry.method == Method::Stored).then(|| self.data(entry))
    }

    /// A reader of the content of an entry. Flags and sizes of the content are not trusted: it reads to the end
    /// of the compressed stream or of the data.
    pub fn open(&self, entry: &Entry<'_>, limits: &Limits) -> Result<Content<'a>, ArchiveError> {
        Content::open(entry.method, self.data(entry), entry.flags, entry.size, limits)
    }

    /// As [`Archive::open`], but by the local header: `None` where both views lead to the same content.
    pub fn open_local(
        &self,
        entry: &Entry<'_>,
        limits: &Limits,
    ) -> Option<Result<Content<'a>, ArchiveError>> {
        let local = entry.local.as_ref()?;
        let data = self.local_data(entry)?;
        let method = Method::from(local.method);
        if method == entry.method && data == entry.data {
            return None;
        }
        let data = self.bytes.get(data).unwrap_or_default();
        Some(Content::open(method, data, local.flags, local.size, limits))
    }

    /// The data of an entry as its local header bounds them, where it does.
    pub(crate) fn local_data(&self, entry: &Entry<'_>) -> Option<Range<usize>> {
        let local = entry.local.as_ref()?;
        if local.has_descriptor() && local.compressed_size == 0 {
            return Some(entry.data.clone());
        }
        let size = usize::try_from(local.compressed_size).unwrap_or(usize::MAX);
        let start = local.end().min(self.bytes.len());
        Some(start..start.saturating_add(size).min(self.bytes.len()))
    }
}
