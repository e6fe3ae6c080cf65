//! What the ledger seals of a report and what its receipt says about it.

use caiso_ledger::{
    Checkpoint, LedgerError, Receipt, STATEMENT_TYPE, Statement, StatementSubject, VerifierKey,
};
use serde::ser::Error as _;

use crate::{LedgerHead, Report};

/// in-toto predicate type of a report.
pub const PREDICATE_TYPE: &str = "urn:caiso:predicate:report:v1";

/// Largest whole number up to which every one has its own number in JSON.
const EXACT: u64 = 1 << 53;

impl Report {
    /// The statement to seal: the report without the ledger's head, about the components whose
    /// files were read. A number that JSON does not keep (not finite, a seed above 2^53) is an
    /// error, because the sealed report could not be read back.
    pub fn statement(&self) -> Result<Statement, serde_json::Error> {
        let subject = self
            .scope
            .components
            .iter()
            .filter_map(|component| component.subject.as_ref())
            .map(|subject| StatementSubject {
                name: subject.name.clone(),
                digest: subject.digest.clone(),
            })
            .collect();
        let body = self.canonical_body()?;
        // Whatever JSON lost (a number that is not finite becomes null) shows here.
        serde_json::from_slice::<Self>(&body)?;
        Ok(Statement {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject,
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: serde_json::from_slice(&body)?,
        })
    }

    /// SHA-256 over the canonical JSON of the sealed body, in hexadecimal.
    pub fn digest(&self) -> Result<String, serde_json::Error> {
        Ok(caiso_core::sha256_hex(&self.canonical_body()?))
    }

    fn canonical_body(&self) -> Result<Vec<u8>, serde_json::Error> {
        if self.seed > EXACT {
            let reason = format!("the seed {} is above 2^53, where JSON is not exact", self.seed);
            return Err(serde_json::Error::custom(reason));
        }
        serde_json_canonicalizer::to_vec(&self.without_ledger())
    }
}

impl LedgerHead {
    /// The head that a receipt proves its record against, if the key signed it.
    pub fn of_receipt(receipt: &Receipt, key: &VerifierKey) -> Result<Self, LedgerError> {
        let checkpoint = Checkpoint::open(&receipt.checkpoint, key)?;
        Ok(Self {
            size: checkpoint.size,
            root: hex::encode(checkpoint.root),
            checkpoint: receipt.checkpoint.to_string(),
            key: key.to_string(),
        })
    }
}
