//! Formats that are known by their marks and not read: the scan says what it did not look into.

use crate::Format;
use crate::readers::{Reader, other};
use crate::tree::{Facts, Reading};

/// Offset, mark and name.
const MARKS: [(usize, &[u8], &str); 22] = [
    (0, b"RDX2\n", "R data"),
    (0, b"RDX3\n", "R data"),
    (0, b"RDA2\n", "R data"),
    (0, b"RDA3\n", "R data"),
    (0, b"X\n\0\0\0\x02\0", "R object"),
    (0, b"X\n\0\0\0\x03\0", "R object"),
    (4, b"ET12", "ExecuTorch"),
    (4, b"ORTM", "ONNX Runtime"),
    (0, b"lmgg", "GGML"),
    (0, b"ggml", "GGML"),
    (0, b"fmgg", "GGML"),
    (0, b"tjgg", "GGML"),
    (0, b"A\n2\n", "R object"),
    (0, b"A\n3\n", "R object"),
    // A table or an object, the first; then for objects the version of the class.
    (0, b"\x04\0\0\0\x01\0\0\0\x03\0\0\0V 1", "Torch7"),
    (0, b"\x03\0\0\0\x01\0\0\0", "Torch7"),
    (0, b"4\n1\n3\nV 1\n", "Torch7"),
    (0, b"3\n1\n", "Torch7"),
    (0, b"ftrt", "TensorRT engine"),
    (0, b"ptrt", "TensorRT engine"),
    (0, b"\x12\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "MXNet parameters"),
    (0, b"B\0C\0N\0", "CNTK"),
];

pub(crate) const READER: Reader = Reader {
    claims: |artifact| name(artifact.bytes).is_some(),
    read: |artifact, scope| {
        let name = name(artifact.bytes)?;
        scope.gap(None, format!("the format {name} is recognised and not read"));
        Some(Reading::new(Format::Unread, Facts::Nothing))
    },
};

type Words = (&'static [u8], &'static [&'static [u8]], &'static str);

/// Formats that are text: the first byte that is no white space, words of which all occur, and name.
const WORDS: [Words; 5] = [
    (b"{", &[b"\"nodes\"", b"\"arg_nodes\"", b"\"heads\""], "MXNet graph"),
    (b"{", &[b"\"base_code\"", b"\"magic\"", b"\"pir\""], "Paddle program"),
    (b"s", &[b"saved_model_schema_version", b"meta_graphs"], "TensorFlow SavedModel as text"),
    (b"m", &[b"meta_graphs", b"graph_def"], "TensorFlow SavedModel as text"),
    (b"n", &[b"node", b"name", b"op", b"attr"], "TensorFlow graph as text"),
];

fn name(bytes: &[u8]) -> Option<&'static str> {
    let at =
        |offset: usize, mark: &[u8]| bytes.get(offset..).is_some_and(|rest| rest.starts_with(mark));
    let marked = MARKS.iter().find(|(offset, mark, _)| at(*offset, mark)).map(|(_, _, name)| *name);
    marked.or_else(|| name_of_text(bytes))
}

fn name_of_text(bytes: &[u8]) -> Option<&'static str> {
    let holds = |word: &&[u8]| memchr::memmem::find(bytes, word).is_some();
    if !other::begins_like_text(bytes) {
        return None;
    }
    let start = bytes.trim_ascii_start();
    let of_kind = |(first, words, _): &&Words| start.starts_with(first) && words.iter().all(holds);
    let (first, _, name) = WORDS.iter().find(of_kind)?;
    // A graph as text begins with a node, a message in braces.
    let node = || {
        start.strip_prefix(b"node").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
    };
    let graph = *first != b"n" || node();
    (graph && other::is_text(bytes)).then_some(*name)
}
