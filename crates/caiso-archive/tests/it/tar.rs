//! Archives of Python's `tarfile`, and headers changed by hand.

use caiso_archive::tar::{AnomalyKind, Archive, EntryKind, detect};
use caiso_archive::{ArchiveError, Limits};

use crate::support::{WRITE, chunks, python};

const SCRIPT: &str = r#"
import io, tarfile
def add(t, name, data=b"", **values):
    i = tarfile.TarInfo(name); i.size = len(data)
    for k, v in values.items(): setattr(i, k, v)
    t.addfile(i, io.BytesIO(data))
for format in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as t:
        add(t, "a.txt", b"content of a")
        add(t, "empty", b"")
        add(t, "folder", type=tarfile.DIRTYPE)
        add(t, "folder/" + "long" * 30 + "/name.bin", b"x" * 1000)
        add(t, "link", type=tarfile.SYMTYPE, linkname="folder/../a.txt")
        add(t, "hard", type=tarfile.LNKTYPE, linkname="a.txt")
        if format != tarfile.USTAR_FORMAT:
            add(t, "\u00e9" * 200, b"long name")
            add(t, "l" * 101, type=tarfile.SYMTYPE, linkname="t" * 300)
    data = out.getvalue()
    w(data)
    members = tarfile.open(fileobj=io.BytesIO(data)).getmembers()
    w(str(len(members)).encode())
    for m in members:
        w(m.name.encode()); w(m.linkname.encode()); w(data[m.offset_data:m.offset_data + m.size]); w(m.type)
"#;

#[test]
fn listing_and_data_agree_with_tarfile() {
    let Some(output) = python(&format!("{WRITE}{SCRIPT}")) else { return };
    let chunks = chunks(&output);
    let mut chunks = chunks.iter();
    let mut archives = 0;
    while let Some(bytes) = chunks.next() {
        archives += 1;
        assert!(detect(bytes));
        let archive = Archive::read(bytes, &Limits::default()).unwrap();
        assert_eq!(archive.anomalies, []);
        let count: usize =
            String::from_utf8(chunks.next().unwrap().clone()).unwrap().parse().unwrap();
        assert_eq!(archive.entries.len(), count);
        for entry in &archive.entries {
            let name = entry.raw_name.strip_suffix(b"/").unwrap_or(&entry.raw_name);
            assert_eq!(name, chunks.next().unwrap());
            assert_eq!(entry.link.as_deref().unwrap_or_default(), chunks.next().unwrap());
            assert_eq!(archive.data(entry), chunks.next().unwrap());
            let letter = match entry.kind {
                EntryKind::File => b"0",
                EntryKind::HardLink => b"1",
                EntryKind::Symlink => b"2",
                EntryKind::Directory => b"5",
                other => panic!("{other:?}"),
            };
            assert_eq!(&letter[..], chunks.next().unwrap());
            assert!(!entry.after_end);
        }
    }
    assert_eq!(archives, 3);
}

/// A header with a right checksum.
fn header(name: &str, kind: u8, link: &str, size: usize) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..265].copy_from_slice(b"ustar\x0000");
    sealed(block)
}

fn sealed(mut block: Vec<u8>) -> Vec<u8> {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

fn file(name: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, b'0', "", data.len());
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn archive(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = parts.concat();
    bytes.extend([0; 1024]);
    bytes
}

fn kinds(bytes: &[u8]) -> Vec<AnomalyKind> {
    let archive = Archive::read(bytes, &Limits::default()).unwrap();
    archive.anomalies.iter().map(|anomaly| anomaly.kind).collect()
}

#[test]
fn each_anomaly_alone() {
    use AnomalyKind as Kind;
    let a = || file("a", b"content");
    let cases: Vec<(Vec<Vec<u8>>, Vec<Kind>)> = vec![
        (vec![a()], vec![]),
        (vec![file("../a", b"x")], vec![Kind::PathTraversal]),
        (vec![file("/a", b"x")], vec![Kind::PathTraversal]),
        (vec![a(), a()], vec![Kind::DuplicateName]),
        (vec![a(), file("A", b"")], vec![Kind::FoldedName]),
        (vec![header("l", b'2', "../x", 0)], vec![Kind::LinkEscapes]),
        (vec![header("d/l", b'2', "../x", 0)], vec![]),
        (vec![header("d/l", b'2', "/x", 0)], vec![Kind::LinkEscapes]),
        (vec![header("d/l", b'1', "../x", 0)], vec![Kind::LinkEscapes]),
        (vec![header("l", b'2', "d", 0), file("l/a", b"x")], vec![Kind::ThroughLink]),
        (vec![header("dev", b'3', "", 0)], vec![Kind::Device]),
        (vec![header("dev", b'4', "", 0)], vec![Kind::Device]),
        (vec![header("pipe", b'6', "", 0)], vec![Kind::Device]),
        (vec![header("v", b'V', "", 0)], vec![Kind::UnknownType]),
        (vec![header("l", b'2', "a", 512), a()], vec![Kind::Sizes]),
        (vec![header("s", b'S', "", 0)], vec![Kind::Sparse]),
        (vec![a(), vec![7; 512], file("b", b"x")], vec![Kind::Checksum]),
        (
            vec![a(), file("x", b"").into_iter().map(|byte| byte ^ 1).collect()],
            vec![Kind::Checksum],
        ),
    ];
    for (index, (parts, expected)) in cases.into_iter().enumerate() {
        assert_eq!(kinds(&archive(&parts)), expected, "case {index}");
    }
}

#[test]
fn what_follows_the_end_is_listed() {
    let mut bytes = archive(&[file("a", b"content")]);
    bytes.extend(file("hidden.pkl", b"payload"));
    let found = Archive::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(kinds(&bytes), [AnomalyKind::Trailing]);
    assert!(found.entries[1].after_end);
    assert_eq!(found.data(&found.entries[1]), b"payload");

    let mut bytes = archive(&[file("a", b"content")]);
    bytes.extend(b"short");
    assert!(kinds(&bytes).contains(&AnomalyKind::Trailing));
    assert_eq!(kinds(&file("a", b"content")), [AnomalyKind::NoEnd]);
    assert_eq!(
        kinds(&file("a", b"content")[..515]),
        [AnomalyKind::Truncated, AnomalyKind::NoEnd].into_iter().collect::<Vec<_>>()
    );
}

/// The size of an extended header counts, and one that differs is reported.
#[test]
fn sizes_of_extended_headers() {
    let record = b"10 size=3\n";
    let mut extended = header("x", b'x', "", record.len());
    extended.extend(record);
    extended.resize(1024, 0);
    let bytes = archive(&[extended, file("a", b"content")]);
    assert_eq!(kinds(&bytes), [AnomalyKind::Sizes]);
    let found = Archive::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(found.data(&found.entries[0]), b"con");

    let mut damaged = header("x", b'x', "", 9);
    damaged.extend(b"99 path=a");
    damaged.resize(1024, 0);
    assert_eq!(kinds(&archive(&[damaged, file("a", b"x")])), [AnomalyKind::Field]);
}

#[test]
fn huge_sizes_do_not_wrap() {
    let mut block = header("a", b'0', "", 0);
    block[124..136].copy_from_slice(&[0x80, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    let bytes = archive(&[sealed(block)]);
    assert_eq!(kinds(&bytes), [AnomalyKind::Truncated, AnomalyKind::NoEnd]);
    assert_eq!(
        Archive::read(&[0; 1024], &Limits::default()).unwrap_err(),
        ArchiveError::NotThisFormat("tar")
    );
}
