/// Bytes that are not a whole ONNX file, or more than the [`Budget`](super::Budget) allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The file ends inside a field.
    #[error(
        "the ONNX file is cut off: {field} at byte {offset} needs {needed} bytes, {left} are left; \
         copy or export the file again"
    )]
    Truncated {
        /// Where the content of the field begins.
        offset: usize,
        /// The field, as message and name: `ModelProto.graph`.
        field: &'static str,
        /// Bytes that the field says it has.
        needed: u64,
        /// Bytes up to the end of what holds it.
        left: usize,
    },
    /// Not the wire format, or not the types that ONNX gives its fields.
    #[error("not an ONNX file: {problem} at byte {offset}")]
    Malformed {
        /// Where.
        offset: usize,
        /// What was found and what was expected.
        problem: String,
    },
    /// Well-formed, but readers differ in what they make of it: several graphs, or data in two forms.
    #[error("the ONNX file can be read in several ways: {problem} at byte {offset}")]
    Ambiguous {
        /// Where.
        offset: usize,
        /// What there is more than one of.
        problem: String,
    },
    /// More of something than the budget allows.
    #[error("the ONNX file has more than {limit} {what} (at byte {offset})")]
    Budget {
        /// Where the limit was crossed.
        offset: usize,
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// A well-formed message without a graph: empty, another format, or cut off between two fields.
    #[error("not an ONNX model: there is no graph among the {fields} fields found")]
    NoGraph {
        /// Number of top-level fields.
        fields: usize,
    },
}
