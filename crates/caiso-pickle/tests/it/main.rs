//! What the analysis promises, on hand-made pickles, on random bytes, and against CPython.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and start CPython"
)]

mod assemble;
mod bypasses;
mod catalog;
mod cpython;
mod differences;
mod literals;
mod properties;
mod streams;
