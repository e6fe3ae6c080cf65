//! From components of the manifest to the inputs of the engines, a file a section.

pub(crate) mod compliance;
pub(crate) mod infrastructure;
pub(crate) mod labelled;
pub(crate) mod models;
pub(crate) mod threats;
