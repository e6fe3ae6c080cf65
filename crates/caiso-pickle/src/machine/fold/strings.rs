//! Strings and bytes that a pickle computes from constants, so that no name shows in the file.

use super::super::Machine;
use super::super::constants::FOLDED;
use crate::arena::{KEPT, Shape};
use crate::value::{Kind, Value};

impl Machine<'_> {
    /// The constant that a call of a string function comes to.
    pub(super) fn fold_constant(
        &mut self,
        module: &str,
        name: &str,
        arguments: &[Value],
    ) -> Option<Value> {
        let first = *arguments.first()?;
        let second = arguments.get(1).copied();
        let text =
            |machine: &Self, value: Option<Value>| value.and_then(|value| machine.text(value));
        match (module, name) {
            ("operator", "add" | "concat" | "iadd" | "iconcat" | "__add__" | "__concat__")
            | ("builtins", "str.__add__" | "bytes.__add__") => {
                let second = second?;
                let is_text = self.is_text(first) && self.is_text(second);
                let is_bytes = self.is_bytes(first) && self.is_bytes(second);
                if !(is_text || is_bytes) {
                    return None;
                }
                let mut joined = self.raw(first, FOLDED)?.into_owned();
                joined.extend_from_slice(&self.raw(second, FOLDED)?);
                self.bounded(joined, is_text)
            }
            ("operator", "mod" | "__mod__") | ("builtins", "str.__mod__" | "str.format") => {
                let mut out = self.text(first)?;
                let values = match second {
                    Some(tuple) if self.arena.shape(tuple) == Some(Shape::Tuple) => {
                        self.arena.items(tuple, KEPT).0
                    }
                    _ => arguments.get(1..).unwrap_or_default().to_vec(),
                };
                for (index, &value) in values.iter().enumerate() {
                    let value = match value.kind() {
                        Kind::Int(int) => int.to_string(),
                        _ => self.text(value)?,
                    };
                    if name == "str.format" {
                        let numbered = format!("{{{index}}}");
                        let place = if out.contains(&numbered) { numbered.as_str() } else { "{}" };
                        out = out.replacen(place, &value, 1);
                    } else {
                        let place = ["%s", "%d", "%r"]
                            .into_iter()
                            .filter_map(|place| out.find(place).map(|at| (at, place)))
                            .min()?
                            .1;
                        out = out.replacen(place, &value, 1);
                    }
                }
                self.bounded(out.into_bytes(), true)
            }
            ("builtins", "str.join" | "bytes.join") => {
                let separator = self.raw(first, FOLDED)?.into_owned();
                let list = second?;
                if !matches!(self.arena.shape(list), Some(Shape::List | Shape::Tuple)) {
                    return None;
                }
                let (items, all) = self.arena.items(list, KEPT);
                if !all {
                    return None;
                }
                let mut out = Vec::new();
                for (index, &item) in items.iter().enumerate() {
                    if index > 0 {
                        out.extend_from_slice(&separator);
                    }
                    out.extend_from_slice(&self.raw(item, FOLDED)?);
                    if out.len() > FOLDED {
                        return None;
                    }
                }
                let is_text = self.is_text(first);
                self.bounded(out, is_text)
            }
            ("builtins", "str.replace") => {
                let from = text(self, second)?;
                let to = text(self, arguments.get(2).copied())?;
                let out = if from.is_empty() {
                    return None;
                } else {
                    self.text(first)?.replace(&from, &to)
                };
                self.bounded(out.into_bytes(), true)
            }
            ("builtins", "str.lower" | "str.casefold") => {
                let out = self.text(first)?.to_lowercase();
                self.bounded(out.into_bytes(), true)
            }
            ("builtins", "str.upper") => {
                let out = self.text(first)?.to_uppercase();
                self.bounded(out.into_bytes(), true)
            }
            ("builtins", "str.strip" | "str.lstrip" | "str.rstrip") if second.is_none() => {
                let out = self.text(first)?;
                let out = match name {
                    "str.lstrip" => out.trim_start(),
                    "str.rstrip" => out.trim_end(),
                    _ => out.trim(),
                };
                self.bounded(out.as_bytes().to_vec(), true)
            }
            ("builtins", "chr") => match first.kind() {
                Kind::Int(code) => {
                    let character = char::from_u32(u32::try_from(code).ok()?)?;
                    self.bounded(character.to_string().into_bytes(), true)
                }
                _ => None,
            },
            ("builtins", "str" | "bytes.decode") => {
                if name == "str" && self.is_text(first) {
                    let text = self.raw(first, FOLDED)?.into_owned();
                    return self.bounded(text, true);
                }
                if !self.is_bytes(first) || (name == "str" && second.is_none()) {
                    return None;
                }
                let encoding = text(self, second).unwrap_or_else(|| "utf-8".to_owned());
                self.decode(first, &encoding)
            }
            ("builtins", "bytes" | "bytearray" | "str.encode") => {
                if self.is_text(first) {
                    let encoding = text(self, second).unwrap_or_else(|| "utf-8".to_owned());
                    return self.encode(first, &encoding);
                }
                if self.is_bytes(first) {
                    let bytes = self.raw(first, FOLDED)?.into_owned();
                    return self.bounded(bytes, false);
                }
                let (items, all) = self.arena.items(first, KEPT);
                if self.arena.shape(first).is_none() || !all {
                    return None;
                }
                let bytes: Option<Vec<u8>> = items
                    .iter()
                    .map(|item| match item.kind() {
                        Kind::Int(int) => u8::try_from(int).ok(),
                        _ => None,
                    })
                    .collect();
                self.bounded(bytes?, false)
            }
            ("builtins", "bytes.fromhex" | "bytearray.fromhex")
            | ("binascii", "unhexlify" | "a2b_hex")
            | ("base64", "b16decode") => self.decode(first, "hex"),
            (
                "base64",
                "b64decode" | "standard_b64decode" | "urlsafe_b64decode" | "decodebytes",
            )
            | ("binascii", "a2b_base64") => self.decode(first, "base64"),
            ("codecs", "decode") => {
                let encoding = text(self, second).unwrap_or_else(|| "utf-8".to_owned());
                self.decode(first, &encoding)
            }
            ("codecs", "encode") => {
                let encoding = text(self, second).unwrap_or_else(|| "utf-8".to_owned());
                self.encode(first, &encoding)
            }
            _ => None,
        }
    }

    fn bounded(&mut self, bytes: Vec<u8>, is_text: bool) -> Option<Value> {
        (bytes.len() <= FOLDED).then(|| self.add_constant(bytes, is_text))
    }

    fn decode(&mut self, value: Value, encoding: &str) -> Option<Value> {
        let bytes = self.raw(value, FOLDED)?.into_owned();
        match plain(encoding).as_str() {
            "hex" | "hexcodec" => self.bounded(from_hex(&bytes)?, false),
            "base64" | "base64codec" => self.bounded(from_base64(&bytes)?, false),
            "rot13" => self.bounded(rot13(&bytes), true),
            "utf8" | "ascii" | "u8" => {
                self.bounded(String::from_utf8_lossy(&bytes).into_owned().into_bytes(), true)
            }
            "latin1" | "iso88591" => {
                let text: String = bytes.iter().copied().map(char::from).collect();
                self.bounded(text.into_bytes(), true)
            }
            "utf16" | "utf16le" => {
                let units: Vec<u16> = bytes
                    .chunks_exact(2)
                    .filter_map(|pair| pair.first_chunk().copied().map(u16::from_le_bytes))
                    .filter(|&unit| unit != 0xfeff)
                    .collect();
                self.bounded(String::from_utf16_lossy(&units).into_bytes(), true)
            }
            _ => None,
        }
    }

    fn encode(&mut self, value: Value, encoding: &str) -> Option<Value> {
        let text = self.text(value)?;
        match plain(encoding).as_str() {
            "rot13" => self.bounded(rot13(text.as_bytes()), true),
            "utf8" | "ascii" => self.bounded(text.into_bytes(), false),
            "latin1" | "iso88591" => {
                let bytes: Option<Vec<u8>> =
                    text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
                self.bounded(bytes?, false)
            }
            _ => None,
        }
    }
}

/// An encoding's name as Python compares it.
fn plain(encoding: &str) -> String {
    encoding
        .chars()
        .filter(|character| !matches!(character, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

fn rot13(bytes: &[u8]) -> Vec<u8> {
    let turn = |byte: u8, base: u8| {
        let turned = byte.saturating_sub(base).saturating_add(13);
        base.saturating_add(if turned >= 26 { turned.saturating_sub(26) } else { turned })
    };
    bytes
        .iter()
        .map(|&byte| match byte {
            b'a'..=b'z' => turn(byte, b'a'),
            b'A'..=b'Z' => turn(byte, b'A'),
            _ => byte,
        })
        .collect()
}

fn from_hex(bytes: &[u8]) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = bytes
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|&byte| char::from(byte).to_digit(16))
        .collect();
    digits?
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from((high << 4) | low).ok(),
            _ => None,
        })
        .collect()
}

fn from_base64(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bits = 0_u32;
    let mut held = 0_u32;
    for &byte in bytes {
        let digit = match byte {
            b'A'..=b'Z' => byte.saturating_sub(b'A'),
            b'a'..=b'z' => byte.saturating_sub(b'a').saturating_add(26),
            b'0'..=b'9' => byte.saturating_sub(b'0').saturating_add(52),
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ if byte.is_ascii_whitespace() => continue,
            _ => return None,
        };
        bits = ((bits << 6) | u32::from(digit)) & 0xffff;
        held = held.saturating_add(6);
        if held >= 8 {
            held = held.saturating_sub(8);
            out.push(u8::try_from((bits >> held) & 0xff).unwrap_or_default());
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_undone() {
        assert_eq!(rot13(b"bf.flfgrz"), b"os.system");
        assert_eq!(from_hex(b"6f 73").unwrap(), b"os");
        assert_eq!(from_hex(b"6f7"), None);
        assert_eq!(from_base64(b"c3lzdGVt").unwrap(), b"system");
        assert_eq!(from_base64(b"b3M=").unwrap(), b"os");
        assert_eq!(plain("UTF-8"), "utf8");
    }
}
