//! The manifest and the files it names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use caiso_core::{Diagnostic, Located, Manifest, Subject, manifest, sha256_hex};

use crate::AssessError;

/// Name of the manifest.
pub const MANIFEST_NAME: &str = "caiso.yaml";

/// A file of the system: its bytes and digest.
#[derive(Debug)]
pub struct SystemFile {
    /// Path relative to the manifest's folder, with forward slashes.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A manifest with the files it names.
#[derive(Debug)]
pub struct LoadedSystem {
    /// The manifest.
    pub manifest: Manifest,
    /// The manifest's file as the user named it, for messages.
    pub file: String,
    /// The manifest's text, for excerpts.
    pub source: String,
    /// The manifest as a subject.
    pub subject: Subject,
    folder: PathBuf,
    files: BTreeMap<String, Arc<SystemFile>>,
}

impl LoadedSystem {
    /// Reads the manifest at `place`: a file, a folder that holds `caiso.yaml`, or with `None`
    /// the nearest `caiso.yaml` in `start` or above; and every file that it names.
    pub fn load(place: Option<&Path>, start: &Path) -> Result<Self, AssessError> {
        let path = find(place, start)?;
        let read_error = |source| AssessError::Read { path: path.clone(), source };
        let bytes = fs::read(&path).map_err(read_error)?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        let file = path.display().to_string();
        let manifest = manifest::read(&file, &bytes).map_err(AssessError::Manifest)?;
        let mut system = Self {
            subject: Subject::new("manifest", sha256_hex(&bytes)),
            source: String::from_utf8(bytes).unwrap_or_default(),
            manifest,
            file,
            folder: fs::canonicalize(&folder).map_err(read_error)?,
            files: BTreeMap::new(),
        };
        system.read_components()?;
        Ok(system)
    }

    /// The file at a path of the manifest.
    ///
    /// # Panics
    /// If the manifest does not name the path: [`Self::load`] has read all that it names.
    pub fn get(&self, path: &str) -> Arc<SystemFile> {
        Arc::clone(&self.files[&normal(path)])
    }

    /// The files of a deployment, in path order.
    pub fn deployment_files(&self, deployment: &manifest::Deployment) -> Vec<Arc<SystemFile>> {
        let below = |path: &str, place: &str| {
            let place = normal(place);
            place == "." || path == place || path.starts_with(&format!("{place}/"))
        };
        self.files
            .iter()
            .filter(|(path, _)| {
                is_configuration(path)
                    && deployment.paths.iter().any(|place| below(path, &place.value))
            })
            .map(|(_, file)| Arc::clone(file))
            .collect()
    }

    /// A problem at a place of the manifest.
    pub fn problem<T>(&self, at: &Located<T>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(&self.file, &self.source, at.line, at.column, message)
    }

    /// A problem at the first line of the manifest that has `key:` as a key.
    pub fn problem_at_key(&self, key: &str, message: impl Into<String>) -> Diagnostic {
        // The first line that begins with the key, else the first that has it at all.
        let wanted = format!("{key}:");
        let places = || {
            self.source.lines().zip(1..).filter_map(|(text, line)| {
                let (before, _) = text.split_once(&wanted)?;
                Some((before, line))
            })
        };
        let begins =
            |before: &str| before.trim_start_matches(['-', ' ', '"', '\'', '{']).is_empty();
        let found = places().find(|(before, _)| begins(before)).or_else(|| places().next());
        let (line, column) =
            found.map_or((0, 0), |(before, line)| (line, before.chars().count() as u64 + 1));
        Diagnostic::at(&self.file, &self.source, line, column, message)
    }

    fn read_components(&mut self) -> Result<(), AssessError> {
        let mut problems = Vec::new();
        let manifest = self.manifest.clone();
        let single = manifest
            .models
            .iter()
            .flat_map(|model| {
                std::iter::once(&model.path).chain(&model.signature).chain(&model.signer)
            })
            .chain(manifest.datasets.iter().map(|dataset| &dataset.path))
            .chain(manifest.endpoints.iter().filter_map(|endpoint| endpoint.tls_roots.as_ref()));
        for path in single {
            self.read_file(path, &normal(path), &mut problems);
        }
        for path in manifest.deployments.iter().flat_map(|deployment| &deployment.paths) {
            self.read_tree(path, &normal(path), &mut problems, 0);
        }
        if problems.is_empty() { Ok(()) } else { Err(AssessError::Manifest(problems)) }
    }

    fn read_file(&mut self, named: &Located<String>, path: &str, problems: &mut Vec<Diagnostic>) {
        if self.files.contains_key(path) {
            return;
        }
        match self.contained(path).and_then(|full| read_regular(&full)) {
            Ok(bytes) => {
                let file = SystemFile { path: path.to_owned(), sha256: sha256_hex(&bytes), bytes };
                self.files.insert(path.to_owned(), Arc::new(file));
            }
            Err(reason) => {
                problems.push(self.problem(named, format!("cannot read `{path}`: {reason}")));
            }
        }
    }

    fn read_tree(
        &mut self,
        named: &Located<String>,
        path: &str,
        problems: &mut Vec<Diagnostic>,
        depth: usize,
    ) {
        const MAX_DEPTH: usize = 16;
        let full = match self.contained(path) {
            Ok(full) => full,
            Err(reason) => {
                problems.push(self.problem(named, format!("cannot read `{path}`: {reason}")));
                return;
            }
        };
        if !full.is_dir() {
            return self.read_file(named, path, problems);
        }
        if depth == MAX_DEPTH {
            let message = format!("`{path}` is nested more than {MAX_DEPTH} folders deep");
            problems.push(self.problem(named, message));
            return;
        }
        let entries = fs::read_dir(&full).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                problems.push(self.problem(named, format!("cannot read `{path}`: {error}")));
                return;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let Ok(name) = entry.file_name().into_string() else {
                let message = format!("`{path}` holds a name that is not UTF-8");
                problems.push(self.problem(named, message));
                continue;
            };
            let child = if path == "." { name } else { format!("{path}/{name}") };
            if entry.path().is_dir() {
                self.read_tree(named, &child, problems, depth + 1);
            } else if is_configuration(&child) {
                self.read_file(named, &child, problems);
            }
        }
    }

    /// The real path, unless links lead out of the manifest's folder.
    fn contained(&self, path: &str) -> Result<PathBuf, String> {
        let full = fs::canonicalize(self.folder.join(path)).map_err(|error| error.to_string())?;
        if full.starts_with(&self.folder) {
            Ok(full)
        } else {
            Err("a link leads out of the manifest's folder".to_owned())
        }
    }
}

fn find(place: Option<&Path>, start: &Path) -> Result<PathBuf, AssessError> {
    if let Some(place) = place {
        if !place.is_dir() {
            return Ok(place.to_owned());
        }
        let path = place.join(MANIFEST_NAME);
        return if path.is_file() { Ok(path) } else { Err(AssessError::NoManifest(place.into())) };
    }
    start
        .ancestors()
        .map(|folder| folder.join(MANIFEST_NAME))
        .find(|path| path.is_file())
        .ok_or_else(|| AssessError::NoManifest(start.to_owned()))
}

fn read_regular(path: &Path) -> Result<Vec<u8>, String> {
    let kind = fs::metadata(path).map_err(|error| error.to_string())?;
    if !kind.is_file() {
        return Err("not a regular file".to_owned());
    }
    fs::read(path).map_err(|error| error.to_string())
}

fn is_configuration(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}

/// `./a//b/` and `a/b` are one path.
fn normal(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}
