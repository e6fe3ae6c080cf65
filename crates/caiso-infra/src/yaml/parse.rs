//! From bytes to trees, under budgets.
//!
//! A file is cut at its document separators first, so that one broken document hides no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::node::{Entry, Node, Value};
use super::scalar;

/// Largest file that is read. An object is at most 1.5 MiB in the cluster's store.
const MAX_BYTES: usize = 16 << 20;
/// Deepest nesting, aliases followed.
const MAX_DEPTH: usize = 128;
/// Most nodes of a file, each alias counted as what it stands for.
const MAX_NODES: usize = 1_000_000;

/// Most flaws that are listed of a file.
const MAX_FLAWS: usize = 1_000;

/// Something in a file that keeps it, or a part of it, from being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) line: u64,
    pub(crate) column: u64,
    pub(crate) message: String,
    pub(crate) help: &'static str,
}

/// The documents of a file, and what could not be read. Empty and comment-only documents are none.
pub(crate) fn parse(bytes: &[u8]) -> (Vec<Node>, Vec<Flaw>) {
    parse_within(bytes, MAX_NODES)
}

fn parse_within(bytes: &[u8], mut nodes: usize) -> (Vec<Node>, Vec<Flaw>) {
    let (mut documents, mut flaws) = (Vec::new(), Vec::new());
    if bytes.len() > MAX_BYTES {
        let message =
            format!("the file has {} bytes, more than the {MAX_BYTES} that are read", bytes.len());
        let help = "split the file";
        return (documents, vec![Flaw { line: 0, column: 0, message, help }]);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return (documents, vec![not_utf8(bytes, error.valid_up_to())]),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some((before, _)) = text.split_once(['\u{85}', '\u{2028}', '\u{2029}']) {
        let (line, column) = position(before);
        let message = "an unusual line break (U+0085, U+2028 or U+2029), which some tools that \
                       read YAML take for a new line and others do not"
            .to_owned();
        flaws.push(Flaw { line, column, message, help: "replace it by an ordinary line break" });
    }
    for (first_line, chunk) in chunks(text) {
        if flaws.len() > MAX_FLAWS {
            let message = format!("more than {MAX_FLAWS} flaws: the rest of the file was not read");
            flaws.push(Flaw { line: first_line, column: 1, message, help: "mend the file" });
            break;
        }
        let mut builder = Builder::new(first_line, nodes);
        match builder.run(chunk) {
            Ok(()) => {}
            Err(flaw) if chunk.contains("{{") => flaws.push(Flaw {
                message: "a template, not a manifest: it holds `{{ }}` and is no YAML as it \
                          stands"
                    .to_owned(),
                help: "render it first (`helm template`, `kustomize build`) and assess the \
                       result",
                ..flaw
            }),
            Err(flaw) => flaws.push(flaw),
        }
        nodes = builder.nodes_left;
        documents.append(&mut builder.documents);
        flaws.append(&mut builder.flaws);
    }
    (documents, flaws)
}

/// The first document that a text inside a manifest holds, each node at the place of that text.
///
/// An alias makes many values of few bytes; here there are at most as many values as bytes.
pub(crate) fn parse_embedded(text: &str, place: &Node) -> Result<Option<Node>, String> {
    let (documents, flaws) = parse_within(text.as_bytes(), text.len());
    match (flaws.into_iter().next(), documents.into_iter().next()) {
        (Some(flaw), _) => Err(flaw.message),
        (None, document) => Ok(document.map(|node| relocate(&node, place))),
    }
}

fn relocate(node: &Node, place: &Node) -> Node {
    let value = match &node.value {
        Value::Sequence(items) => {
            Value::Sequence(items.iter().map(|item| relocate(item, place)).collect())
        }
        Value::Mapping(entries) => Value::Mapping(
            entries
                .iter()
                .map(|entry| Entry {
                    key: Arc::clone(&entry.key),
                    value: relocate(&entry.value, place),
                })
                .collect(),
        ),
        scalar => scalar.clone(),
    };
    Node { line: place.line, column: place.column, value }
}

fn not_utf8(bytes: &[u8], valid: usize) -> Flaw {
    let before = bytes.get(..valid).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let (line, column) = position(before.unwrap_or_default());
    Flaw {
        line,
        column,
        message: "the file is not UTF-8 text".to_owned(),
        help: "save it as UTF-8 (`iconv -t UTF-8`), or leave it out of the deployment's paths",
    }
}

/// Line and column, from 1, of what follows `before`.
fn position(before: &str) -> (u64, u64) {
    let last = before.rsplit('\n').next().unwrap_or_default();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX).saturating_add(1);
    (count(before.matches('\n').count()), count(last.chars().count()))
}

/// The parts of a text between document markers, with the line each begins on, without those that
/// hold nothing but comments, directives and markers.
///
/// `---` or `...` at the start of a line, before a blank or the end of the line, is a marker
/// wherever it stands: YAML forbids it inside scalars.
fn chunks(text: &str) -> Vec<(u64, &str)> {
    let mut chunks = Vec::new();
    let (mut start, mut start_line, mut content) = (0, 1_u64, false);
    let (mut offset, mut line_number) = (0_usize, 1_u64);
    for line in text.split_inclusive('\n') {
        let next = offset.saturating_add(line.len());
        let after = |marker| {
            line.strip_prefix(marker)
                .filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
        };
        let (begins, ends) = (after("---"), after("..."));
        if begins.is_some() {
            if content {
                chunks.extend(text.get(start..offset).map(|chunk| (start_line, chunk)));
            }
            (start, start_line, content) = (offset, line_number, false);
        }
        let rest = begins.unwrap_or(line).trim_start();
        content |=
            ends.is_none() && !rest.is_empty() && !rest.starts_with('#') && !line.starts_with('%');
        if ends.is_some() {
            if content {
                chunks.extend(text.get(start..offset).map(|chunk| (start_line, chunk)));
            }
            (start, start_line, content) = (next, line_number.saturating_add(1), false);
        }
        offset = next;
        line_number = line_number.saturating_add(1);
    }
    if content {
        chunks.extend(text.get(start..).map(|chunk| (start_line, chunk)));
    }
    chunks
}

/// A finished node, the number of nodes in it and its height.
#[derive(Clone)]
struct Built {
    node: Node,
    size: usize,
    height: usize,
    plain_merge: bool,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>, Option<Key>),
}

struct Key {
    text: Arc<str>,
    line: u64,
    column: u64,
    merge: bool,
}

struct Frame {
    line: u64,
    column: u64,
    anchor: usize,
    content: Content,
    merges: Vec<Node>,
    keys: BTreeSet<Arc<str>>,
    size: usize,
    height: usize,
}

struct Builder {
    first_line: u64,
    nodes_left: usize,
    stack: Vec<Frame>,
    anchors: BTreeMap<usize, Built>,
    documents: Vec<Node>,
    flaws: Vec<Flaw>,
}

impl Builder {
    fn new(first_line: u64, nodes_left: usize) -> Self {
        Self {
            first_line,
            nodes_left,
            stack: Vec::new(),
            anchors: BTreeMap::new(),
            documents: Vec::new(),
            flaws: Vec::new(),
        }
    }

    fn run(&mut self, chunk: &str) -> Result<(), Flaw> {
        let mut parser = Parser::new_from_str(chunk);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| {
                let (line, column) = self.place(error.marker().line(), error.marker().col());
                Flaw {
                    line,
                    column,
                    message: format!("broken YAML: {}", error.info()),
                    help: "correct the document; what it holds was not assessed",
                }
            })?;
            self.event(event, span)?;
        }
        Ok(())
    }

    /// Line and column in the file, from 1, of a line from 1 and column from 0 in the chunk.
    fn place(&self, line: usize, column: usize) -> (u64, u64) {
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        (
            number(line.max(1)).saturating_add(self.first_line).saturating_sub(1),
            number(column).saturating_add(1),
        )
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Flaw> {
        let (line, column) = self.place(span.start.line(), span.start.col());
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(1, line, column)?;
                let value = typed(&text, style, tag.as_deref());
                let plain_merge = style == ScalarStyle::Plain && text == "<<";
                let node = Node { line, column, value };
                let built = Built { node, size: 1, height: 1, plain_merge };
                self.finish(built, anchor, Some(&text))
            }
            Event::Alias(anchor) => {
                let Some(target) = self.anchors.get(&anchor).cloned() else {
                    return Err(flaw(line, column, "an alias stands inside what it stands for"));
                };
                self.spend(target.size, line, column)?;
                let key = target.node.text().map(str::to_owned);
                self.finish(Built { plain_merge: false, ..target }, 0, key.as_deref())
            }
            Event::SequenceStart(anchor, _) => {
                self.open(line, column, anchor, Content::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, _) => {
                self.open(line, column, anchor, Content::Mapping(Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            // Anchors belong to their document.
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn spend(&mut self, nodes: usize, line: u64, column: u64) -> Result<(), Flaw> {
        match self.nodes_left.checked_sub(nodes) {
            Some(left) => {
                self.nodes_left = left;
                Ok(())
            }
            None => Err(Flaw {
                help: "split the file, and write out aliases",
                ..flaw(
                    line,
                    column,
                    &format!(
                        "more values than are read ({MAX_NODES} in a file, aliases written out)"
                    ),
                )
            }),
        }
    }

    fn open(
        &mut self,
        line: u64,
        column: u64,
        anchor: usize,
        content: Content,
    ) -> Result<(), Flaw> {
        self.spend(1, line, column)?;
        if self.stack.len() >= MAX_DEPTH {
            return Err(too_deep(line, column));
        }
        let (merges, keys) = (Vec::new(), BTreeSet::new());
        self.stack.push(Frame { line, column, anchor, content, merges, keys, size: 1, height: 1 });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Flaw> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let value = match frame.content {
            Content::Sequence(items) => Value::Sequence(items.into()),
            Content::Mapping(mut entries, _) => {
                // What is merged stands first, so that the mapping's own keys win.
                let mut merged = Vec::new();
                for source in &frame.merges {
                    let maps = if source.is_mapping() {
                        std::slice::from_ref(source)
                    } else {
                        source.items()
                    };
                    // Of several, the first wins.
                    merged.extend(maps.iter().rev().flat_map(|map| map.entries().iter().cloned()));
                }
                if merged.is_empty() {
                    Value::Mapping(entries.into())
                } else {
                    self.spend(merged.len(), frame.line, frame.column)?;
                    merged.append(&mut entries);
                    Value::Mapping(merged.into())
                }
            }
        };
        let node = Node { line: frame.line, column: frame.column, value };
        let built = Built { node, size: frame.size, height: frame.height, plain_merge: false };
        self.finish(built, frame.anchor, None)
    }

    /// Puts a finished node into what encloses it. `scalar` is its text, if it is one.
    fn finish(&mut self, built: Built, anchor: usize, scalar: Option<&str>) -> Result<(), Flaw> {
        let Built { node, size, height, plain_merge } = built.clone();
        if anchor > 0 {
            self.anchors.insert(anchor, built);
        }
        let (line, column) = (node.line, node.column);
        if self.stack.len().saturating_add(height) > MAX_DEPTH.saturating_add(1) {
            return Err(too_deep(line, column));
        }
        let Some(frame) = self.stack.last_mut() else {
            if node.value != Value::Null {
                self.documents.push(node);
            }
            return Ok(());
        };
        frame.size = frame.size.saturating_add(size);
        frame.height = frame.height.max(height.saturating_add(1));
        let (entries, pending) = match &mut frame.content {
            Content::Sequence(items) => {
                items.push(node);
                return Ok(());
            }
            Content::Mapping(entries, pending) => (entries, pending),
        };
        match pending.take() {
            Some(key) if key.merge => frame.merges.push(node),
            Some(key) => {
                let fresh = frame.keys.insert(Arc::clone(&key.text));
                if !fresh && self.flaws.len() < MAX_FLAWS {
                    self.flaws.push(Flaw {
                        help: "keep one of the two",
                        ..flaw(
                            key.line,
                            key.column,
                            &format!(
                                "the key `{}` is given twice; the last is taken here, but not \
                                 by every tool",
                                shown(&key.text)
                            ),
                        )
                    });
                }
                entries.push(Entry { key: key.text, value: node });
            }
            None => {
                let Some(text) = scalar else {
                    return Err(flaw(line, column, "a mapping or list stands where a key must"));
                };
                *pending = Some(Key { text: text.into(), line, column, merge: plain_merge });
            }
        }
        Ok(())
    }
}

/// A key, short enough for a message.
fn shown(key: &str) -> String {
    key.chars().filter(|character| !character.is_control()).take(60).collect()
}

fn typed(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    match tag {
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix != "str" => scalar::resolve(text),
        None if style == ScalarStyle::Plain => scalar::resolve(text),
        _ => Value::Text(text.into()),
    }
}

fn flaw(line: u64, column: u64, message: &str) -> Flaw {
    let help = "correct the document; what it holds was not assessed";
    Flaw { line, column, message: message.to_owned(), help }
}

fn too_deep(line: u64, column: u64) -> Flaw {
    Flaw {
        help: "flatten the document",
        ..flaw(line, column, &format!("nested more than {MAX_DEPTH} deep"))
    }
}
