//! Integration tests of the attacks.

mod blackbox;
mod exact;
mod laws;
mod models;
mod mortgage;
mod outcomes;
mod parity;
