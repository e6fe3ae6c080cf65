//! Entries: first those of the central directories, then headers in the bytes that belong to none of them.

use std::collections::BTreeSet;
use std::ops::Range;

use memchr::memmem;

use super::record::{CENTRAL, DESCRIPTOR, Header, LOCAL, descriptor_length};
use super::{AnomalyKind, Archive, Entry, EntryKind, Method};
use crate::bytes::u32_at;
use crate::{Anomaly, Limits};

impl Archive<'_> {
    pub(super) fn read_directories(&mut self, limits: &Limits) {
        let mut candidates = std::mem::take(&mut self.directories).into_iter();
        // Headers of earlier directories, with what those add to offsets.
        let mut seen = BTreeSet::new();
        if let Some(first) = candidates.as_slice().first() {
            let most = self.bytes.len() / 46;
            let declared = usize::try_from(first.declared_entries).unwrap_or(usize::MAX);
            self.entries.reserve(declared.min(most).min(limits.entries));
        }
        while let Some(mut directory) = candidates.next() {
            // An archive stored in this one has an end record too; its comment does not reach our end.
            let nested = directory.comment.end != self.bytes.len()
                && self.entries.iter().any(|entry| entry.data.contains(&directory.end_record));
            if nested {
                continue;
            }
            let index = self.directories.len();
            let mut at = directory.range.start;
            let mut listed = 0_u64;
            while let Some(header) = Header::central(self.bytes, at) {
                if self.entries.len() >= limits.entries {
                    self.too_many(at, limits);
                    break;
                }
                at = header.end();
                listed = listed.saturating_add(1);
                // A directory does not meet itself.
                if index == 0 || !seen.contains(&(header.offset, directory.base)) {
                    self.entries.push(entry(self.bytes, header, index, directory.base));
                }
            }
            directory.range.end = at;
            let wrapped = if directory.zip64 { listed } else { listed & 0xffff };
            let size = u64::try_from(directory.range.len()).unwrap_or(u64::MAX);
            if wrapped != directory.declared_entries || size != directory.declared_size {
                self.anomalies.push(Anomaly::new(
                    AnomalyKind::DirectoryMismatch,
                    directory.range.clone(),
                    format!(
                        "the central directory has {listed} entries in {size} bytes, its end record names {} in {}",
                        directory.declared_entries, directory.declared_size
                    ),
                ));
            }
            if candidates.len() > 0 {
                let listed = self.entries.iter().filter(|entry| entry.directory == Some(index));
                let headers = listed.filter_map(|entry| entry.central.as_ref());
                seen.extend(headers.map(|header| (header.offset, directory.base)));
            }
            self.directories.push(directory);
        }
        for directory in self.directories.iter().skip(1) {
            self.anomalies.push(Anomaly::new(
                AnomalyKind::SeveralDirectories,
                directory.range.clone(),
                format!(
                    "the end record at {} can be read to name a further central directory at {}, offsets from {}",
                    directory.end_record, directory.range.start, directory.base
                ),
            ));
        }
    }

    fn too_many(&mut self, at: usize, limits: &Limits) {
        self.anomalies.push(Anomaly::new(
            AnomalyKind::TooManyEntries,
            at..self.bytes.len(),
            format!("more than {} entries; the others are not listed", limits.entries),
        ));
    }

    /// Finds local headers outside of what the directories cover, and what is left between.
    pub(super) fn read_local_only(&mut self, limits: &Limits) {
        if self.directories.is_empty() {
            self.anomalies.push(Anomaly::new(
                AnomalyKind::NoDirectory,
                self.bytes.len()..self.bytes.len(),
                "there is no end record with a central directory",
            ));
        }
        let gaps = self.gaps();
        let listed = self.entries.len();
        for gap in &gaps {
            self.read_gap(gap, limits);
        }
        let differing: Vec<usize> = (0..listed)
            .filter(|index| {
                let entry = self.entries.get(*index);
                entry.is_some_and(|entry| {
                    self.local_data(entry).is_some_and(|data| data != entry.data)
                })
            })
            .collect();
        if !differing.is_empty() {
            let mut known: BTreeSet<usize> = self
                .entries
                .iter()
                .filter_map(|entry| Some(entry.local.as_ref()?.offset))
                .collect();
            for index in differing {
                self.follow_local(index, &mut known, limits);
            }
        }
        // Entries found meanwhile only fill gaps.
        if !gaps.is_empty() {
            self.report_gaps();
        }
    }

    /// What the entry takes up: header, data, descriptor.
    pub(super) fn extent(&self, entry: &Entry<'_>) -> Option<Range<usize>> {
        let local = entry.local.as_ref()?;
        let mut end = entry.data.end;
        if entry.flags & super::record::FLAG_DESCRIPTOR != 0 || local.has_descriptor() {
            let (crc, compressed, size) = (entry.crc, entry.compressed_size, entry.size);
            if let Some(length) = descriptor_length(self.bytes, end, crc, compressed, size) {
                end = end.saturating_add(length);
            }
        }
        Some(local.offset..end)
    }

    /// The ranges that belong to no entry and no directory.
    fn gaps(&self) -> Vec<Range<usize>> {
        let mut taken: Vec<Range<usize>> =
            self.entries.iter().filter_map(|entry| self.extent(entry)).collect();
        for directory in &self.directories {
            taken.push(directory.range.clone());
            taken.push(directory.ends.clone());
        }
        taken.sort_by_key(|range| (range.start, range.end));
        let mut gaps = Vec::new();
        let mut at = 0;
        for range in taken {
            if range.start > at {
                gaps.push(at..range.start);
            }
            at = at.max(range.end);
        }
        if at < self.bytes.len() {
            gaps.push(at..self.bytes.len());
        }
        gaps
    }

    fn read_gap(&mut self, gap: &Range<usize>, limits: &Limits) {
        let finder = memmem::Finder::new(&LOCAL);
        let mut at = gap.start;
        while let Some(found) = self.bytes.get(at..gap.end).and_then(|gap| finder.find(gap)) {
            let offset = at.saturating_add(found);
            let Some(header) = Header::local(self.bytes, offset) else {
                at = offset.saturating_add(1);
                continue;
            };
            if self.entries.len() >= limits.entries {
                self.too_many(offset, limits);
                return;
            }
            let entry = local_entry(self.bytes, header, gap.end, None);
            at = self
                .extent(&entry)
                .map_or(offset, |extent| extent.end)
                .max(offset.saturating_add(30));
            self.entries.push(entry);
        }
    }

    /// Where the local header bounds the data otherwise than the directory, a reader that goes from header to
    /// header arrives elsewhere: lists what it finds there.
    fn follow_local(&mut self, index: usize, known: &mut BTreeSet<usize>, limits: &Limits) {
        let Some(entry) = self.entries.get(index) else { return };
        let Some(data) = self.local_data(entry) else { return };
        let mut at = data.end;
        while let Some(header) = Header::local(self.bytes, at) {
            if self.entries.len() >= limits.entries || !known.insert(at) {
                return;
            }
            let entry = local_entry(self.bytes, header, self.bytes.len(), Some(index));
            at = self.extent(&entry).map_or(usize::MAX, |extent| extent.end);
            self.entries.push(entry);
        }
    }

    fn report_gaps(&mut self) {
        let end = self.directories.iter().map(|directory| directory.ends.end).max();
        for gap in self.gaps() {
            let length = gap.len();
            let (kind, message) = if gap.start == 0 {
                (AnomalyKind::Prefix, format!("{length} bytes before the first entry"))
            } else if end.is_some_and(|end| gap.start >= end) {
                (AnomalyKind::Trailing, format!("{length} bytes after the end of the archive"))
            } else {
                (AnomalyKind::Gap, format!("{length} bytes that belong to no entry"))
            };
            self.anomalies.push(Anomaly::new(kind, gap, message));
        }
    }
}

/// The entry of a central header.
fn entry<'a>(bytes: &'a [u8], central: Header<'a>, directory: usize, base: usize) -> Entry<'a> {
    let written = usize::try_from(central.local_offset).unwrap_or(usize::MAX);
    let mut at = written.saturating_add(base);
    let mut local = Header::local(bytes, at);
    if local.is_none() && base > 0 {
        local = Header::local(bytes, written);
        if local.is_some() {
            at = written;
        }
    }
    // Without its signature, the lengths may still lead a lenient reader to the data.
    let start = match &local {
        Some(local) => local.end(),
        None => Header::unsigned_local(bytes, at).map_or(at, |header| header.end()),
    };
    let start = start.min(bytes.len());
    let size = usize::try_from(central.compressed_size).unwrap_or(usize::MAX);
    let data = start..start.saturating_add(size).min(bytes.len());
    // Hosts that write Unix modes: Unix and Darwin.
    let [_, _, low, high] = central.external_attributes.to_le_bytes();
    let unix_mode = matches!(central.host, 3 | 19).then(|| u16::from_le_bytes([low, high]));
    Entry {
        name: String::from_utf8_lossy(central.name),
        raw_name: central.name,
        directory: Some(directory),
        method: central.method.into(),
        flags: central.flags,
        crc: central.crc,
        compressed_size: central.compressed_size,
        size: central.size,
        data,
        encrypted: central.flags & 1 != 0,
        unix_mode,
        external_attributes: central.external_attributes,
        kind: kind(central.name, unix_mode),
        inside: None,
        central: Some(central),
        local,
    }
}

fn kind(name: &[u8], unix_mode: Option<u16>) -> EntryKind {
    match unix_mode.unwrap_or_default() & 0xf000 {
        0xa000 => EntryKind::Symlink,
        0x1000 | 0x2000 | 0x6000 | 0xc000 => EntryKind::Special,
        _ if name.ends_with(b"/") => EntryKind::Directory,
        _ => EntryKind::File,
    }
}

/// The entry of a local header alone; its data end before `limit` where only a descriptor names their size.
fn local_entry<'a>(
    bytes: &'a [u8],
    local: Header<'a>,
    limit: usize,
    inside: Option<usize>,
) -> Entry<'a> {
    let start = local.end().min(bytes.len());
    let (mut crc, mut compressed_size, mut size) = (local.crc, local.compressed_size, local.size);
    if local.has_descriptor() && compressed_size == 0 {
        let found = stream_end(bytes.get(start..limit).unwrap_or_default());
        (crc, compressed_size, size) = found.unwrap_or_else(|| {
            let left = limit.saturating_sub(start);
            (crc, u64::try_from(left).unwrap_or(u64::MAX), size)
        });
    }
    let length = usize::try_from(compressed_size).unwrap_or(usize::MAX);
    Entry {
        name: String::from_utf8_lossy(local.name),
        raw_name: local.name,
        central: None,
        directory: None,
        method: Method::from(local.method),
        flags: local.flags,
        crc,
        compressed_size,
        size,
        data: start..start.saturating_add(length).min(bytes.len()),
        encrypted: local.flags & 1 != 0,
        unix_mode: None,
        external_attributes: 0,
        kind: kind(local.name, None),
        inside,
        local: Some(local),
    }
}

/// Checksum and sizes by the descriptor that names its own distance, or by the next header.
fn stream_end(data: &[u8]) -> Option<(u32, u64, u64)> {
    for at in memmem::find_iter(data, b"PK") {
        let record = data.get(at..)?;
        let distance = u32::try_from(at).ok()?;
        if record.starts_with(&DESCRIPTOR) && u32_at(record, 8) == Some(distance) {
            let size = u32_at(record, 12)?;
            // With sizes of 8 bytes, the high half of the first is where a short one has the size.
            let size = if size == 0 { u32_at(record, 16).unwrap_or(0) } else { size };
            return Some((u32_at(record, 4)?, distance.into(), size.into()));
        }
        if record.starts_with(&LOCAL) || record.starts_with(&CENTRAL) {
            return Some((0, distance.into(), 0));
        }
    }
    None
}
