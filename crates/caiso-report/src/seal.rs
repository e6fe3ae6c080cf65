//! What the ledger seals of a report and what its receipt says about it.

use caiso_ledger::{
    Checkpoint, LedgerError, Receipt, STATEMENT_TYPE, Statement, StatementSubject, VerifierKey,
};

use crate::{LedgerHead, Report};

/// in-toto predicate type of a report.
pub const PREDICATE_TYPE: &str = "urn:caiso:predicate:report:v1";

impl Report {
    /// The statement to seal: the report without the ledger's head, about the components whose
    /// files were read.
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
        Ok(Statement {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject,
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: serde_json::to_value(self.without_ledger())?,
        })
    }

    /// SHA-256 over the canonical JSON of the sealed body, in hexadecimal.
    pub fn digest(&self) -> Result<String, serde_json::Error> {
        let bytes = serde_json_canonicalizer::to_vec(&self.without_ledger())?;
        Ok(caiso_core::sha256_hex(&bytes))
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
