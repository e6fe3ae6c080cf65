//! Integration tests of the readers, against Python's standard library and bytes made by hand.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

mod budget;
mod hostile;
mod seven_zip;
mod streams;
mod support;
mod tar;
mod zip_anomalies;
mod zip_peer;
