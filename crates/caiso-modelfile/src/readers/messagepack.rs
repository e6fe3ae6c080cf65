//! MessagePack, as Flax writes parameters: maps of maps of arrays
//! (<https://github.com/msgpack/msgpack/blob/master/spec.md>).

use std::collections::HashSet;

use caiso_core::Severity::{High, Low, Medium};

use crate::Format;
use crate::cursor::{Cursor, size};
use crate::description::Description;
use crate::readers::Reader;
use crate::suspicion::{Suspicions, cut};
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect, Scope};

mod item;

use item::Item;

/// Deepest nesting.
const DEEPEST: usize = 64;
/// Most values.
const MOST: u64 = 4_000_000;
/// How many values a content has to hold without a contradiction to be taken for the format.
const LOOK: u64 = 64;

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct MessagePack {
    pub(crate) description: Description,
    pub(crate) structure: Suspicions,
}

pub(crate) const READER: Reader = Reader { claims, read };

fn claims(artifact: &Artifact<'_>) -> bool {
    let first = artifact.bytes.first().copied().unwrap_or(0);
    if !matches!(first, 0x81..=0x8f | 0xde | 0xdf) {
        return false;
    }
    artifact.extension() == "msgpack" || looks_like_parameters(artifact.bytes)
}

/// A map of texts in which an array or another map is met before anything that Flax does not write.
fn looks_like_parameters(bytes: &[u8]) -> bool {
    let mut cursor = Cursor::new(bytes);
    // The values that are left in each map that is open.
    let mut open: Vec<u64> = Vec::new();
    for _ in 0..LOOK {
        let Some(item) = Item::next(&mut cursor) else { return false };
        match item {
            Item::Map(pairs) if pairs > 0 => open.push(pairs),
            Item::Extension(1, payload) => return array(payload).is_some(),
            Item::Map(_) | Item::List(_) | Item::Extension(..) => return false,
            _ => {}
        }
        let Some(left) = open.last_mut() else { return false };
        let Some(fewer) = left.checked_sub(1) else { return false };
        *left = fewer;
        let Some(Item::Text(key)) = Item::next(&mut cursor) else { return false };
        if !key.is_ascii() || key.len() > 256 || key.iter().any(u8::is_ascii_control) {
            return false;
        }
        // Maps that are done are left when their last value was read; that needs no count here, since
        // arrays come first in the trees of real models.
        if fewer == 0 && open.len() > 1 {
            open.pop();
        }
    }
    false
}

/// An array as Flax packs it.
struct Array<'a> {
    shape: Vec<u64>,
    element: &'a str,
    data: &'a [u8],
}

fn array(payload: &[u8]) -> Option<Array<'_>> {
    let mut cursor = Cursor::new(payload);
    let Item::List(3) = Item::next(&mut cursor)? else { return None };
    let (Item::List(axes) | Item::Map(axes @ 0)) = Item::next(&mut cursor)? else { return None };
    if axes > 64 {
        return None;
    }
    let mut shape = Vec::new();
    for _ in 0..axes {
        let Item::Number(axis) = Item::next(&mut cursor)? else { return None };
        shape.push(u64::try_from(axis).ok()?);
    }
    let Item::Text(element) = Item::next(&mut cursor)? else { return None };
    let Item::Bytes(data) = Item::next(&mut cursor)? else { return None };
    (cursor.left() == 0).then_some(())?;
    Some(Array { shape, element: std::str::from_utf8(element).ok()?, data })
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every reader")]
fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let mut facts = MessagePack::default();
    let mut walk = Tour { cursor: Cursor::new(artifact.bytes), values: 0 };
    if let Err(reason) = facts.value(&mut walk, "", 0, scope) {
        facts.structure.add(
            High,
            "values",
            format!("the file is not what its lengths say ({reason}): readers allocate or read beyond its end"),
        );
        let start = u64::try_from(walk.cursor.position()).unwrap_or(0);
        scope.gap(
            Some(start..size(artifact.bytes)),
            format!("the file cannot be read on: {reason}"),
        );
    } else if walk.cursor.left() > 0 {
        let rest = walk.cursor.rest();
        facts.structure.add(
            Medium,
            "bytes behind the value",
            format!("{} bytes follow the parameters: something may be hidden there", rest.len()),
        );
        scope.part("bytes behind the value", rest, Expect::Data);
    }
    Some(Reading::new(Format::MessagePack, Facts::MessagePack(Box::new(facts))))
}

struct Tour<'a> {
    cursor: Cursor<'a>,
    values: u64,
}

impl MessagePack {
    fn value(
        &mut self,
        tour: &mut Tour<'_>,
        path: &str,
        depth: usize,
        scope: &mut Scope<'_, '_>,
    ) -> Result<(), String> {
        tour.values = tour.values.saturating_add(1);
        if tour.values > MOST {
            return Err(format!("it has more than {MOST} values"));
        }
        if depth > DEEPEST {
            return Err(format!("its values are nested over {DEEPEST} deep"));
        }
        let deeper = depth.saturating_add(1);
        let left = tour.cursor.left();
        let item = Item::next(&mut tour.cursor).ok_or("a value is cut off or of no known type")?;
        match item {
            Item::List(count) | Item::Map(count) if count > left => {
                return Err(format!("{count} items are announced in {left} bytes"));
            }
            Item::List(count) => {
                for _ in 0..count {
                    self.value(tour, path, deeper, scope)?;
                }
            }
            Item::Map(count) => {
                let mut seen = HashSet::new();
                for _ in 0..count {
                    let key = match Item::next(&mut tour.cursor).ok_or("a key is cut off")? {
                        Item::Text(text) => String::from_utf8_lossy(text).into_owned(),
                        Item::Number(number) => number.to_string(),
                        _ => {
                            let message =
                                "a key is neither a text nor a number, which Flax does not write";
                            self.structure.add(Medium, format!("key in {path}"), message);
                            return Err("a key is neither a text nor a number".to_owned());
                        }
                    };
                    let separator = if path.is_empty() { "" } else { "/" };
                    let inner = cut(&format!("{path}{separator}{key}"), 500);
                    if !seen.insert(key) {
                        let message =
                            format!("`{inner}` is given twice: readers differ in which they take");
                        self.structure.add(Medium, &inner, message);
                    }
                    if depth == 0
                        && matches!(
                            Item::next(&mut tour.cursor.clone()),
                            Some(Item::Number(_) | Item::Text(_))
                        )
                    {
                        self.plain(tour, &inner);
                    } else {
                        self.value(tour, &inner, deeper, scope)?;
                    }
                }
            }
            Item::Extension(kind @ (1 | 3), payload) => self.array(path, kind, payload, scope),
            Item::Extension(2, payload) => {
                let mut cursor = Cursor::new(payload);
                let pair =
                    [Item::next(&mut cursor), Item::next(&mut cursor), Item::next(&mut cursor)];
                if !matches!(pair, [Some(Item::List(2)), Some(_), Some(_)]) || cursor.left() > 0 {
                    let message = format!("the complex number `{path}` is no pair of numbers");
                    self.structure.add(Medium, path, message);
                }
            }
            // A point in time, which the format itself defines.
            Item::Extension(-1, _) => {
                let message = format!("`{path}` is a point in time, which Flax does not write");
                self.structure.add(Low, path, message);
            }
            Item::Extension(kind, payload) => {
                self.structure.add(
                    Medium,
                    format!("extension {kind}"),
                    format!(
                        "`{path}` is an extension of the type {kind}, which Flax does not know: a reader \
                         that has a hook for it turns its bytes into an object"
                    ),
                );
                scope.part(&format!("extension {kind} at {path}"), payload, Expect::Data);
            }
            Item::Bytes(bytes) => {
                // Bytes that stand alone are no parameters; something may be packed in them.
                if bytes.len() >= 8 {
                    scope.part(&format!("bytes at {path}"), bytes, Expect::Data);
                }
            }
            Item::Text(_) | Item::Number(_) | Item::Other => {}
        }
        Ok(())
    }

    /// A number or text at the top: a trace of the training.
    fn plain(&mut self, tour: &mut Tour<'_>, name: &str) {
        tour.values = tour.values.saturating_add(1);
        match Item::next(&mut tour.cursor) {
            Some(Item::Number(number)) => self.description.fact(name, number.to_string()),
            Some(Item::Text(text)) => self.description.fact(name, String::from_utf8_lossy(text)),
            _ => {}
        }
    }

    fn array(&mut self, path: &str, kind: i8, payload: &[u8], scope: &mut Scope<'_, '_>) {
        let Some(Array { shape, element, data }) = array(payload) else {
            let message = format!("the array `{path}` is not shape, type and bytes");
            self.structure.add(Medium, path, message);
            scope.part(&format!("array {path}"), payload, Expect::Data);
            return;
        };
        let values = shape.iter().try_fold(1_u64, |product, axis| product.checked_mul(*axis));
        if kind == 1 {
            self.description.tensor(element, values.unwrap_or(0));
        }
        let Some(bits) = bits(element) else {
            let objects = element.contains('O') || element.contains("object");
            self.structure.add(
                if objects { High } else { Medium },
                path,
                format!(
                    "the array `{path}` has the type `{}`, which is none of numbers",
                    cut(element, 80)
                ),
            );
            scope.part(&format!("array {path}"), data, Expect::Data);
            return;
        };
        let expected =
            values.and_then(|values| values.checked_mul(bits)).map(|bits| bits.div_ceil(8));
        if expected != Some(size(data)) {
            self.structure.add(
                High,
                path,
                format!(
                    "the array `{path}` ({element} {shape:?}) has {} bytes, which is not its size: a reader \
                     that does not check reads memory that is not its own",
                    data.len()
                ),
            );
        }
    }
}

/// Bits of an element, by the names of NumPy and JAX.
fn bits(element: &str) -> Option<u64> {
    Some(match element {
        // JAX keeps the narrow ones a byte each.
        "int2" | "uint2" | "int4" | "uint4" | "float4_e2m1fn" | "bool" | "int8" | "uint8" => 8,
        "int16" | "uint16" | "float16" | "bfloat16" => 16,
        "int32" | "uint32" | "float32" => 32,
        "int64" | "uint64" | "float64" | "complex64" => 64,
        "complex128" => 128,
        element if element.starts_with("float8_") => 8,
        element if element.starts_with("<U") || element.starts_with("|S") => {
            let length = element.get(2..)?.parse::<u64>().ok()?;
            length.checked_mul(if element.starts_with("<U") { 32 } else { 8 })?
        }
        element if element.starts_with("datetime64") || element.starts_with("timedelta64") => 64,
        _ => return None,
    })
}
