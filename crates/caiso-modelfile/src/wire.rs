//! Just enough of the protocol buffer wire format to tell messages apart and to walk them without
//! copying what they hold (<https://protobuf.dev/programming-guides/encoding/>).

pub(crate) struct Field<'a> {
    pub(crate) number: u64,
    pub(crate) value: Value<'a>,
}

pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed,
    /// The content, as much of it as the file holds.
    Bytes(&'a [u8]),
}

/// The fields of a message, up to the first that is not one or that the end of `bytes` cuts off
/// in its key or number; a cut-off content is still given.
pub(crate) fn fields(bytes: &[u8]) -> Fields<'_> {
    Fields { rest: bytes, damaged: false }
}

/// The fields of a message, one after the other.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    /// Whether something that is no field, or a cut-off one, was met.
    damaged: bool,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
            self.damaged = true;
        }
        field
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<Field<'a>> {
        let rest = &mut self.rest;
        let key = varint(rest)?;
        let number = key >> 3;
        if number == 0 {
            return None;
        }
        let value = match key & 7 {
            0 => Value::Varint(varint(rest)?),
            1 => fixed(rest, 8)?,
            2 => {
                let length = usize::try_from(varint(rest)?).ok()?;
                let split = rest.split_at_checked(length);
                self.damaged |= split.is_none();
                let (content, after) = split.unwrap_or((*rest, &[]));
                *rest = after;
                Value::Bytes(content)
            }
            5 => fixed(rest, 4)?,
            _ => return None,
        };
        Some(Field { number, value })
    }
}

/// Whether every byte belongs to a field, and no content is longer than the bytes there are.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    let mut fields = fields(bytes);
    fields.by_ref().for_each(drop);
    !fields.damaged
}

/// Whether the content begins with a field of a small number, as every real message does.
pub(crate) fn looks_like_a_message(bytes: &[u8]) -> bool {
    bytes.is_empty() || fields(bytes).next().is_some_and(|field| field.number <= 64)
}

/// The contents of the fields of one number, in order.
pub(crate) fn contents(bytes: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    fields(bytes).filter_map(move |field| match field.value {
        Value::Bytes(content) if field.number == number => Some(content),
        _ => None,
    })
}

/// The last content of a field, as a decoder takes it; empty if there is none.
pub(crate) fn content(bytes: &[u8], number: u64) -> &[u8] {
    contents(bytes, number).last().unwrap_or_default()
}

/// The last content of a field as text for the reader's eyes.
pub(crate) fn text(bytes: &[u8], number: u64) -> String {
    shown(content(bytes, number))
}

/// The last number of a field.
pub(crate) fn number(bytes: &[u8], number: u64) -> Option<u64> {
    let numbers = fields(bytes).filter_map(|field| match field.value {
        Value::Varint(value) if field.number == number => Some(value),
        _ => None,
    });
    numbers.last()
}

/// Text of a file for the reader's eyes: cut at 4 KiB, with replacement characters.
pub(crate) fn shown(bytes: &[u8]) -> String {
    match bytes.get(..4096) {
        Some(start) if bytes.len() > 4096 => format!("{} … (cut)", String::from_utf8_lossy(start)),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn fixed<'a>(rest: &mut &'a [u8], size: usize) -> Option<Value<'a>> {
    *rest = rest.get(size..)?;
    Some(Value::Fixed)
}

pub(crate) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
