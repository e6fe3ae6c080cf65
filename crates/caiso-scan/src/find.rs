//! What there is to scan under the paths that were named.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Something to scan.
#[derive(Debug)]
pub struct Target {
    /// The path as named, or found below a named folder.
    pub path: PathBuf,
    /// What lies there.
    pub kind: Kind,
}

/// What lies at a path.
#[derive(Debug)]
pub enum Kind {
    /// A file.
    File,
    /// A symbolic link in a folder, with the regular file it leads to, outside of what is scanned.
    Link(PathBuf),
    /// The standard input.
    StandardInput,
    /// Nothing that can be read as a file; why.
    Unreadable(String),
}

/// Why nothing could be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// A named path is not there or cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A named path is neither a file nor a folder.
    #[error("{} is {what}, expected a file or a folder", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
}

/// How deep folders may lie in folders.
const DEPTH: usize = 256;

/// Everything under the named paths, in the order of the names and, in a folder, of its paths.
///
/// A folder is walked without following links to folders; a link to a file inside the folder is left out,
/// since the file is scanned itself. What cannot be read below a folder is listed as
/// [`Kind::Unreadable`]; a named path that cannot be read is an error.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Target>, ScanError> {
    let mut targets = Vec::new();
    for path in paths {
        let unreadable = |source| ScanError::Unreadable { path: path.clone(), source };
        let metadata = fs::metadata(path).map_err(unreadable)?;
        if metadata.is_dir() {
            let root = fs::canonicalize(path).map_err(unreadable)?;
            fs::read_dir(path).map_err(unreadable)?;
            folder(path, &root, 0, &mut targets);
        } else if metadata.is_file() {
            targets.push(Target { path: path.clone(), kind: Kind::File });
        } else {
            let what = kind_of(metadata.file_type());
            return Err(ScanError::NotAFile { path: path.clone(), what });
        }
    }
    Ok(targets)
}

/// The standard input as a target.
pub fn standard_input() -> Target {
    Target { path: PathBuf::from("-"), kind: Kind::StandardInput }
}

fn folder(path: &Path, root: &Path, depth: usize, targets: &mut Vec<Target>) {
    let mut unreadable = |path: &Path, reason: String| {
        targets.push(Target { path: path.to_owned(), kind: Kind::Unreadable(reason) });
    };
    if depth > DEPTH {
        return unreadable(path, format!("lies more than {DEPTH} folders deep"));
    }
    let mut entries = match fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => return unreadable(path, format!("the folder cannot be read: {error}")),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                // Objects of version control are no models, and there are many.
                if entry.file_name() != ".git" {
                    folder(&path, root, depth.saturating_add(1), targets);
                }
                continue;
            }
            Ok(kind) if kind.is_file() => Kind::File,
            Ok(kind) if kind.is_symlink() => match link(&path, root) {
                Some(kind) => kind,
                None => continue,
            },
            Ok(kind) => Kind::Unreadable(format!("is {}, which is not opened", kind_of(kind))),
            Err(error) => Kind::Unreadable(format!("cannot be read: {error}")),
        };
        targets.push(Target { path, kind });
    }
}

/// What a symbolic link in a folder is; `None` for one that leads to something inside.
fn link(path: &Path, root: &Path) -> Option<Kind> {
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) => {
            return Some(Kind::Unreadable(format!("is a link that leads nowhere: {error}")));
        }
    };
    if target.starts_with(root) {
        return None;
    }
    Some(match fs::metadata(&target) {
        Ok(metadata) if metadata.is_file() => Kind::Link(target),
        Ok(metadata) => Kind::Unreadable(format!(
            "is a link to {} outside the folder, which is not followed",
            kind_of(metadata.file_type())
        )),
        Err(error) => Kind::Unreadable(format!("is a link that cannot be followed: {error}")),
    })
}

fn kind_of(kind: fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_block_device() || kind.is_char_device() {
            return "a device";
        }
    }
    if kind.is_dir() { "a folder" } else { "no regular file" }
}
