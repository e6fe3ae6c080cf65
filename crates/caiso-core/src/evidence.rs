//! Evidence: an outcome bound to subjects, parameters, seed and tool version, as an in-toto
//! statement in canonical JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Outcome;

/// Version of caiso that evidence records.
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

/// in-toto statement type, <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>.
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// Lower-case hexadecimal SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A named thing with a digest that a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// `model:classifier`, `dataset:test`, `manifest`.
    pub name: String,
    /// Algorithm to lower-case hexadecimal digest; always has `sha256`.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// A subject with a SHA-256 digest in hexadecimal.
    pub fn new(name: impl Into<String>, sha256: impl Into<String>) -> Self {
        Self { name: name.into(), digest: BTreeMap::from([("sha256".to_owned(), sha256.into())]) }
    }

    /// The SHA-256 digest in hexadecimal, empty if there is none.
    pub fn sha256(&self) -> &str {
        self.digest.get("sha256").map_or("", String::as_str)
    }
}

/// Everything that determines an outcome, and the outcome. Time, actor, duration and salt are
/// not in it: they belong to the ledger record, so equal inputs give an equal statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// in-toto statement type.
    #[serde(rename = "_type")]
    pub statement_type: String,
    /// What it is about, sorted by name.
    pub subject: Vec<Subject>,
    /// in-toto predicate type.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What is stated.
    pub predicate: CheckRun,
}

/// Predicate of a check's evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckRun {
    /// Code of the check.
    pub check: String,
    /// Tool that ran it.
    pub tool: Tool,
    /// Complete parameters.
    pub parameters: Value,
    /// Seed of the run, as a decimal string because JSON numbers end at 2^53.
    pub seed: String,
    /// What it yielded.
    pub outcome: Outcome,
}

/// Name and version of the tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `caiso`.
    pub name: String,
    /// Version.
    pub version: String,
}

/// A statement that cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Not representable as canonical JSON (a non-finite number).
    #[error("statement is not representable as canonical JSON")]
    Canonical(#[source] serde_json::Error),
}

impl Statement {
    /// in-toto predicate type of a check's evidence.
    pub const PREDICATE_TYPE: &str = "urn:caiso:predicate:check-run:v1";

    /// The statement of one run.
    pub fn new(
        check: &str,
        mut subject: Vec<Subject>,
        parameters: Value,
        seed: u64,
        outcome: Outcome,
    ) -> Self {
        subject.sort();
        Self {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject,
            predicate_type: Self::PREDICATE_TYPE.to_owned(),
            predicate: CheckRun {
                check: check.to_owned(),
                tool: Tool { name: "caiso".to_owned(), version: TOOL_VERSION.to_owned() },
                parameters,
                seed: seed.to_string(),
                outcome,
            },
        }
    }

    /// Canonical bytes (RFC 8785).
    pub fn to_canonical(&self) -> Result<Vec<u8>, StatementError> {
        serde_json_canonicalizer::to_vec(self).map_err(StatementError::Canonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_inputs_give_equal_bytes_whatever_the_subject_order() {
        let subjects = || vec![Subject::new("model:m", "aa"), Subject::new("dataset:d", "bb")];
        let reversed = subjects().into_iter().rev().collect();
        let make = |subject| {
            Statement::new(
                "RB-X-001",
                subject,
                serde_json::json!({"b": 1, "a": 0.1}),
                7,
                Outcome::default(),
            )
            .to_canonical()
            .unwrap()
        };
        assert_eq!(make(subjects()), make(reversed));
        let text = String::from_utf8(make(subjects())).unwrap();
        assert!(text.contains(r#""parameters":{"a":0.1,"b":1},"seed":"7""#), "{text}");
    }

    #[test]
    fn the_digest_is_sha256() {
        // FIPS 180-4 example.
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
