//! Integration tests of model file checks.

mod fixtures;
mod formats;
