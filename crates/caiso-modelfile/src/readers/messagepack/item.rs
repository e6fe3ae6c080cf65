//! One value of MessagePack at a time: a text, a number, the head of a list.

use crate::cursor::Cursor;

pub(super) enum Item<'a> {
    /// Nothing, a truth value or a fraction.
    Other,
    Number(i128),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    /// The number of items that follow.
    List(u64),
    /// The number of pairs that follow.
    Map(u64),
    /// Its type and content.
    Extension(i8, &'a [u8]),
}

impl<'a> Item<'a> {
    /// The next value; `None` at the end, for one that is cut off, and for the byte that no value begins with.
    pub(super) fn next(cursor: &mut Cursor<'a>) -> Option<Self> {
        cursor.big_endian = true;
        let head = cursor.u8()?;
        Some(match head {
            0x00..=0x7f => Self::Number(head.into()),
            0xe0..=0xff => Self::Number(head.cast_signed().into()),
            0x80..=0x8f => Self::Map((head & 0x0f).into()),
            0x90..=0x9f => Self::List((head & 0x0f).into()),
            0xa0..=0xbf => Self::Text(cursor.take((head & 0x1f).into())?),
            0xc1 => return None,
            0xc0 | 0xc2 | 0xc3 => Self::Other,
            0xca => {
                cursor.take(4)?;
                Self::Other
            }
            0xcb => {
                cursor.take(8)?;
                Self::Other
            }
            0xc4 => Self::Bytes(sized(cursor, 1)?),
            0xc5 => Self::Bytes(sized(cursor, 2)?),
            0xc6 => Self::Bytes(sized(cursor, 4)?),
            0xc7 => Self::extension(cursor, 1)?,
            0xc8 => Self::extension(cursor, 2)?,
            0xc9 => Self::extension(cursor, 4)?,
            0xcc => Self::Number(cursor.u8()?.into()),
            0xcd => Self::Number(cursor.u16()?.into()),
            0xce => Self::Number(cursor.u32()?.into()),
            0xcf => Self::Number(cursor.u64()?.into()),
            0xd0 => Self::Number(cursor.u8()?.cast_signed().into()),
            0xd1 => Self::Number(cursor.u16()?.cast_signed().into()),
            0xd2 => Self::Number(cursor.u32()?.cast_signed().into()),
            0xd3 => Self::Number(cursor.u64()?.cast_signed().into()),
            0xd4..=0xd8 => {
                let kind = cursor.u8()?.cast_signed();
                let length = 1_u64.checked_shl(head.checked_sub(0xd4)?.into())?;
                Self::Extension(kind, cursor.take(length)?)
            }
            0xd9 => Self::Text(sized(cursor, 1)?),
            0xda => Self::Text(sized(cursor, 2)?),
            0xdb => Self::Text(sized(cursor, 4)?),
            0xdc => Self::List(cursor.u16()?.into()),
            0xdd => Self::List(cursor.u32()?.into()),
            0xde => Self::Map(cursor.u16()?.into()),
            0xdf => Self::Map(cursor.u32()?.into()),
        })
    }

    fn extension(cursor: &mut Cursor<'a>, width: u8) -> Option<Self> {
        let length = length(cursor, width)?;
        let kind = cursor.u8()?.cast_signed();
        Some(Self::Extension(kind, cursor.take(length)?))
    }
}

fn length(cursor: &mut Cursor<'_>, width: u8) -> Option<u64> {
    match width {
        1 => cursor.u8().map(u64::from),
        2 => cursor.u16().map(u64::from),
        _ => cursor.u32().map(u64::from),
    }
}

/// A run of bytes with its length before it.
fn sized<'a>(cursor: &mut Cursor<'a>, width: u8) -> Option<&'a [u8]> {
    let length = length(cursor, width)?;
    cursor.take(length)
}
