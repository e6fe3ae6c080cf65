//! What keeps an endpoint from being asked at all.

use std::path::PathBuf;

/// An endpoint that cannot be set up. No message holds the value of a variable of the environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A description that does not say how to ask, or contradicts itself.
    #[error("endpoint `{endpoint}`: {problem}")]
    Description {
        /// Name of the endpoint.
        endpoint: String,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// A variable of the environment that is named and not set.
    #[error("the environment variable `{name}` that {place} names is not set")]
    Variable {
        /// Its name.
        name: String,
        /// What names it.
        place: String,
    },
    /// Certificates that cannot be read, or none at all.
    #[error("certificates of authorities: {0}")]
    Roots(String),
    /// The journal cannot be read or written.
    #[error("journal {}: {problem}", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}
