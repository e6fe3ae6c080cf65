//! What loading a Python pickle would do, told without executing anything of it.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

mod catalog;

pub use catalog::{Catalog, Category, Judgement, Listed, Rule, Severity, Use};
