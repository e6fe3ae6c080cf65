//! ATLAS data, mapping, coverage and export.

mod coverage;
mod data;
mod official;
