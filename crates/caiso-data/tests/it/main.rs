//! Tests of caiso-data.

mod bad_input;
mod columns;
mod encode;
mod laws;
mod npy;
mod table;
