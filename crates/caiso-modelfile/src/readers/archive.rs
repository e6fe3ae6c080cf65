//! Containers and compressed streams.

use std::collections::BTreeMap;
use std::ops::Range;

use caiso_archive::stream;

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect, Scope};

mod seven_zip;
mod tar;
mod zip;

pub(crate) use seven_zip::READER as SEVEN_ZIP;
pub(crate) use tar::READER as TAR;
pub(crate) use zip::READER as ZIP;

/// What a container or stream says about itself, where loaders may disagree or bytes may hide.
#[derive(Clone, Debug, Default)]
pub(crate) struct Archive {
    /// Entries, of which directories count too; 1 for a stream.
    pub(crate) entries: usize,
    /// Of a PyTorch archive: folder and key of each storage (`data/0`) to its size in bytes.
    pub(crate) storages: BTreeMap<String, u64>,
    pub(crate) oddities: Vec<Oddity>,
}

/// One thing about a container that no tool writes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Oddity {
    pub(crate) kind: OddityKind,
    /// Name of the entry, where it is about one.
    pub(crate) entry: Option<String>,
    /// What is odd, in words.
    pub(crate) message: String,
    pub(crate) range: Option<Range<usize>>,
}

/// What an oddity is about, and so which check judges it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OddityKind {
    /// Loaders read different names or contents.
    Views,
    /// Loaders differ in something that does not change what is read.
    Headers,
    /// Unpacking writes outside of the folder.
    Escape,
    /// A link or device that stays inside, or a name that one system takes for a path.
    Link,
    /// Bytes that belong to nothing.
    Hidden,
    /// A comment, or names that fold to one.
    Remark,
    /// A checksum or size that is wrong.
    Checksum,
    /// Expands as only a decompression bomb does.
    Bomb,
}

impl Archive {
    fn add(&mut self, kind: OddityKind, entry: Option<&str>, message: impl Into<String>) {
        if self.oddities.len() < MAX_ODDITIES {
            let (entry, message) = (entry.map(str::to_owned), message.into());
            self.oddities.push(Oddity { kind, entry, message, range: None });
        }
    }
}

/// Most oddities that are kept of one archive.
const MAX_ODDITIES: usize = 256;

/// Looks at bytes of a container that belong to no entry.
fn stray(scope: &mut Scope<'_, '_>, bytes: &[u8], range: &Range<usize>) {
    if let Some(bytes) = bytes.get(range.clone()).filter(|bytes| bytes.iter().any(|&b| b != 0)) {
        scope.part(&format!("bytes {} to {}", range.start, range.end), bytes, Expect::Data);
    }
}

pub(crate) const STREAM: Reader = Reader {
    claims: |artifact| match stream::detect(artifact.bytes) {
        Some(stream::Kind::Lzma) => is_lzma(artifact),
        kind => kind.is_some(),
    },
    read: read_stream,
};

/// The old form of lzma has no mark, and weights expand by chance. Writers leave its size open, as Python's does,
/// or give it a name of its own.
fn is_lzma(artifact: &Artifact<'_>) -> bool {
    artifact.bytes.get(5..13) == Some([0xff; 8].as_slice())
        || matches!(artifact.extension().as_str(), "lzma" | "joblib" | "z")
}

fn read_stream(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let kind = stream::detect(artifact.bytes)?;
    let format = match kind {
        stream::Kind::Gzip => Format::Gzip,
        stream::Kind::Zlib => Format::Zlib,
        stream::Kind::Bzip2 => Format::Bzip2,
        stream::Kind::Zstd => Format::Zstandard,
        stream::Kind::Lz4 => Format::Lz4,
        _ => Format::Xz,
    };
    let mut archive = Archive { entries: 1, ..Archive::default() };
    match stream::open(kind, artifact.bytes, &scope.limits().archive) {
        Ok(mut stream) => {
            let name = inner_name(artifact.name);
            let packed = artifact.bytes.len();
            let stopped = scope.expand(name, packed, &mut stream, Expect::Model);
            if let Some(stopped) = stopped.filter(|stopped| stopped.bomb) {
                archive.add(OddityKind::Bomb, None, stopped.reason);
            }
            let rest = stream.rest();
            if rest.iter().any(|&byte| byte != 0) {
                let end = artifact.bytes.len();
                let range = end.saturating_sub(rest.len())..end;
                archive.add(
                    OddityKind::Hidden,
                    None,
                    format!(
                        "{} bytes follow the end of the {kind} stream",
                        rest.len(),
                        kind = kind.name()
                    ),
                );
                stray(scope, artifact.bytes, &range);
            }
            for range in stream.skipped() {
                stray(scope, artifact.bytes, range);
            }
        }
        Err(error) => {
            scope.gap(None, format!("the {} stream cannot be opened: {error}", kind.name()));
        }
    }
    Some(Reading::new(format, Facts::Archive(archive)))
}

/// The name without the extension of the compression; the name itself if there is none.
fn inner_name(name: &str) -> &str {
    let endings = [".gz", ".gzip", ".bz2", ".xz", ".lzma", ".zst", ".zstd", ".lz4", ".z"];
    let stem = endings.iter().find_map(|ending| {
        let at = name.len().checked_sub(ending.len())?;
        let (stem, tail) = name.split_at_checked(at)?;
        tail.eq_ignore_ascii_case(ending).then_some(stem)
    });
    stem.filter(|stem| !stem.is_empty()).unwrap_or(name)
}
