//! The ledger against vectors of the specifications and an independent implementation.

mod common;
mod envelope;
mod note;
mod receipt;
mod tree;
