//! What goes into the log and what comes back.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use caiso_ledger::{Envelope, Hash, Link, Record, Signer, commit_body};
use jiff::Timestamp;

use crate::error::Result;
use crate::{Change, StoreError};

/// A statement to be recorded, with the state that changes by it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Who or what acts: `user:ada`, `system:scheduler`.
    pub actor: String,
    /// What is done: `evidence`, `assessment`, `attestation`, `restart`.
    pub action: String,
    /// What it is done to. Public to everybody who sees the log, so no personal data.
    pub object: String,
    /// How it went: `pass`, `fail`, `incomplete`.
    pub outcome: Option<String>,
    /// Earlier records that it builds on.
    pub links: Vec<Link>,
    /// in-toto statement, kept byte for byte and signed with the log's key.
    pub statement: Vec<u8>,
    /// State to change in the same transaction.
    pub change: Option<Change>,
}

/// A record that is durably in the log.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Zero-based number.
    pub seq: u64,
    /// When the log took it.
    pub time: Timestamp,
    /// Its leaf hash.
    pub leaf_hash: Hash,
    /// Signed checkpoint of a tree that holds it.
    pub checkpoint: Arc<str>,
}

/// Records on their way into the log.
#[derive(Debug)]
#[must_use = "only `wait` tells whether the records are in the log"]
pub struct Ticket(pub(crate) Receiver<Result<Vec<Sealed>>>);

impl Ticket {
    /// Waits until the records are durable.
    pub fn wait(self) -> Result<Vec<Sealed>> {
        self.0.recv().unwrap_or(Err(StoreError::Stopped))
    }
}

/// Actions that only the store records.
pub(crate) const KEY: &str = "key";
pub(crate) const REDACTION: &str = "redaction";
/// Link from a redaction to what it erased.
pub(crate) const REDACTS: &str = "redacts";

/// What happens to the state.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    None,
    Change(Change),
    Redact(u64),
}

/// An entry with everything done that needs neither the clock nor the log.
pub(crate) struct Draft {
    pub(crate) record: Record,
    pub(crate) salt: Hash,
    pub(crate) envelope: Vec<u8>,
    pub(crate) effect: Effect,
}

impl Draft {
    pub(crate) fn new(entry: Entry, redacts: Option<u64>, signer: &Signer) -> Result<Self> {
        let envelope = Envelope::sign(&entry.statement, signer)?.to_bytes()?;
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(StoreError::Random)?;
        let state = entry.change.as_ref().map(|change| change.commitment(&salt)).transpose()?;
        let record = Record {
            v: Record::VERSION,
            time: Timestamp::UNIX_EPOCH,
            actor: entry.actor,
            action: entry.action,
            object: entry.object,
            outcome: entry.outcome,
            commitment: commit_body(&salt, &envelope),
            body_size: envelope.len() as u64,
            state,
            links: entry.links,
            tool: "caiso".to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let effect = match (redacts, entry.change) {
            (Some(seq), _) => Effect::Redact(seq),
            (None, Some(change)) => Effect::Change(change),
            (None, None) => Effect::None,
        };
        Ok(Self { record, salt, envelope, effect })
    }
}
