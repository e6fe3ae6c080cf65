//! GGUF: key-value pairs, a list of tensors, then their data
//! (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>).

use std::collections::HashSet;

use caiso_core::Severity::{High, Low, Medium};

use crate::Format;
use crate::cursor::{Cursor, size, slice};
use crate::description::Description;
use crate::readers::Reader;
use crate::suspicion::Suspicions;
use crate::text_signs;
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect, Scope};

mod elements;
mod value;

use value::Value;

/// Longest key or name of a tensor that the specification allows.
const LONGEST_NAME: u64 = 65_535;
/// Most axes of a tensor.
const MOST_AXES: u32 = 4;
/// Most templates that are kept, and the longest.
const MOST_TEMPLATES: usize = 64;
const LONGEST_TEMPLATE: usize = 1 << 20;

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gguf {
    pub(crate) description: Description,
    pub(crate) structure: Suspicions,
    /// Key and text of the chat templates.
    pub(crate) templates: Vec<(String, String)>,
}

pub(crate) const READER: Reader =
    Reader { claims: |artifact| artifact.bytes.starts_with(b"GGUF"), read };

#[expect(clippy::unnecessary_wraps, reason = "the shape of every reader")]
fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let mut facts = Gguf::default();
    let mut cursor = Cursor::new(artifact.bytes);
    if let Err(reason) = facts.read(artifact.bytes, &mut cursor, scope) {
        facts.structure.add(
            High,
            "header",
            format!("the header is not what the format demands ({reason}): loaders crash on such files or run on"),
        );
        let start = u64::try_from(cursor.position()).unwrap_or(0);
        scope.gap(
            Some(start..size(artifact.bytes)),
            format!("the file cannot be read on: {reason}"),
        );
    }
    Some(Reading::new(Format::Gguf, Facts::Gguf(Box::new(facts))))
}

/// The header's fields depend on the version.
struct Source<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    version: u32,
}

impl<'a> Source<'_, 'a> {
    /// A count or length: 32 bits in version 1.
    fn count(&mut self) -> Result<u64, String> {
        let count =
            if self.version == 1 { self.cursor.u32().map(u64::from) } else { self.cursor.u64() };
        count.ok_or_else(cut_off)
    }

    fn text(&mut self) -> Result<&'a [u8], String> {
        let length = self.count()?;
        let left = self.cursor.left();
        self.cursor
            .take(length)
            .ok_or_else(|| format!("a text is said to have {length} bytes, {left} are left"))
    }

    fn name(&mut self) -> Result<String, String> {
        let text = self.text()?;
        if size(text) > LONGEST_NAME {
            return Err(format!("a name has {} bytes", text.len()));
        }
        Ok(String::from_utf8_lossy(text).into_owned())
    }
}

fn cut_off() -> String {
    "it is cut off".to_owned()
}

struct Tensor {
    name: String,
    begin: u64,
    /// `None` for a type of unknown size.
    length: Option<u64>,
}

impl Gguf {
    fn read<'a>(
        &mut self,
        bytes: &'a [u8],
        cursor: &mut Cursor<'a>,
        scope: &mut Scope<'_, '_>,
    ) -> Result<(), String> {
        cursor.take(4);
        let version = cursor.u32().ok_or_else(cut_off)?;
        // A small number in the other order of bytes.
        let version = if version.trailing_zeros() >= 16 { version.swap_bytes() } else { version };
        if !(1..=3).contains(&version) {
            return Err(format!("its version is {version}, known are 1 to 3"));
        }
        let little = bytes.get(4..8) == Some(&version.to_le_bytes());
        cursor.big_endian = !little;
        self.description.fact("format version", version.to_string());
        self.description.fact("byte order", if little { "little-endian" } else { "big-endian" });
        let mut source = Source { cursor, version };
        let (tensors, pairs) = (source.count()?, source.count()?);
        // Each takes some bytes: what cannot be there need not be looked for, nor be allocated.
        let left = source.cursor.left();
        for (count, least, what) in [(tensors, 24, "tensors"), (pairs, 9, "key-value pairs")] {
            if count.checked_mul(least).is_none_or(|bytes| bytes > left) {
                return Err(format!("{count} {what} are announced in {left} bytes"));
            }
        }
        let alignment = self.pairs(&mut source, pairs)?;
        let list = self.tensors(&mut source, tensors)?;
        let position = u64::try_from(cursor.position()).unwrap_or(u64::MAX);
        // Without tensors there is no data, and files end without padding.
        let start = if list.is_empty() {
            position
        } else {
            position.checked_next_multiple_of(alignment).unwrap_or(u64::MAX)
        };
        if slice(bytes, position..start)
            .is_some_and(|padding| padding.iter().any(|byte| *byte != 0))
        {
            self.structure.add(Medium, "padding", "the padding before the tensors is not zero");
        }
        let data = slice(bytes, start..size(bytes)).unwrap_or_default();
        self.layout(list, data, alignment, scope);
        Ok(())
    }

    /// Reads the key-value pairs; the alignment.
    fn pairs(&mut self, source: &mut Source<'_, '_>, count: u64) -> Result<u64, String> {
        let mut alignment = 32;
        let mut seen = HashSet::new();
        for _ in 0..count {
            let key = source.name()?;
            let kind = source.cursor.u32().ok_or_else(cut_off)?;
            let value =
                Value::read(source, kind, 0).map_err(|reason| format!("key `{key}`: {reason}"))?;
            if value.nested {
                let message = format!(
                    "the value of `{key}` is a list of lists, which loaders refuse or misread"
                );
                self.structure.add(Medium, format!("key {key}"), message);
            }
            if key == "general.alignment" {
                match value.number {
                    Some(number) if number.is_power_of_two() && number <= 1 << 20 => {
                        alignment = number;
                    }
                    _ => {
                        let message = "the alignment is no power of two: loaders divide by it";
                        self.structure.add(High, format!("key {key}"), message);
                    }
                }
            }
            self.describe(&key, &value);
            if key.contains("chat_template") {
                for text in value.texts {
                    if text.len() > LONGEST_TEMPLATE || self.templates.len() >= MOST_TEMPLATES {
                        return Err(format!(
                            "the template `{key}` is longer than any real one, or there are too many"
                        ));
                    }
                    self.templates.push((key.clone(), text));
                }
            }
            if !seen.insert(key.clone()) {
                let message = format!(
                    "the key `{key}` is given twice: one loader takes the first, another the last"
                );
                self.structure.add(High, format!("key {key}"), message);
            }
        }
        Ok(alignment)
    }

    fn describe(&mut self, key: &str, value: &Value) {
        let Some(shown) = &value.shown else { return };
        let common = match key {
            "general.architecture" => Some("architecture"),
            "general.license" => Some("licence"),
            "general.name" => Some("name"),
            "general.author" | "general.organization" => Some("producer"),
            key if key.ends_with(".block_count") => Some("layers"),
            key if key.ends_with(".context_length") => Some("context length"),
            _ => None,
        };
        if let Some(common) = common {
            self.description.fact(common, shown);
        }
        if !key.contains("chat_template") {
            if let Some(sign) = text_signs::look(shown) {
                let message = format!("the metadata `{key}` {}", sign.message);
                self.structure.add(sign.severity, format!("metadata {key}"), message);
            }
            self.description.fact(&format!("metadata {key}"), shown);
        }
    }

    fn tensors(&mut self, source: &mut Source<'_, '_>, count: u64) -> Result<Vec<Tensor>, String> {
        let mut list = Vec::new();
        let mut seen = HashSet::new();
        for _ in 0..count {
            let name = source.name()?;
            let what = format!("tensor {name}");
            let axes = source.cursor.u32().ok_or_else(cut_off)?;
            if axes > MOST_AXES {
                return Err(format!(
                    "the tensor `{name}` has {axes} axes, at most {MOST_AXES} are allowed"
                ));
            }
            let mut shape = Vec::new();
            for _ in 0..axes {
                shape.push(source.count()?);
            }
            let kind = source.cursor.u32().ok_or_else(cut_off)?;
            let begin = source.cursor.u64().ok_or_else(cut_off)?;
            let values = shape.iter().try_fold(1_u64, |product, axis| product.checked_mul(*axis));
            let element = elements::of(kind);
            self.description.tensor(
                &element.map_or_else(|| format!("type {kind}"), |element| element.name.to_owned()),
                values.unwrap_or(0),
            );
            let length = element.and_then(|element| {
                let values = values?;
                let row = shape.first().copied().unwrap_or(1);
                row.is_multiple_of(element.block).then_some(())?;
                values.checked_div(element.block)?.checked_mul(element.bytes)
            });
            match (element, length) {
                (None, _) => {
                    let message =
                        format!("the tensor `{name}` has the type {kind}, which the format lacks");
                    self.structure.add(Medium, &what, message);
                }
                (Some(element), None) => {
                    let message = format!(
                        "the shape {shape:?} of `{name}` is not one of {}: the size overflows or is no \
                         multiple of the block, and loaders reckon with a smaller one",
                        element.name
                    );
                    self.structure.add(High, &what, message);
                }
                _ => {}
            }
            if !seen.insert(name.clone()) {
                self.structure.add(High, &what, format!("the tensor `{name}` is described twice"));
            }
            list.push(Tensor { name, begin, length });
        }
        Ok(list)
    }

    fn layout(
        &mut self,
        mut list: Vec<Tensor>,
        data: &[u8],
        alignment: u64,
        scope: &mut Scope<'_, '_>,
    ) {
        list.sort_by_key(|tensor| tensor.begin);
        let (mut reached, mut before) = (0_u64, String::new());
        for Tensor { name, begin, length } in list {
            let what = format!("tensor {name}");
            if begin.checked_rem(alignment) != Some(0) {
                let message = format!("the tensor `{name}` is not aligned to {alignment} bytes");
                self.structure.add(Medium, &what, message);
            }
            let end = begin.checked_add(length.unwrap_or(0));
            let Some(end) = end.filter(|end| *end <= size(data)) else {
                let message = format!(
                    "the tensor `{name}` begins at byte {begin} of the data and ends beyond its {} bytes: \
                     the file is cut off, or a loader that does not check reads memory that is not the file's",
                    data.len()
                );
                self.structure.add(High, &what, message);
                continue;
            };
            if begin < reached {
                let message = format!("the tensors `{before}` and `{name}` share bytes");
                self.structure.add(High, &what, message);
            } else if begin.saturating_sub(reached) >= alignment {
                let message = format!(
                    "bytes before the tensor `{name}` belong to no tensor: something may be hidden there"
                );
                self.structure.add(Medium, &what, message);
                scope.part(
                    &format!("bytes before {name}"),
                    slice(data, reached..begin).unwrap_or_default(),
                    Expect::Data,
                );
            }
            if length.is_none() {
                // The end is unknown; whatever is there may belong to it.
                reached = size(data);
            } else if end >= reached {
                (reached, before) = (end, name);
            }
        }
        let padded =
            reached.checked_next_multiple_of(alignment).unwrap_or(u64::MAX).min(size(data));
        let padding = slice(data, reached..padded).unwrap_or_default();
        let rest = slice(data, padded..size(data)).unwrap_or_default();
        if padding.iter().any(|byte| *byte != 0) {
            self.structure.add(Low, "padding", "the padding behind the last tensor is not zero");
        }
        if !rest.is_empty() {
            self.structure.add(
                Medium,
                "bytes behind the last tensor",
                format!(
                    "{} bytes follow the last tensor: something may be hidden there",
                    rest.len()
                ),
            );
            scope.part("bytes behind the last tensor", rest, Expect::Data);
        }
    }
}
