//! The files that models keep their tensors in: raw bytes without any mark of their own.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use caiso_modelfile::{DataFile, Found, Tree};

use crate::run::formats;
use crate::{FileResult, Target, Verdict};

/// The files that a model keeps tensors in, as they are found beside it.
pub(crate) fn beside(tree: &Tree, model: &Path) -> Vec<DataFile> {
    let (Some(folder), Some(name)) = (model.parent(), model.file_name()) else { return Vec::new() };
    let found = |file: &str| {
        let path = folder.join(file);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => match fs::canonicalize(&path) {
                // A snapshot of a Hugging Face cache links to the blobs beside it.
                Ok(target) if is_blob(&target) || is_inside(&target, folder) => Found::File,
                Ok(target) => Found::Link(target.display().to_string()),
                Err(_) => Found::Nothing,
            },
            Ok(metadata) if metadata.is_file() && links(&metadata) > 1 => Found::HardLink,
            Ok(metadata) if metadata.is_file() => Found::File,
            _ => Found::Nothing,
        }
    };
    let files = tree.data_files(&name.to_string_lossy());
    files.into_iter().map(|name| DataFile { found: found(&name), name }).collect()
}

fn is_inside(target: &Path, folder: &Path) -> bool {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    fs::canonicalize(folder).is_ok_and(|folder| target.starts_with(folder))
}

fn is_blob(path: &Path) -> bool {
    path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "blobs")
}

#[cfg(unix)]
fn links(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

#[cfg(not(unix))]
fn links(_: &fs::Metadata) -> u64 {
    1
}

/// A content of unknown format is known if a model of the same scan keeps its tensors there.
pub(crate) fn know_data_files(targets: &[Target], results: &mut [FileResult]) {
    let mut known: HashSet<PathBuf> = HashSet::new();
    for (target, result) in targets.iter().zip(results.iter()) {
        let (Some(folder), Some(name)) = (target.path.parent(), target.path.file_name()) else {
            continue;
        };
        let files = result.tree.data_files(&name.to_string_lossy());
        known.extend(files.iter().map(|file| folder.join(file)));
    }
    for (target, result) in targets.iter().zip(results.iter_mut()) {
        let unknown = result.formats.is_empty() && result.size > 0;
        if unknown && known.contains(&target.path) {
            result.tree.is_data_of_a_model();
            result.formats = formats(&result.tree);
            result.not_inspected.clear();
            if result.verdict == Verdict::Incomplete {
                result.verdict = Verdict::Clean;
            }
        }
    }
}
