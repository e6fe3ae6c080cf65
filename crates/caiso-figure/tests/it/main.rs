//! Pictures and tables of figures.

mod laws;
mod snapshots;
