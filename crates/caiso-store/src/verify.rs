//! Verification: everything in the tables recomputed from the records.

use std::collections::{BTreeMap, BTreeSet};

use caiso_ledger::{
    Checkpoint, Envelope, Frontier, Hash, Note, Record, VerifierKey, commit_body, encode_hashes,
    replay,
};
use jiff::Timestamp;
use rayon::prelude::*;
use rusqlite::Connection;
use serde::Serialize;

use crate::entry::{KEY, REDACTION, REDACTS};
use crate::error::Result;
use crate::state::{TABLES, check_state};
use crate::{Store, StoreError, database};

/// Records and bytes read before they are checked together.
const CHUNK_RECORDS: usize = 8192;
const CHUNK_BYTES: usize = 64 << 20;
/// Failures listed one by one; further ones are counted.
const LISTED: usize = 1000;

/// What a verification found.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// Name of the log.
    pub origin: String,
    /// Number of records.
    pub size: u64,
    /// Recomputed root over all records, in hexadecimal.
    pub root: String,
    /// What was checked, and how often.
    pub checks: Vec<CheckCount>,
    /// What does not hold, at most the first 1,000.
    pub failures: Vec<Failure>,
    /// How many failures there are, listed or not.
    pub failure_count: u64,
    /// What was not checked.
    pub not_checked: Vec<String>,
}

impl Verification {
    /// Whether everything that was checked holds.
    pub fn passed(&self) -> bool {
        self.failure_count == 0
    }
}

/// How many things of a kind were checked.
#[derive(Clone, Debug, Serialize)]
pub struct CheckCount {
    /// What was checked.
    pub what: &'static str,
    /// How many.
    pub count: u64,
}

/// One thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The record it concerns, if it concerns one.
    pub seq: Option<u64>,
    /// What does not hold.
    pub what: String,
}

impl Store {
    /// Recomputes the whole ledger from its records: leaf hashes, tree, tiles, every checkpoint
    /// with its signature, bodies and state against the commitments. `against` is the text of a
    /// checkpoint from elsewhere, which the ledger must extend. Damage is a failure in the result;
    /// an error means that the verification itself could not be carried out.
    pub fn verify(&self, against: Option<&str>) -> Result<Verification> {
        let mut connection = self.connect()?;
        let view = connection.transaction()?;
        let mut verifier = Verifier::new(&view, self.verifier_key());
        match verifier.run(against) {
            Ok(()) => Ok(verifier.report()),
            // What SQLite cannot read any more is damage too.
            Err(StoreError::Damaged { what }) => {
                verifier.fail(None, what);
                Ok(verifier.report())
            }
            Err(error) => Err(error),
        }
    }
}

struct Verifier<'a> {
    view: &'a Connection,
    key: &'a VerifierKey,
    frontier: Frontier,
    last_time: Timestamp,
    counts: BTreeMap<&'static str, u64>,
    failures: Vec<Failure>,
    failure_count: u64,
    without_body: BTreeSet<u64>,
    redacted: BTreeSet<u64>,
    external: Option<Checkpoint>,
}

/// A leaf with its body, as stored.
struct Row {
    seq: u64,
    hash: Vec<u8>,
    entry: Vec<u8>,
    body: Option<(Vec<u8>, Vec<u8>)>,
}

/// A checkpoint, as stored.
struct Signed {
    size: u64,
    root: Vec<u8>,
    note: Vec<u8>,
}

/// What a leaf turned out to be.
struct Checked {
    record: Option<Record>,
    salt: Option<Hash>,
    failures: Vec<String>,
}

impl<'a> Verifier<'a> {
    fn new(view: &'a Connection, key: &'a VerifierKey) -> Self {
        Self {
            view,
            key,
            frontier: Frontier::default(),
            last_time: Timestamp::MIN,
            counts: BTreeMap::new(),
            failures: Vec::new(),
            failure_count: 0,
            without_body: BTreeSet::new(),
            redacted: BTreeSet::new(),
            external: None,
        }
    }

    fn run(&mut self, against: Option<&str>) -> Result<()> {
        self.check_database()?;
        if let Some(text) = against {
            match Note::parse(text.trim_start_matches('\u{feff}').as_bytes())
                .and_then(|note| Checkpoint::open(&note, self.key))
            {
                Ok(checkpoint) => self.external = Some(checkpoint),
                Err(error) => self.fail(None, format!("the checkpoint given: {error}")),
            }
        }
        self.check_leaves()?;
        self.check_ends()
    }

    fn report(self) -> Verification {
        let mut not_checked = vec![
            "when records were written: their times are the ledger's own clock".to_owned(),
            format!("that the key {} is the one you know", self.key.key_id()),
        ];
        if self.external.is_none() {
            not_checked.push(
                "that no newest records were cut off and nothing was rewritten with the key: \
                 give a checkpoint kept elsewhere"
                    .to_owned(),
            );
        }
        Verification {
            origin: self.key.name().to_owned(),
            size: self.frontier.size(),
            root: hex::encode(self.frontier.root()),
            checks: self
                .counts
                .into_iter()
                .map(|(what, count)| CheckCount { what, count })
                .collect(),
            failures: self.failures,
            failure_count: self.failure_count,
            not_checked,
        }
    }

    fn count(&mut self, what: &'static str, number: usize) {
        *self.counts.entry(what).or_default() += number as u64;
    }

    fn fail(&mut self, seq: Option<u64>, what: impl Into<String>) {
        self.failure_count += 1;
        if self.failures.len() < LISTED {
            self.failures.push(Failure { seq, what: what.into() });
        }
    }

    /// The file as SQLite sees it: structure, types, indexes, schema.
    fn check_database(&mut self) -> Result<()> {
        let mut statement = self.view.prepare("PRAGMA integrity_check(100)")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let found: Vec<_> = rows.collect::<Result<_, _>>()?;
        for what in found.into_iter().filter(|what| what != "ok") {
            self.fail(None, format!("database: {what}"));
        }
        for what in database::schema_differences(self.view)? {
            self.fail(None, what);
        }
        self.count("database structure", 1);
        Ok(())
    }

    fn check_leaves(&mut self) -> Result<()> {
        let mut statement = self.view.prepare(
            "SELECT leaf.seq, hash, entry, salt, envelope
             FROM leaf LEFT JOIN body USING (seq) ORDER BY leaf.seq",
        )?;
        let mut rows = statement.query([])?;
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        let mut next = 0_u64;
        while let Some(row) = rows.next()? {
            let seq: i64 = row.get(0)?;
            if u64::try_from(seq) != Ok(next) {
                self.check_chunk(&chunk)?;
                self.fail(
                    Some(next),
                    format!("the record is missing (the next one is {seq}); those after it have lost their place"),
                );
                return Ok(());
            }
            let salt: Option<Vec<u8>> = row.get(3)?;
            let body = salt.zip(row.get(4)?);
            let row = Row { seq: next, hash: row.get(1)?, entry: row.get(2)?, body };
            bytes += row.entry.len() + row.body.as_ref().map_or(0, |(_, envelope)| envelope.len());
            chunk.push(row);
            next += 1;
            if chunk.len() >= CHUNK_RECORDS || bytes >= CHUNK_BYTES {
                self.check_chunk(&chunk)?;
                chunk.clear();
                bytes = 0;
            }
        }
        self.check_chunk(&chunk)
    }

    fn check_chunk(&mut self, chunk: &[Row]) -> Result<()> {
        let key = self.key;
        let checked: Vec<_> =
            chunk.par_iter().with_min_len(16).map(|row| check_row(row, key)).collect();
        for (row, checked) in chunk.iter().zip(checked) {
            self.take_record(row, checked)?;
        }

        let (start, end) = (self.frontier.size(), self.frontier.size() + chunk.len() as u64);
        let checkpoints = self.checkpoints(start, end)?;
        let mut sizes: BTreeSet<u64> =
            checkpoints.iter().map(|checkpoint| checkpoint.size).collect();
        sizes.extend(self.external.iter().map(|checkpoint| checkpoint.size));
        let entries: Vec<_> = chunk.iter().map(|row| row.entry.as_slice()).collect();
        let replayed = replay(&mut self.frontier, &entries, &sizes);

        for (row, hash) in chunk.iter().zip(&replayed.leaf_hashes) {
            if row.hash != hash {
                self.fail(Some(row.seq), "the record does not have its stored hash");
            }
        }
        self.count("records and their leaf hashes", chunk.len());

        for tile in &replayed.tiles {
            let stored = self
                .view
                .prepare_cached("SELECT root, data FROM tile WHERE level = ?1 AND idx = ?2")?
                .query_row((tile.level, tile.index), |row| {
                    Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
                });
            let at = format!("tile {} of level {}", tile.index, tile.level);
            match stored {
                Ok((root, data)) if root == tile.root && data == encode_hashes(&tile.hashes) => {}
                Ok(_) => self.fail(None, format!("{at} is not that of the records")),
                Err(rusqlite::Error::QueryReturnedNoRows) => {
                    self.fail(None, format!("{at} is missing"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.count("tiles", replayed.tiles.len());

        let failures: Vec<_> = checkpoints
            .par_iter()
            .filter_map(|Signed { size, root, note }| {
                let expected = replayed.roots.get(size)?;
                check_checkpoint(*size, root, note, expected, key)
                    .map(|what| format!("the checkpoint of {size} records {what}"))
            })
            .collect();
        for what in failures {
            self.fail(None, what);
        }
        self.count("checkpoints and their signatures", checkpoints.len());

        if let Some(external) = &self.external
            && let Some(root) = replayed.roots.get(&external.size)
        {
            let (size, same) = (external.size, *root == external.root);
            self.check_external(size, same);
        }
        Ok(())
    }

    fn check_external(&mut self, size: u64, same: bool) {
        self.count("consistency with the checkpoint given", 1);
        if !same {
            self.fail(
                None,
                format!("the first {size} records are not those of the checkpoint given: history was rewritten"),
            );
        }
    }

    fn checkpoints(&self, after: u64, until: u64) -> Result<Vec<Signed>> {
        let mut statement = self.view.prepare_cached(
            "SELECT size, root, CAST(note AS BLOB) FROM checkpoint
             WHERE size > ?1 AND size <= ?2 ORDER BY size",
        )?;
        let rows = statement.query_map((after, until), |row| {
            Ok(Signed { size: row.get(0)?, root: row.get(1)?, note: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What only shows in order: time, redactions, and the state tables.
    fn take_record(&mut self, row: &Row, checked: Checked) -> Result<()> {
        let seq = row.seq;
        for what in checked.failures {
            self.fail(Some(seq), what);
        }
        if row.body.is_some() {
            self.count("bodies, their commitments and signatures", 1);
        } else {
            self.without_body.insert(seq);
        }
        let Some(record) = checked.record else { return Ok(()) };
        if record.time < self.last_time {
            self.fail(Some(seq), "the record is older than the one before it");
        }
        self.last_time = self.last_time.max(record.time);
        if (seq == 0) != (record.action == KEY) {
            self.fail(Some(seq), "the first record, and no other, tells of the key");
        } else if seq == 0 && record.object != self.key.key_id() {
            self.fail(Some(seq), format!("the log was begun with the key {}", record.object));
        }
        if record.action == REDACTION {
            let targets = record.links.iter().filter(|link| link.rel == REDACTS);
            self.redacted.extend(targets.map(|link| link.seq));
        }
        if let (Some(_), Some(salt)) = (record.state, checked.salt) {
            match check_state(self.view, seq, record.state.as_ref(), &salt) {
                Ok(_) => self.count("rows of state and their commitments", 1),
                Err(StoreError::Damaged { what }) => self.fail(Some(seq), what),
                Err(StoreError::Ledger(error)) => self.fail(Some(seq), error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What only shows at the end: rows that belong to nothing, and what is missing.
    fn check_ends(&mut self) -> Result<()> {
        let size = self.frontier.size();
        if size == 0 {
            self.fail(None, "the ledger has no record, not even that of its key");
        }
        let newest: Option<i64> =
            self.view.query_row("SELECT MAX(size) FROM checkpoint", [], |row| row.get(0))?;
        if newest.and_then(|newest| u64::try_from(newest).ok()) != Some(size) {
            self.fail(None, format!("the last checkpoint is not that of all {size} records"));
        }
        for seq in self.without_body.difference(&self.redacted).copied().collect::<Vec<_>>() {
            self.fail(Some(seq), "the body is missing and no record tells of a redaction");
        }
        for seq in self.redacted.difference(&self.without_body).copied().collect::<Vec<_>>() {
            self.fail(Some(seq), "the body is there although a record tells of its redaction");
        }
        let checked = |what| self.counts.get(what).copied().unwrap_or(0);
        let expected = [
            ("tile", checked("tiles")),
            ("checkpoint", checked("checkpoints and their signatures")),
            ("body", checked("bodies, their commitments and signatures")),
        ];
        let mut strays = Vec::new();
        for (table, expected) in expected {
            let found = self.rows(table)?;
            if found != expected {
                strays.push(format!(
                    "table {table} has {found} rows, the records account for {expected}"
                ));
            }
        }
        let mut state = 0;
        for table in TABLES {
            state += self.rows(table)?;
        }
        let expected = checked("rows of state and their commitments");
        if state != expected {
            strays.push(format!("the state has {state} rows, the records account for {expected}"));
        }
        for what in strays {
            self.fail(None, what);
        }
        match &self.external {
            Some(external) if external.size > size => {
                let missing = external.size - size;
                self.fail(
                    None,
                    format!(
                        "the last {missing} records that the checkpoint given covers are missing"
                    ),
                );
            }
            // A checkpoint of nothing, which no chunk of records meets.
            Some(external) if external.size == 0 => {
                let same = external.root == caiso_ledger::empty_root();
                self.check_external(0, same);
            }
            _ => {}
        }
        Ok(())
    }

    fn rows(&self, table: &str) -> Result<u64> {
        Ok(self.view.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0))?)
    }
}

/// Everything about a leaf that can be checked by itself.
fn check_row(row: &Row, key: &VerifierKey) -> Checked {
    let mut failures = Vec::new();
    let record = match Record::from_entry(&row.entry) {
        Ok(record) => Some(record),
        Err(error) => {
            failures.push(error.to_string());
            None
        }
    };
    let mut salt = None;
    if let (Some(record), Some((stored_salt, envelope))) = (&record, &row.body) {
        salt = Hash::try_from(stored_salt.as_slice()).ok();
        let committed = salt.is_some_and(|salt| commit_body(&salt, envelope) == record.commitment)
            && envelope.len() as u64 == record.body_size;
        if !committed {
            failures.push("the body is not the one that the record commits to".to_owned());
        } else if let Err(error) =
            Envelope::from_bytes(envelope).and_then(|envelope| envelope.verify(key))
        {
            failures.push(error.to_string());
        }
    }
    Checked { record, salt, failures }
}

/// What is wrong with a stored checkpoint, if anything.
fn check_checkpoint(
    size: u64,
    root: &[u8],
    text: &[u8],
    expected: &Hash,
    key: &VerifierKey,
) -> Option<String> {
    let note = match Note::parse(text) {
        Ok(note) => note,
        Err(error) => return Some(format!("is malformed: {error}")),
    };
    match Checkpoint::open(&note, key) {
        Err(error) => Some(format!("does not verify: {error}")),
        Ok(checkpoint) if checkpoint.size != size => {
            Some(format!("is one of {} records", checkpoint.size))
        }
        Ok(checkpoint) if checkpoint.root != *expected => {
            Some("has another root than the records".to_owned())
        }
        Ok(_) if root != expected => Some("has another stored root than the records".to_owned()),
        Ok(_) if note.unverified_signers().count() != 1 => {
            Some("has signatures by others, which this ledger never stores".to_owned())
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_must_fit_in_every_part() {
        let signer = caiso_ledger::Signer::from_seed("log", &[1; 32]).unwrap();
        let root = [7; 32];
        let note = Checkpoint { origin: "log".into(), size: 5, root }.sign(&signer).unwrap();
        let text = note.to_string();
        let check = |size, stored: &[u8], text: &str, expected: &Hash| {
            check_checkpoint(size, stored, text.as_bytes(), expected, signer.verifier())
        };
        assert_eq!(check(5, &root, &text, &root), None);
        assert!(check(6, &root, &text, &root).unwrap().contains("one of 5 records"));
        assert!(check(5, &root, &text, &[8; 32]).unwrap().contains("another root"));
        assert!(check(5, &[8; 32], &text, &root).unwrap().contains("another stored root"));
        assert!(check(5, &root, "", &root).unwrap().contains("malformed"));
        let twice = format!("{text}{}\n", text.lines().last().unwrap());
        assert!(check(5, &root, &twice, &root).unwrap().contains("signatures by others"));
    }
}
