//! Integration tests of model file checks.

mod fixtures;
mod formats;
mod keras;
mod outcomes;
mod scan;
