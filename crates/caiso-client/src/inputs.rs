//! What an endpoint is asked about.

use sha2::{Digest as _, Sha256};

/// Digest of one input.
pub(crate) type Key = [u8; 32];

/// The inputs of one call.
#[derive(Clone, Copy)]
pub(crate) enum Inputs<'a> {
    /// `[rows, features]`, `features` of at least 1.
    Rows { values: &'a [f32], features: usize },
    /// One text each.
    Texts(&'a [String]),
}

impl<'a> Inputs<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Rows { values, features } => values.len() / features,
            Self::Texts(texts) => texts.len(),
        }
    }

    pub(crate) fn row(self, index: usize) -> &'a [f32] {
        match self {
            Self::Rows { values, features } => {
                values.get(index * features..(index + 1) * features).unwrap_or_default()
            }
            Self::Texts(_) => &[],
        }
    }

    pub(crate) fn text(self, index: usize) -> &'a str {
        match self {
            Self::Rows { .. } => "",
            Self::Texts(texts) => texts.get(index).map_or("", String::as_str),
        }
    }

    /// Digest of one input. 0 and -0 are one value.
    pub(crate) fn key(self, index: usize) -> Key {
        let mut hasher = Sha256::new();
        match self {
            Self::Rows { .. } => {
                for value in self.row(index) {
                    hasher.update((value + 0.0).to_le_bytes());
                }
            }
            Self::Texts(_) => hasher.update(self.text(index)),
        }
        hasher.finalize().into()
    }
}
