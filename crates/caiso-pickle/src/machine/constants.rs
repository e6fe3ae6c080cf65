//! Constants read back from the input, and what a person is shown of a value.

use std::borrow::Cow;

use super::Machine;
use crate::arena::Shape;
use crate::decode::{Decoder, Instruction};
use crate::event::{Argument, ArgumentKind, Name, ResultKind};
use crate::opcode::{LONG1, LONG4, STRING, UNICODE};
use crate::text;
use crate::value::{Kind, Value};

/// Bytes of a text that is shown.
const SHOWN: usize = 256;
/// Longer constants are not folded.
pub(super) const FOLDED: usize = 1 << 20;

/// A constant made by folding.
#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_text: bool,
}

impl<'a> Machine<'a> {
    fn instruction(&self, offset: usize) -> Option<Instruction> {
        Decoder::new(self.data).read(offset).ok()
    }

    /// Where a bytes constant of the input lies.
    pub(super) fn range(&self, value: Value) -> Option<std::ops::Range<usize>> {
        match value.kind() {
            Kind::Bytes(offset) | Kind::Text(offset) => {
                self.instruction(offset).map(|instruction| instruction.payload())
            }
            _ => None,
        }
    }

    /// The raw bytes of a string or bytes constant, at most `limit` of them.
    pub(super) fn raw(&self, value: Value, limit: usize) -> Option<Cow<'_, [u8]>> {
        match value.kind() {
            Kind::Text(offset) | Kind::Bytes(offset) => {
                let instruction = self.instruction(offset)?;
                let data: &'a [u8] = self.data;
                let payload = data.get(instruction.payload())?;
                let payload = payload.get(..limit).unwrap_or(payload);
                match instruction.code {
                    STRING => text::quoted(payload),
                    UNICODE => Some(Cow::Owned(text::raw_unicode_escape(payload).into_bytes())),
                    _ => Some(Cow::Borrowed(payload)),
                }
            }
            Kind::Folded(index) => {
                let constant = self.constants.get(index)?;
                Some(Cow::Borrowed(constant.bytes.get(..limit).unwrap_or(&constant.bytes)))
            }
            _ => None,
        }
    }

    pub(super) fn is_text(&self, value: Value) -> bool {
        match value.kind() {
            Kind::Text(_) => true,
            Kind::Folded(index) => {
                self.constants.get(index).is_some_and(|constant| constant.is_text)
            }
            _ => false,
        }
    }

    pub(super) fn is_bytes(&self, value: Value) -> bool {
        match value.kind() {
            Kind::Bytes(_) => true,
            Kind::Folded(index) => {
                self.constants.get(index).is_some_and(|constant| !constant.is_text)
            }
            _ => false,
        }
    }

    /// The text of a string constant, with what is not UTF-8 replaced.
    pub(super) fn text(&self, value: Value) -> Option<String> {
        if !self.is_text(value) {
            return None;
        }
        self.raw(value, FOLDED).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn add_constant(&mut self, bytes: Vec<u8>, is_text: bool) -> Value {
        let Some(left) = self.text_left.checked_sub(bytes.len().saturating_add(64)) else {
            self.text_exhausted();
            return Value::UNKNOWN;
        };
        self.text_left = left;
        let index = self.constants.len();
        self.constants.push(Constant { bytes, is_text });
        Value::folded(index)
    }

    /// The global that a value is.
    pub(super) fn global_name(&self, value: Value) -> Option<&Name> {
        match value.kind() {
            Kind::Global(index) => self.names.get(index),
            Kind::Resolved(index) => {
                self.resolved.get(index).and_then(|resolved| self.names.get(resolved.global))
            }
            _ => None,
        }
    }

    /// The global whose result a value is.
    pub(super) fn result_of(&self, value: Value) -> Option<&Name> {
        let mut value = value;
        // `f(x)(y)`: the global is at the bottom of the chain.
        for _ in 0..16 {
            if !matches!(self.arena.shape(value), Some(Shape::Call | Shape::Object)) {
                return None;
            }
            value = self.arena.first(value)?;
            if let Some(name) = self.global_name(value) {
                return Some(name);
            }
        }
        None
    }

    pub(super) fn argument(&self, value: Value) -> Argument {
        let kind = match value.kind() {
            Kind::Unknown | Kind::UnknownGlobal => ArgumentKind::Unknown,
            Kind::Text(_) => ArgumentKind::Text,
            Kind::Folded(_) if self.is_text(value) => ArgumentKind::Text,
            Kind::Bytes(_) | Kind::Folded(_) => ArgumentKind::Bytes,
            Kind::Global(_) | Kind::Resolved(_) => ArgumentKind::Global,
            Kind::Node(..) | Kind::Literal(_) => match self.arena.shape(value) {
                Some(Shape::Call | Shape::Object | Shape::Persistent) => ArgumentKind::Result,
                Some(_) => ArgumentKind::Container,
                None => ArgumentKind::Unknown,
            },
            _ => ArgumentKind::Number,
        };
        let mut text = String::new();
        self.write(value, &mut text, 3);
        Argument { kind, text }
    }

    /// Writes a value as Python would, bounded in length and depth.
    fn write(&self, value: Value, out: &mut String, depth: u8) {
        if out.len() > SHOWN {
            return;
        }
        match value.kind() {
            Kind::Unknown => out.push('?'),
            Kind::UnknownGlobal => out.push_str("<computed global>"),
            Kind::None => out.push_str("None"),
            Kind::True => out.push_str("True"),
            Kind::False => out.push_str("False"),
            Kind::Number | Kind::Long(_) => out.push_str("<number>"),
            Kind::Constant => out.push_str("<constant>"),
            Kind::Int(int) => out.push_str(&int.to_string()),
            Kind::Run(count) => out.push_str(&format!("<{count} constants>")),
            Kind::Text(_) | Kind::Bytes(_) | Kind::Folded(_) => {
                let bytes = self.raw(value, SHOWN.saturating_add(8)).unwrap_or_default();
                let left = SHOWN.saturating_sub(out.len()).max(16);
                out.push_str(if self.is_text(value) { "'" } else { "b'" });
                out.push_str(&text::preview(&bytes, left));
                out.push('\'');
            }
            Kind::Global(_) | Kind::Resolved(_) => {
                if let Some(name) = self.global_name(value) {
                    out.push_str(&name.to_string());
                }
            }
            Kind::Node(..) | Kind::Literal(_) => self.write_node(value, out, depth),
        }
    }

    fn write_node(&self, value: Value, out: &mut String, depth: u8) {
        let Some(shape) = self.arena.shape(value) else {
            out.push('?');
            return;
        };
        let Some(depth) = depth.checked_sub(1) else {
            out.push('…');
            return;
        };
        match shape {
            Shape::Call | Shape::Object => {
                self.write(self.arena.first(value).unwrap_or(Value::UNKNOWN), out, depth);
                let arguments = self.arena.item(value, 1).unwrap_or(Value::UNKNOWN);
                if arguments.is_node() {
                    self.write(arguments, out, depth);
                } else {
                    out.push_str("(…)");
                }
                return;
            }
            Shape::Persistent => {
                out.push_str("persistent(");
                self.write(self.arena.first(value).unwrap_or(Value::UNKNOWN), out, depth);
                out.push(')');
                return;
            }
            _ => {}
        }
        let (open, close) = match shape {
            Shape::List => ('[', ']'),
            Shape::Tuple => ('(', ')'),
            _ => ('{', '}'),
        };
        let (items, all) = self.arena.items(value, 16);
        out.push(open);
        for (index, &item) in items.iter().enumerate() {
            if index > 0 {
                out.push_str(if shape == Shape::Dict && index & 1 == 1 { ": " } else { ", " });
            }
            self.write(item, out, depth);
        }
        if !all {
            out.push_str(", …");
        }
        out.push(close);
    }

    /// The first string keys of a dictionary.
    pub(super) fn keys(&self, dictionary: Value, limit: usize) -> Vec<String> {
        if self.arena.shape(dictionary) != Some(Shape::Dict) {
            return Vec::new();
        }
        let (items, _) = self.arena.items(dictionary, limit.saturating_mul(2));
        items
            .iter()
            .step_by(2)
            .filter(|&&key| self.is_text(key))
            .filter_map(|&key| self.raw(key, SHOWN))
            .map(|key| text::preview(&key, 64))
            .collect()
    }

    /// The value of a string key of a dictionary; the last one wins.
    pub(super) fn entry(&self, dictionary: Value, key: &str) -> Option<Value> {
        if self.arena.shape(dictionary) != Some(Shape::Dict) {
            return None;
        }
        let (items, _) = self.arena.items(dictionary, usize::MAX);
        items
            .chunks_exact(2)
            .rev()
            .find(|pair| {
                pair.first().is_some_and(|&found| {
                    self.is_text(found)
                        && self.raw(found, SHOWN).is_some_and(|found| *found == *key.as_bytes())
                })
            })
            .and_then(|pair| pair.get(1).copied())
    }

    pub(super) fn result(&self, value: Value) -> ResultKind {
        match value.kind() {
            Kind::None => ResultKind::None,
            Kind::True => ResultKind::Bool(true),
            Kind::False => ResultKind::Bool(false),
            Kind::Int(int) => ResultKind::Int(int),
            Kind::Number => ResultKind::Float,
            Kind::Long(offset) => self.long(offset),
            Kind::Text(_) => {
                let bytes = self.raw(value, SHOWN).unwrap_or_default();
                ResultKind::Text(String::from_utf8_lossy(&bytes).into_owned())
            }
            Kind::Bytes(_) => self.range(value).map_or(ResultKind::Unknown, ResultKind::Bytes),
            Kind::Global(_) | Kind::Resolved(_) => {
                self.global_name(value).cloned().map_or(ResultKind::Unknown, ResultKind::Global)
            }
            Kind::Node(..) | Kind::Literal(_) => match self.arena.shape(value) {
                Some(Shape::List) => ResultKind::List(self.arena.count(value)),
                Some(Shape::Tuple) => ResultKind::Tuple(self.arena.count(value)),
                Some(Shape::Dict) => {
                    ResultKind::Dict(self.arena.count(value) >> 1, self.keys(value, 48))
                }
                Some(Shape::Set | Shape::FrozenSet) => ResultKind::Set,
                Some(Shape::Persistent) => ResultKind::Persistent,
                Some(Shape::Call | Shape::Object) => {
                    self.result_of(value).cloned().map_or(ResultKind::Unknown, ResultKind::Call)
                }
                _ => ResultKind::Unknown,
            },
            _ => ResultKind::Unknown,
        }
    }

    /// A literal integer of more than 60 bits.
    fn long(&self, offset: usize) -> ResultKind {
        let Some(instruction) = self.instruction(offset) else { return ResultKind::Unknown };
        let payload = self.data.get(instruction.payload()).unwrap_or_default();
        if matches!(instruction.code, LONG1 | LONG4) {
            ResultKind::Long(payload.get(..64).unwrap_or(payload).to_vec())
        } else {
            ResultKind::Long(text::decimal(payload))
        }
    }
}
