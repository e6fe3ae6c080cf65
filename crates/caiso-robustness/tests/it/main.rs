//! Integration tests of the attacks.

mod exact;
mod forest;
mod laws;
mod models;
mod mortgage;
mod outcomes;
mod parity;
mod trees;
