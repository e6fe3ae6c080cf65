//! Integration tests of the attacks.

mod exact;
mod laws;
mod models;
mod mortgage;
mod nearest;
mod outcomes;
mod parity;
