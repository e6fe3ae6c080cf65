//! Every group and data set of an HDF5 file.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use hdf5_reader::error::{Error, Result};
use hdf5_reader::group::Group;
use hdf5_reader::local_heap::LocalHeap;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::external_files::ExternalFilesMessage;
use hdf5_reader::storage::DynStorage;
use hdf5_reader::{Attribute, Dataset, Datatype, ExternalLinkResolver, Hdf5File, OpenOptions};

use super::{Hdf5, Outside};
use crate::document::{cut, shown};

/// Most groups and data sets that are looked at.
const MAX_OBJECTS: usize = 50_000;
/// Most data sets whose shapes are kept.
const MAX_SHAPES: usize = 500;
/// Most entries of a list of facts.
const MAX_LISTED: usize = 1_000;
/// Most bytes of attributes that are handed on.
const MAX_PARTS: usize = 64 << 20;

/// What a walk gives.
#[derive(Default)]
pub(super) struct Found {
    pub(super) facts: Hdf5,
    /// Attributes that could be something of their own.
    pub(super) parts: Vec<(String, Vec<u8>)>,
    pub(super) gaps: Vec<String>,
    pub(super) keras: bool,
    /// Why even the root cannot be read.
    pub(super) failed: Option<String>,
    part_bytes: usize,
}

/// Follows no link, and remembers where they lead.
#[derive(Default)]
struct Links(Mutex<Vec<String>>);

impl ExternalLinkResolver for Links {
    fn resolve_external_link(&self, filename: &str) -> Result<Option<Hdf5File>> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if files.len() < MAX_LISTED {
            files.push(filename.to_owned());
        }
        Ok(None)
    }
}

impl Links {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Walks the file of this storage.
pub(super) fn walk(storage: DynStorage) -> Found {
    let mut found = Found::default();
    if let Err(error) = found.file(storage) {
        found.failed = Some(shown(&error.to_string()));
    }
    found
}

impl Found {
    fn file(&mut self, storage: DynStorage) -> Result<()> {
        let links = Arc::new(Links::default());
        let options = OpenOptions {
            max_chunk_bytes: 1 << 20,
            max_read_bytes: 16 << 20,
            max_object_header_bytes: 64 << 20,
            external_link_resolver: Some(Arc::clone(&links) as Arc<dyn ExternalLinkResolver>),
            ..OpenOptions::default()
        };
        let file = Hdf5File::from_storage_with_options(storage, options)?;
        let root = file.root_group()?;
        let mut seen = BTreeSet::from([root.address()]);
        // Whatever goes wrong with the root, its attributes are still worth reading.
        self.attributes("", &root.attributes()?);
        let mut open = vec![(String::new(), root)];
        while let Some((path, group)) = open.pop() {
            if seen.len() > MAX_OBJECTS {
                self.gaps.push(format!("there are more than {MAX_OBJECTS} groups and data sets"));
                break;
            }
            self.group(&file, &path, &group, &mut seen, &mut open);
            for name in links.take() {
                if self.facts.external_links.len() < MAX_LISTED {
                    let at = if path.is_empty() { "/".to_owned() } else { path.clone() };
                    self.facts.external_links.push(Outside { at, file: shown(&name) });
                }
            }
        }
        self.facts.external_links.sort();
        self.facts.external_links.dedup();
        self.facts.shapes.sort();
        Ok(())
    }

    fn group(
        &mut self,
        file: &Hdf5File,
        path: &str,
        group: &Group,
        seen: &mut BTreeSet<u64>,
        open: &mut Vec<(String, Group)>,
    ) {
        let below = |name: &str| format!("{path}/{}", cut(&shown(name), 200));
        let (groups, datasets) = match group.members() {
            Ok(members) => members,
            Err(error) => {
                let error = text(&error);
                // The library reads no virtual data sets and says so by the number of their layout.
                if error.contains("layout class 3")
                    && self.facts.virtual_datasets.len() < MAX_LISTED
                {
                    let name = error.split('\'').nth(1).unwrap_or_default();
                    self.facts.virtual_datasets.push(below(name));
                }
                self.gaps.push(format!("what `{path}/` holds cannot be read: {error}"));
                // A data set of a kind that the library does not know hides its neighbours from it.
                let names = group.member_names().unwrap_or_default();
                let groups = names.0.iter().filter_map(|name| group.group(name).ok());
                let datasets = names.1.iter().filter_map(|name| group.dataset(name).ok());
                (groups.collect(), datasets.collect())
            }
        };
        for dataset in datasets {
            if seen.insert(dataset.address()) {
                let path = below(dataset.name().rsplit('/').next().unwrap_or_default());
                self.dataset(file, &path, &dataset);
            }
        }
        for child in groups {
            if seen.insert(child.address()) {
                let path = below(child.name().rsplit('/').next().unwrap_or_default());
                match child.attributes() {
                    Ok(attributes) => self.attributes(&path, &attributes),
                    Err(error) => self.gaps.push(format!(
                        "the attributes of `{path}` cannot be read: {}",
                        text(&error)
                    )),
                }
                open.push((path, child));
            }
        }
    }

    fn dataset(&mut self, file: &Hdf5File, path: &str, dataset: &Dataset) {
        let facts = &mut self.facts;
        facts.datasets = facts.datasets.saturating_add(1);
        let count = dataset.num_elements().unwrap_or_default();
        let kind = kind(dataset.dtype());
        if matches!(dataset.dtype(), Datatype::FloatingPoint { .. }) {
            facts.parameters = facts.parameters.saturating_add(count);
        }
        let of_kind = facts.types.entry(kind).or_default();
        *of_kind = of_kind.saturating_add(count);
        if facts.shapes.len() < MAX_SHAPES {
            facts.shapes.push((path.to_owned(), format!("{:?}", dataset.shape())));
        }
        if let Ok(header) = file.get_or_parse_header(dataset.address()) {
            for message in &header.messages {
                if let HdfMessage::ExternalFiles(files) = message
                    && facts.external_data.len() < MAX_LISTED
                {
                    let outside = Outside { at: path.to_owned(), file: external(file, files) };
                    facts.external_data.push(outside);
                }
            }
        }
        self.attributes(path, &dataset.attributes());
    }

    fn attributes(&mut self, path: &str, attributes: &[Attribute]) {
        for attribute in attributes {
            let bytes = match attribute.read_strings() {
                Ok(strings) if strings.len() == 1 => {
                    strings.into_iter().next().unwrap_or_default().into_bytes()
                }
                // Names of layers and weights.
                Ok(_) => continue,
                // Bytes that are no UTF-8 are still bytes.
                Err(_) => attribute.raw_data.clone(),
            };
            let name = cut(&shown(&attribute.name), 200).into_owned();
            self.keras |= matches!(
                name.as_str(),
                "keras_version" | "model_config" | "training_config" | "layer_names"
            );
            let content = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
            if name == "PSEUDOATOM"
                && matches!(content, b"object" | b"Vobject\np0\n.")
                && self.facts.pickled.len() < MAX_LISTED
            {
                self.facts.pickled.push(path.to_owned());
            }
            if looks_like_json(content) || looks_like_pickle(content) {
                self.part_bytes = self.part_bytes.saturating_add(bytes.len());
                if self.part_bytes > MAX_PARTS {
                    self.gaps.push(format!("attributes of more than {MAX_PARTS} bytes"));
                    return;
                }
                let place = if path.is_empty() { name } else { format!("{path}@{name}") };
                self.parts.push((place, content.to_vec()));
            } else if (path.is_empty() || path == "/model_weights")
                && self.facts.attributes.len() < 100
                && let Ok(text) = std::str::from_utf8(content)
                && matches!(attribute.datatype, Datatype::String { .. } | Datatype::VarLen { .. })
            {
                self.facts.attributes.insert(name, shown(text));
            }
        }
    }
}

fn looks_like_json(bytes: &[u8]) -> bool {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{'))
}

/// PyTables keeps every attribute that HDF5 has no type for as a pickle.
fn looks_like_pickle(bytes: &[u8]) -> bool {
    let end = bytes.iter().rposition(|&byte| byte != 0).and_then(|at| bytes.get(..=at));
    match end {
        Some([0x80, 1..=5, .., b'.']) => true,
        Some([b'(' | b'c' | b']' | b'}' | b'I' | b'V' | b'S' | b'N' | b'L' | b'F', .., b'.']) => {
            bytes.contains(&b'\n') || matches!(bytes, [b'N' | b']' | b'}' | b')', b'.', ..])
        }
        _ => false,
    }
}

fn kind(datatype: &Datatype) -> String {
    match datatype {
        Datatype::FixedPoint { size, signed, .. } => {
            format!("{}int{}", if *signed { "" } else { "u" }, u32::from(*size).saturating_mul(8))
        }
        Datatype::FloatingPoint { size, .. } => {
            format!("float{}", u32::from(*size).saturating_mul(8))
        }
        Datatype::String { .. } => "string".to_owned(),
        Datatype::Compound { .. } => "compound".to_owned(),
        Datatype::Array { .. } => "array".to_owned(),
        Datatype::Enum { .. } => "enumeration".to_owned(),
        Datatype::VarLen { .. } => "variable length".to_owned(),
        Datatype::Opaque { .. } => "opaque".to_owned(),
        Datatype::Reference { .. } => "reference".to_owned(),
        Datatype::Bitfield { .. } => "bit field".to_owned(),
    }
}

/// The names of the files that hold the data of a data set.
fn external(file: &Hdf5File, files: &ExternalFilesMessage) -> String {
    let superblock = file.superblock();
    let (offsets, lengths) = (superblock.offset_size, superblock.length_size);
    let heap =
        LocalHeap::parse_at_storage(file.storage(), files.heap_address, offsets, lengths).ok();
    let names = files.slots.iter().take(8).map(|slot| {
        heap.as_ref()
            .and_then(|heap| heap.get_string_storage(slot.name_offset, file.storage()).ok())
            .unwrap_or_else(|| "a file whose name cannot be read".to_owned())
    });
    shown(&names.collect::<Vec<_>>().join(", "))
}

fn text(error: &Error) -> String {
    shown(&error.to_string())
}
