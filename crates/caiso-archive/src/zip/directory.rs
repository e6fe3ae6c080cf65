//! End records, and the places of central directories they can be read to name.

use std::ops::Range;

use memchr::memmem;

use super::AnomalyKind;
use super::record::{CENTRAL, END, END64, LOCATOR64};
use crate::Anomaly;
use crate::bytes::{u16_at, u32_at, u64_at};

/// Bytes of an end record without its comment.
const END_LENGTH: usize = 22;
/// Readers search this far from the end: an end record with the longest comment.
const TAIL: usize = 22 + 65_535;
/// More end records than this are not followed.
const MOST: usize = 16;

/// A central directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Directory {
    /// Where its end record starts.
    pub end_record: usize,
    /// Its headers.
    pub range: Range<usize>,
    /// Entries as named in the end record.
    pub declared_entries: u64,
    /// Bytes as named in the end record.
    pub declared_size: u64,
    /// What readers add to all offsets, since the archive has this many bytes before it.
    pub base: usize,
    /// Comment of the archive.
    pub comment: Range<usize>,
    /// It was found by a zip64 end record.
    pub zip64: bool,
    /// End records, zip64 ones included, with the comment.
    pub(super) ends: Range<usize>,
}

/// Values of one end record.
struct End {
    /// Where the record that follows the directory starts.
    record: usize,
    entries: u64,
    size: u64,
    offset: u64,
    zip64: bool,
}

/// All central directories, the last end record first.
pub(super) fn find(bytes: &[u8], anomalies: &mut Vec<Anomaly<AnomalyKind>>) -> Vec<Directory> {
    let tail = bytes.len().saturating_sub(TAIL);
    let finder = memmem::FinderRev::new(&END);
    let mut found = Vec::new();
    let mut tried = 0_usize;
    for at in finder.rfind_iter(bytes.get(tail..).unwrap_or_default()).take(MOST) {
        tried = tried.saturating_add(1);
        places(bytes, tail.saturating_add(at), &mut found);
    }
    if tried == MOST {
        anomalies.push(Anomaly::new(
            AnomalyKind::SeveralDirectories,
            tail..bytes.len(),
            format!("at least {MOST} end records; only the last {MOST} are read"),
        ));
    }
    if found.is_empty() {
        // No reader looks further, but bytes may have been appended to hide the archive from it.
        let before = bytes.get(..tail.saturating_add(END_LENGTH).min(bytes.len()));
        if let Some(at) = finder.rfind(before.unwrap_or_default()) {
            places(bytes, at, &mut found);
        }
    }
    found
}

/// The directories that the end record at `at` can be read to name.
fn places(bytes: &[u8], at: usize, found: &mut Vec<Directory>) {
    let Some(short) = short_end(bytes, at) else { return };
    let comment_length = u16_at(bytes, at.saturating_add(20)).unwrap_or_default();
    let comment_start = at.saturating_add(END_LENGTH).min(bytes.len());
    let comment_end = comment_start.saturating_add(comment_length.into()).min(bytes.len());
    let wide = wide_end(bytes, at);
    let empty = short.entries == 0 && short.size == 0 && wide.is_none();
    if empty && comment_end == bytes.len() && found.is_empty() {
        found.push(Directory {
            end_record: at,
            range: at..at,
            declared_entries: 0,
            declared_size: 0,
            base: 0,
            comment: comment_start..comment_end,
            zip64: false,
            ends: at..comment_end,
        });
    }
    let first_record = wide.as_ref().map_or(at, |end| end.record);
    for end in wide.into_iter().chain([short]) {
        // Some readers count back from the end record, some forward from the start of the file.
        let offset = usize::try_from(end.offset).ok();
        let back = usize::try_from(end.size).ok().and_then(|size| end.record.checked_sub(size));
        let back = back.and_then(|start| Some((start, start.checked_sub(offset?)?)));
        for (start, base) in back.into_iter().chain(offset.map(|offset| (offset, 0))) {
            let known = |known: &Directory| known.range.start == start && known.base == base;
            if !bytes.get(start..).is_some_and(|bytes| bytes.starts_with(&CENTRAL))
                || found.iter().any(known)
            {
                continue;
            }
            found.push(Directory {
                end_record: at,
                range: start..start,
                declared_entries: end.entries,
                declared_size: end.size,
                base,
                comment: comment_start..comment_end,
                zip64: end.zip64,
                ends: first_record.min(at)..comment_end,
            });
        }
    }
}

fn short_end(bytes: &[u8], at: usize) -> Option<End> {
    let record = bytes.get(at..)?.get(..END_LENGTH)?;
    Some(End {
        record: at,
        entries: u16_at(record, 10)?.into(),
        size: u32_at(record, 12)?.into(),
        offset: u32_at(record, 16)?.into(),
        zip64: false,
    })
}

/// The zip64 end record: where its locator says or, with bytes before the archive, right before the locator.
fn wide_end(bytes: &[u8], at: usize) -> Option<End> {
    let locator_at = at.checked_sub(20)?;
    let locator = bytes.get(locator_at..)?;
    if !locator.starts_with(&LOCATOR64) {
        return None;
    }
    let named = usize::try_from(u64_at(locator, 8)?).ok();
    [named, locator_at.checked_sub(56)].into_iter().flatten().find_map(|record_at| {
        let record = bytes.get(record_at..)?;
        if !record.starts_with(&END64) {
            return None;
        }
        Some(End {
            record: record_at,
            entries: u64_at(record, 32)?,
            size: u64_at(record, 40)?,
            offset: u64_at(record, 48)?,
            zip64: true,
        })
    })
}
