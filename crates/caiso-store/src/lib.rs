//! Durable storage: the ledger and the state that follows from it, on SQLite.
//!
//! A home folder holds `caiso.db` (write-ahead log, `synchronous=FULL`), `keys/ledger.ed25519`
//! (made at first use, readable by the owner alone) and `keys/ledger.vkey` (for everybody who
//! verifies). A change of state and the record of it commit in one transaction, so nothing is
//! accepted that is not in the log. One thread writes: it gathers what arrives while the disk
//! works, signs one checkpoint per transaction, and answers after the commit.
#![expect(clippy::disallowed_methods, reason = "an edge: files and random keys are its work")]

mod database;
mod entry;
mod error;
mod export;
mod home;
mod log;
mod sequencer;
mod state;
mod store;
mod verify;

pub use entry::{Entry, Sealed, Ticket};
pub use error::StoreError;
pub use export::Exported;
pub use state::{Assessment, Attestation, Change, Evidence};
pub use store::{Clock, Disclose, LogLine, Shown, Store};
pub use verify::{CheckCount, Failure, Verification};
