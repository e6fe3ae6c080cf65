//! Networks of Caffe as text (`.prototxt`), whose layers may be Python.

use crate::Format;
use crate::readers::{Reader, other};
use crate::tree::{Facts, Reading};

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

pub(crate) const READER: Reader = Reader {
    claims: |artifact| {
        let window = artifact.bytes.get(..1 << 20).unwrap_or(artifact.bytes);
        let holds = |mark: &[u8]| memchr::memmem::find(window, mark).is_some();
        (holds(b"layer {") || holds(b"layer{") || holds(b"layers {") || holds(b"layers{"))
            && holds(b"type:")
            && other::is_text(artifact.bytes)
    },
    read: |artifact, _| {
        let text = String::from_utf8_lossy(artifact.bytes);
        let mut found = Caffe::default();
        for (line, number) in text.lines().zip(1_u64..) {
            let line = line.split('#').next().unwrap_or_default();
            let value = |key: &str| {
                let (_, rest) = line.split_once(key)?;
                let rest = rest.trim_start().strip_prefix(':')?.trim_start();
                let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
                rest.get(1..)?.split(quote).next().map(str::to_owned)
            };
            if let Some(kind) = value("type") {
                if kind == "Python" && found.python.len() < MAX_LAYERS {
                    found.python.push((number, String::new()));
                }
                if found.layers.len() < MAX_LAYERS {
                    found.layers.push(kind);
                }
            }
            for key in ["module", "layer"] {
                if let (Some(name), Some((_, named))) = (value(key), found.python.last_mut()) {
                    let separator = if named.is_empty() { "" } else { "." };
                    *named = format!("{named}{separator}{name}").chars().take(200).collect();
                }
            }
        }
        Some(Reading::new(Format::Caffe, Facts::Caffe(found)))
    },
};
