//! JSON and YAML configurations as one kind of tree.
//!
//! The JSON reader accepts what Python's accepts, since that is what the loaders use: UTF-16 and UTF-32,
//! a byte order mark, `NaN` and `Infinity`, lone surrogates, and one key twice, of which it keeps both.

mod json;
mod yaml;

use std::borrow::Cow;

pub(crate) use json::read as json;
pub(crate) use yaml::read as yaml;

/// Most bytes of a configuration that are read.
const MAX_BYTES: usize = 64 << 20;
/// Most values of a configuration.
const MAX_VALUES: usize = 4_000_000;
/// Deepest nesting. Python's reader gives up at about 1,000.
const MAX_DEPTH: usize = 256;
/// Longest text that facts keep.
const MAX_TEXT: usize = 4 << 10;

/// A value of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
    List(Vec<Value>),
    /// In the order of the file, with keys that occur twice.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The value of a key; the last one where a key occurs twice, which is the one that Python keeps.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a key.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    pub(crate) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// Calls `visit` with every value and its place (`config.layers[0]`), outside in.
    pub(crate) fn walk<'v>(&'v self, visit: &mut dyn FnMut(&str, &'v Self)) {
        self.walk_below(&mut String::new(), visit);
    }

    fn walk_below<'v>(&'v self, path: &mut String, visit: &mut dyn FnMut(&str, &'v Self)) {
        visit(path, self);
        let length = path.len();
        for (key, value) in self.entries() {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&cut(key, 64));
            value.walk_below(path, visit);
            path.truncate(length);
        }
        for (index, value) in self.items().iter().enumerate() {
            path.push_str(&format!("[{index}]"));
            value.walk_below(path, visit);
            path.truncate(length);
        }
    }

    /// The value on one line, for people, cut to what facts keep.
    pub(crate) fn shown(&self) -> String {
        let mut line = String::new();
        self.show(&mut line);
        shown(&line)
    }

    fn show(&self, line: &mut String) {
        if line.len() > MAX_TEXT {
            return;
        }
        match self {
            Self::Null => line.push_str("null"),
            Self::Bool(value) => line.push_str(if *value { "true" } else { "false" }),
            Self::Number(value) | Self::Text(value) => line.push_str(value),
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    line.push_str(if index == 0 { "" } else { ", " });
                    item.show(line);
                }
            }
            Self::Map(entries) => {
                for (index, (key, value)) in entries.iter().enumerate() {
                    line.push_str(if index == 0 { "" } else { ", " });
                    line.push_str(key);
                    line.push_str(": ");
                    value.show(line);
                }
            }
        }
    }
}

/// Why a text is no JSON or YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

/// The content as text, in the encodings that Python's JSON reader knows; `None` if it is none.
pub(crate) fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let bytes = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    let wide = |width: usize, unit: fn(&[u8]) -> u32| {
        let units = bytes.chunks_exact(width).map(unit);
        if width == 4 {
            units.map(char::from_u32).collect::<Option<String>>().map(Cow::Owned)
        } else {
            let units = units.filter_map(|unit| u16::try_from(unit).ok());
            let text = char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}'));
            Some(Cow::Owned(text.collect()))
        }
    };
    let little = |chunk: &[u8]| chunk.iter().rev().fold(0, |all, &byte| all << 8 | u32::from(byte));
    let big = |chunk: &[u8]| chunk.iter().fold(0, |all, &byte| all << 8 | u32::from(byte));
    // The order counts: a text of one character in UTF-16 is told from UTF-32 by what follows.
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [1..=0xff, 0, 0, 0, ..] => wide(4, little),
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, 1..=0xff, ..] => wide(4, big),
        [0xff, 0xfe, ..] | [1..=0xff, 0, ..] => wide(2, little),
        [0xfe, 0xff, ..] | [0, 1..=0xff, ..] => wide(2, big),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Some(Cow::Borrowed(text)),
            Err(_) => None,
        },
    }
}

/// Whether the content could be a JSON object with one of these keys. An escape that could spell an
/// ASCII letter counts as every key, and so does an encoding other than UTF-8.
pub(crate) fn may_hold(bytes: &[u8], keys: &[&str]) -> bool {
    let window = bytes.get(..64).unwrap_or(bytes);
    let mut start = window.iter().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    let marked = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, ..] | [b'{', 0, ..]);
    let first = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest.iter().find(|byte| !byte.is_ascii_whitespace()),
        None => start.next(),
    };
    if marked {
        return text(bytes).is_some_and(|text| {
            text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with('{')
        });
    }
    if first != Some(&b'{') {
        return false;
    }
    let bytes = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    let holds = |needle: &str| memchr::memmem::find(bytes, needle.as_bytes()).is_some();
    keys.iter().any(|key| holds(&format!("\"{key}\""))) || holds("\\u00")
}

/// A text cut to `most` bytes, with a mark where it is cut.
pub(crate) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default()))
}

/// A text for people: cut, and with control characters escaped.
pub(crate) fn shown(text: &str) -> String {
    let mut line = String::new();
    for character in cut(text, MAX_TEXT).chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}
