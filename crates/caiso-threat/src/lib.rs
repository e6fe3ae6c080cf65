//! MITRE ATLAS: techniques of findings and coverage of tests.
//!
//! [`Atlas`] holds ids, names and relations of ATLAS with our own summaries, and can take up the
//! text of the official file. [`Mapping`] says which techniques a finding proves, enables or
//! indicates. [`coverage`] puts the runs and findings of an assessment on the matrix, and
//! [`navigator_layer`] exports that for the ATLAS Navigator.

mod atlas;
mod coverage;
mod mapping;
mod navigator;
mod official;

pub use atlas::{Atlas, Maturity, Mitigation, Tactic, Technique};
pub use coverage::{
    Assessed, CheckRun, Counts, Coverage, Found, RunResult, TacticCoverage, TechniqueCoverage,
    TechniqueStatus, coverage,
};
pub use mapping::{Access, Confidence, Link, MappedFinding, Mapping, MitigationShown, Role};
pub use navigator::navigator_layer;
