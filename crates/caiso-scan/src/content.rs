//! The bytes of a file, mapped when they are many.

use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::path::Path;

use caiso_modelfile::Scratch;
use memmap2::Mmap;

/// Content up to this size is read, larger content is mapped.
const MAPPED_FROM: u64 = 1 << 20;

/// The bytes of a file or of a standard input.
#[derive(Debug)]
pub enum Content {
    /// In memory.
    Read(Vec<u8>),
    /// Mapped.
    Mapped(Mmap),
}

impl Content {
    /// The content of a regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        if size >= MAPPED_FROM {
            return map(&file).map(Self::Mapped);
        }
        // One call for a small file; what was written since is not looked at.
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        let mut filled = 0;
        while filled < bytes.len() {
            match (&file).read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(Self::Read(bytes))
    }

    /// Everything that `reader` gives: in memory, or beyond a size in a mapped temporary file without a
    /// name, which the system removes with the process.
    pub fn keep(mut reader: &mut dyn Read) -> io::Result<Self> {
        let mut bytes = Vec::new();
        Read::by_ref(&mut reader).take(MAPPED_FROM).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < MAPPED_FROM {
            return Ok(Self::Read(bytes));
        }
        let mut file = tempfile::tempfile()?;
        file.write_all(&bytes)?;
        drop(bytes);
        io::copy(reader, &mut file)?;
        file.flush()?;
        file.rewind()?;
        map(&file).map(Self::Mapped)
    }
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

#[expect(unsafe_code, reason = "the system call that maps a file cannot be made safe")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is read-only and private to this process. That nobody else truncates or
    // rewrites the file meanwhile cannot be enforced: the readers take the bytes for untrusted on every
    // access and keep no reference that depends on their value, so a rewrite gives a wrong result, and a
    // truncation ends the process by a signal. SECURITY.md says so.
    unsafe { Mmap::map(file) }
}

/// Keeps what is expanded from archives as [`Content::keep`] does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spool;

impl Scratch for Spool {
    fn keep(&self, content: &mut dyn Read) -> io::Result<Box<dyn AsRef<[u8]>>> {
        Ok(Box::new(Content::keep(content)?))
    }
}
