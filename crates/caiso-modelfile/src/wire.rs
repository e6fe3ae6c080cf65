//! Just enough of the protocol buffer wire format to tell messages apart
//! (<https://protobuf.dev/programming-guides/encoding/>).

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
pub(crate) fn fields(bytes: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || next_field(&mut rest))
}

/// Whether the content begins with a field of a small number, as every real message does.
pub(crate) fn looks_like_a_message(bytes: &[u8]) -> bool {
    bytes.is_empty() || fields(bytes).next().is_some_and(|field| field.number <= 64)
}

fn next_field<'a>(rest: &mut &'a [u8]) -> Option<Field<'a>> {
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
            let (content, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            *rest = after;
            Value::Bytes(content)
        }
        5 => fixed(rest, 4)?,
        _ => return None,
    };
    Some(Field { number, value })
}

fn fixed<'a>(rest: &mut &'a [u8], size: usize) -> Option<Value<'a>> {
    *rest = rest.get(size..)?;
    Some(Value::Fixed)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
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
