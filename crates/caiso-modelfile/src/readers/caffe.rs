//! Networks of Caffe as text (`.prototxt`), whose layers may be Python.

mod tokens;

use crate::Format;
use crate::readers::{Reader, other};
use crate::tree::{Facts, Reading};
use tokens::{Token, Tokens};

/// What the network says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caffe {
    /// Layers by their types, in order.
    pub(crate) layers: Vec<String>,
    /// Line and, where it is written, module and class of each layer that is Python.
    pub(crate) python: Vec<(u64, String)>,
}

/// Most layers that are kept.
const MAX_LAYERS: usize = 10_000;
/// How deep messages may lie in messages.
const DEPTH: usize = 100;

pub(crate) const READER: Reader = Reader {
    claims: |artifact| {
        let bytes = artifact.bytes;
        other::begins_like_text(bytes)
            && ["layer", "type"]
                .iter()
                .all(|word| memchr::memmem::find(bytes, word.as_bytes()).is_some())
            && other::is_text(bytes)
    },
    read: |artifact, scope| {
        let mut found = Caffe::default();
        if !found.read(artifact.bytes) {
            scope.gap(None, format!("messages lie more than {DEPTH} deep"));
        }
        (!found.layers.is_empty()).then(|| Reading::new(Format::Caffe, Facts::Caffe(found)))
    },
};

/// A layer whose end is not reached yet.
#[derive(Default)]
struct Layer {
    /// Line and text of each type that is written.
    types: Vec<(u64, String)>,
    /// Module and class of a Python layer.
    names: [String; 2],
}

impl Caffe {
    /// Whether all of it was read.
    fn read(&mut self, bytes: &[u8]) -> bool {
        let mut open: Vec<&[u8]> = Vec::new();
        let mut key: &[u8] = b"";
        let mut layer = Layer::default();
        for (line, token) in Tokens::of(bytes) {
            match token {
                Token::Word(word) => key = word,
                Token::Open if open.len() >= DEPTH => return false,
                Token::Open => open.push(key),
                Token::Close => {
                    if matches!(open.as_slice(), [b"layer" | b"layers"]) {
                        self.layer(std::mem::take(&mut layer));
                    }
                    // In a list, the next message is of the same name.
                    key = open.pop().unwrap_or_default();
                }
                Token::Text(text) => {
                    let text: String = text.chars().take(200).collect();
                    match (open.as_slice(), key) {
                        ([b"layer" | b"layers"], b"type") if layer.types.len() < MAX_LAYERS => {
                            layer.types.push((line, text));
                        }
                        ([_, b"python_param"], b"module") => layer.names[0] = text,
                        ([_, b"python_param"], b"layer") => layer.names[1] = text,
                        _ => {}
                    }
                }
            }
        }
        self.layer(layer);
        true
    }

    fn layer(&mut self, layer: Layer) {
        for (line, kind) in layer.types {
            if kind == "Python" && self.python.len() < MAX_LAYERS {
                let names: Vec<&str> = layer
                    .names
                    .iter()
                    .map(String::as_str)
                    .filter(|name| !name.is_empty())
                    .collect();
                self.python.push((line, names.join(".")));
            }
            if self.layers.len() < MAX_LAYERS {
                self.layers.push(kind);
            }
        }
    }
}
