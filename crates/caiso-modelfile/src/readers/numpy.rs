//! NumPy arrays (`.npy`): a header that is a Python literal, then values or, for objects, a pickle
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

use caiso_core::Severity::{High, Low, Medium};

use crate::Format;
use crate::cursor::{Cursor, size};
use crate::description::Description;
use crate::readers::Reader;
use crate::suspicion::{Suspicions, cut};
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect, Scope};

mod element;
mod literal;

use element::Element;
use literal::Literal;

/// The longest header that NumPy reads without being told to trust the file.
const LONGEST_HEADER: u64 = 10_000;
/// Most arrays that are read one behind the other.
const MOST_ARRAYS: usize = 1_000;
const MAGIC: &[u8] = b"\x93NUMPY";

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numpy {
    pub(crate) description: Description,
    pub(crate) structure: Suspicions,
}

pub(crate) const READER: Reader =
    Reader { claims: |artifact| artifact.bytes.starts_with(MAGIC), read };

#[expect(clippy::unnecessary_wraps, reason = "the shape of every reader")]
fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let mut facts = Numpy::default();
    let mut cursor = Cursor::new(artifact.bytes);
    let mut arrays = 0_usize;
    // `save` writes to an open file as often as one likes.
    while arrays < MOST_ARRAYS && cursor.rest().starts_with(MAGIC) {
        arrays = arrays.saturating_add(1);
        if let Err(reason) = facts.array(&mut cursor, scope) {
            facts.structure.add(
                Medium,
                "header",
                format!("the array cannot be read as NumPy would: {reason}"),
            );
            // Whatever it is, a loader may still take it for a pickle.
            scope.part("bytes behind the header", cursor.rest(), Expect::Data);
            let start = u64::try_from(cursor.position()).unwrap_or(u64::MAX);
            scope.gap(Some(start..size(artifact.bytes)), reason);
            cursor.take(cursor.left());
        }
    }
    if cursor.left() > 0 {
        facts.structure.add(
            Medium,
            "bytes behind the array",
            format!("{} bytes follow the array: something may be hidden there", cursor.left()),
        );
        scope.part("bytes behind the array", cursor.rest(), Expect::Data);
    }
    Some(Reading::new(Format::Numpy, Facts::Numpy(Box::new(facts))))
}

impl Numpy {
    fn array(&mut self, cursor: &mut Cursor<'_>, scope: &mut Scope<'_, '_>) -> Result<(), String> {
        let cut_off = "it is cut off in its header";
        cursor.take(size(MAGIC));
        let version = (cursor.u8().ok_or(cut_off)?, cursor.u8().ok_or(cut_off)?);
        let length = match version.0 {
            1 => u64::from(cursor.u16().ok_or(cut_off)?),
            2 | 3 => u64::from(cursor.u32().ok_or(cut_off)?),
            _ => {
                return Err(format!(
                    "its version is {}.{}, known are 1.0 to 3.0",
                    version.0, version.1
                ));
            }
        };
        self.description.fact("format version", format!("{}.{}", version.0, version.1));
        if length > LONGEST_HEADER {
            self.structure.add(
                Medium,
                "header",
                format!(
                    "the header has {length} bytes, NumPy refuses more than {LONGEST_HEADER}: evaluating a \
                     long literal can stall or crash Python"
                ),
            );
        }
        let header = cursor.take(length).ok_or(cut_off)?;
        let text = if version.0 == 3 {
            std::str::from_utf8(header).map_err(|_| "its header is not UTF-8")?.to_owned()
        } else {
            header.iter().map(|byte| char::from(*byte)).collect()
        };
        let literal = Literal::parse(&text)
            .map_err(|reason| format!("its header is not a Python literal: {reason}"))?;
        let Literal::Dict(entries) = literal else {
            return Err("its header is not a dictionary".to_owned());
        };
        let get = |key: &str| {
            let mut found = entries.iter().rev();
            found.find(|(name, _)| *name == Literal::Text(key.to_owned())).map(|(_, value)| value)
        };
        let (Some(descr), Some(Literal::Bool(fortran)), Some(Literal::Tuple(shape)), 3) =
            (get("descr"), get("fortran_order"), get("shape"), entries.len())
        else {
            return Err("its header is not made of `descr`, `fortran_order` and `shape`".to_owned());
        };
        let axes: Option<Vec<u64>> = shape
            .iter()
            .map(|axis| match axis {
                Literal::Int(axis) => u64::try_from(*axis).ok(),
                _ => None,
            })
            .collect();
        let axes = axes.ok_or("its shape is not made of sizes")?;
        let values = axes.iter().try_fold(1_u64, |product, axis| product.checked_mul(*axis));
        let element = Element::of(descr);
        let name = cut(&descr.to_string(), 200);
        self.description.tensor(&name, values.unwrap_or(0));
        self.description.fact("shape", format!("{axes:?}"));
        self.description.fact("order", if *fortran { "Fortran" } else { "C" });
        match element {
            Element::Objects => {
                self.structure.add(
                    Low,
                    "object array",
                    "the array holds Python objects: loading it with `allow_pickle` runs the pickle in it",
                );
                self.rest(cursor, scope, Expect::Model);
            }
            Element::Unknown => {
                self.structure.add(
                    Medium,
                    "dtype",
                    format!("the type `{name}` is none that NumPy writes: it may stand for Python objects"),
                );
                self.rest(cursor, scope, Expect::Model);
            }
            Element::Bytes(width) => {
                let length = values.and_then(|values| values.checked_mul(width));
                let left = cursor.left();
                if length.and_then(|length| cursor.take(length)).is_none() {
                    let length =
                        length.map_or("more than 2^64".to_owned(), |length| length.to_string());
                    self.structure.add(
                        High,
                        "size",
                        format!(
                            "the array is said to have {length} bytes, {left} are there: a loader that does \
                             not check allocates or reads beyond the file"
                        ),
                    );
                    return Err("its data is shorter than its shape demands".to_owned());
                }
            }
        }
        Ok(())
    }

    /// Hands on everything behind the header.
    fn rest(&mut self, cursor: &mut Cursor<'_>, scope: &mut Scope<'_, '_>, expect: Expect) {
        let rest = cursor.rest();
        if rest.is_empty() {
            self.structure.add(Low, "object array", "the array of objects has no content");
        }
        scope.part("objects", rest, expect);
        cursor.take(size(rest));
    }
}
