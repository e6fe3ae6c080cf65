//! What the scan says about files as they come.
#![expect(clippy::disallowed_methods, reason = "tests work on real files")]

mod real;
mod resources;
