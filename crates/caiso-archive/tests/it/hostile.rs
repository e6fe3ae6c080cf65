//! Any bytes give a value or an error, within the budget.

use std::io::{self, Read};

use caiso_archive::{Budget, Limits, seven_zip, stream, tar, zip};
use proptest::prelude::*;

use crate::support::{Part, stored, zip as archive};

const LIMITS: Limits = Limits {
    entries: 1_000,
    expanded_total: 8 << 20,
    expanded_entry: 2 << 20,
    ratio: 1_000,
    ratio_after: 1 << 20,
    memory: 1 << 20,
};

/// Reads the bytes as everything.
fn read_everything(bytes: &[u8]) {
    let budget = Budget::new(LIMITS);
    let drain = |reader: &mut dyn Read, compressed: usize| {
        let _ = io::copy(&mut budget.reader(reader, compressed as u64), &mut io::sink());
    };
    if let Ok(archive) = zip::Archive::read(bytes, &LIMITS) {
        for entry in &archive.entries {
            assert!(entry.data.end <= bytes.len());
            for content in archive
                .open(entry, &LIMITS)
                .into_iter()
                .chain(archive.open_local(entry, &LIMITS).and_then(Result::ok))
            {
                let mut content = content;
                drain(&mut content, entry.data.len());
                let _ = content.unread();
            }
        }
        for anomaly in &archive.anomalies {
            assert!(anomaly.range.start <= anomaly.range.end && anomaly.range.end <= bytes.len());
            assert!(anomaly.entry.is_none_or(|index| index < archive.entries.len()));
        }
    }
    if let Ok(archive) = tar::Archive::read(bytes, &LIMITS) {
        assert!(archive.entries.iter().all(|entry| entry.data.end <= bytes.len()));
    }
    if let Ok(archive) = seven_zip::Archive::read(bytes, &LIMITS) {
        let _ = archive.read_each(&budget, |_, reader| io::copy(reader, &mut io::sink()).map(drop));
    }
    let _ = stream::detect(bytes);
    for kind in [
        stream::Kind::Gzip,
        stream::Kind::Zlib,
        stream::Kind::Bzip2,
        stream::Kind::Xz,
        stream::Kind::Lzma,
        stream::Kind::Zstd,
        stream::Kind::Lz4,
    ] {
        if let Ok(mut stream) = stream::open(kind, bytes, &LIMITS) {
            drain(&mut stream, bytes.len());
            assert!(stream.consumed() <= bytes.len());
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let hidden = Part { central: None, ..stored("hidden", b"payload") };
    let mut seeds = vec![
        archive(&[stored("a", b"content"), hidden, stored("d/b", &[7; 300])]),
        include_bytes!("../fixtures/deflate64.zip").to_vec(),
        include_bytes!("../fixtures/lzma2.7z").to_vec(),
        include_bytes!("../fixtures/copy.7z").to_vec(),
        include_bytes!("../fixtures/deflate.7z").to_vec(),
        include_bytes!("../fixtures/a.zst").to_vec(),
        include_bytes!("../fixtures/a.lz4").to_vec(),
        include_bytes!("../fixtures/legacy.lz4").to_vec(),
    ];
    // `hello world ` 100 times, by bzip2 -9, xz, xz --format=lzma, gzip and a tar of it.
    let script = format!(
        "{}import bz2, lzma, gzip, zlib, io, tarfile, zipfile\nc = b'hello world ' * 100\n\
         w(bz2.compress(c)); w(lzma.compress(c)); w(lzma.compress(c, format=lzma.FORMAT_ALONE)); w(gzip.compress(c)); w(zlib.compress(c))\n\
         o = io.BytesIO(); t = tarfile.open(fileobj=o, mode='w', format=tarfile.PAX_FORMAT)\n\
         i = tarfile.TarInfo('\\u00e9' * 120); i.size = len(c); t.addfile(i, io.BytesIO(c)); t.close(); w(o.getvalue())\n\
         for m in (8, 12, 14):\n  o = io.BytesIO(); z = zipfile.ZipFile(o, 'w', m); z.writestr('a', c); z.close(); w(o.getvalue())",
        crate::support::WRITE
    );
    if let Some(output) = crate::support::python(&script) {
        seeds.extend(crate::support::chunks(&output));
    }
    seeds
}

#[test]
fn nothing_and_zeros_and_cuts() {
    read_everything(&[]);
    read_everything(&[0; 4096]);
    read_everything(&[0xff; 4096]);
    for seed in seeds() {
        for end in 0..seed.len().min(700) {
            read_everything(&seed[..end]);
        }
    }
}

#[test]
fn mutations_never_panic() {
    let seeds = seeds();
    let mutation = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    let strategy = (0..seeds.len(), prop::collection::vec(mutation, 1..8));
    proptest!(ProptestConfig::with_cases(3_000), |((seed, mutations) in strategy)| {
        let mut bytes = seeds[seed].clone();
        for (index, value, operation) in mutations {
            if bytes.is_empty() {
                break;
            }
            let at = index.index(bytes.len());
            match operation {
                0 => bytes[at] = value,
                1 => bytes[at] ^= 1 << (value & 7),
                2 => bytes.insert(at, value),
                _ => {
                    bytes.remove(at);
                }
            }
        }
        read_everything(&bytes);
    });
}

proptest! {
    #[test]
    fn random_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        start in prop::sample::select(vec![
            &b""[..], b"PK\x03\x04", b"PK\x05\x06", b"BZh91AY&SY", b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd",
            b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18", b"7z\xbc\xaf\x27\x1c\0\x04", b"\x5d\0\0\x10\0",
        ]),
    ) {
        read_everything(&[start, &bytes].concat());
    }
}

/// Ten million expanded bytes per compressed one, nested in each format, end at the ratio.
#[test]
fn bombs_end_early() {
    let script = format!(
        "{}import bz2, lzma, gzip\nc = bytes(4 << 20)\nw(bz2.compress(c)); w(lzma.compress(c)); w(gzip.compress(c))",
        crate::support::WRITE
    );
    let Some(output) = crate::support::python(&script) else { return };
    for bytes in crate::support::chunks(&output) {
        let budget = Budget::new(LIMITS);
        let stream = stream::open(stream::detect(&bytes).unwrap(), &bytes, &LIMITS).unwrap();
        let mut reader = budget.reader(stream, bytes.len() as u64);
        let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
        assert!(caiso_archive::ArchiveError::of(&error).is_some());
        assert!(reader.expanded() <= 2 << 20);
    }
}
