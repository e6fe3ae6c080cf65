use crate::Method;

/// Why a bundle could not be made or does not verify.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More bytes than any bundle needs.
    #[error("the bundle has {size} bytes, expected at most {limit}")]
    TooLarge {
        /// Its bytes.
        size: usize,
        /// [`crate::MAX_BUNDLE`].
        limit: usize,
    },
    /// Not the JSON that the format prescribes: no JSON, a field missing, unknown or of another type.
    #[error("{place} is not as Model Signing 1.0 has it")]
    Json {
        /// Part of the bundle.
        place: &'static str,
        /// What and where.
        source: serde_json::Error,
    },
    /// A field holds another value than the format or the caller's trust asks for.
    #[error("{place} is {found}, expected {expected}")]
    Field {
        /// Path of the field.
        place: String,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// The bundle is of a kind that the given trust cannot judge.
    #[error("the bundle is signed with {found}; {remedy}")]
    Trust {
        /// How it is signed.
        found: Method,
        /// What to give instead.
        remedy: &'static str,
    },
    /// The signature is not one of this key over this payload.
    #[error(
        "the signature does not verify: the payload or the signature was changed, or another key signed"
    )]
    Signature,
    /// The digest of the whole does not follow from the digests of the files.
    #[error("the subject's digest is {signed}, but the listed resources give {computed}")]
    RootDigest {
        /// As signed.
        signed: String,
        /// As recomputed.
        computed: String,
    },
    /// A file's name or digest cannot be part of a manifest.
    #[error("resource {name:?}: {reason}")]
    Resource {
        /// The name, shortened.
        name: String,
        /// What is wrong and what is expected.
        reason: String,
    },
    /// No files: such a signature would say nothing.
    #[error("the manifest lists no resource, expected at least one file")]
    Empty,
    /// A key that cannot be read or used.
    #[error("{what}: {reason}")]
    Key {
        /// Private or public key.
        what: &'static str,
        /// What is wrong and what is expected.
        reason: String,
    },
    /// A certificate that cannot be read, used or trusted.
    #[error("certificate {certificate}: {reason}")]
    Certificate {
        /// Its subject, or its place where it has none.
        certificate: String,
        /// What is wrong and what is expected.
        reason: String,
    },
}

/// Untrusted text for messages: quoted, control characters escaped, at most 80 characters.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}
