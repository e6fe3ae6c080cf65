//! The vocabulary of caiso: units, outcomes, evidence statements and the manifest.
//!
//! Everything here is data without input or output. Engines take arrays and return an
//! [`Outcome`]; the edges bind it to subjects and seal it as a [`Statement`].

mod check;
mod diagnostic;
mod evidence;
mod figure;
mod located;
pub mod manifest;
mod meta;
mod outcome;
mod parameters;

pub use check::{Check, CheckError, RunContext};
pub use diagnostic::{Diagnostic, nearest};
pub use evidence::{Statement, StatementError, Subject, TOOL_VERSION, sha256_hex};
pub use figure::{
    Band, Bar, Changed, ChangedRecord, Dot, Figure, GridCell, ImageRow, Line, Mark, Raster,
};
pub use located::Located;
pub use manifest::Manifest;
pub use meta::{Meta, Section, Severity};
pub use outcome::{
    Direction, Finding, Interval, Location, Measurement, NotAssessed, Outcome, Span, Threshold,
    Value,
};
pub use parameters::{ParameterError, ParameterSet, Parameters, describe};
