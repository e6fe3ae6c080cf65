use std::fmt;

use blake2::Blake2b512;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::manifest::{Resource, Serialization, check_name};

/// How the bytes of files are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// SHA-256, 32 bytes; what is used where nothing else is asked for.
    Sha256,
    /// BLAKE2b with 64 bytes.
    Blake2b,
}

impl HashAlgorithm {
    /// The name in a bundle.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Blake2b => "blake2b",
        }
    }

    /// Bytes of a digest.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Blake2b => 64,
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Blake2b].into_iter().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Clone)]
enum State {
    Sha256(Sha256),
    // Boxed: its block is twice as large.
    Blake2b(Box<Blake2b512>),
}

impl State {
    fn new(algorithm: HashAlgorithm) -> Self {
        match algorithm {
            HashAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            HashAlgorithm::Blake2b => Self::Blake2b(Box::default()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(state) => state.update(bytes),
            Self::Blake2b(state) => state.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha256(state) => state.finalize().to_vec(),
            Self::Blake2b(state) => state.finalize().to_vec(),
        }
    }
}

/// Hashes one file's bytes as they come into the resources that a manifest lists for it: one for the
/// whole file, or one for each shard.
pub struct FileHasher {
    name: String,
    algorithm: HashAlgorithm,
    shard_size: Option<u64>,
    state: State,
    /// Bytes seen, and where the current shard starts.
    position: u64,
    start: u64,
    resources: Vec<Resource>,
}

impl FileHasher {
    /// Starts a file.
    ///
    /// `name` is its path from the model's folder with forward slashes, or `.` where the model is a
    /// single file.
    ///
    /// # Errors
    /// A name that is absolute, has empty, `.` or `..` parts, or holds a NUL.
    pub fn new(serialization: &Serialization, name: &str) -> Result<Self, Error> {
        check_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            algorithm: serialization.hash,
            shard_size: serialization.shard_size.map(Into::into),
            state: State::new(serialization.hash),
            position: 0,
            start: 0,
            resources: Vec::new(),
        })
    }

    /// Takes the next bytes of the file.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while let Some(size) = self.shard_size {
            let room = size.saturating_sub(self.position.saturating_sub(self.start));
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let Some((first, rest)) = bytes.split_at_checked(room) else { break };
            self.take(first);
            bytes = rest;
            self.end_shard();
        }
        self.take(bytes);
    }

    fn take(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.position = self.position.saturating_add(length);
    }

    fn end_shard(&mut self) {
        let state = std::mem::replace(&mut self.state, State::new(self.algorithm));
        let name = format!("{}:{}:{}", self.name, self.start, self.position);
        self.resources.push(Resource { name, digest: state.finish() });
        self.start = self.position;
    }

    /// The file's resources. An empty file has none where files are cut into shards.
    pub fn finish(mut self) -> Vec<Resource> {
        if self.shard_size.is_none() {
            return vec![Resource { name: self.name, digest: self.state.finish() }];
        }
        if self.position > self.start {
            self.end_shard();
        }
        self.resources
    }
}
