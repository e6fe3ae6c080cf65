//! Streams written by Python and by the tools of their formats.

use std::io::Read;

use caiso_archive::stream::{Kind, detect, open};
use caiso_archive::{ArchiveError, Limits};

use crate::support::{WRITE, chunks, python, read_all};

const SCRIPT: &str = r#"
import gzip, bz2, lzma, zlib, random, io
random.seed(3)
for content in (b"", b"a", b"hello world " * 20000, random.randbytes(100000), b"\0" * 3000000,
                bytes(range(256)) * 4000, b"ab" * 500000 + b"c" * 1000, b"".join(b"%d," % (i * i) for i in range(200000))):
    w(content)
    w(gzip.compress(content))
    w(zlib.compress(content))
    w(bz2.compress(content, 1 + len(content) % 9))
    w(lzma.compress(content, check=lzma.CHECK_SHA256 if len(content) % 2 else lzma.CHECK_CRC64))
    w(lzma.compress(content, format=lzma.FORMAT_ALONE))
"#;

const KINDS: [Kind; 5] = [Kind::Gzip, Kind::Zlib, Kind::Bzip2, Kind::Xz, Kind::Lzma];

#[test]
fn python_streams_expand_to_their_content() {
    let Some(output) = python(&format!("{WRITE}{SCRIPT}")) else { return };
    let limits = Limits::default();
    let chunks = chunks(&output);
    assert_eq!(chunks.len(), 48);
    for chunk in chunks.chunks(6) {
        let (content, streams) = chunk.split_first().unwrap();
        for (kind, bytes) in KINDS.into_iter().zip(streams) {
            assert_eq!(detect(bytes), Some(kind));
            let mut stream = open(kind, bytes, &limits).unwrap();
            assert!(read_all(&mut stream) == *content, "{kind:?} of {} bytes", content.len());
            assert_eq!((stream.consumed(), stream.members()), (bytes.len(), 1), "{kind:?}");

            // What follows is not read, and is there for the caller.
            let longer = [bytes, &b"trailing"[..]].concat();
            let mut stream = open(kind, &longer, &limits).unwrap();
            assert!(read_all(&mut stream) == *content, "{kind:?}");
            assert_eq!(stream.rest(), b"trailing", "{kind:?}");
            assert_eq!(stream.consumed(), bytes.len());

            // Cut anywhere, it is an error after the bytes that could be read.
            for end in [bytes.len() - 1, bytes.len() / 2] {
                let Ok(mut stream) = open(kind, &bytes[..end], &limits) else { continue };
                let mut read = Vec::new();
                match stream.read_to_end(&mut read) {
                    Err(error) => assert!(ArchiveError::of(&error).is_some(), "{kind:?}: {error}"),
                    // The last byte of an lzma stream need not matter.
                    Ok(_) => assert!(kind == Kind::Lzma && read == *content, "{kind:?} at {end}"),
                }
                assert!(content.starts_with(&read));
                if end == bytes.len() - 1 && content.len() > 1_000_000 && kind != Kind::Bzip2 {
                    assert!(read.len() > content.len() / 2, "{kind:?}: {} bytes", read.len());
                }
            }

            // Members one after the other are one content, where the format has members.
            let mut stream = open(kind, &longer[..0], &limits);
            if let Ok(stream) = &mut stream {
                assert!(stream.read_to_end(&mut Vec::new()).is_err(), "{kind:?} of nothing");
            }
            let twice = [&bytes[..], bytes].concat();
            let mut stream = open(kind, &twice, &limits).unwrap();
            let read = read_all(&mut stream);
            if matches!(kind, Kind::Gzip | Kind::Bzip2 | Kind::Xz) {
                assert!(read == [&content[..], content].concat());
                assert_eq!((stream.consumed(), stream.members()), (twice.len(), 2));
            } else {
                assert!(read == *content);
                assert_eq!(stream.rest(), bytes);
            }
        }
    }
}

#[test]
fn gzip_headers_and_padding_are_shown() {
    let mut bytes = vec![0x1f, 0x8b, 8, 0b11110, 1, 0, 0, 0, 0, 3, 3, 0];
    bytes.extend(b"xyzname.pkl\0a comment\0\x12\x34");
    bytes.extend([3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let single = bytes.len();
    let mut twice = bytes.clone();
    twice.extend([0; 5]);
    twice.extend(&bytes);
    let mut stream = open(Kind::Gzip, &twice, &Limits::default()).unwrap();
    assert_eq!(read_all(&mut stream), b"");
    let header = &stream.gzip_headers()[1];
    assert_eq!(header.name, Some(&b"name.pkl"[..]));
    assert_eq!(header.comment, Some(&b"a comment"[..]));
    assert_eq!(header.extra, Some(&b"xyz"[..]));
    assert_eq!(header.modified, 1);
    assert_eq!(stream.skipped().to_vec(), vec![single..single + 5; 1]);
    assert_eq!(stream.consumed(), twice.len());

    let last = twice.len() - 8;
    twice[last] = 1;
    let mut stream = open(Kind::Gzip, &twice, &Limits::default()).unwrap();
    let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(matches!(ArchiveError::of(&error), Some(ArchiveError::Checksum { expected: 1, .. })));
    // The error stays.
    assert!(stream.read(&mut [0]).is_err());
}

#[test]
fn zstd_and_lz4_frames() {
    let content = b"hello 7z\n".repeat(200);
    let limits = Limits::default();
    let skippable = b"\x53\x2a\x4d\x18\x06\0\0\0hidden";
    let files: [(Kind, &[u8]); 3] = [
        (Kind::Zstd, include_bytes!("../fixtures/a.zst")),
        (Kind::Lz4, include_bytes!("../fixtures/a.lz4")),
        (Kind::Lz4, include_bytes!("../fixtures/legacy.lz4")),
    ];
    for (kind, bytes) in files {
        assert_eq!(detect(bytes), Some(kind));
        let framed = [skippable, bytes, skippable, bytes].concat();
        assert_eq!(detect(&framed), Some(kind));
        let mut stream = open(kind, &framed, &limits).unwrap();
        assert_eq!(read_all(&mut stream), content.repeat(2));
        let second = 14 + bytes.len();
        assert_eq!(stream.skipped(), [0..14, second..second + 14]);
        assert_eq!((stream.consumed(), stream.members()), (framed.len(), 2));

        let mut stream = open(kind, &bytes[..bytes.len() - 1], &limits).unwrap();
        assert!(stream.read_to_end(&mut Vec::new()).is_err(), "{kind:?} cut");
    }
    for (kind, bytes) in &files[..2] {
        let longer = [bytes, &b"trailing"[..]].concat();
        let mut stream = open(*kind, &longer, &limits).unwrap();
        assert_eq!(read_all(&mut stream), content);
        assert_eq!(stream.rest(), b"trailing");
    }
    // An empty block does not end an lz4 frame.
    let mut hiding = files[1].1.to_vec();
    hiding.splice(7..7, [0, 0, 0, 0x80]);
    let mut stream = open(Kind::Lz4, &hiding, &limits).unwrap();
    assert_eq!(read_all(&mut stream), content);
    // A damaged checksum of the content.
    let mut damaged = files[0].1.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let mut stream = open(Kind::Zstd, &damaged, &limits).unwrap();
    let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(matches!(ArchiveError::of(&error), Some(ArchiveError::Checksum { .. })));
}

#[test]
fn large_dictionaries_are_refused_before_decoding() {
    let limits = Limits { memory: 1 << 20, ..Limits::default() };
    let script = r"
import lzma
w(lzma.compress(b'x' * 100, preset=9))
w(lzma.compress(b'x' * 100, format=lzma.FORMAT_ALONE, preset=9))";
    let Some(output) = python(&format!("{WRITE}{script}")) else { return };
    let mut streams = chunks(&output);
    // A zstd frame with a window of 128 MiB and one empty block.
    streams.push(vec![0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3, 1, 0, 0]);
    for (kind, bytes) in [Kind::Xz, Kind::Lzma, Kind::Zstd].into_iter().zip(&streams) {
        assert_eq!(detect(bytes), Some(kind));
        let error = match open(kind, bytes, &limits) {
            Ok(mut stream) => stream.read(&mut [0; 10]).unwrap_err(),
            Err(error) => error.into(),
        };
        match ArchiveError::of(&error) {
            Some(ArchiveError::Memory { needed, limit, .. }) => {
                assert!(*needed >= 64 << 20, "{kind:?} {needed}");
                assert_eq!(*limit, 1 << 20);
            }
            other => panic!("{kind:?}: {other:?}"),
        }
    }
}

#[test]
fn other_bytes_are_no_stream() {
    for bytes in [
        &b""[..],
        b"x",
        b"hello world",
        b"BZh9",
        b"BZh0abcdefgh",
        b"x\x9cnot deflate at all",
        b"PK\x03\x04",
        &[0; 64],
        &[0x80, 2, b'}'],
    ] {
        assert_eq!(detect(bytes), None, "{bytes:?}");
    }
}
