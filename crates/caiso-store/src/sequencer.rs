//! The one writer: a thread that gathers what arrives, and commits it together.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use caiso_ledger::{Checkpoint, Frontier, Signer, Tile, encode_hashes, hash_leaf};
use jiff::{Timestamp, TimestampRound, Unit};
use rusqlite::{Connection, params};

use crate::entry::{Draft, Effect, KEY, REDACTION};
use crate::error::{Result, damaged, write_error};
use crate::home::Home;
use crate::state::Change;
use crate::{Clock, Sealed, StoreError, Ticket, log};

/// Most records in one transaction, unless one request brings more.
const BATCH: usize = 1024;
/// Requests that may wait before callers are held up.
const QUEUE: usize = 4096;

/// Drafts that go in together or not at all.
struct Request {
    drafts: Vec<Draft>,
    reply: SyncSender<Result<Vec<Sealed>>>,
}

/// Handle of the thread; dropping it lets the thread finish what it has and end.
pub(crate) struct Sequencer {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Sequencer {
    /// Takes up the log where it ends. `clock` is asked once per transaction.
    pub(crate) fn start(
        connection: Connection,
        signer: Arc<Signer>,
        clock: Clock,
        home: Home,
    ) -> Result<Self> {
        let mut writer = Writer::new(connection, signer, clock, home)?;
        let path = writer.home.folder.clone();
        let (requests, receiver) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(write_error(&path))?;
        Ok(Self { requests: Some(requests), thread: Some(thread) })
    }

    pub(crate) fn submit(&self, drafts: Vec<Draft>) -> Result<Ticket> {
        let (reply, receiver) = sync_channel(1);
        if drafts.is_empty() {
            let _ = reply.send(Ok(Vec::new()));
            return Ok(Ticket(receiver));
        }
        self.requests
            .as_ref()
            .and_then(|requests| requests.send(Request { drafts, reply }).ok())
            .ok_or(StoreError::Stopped)?;
        Ok(Ticket(receiver))
    }
}

impl Drop for Sequencer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported to whoever waited.
            let _ = thread.join();
        }
    }
}

struct Writer {
    connection: Connection,
    signer: Arc<Signer>,
    clock: Clock,
    home: Home,
    frontier: Frontier,
    last: Timestamp,
}

impl Writer {
    fn new(connection: Connection, signer: Arc<Signer>, clock: Clock, home: Home) -> Result<Self> {
        let mut writer = Self {
            connection,
            signer,
            clock,
            home,
            frontier: Frontier::default(),
            last: Timestamp::MIN,
        };
        writer.take_up()?;
        Ok(writer)
    }

    /// Loads the end of the log, and refuses to build on one that contradicts itself.
    fn take_up(&mut self) -> Result<()> {
        let frontier = log::frontier(&self.connection)?;
        let key = self.signer.verifier();
        let head = log::checkpoint(&self.connection, key).map_err(|error| match error {
            StoreError::Ledger(error) => damaged(format!("the last checkpoint: {error}")),
            other => other,
        })?;
        let head = head.map(|(checkpoint, _)| checkpoint);
        match (frontier.size().checked_sub(1), head) {
            (None, None) => {}
            (Some(last), Some(Checkpoint { size, root, .. }))
                if size == frontier.size() && root == frontier.root() =>
            {
                let (record, _) = log::record(&self.connection, last)?;
                self.last = record.time;
            }
            _ => return Err(damaged("the last checkpoint is not that of the last record")),
        }
        self.frontier = frontier;
        Ok(())
    }

    fn run(&mut self, requests: &Receiver<Request>) {
        let mut waiting = None;
        while let Some(first) = waiting.take().or_else(|| requests.recv().ok()) {
            let mut count = first.drafts.len();
            let mut batch = vec![first];
            loop {
                match requests.try_recv() {
                    Ok(request) if count + request.drafts.len() > BATCH => {
                        waiting = Some(request);
                        break;
                    }
                    Ok(request) => {
                        count += request.drafts.len();
                        batch.push(request);
                    }
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            self.commit(batch);
        }
    }

    /// Commits requests in one transaction and answers them.
    fn commit(&mut self, batch: Vec<Request>) {
        let now = match self.now() {
            Ok(now) => now,
            Err(error) => {
                for request in batch {
                    let _ = request.reply.send(Err(error.clone()));
                }
                return;
            }
        };
        let mut accepted = Vec::new();
        for mut request in batch {
            match self.prepare(&mut request.drafts, now) {
                Ok(entries) => accepted.push((request, entries)),
                // One bad request does not spoil the others.
                Err(error) => drop(request.reply.send(Err(error))),
            }
        }
        if accepted.is_empty() {
            return;
        }
        match self.write(&accepted) {
            Ok((frontier, checkpoint)) => {
                let mut seq = self.frontier.size();
                self.frontier = frontier;
                self.last = now;
                for (request, entries) in accepted {
                    let sealed = entries
                        .into_iter()
                        .zip(seq..)
                        .map(|(entry, seq)| Sealed {
                            seq,
                            time: now,
                            leaf_hash: hash_leaf(&entry),
                            checkpoint: Arc::clone(&checkpoint),
                        })
                        .collect();
                    seq += request.drafts.len() as u64;
                    let _ = request.reply.send(Ok(sealed));
                }
            }
            Err(error) => {
                let error = error.at(&self.home.database);
                // Whether a commit that failed late took hold, only the file can tell.
                let error = self.take_up().err().unwrap_or(error);
                for (request, _) in accepted {
                    let _ = request.reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// The time in whole milliseconds, never before that of the last record.
    fn now(&self) -> Result<Timestamp> {
        let round = TimestampRound::new().smallest(Unit::Millisecond).mode(jiff::RoundMode::Floor);
        let now = (self.clock)();
        let now = now.round(round).unwrap_or(now);
        if now < self.last {
            Err(StoreError::ClockSetBack { last: self.last, now })
        } else {
            Ok(now)
        }
    }

    /// Completes the drafts of a request to entries.
    fn prepare(&self, drafts: &mut [Draft], now: Timestamp) -> Result<Vec<Vec<u8>>> {
        drafts
            .iter_mut()
            .map(|draft| {
                if let Effect::Redact(seq) = draft.effect {
                    self.check_redactable(seq)?;
                }
                if let Some(link) =
                    draft.record.links.iter().find(|l| l.seq >= self.frontier.size())
                {
                    return Err(StoreError::NoRecord { seq: link.seq, size: self.frontier.size() });
                }
                draft.record.time = now;
                Ok(draft.record.to_entry()?)
            })
            .collect()
    }

    fn check_redactable(&self, seq: u64) -> Result<()> {
        let (record, _) = log::record(&self.connection, seq)?;
        let fail = |reason| Err(StoreError::NotRedactable { seq, reason });
        if record.action == KEY || record.action == REDACTION {
            fail("it is a record of the ledger about itself")
        } else if log::opening(&self.connection, seq, &record)?.is_none() {
            fail("its body was erased before")
        } else {
            Ok(())
        }
    }

    fn write(&mut self, batch: &[(Request, Vec<Vec<u8>>)]) -> Result<(Frontier, Arc<str>)> {
        let mut frontier = self.frontier.clone();
        let mut redacted = false;
        let transaction = self.connection.transaction()?;
        {
            let mut leaf = transaction.prepare_cached("INSERT INTO leaf VALUES (?1, ?2, ?3)")?;
            let mut body = transaction.prepare_cached("INSERT INTO body VALUES (?1, ?2, ?3)")?;
            let mut tiles = Vec::new();
            for (draft, entry) in batch.iter().flat_map(|(r, entries)| r.drafts.iter().zip(entries))
            {
                let seq = frontier.size();
                let hash = hash_leaf(entry);
                leaf.execute(params![seq, hash, entry])?;
                body.execute(params![seq, draft.salt, draft.envelope])?;
                match &draft.effect {
                    Effect::None => {}
                    Effect::Change(change) => change.insert(&transaction, seq)?,
                    Effect::Redact(target) => {
                        transaction.execute("DELETE FROM body WHERE seq = ?1", [target])?;
                        Change::erase(&transaction, *target)?;
                        redacted = true;
                    }
                }
                frontier.push(hash, &mut tiles);
            }
            for Tile { level, index, root, hashes } in tiles {
                transaction
                    .prepare_cached("INSERT INTO tile VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![level, index, root, encode_hashes(&hashes)])?;
            }
        }
        let (size, root) = (frontier.size(), frontier.root());
        let origin = self.signer.verifier().name().to_owned();
        let note = Checkpoint { origin, size, root }.sign(&self.signer)?.to_string();
        transaction
            .prepare_cached("INSERT INTO checkpoint VALUES (?1, ?2, ?3)")?
            .execute(params![size, root, note])?;
        transaction.commit()?;
        if redacted {
            // The write-ahead log still holds the erased pages. Readers may delay this; the next
            // checkpoint of SQLite then does it.
            let _ =
                self.connection
                    .pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()));
        }
        Ok((frontier, note.into()))
    }
}
