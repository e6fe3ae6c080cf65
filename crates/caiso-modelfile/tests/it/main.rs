//! Integration tests of model file checks.

mod configurations;
mod description;
mod ensembles;
mod fixtures;
mod formats;
mod keras;
mod outcomes;
mod run;
mod scan;
mod tensorflow;
