//! Safetensors: a header of JSON, then the tensors end to end
//! (<https://github.com/safetensors/safetensors#format>). Only the header is read.

use std::collections::HashSet;

use caiso_core::Severity::{High, Low, Medium};

use crate::Format;
use crate::cursor::{Cursor, size, slice};
use crate::description::Description;
use crate::readers::Reader;
use crate::readers::other::is_executable;
use crate::suspicion::Suspicions;
use crate::text_signs;
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect, Scope};

mod header;

use header::{Entry, Header};

/// The longest header that the reference implementation reads.
const LONGEST_HEADER: u64 = 100_000_000;
/// Most bytes between tensors that are handed on as parts.
const MOST_HOLES: usize = 16;

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Safetensors {
    pub(crate) description: Description,
    /// Where the header does not describe the file.
    pub(crate) structure: Suspicions,
    /// What the metadata carries.
    pub(crate) metadata: Suspicions,
}

pub(crate) const READER: Reader = Reader { claims, read };

/// A length, and an object of JSON behind it.
fn claims(artifact: &Artifact<'_>) -> bool {
    let Some((length, rest)) = artifact.bytes.split_first_chunk::<8>() else { return false };
    let length = u64::from_le_bytes(*length);
    let rest = rest.get(..64).unwrap_or(rest).trim_ascii_start();
    let object = rest
        .strip_prefix(b"{")
        .is_some_and(|inside| matches!(inside.trim_ascii_start().first(), Some(b'"' | b'}')));
    // Text that begins with spaces and a brace gives a length of many digits.
    object && (length <= 1 << 40 || artifact.extension() == "safetensors")
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every reader")]
fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let mut facts = Safetensors::default();
    if let Err(reason) = facts.read(artifact.bytes, scope) {
        scope.gap(None, reason);
    }
    Some(Reading::new(Format::Safetensors, Facts::Safetensors(Box::new(facts))))
}

impl Safetensors {
    fn read(&mut self, bytes: &[u8], scope: &mut Scope<'_, '_>) -> Result<(), String> {
        let mut cursor = Cursor::new(bytes);
        let length = cursor.u64().unwrap_or(0);
        if length > LONGEST_HEADER {
            self.structure.add(
                High,
                "header",
                format!(
                    "the header is said to have {length} bytes; loaders that allocate so much before they \
                     look stall or fall over, the reference refuses over {LONGEST_HEADER}"
                ),
            );
            return Err(format!("its header is said to have {length} bytes, which is refused"));
        }
        let Some(text) = cursor.take(length) else {
            self.structure.add(
                High,
                "header",
                format!(
                    "the header is said to have {length} bytes, {} are there: the file is cut off or \
                     made to make a loader read beyond its end",
                    cursor.left()
                ),
            );
            return Err("its header is longer than the file".to_owned());
        };
        let data = cursor.rest();
        let header = match Header::parse(text) {
            Ok(header) => header,
            Err(reason) => {
                self.structure.add(
                    High,
                    "header",
                    format!("the header is not what the format demands ({reason}): loaders differ in what they make of it"),
                );
                return Err(format!("its header cannot be read: {reason}"));
            }
        };
        self.describe(&header, scope);
        self.layout(&header, data, scope);
        Ok(())
    }

    fn describe(&mut self, header: &Header, scope: &mut Scope<'_, '_>) {
        let mut seen = HashSet::new();
        for key in header.entries.iter().map(|entry| &entry.name) {
            if !seen.insert(key) {
                self.structure.add(
                    High,
                    format!("tensor {key}"),
                    format!("the header describes `{key}` twice: one loader takes the first, another the last"),
                );
            }
        }
        if header.metadata_blocks > 1 {
            self.structure.add(
                High,
                "__metadata__",
                "the header has several `__metadata__`: loaders differ in which they show",
            );
        }
        if header.leading_space {
            self.structure.add(Low, "header", "the header does not begin with a brace");
        }
        let mut keys = HashSet::new();
        for (key, value) in &header.metadata {
            if !keys.insert(key) {
                let message = format!("the metadata `{key}` is given twice");
                self.structure.add(Medium, format!("metadata {key}"), message);
            }
            let Some(value) = value else {
                self.structure.add(
                    Medium,
                    format!("metadata {key}"),
                    format!("the metadata `{key}` is not a text, as the format demands"),
                );
                continue;
            };
            self.description.fact(&format!("metadata {key}"), value);
            let common = match key.as_str() {
                "format" => Some("framework"),
                "modelspec.architecture" | "architecture" => Some("architecture"),
                "modelspec.license" | "license" | "licence" => Some("licence"),
                "modelspec.implementation" | "producer" => Some("producer"),
                "modelspec.title" | "ss_output_name" | "name" => Some("name"),
                _ => None,
            };
            if let Some(common) = common {
                self.description.fact(common, value);
            }
            for text in [key, value] {
                let Some(sign) = text_signs::look(text) else { continue };
                self.metadata.add(
                    sign.severity,
                    format!("metadata {key}"),
                    format!(
                        "the metadata `{key}` {}: it does not run by itself, but whoever shows or \
                         decodes it does as its author likes",
                        sign.message
                    ),
                );
                if let Some(payload) = sign.payload {
                    scope.part(&format!("metadata {key}"), &payload, Expect::Data);
                }
            }
        }
    }

    /// Compares what the header says about the data with the data.
    fn layout(&mut self, header: &Header, data: &[u8], scope: &mut Scope<'_, '_>) {
        let end_of_file = size(data);
        let mut extents: Vec<(u64, u64, &str)> = Vec::with_capacity(header.entries.len());
        for entry in &header.entries {
            self.tensor(entry, end_of_file);
            let content = slice(data, entry.begin..entry.end.min(end_of_file)).unwrap_or_default();
            if is_executable(content) {
                scope.part(&format!("tensor {}", entry.name), content, Expect::Data);
            }
            if entry.begin <= entry.end {
                extents.push((entry.begin, entry.end, &entry.name));
            }
        }
        extents.sort_unstable();
        let (mut reached, mut before) = (0_u64, "");
        let mut holes = 0_usize;
        for (begin, end, name) in extents {
            if begin < reached {
                self.structure.add(
                    High,
                    format!("tensor {name}"),
                    format!(
                        "the tensors `{before}` and `{name}` share bytes: a change of one changes the other, \
                         and few bytes can fill much memory"
                    ),
                );
            } else if begin > reached {
                self.structure.add(
                    Medium,
                    format!("hole before tensor {name}"),
                    format!(
                        "{} bytes before the tensor `{name}` belong to no tensor: something may be hidden there",
                        begin.saturating_sub(reached)
                    ),
                );
                let hole = slice(data, reached..begin.min(end_of_file)).unwrap_or_default();
                holes = holes.saturating_add(1);
                if holes <= MOST_HOLES {
                    scope.part(&format!("bytes before {name}"), hole, Expect::Data);
                }
            }
            if end >= reached {
                (reached, before) = (end, name);
            }
        }
        if let Some(rest) = slice(data, reached..end_of_file).filter(|rest| !rest.is_empty()) {
            self.structure.add(
                Medium,
                "bytes behind the last tensor",
                format!(
                    "{} bytes follow the last tensor: the reference loader refuses the file, others load \
                     it with whatever is hidden there",
                    rest.len()
                ),
            );
            scope.part("bytes behind the last tensor", rest, Expect::Data);
        }
    }

    fn tensor(&mut self, entry: &Entry, end_of_file: u64) {
        let Entry { name, element, shape, begin, end, others } = entry;
        let what = format!("tensor {name}");
        let values = shape.iter().try_fold(1_u64, |product, axis| product.checked_mul(*axis));
        self.description.tensor(element, values.unwrap_or(0));
        if begin > end || *end > end_of_file {
            let message = format!(
                "the tensor `{name}` is said to lie at bytes {begin} to {end} of {end_of_file}: a loader \
                 that does not check reads memory that is not the file's"
            );
            self.structure.add(High, &what, message);
            return;
        }
        if *others {
            let message = format!("the description of `{name}` has entries that the format lacks");
            self.structure.add(Low, &what, message);
        }
        let Some(bits) = bits(element) else {
            let message =
                format!("the tensor `{name}` has the type `{element}`, which the format lacks");
            self.structure.add(Medium, &what, message);
            return;
        };
        let length =
            values.and_then(|values| values.checked_mul(bits)).map(|bits| (bits / 8, bits % 8));
        if length != end.checked_sub(*begin).map(|length| (length, 0)) {
            let message = format!(
                "the tensor `{name}` ({element} {shape:?}) is said to lie at bytes {begin} to {end}, which \
                 is not its size: a loader that does not check reads memory that is not its own"
            );
            self.structure.add(High, &what, message);
        }
    }
}

/// Bits of one element.
fn bits(element: &str) -> Option<u64> {
    Some(match element {
        "F4" => 4,
        "F6_E2M3" | "F6_E3M2" => 6,
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" | "F8_E4M3FNUZ"
        | "F8_E5M2FNUZ" => 8,
        "I16" | "U16" | "F16" | "BF16" => 16,
        "I32" | "U32" | "F32" => 32,
        "I64" | "U64" | "F64" | "C64" => 64,
        _ => return None,
    })
}
