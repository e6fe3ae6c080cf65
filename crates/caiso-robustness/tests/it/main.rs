//! Integration tests of the attacks.

mod blackbox;
mod exact;
mod laws;
mod models;
mod mortgage;
mod nearest;
mod outcomes;
mod parity;
