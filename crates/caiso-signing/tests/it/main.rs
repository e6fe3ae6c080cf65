//! Bundles of others, bundles of our own, and bundles that must not verify.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

mod authority;
mod certificates;
mod keys;
mod manifests;
mod peer;
mod properties;
mod statements;
mod support;
mod vectors;
