//! One report value rendered to HTML, Markdown, JSON, SARIF and for the terminal, and the
//! verification of a rendered report against the ledger's receipt in it.
//!
//! Every renderer reads the [`Report`] and nothing else, so counts, verdict and codes cannot
//! differ between outputs. Rendering is deterministic: [`verify_html`] renders the sealed value
//! again and names the parts of a file that differ.

pub mod html;
pub mod json;
pub mod markdown;
mod model;
mod render;
pub mod sarif;
mod seal;
mod tally;
pub mod terminal;
mod verify;
mod words;

pub use model::{
    Accepted, Attestation, Changes, CheckResult, CheckStatus, Classification, ComponentSummary,
    Coverage, EvidenceRow, FindingState, GateResult, LedgerHead, Report, ReportedFinding,
    Reproduction, RequirementRow, Scope, Skill, SuppressionNote, TechniqueCell, Verdict,
};
pub use render::{RENDERERS, RenderError, Renderer, renderer};
pub use seal::PREDICATE_TYPE;
pub use tally::{SectionState, SectionTally};
pub use verify::{AlteredPart, Verification, VerifyError, verify_html};
