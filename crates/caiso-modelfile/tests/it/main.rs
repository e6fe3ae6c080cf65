//! Integration tests of model file checks.

mod description;
mod fixtures;
mod formats;
mod outcomes;
