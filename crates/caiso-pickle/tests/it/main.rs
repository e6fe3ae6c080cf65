//! What the analysis promises, on hand-made pickles, on random bytes, and against CPython.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and start CPython"
)]

mod assemble;
mod bypasses;
mod catalog;
mod differences;
mod streams;
