//! [OpenSSF Model Signing](https://github.com/ossf/model-signing-spec) 1.0, offline: bundles made and
//! verified with elliptic-curve keys or X.509 certificates.
//!
//! A signature states a name and a digest for each file of a model ([`Manifest`]). The statement is an
//! in-toto statement in a DSSE envelope in a Sigstore bundle 0.3. Whoever signs hashes the files with
//! [`FileHasher`], builds the [`Manifest`] and calls [`sign`]. Whoever verifies calls [`verify`], which
//! answers what was checked and what was not, hashes the files as the signed [`Serialization`] says and
//! asks [`Manifest::compare`] for the differences. Nothing here reads files or the clock.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

mod bundle;
mod certificate;
mod chain;
mod error;
mod hash;
mod key;
mod manifest;
mod statement;
mod verify;

pub use bundle::{Bundle, MAX_BUNDLE, Method, sign};
pub use certificate::{Certificate, Certificates};
pub use error::Error;
pub use hash::{FileHasher, HashAlgorithm};
pub use key::{PublicKey, SigningKey};
pub use manifest::{Differences, GIT_PATHS, Manifest, Resource, Serialization};
pub use verify::{Signer, Trust, Verified, verify};
