//! Kleene's three-valued logic.

use std::ops::Not;

use serde::{Deserialize, Serialize};

/// A truth value; the order `No < Unknown < Yes` makes conjunction the minimum and disjunction
/// the maximum (Kleene 1952, section 64).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truth {
    /// False.
    No,
    /// Not answered.
    Unknown,
    /// True.
    Yes,
}

impl Truth {
    /// No if any part is no, else unknown if any part is unknown. Of nothing: yes.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().min().unwrap_or(Self::Yes)
    }

    /// Yes if any part is yes, else unknown if any part is unknown. Of nothing: no.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().max().unwrap_or(Self::No)
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::Yes } else { Self::No }
    }
}

impl Not for Truth {
    type Output = Self;
    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}
