//! Documents of JSON, and the same as UBJSON (draft 12, <https://ubjson.org>, as XGBoost writes it).

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Nested lists and maps; JSON has the same limit in its library.
const DEPTH: usize = 100;

/// A value. A list of nothing but numbers takes eight bytes for each; truth values are the numbers 0 and 1.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Number(f64),
    Text(String),
    Numbers(Vec<f64>),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// What is wrong with the text otherwise.
    pub(super) fn from_json(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// What is wrong with the bytes otherwise.
    pub(super) fn from_ubjson(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = Ubjson { bytes, rest: bytes };
        let value = reader.marker().and_then(|marker| reader.value(marker, 0));
        let value = value.map_err(|problem| format!("{problem} at byte {}", reader.offset()))?;
        if reader.rest.is_empty() {
            return Ok(value);
        }
        Err(format!("{} bytes follow its end at byte {}", reader.rest.len(), reader.offset()))
    }

    /// An entry of a map.
    pub(super) fn find(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.get(key)
    }

    /// The entry of a map that must be there.
    pub(super) fn get(&self, key: &str) -> Result<&Self, String> {
        self.find(key).ok_or_else(|| format!("{key:?} is missing"))
    }

    pub(super) fn text(&self, key: &str) -> Result<&str, String> {
        match self.get(key)? {
            Self::Text(text) => Ok(text),
            _ => Err(format!("{key:?} is not a text")),
        }
    }

    pub(super) fn numbers(&self, key: &str) -> Result<&[f64], String> {
        match self.get(key)? {
            Self::Numbers(numbers) => Ok(numbers),
            _ => Err(format!("{key:?} is not a list of numbers")),
        }
    }

    pub(super) fn list(&self, key: &str) -> Result<&[Self], String> {
        match self.get(key)? {
            Self::List(values) => Ok(values),
            Self::Numbers(numbers) if numbers.is_empty() => Ok(&[]),
            _ => Err(format!("{key:?} is not a list of documents")),
        }
    }

    /// Appends to a list, which turns into one of any values when the first that is no number comes.
    fn push(self, value: Self) -> Self {
        match (self, value) {
            (Self::Numbers(mut numbers), Self::Number(number)) => {
                numbers.push(number);
                Self::Numbers(numbers)
            }
            (Self::Numbers(numbers), value) => {
                let numbers = numbers.into_iter().map(Self::Number);
                Self::List(numbers.chain([value]).collect())
            }
            (Self::List(mut values), value) => {
                values.push(value);
                Self::List(values)
            }
            (other, _) => other,
        }
    }
}

/// Readers differ in which of two entries with one name they take.
fn insert(entries: &mut BTreeMap<String, Value>, key: String, value: Value) -> Result<(), String> {
    if entries.contains_key(&key) {
        return Err(format!("{key:?} occurs twice in one map"));
    }
    entries.insert(key, value);
    Ok(())
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Json)
    }
}

struct Json;

impl<'de> Visitor<'de> for Json {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Number(f64::from(u8::from(value))))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Value::Numbers(Vec::new());
        while let Some(value) = list.next_element()? {
            values = values.push(value);
        }
        Ok(values)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = map.next_entry()? {
            insert(&mut entries, key, value).map_err(serde::de::Error::custom)?;
        }
        Ok(Value::Map(entries))
    }
}

struct Ubjson<'b> {
    bytes: &'b [u8],
    rest: &'b [u8],
}

impl Ubjson<'_> {
    fn offset(&self) -> usize {
        self.bytes.len().saturating_sub(self.rest.len())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or("it is cut off")?;
        self.rest = rest;
        Ok(*taken)
    }

    /// A type; those that do nothing are passed over.
    fn marker(&mut self) -> Result<u8, String> {
        loop {
            let [marker] = self.take()?;
            if marker != b'N' {
                return Ok(marker);
            }
        }
    }

    fn value(&mut self, marker: u8, depth: usize) -> Result<Value, String> {
        if depth > DEPTH {
            return Err(format!("it is nested more than {DEPTH} levels deep"));
        }
        Ok(match marker {
            b'Z' => Value::Null,
            b'T' => Value::Number(1.0),
            b'F' => Value::Number(0.0),
            b'S' => Value::Text(self.text()?),
            b'C' => Value::Text(char::from(self.take::<1>()?[0]).to_string()),
            b'[' => self.list(depth.saturating_add(1))?,
            b'{' => self.map(depth.saturating_add(1))?,
            _ => Value::Number(self.number(marker)?),
        })
    }

    fn number(&mut self, marker: u8) -> Result<f64, String> {
        Ok(match marker {
            b'i' => f64::from(i8::from_be_bytes(self.take()?)),
            b'U' => f64::from(u8::from_be_bytes(self.take()?)),
            b'I' => f64::from(i16::from_be_bytes(self.take()?)),
            b'l' => f64::from(i32::from_be_bytes(self.take()?)),
            b'L' => i64::from_be_bytes(self.take()?) as f64,
            b'd' => f64::from(f32::from_be_bytes(self.take()?)),
            b'D' => f64::from_be_bytes(self.take()?),
            other => return Err(format!("{other:#04x} is no type")),
        })
    }

    fn length(&mut self) -> Result<usize, String> {
        let marker = self.marker()?;
        let length = match marker {
            b'i' => i64::from(i8::from_be_bytes(self.take()?)),
            b'U' => i64::from(u8::from_be_bytes(self.take()?)),
            b'I' => i64::from(i16::from_be_bytes(self.take()?)),
            b'l' => i64::from(i32::from_be_bytes(self.take()?)),
            b'L' => i64::from_be_bytes(self.take()?),
            other => return Err(format!("{other:#04x} is no type of a length")),
        };
        usize::try_from(length).map_err(|_| format!("there is a length of {length}"))
    }

    fn text(&mut self) -> Result<String, String> {
        let length = self.length()?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or("it is cut off")?;
        self.rest = rest;
        String::from_utf8(text.to_vec()).map_err(|_| "a text is not UTF-8".to_owned())
    }

    fn list(&mut self, depth: usize) -> Result<Value, String> {
        let mut values = Value::Numbers(Vec::new());
        let mut marker = self.marker()?;
        let mut kind = None;
        if marker == b'$' {
            let [of] = self.take()?;
            // Values without bytes would take memory that the file does not pay for.
            if !b"iUIlLdDSC[{".contains(&of) {
                return Err(format!("there is a list of type {of:#04x}"));
            }
            kind = Some(of);
            marker = self.marker()?;
        }
        if marker != b'#' {
            if kind.is_some() {
                return Err("a typed list has no length".to_owned());
            }
            while marker != b']' {
                values = values.push(self.value(marker, depth)?);
                marker = self.marker()?;
            }
            return Ok(values);
        }
        for _ in 0..self.length()? {
            let marker = match kind {
                Some(kind) => kind,
                None => self.marker()?,
            };
            values = values.push(self.value(marker, depth)?);
        }
        Ok(values)
    }

    fn map(&mut self, depth: usize) -> Result<Value, String> {
        let mut entries = BTreeMap::new();
        while self.rest.first() != Some(&b'}') {
            let key = self.text()?;
            let marker = self.marker()?;
            let value = self.value(marker, depth)?;
            insert(&mut entries, key, value)?;
        }
        self.take::<1>()?;
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_document_are_the_same() {
        let json = Value::from_json(br#"{"a":[1,2.5,true],"b":{"c":"x","d":[]},"e":[[1],"y"]}"#);
        let ubjson = Value::from_ubjson(
            b"{i\x01a[i\x01D\x40\x04\0\0\0\0\0\0T]i\x01b{i\x01cSi\x01xi\x01d[$l#i\0}i\x01e[[$U#i\x01\x01Si\x01y]}",
        );
        assert_eq!(json.unwrap(), ubjson.unwrap());
    }

    #[test]
    fn faults_say_where() {
        let refused = |bytes: &[u8]| Value::from_ubjson(bytes).unwrap_err();
        assert_eq!(refused(b"{i\x01a"), "it is cut off at byte 4");
        assert_eq!(
            refused(b"[$Z#L\x7f\xff\xff\xff\xff\xff\xff\xff"),
            "there is a list of type 0x5a at byte 3"
        );
        assert_eq!(refused(b"{i\x01aTi\x01aF}"), "\"a\" occurs twice in one map at byte 9");
        assert_eq!(refused(b"[]x"), "1 bytes follow its end at byte 2");
        assert_eq!(
            refused(&b"[".repeat(200)),
            "it is nested more than 100 levels deep at byte 102"
        );
        let twice = Value::from_json(br#"{"a":1,"a":2}"#).unwrap_err();
        assert_eq!(twice, "\"a\" occurs twice in one map at line 1 column 13");
    }
}
