use std::sync::Arc;

/// What can be wrong with a record, note, key, proof, envelope or receipt.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A value has no canonical JSON form (a non-finite number, a map with keys that are no strings).
    #[error("{what} cannot be written as canonical JSON")]
    Encode {
        /// What was to be written.
        what: &'static str,
        /// Why not.
        source: Arc<serde_json::Error>,
    },
    /// Bytes that are not the JSON expected.
    #[error("{what} is not JSON of the expected form")]
    Decode {
        /// What was read.
        what: &'static str,
        /// Where and why.
        source: Arc<serde_json::Error>,
    },
    /// JSON that is valid but not the one canonical encoding of its value.
    #[error("{what} is not in canonical form (RFC 8785): it was changed after it was written")]
    NotCanonical {
        /// What was read.
        what: &'static str,
    },
    /// A field that must have a value.
    #[error("record has an empty field `{field}`")]
    EmptyField {
        /// Name of the field.
        field: &'static str,
    },
    /// A record of a version this program does not know.
    #[error("record has version {found}, this program reads version {expected}")]
    RecordVersion {
        /// Version found.
        found: u32,
        /// Version known.
        expected: u32,
    },
    /// More bytes than the format or the budget allows.
    #[error("{what} has {size} bytes, at most {limit} are allowed")]
    TooLarge {
        /// What was read or to be written.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Text or bytes that break the format.
    #[error("malformed {what}, line {line}: {reason}")]
    Malformed {
        /// Which format.
        what: &'static str,
        /// One-based line number.
        line: usize,
        /// What was expected.
        reason: String,
    },
    /// Binary data that breaks the format.
    #[error("malformed {what}: {reason}")]
    MalformedBytes {
        /// Which format.
        what: &'static str,
        /// What was expected.
        reason: String,
    },
    /// A key that cannot be used.
    #[error("malformed key: {reason}")]
    Key {
        /// What was expected.
        reason: String,
    },
    /// The signed thing carries no signature by the key.
    #[error("{what} has no signature by the key {key}")]
    NoSignature {
        /// What was to be verified.
        what: &'static str,
        /// Name and id of the key.
        key: String,
    },
    /// The signature by the key does not fit the content.
    #[error(
        "{what} has an invalid signature by the key {key}: the content was changed, or another key made it"
    )]
    InvalidSignature {
        /// What was to be verified.
        what: &'static str,
        /// Name and id of the key.
        key: String,
    },
    /// A checkpoint of another log.
    #[error("checkpoint is of the log `{found}`, expected the log `{expected}`")]
    OtherLog {
        /// Origin in the checkpoint.
        found: String,
        /// Name of the key.
        expected: String,
    },
    /// An inclusion proof that proves nothing.
    #[error("record {index} is not proved to be in the tree of {size} records: {reason}")]
    Inclusion {
        /// Zero-based record number.
        index: u64,
        /// Size of the tree.
        size: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// A consistency proof that proves nothing.
    #[error(
        "the tree of {new} records is not proved to extend the tree of {old} records: {reason}"
    )]
    Consistency {
        /// Size of the older tree.
        old: u64,
        /// Size of the newer tree.
        new: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// A body or salt that is not the one committed to.
    #[error("the body is not the one that the record commits to")]
    Commitment,
    /// A body that is not an in-toto statement.
    #[error("payload is not an in-toto statement: {reason}")]
    Statement {
        /// What was expected.
        reason: String,
    },
}

pub(crate) type Result<T, E = LedgerError> = std::result::Result<T, E>;
