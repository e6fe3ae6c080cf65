//! The protocol buffer wire format (<https://protobuf.dev/programming-guides/encoding/>) under a budget.

use super::{Budget, DecodeError, UnknownField};

/// What is left of the budget while a file is decoded.
pub(super) struct Meter {
    budget: Budget,
    items: usize,
    elements: usize,
    unknown: Vec<UnknownField>,
}

impl Meter {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, items: 0, elements: 0, unknown: Vec::new() }
    }

    /// Notes a field that the format does not have, for the first hundred kinds of them.
    pub(super) fn unknown(&mut self, field: &Field<'_>, message: &'static str) {
        let size = match field.value {
            Value::Bytes(bytes) => bytes.len(),
            _ => 8,
        };
        let number = field.number;
        let room = self.unknown.len() < 100;
        let mut known = self.unknown.iter_mut();
        match known.find(|known| known.message == message && known.number == number) {
            Some(known) => known.size = known.size.saturating_add(size),
            None if room => {
                self.unknown.push(UnknownField { message, number, offset: field.offset, size });
            }
            None => {}
        }
    }

    pub(super) fn into_unknown(self) -> Vec<UnknownField> {
        self.unknown
    }

    /// Counts one decoded message, string or number of a list.
    pub(super) fn item(&mut self, offset: usize) -> Result<(), DecodeError> {
        self.items = self.items.saturating_add(1);
        if self.items > self.budget.items {
            return Err(DecodeError::Budget { offset, what: "parts", limit: self.budget.items });
        }
        Ok(())
    }

    /// Counts tensor elements that are copied out of the file.
    pub(super) fn elements(&mut self, count: usize, offset: usize) -> Result<(), DecodeError> {
        self.elements = self.elements.saturating_add(count);
        let limit = self.budget.elements;
        if self.elements > limit {
            return Err(DecodeError::Budget { offset, what: "tensor elements in lists", limit });
        }
        Ok(())
    }
}

/// A message: a slice of the file, where it begins in the file, and how deep it is nested.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    offset: usize,
    depth: usize,
    name: &'static str,
}

/// One field of a message.
pub(super) struct Field<'a> {
    pub(super) number: u64,
    /// Where its content begins in the file.
    pub(super) offset: usize,
    /// `ModelProto.graph`, for errors.
    name: &'static str,
    value: Value<'a>,
    depth: usize,
}

enum Value<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

impl<'a> Message<'a> {
    pub(super) fn file(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, depth: 0, name: "ModelProto" }
    }

    /// Where the message begins in the file.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// Calls `visit` with each field in turn; `name_of` gives a field's name for errors.
    pub(super) fn fields(
        self,
        meter: &mut Meter,
        name_of: fn(u64) -> &'static str,
        mut visit: impl FnMut(&mut Meter, Field<'a>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        if self.depth > meter.budget.depth {
            let limit = meter.budget.depth;
            return Err(DecodeError::Budget { offset: self.offset, what: "nested levels", limit });
        }
        let mut reader = Reader { rest: self.bytes, offset: self.offset, name: self.name };
        while !reader.rest.is_empty() {
            let start = reader.offset;
            let key = reader.varint()?;
            let number = key >> 3;
            if number == 0 {
                return Err(malformed(start, "field number 0"));
            }
            let name = name_of(number);
            reader.name = name;
            let (offset, value) = match key & 7 {
                0 => (reader.offset, Value::Varint(reader.varint()?)),
                1 => (reader.offset, Value::Fixed64(reader.array()?)),
                2 => {
                    let length = reader.varint()?;
                    (reader.offset, Value::Bytes(reader.take(length)?))
                }
                5 => (reader.offset, Value::Fixed32(reader.array()?)),
                kind => {
                    return Err(malformed(
                        start,
                        format!("{name} has the unknown wire type {kind}"),
                    ));
                }
            };
            visit(meter, Field { number, offset, name, value, depth: self.depth })?;
            reader.name = self.name;
        }
        Ok(())
    }
}

impl<'a> Field<'a> {
    fn wrong(&self, expected: &str) -> DecodeError {
        let found = match self.value {
            Value::Varint(_) => "a number",
            Value::Bytes(_) => "a run of bytes",
            Value::Fixed32(_) | Value::Fixed64(_) => "a fixed-size number",
        };
        malformed(self.offset, format!("{} is {found}, expected {expected}", self.name))
    }

    pub(super) fn bytes(&self) -> Result<&'a [u8], DecodeError> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.wrong("bytes")),
        }
    }

    pub(super) fn string(&self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes()?)
            .map_err(|_| malformed(self.offset, format!("{} is not UTF-8 text", self.name)))
    }

    pub(super) fn message(&self) -> Result<Message<'a>, DecodeError> {
        match self.value {
            Value::Bytes(bytes) => Ok(Message {
                bytes,
                offset: self.offset,
                depth: self.depth.saturating_add(1),
                name: self.name,
            }),
            _ => Err(self.wrong("a message")),
        }
    }

    /// A varint as the signed number it encodes.
    pub(super) fn int(&self) -> Result<i64, DecodeError> {
        match self.value {
            Value::Varint(value) => Ok(value.cast_signed()),
            _ => Err(self.wrong("an integer")),
        }
    }

    /// A varint that has to fit 32 bits.
    pub(super) fn int32(&self) -> Result<i32, DecodeError> {
        i32::try_from(self.int()?).map_err(|_| self.wrong("a 32-bit integer"))
    }

    pub(super) fn float(&self) -> Result<f32, DecodeError> {
        match self.value {
            Value::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(self.wrong("a 32-bit float")),
        }
    }

    /// Calls `push` with one varint, or with each of a packed list.
    pub(super) fn ints(
        &self,
        meter: &mut Meter,
        mut push: impl FnMut(u64),
    ) -> Result<(), DecodeError> {
        match self.value {
            Value::Varint(value) => {
                meter.elements(1, self.offset)?;
                push(value);
            }
            Value::Bytes(bytes) => {
                let mut reader = Reader { rest: bytes, offset: self.offset, name: self.name };
                while !reader.rest.is_empty() {
                    meter.elements(1, reader.offset)?;
                    push(reader.varint()?);
                }
            }
            _ => return Err(self.wrong("integers")),
        }
        Ok(())
    }

    /// Calls `push` with one 32-bit float, or with each of a packed list.
    pub(super) fn floats(
        &self,
        meter: &mut Meter,
        mut push: impl FnMut(f32),
    ) -> Result<(), DecodeError> {
        match self.value {
            Value::Fixed32(bytes) => {
                meter.elements(1, self.offset)?;
                push(f32::from_le_bytes(bytes));
            }
            Value::Bytes(bytes) => {
                let (values, []) = bytes.as_chunks() else {
                    return Err(self.wrong("32-bit floats"));
                };
                meter.elements(values.len(), self.offset)?;
                for value in values {
                    push(f32::from_le_bytes(*value));
                }
            }
            _ => return Err(self.wrong("32-bit floats")),
        }
        Ok(())
    }

    /// Calls `push` with one 64-bit float, or with each of a packed list.
    pub(super) fn doubles(
        &self,
        meter: &mut Meter,
        mut push: impl FnMut(f64),
    ) -> Result<(), DecodeError> {
        match self.value {
            Value::Fixed64(bytes) => {
                meter.elements(1, self.offset)?;
                push(f64::from_le_bytes(bytes));
            }
            Value::Bytes(bytes) => {
                let (values, []) = bytes.as_chunks() else {
                    return Err(self.wrong("64-bit floats"));
                };
                meter.elements(values.len(), self.offset)?;
                for value in values {
                    push(f64::from_le_bytes(*value));
                }
            }
            _ => return Err(self.wrong("64-bit floats")),
        }
        Ok(())
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
    name: &'static str,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], DecodeError> {
        let split = usize::try_from(length).ok().and_then(|n| self.rest.split_at_checked(n));
        let Some((content, rest)) = split else {
            return Err(self.truncated(length));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(content.len());
        Ok(content)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some((array, rest)) = self.rest.split_first_chunk() else {
            return Err(self.truncated(N as u64));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(N);
        Ok(*array)
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let start = self.offset;
        let mut value = 0_u64;
        for shift in (0..64_u32).step_by(7) {
            let Some((&byte, rest)) = self.rest.split_first() else {
                return Err(self.truncated(1));
            };
            self.rest = rest;
            self.offset = self.offset.saturating_add(1);
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed(start, format!("a number of more than 64 bits in {}", self.name)))
    }

    fn truncated(&self, needed: u64) -> DecodeError {
        DecodeError::Truncated {
            offset: self.offset,
            field: self.name,
            needed,
            left: self.rest.len(),
        }
    }
}

pub(super) fn malformed(offset: usize, problem: impl Into<String>) -> DecodeError {
    DecodeError::Malformed { offset, problem: problem.into() }
}

/// For what is well-formed, and what readers take in different ways.
pub(super) fn ambiguous(offset: usize, problem: impl Into<String>) -> DecodeError {
    DecodeError::Ambiguous { offset, problem: problem.into() }
}
