//! The files of a model with their digests, as a signature lists them.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use caiso_signing::{FileHasher, Resource, Serialization};

/// Why the files of a model could not be hashed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResourcesError {
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A link, device or pipe in the folder, or a name that a signature cannot hold.
    #[error("{} {reason}", path.display())]
    Refused {
        /// The path.
        path: PathBuf,
        /// What it is and what to do.
        reason: &'static str,
    },
    /// A name or digest that a manifest cannot hold.
    #[error(transparent)]
    Signing(#[from] caiso_signing::Error),
}

/// Hashes every file of a model, a file or a folder, as `serialization` says. `left_out` are files that no
/// signature covers: the signature itself. `hashed` is told the bytes as they are hashed.
pub fn resources(
    model: &Path,
    serialization: &Serialization,
    left_out: &[PathBuf],
    hashed: &dyn Fn(u64),
) -> Result<Vec<Resource>, ResourcesError> {
    let left_out: Vec<PathBuf> =
        left_out.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    let walk = Walk { serialization, left_out, hashed };
    let mut found = Vec::new();
    let metadata = fs::metadata(model)
        .map_err(|source| ResourcesError::Unreadable { path: model.to_owned(), source })?;
    if metadata.is_dir() {
        walk.folder(model, "", &mut found)?;
    } else {
        walk.file(model, ".", &mut found)?;
    }
    Ok(found)
}

struct Walk<'w> {
    serialization: &'w Serialization,
    left_out: Vec<PathBuf>,
    hashed: &'w dyn Fn(u64),
}

impl Walk<'_> {
    fn folder(
        &self,
        folder: &Path,
        prefix: &str,
        found: &mut Vec<Resource>,
    ) -> Result<(), ResourcesError> {
        let unreadable = |source| ResourcesError::Unreadable { path: folder.to_owned(), source };
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            let refused = |reason| ResourcesError::Refused { path: path.clone(), reason };
            let file_name = entry.file_name();
            let Some(name) = file_name.to_str() else {
                return Err(refused(
                    "has a name that is not UTF-8: rename it, a signature cannot hold it",
                ));
            };
            let name = format!("{prefix}{name}");
            if self.serialization.ignores(&name) {
                continue;
            }
            if fs::canonicalize(&path).is_ok_and(|path| self.left_out.contains(&path)) {
                continue;
            }
            let mut kind = entry.file_type().map_err(unreadable)?;
            if kind.is_symlink() {
                if !self.serialization.allow_symlinks {
                    return Err(refused(
                        "is a symbolic link: replace it by the file, ignore it, or allow links",
                    ));
                }
                kind = fs::metadata(&path).map_err(unreadable)?.file_type();
                if kind.is_dir() {
                    return Err(refused("is a link to a folder: replace it by the folder"));
                }
            }
            if kind.is_dir() {
                self.folder(&path, &format!("{name}/"), found)?;
            } else if kind.is_file() {
                self.file(&path, &name, found)?;
            } else {
                return Err(refused("is neither a file nor a folder: remove or ignore it"));
            }
        }
        Ok(())
    }

    fn file(
        &self,
        path: &Path,
        name: &str,
        found: &mut Vec<Resource>,
    ) -> Result<(), ResourcesError> {
        let unreadable = |source| ResourcesError::Unreadable { path: path.to_owned(), source };
        let mut hasher = FileHasher::new(self.serialization, name)?;
        let mut file = fs::File::open(path).map_err(unreadable)?;
        let mut buffer = vec![0; 1 << 18];
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(error)),
            };
            hasher.update(&buffer[..count]);
            (self.hashed)(count as u64);
        }
        found.extend(hasher.finish());
        Ok(())
    }
}
