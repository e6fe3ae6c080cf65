//! The gate policy.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Located, Severity};

/// The policy that turns results into pass or fail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gate {
    /// Findings at or above this severity fail the gate.
    pub fail_on: Severity,
    /// Threshold parameters (`minimum_…`, `maximum_…`) of checks, by code.
    pub thresholds: BTreeMap<String, Map<String, Value>>,
    /// Findings that someone has accepted, for a time.
    pub accepted: Vec<Acceptance>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { fail_on: Severity::High, thresholds: BTreeMap::new(), accepted: Vec::new() }
    }
}

/// An accepted finding. It stays visible as accepted and does not fail the gate until it expires.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// Code of the finding.
    pub code: Located<String>,
    /// Only for this component (`model:classifier`).
    pub component: Option<String>,
    /// Only for this path.
    pub path: Option<String>,
    /// Only for this part (a slice, an object).
    pub part: Option<String>,
    /// Why the risk is acceptable; at least 20 characters.
    pub reason: Located<String>,
    /// Who accepted it.
    pub approver: String,
    /// Last day it holds, `YYYY-MM-DD`, at most one year ahead.
    pub expires: Located<String>,
}
