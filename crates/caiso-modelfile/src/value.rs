//! A compact value for JSON and UBJSON, in which a list of numbers costs eight bytes for each.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Most values of a document: numbers count as one each.
const MOST: usize = 256 << 20;
const DEPTH: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Null, true, false.
    Other,
    Number(f64),
    Text(String),
    Numbers(Vec<f64>),
    List(Vec<Value>),
    /// In the order of the document, with doublets.
    Map(Vec<(String, Value)>),
}

static NOTHING: Value = Value::Other;

impl Value {
    /// The entry of a map; the last of doublets, as most readers take it.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        let Self::Map(entries) = self else { return None };
        entries.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The value at a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> &Value {
        path.iter().try_fold(self, |value, key| value.get(key)).unwrap_or(&NOTHING)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// A whole number, also one that is written as text.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Number(number) => whole(*number),
            _ => None,
        }
    }

    /// A list of numbers; `None` for anything else.
    pub(crate) fn numbers(&self) -> Option<&[f64]> {
        match self {
            Self::Numbers(numbers) => Some(numbers),
            Self::List(list) if list.is_empty() => Some(&[]),
            _ => None,
        }
    }

    /// The items of a list that is not one of numbers.
    pub(crate) fn list(&self) -> &[Value] {
        if let Self::List(list) = self { list } else { &[] }
    }

    /// The entries of a map.
    pub(crate) fn entries(&self) -> &[(String, Value)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }
}

/// A number without a fraction.
pub(crate) fn whole(number: f64) -> Option<i64> {
    // Beyond 2^53 not every whole number is one of the type.
    let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and in range, as just checked")]
    exact.then_some(number as i64)
}

/// Collects a list, which stays one of numbers as long as it is.
#[derive(Default)]
struct Items {
    numbers: Vec<f64>,
    mixed: Vec<Value>,
}

impl Items {
    fn push(&mut self, value: Value) {
        match value {
            Value::Number(number) if self.mixed.is_empty() => self.numbers.push(number),
            value => {
                self.mixed.extend(self.numbers.drain(..).map(Value::Number));
                self.mixed.push(value);
            }
        }
    }

    fn finish(self) -> Value {
        if self.numbers.is_empty() { Value::List(self.mixed) } else { Value::Numbers(self.numbers) }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON value")
            }
            fn visit_unit<E: Error>(self) -> Result<Value, E> {
                Ok(Value::Other)
            }
            fn visit_bool<E: Error>(self, _: bool) -> Result<Value, E> {
                Ok(Value::Other)
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Number(number as f64))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
                Ok(Value::Number(number as f64))
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
                Ok(Value::Number(number))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                let mut items = Items::default();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(items.finish())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Value::Map(entries))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Reads JSON.
pub(crate) fn json(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// Reads Universal Binary JSON (<https://ubjson.org>); the value and how many bytes it takes.
pub(crate) fn ubjson(bytes: &[u8]) -> Result<(Value, usize), String> {
    let mut reader = Ubjson { rest: bytes, left: MOST };
    let value = reader.marker().and_then(|marker| reader.value(marker, 0));
    let read = bytes.len().saturating_sub(reader.rest.len());
    match value {
        Some(value) => Ok((value, read)),
        None => Err(format!("no UBJSON value, or more than is read, at byte {read}")),
    }
}

struct Ubjson<'a> {
    rest: &'a [u8],
    /// How many more values are read.
    left: usize,
}

impl Ubjson<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    /// The next type marker; `N` stands for nothing.
    fn marker(&mut self) -> Option<u8> {
        loop {
            let [marker] = self.take()?;
            if marker != b'N' {
                return Some(marker);
            }
        }
    }

    fn number(&mut self, marker: u8) -> Option<f64> {
        Some(match marker {
            b'i' => f64::from(i8::from_be_bytes(self.take()?)),
            b'U' => f64::from(u8::from_be_bytes(self.take()?)),
            b'I' => f64::from(i16::from_be_bytes(self.take()?)),
            b'l' => f64::from(i32::from_be_bytes(self.take()?)),
            b'L' => i64::from_be_bytes(self.take()?) as f64,
            b'd' => f64::from(f32::from_be_bytes(self.take()?)),
            b'D' => f64::from_be_bytes(self.take()?),
            _ => return None,
        })
    }

    /// A length, which is a number with its marker.
    fn length(&mut self) -> Option<usize> {
        let marker = self.marker()?;
        let number = self.number(marker).filter(|_| !matches!(marker, b'd' | b'D'))?;
        usize::try_from(whole(number)?).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn value(&mut self, marker: u8, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        Some(match marker {
            b'Z' | b'T' | b'F' => Value::Other,
            b'S' | b'H' => Value::Text(self.text()?),
            b'C' => Value::Text(char::from(self.take::<1>()?[0]).to_string()),
            b'[' if depth < DEPTH => self.list(depth.checked_add(1)?)?,
            b'{' if depth < DEPTH => self.map(depth.checked_add(1)?)?,
            _ => Value::Number(self.number(marker)?),
        })
    }

    /// `$` type and `#` count before the items, either of which may be missing.
    fn header(&mut self) -> Option<(Option<u8>, Option<usize>)> {
        let mut kind = None;
        if self.rest.first() == Some(&b'$') {
            kind = Some(self.take::<2>()?[1]);
        }
        let mut count = None;
        if self.rest.first() == Some(&b'#') {
            self.take::<1>()?;
            count = Some(self.length()?);
        }
        // A type without a count is not allowed, and items that take no bytes need none.
        let empty = matches!(kind, Some(b'Z' | b'T' | b'F' | b'N'));
        ((kind.is_none() || count.is_some()) && !empty).then_some((kind, count))
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        let (kind, count) = self.header()?;
        let mut items = Items::default();
        let mut index = 0_usize;
        while count.is_none_or(|count| index < count) {
            let marker = match kind {
                Some(kind) => kind,
                None => self.marker()?,
            };
            if count.is_none() && marker == b']' {
                break;
            }
            items.push(self.value(marker, depth)?);
            index = index.checked_add(1)?;
        }
        Some(items.finish())
    }

    fn map(&mut self, depth: usize) -> Option<Value> {
        let (kind, count) = self.header()?;
        let mut entries = Vec::new();
        while count.is_none_or(|count| entries.len() < count) {
            while self.rest.first() == Some(&b'N') {
                self.take::<1>()?;
            }
            if count.is_none() && self.rest.first() == Some(&b'}') {
                self.take::<1>()?;
                break;
            }
            let key = self.text()?;
            let marker = match kind {
                Some(kind) => kind,
                None => self.marker()?,
            };
            entries.push((key, self.value(marker, depth)?));
        }
        Some(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, ubjson};

    #[test]
    fn ubjson_of_each_form_is_read() {
        let bytes = b"{i\x01a[$U#i\x03\x01\x02\x03i\x01b[#i\x01Si\x01xi\x01cd\x3f\x80\0\0}rest";
        let (value, read) = ubjson(bytes).unwrap();
        assert_eq!(read, bytes.len() - 4);
        assert_eq!(value.at(&["a"]), &Value::Numbers(vec![1.0, 2.0, 3.0]));
        assert_eq!(value.at(&["b"]), &Value::List(vec![Value::Text("x".to_owned())]));
        assert_eq!(value.at(&["c"]), &Value::Number(1.0));
    }

    #[test]
    fn counts_that_nothing_backs_are_refused() {
        assert!(ubjson(b"[$U#L\x0f\xff\xff\xff\xff\xff\xff\xff").is_err());
        assert!(ubjson(b"[$Z#L\x0f\xff\xff\xff\xff\xff\xff\xff").is_err());
        assert!(ubjson(&[b'['; 1000]).is_err());
        assert!(ubjson(b"{").is_err());
    }
}
