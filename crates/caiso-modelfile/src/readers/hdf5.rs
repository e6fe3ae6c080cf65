//! HDF5, and Keras models in it.

mod remote;
mod walk;

use std::collections::BTreeMap;

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect, Scope};

const MAGIC: &[u8] = b"\x89HDF\r\n\x1a\n";

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hdf5 {
    /// Links to other files.
    pub(crate) external_links: Vec<Outside>,
    /// Data sets whose data lies in other files.
    pub(crate) external_data: Vec<Outside>,
    /// Data sets that are put together from others, which lie in other files as a rule.
    pub(crate) virtual_datasets: Vec<String>,
    /// Groups and data sets that hold pickled Python objects.
    pub(crate) pickled: Vec<String>,
    /// Number of data sets.
    pub(crate) datasets: u64,
    /// Values in data sets of floating-point numbers.
    pub(crate) parameters: u64,
    /// Values by element type.
    pub(crate) types: BTreeMap<String, u64>,
    /// The first data sets: path and shape.
    pub(crate) shapes: Vec<(String, String)>,
    /// Text attributes of the root and of the weights (`keras_version`, `backend`), cut.
    pub(crate) attributes: BTreeMap<String, String>,
}

/// Something that is kept in another file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Outside {
    /// Where in this file.
    pub(crate) at: String,
    /// The other file.
    pub(crate) file: String,
}

impl Hdf5 {
    /// What is worth telling about the file.
    pub(crate) fn describe(&self, facts: &mut BTreeMap<String, String>) {
        facts.insert("data sets".to_owned(), self.datasets.to_string());
        facts.insert("parameters".to_owned(), self.parameters.to_string());
        let types = self.types.iter().map(|(kind, count)| format!("{kind}: {count}"));
        facts.insert("element types".to_owned(), types.collect::<Vec<_>>().join(", "));
        let shapes = self.shapes.iter().map(|(path, shape)| format!("{path} {shape}"));
        let shapes = shapes.collect::<Vec<_>>().join(", ");
        facts.insert("shapes".to_owned(), crate::document::shown(&shapes));
        for (name, value) in &self.attributes {
            facts.insert(format!("attribute {name}"), value.clone());
        }
    }
}

pub(crate) const READER: Reader =
    Reader { claims: |artifact| start(artifact.bytes).is_some(), read };

/// Where the signature lies: at 0, or at 512 and its doubles, behind a user block.
fn start(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(MAGIC) {
        return Some(0);
    }
    let mut offset = 512_usize;
    while let Some(rest) = bytes.get(offset..) {
        if rest.starts_with(MAGIC) {
            return Some(offset);
        }
        offset = offset.checked_mul(2)?;
    }
    None
}

fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let start = start(artifact.bytes)?;
    let (before, _) = artifact.bytes.split_at_checked(start)?;
    if before.iter().any(|&byte| byte != 0) {
        scope.part("user block", before, Expect::Model);
    }
    let (found, failed) = match remote::with(artifact.bytes, walk::walk) {
        Ok(found) => (found, None),
        Err(reason) => (walk::Found::default(), Some(reason)),
    };
    let failed = failed.or(found.failed);
    for gap in found.gaps {
        scope.gap(None, gap);
    }
    for (name, bytes) in &found.parts {
        scope.part(name, bytes, Expect::Data);
    }
    if let Some(reason) = failed {
        scope.gap(None, format!("the HDF5 structure cannot be read: {reason}"));
        // The text of a configuration lies in the file as it is, whatever the structure around it.
        for (at, json) in configurations(artifact.bytes) {
            scope.part(&format!("configuration at byte {at}"), json, Expect::Data);
        }
    }
    let keras = found.keras
        || memchr::memmem::find(artifact.bytes, b"keras_version").is_some()
        || memchr::memmem::find(artifact.bytes, b"model_config").is_some();
    let format = if keras { Format::KerasHdf5 } else { Format::Hdf5 };
    Some(Reading::new(format, Facts::Hdf5(found.facts)))
}

/// Texts that look like a configuration of Keras, with their offsets.
fn configurations(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut found: Vec<(usize, &[u8])> = Vec::new();
    let mut from = 0_usize;
    while let Some(rest) = bytes.get(from..)
        && let Some(at) = memchr::memmem::find(rest, b"{\"")
        && found.len() < 16
    {
        let start = from.saturating_add(at);
        let candidate = rest.get(at..).unwrap_or_default();
        let object = object(candidate);
        if memchr::memmem::find(object, b"\"class_name\"").is_some() {
            found.push((start, object));
        }
        from = start.saturating_add(object.len().max(2));
    }
    found
}

/// The bytes of a JSON object, by its braces.
fn object(bytes: &[u8]) -> &[u8] {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate().take(16 << 20) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth = depth.saturating_add(1),
            b'}' if !quoted => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return bytes.get(..at.saturating_add(1)).unwrap_or(bytes);
                }
            }
            // Text has no such bytes.
            0..=8 => return bytes.get(..at).unwrap_or(bytes),
            _ => {}
        }
    }
    bytes.get(..16 << 20).unwrap_or(bytes)
}
