//! Containers and compressed streams of untrusted files, read under budgets.
//!
//! Bytes in, views out: nothing is written, no file is opened. The readers are lenient, since an attacker
//! chooses bytes on which loaders disagree: everything that any loader could read is listed, and every
//! place where readings differ is an anomaly for the caller to judge.
//!
//! - [`zip`]: central directory and local headers side by side.
//! - [`tar`]: entries with links, types and data ranges.
//! - [`seven_zip`]: listing and streaming of 7z archives.
//! - [`stream`]: gzip, zlib, bzip2, xz, lzma, zstd and lz4, with what follows their end.
//! - [`Budget`]: how much one scan may expand, shared by all readers of that scan.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

mod anomaly;
mod budget;
mod bytes;
mod codec;
mod error;
mod path;
pub mod seven_zip;
pub mod stream;
pub mod tar;
pub mod zip;

pub use anomaly::Anomaly;
pub use budget::{Budget, Budgeted, Limits};
pub use error::ArchiveError;
pub use path::{PathProblem, path_problem};
