use std::ops::Range;

/// One place where readers of an archive may disagree, or where bytes are hidden from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly<K> {
    /// What it is.
    pub kind: K,
    /// Index of the entry it is about.
    pub entry: Option<usize>,
    /// What differs, in words.
    pub message: String,
    /// The bytes concerned: of a gap or damage all of it, of a header its start.
    pub range: Range<usize>,
}

impl<K> Anomaly<K> {
    pub(crate) fn new(kind: K, range: Range<usize>, message: impl Into<String>) -> Self {
        Self { kind, entry: None, message: message.into(), range }
    }

    pub(crate) fn of(
        kind: K,
        entry: usize,
        range: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, entry: Some(entry), message: message.into(), range }
    }
}
