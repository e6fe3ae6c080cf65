//! Model files: what they are, what is packed in them, what is wrong with them.
//!
//! [`read`] turns bytes into a [`Tree`]: the file and everything packed in it, each with every
//! [`Reading`] that a loader could take it for, and the [`Gap`]s that nothing understood. One reader for
//! each format (`readers/`) gathers facts; one check for each weakness ([`CHECKS`], `checks/`) judges
//! them. Nothing of a model file is ever executed or unpickled.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::unwrap_used
    )
)]

mod binary_tree;
mod checks;
mod cursor;
mod description;
mod document;
mod format;
mod globals;
mod input;
mod readers;
mod suspicion;
mod template;
mod text_signs;
mod tree;
mod value;
mod walk;
mod wire;
mod xml;

pub use checks::{ALL as CHECKS, applies};
pub use description::{Description, describe, package_of_module};
pub use format::Format;
pub use input::{DataFile, Found, ModelFileInput, Signature};
pub use tree::{Gap, Node, Reading, Tree};
pub use walk::{InMemory, Limits, Scratch, read};
