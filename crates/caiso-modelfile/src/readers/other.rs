//! What lies beside models: programs, images, tables, text.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};
use crate::walk::Expect;

const EXECUTABLES: [&[u8]; 11] = [
    b"\x7fELF",
    b"#!/",
    b"#! /",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe", // Mach-O for several processors, and Java classes
    b"\0asm",
    b"!<arch>\n",
    b"dex\n",
];

pub(crate) const EXECUTABLE: Reader = Reader {
    claims: |artifact| is_executable(artifact.bytes),
    read: |_, _| Some(Reading::new(Format::Executable, Facts::Nothing)),
};

/// Whether the content begins like a program, a library or a script.
pub(crate) fn is_executable(bytes: &[u8]) -> bool {
    EXECUTABLES.iter().any(|magic| bytes.starts_with(magic)) || is_portable_executable(bytes)
}

/// `MZ` alone occurs in weights; the offset at 0x3c has to lead to `PE`, `NE` or `LE`.
fn is_portable_executable(bytes: &[u8]) -> bool {
    let offset = || {
        let field = bytes.get(0x3c..0x40)?.first_chunk::<4>()?;
        usize::try_from(u32::from_le_bytes(*field)).ok()
    };
    bytes.starts_with(b"MZ")
        && offset().and_then(|offset| bytes.get(offset..)).is_some_and(|header| {
            [b"PE\0\0".as_slice(), b"NE", b"LE"].iter().any(|magic| header.starts_with(magic))
        })
}

const MEDIA: [&[u8]; 16] = [
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"BM6",
    b"II*\0",
    b"MM\0*",
    b"%PDF-",
    b"OggS",
    b"fLaC",
    b"ID3",
    b"PAR1",
    b"ARROW1\0\0",
    b"FEA1",
    b"SQLite format 3\0",
    b"wOF2",
];

pub(crate) const MEDIA_FILE: Reader = Reader {
    claims: |artifact| {
        let bytes = artifact.bytes;
        let riff = bytes.starts_with(b"RIFF")
            && matches!(bytes.get(8..12), Some(b"WAVE" | b"WEBP" | b"AVI "));
        riff || bytes.get(4..8) == Some(b"ftyp")
            || MEDIA.iter().any(|magic| bytes.starts_with(magic))
    },
    read: |artifact, scope| {
        let rest = after_media(artifact.bytes);
        if rest.iter().any(|&byte| byte != 0) {
            scope.part("bytes behind the image", rest, Expect::Data);
        }
        Some(Reading::new(Format::Media, Facts::Nothing))
    },
};

/// What follows the end of an image of a kind whose end is marked.
fn after_media(bytes: &[u8]) -> &[u8] {
    let mark: &[u8] = match bytes {
        [0x89, b'P', ..] => b"IEND\xaeB`\x82",
        [0xff, 0xd8, ..] => b"\xff\xd9",
        _ => return &[],
    };
    let end = memchr::memmem::find(bytes, mark).and_then(|at| at.checked_add(mark.len()));
    end.and_then(|end| bytes.get(end..)).unwrap_or_default()
}

/// How much of a content has to be text for it to count as text.
const TEXT_WINDOW: usize = 1 << 20;

pub(crate) const TEXT: Reader = Reader {
    claims: |artifact| is_text(artifact.bytes),
    read: |_, _| Some(Reading::new(Format::Text, Facts::Nothing)),
};

/// UTF-8 (or UTF-16 with its mark) without control characters other than white space.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    if bytes.is_empty() || bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return !bytes.is_empty();
    }
    let window = bytes.get(..TEXT_WINDOW).unwrap_or(bytes);
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    let valid = match std::str::from_utf8(window) {
        Ok(_) => true,
        // The window may cut a character.
        Err(error) => error.error_len().is_none() && window.len() == TEXT_WINDOW,
    };
    valid && !window.iter().any(control)
}
