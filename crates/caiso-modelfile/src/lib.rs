//! Model files: identification, description, detectors.
//!
//! A [`ModelFileInput`] is one file with its place in the system; it is identified by content and,
//! if it is ONNX, decoded once. [`CHECKS`] holds the checks over it. Nothing of a model file is ever
//! executed or unpickled.
//!
//! `MF-ID-001` and `MF-SIG-001` apply to every model file, `MF-ONNX-*` to ONNX files only
//! ([`ModelFileInput::format`] tells); on another format they are not assessable.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

mod checks;
mod format;
mod input;
mod onnx;
mod wire;

pub use checks::ALL as CHECKS;
pub use format::{Format, identify};
pub use input::{ModelFileInput, Signature};
