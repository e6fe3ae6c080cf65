//! One report value rendered to HTML, Markdown, JSON and SARIF.

mod model;

pub use model::{
    Accepted, Attestation, Changes, CheckResult, CheckStatus, Classification, ComponentSummary,
    Coverage, EvidenceRow, FindingState, GateResult, LedgerHead, Report, ReportedFinding,
    Reproduction, RequirementRow, Scope, Skill, SuppressionNote, TechniqueCell, Verdict,
};
