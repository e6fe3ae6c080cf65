//! The store as its users see it, and under everything that can go wrong.
#![expect(clippy::disallowed_methods, reason = "tests work on real files and processes")]

mod common;
mod crash;
mod damage;
mod export;
mod life;
mod trouble;
