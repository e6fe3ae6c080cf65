//! Integration tests of model file checks.

mod ensembles;
mod fixtures;
mod formats;
mod keras;
mod outcomes;
mod scan;
mod run;
mod tensorflow;
