//! XML, walked once and without expanding anything.

use std::borrow::Cow;

use caiso_core::Severity::{High, Medium};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::suspicion::Suspicions;
use crate::wire::shown;

/// How deep elements may lie in elements.
const DEPTH: usize = 4_096;

/// What the walk meets.
pub(crate) enum Item<'x> {
    Open(Element<'x>),
    /// Text or character data of the element.
    Text {
        element: &'x str,
        /// The names of the elements around it, from the root to its own.
        parents: &'x [String],
        text: &'x str,
    },
}

pub(crate) struct Element<'x> {
    /// Without a prefix.
    pub(crate) name: &'x str,
    /// The names of the elements around it, from the root on.
    pub(crate) parents: &'x [String],
    /// Without prefixes, and without the names of their spaces.
    attributes: Vec<(String, String)>,
}

impl Element<'_> {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self, name: &str) -> String {
        shown(self.get(name).unwrap_or_default().as_bytes())
    }

    pub(crate) fn parent(&self) -> &str {
        self.parents.last().map_or("", String::as_str)
    }

    pub(crate) fn attributes(&self) -> &[(String, String)] {
        &self.attributes
    }
}

/// The content as text: UTF-8, or UTF-16 with or without its mark; else each byte a character, which
/// leaves markup as it is.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let pairs = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| read(*pair)).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xfe, 0xff, rest @ ..] => Cow::Owned(pairs(rest, u16::from_be_bytes)),
        [0xff, 0xfe, rest @ ..] => Cow::Owned(pairs(rest, u16::from_le_bytes)),
        [0, b'<', ..] => Cow::Owned(pairs(bytes, u16::from_be_bytes)),
        [b'<', 0, ..] => Cow::Owned(pairs(bytes, u16::from_le_bytes)),
        _ => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
            }
        }
    }
}

/// Whether the content begins like XML.
pub(crate) fn begins(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.trim_ascii_start().starts_with(b"<")
        || matches!(bytes, [0xfe, 0xff, 0, b'<', ..] | [0xff, 0xfe, b'<', 0, ..])
        || matches!(bytes, [0, b'<', 0, ..] | [b'<', 0, _, 0, ..])
}

/// The root element's name without a prefix, and whether it has an attribute `version`.
pub(crate) fn root(bytes: &[u8]) -> Option<(String, bool)> {
    if !begins(bytes) {
        return None;
    }
    let text = decode(bytes);
    let mut reader = Reader::from_str(&text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => {
                let name = start.local_name().as_ref().to_owned();
                let version = attributes(&start).iter().any(|(key, _)| key == "version");
                return Some((name, version));
            }
            Event::End(_) | Event::Eof => return None,
            _ => {}
        }
    }
}

/// Walks a document. What an XML parser could be made to do by the document itself goes to `problems`;
/// the reason why the walk ended before the document otherwise.
pub(crate) fn walk(
    text: &str,
    problems: &mut Suspicions,
    visit: &mut dyn FnMut(Item<'_>, &mut Suspicions),
) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = false;
    let mut parents: Vec<String> = Vec::new();
    loop {
        let event = reader.read_event();
        let at = reader.buffer_position();
        match event.map_err(|error| format!("no well-formed XML at byte {at}: {error}"))? {
            Event::Start(start) => {
                open(&start, &parents, problems, visit);
                if parents.len() >= DEPTH {
                    return Err(format!("elements lie more than {DEPTH} deep"));
                }
                parents.push(start.local_name().as_ref().to_owned());
            }
            Event::Empty(start) => open(&start, &parents, problems, visit),
            Event::End(_) => {
                parents.pop();
            }
            Event::Text(text) if text.trim().is_empty() => {}
            Event::Text(text) => visit(text_in(&parents, &text), problems),
            Event::CData(data) => visit(text_in(&parents, &data), problems),
            Event::GeneralRef(reference) => {
                if let Some(character) = character(&reference) {
                    let text = character.encode_utf8(&mut [0; 4]).to_owned();
                    visit(text_in(&parents, &text), problems);
                }
            }
            Event::DocType(declaration) => doctype(&declaration, problems),
            Event::PI(instruction) => {
                let target = shown(instruction.target().as_bytes());
                let message = format!(
                    "the document gives an instruction to `{target}`: a program that reads it may fetch or \
                     run what it names"
                );
                problems.add_at(High, &format!("instruction {target}"), message);
            }
            Event::Comment(_) | Event::Decl(_) => {}
            Event::Eof if parents.is_empty() => return Ok(()),
            Event::Eof => return Err("the document ends before its root element does".to_owned()),
        }
    }
}

fn text_in<'x>(parents: &'x [String], text: &'x str) -> Item<'x> {
    Item::Text { element: parents.last().map_or("", String::as_str), parents, text }
}

/// The character that a reference without `&` and `;` stands for; none for entities of the document.
fn character(reference: &str) -> Option<char> {
    let number = match reference.strip_prefix('#') {
        Some(hexadecimal) if hexadecimal.starts_with('x') => {
            u32::from_str_radix(hexadecimal.get(1..)?, 16).ok()?
        }
        Some(decimal) => decimal.parse().ok()?,
        None => {
            let known = [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\'')];
            return known.iter().find(|(name, _)| *name == reference).map(|(_, value)| *value);
        }
    };
    char::from_u32(number)
}

fn doctype(declaration: &str, problems: &mut Suspicions) {
    let upper = declaration.to_ascii_uppercase();
    let has = |word: &str| upper.contains(word);
    let (severity, what) = if has("SYSTEM") || has("PUBLIC") {
        (High, "names a file or host, which a parser reads into the document (XXE)")
    } else if has("<!ENTITY") || has("%") {
        (High, "defines entities, which a parser expands until its memory is full")
    } else {
        (Medium, "has a document type, which no program writes into a model")
    };
    let start = shown(declaration.trim().as_bytes());
    let start: String = start.chars().take(120).collect();
    problems.add_at(severity, "document type", format!("the document {what}: `{start}`"));
}

fn open(
    start: &BytesStart<'_>,
    parents: &[String],
    problems: &mut Suspicions,
    visit: &mut dyn FnMut(Item<'_>, &mut Suspicions),
) {
    let name = start.local_name();
    let element = Element { name: name.as_ref(), parents, attributes: attributes(start) };
    let prefixed = start.name().prefix().is_some();
    if element.name == "include" && (prefixed || element.get("href").is_some()) {
        let message = format!(
            "the document includes `{}`: a parser reads a file or host that the author of the model chose",
            element.text("href")
        );
        problems.add_at(High, "include", message);
    }
    visit(Item::Open(element), problems);
}

fn attributes(start: &BytesStart<'_>) -> Vec<(String, String)> {
    let mut attributes = start.attributes();
    let attributes = attributes.with_checks(false).flatten();
    attributes
        .filter(|attribute| attribute.key.as_namespace_binding().is_none())
        .map(|attribute| {
            let key = attribute.key.local_name().as_ref().to_owned();
            // A value with an entity of its own stays as it is written.
            let value = quick_xml::escape::unescape(&attribute.value);
            (key, value.map_or_else(|_| attribute.value.to_string(), Cow::into_owned))
        })
        .collect()
}
