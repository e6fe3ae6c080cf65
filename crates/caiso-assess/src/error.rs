//! Errors that stop an assessment before it has a verdict.

use std::path::PathBuf;

use caiso_core::Diagnostic;

/// Why no assessment could be made. The command line answers all of these with exit status 2.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssessError {
    /// No manifest at the given place or above it.
    #[error("no caiso.yaml in {} or any folder above it; `caiso init` writes one", .0.display())]
    NoManifest(PathBuf),
    /// The manifest is wrong, or what it says does not fit the files.
    #[error("{}", join(.0))]
    Manifest(Vec<Diagnostic>),
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No campaign can be run.
    #[error("{0}")]
    Redteam(String),
    /// `--only` or `--skip` matches no check.
    #[error("`{pattern}` matches no check{}", suggestion.as_ref().map(|s| format!(", did you mean `{s}`?")).unwrap_or_default())]
    NoSuchCheck {
        /// As given.
        pattern: String,
        /// The nearest code.
        suggestion: Option<String>,
    },
    /// The baseline is not a report.
    #[error("the baseline {} is not a JSON report of caiso", .path.display())]
    Baseline {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A result is not representable as canonical JSON.
    #[error(transparent)]
    Statement(#[from] caiso_core::StatementError),
    /// The ledger refused.
    #[error(transparent)]
    Store(#[from] caiso_store::StoreError),
    /// An answer to the EU AI Act classification is wrong.
    #[error("{0}")]
    Answers(String),
    /// A date is not `YYYY-MM-DD`.
    #[error("`{0}` is not a date, expected YYYY-MM-DD")]
    Date(String),
}

fn join(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
