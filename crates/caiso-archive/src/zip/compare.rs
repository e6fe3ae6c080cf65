//! What differs between the two views of an entry, and between entries.

use std::collections::{BTreeMap, HashMap};

use super::record::{FLAG_DESCRIPTOR, Header, descriptor_length};
use super::{AnomalyKind, Archive, Entry, EntryKind, Method};
use crate::Anomaly;
use crate::bytes::u32_at;
use crate::path::{folded, link_escapes, path_problem};

/// Encryption, deflate levels, descriptor, UTF-8.
const KNOWN_FLAGS: u16 = 0x080f;
/// Deflate levels and descriptor: set in one header only by many writers.
const LOOSE_FLAGS: u16 = 0x000e;

impl Archive<'_> {
    pub(super) fn compare(&mut self) {
        let mut found = Found::default();
        for (index, entry) in self.entries.iter().enumerate() {
            self.compare_entry(&mut Report { found: &mut found, index, entry });
        }
        self.compare_names(&mut found);
        self.compare_extents(&mut found);
        for directory in &self.directories {
            if !directory.comment.is_empty() {
                let length = directory.comment.len();
                found.push(Anomaly::new(
                    AnomalyKind::Comment,
                    directory.comment.clone(),
                    format!("the archive has a comment of {length} bytes"),
                ));
            }
        }
        found.finish(self.bytes.len(), &mut self.anomalies);
    }

    fn compare_entry(&self, report: &mut Report<'_, '_>) {
        use AnomalyKind as Kind;
        let entry = report.entry;
        match (&entry.central, &entry.local) {
            (Some(central), Some(local)) => self.compare_headers(report, central, local),
            (Some(central), None) => report.add(
                Kind::OnlyCentral,
                central.offset,
                format!("no local header at {}", central.local_offset),
            ),
            (None, _) => {
                let place = match entry.inside {
                    Some(_) => "inside the data of another entry",
                    None => "in no central directory",
                };
                report.add(Kind::OnlyLocal, entry.data.start, format!("a local header {place}"));
            }
        }
        let at = entry.central.as_ref().or(entry.local.as_ref()).map_or(0, |header| header.offset);
        if let Some(central) = &entry.central {
            check_header(report, central, None);
        }
        if let Some(local) = &entry.local {
            check_header(report, local, entry.central.as_ref());
        }
        if entry.flags & !KNOWN_FLAGS != 0 {
            let flags = entry.flags;
            report.add(Kind::Flags, at, format!("flags that readers do not know: {flags:#06x}"));
        }
        if entry.method == Method::Stored && entry.compressed_size != entry.size {
            let (stored, size) = (entry.compressed_size, entry.size);
            report.add(
                Kind::Sizes,
                at,
                format!("stored in {stored} bytes, but said to be of {size}"),
            );
        }
        let length = u64::try_from(entry.data.len()).unwrap_or(u64::MAX);
        if length < entry.compressed_size {
            let size = entry.compressed_size;
            report.add(
                Kind::Truncated,
                entry.data.start,
                format!("{length} of {size} bytes are there"),
            );
        }
        match entry.method {
            Method::Other(number) => {
                report.add(
                    Kind::UnsupportedMethod,
                    at,
                    format!("method {number} is not supported"),
                );
            }
            Method::Aes => report.add(Kind::Encrypted, at, "encrypted by AES".to_owned()),
            _ => {}
        }
        if entry.central.as_ref().is_some_and(|central| !matches!(central.disk, 0 | 0xffff)) {
            report.add(Kind::Spanned, at, "its data are in another file".to_owned());
        }
        match entry.kind {
            EntryKind::Symlink => {
                let target = self.stored(entry).unwrap_or_default();
                let shown = String::from_utf8_lossy(target);
                report.add(Kind::Symlink, at, format!("a symbolic link to `{shown}`"));
                if link_escapes(entry.raw_name, target) {
                    report.add(Kind::PathTraversal, at, format!("links out, to `{shown}`"));
                }
            }
            EntryKind::Special => {
                report.add(Kind::Special, at, "a device, pipe or socket".to_owned());
            }
            EntryKind::File | EntryKind::Directory => {}
        }
    }

    fn compare_headers(
        &self,
        report: &mut Report<'_, '_>,
        central: &Header<'_>,
        local: &Header<'_>,
    ) {
        use AnomalyKind as Kind;
        let at = local.offset;
        if central.name != local.name {
            let (here, there) =
                (String::from_utf8_lossy(local.name), String::from_utf8_lossy(central.name));
            report.add(Kind::Names, at, format!("`{here}` locally, `{there}` in the directory"));
        }
        if central.method != local.method {
            let (here, there) = (local.method, central.method);
            report.add(
                Kind::Methods,
                at,
                format!("method {here} locally, {there} in the directory"),
            );
        }
        if (central.flags ^ local.flags) & !LOOSE_FLAGS != 0 {
            let (here, there) = (local.flags, central.flags);
            report.add(
                Kind::Flags,
                at,
                format!("flags {here:#06x} locally, {there:#06x} in the directory"),
            );
        }
        let deferred = local.flags & FLAG_DESCRIPTOR != 0;
        let sizes = (central.compressed_size, central.size);
        let local_sizes = (local.compressed_size, local.size);
        if local_sizes != sizes && !(deferred && local_sizes == (0, 0)) {
            report.add(
                Kind::Sizes,
                at,
                format!(
                    "{} bytes to {} locally, {} to {} in the directory",
                    local.compressed_size, local.size, central.compressed_size, central.size
                ),
            );
        }
        if local.crc != central.crc && !(deferred && local.crc == 0) {
            report.add(
                Kind::Checksums,
                at,
                format!("CRC {:08x} locally, {:08x} in the directory", local.crc, central.crc),
            );
        }
        let end = report.entry.data.end;
        if deferred
            && local_sizes != sizes
            && descriptor_length(self.bytes, end, central.crc, sizes.0, sizes.1).is_none()
        {
            report.add(
                Kind::Sizes,
                end,
                "no data descriptor that agrees with the directory".to_owned(),
            );
        }
    }

    fn compare_names(&self, found: &mut Found) {
        let mut loose = HashMap::with_capacity(self.entries.len());
        // Only of names that meet when folded.
        let mut exact = HashMap::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let Some(cousin) = loose.insert((entry.directory, folded(&entry.name)), index) else {
                continue;
            };
            if let Some(other) = self.entries.get(cousin) {
                exact.entry((other.directory, other.raw_name)).or_insert(cousin);
            }
            let (kind, other) = match exact.insert((entry.directory, entry.raw_name), index) {
                Some(twin) => (AnomalyKind::DuplicateName, twin),
                None => (AnomalyKind::FoldedName, cousin),
            };
            let at =
                entry.central.as_ref().or(entry.local.as_ref()).map_or(0, |header| header.offset);
            let name = &entry.name;
            let message = match kind {
                AnomalyKind::DuplicateName => format!("`{name}` is the name of entry {other} too"),
                _ => format!("`{name}` is entry {other} where case and separators do not count"),
            };
            found.push(Anomaly::of(kind, index, at..at, message));
        }
    }

    fn compare_extents(&self, found: &mut Found) {
        let mut extents: Vec<_> = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.inside.is_none())
            .filter_map(|(index, entry)| Some((self.extent(entry)?, Some(index))))
            .chain(self.directories.iter().flat_map(|directory| {
                [(directory.range.clone(), None), (directory.ends.clone(), None)]
            }))
            .collect();
        extents.sort_by_key(|(range, index)| (range.start, range.end, *index));
        let mut furthest: Option<(usize, Option<usize>)> = None;
        for (range, index) in extents {
            if let Some((end, other)) = furthest
                && range.start < end
                && let Some(entry) = index.or(other)
                && index != other
            {
                let with = match (index, other) {
                    (Some(_), Some(other)) => format!("entry {other}"),
                    _ => "a central directory".to_owned(),
                };
                let message = format!("shares bytes from {} on with {with}", range.start);
                found.push(Anomaly::of(
                    AnomalyKind::Overlap,
                    entry,
                    range.start..range.start,
                    message,
                ));
            }
            if furthest.is_none_or(|(end, _)| range.end > end) {
                furthest = Some((range.end, index));
            }
        }
    }
}

/// What a header says on its own; of a local one only what its twin in the directory does not say as well.
fn check_header(report: &mut Report<'_, '_>, header: &Header<'_>, twin: Option<&Header<'_>>) {
    use AnomalyKind as Kind;
    /// Encrypted, strongly encrypted, header values masked.
    const ENCRYPTED: u16 = 0x2041;
    let at = header.offset;
    if twin.is_none_or(|twin| twin.name != header.name)
        && let Some(problem) = path_problem(header.name)
    {
        let name = String::from_utf8_lossy(header.name);
        report.add(Kind::PathTraversal, at, format!("the name `{name}` {problem}"));
    }
    let encrypted = header.flags & ENCRYPTED;
    if encrypted != 0 && twin.is_none_or(|twin| twin.flags & ENCRYPTED != encrypted) {
        report.add(Kind::Encrypted, at, format!("flags {encrypted:#06x} call it encrypted"));
    }
    if !header.comment.is_empty() {
        let length = header.comment.len();
        report.add(Kind::Comment, at, format!("has a comment of {length} bytes"));
    }
    let field = header.extra_field(0x7075);
    if let Some(field) = field
        && let Some(name) = field.get(5..)
        && name != header.name
        && twin.is_none_or(|twin| twin.extra_field(0x7075) != Some(field))
    {
        let valid = u32_at(field, 1) == Some(crc32fast::hash(header.name));
        let (shown, effect) =
            (String::from_utf8_lossy(name), if valid { "renames" } else { "would rename" });
        report.add(Kind::UnicodePath, at, format!("an extra field {effect} it to `{shown}`"));
    }
}

/// More anomalies of one kind are counted, not kept, lest an archive of nothing else fill the memory.
const MOST_OF_A_KIND: usize = 1_000;

/// Anomalies, up to [`MOST_OF_A_KIND`] of each.
#[derive(Default)]
struct Found {
    kept: Vec<Anomaly<AnomalyKind>>,
    counts: BTreeMap<AnomalyKind, usize>,
}

impl Found {
    fn push(&mut self, anomaly: Anomaly<AnomalyKind>) {
        let count = self.counts.entry(anomaly.kind).or_default();
        *count = count.saturating_add(1);
        if *count <= MOST_OF_A_KIND {
            self.kept.push(anomaly);
        }
    }

    fn finish(mut self, length: usize, into: &mut Vec<Anomaly<AnomalyKind>>) {
        into.append(&mut self.kept);
        for (kind, count) in self.counts {
            if let Some(more @ 1..) = count.checked_sub(MOST_OF_A_KIND) {
                into.push(Anomaly::new(kind, length..length, format!("{more} more of this kind")));
            }
        }
    }
}

/// Collects the anomalies of one entry.
struct Report<'r, 'a> {
    found: &'r mut Found,
    index: usize,
    entry: &'r Entry<'a>,
}

impl Report<'_, '_> {
    fn add(&mut self, kind: AnomalyKind, offset: usize, message: String) {
        self.found.push(Anomaly::of(kind, self.index, offset..offset, message));
    }
}
