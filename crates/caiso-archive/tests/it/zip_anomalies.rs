//! One archive by hand for each anomaly: it is reported, and nothing else is.

use caiso_archive::zip::{AnomalyKind, Archive, ChecksumReader, EntryKind};
use caiso_archive::{ArchiveError, Limits};

use crate::support::{Part, end, read_all, stored, zip};

fn kinds(bytes: &[u8]) -> Vec<AnomalyKind> {
    let archive = Archive::read(bytes, &Limits::default()).unwrap();
    let mut kinds: Vec<_> = archive.anomalies.iter().map(|anomaly| anomaly.kind).collect();
    kinds.sort();
    kinds
}

fn of(parts: &[Part]) -> Vec<AnomalyKind> {
    kinds(&zip(parts))
}

fn a() -> Part {
    stored("a.txt", b"content of a")
}

#[test]
fn a_plain_archive_has_none() {
    assert_eq!(of(&[a(), stored("b/", b""), stored("b/c", b"c")]), []);
}

#[test]
fn headers_that_differ() {
    use AnomalyKind as Kind;
    assert_eq!(of(&[a().local(|local| local.name = b"b.pkl".to_vec())]), [Kind::Names]);
    assert_eq!(of(&[a().local(|local| local.crc = 1)]), [Kind::Checksums]);
    assert_eq!(of(&[a().local(|local| local.flags = 0x800)]), [Kind::Flags]);
    assert_eq!(of(&[a().both(|both| both.flags = 0x20)]), [Kind::Flags]);
    assert_eq!(
        of(&[a().central(|central| central.flags = 1)]),
        [Kind::Encrypted, Kind::Flags].into_iter().rev().collect::<Vec<_>>()
    );
    assert_eq!(of(&[a().both(|both| both.flags = 1)]), [Kind::Encrypted]);
    assert_eq!(of(&[a().local(|local| local.method = 8)]), [Kind::Methods]);
    assert_eq!(of(&[a().both(|both| both.method = 77)]), [Kind::UnsupportedMethod]);
    assert_eq!(of(&[a().both(|both| both.method = 99)]), [Kind::Encrypted]);
    assert_eq!(of(&[a().local(|local| local.size = 4)]), [Kind::Sizes]);
    assert_eq!(of(&[a().both(|both| both.size = 4)]), [Kind::Sizes]);
}

/// Both contents are there for the caller.
#[test]
fn two_views_give_two_contents() {
    let limits = Limits::default();
    let bytes = zip(&[a().local(|local| {
        local.compressed = 7;
        local.size = 7;
    })]);
    let archive = Archive::read(&bytes, &limits).unwrap();
    let entry = &archive.entries[0];
    assert_eq!(read_all(archive.open(entry, &limits).unwrap()), b"content of a");
    assert_eq!(read_all(archive.open_local(entry, &limits).unwrap().unwrap()), b"content");
}

#[test]
fn names_that_lead_out() {
    for name in ["../up", "a/../../up", "/etc/passwd", "C:evil", "a\\b", "..\\up", "nul\0.txt", ""]
    {
        assert_eq!(of(&[stored(name, b"x")]), [AnomalyKind::PathTraversal], "{name:?}");
    }
    // Once for the name in the directory, once for the local one that differs.
    let parts = [a().local(|local| local.name = b"../a".to_vec())];
    assert_eq!(of(&parts), [AnomalyKind::Names, AnomalyKind::PathTraversal]);
    assert_eq!(of(&[stored("..a/b..", b"x")]), []);
}

#[test]
fn names_that_meet() {
    assert_eq!(of(&[a(), a()]), [AnomalyKind::DuplicateName]);
    assert_eq!(of(&[a(), stored("A.TXT", b"x")]), [AnomalyKind::FoldedName]);
    assert_eq!(of(&[a(), stored("./a.txt", b"x")]), [AnomalyKind::FoldedName]);
    let mut extra = vec![0x75, 0x70, 10, 0, 1];
    extra.extend(crc32fast::hash(b"a.txt").to_le_bytes());
    extra.extend(b"b.pkl");
    assert_eq!(of(&[a().both(|both| both.extra = extra.clone())]), [AnomalyKind::UnicodePath]);
}

#[test]
fn entries_of_one_view_only() {
    let limits = Limits::default();
    let hidden = Part { central: None, ..stored("hidden.pkl", b"payload") };
    let bytes = zip(&[a(), hidden.clone(), stored("z", b"z")]);
    assert_eq!(kinds(&bytes), [AnomalyKind::OnlyLocal]);
    let archive = Archive::read(&bytes, &limits).unwrap();
    assert_eq!(archive.entries[2].name, "hidden.pkl");
    assert_eq!(archive.stored(&archive.entries[2]), Some(&b"payload"[..]));

    let mut lost = zip(&[a(), stored("z", b"z")]);
    lost[0] = b'X';
    assert_eq!(kinds(&lost), [AnomalyKind::OnlyCentral, AnomalyKind::Prefix]);
    let archive = Archive::read(&lost, &limits).unwrap();
    assert_eq!(archive.stored(&archive.entries[0]), Some(&b"content of a"[..]));

    // No directory at all: everything is only local.
    let whole = zip(&[a(), stored("z", b"zz")]);
    let cut = &whole[..whole.len() - 22 - 2 * 46 - 6];
    assert_eq!(
        kinds(cut),
        [AnomalyKind::OnlyLocal, AnomalyKind::OnlyLocal, AnomalyKind::NoDirectory]
    );
}

/// A local-only entry whose sizes follow its data.
#[test]
fn a_descriptor_bounds_a_local_entry() {
    let mut after = b"PK\x07\x08".to_vec();
    after.extend(crc32fast::hash(b"payload").to_le_bytes());
    after.extend(7_u32.to_le_bytes());
    after.extend(7_u32.to_le_bytes());
    let hidden = Part { central: None, after, ..stored("hidden.pkl", b"payload") }.local(|local| {
        (local.flags, local.crc, local.compressed, local.size) = (8, 0, 0, 0);
    });
    let bytes = zip(&[a(), hidden, stored("z", b"z")]);
    let archive = Archive::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(kinds(&bytes), [AnomalyKind::OnlyLocal]);
    assert_eq!(archive.stored(&archive.entries[2]), Some(&b"payload"[..]));
    assert_eq!(archive.entries[2].crc, crc32fast::hash(b"payload"));
}

/// A reader that goes from header to header arrives inside what the directory calls data.
#[test]
fn an_entry_inside_another() {
    let inner = zip(&[Part { central: None, ..stored("inside.pkl", b"payload") }]);
    let mut data = b"short".to_vec();
    data.extend(&inner[..inner.len() - 22]);
    let part = stored("outer", &data).local(|local| {
        local.compressed = 5;
        local.size = 5;
    });
    let bytes = zip(&[part]);
    assert_eq!(kinds(&bytes), [AnomalyKind::Sizes, AnomalyKind::OnlyLocal]);
    let archive = Archive::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(archive.entries[1].inside, Some(0));
    assert_eq!(archive.stored(&archive.entries[1]), Some(&b"payload"[..]));
    // Where both views agree on the sizes, a header inside the data is content.
    assert_eq!(of(&[stored("outer", &data)]), []);
}

#[test]
fn bytes_of_no_entry() {
    let mut bytes = zip(&[a(), Part { before: b"between".to_vec(), ..stored("b", b"b") }]);
    bytes.extend(b"behind");
    let archive = Archive::read(&bytes, &Limits::default()).unwrap();
    let found: Vec<_> = archive
        .anomalies
        .iter()
        .map(|anomaly| (anomaly.kind, &bytes[anomaly.range.clone()]))
        .collect();
    assert_eq!(
        found,
        [(AnomalyKind::Gap, &b"between"[..]), (AnomalyKind::Trailing, &b"behind"[..])]
    );
    // More than an end record's comment could hold.
    bytes.extend(vec![0; 70_000]);
    assert_eq!(kinds(&bytes), [AnomalyKind::Gap, AnomalyKind::Trailing]);
}

#[test]
fn overlaps() {
    let mut part = a();
    part.local = None;
    let bytes = zip(&[a()]);
    // Two records of the directory lead to one local header.
    let directory = bytes.len() - 22 - 51;
    let mut twice = bytes[..directory].to_vec();
    for name in [b"a.txt", b"b.txt"] {
        twice.extend(&bytes[directory..directory + 46]);
        twice.extend(name);
    }
    end(&mut twice, 2, 102, directory as u32, b"");
    assert_eq!(kinds(&twice), [AnomalyKind::Names, AnomalyKind::Overlap]);
    // Data that reach into the directory.
    let long = a().both(|both| {
        both.compressed = 30;
        both.size = 30;
    });
    assert_eq!(of(&[long]), [AnomalyKind::Overlap]);
}

#[test]
fn end_records() {
    let mut bytes = zip(&[a()]);
    let length = bytes.len();
    bytes[length - 12] = 9;
    bytes[length - 14] = 9;
    assert_eq!(kinds(&bytes), [AnomalyKind::DirectoryMismatch]);

    let mut bytes = zip(&[a()]);
    bytes.truncate(length - 22);
    end(&mut bytes, 1, 51, (length - 22 - 51) as u32, b"hello");
    assert_eq!(kinds(&bytes), [AnomalyKind::Comment]);

    // Two archives in one file: offsets of the first hold as they are, those of the second from its start.
    let mut bytes = zip(&[a()]);
    bytes.extend(zip(&[stored("evil.pkl", b"payload")]));
    let archive = Archive::read(&bytes, &Limits::default()).unwrap();
    let names: Vec<_> = archive.entries.iter().map(|entry| &*entry.name).collect();
    assert_eq!(names, ["evil.pkl", "a.txt"]);
    assert_eq!(kinds(&bytes), [AnomalyKind::SeveralDirectories]);

    // A second archive in the comment of the first.
    let second = zip(&[stored("evil.pkl", b"payload")]);
    let mut bytes = zip(&[a()]);
    bytes.truncate(length - 22);
    end(&mut bytes, 1, 51, (length - 22 - 51) as u32, &second);
    let archive = Archive::read(&bytes, &Limits::default()).unwrap();
    let names: Vec<_> = archive.entries.iter().map(|entry| &*entry.name).collect();
    assert_eq!(names, ["evil.pkl", "a.txt"]);
    assert!(kinds(&bytes).contains(&AnomalyKind::SeveralDirectories));
}

/// An end record whose offset and size point to two directories: readers choose.
#[test]
fn offset_and_size_disagree() {
    let first = zip(&[a()]);
    let second = zip(&[stored("evil.pkl", b"payload")]);
    let directory = |bytes: &[u8], name: usize| bytes.len() - 22 - 46 - name;
    let mut bytes = first[..first.len() - 22].to_vec();
    let start = bytes.len();
    bytes.extend(&second[..second.len() - 22]);
    let size = (46 + 8) as u32;
    end(&mut bytes, 1, size, directory(&first, 5) as u32, b"");
    let archive = Archive::read(&bytes, &Limits::default()).unwrap();
    let names: Vec<_> = archive.entries.iter().map(|entry| &*entry.name).collect();
    assert_eq!(names[..2], ["evil.pkl", "a.txt"]);
    assert!(kinds(&bytes).contains(&AnomalyKind::SeveralDirectories));
    assert!(start > 0);
}

#[test]
fn links_devices_and_comments() {
    let link =
        stored("link", b"../../etc/passwd").central(|central| central.attributes = 0o120_777 << 16);
    let bytes = zip(&[link]);
    assert_eq!(kinds(&bytes), [AnomalyKind::PathTraversal, AnomalyKind::Symlink]);
    let archive = Archive::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(archive.entries[0].kind, EntryKind::Symlink);
    let device = a().central(|central| central.attributes = 0o020_666 << 16);
    assert_eq!(of(&[device]), [AnomalyKind::Special]);
    let comment = a().central(|central| central.comment = b"hi".to_vec());
    assert_eq!(of(&[comment]), [AnomalyKind::Comment]);
}

#[test]
fn cut_data_and_wrong_checksums() {
    let limits = Limits::default();
    let bytes = zip(&[a().both(|both| both.crc = 5)]);
    let archive = Archive::read(&bytes, &limits).unwrap();
    let entry = &archive.entries[0];
    let mut reader = ChecksumReader::new(archive.open(entry, &limits).unwrap());
    assert_eq!(read_all(&mut reader), b"content of a");
    assert!(matches!(reader.verify(entry.crc, entry.size), Err(ArchiveError::Checksum { .. })));

    let cut = &bytes[..35];
    assert_eq!(
        kinds(cut),
        [AnomalyKind::OnlyLocal, AnomalyKind::NoDirectory, AnomalyKind::Truncated]
    );
    assert_eq!(
        Archive::read(b"nothing of the kind", &limits).unwrap_err(),
        ArchiveError::NotThisFormat("zip")
    );
}

#[test]
fn entries_over_the_limit() {
    let limits = Limits { entries: 2, ..Limits::default() };
    let bytes = zip(&[a(), stored("b", b""), stored("c", b"")]);
    let archive = Archive::read(&bytes, &limits).unwrap();
    assert_eq!(archive.entries.len(), 2);
    assert!(archive.anomalies.iter().any(|anomaly| anomaly.kind == AnomalyKind::TooManyEntries));
}

/// A flood of one kind is counted, not kept.
#[test]
fn many_anomalies_of_a_kind_are_counted() {
    let parts = vec![a().both(|both| both.flags = 0x20); 1_500];
    let bytes = zip(&parts);
    let archive = Archive::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(archive.entries.len(), 1_500);
    let flags: Vec<_> =
        archive.anomalies.iter().filter(|anomaly| anomaly.kind == AnomalyKind::Flags).collect();
    assert_eq!(flags.len(), 1_001);
    assert!(flags.iter().any(|anomaly| anomaly.message == "500 more of this kind"));
}
