//! Values of the key-value pairs.

use super::{Source, cut_off};
use crate::cursor::size;

/// Deepest list in a list.
const DEEPEST: u32 = 4;
/// Most texts of one value that are kept for the checks.
const MOST_TEXTS: usize = 64;
/// Longest text that is shown in a description.
const LONGEST: usize = 4 << 10;

/// What is kept of a value.
#[derive(Default)]
pub(super) struct Value {
    /// For the description; `None` for long lists.
    pub(super) shown: Option<String>,
    /// An integer that is not negative.
    pub(super) number: Option<u64>,
    /// Texts, those of a list too.
    pub(super) texts: Vec<String>,
    /// Whether lists lie in lists.
    pub(super) nested: bool,
}

impl Value {
    pub(super) fn read(source: &mut Source<'_, '_>, kind: u32, depth: u32) -> Result<Self, String> {
        let whole = |number: i128| Self {
            shown: Some(number.to_string()),
            number: u64::try_from(number).ok(),
            ..Self::default()
        };
        let real = |number: f64| Self { shown: Some(number.to_string()), ..Self::default() };
        let cursor = &mut *source.cursor;
        let value = match kind {
            0 => cursor.u8().map(|number| whole(number.into())),
            1 => cursor.u8().map(|number| whole(number.cast_signed().into())),
            2 => cursor.u16().map(|number| whole(number.into())),
            3 => cursor.u16().map(|number| whole(number.cast_signed().into())),
            4 => cursor.u32().map(|number| whole(number.into())),
            5 => cursor.u32().map(|number| whole(number.cast_signed().into())),
            6 => cursor.u32().map(|bits| real(f32::from_bits(bits).into())),
            7 => match cursor.u8() {
                Some(flag @ (0 | 1)) => {
                    let shown = Some(if flag == 1 { "true" } else { "false" }.to_owned());
                    Some(Self { shown, ..Self::default() })
                }
                Some(other) => return Err(format!("a truth value is {other}")),
                None => None,
            },
            8 => {
                let text = String::from_utf8_lossy(source.text()?).into_owned();
                let shown = (text.len() <= LONGEST).then(|| text.clone());
                Some(Self { shown, texts: vec![text], ..Self::default() })
            }
            9 => Some(Self::list(source, depth)?),
            10 => cursor.u64().map(|number| whole(number.into())),
            11 => cursor.u64().map(|number| whole(number.cast_signed().into())),
            12 => cursor.u64().map(|bits| real(f64::from_bits(bits))),
            other => return Err(format!("its value has the type {other}, known are 0 to 12")),
        };
        value.ok_or_else(cut_off)
    }

    fn list(source: &mut Source<'_, '_>, depth: u32) -> Result<Self, String> {
        let kind = source.cursor.u32().ok_or_else(cut_off)?;
        let count = source.count()?;
        let left = source.cursor.left();
        let least = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            8 if source.version > 1 => 8,
            4..=6 | 8 => 4,
            9 if depth >= DEEPEST => return Err(format!("lists are nested over {DEEPEST} deep")),
            9..=12 => 8,
            other => {
                return Err(format!("a list has items of the type {other}, known are 0 to 12"));
            }
        };
        let bytes = count.checked_mul(least).filter(|bytes| *bytes <= left);
        let bytes =
            bytes.ok_or_else(|| format!("a list of {count} items is announced in {left} bytes"))?;
        let mut value = Self { nested: kind == 9, ..Self::default() };
        match kind {
            8 => {
                for _ in 0..count {
                    let text = source.text()?;
                    if value.texts.len() < MOST_TEXTS && size(text) <= 1 << 20 {
                        value.texts.push(String::from_utf8_lossy(text).into_owned());
                    }
                }
            }
            9 => {
                for _ in 0..count {
                    let inner = Self::read(source, kind, depth.saturating_add(1))?;
                    let room = MOST_TEXTS.saturating_sub(value.texts.len());
                    value.texts.extend(inner.texts.into_iter().take(room));
                }
            }
            _ => {
                source.cursor.take(bytes);
            }
        }
        value.shown = match (kind, value.texts.as_slice()) {
            (8, texts) if count <= 16 => {
                Some(texts.join(", ")).filter(|text| text.len() <= LONGEST)
            }
            _ => Some(format!("{count} items")),
        };
        Ok(value)
    }
}
