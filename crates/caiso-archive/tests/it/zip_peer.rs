//! What Python's `zipfile` lists and reads of valid archives, read here too.

use caiso_archive::zip::{AnomalyKind, Archive, ChecksumReader};
use caiso_archive::{Budget, Limits};

use crate::support::{WRITE, chunks, python, read_all};

/// Archives of every method and of every way to write, each followed by what `zipfile` reads of it.
const SCRIPT: &str = r#"
import io, zipfile, random, struct
random.seed(7)
class Unseekable(io.RawIOBase):
    def __init__(self): self.b = bytearray()
    def writable(self): return True
    def write(self, d): self.b += bytes(d); return len(d)
def content(i):
    return [b"", b"x", b"abc" * 5000, random.randbytes(3000), bytes(range(256)) * 300][i % 5]
def emit(data):
    z = zipfile.ZipFile(io.BytesIO(data))
    infos = z.infolist()
    w(data); w(str(len(infos)).encode())
    for i in infos:
        w(i.filename.encode()); w(f"{i.file_size} {i.compress_size} {i.CRC} {i.compress_type}".encode()); w(z.read(i))
for method in (0, 8, 12, 14):
    for stream in (False, True):
        out = Unseekable() if stream else io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as z:
            for i in range(12):
                z.writestr(f"dir{i % 3}/entry-\u00e9{i}.bin", content(i))
            z.mkdir("dir9") if hasattr(z, "mkdir") else z.writestr("dir9/", b"")
            with z.open("zip64.bin", "w", force_zip64=True) as f: f.write(b"large" * 100)
        emit(bytes(out.b) if stream else out.getvalue())
inner = io.BytesIO()
with zipfile.ZipFile(inner, "w") as z: z.writestr("inner.txt", b"nested")
out = io.BytesIO()
with zipfile.ZipFile(out, "w") as z: z.writestr("inner.zip", inner.getvalue())
emit(out.getvalue())
out = io.BytesIO()
with zipfile.ZipFile(out, "w") as z: pass
emit(out.getvalue())
out = io.BytesIO()
with zipfile.ZipFile(out, "w") as z:
    for i in range(70000): z.writestr(str(i), b"")
data = out.getvalue()
w(data); w(b"0")
"#;

#[test]
fn listing_and_content_agree_with_zipfile() {
    let Some(output) = python(&format!("{WRITE}{SCRIPT}")) else { return };
    let chunks = chunks(&output);
    let mut chunks = chunks.iter();
    let limits = Limits::default();
    let budget = Budget::new(limits);
    let mut archives = 0;
    while let Some(bytes) = chunks.next() {
        let count: usize =
            String::from_utf8(chunks.next().unwrap().clone()).unwrap().parse().unwrap();
        let archive = Archive::read(bytes, &limits).unwrap();
        archives += 1;
        assert_eq!(archive.anomalies, [], "archive {archives}");
        if archives == 11 {
            assert_eq!(archive.entries.len(), 70_000);
            assert!(archive.directories[0].zip64);
            continue;
        }
        assert_eq!(archive.entries.len(), count);
        for entry in &archive.entries {
            assert_eq!(entry.raw_name, chunks.next().unwrap());
            let values = format!(
                "{} {} {} {}",
                entry.size,
                entry.compressed_size,
                entry.crc,
                entry.central.as_ref().unwrap().method
            );
            assert_eq!(values.as_bytes(), chunks.next().unwrap());
            let content = archive.open(entry, &limits).unwrap();
            let mut reader = ChecksumReader::new(budget.reader(content, entry.data.len() as u64));
            assert_eq!(read_all(&mut reader), *chunks.next().unwrap(), "{}", entry.name);
            assert_eq!(reader.verify(entry.crc, entry.size), Ok(()));
            assert_eq!(reader.into_inner().into_inner().unread(), b"");
            assert!(archive.open_local(entry, &limits).is_none());
        }
    }
    assert_eq!(archives, 11);
}

#[test]
fn deflate64_is_read() {
    let bytes = include_bytes!("../fixtures/deflate64.zip");
    let archive = Archive::read(bytes, &Limits::default()).unwrap();
    let content = read_all(archive.open(&archive.entries[0], &Limits::default()).unwrap());
    assert_eq!(content, b"hello 7z\n".repeat(200));
    assert_eq!(archive.anomalies, []);
}

/// A prefix moves all offsets; `zipfile` corrects that, and so does this reader.
#[test]
fn a_prefix_is_seen_and_survived() {
    let script = "
import io, zipfile
out = io.BytesIO()
with zipfile.ZipFile(out, 'w') as z: z.writestr('a', b'content')
w(b'MZ' + b'x' * 500 + out.getvalue())
out = io.BytesIO(); out.write(b'y' * 77)
with zipfile.ZipFile(out, 'a') as z: z.writestr('a', b'content')
w(out.getvalue())";
    let Some(output) = python(&format!("{WRITE}{script}")) else { return };
    for (bytes, base) in chunks(&output).iter().zip([502, 0]) {
        let archive = Archive::read(bytes, &Limits::default()).unwrap();
        assert_eq!(archive.directories[0].base, base);
        assert_eq!(archive.stored(&archive.entries[0]), Some(&b"content"[..]));
        let kinds: Vec<_> = archive.anomalies.iter().map(|anomaly| anomaly.kind).collect();
        assert_eq!(kinds, [AnomalyKind::Prefix]);
        assert_eq!(archive.anomalies[0].range, 0..if base == 0 { 77 } else { 502 });
    }
}
