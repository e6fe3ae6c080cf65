//! Formats that are known by their marks and not read: the scan says what it did not look into.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// Offset, mark and name.
const MARKS: [(usize, &[u8], &str); 16] = [
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

fn name(bytes: &[u8]) -> Option<&'static str> {
    let at =
        |offset: usize, mark: &[u8]| bytes.get(offset..).is_some_and(|rest| rest.starts_with(mark));
    MARKS.iter().find(|(offset, mark, _)| at(*offset, mark)).map(|(_, _, name)| *name)
}
