//! Tar archives: entries, links and what does not fit the format.
//!
//! Formats: POSIX.1-2024 `pax` (ustar and extended headers) and GNU tar's extensions,
//! <https://www.gnu.org/software/tar/manual/html_node/Standard.html>. Like the zip reader, it goes on where readers
//! differ: behind headers with a wrong checksum, and behind the mark of the end.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::path::{folded, link_escapes, path_problem};
use crate::{Anomaly, ArchiveError, Limits};

mod header;
mod pax;

use header::{BLOCK, Header, valid_header};
use pax::Extensions;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// A regular file.
    File,
    /// Another name of an earlier entry.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
    /// Any other type, by its letter: read as a file by most.
    Other(u8),
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// The name, with what is not UTF-8 replaced.
    pub name: String,
    /// The name as it stands, extensions applied.
    pub raw_name: Cow<'a, [u8]>,
    /// What it is.
    pub kind: EntryKind,
    /// Target of a link.
    pub link: Option<Cow<'a, [u8]>>,
    /// Permissions.
    pub mode: u32,
    /// Bytes of data as named.
    pub size: u64,
    /// Where its header starts, after those of its extensions.
    pub offset: usize,
    /// Its data; cut at the end of the archive.
    pub data: Range<usize>,
    /// The data are a map of pieces and not the content itself.
    pub sparse: bool,
    /// It lies behind the mark of the end, where most readers stop.
    pub after_end: bool,
}

/// What readers may see differently, or what unpacking may do outside of its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AnomalyKind {
    /// The name leads out of the folder it is unpacked into.
    PathTraversal,
    /// A link leads out of it.
    LinkEscapes,
    /// The path goes through a symbolic link of this archive.
    ThroughLink,
    /// A device or pipe.
    Device,
    /// Two entries have the same name.
    DuplicateName,
    /// Two names are equal on file systems that fold case or know two separators.
    FoldedName,
    /// A header's checksum is wrong: some readers stop, others go on behind it.
    Checksum,
    /// A number or an extended header cannot be read.
    Field,
    /// Header and extended header name different sizes, or a type without data has a size.
    Sizes,
    /// The entry is sparse: its content is not stored as it is.
    Sparse,
    /// An unknown type, or one of another archiver.
    UnknownType,
    /// Data end beyond the archive.
    Truncated,
    /// The archive has no mark of its end.
    NoEnd,
    /// Bytes other than zeros follow the end.
    Trailing,
    /// More entries than allowed: the others are not listed.
    TooManyEntries,
}

/// A tar archive.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Archive<'a> {
    bytes: &'a [u8],
    /// The entries in their order, those behind the end too.
    pub entries: Vec<Entry<'a>>,
    /// Everything on which readers may disagree.
    pub anomalies: Vec<Anomaly<AnomalyKind>>,
}

/// Whether the bytes start with a header whose checksum is right.
pub fn detect(bytes: &[u8]) -> bool {
    valid_header(bytes, 0)
}

impl<'a> Archive<'a> {
    /// Reads the headers; time and memory grow with them, not with the data.
    pub fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, ArchiveError> {
        if !detect(bytes) {
            return Err(ArchiveError::NotThisFormat("tar"));
        }
        let mut archive = Self { bytes, entries: Vec::new(), anomalies: Vec::new() };
        archive.read_headers(limits);
        archive.check_names();
        archive.anomalies.sort_by(|one, other| {
            (one.range.start, one.kind, one.entry).cmp(&(
                other.range.start,
                other.kind,
                other.entry,
            ))
        });
        Ok(archive)
    }

    /// The data of an entry.
    pub fn data(&self, entry: &Entry<'_>) -> &'a [u8] {
        self.bytes.get(entry.data.clone()).unwrap_or_default()
    }

    fn read_headers(&mut self, limits: &Limits) {
        let bytes = self.bytes;
        let (mut at, mut ended) = (0_usize, false);
        let mut global = Extensions::default();
        let mut local = Extensions::default();
        while at < bytes.len() {
            let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) else {
                self.add(
                    AnomalyKind::Truncated,
                    at..bytes.len(),
                    "the archive ends inside a header",
                );
                return;
            };
            if block.iter().all(|byte| *byte == 0) {
                let zeros = bytes.get(at..).unwrap_or_default();
                let zeros = zeros.iter().take_while(|byte| **byte == 0).count();
                let next = at.saturating_add(zeros.saturating_sub(zeros % BLOCK));
                if at.saturating_add(zeros) >= bytes.len() {
                    return;
                }
                if !ended {
                    self.add(AnomalyKind::Trailing, next..bytes.len(), "bytes follow the end");
                }
                ended = true;
                at = next;
                continue;
            }
            if !valid_header(bytes, at) {
                let next = next_header(bytes, at.saturating_add(BLOCK));
                if !ended {
                    let message = format!(
                        "no valid header; {} bytes up to the next one, or the end, are skipped",
                        next.saturating_sub(at)
                    );
                    self.add(AnomalyKind::Checksum, at..next, message);
                }
                local = Extensions::default();
                at = next;
                continue;
            }
            if self.entries.len() >= limits.entries {
                let message = format!("more than {} entries", limits.entries);
                self.add(AnomalyKind::TooManyEntries, at..bytes.len(), message);
                return;
            }
            at = self.read_entry(at, Header::new(block), &mut global, &mut local, ended);
        }
        if !ended {
            self.add(AnomalyKind::NoEnd, bytes.len()..bytes.len(), "there is no mark of the end");
        }
    }

    /// Reads the entry or extension at `at`; gives where the next one starts.
    fn read_entry(
        &mut self,
        at: usize,
        header: Header<'a>,
        global: &mut Extensions<'a>,
        local: &mut Extensions<'a>,
        after_end: bool,
    ) -> usize {
        let start = at.saturating_add(BLOCK);
        let named = header.size().unwrap_or_else(|| {
            self.add(AnomalyKind::Field, at..start, "the size is not a number");
            0
        });
        let kind = header.kind();
        if let EntryKind::Other(b'L' | b'K' | b'x' | b'g' | b'X') = kind {
            let range = self.range(start, named);
            let data = self.bytes.get(range.clone()).unwrap_or_default();
            let understood = match kind {
                EntryKind::Other(b'L') => local.set_name(data),
                EntryKind::Other(b'K') => local.set_link(data),
                EntryKind::Other(b'g') => global.read(data),
                _ => local.read(data),
            };
            if !understood {
                self.add(AnomalyKind::Field, range, "an extended header is damaged");
            }
            return self.next(start, named);
        }
        let extensions = std::mem::take(local).over(global);
        let size = extensions.size.unwrap_or(named);
        let index = self.entries.len();
        if extensions.size.is_some_and(|size| size != named && named != 0) {
            let message = format!("{named} bytes by the header, {size} by its extension");
            self.add_of(AnomalyKind::Sizes, index, at..start, message);
        }
        // As tarfile does: types without content have no data, whatever size they name.
        let holds_data = matches!(kind, EntryKind::File | EntryKind::Other(_));
        if !holds_data && size != 0 {
            let message = format!("its type has no data, but it names {size} bytes");
            self.add_of(AnomalyKind::Sizes, index, at..start, message);
        }
        let mut data_start = start;
        if kind == EntryKind::Other(b'S') {
            data_start = header::sparse_end(self.bytes, at);
        }
        let held = if holds_data { size } else { 0 };
        let data = self.range(data_start, held);
        if u64::try_from(data.len()).is_ok_and(|length| length < held) {
            let message = format!("{} of {size} bytes are there", data.len());
            self.add_of(AnomalyKind::Truncated, index, data.clone(), message);
        }
        let raw_name = extensions.name.unwrap_or_else(|| header.name());
        let kind = match kind {
            EntryKind::File if raw_name.ends_with(b"/") && size == 0 => EntryKind::Directory,
            kind => kind,
        };
        let link = matches!(kind, EntryKind::HardLink | EntryKind::Symlink)
            .then(|| extensions.link.unwrap_or_else(|| Cow::Borrowed(header.link())));
        let sparse = extensions.sparse || kind == EntryKind::Other(b'S');
        self.entries.push(Entry {
            name: String::from_utf8_lossy(&raw_name).into_owned(),
            raw_name,
            kind,
            link,
            mode: header.mode().unwrap_or_default(),
            size,
            offset: at,
            data,
            sparse,
            after_end,
        });
        self.next(data_start, held)
    }

    fn range(&self, start: usize, size: u64) -> Range<usize> {
        let start = start.min(self.bytes.len());
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        start..start.saturating_add(size).min(self.bytes.len())
    }

    /// The block after the data.
    fn next(&self, start: usize, size: u64) -> usize {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let end = size.checked_next_multiple_of(BLOCK).and_then(|size| start.checked_add(size));
        end.map_or(self.bytes.len(), |end| end.min(self.bytes.len()))
    }

    fn check_names(&mut self) {
        let mut exact = BTreeMap::new();
        let mut loose = BTreeMap::new();
        let mut links: BTreeSet<&[u8]> = BTreeSet::new();
        let mut found = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let mut add = |kind, message: String| {
                let range = entry.offset..entry.offset.saturating_add(BLOCK);
                found.push(Anomaly::of(kind, index, range, message));
            };
            let name = &entry.name;
            if let Some(problem) = path_problem(&entry.raw_name) {
                add(AnomalyKind::PathTraversal, format!("the name `{name}` {problem}"));
            }
            let twin = exact.insert(&*entry.raw_name, index);
            match (twin, loose.insert(folded(name), index)) {
                (Some(other), _) => {
                    add(AnomalyKind::DuplicateName, format!("`{name}` is entry {other} too"));
                }
                (None, Some(other)) => add(
                    AnomalyKind::FoldedName,
                    format!("`{name}` is entry {other} where case and separators do not count"),
                ),
                (None, None) => {}
            }
            if !links.is_empty() {
                let slashes = memchr::memchr_iter(b'/', &entry.raw_name);
                let through = slashes
                    .filter_map(|at| entry.raw_name.get(..at))
                    .find(|folder| links.contains(folder));
                if let Some(link) = through {
                    let link = String::from_utf8_lossy(link);
                    add(
                        AnomalyKind::ThroughLink,
                        format!("`{name}` goes through the link `{link}`"),
                    );
                }
            }
            match entry.kind {
                EntryKind::Symlink | EntryKind::HardLink => {
                    let target = entry.link.as_deref().unwrap_or_default();
                    // The target of a hard link is a name in the archive, not relative to the link.
                    let from: &[u8] =
                        if entry.kind == EntryKind::Symlink { &entry.raw_name } else { b"" };
                    if link_escapes(from, target) {
                        let target = String::from_utf8_lossy(target);
                        add(AnomalyKind::LinkEscapes, format!("`{name}` links out, to `{target}`"));
                    }
                    if entry.kind == EntryKind::Symlink {
                        links.insert(&entry.raw_name);
                    }
                }
                EntryKind::CharacterDevice | EntryKind::BlockDevice | EntryKind::Fifo => {
                    add(AnomalyKind::Device, format!("`{name}` is a device or pipe"));
                }
                EntryKind::Other(letter) if letter != b'S' => {
                    let letter = letter.escape_ascii();
                    add(AnomalyKind::UnknownType, format!("`{name}` has the type `{letter}`"));
                }
                _ => {}
            }
            if entry.sparse {
                add(AnomalyKind::Sparse, format!("`{name}` is sparse"));
            }
        }
        self.anomalies.append(&mut found);
    }

    fn add(&mut self, kind: AnomalyKind, range: Range<usize>, message: impl Into<String>) {
        self.anomalies.push(Anomaly::new(kind, range, message));
    }

    fn add_of(&mut self, kind: AnomalyKind, entry: usize, range: Range<usize>, message: String) {
        self.anomalies.push(Anomaly::of(kind, entry, range, message));
    }
}

/// The next block that is a header, or a zero block that may end the archive.
fn next_header(bytes: &[u8], mut at: usize) -> usize {
    let ends = |at| {
        let block = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>);
        block.is_none_or(|block| block.iter().all(|byte| *byte == 0)) || valid_header(bytes, at)
    };
    while at < bytes.len() && !ends(at) {
        at = at.saturating_add(BLOCK);
    }
    at.min(bytes.len())
}
