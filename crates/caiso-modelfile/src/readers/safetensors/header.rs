//! The header, entry by entry: what a JSON map would merge (keys given twice) stays apart.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Most tensors: about what fits the longest header.
const MOST_TENSORS: usize = 2_000_000;
/// Most entries of metadata.
const MOST_METADATA: usize = 100_000;
/// Most axes of a tensor.
const MOST_AXES: usize = 64;

#[derive(Default)]
pub(super) struct Header {
    pub(super) entries: Vec<Entry>,
    /// `None` for a value that is no text.
    pub(super) metadata: Vec<(String, Option<String>)>,
    pub(super) metadata_blocks: usize,
    pub(super) leading_space: bool,
}

pub(super) struct Entry {
    pub(super) name: String,
    pub(super) element: String,
    pub(super) shape: Vec<u64>,
    pub(super) begin: u64,
    pub(super) end: u64,
    /// Whether it has entries that the format does not know.
    pub(super) others: bool,
}

impl Header {
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut header: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        header.leading_space = text.first().is_some_and(u8::is_ascii_whitespace);
        Ok(header)
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header::default();
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                header.metadata_blocks = header.metadata_blocks.saturating_add(1);
                header.metadata.extend(map.next_value::<Metadata>()?.0);
            } else {
                let tensor = map.next_value::<Tensor>()?;
                let [begin, end] = tensor.offsets;
                let Tensor { element, shape, others, .. } = tensor;
                header.entries.push(Entry { name, element, shape, begin, end, others });
            }
            if header.entries.len() > MOST_TENSORS || header.metadata.len() > MOST_METADATA {
                return Err(A::Error::custom("more entries than any model has"));
            }
        }
        Ok(header)
    }
}

struct Metadata(Vec<(String, Option<String>)>);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Metadata;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts under `__metadata__`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    entries.push((key, map.next_value::<MaybeText>()?.0));
                    if entries.len() > MOST_METADATA {
                        return Err(A::Error::custom("more metadata than any model has"));
                    }
                }
                Ok(Metadata(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// A text, or `None` for anything else.
struct MaybeText(Option<String>);

impl<'de> Deserialize<'de> for MaybeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = MaybeText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<MaybeText, E> {
                Ok(MaybeText(Some(text.to_owned())))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_unit<E: Error>(self) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<MaybeText, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(MaybeText(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MaybeText, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(MaybeText(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[derive(Default)]
struct Tensor {
    element: String,
    shape: Vec<u64>,
    offsets: [u64; 2],
    others: bool,
}

impl<'de> Deserialize<'de> for Tensor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Tensor;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the type, shape and place of a tensor")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tensor, A::Error> {
                let mut tensor = Tensor::default();
                let mut seen = [0_u8; 3];
                while let Some(key) = map.next_key::<String>()? {
                    let field = match key.as_str() {
                        "dtype" => {
                            tensor.element = map.next_value()?;
                            0
                        }
                        "shape" => {
                            tensor.shape = map.next_value::<Axes>()?.0;
                            1
                        }
                        "data_offsets" => {
                            tensor.offsets = map.next_value()?;
                            2
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            tensor.others = true;
                            continue;
                        }
                    };
                    if let Some(seen) = seen.get_mut(field) {
                        *seen = seen.saturating_add(1);
                    }
                }
                match seen {
                    [1, 1, 1] => Ok(tensor),
                    _ => Err(A::Error::custom(
                        "a tensor without, or with several, of `dtype`, `shape` and `data_offsets`",
                    )),
                }
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

struct Axes(Vec<u64>);

impl<'de> Deserialize<'de> for Axes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = Axes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a shape")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Axes, A::Error> {
                let mut axes = Vec::new();
                while let Some(axis) = items.next_element()? {
                    axes.push(axis);
                    if axes.len() > MOST_AXES {
                        return Err(A::Error::custom("a tensor of more axes than any model has"));
                    }
                }
                Ok(Axes(axes))
            }
        }
        deserializer.deserialize_seq(Items)
    }
}
