use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use caiso_ledger::{
    Checkpoint, Disclosure, Hash, Link, Note, Opening, Receipt, Record, STATEMENT_TYPE, Signer,
    Statement, StatementSubject, VerifierKey, prove_inclusion,
};
use jiff::Timestamp;
use rayon::prelude::*;
use rusqlite::{Connection, OptionalExtension as _};
use sha2::{Digest, Sha256};

use crate::entry::{Draft, KEY, REDACTION, REDACTS};
use crate::error::{Result, damaged, read_error};
use crate::home::Home;
use crate::sequencer::Sequencer;
use crate::state::check_state;
use crate::{Assessment, Attestation, Change, Entry, Evidence, Sealed, StoreError, Ticket};
use crate::{database, log};

/// Source of the time, asked once per transaction.
pub type Clock = Box<dyn Fn() -> Timestamp + Send>;

/// A ledger with its state, in a home folder. Any number of readers may work beside the one
/// process that writes.
pub struct Store {
    home: Home,
    verifier: VerifierKey,
    reader: Mutex<Connection>,
    // Dropped in this order: the thread ends before the lock is given back.
    writer: Option<Writer>,
}

struct Writer {
    signer: Arc<Signer>,
    sequencer: Sequencer,
    _lock: File,
}

/// One record in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Zero-based number.
    pub seq: u64,
    /// The record.
    pub record: Record,
}

/// One record with everything that belongs to it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Zero-based number.
    pub seq: u64,
    /// Its leaf hash.
    pub leaf_hash: Hash,
    /// The record.
    pub record: Record,
    /// Its salt and body, unless erased; checked against the record's commitment.
    pub opening: Option<Opening>,
    /// The state that changed with it; checked against the record's commitment.
    pub change: Option<Change>,
}

/// What a receipt shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclose {
    /// The record and its body.
    Body,
    /// The record alone: that something was recorded, not what.
    RecordOnly,
}

impl Store {
    /// Opens the ledger in `home` for writing; makes it, with a new key, where there is none.
    pub fn open(home: &Path, clock: Clock) -> Result<Self> {
        Self::open_for_writing(home, clock, None)
    }

    /// As [`Store::open`], with a limit to the size of the database in bytes. What no longer fits
    /// is refused with [`StoreError::Full`].
    pub fn open_with_limit(home: &Path, clock: Clock, bytes: u64) -> Result<Self> {
        Self::open_for_writing(home, clock, Some(bytes))
    }

    fn open_for_writing(home: &Path, clock: Clock, size_limit: Option<u64>) -> Result<Self> {
        let home = Home::new(home);
        let lock = home.lock()?;
        let connection = database::open_writer(&home.database, size_limit)?;
        let first = log::size(&connection).map_err(|error| error.at(&home.database))? == 0;
        let signer = Arc::new(home.signer(!first)?);
        let sequencer = Sequencer::start(connection, Arc::clone(&signer), clock, home.clone())?;
        if first {
            let draft = Draft::new(key_entry(signer.verifier())?, None, &signer)?;
            sequencer.submit(vec![draft])?.wait()?;
        }
        let reader = Mutex::new(database::open_reader(&home.database)?);
        let verifier = signer.verifier().clone();
        let writer = Some(Writer { signer, sequencer, _lock: lock });
        Ok(Self { home, verifier, reader, writer })
    }

    /// Opens the ledger in `home` for reading; needs no right to write there.
    pub fn open_read_only(home: &Path) -> Result<Self> {
        let home = Home::new(home);
        if !home.database.try_exists().map_err(read_error(&home.database))? {
            return Err(StoreError::NoLedger { home: home.folder, missing: home.database });
        }
        let verifier = home.verifier_key()?;
        let reader = Mutex::new(database::open_reader(&home.database)?);
        Ok(Self { home, verifier, reader, writer: None })
    }

    /// The key that verifies checkpoints, statements and receipts of this ledger.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Records one entry; returns when it is durable.
    pub fn append(&self, entry: Entry) -> Result<Sealed> {
        one(self.append_batch(vec![entry])?)
    }

    /// Records entries together or not at all; returns when they are durable.
    pub fn append_batch(&self, entries: Vec<Entry>) -> Result<Vec<Sealed>> {
        self.submit(entries)?.wait()
    }

    /// Hands over entries that are recorded together or not at all, without waiting for the disk.
    pub fn submit(&self, entries: Vec<Entry>) -> Result<Ticket> {
        let writer = self.writer()?;
        if let Some(entry) = entries.iter().find(|e| e.action == KEY || e.action == REDACTION) {
            return Err(StoreError::ReservedAction { action: entry.action.clone() });
        }
        let drafts = entries
            .into_par_iter()
            .with_min_len(16)
            .map(|entry| Draft::new(entry, None, &writer.signer))
            .collect::<Result<Vec<_>>>()?;
        writer.sequencer.submit(drafts)
    }

    /// Erases the body, salt and state of a record for good and records that this was done, by
    /// whom and why. The record itself stays, so all proofs stay valid, but nothing tells any more
    /// what it committed to. `reason` is kept in the log: no personal data.
    pub fn redact(&self, seq: u64, actor: &str, reason: &str) -> Result<Sealed> {
        let writer = self.writer()?;
        let (_, leaf_hash) = log::record(&self.reader(), seq)?;
        let entry = Entry {
            actor: actor.to_owned(),
            action: REDACTION.to_owned(),
            object: format!("record:{seq}"),
            outcome: None,
            links: vec![Link { rel: REDACTS.to_owned(), seq }],
            statement: statement(
                &format!("record:{seq}"),
                leaf_hash,
                "urn:caiso:predicate:redaction:v1",
                serde_json::json!({ "reason": reason }),
            )?,
            change: None,
        };
        let draft = Draft::new(entry, Some(seq), &writer.signer)?;
        one(writer.sequencer.submit(vec![draft])?.wait()?)
    }

    /// Number of records.
    pub fn size(&self) -> Result<u64> {
        log::size(&self.reader())
    }

    /// The newest checkpoint and its signed text; none if nothing was ever recorded.
    pub fn checkpoint(&self) -> Result<Option<(Checkpoint, Note)>> {
        log::checkpoint(&self.reader(), &self.verifier)
    }

    /// Records from number `from` on, at most `limit`.
    pub fn log(&self, from: u64, limit: usize) -> Result<Vec<LogLine>> {
        let reader = self.reader();
        let mut statement = reader
            .prepare_cached("SELECT seq, entry FROM leaf WHERE seq >= ?1 ORDER BY seq LIMIT ?2")?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        let rows = statement.query_map((from, limit), |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.map(|row| {
            let (seq, entry): (u64, Vec<u8>) = row?;
            Ok(LogLine { seq, record: Record::from_entry(&entry)? })
        })
        .collect()
    }

    /// One record with its body and state.
    pub fn show(&self, seq: u64) -> Result<Shown> {
        show(&self.reader(), seq)
    }

    /// A receipt: proves offline, with the key alone, that the record is in the log.
    pub fn prove(&self, seq: u64, disclose: Disclose) -> Result<Receipt> {
        let mut reader = self.reader();
        // One view of log and checkpoint, whatever is recorded meanwhile.
        let view = reader.transaction()?;
        let (record, _) = log::record(&view, seq)?;
        let opening = match disclose {
            Disclose::Body => log::opening(&view, seq, &record)?,
            Disclose::RecordOnly => None,
        };
        let (checkpoint, note) = log::checkpoint(&view, &self.verifier)?
            .ok_or_else(|| damaged("there is no checkpoint"))?;
        let proof =
            prove_inclusion(seq, checkpoint.size, |height, index| log::node(&view, height, index))?;
        Ok(Receipt::new(&Disclosure { entry: record, opening }, seq, proof, note)?)
    }

    /// Number of the newest record whose result can be used for a cache key, with the digest of
    /// its statement.
    pub fn cached_evidence(&self, cache_key: &str) -> Result<Option<(u64, Evidence)>> {
        let reader = self.reader();
        let seq: Option<u64> = reader
            .prepare_cached("SELECT MAX(seq) FROM evidence WHERE cache_key = ?1")?
            .query_row([cache_key], |row| row.get(0))
            .optional()?
            .flatten();
        seq.map(|seq| match show(&reader, seq)?.change {
            Some(Change::Evidence(evidence)) => Ok((seq, evidence)),
            _ => Err(damaged(format!("record {seq} is no evidence"))),
        })
        .transpose()
    }

    /// All attestations for a system with the numbers of their records, oldest first.
    pub fn attestations(&self, system: &str) -> Result<Vec<(u64, Attestation)>> {
        let reader = self.reader();
        let mut statement =
            reader.prepare_cached("SELECT seq FROM attestation WHERE system = ?1 ORDER BY seq")?;
        let seqs =
            statement.query_map([system], |row| row.get(0))?.collect::<Result<Vec<u64>, _>>()?;
        seqs.into_iter()
            .map(|seq| match show(&reader, seq)?.change {
                Some(Change::Attestation(attestation)) => Ok((seq, attestation)),
                _ => Err(damaged(format!("record {seq} is no attestation"))),
            })
            .collect()
    }

    /// Numbers of the records of a system's assessments, newest first.
    pub fn assessments(&self, system: &str) -> Result<Vec<u64>> {
        let reader = self.reader();
        let mut statement = reader
            .prepare_cached("SELECT seq FROM assessment WHERE system = ?1 ORDER BY seq DESC")?;
        Ok(statement.query_map([system], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// The assessment that a record tells of.
    pub fn assessment(&self, seq: u64) -> Result<Assessment> {
        match show(&self.reader(), seq)?.change {
            Some(Change::Assessment(assessment)) => Ok(assessment),
            _ => Err(damaged(format!("record {seq} holds no assessment"))),
        }
    }

    /// A connection of its own, for work that takes long.
    pub(crate) fn connect(&self) -> Result<Connection> {
        database::open_reader(&self.home.database)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> Result<&Writer> {
        self.writer.as_ref().ok_or(StoreError::OpenedForReading)
    }
}

fn show(connection: &Connection, seq: u64) -> Result<Shown> {
    let (record, leaf_hash) = log::record(connection, seq)?;
    let opening = log::opening(connection, seq, &record)?;
    let change = match &opening {
        Some(opening) => check_state(connection, seq, record.state.as_ref(), &opening.salt)?,
        None => None,
    };
    Ok(Shown { seq, leaf_hash, record, opening, change })
}

fn one(sealed: Vec<Sealed>) -> Result<Sealed> {
    sealed.into_iter().next().ok_or(StoreError::Stopped)
}

/// The first record of every log: the key that signs it.
fn key_entry(key: &VerifierKey) -> Result<Entry> {
    Ok(Entry {
        actor: "caiso".to_owned(),
        action: KEY.to_owned(),
        object: key.key_id(),
        outcome: None,
        links: Vec::new(),
        statement: statement(
            key.name(),
            Sha256::digest(key.public_bytes()).into(),
            "urn:caiso:predicate:key:v1",
            serde_json::json!({ "key": key.to_string() }),
        )?,
        change: None,
    })
}

fn statement(
    subject: &str,
    digest: Hash,
    predicate_type: &str,
    predicate: serde_json::Value,
) -> Result<Vec<u8>> {
    let digest = [("sha256".to_owned(), hex::encode(digest))].into();
    let statement = Statement {
        statement_type: STATEMENT_TYPE.to_owned(),
        subject: vec![StatementSubject { name: subject.to_owned(), digest }],
        predicate_type: predicate_type.to_owned(),
        predicate,
    };
    Ok(statement.to_bytes()?)
}
