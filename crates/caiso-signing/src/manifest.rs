use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::num::NonZeroU64;

use sha2::{Digest, Sha256};

use crate::error::shown;
use crate::{Error, HashAlgorithm};

/// What Git keeps in a model's folder, left out where nothing else is asked for.
pub const GIT_PATHS: [&str; 4] = [".git", ".gitattributes", ".github", ".gitignore"];

/// A file, or a range of its bytes, with its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Path from the model's folder with forward slashes; of a shard `path:start:end`, where `end` is
    /// the first byte that is not part of it.
    pub name: String,
    /// Digest by the manifest's algorithm.
    pub digest: Vec<u8>,
}

/// How a model's files became a list of digests; who verifies does the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serialization {
    /// Hash of each file or shard.
    pub hash: HashAlgorithm,
    /// Bytes of a shard; without it each file is hashed as a whole, which every verifier understands.
    /// The package `model-signing` 1.1.1 names the hash of shards otherwise than the specification's
    /// schema: its bundles are understood here, but it refuses those with shards that are made here.
    pub shard_size: Option<NonZeroU64>,
    /// Whether symbolic links were followed. Where not, a link in the folder is an error.
    pub allow_symlinks: bool,
    /// Paths from the model's folder that are left out, with all below them.
    pub ignore_paths: Vec<String>,
}

impl Default for Serialization {
    /// SHA-256 of whole files, no links, without what Git keeps.
    fn default() -> Self {
        Self {
            hash: HashAlgorithm::Sha256,
            shard_size: None,
            allow_symlinks: false,
            ignore_paths: GIT_PATHS.map(str::to_owned).to_vec(),
        }
    }
}

impl Serialization {
    /// Whether a path from the model's folder is left out: it is an ignored path or below one. An
    /// ignored path that is no path below the folder leaves nothing out.
    pub fn ignores(&self, name: &str) -> bool {
        self.ignore_paths.iter().any(|ignored| {
            let mut parts = name.split('/');
            check_name(ignored).is_ok()
                && ignored != "."
                && ignored.split('/').all(|part| parts.next() == Some(part))
        })
    }

    /// The method's name in a bundle.
    pub(crate) fn method(&self) -> &'static str {
        if self.shard_size.is_some() { "shards" } else { "files" }
    }
}

/// The files of a model with their digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    model_name: String,
    serialization: Serialization,
    resources: Vec<Resource>,
}

impl Manifest {
    /// Puts the resources into canonical order: by the parts of their paths, shards by their start.
    ///
    /// `model_name` is what people call the model, by custom the name of its folder; nothing depends on
    /// it.
    ///
    /// # Errors
    /// No resources, two of one name, a name that is no plain path below the folder (or `.`, for a
    /// model that is a single file), a digest of another length than the algorithm's, no model name.
    pub fn new(
        model_name: &str,
        serialization: Serialization,
        resources: Vec<Resource>,
    ) -> Result<Self, Error> {
        let manifest = Self::listed(model_name, serialization, resources)?;
        Ok(manifest.sorted())
    }

    /// Checks all, keeps the order.
    pub(crate) fn listed(
        model_name: &str,
        serialization: Serialization,
        resources: Vec<Resource>,
    ) -> Result<Self, Error> {
        if model_name.is_empty() {
            let (found, expected) = ("empty".to_owned(), "a name for the model".to_owned());
            return Err(Error::Field { place: "the model's name".to_owned(), found, expected });
        }
        if resources.is_empty() {
            return Err(Error::Empty);
        }
        let mut names = std::collections::BTreeSet::new();
        for Resource { name, digest } in &resources {
            let problem = |reason| Error::Resource { name: short(name), reason };
            let path = if serialization.shard_size.is_some() {
                shard(name).ok_or_else(|| problem("expected `path:start:end`".to_owned()))?.0
            } else {
                name
            };
            check_name(path)?;
            let size = serialization.hash.size();
            if digest.len() != size {
                let algorithm = serialization.hash;
                let found = digest.len();
                return Err(problem(format!(
                    "its digest has {found} bytes, expected {size} of {algorithm}"
                )));
            }
            if !names.insert(name) {
                return Err(problem("is listed twice".to_owned()));
            }
        }
        Ok(Self { model_name: model_name.to_owned(), serialization, resources })
    }

    pub(crate) fn sorted(mut self) -> Self {
        let shards = self.serialization.shard_size.is_some();
        self.resources.sort_by(|a, b| order(&a.name, &b.name, shards));
        self
    }

    /// The model's name.
    pub fn model_name(&self) -> &str {
        &self.model_name
    }

    /// How the files were hashed and which were left out.
    pub fn serialization(&self) -> &Serialization {
        &self.serialization
    }

    /// All resources.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// SHA-256 over all digests one after the other, the digest of the model as a whole.
    pub fn root_digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for resource in &self.resources {
            hash.update(&resource.digest);
        }
        hash.finalize().into()
    }

    /// What differs in the resources found, which the caller hashed as [`Manifest::serialization`] says.
    pub fn compare(&self, found: &[Resource]) -> Differences {
        let mut differences = Differences::default();
        let mut found: BTreeMap<&str, &[u8]> = by_name(found).collect();
        for (name, digest) in by_name(&self.resources).collect::<BTreeMap<_, _>>() {
            match found.remove(name) {
                None => differences.missing.push(name.to_owned()),
                Some(other) if other != digest => differences.changed.push(name.to_owned()),
                Some(_) => {}
            }
        }
        differences.added = found.into_keys().map(str::to_owned).collect();
        differences
    }
}

/// Names of resources that are not as signed, each list sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Signed, not found.
    pub missing: Vec<String>,
    /// Found, not signed.
    pub added: Vec<String>,
    /// Found with another digest.
    pub changed: Vec<String>,
}

impl Differences {
    /// Whether all is as signed.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.added.is_empty() && self.changed.is_empty()
    }
}

fn by_name(resources: &[Resource]) -> impl Iterator<Item = (&str, &[u8])> {
    resources.iter().map(|resource| (resource.name.as_str(), resource.digest.as_slice()))
}

/// A plain path below the folder, or `.` for the model itself.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let parts = || name.split('/');
    let reason = if name == "." {
        return Ok(());
    } else if name.is_empty() {
        "the name is empty, expected a path"
    } else if name.contains('\0') {
        "the name holds a NUL"
    } else if name.starts_with('/') {
        "the path is absolute, expected one from the model's folder"
    } else if parts().any(|part| part == "..") {
        "the path leaves the model's folder"
    } else if parts().any(|part| part.is_empty() || part == ".") {
        "the path has empty or `.` parts, expected none"
    } else {
        return Ok(());
    };
    Err(Error::Resource { name: short(name), reason: reason.to_owned() })
}

/// Path, start and end in a shard's name.
fn shard(name: &str) -> Option<(&str, u64, u64)> {
    let mut parts = name.rsplitn(3, ':');
    let end: u64 = parts.next()?.parse().ok()?;
    let start: u64 = parts.next()?.parse().ok()?;
    let path = parts.next()?;
    // Only one way to write a number, or one range would have many names.
    (start < end && name == format!("{path}:{start}:{end}")).then_some((path, start, end))
}

fn order(a: &str, b: &str, shards: bool) -> Ordering {
    let key = |name| match shard(name).filter(|_| shards) {
        Some((path, start, end)) => (path, start, end),
        None => (name, 0, 0),
    };
    let ((a, a_start, a_end), (b, b_start, b_end)) = (key(a), key(b));
    a.split('/').cmp(b.split('/')).then((a_start, a_end).cmp(&(b_start, b_end)))
}

fn short(name: &str) -> String {
    shown(name).trim_matches('"').to_owned()
}
