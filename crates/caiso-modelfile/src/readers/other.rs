//! What lies beside models: programs, images, tables, text.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect};

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
    read: |artifact, _| Some(Reading::new(Format::Text, Facts::Text(notes(artifact)))),
};

/// What of a text beside a model bears on its safety.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    /// Line and kind of each secret; never the secret itself.
    pub(crate) secrets: Vec<(u64, &'static str)>,
    /// Line and text of each requirement that is not taken from the index of packages.
    pub(crate) requirements: Vec<(u64, String)>,
}

/// Most notes that are kept of a text.
const MAX_NOTES: usize = 100;

fn notes(artifact: &Artifact<'_>) -> Notes {
    let mut notes = Notes::default();
    let window = artifact.bytes.get(..TEXT_WINDOW).unwrap_or(artifact.bytes);
    let text = String::from_utf8_lossy(window);
    let name = artifact.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let requirements = name.starts_with("requirements") && artifact.extension() == "txt";
    for (line, number) in text.lines().zip(1_u64..) {
        if let Some(kind) = secret(line)
            && notes.secrets.len() < MAX_NOTES
        {
            notes.secrets.push((number, kind));
        }
        let line = line.trim();
        if requirements && from_elsewhere(line) && notes.requirements.len() < MAX_NOTES {
            notes.requirements.push((number, line.chars().take(200).collect()));
        }
    }
    notes
}

/// The forms of keys whose issuers mark them, with the number of characters that follow the mark.
const SECRETS: [(&str, usize, &str); 10] = [
    ("AKIA", 16, "an access key of Amazon Web Services"),
    ("hf_", 30, "a token of Hugging Face"),
    ("ghp_", 36, "a token of GitHub"),
    ("github_pat_", 40, "a token of GitHub"),
    ("glpat-", 20, "a token of GitLab"),
    ("xoxb-", 20, "a token of Slack"),
    ("sk-ant-", 40, "a key of Anthropic"),
    ("sk-proj-", 40, "a key of OpenAI"),
    ("AIza", 35, "a key of Google"),
    ("npm_", 36, "a token of npm"),
];

fn secret(line: &str) -> Option<&'static str> {
    if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    SECRETS.iter().find_map(|(mark, count, kind)| {
        let (_, rest) = line.split_once(mark)?;
        let body =
            rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte));
        (body.count() >= *count).then_some(*kind)
    })
}

/// A requirement by an address, from another index, or from a folder.
fn from_elsewhere(line: &str) -> bool {
    let option =
        ["--index-url", "--extra-index-url", "--find-links", "-i ", "-f ", "--trusted-host"];
    !line.starts_with('#')
        && (option.iter().any(|option| line.starts_with(option))
            || line.contains("://")
            || line.starts_with("git+"))
}

/// Whether the first bytes are those of a text: readers of text formats need not search gigabytes of weights for
/// their words. UTF-16 and UTF-32 begin with a mark or with zero bytes between ASCII characters.
pub(crate) fn begins_like_text(bytes: &[u8]) -> bool {
    let window = bytes.get(..1024).unwrap_or(bytes);
    let wide = matches!(
        bytes,
        [0xff, 0xfe, ..]
            | [0xfe, 0xff, ..]
            | [1..=0x7f, 0, 1..=0x7f, 0, ..]
            | [0, 1..=0x7f, 0, 1..=0x7f, ..]
            | [0, 0, 0xfe, 0xff, ..]
    );
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    wide || !window.iter().any(control)
}

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
