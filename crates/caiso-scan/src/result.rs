//! What a scan says about one file.

use caiso_core::{Finding, Severity, Span};
use caiso_modelfile::Tree;
use serde::{Serialize, Serializer};

/// The answer for one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything was inspected, and nothing at or over medium severity was found.
    Clean,
    /// Something of medium severity or more was found.
    Findings,
    /// Nothing of that severity was found, but not everything could be inspected.
    Incomplete,
}

/// The result for one file. Serialises as the JSON contract of `caiso scan`.
#[derive(Clone, Debug, Serialize)]
pub struct FileResult {
    /// The path as named or found; parts that are not UTF-8 have replacement characters.
    pub path: String,
    /// SHA-256, lower-case hexadecimal; `None` if it was not asked for or nothing could be read.
    pub sha256: Option<String>,
    /// Size in bytes.
    pub size: u64,
    /// [`caiso_modelfile::Format::id`] of everything the file itself could be taken for.
    pub formats: Vec<&'static str>,
    /// The answer.
    pub verdict: Verdict,
    /// The worst severity among the findings.
    pub max_severity: Option<Severity>,
    /// What is wrong, worst first.
    #[serde(serialize_with = "findings")]
    pub findings: Vec<Finding>,
    /// What was not inspected.
    pub not_inspected: Vec<NotInspected>,
    /// The file and its parts.
    #[serde(skip)]
    pub tree: Tree,
}

/// Something that was not inspected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotInspected {
    /// Which part of the file; `None` for the file itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Which bytes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Span>,
    /// Why not.
    pub reason: String,
}

impl FileResult {
    /// The result of a file that could not be read.
    pub(crate) fn unreadable(path: String, reason: String) -> Self {
        let not_inspected = vec![NotInspected { part: None, bytes: None, reason }];
        Self {
            path,
            sha256: None,
            size: 0,
            formats: Vec::new(),
            verdict: Verdict::Incomplete,
            max_severity: None,
            findings: Vec::new(),
            not_inspected,
            tree: Tree::default(),
        }
    }
}

/// The contract names four fields of a finding; the others only add to them.
fn findings<S: Serializer>(findings: &[Finding], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Row<'f> {
        code: &'f str,
        severity: Severity,
        message: &'f str,
        location: Place<'f>,
        techniques: &'f [String],
        remediation: &'f str,
        fingerprint: String,
    }
    #[derive(Serialize)]
    struct Place<'f> {
        path: &'f str,
        #[serde(skip_serializing_if = "Option::is_none")]
        part: Option<&'f str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        bytes: Option<Span>,
    }
    serializer.collect_seq(findings.iter().map(|finding| Row {
        code: &finding.code,
        severity: finding.severity,
        message: &finding.message,
        location: Place {
            path: finding.location.path.as_deref().unwrap_or_default(),
            part: finding.location.part.as_deref(),
            line: finding.location.line,
            bytes: finding.location.bytes,
        },
        techniques: &finding.techniques,
        remediation: &finding.remediation,
        fingerprint: finding.fingerprint(),
    }))
}
