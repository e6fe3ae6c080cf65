//! The `caiso` binary.
fn main() {}
