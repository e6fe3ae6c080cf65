use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use caiso_ledger::LedgerError;
use jiff::Timestamp;
use rusqlite::ErrorCode;

/// What can go wrong with the store. Nothing is ever half done: an operation that returns an error
/// left log and state as they were, and the ledger verifiable.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process writes to this home.
    #[error(
        "{} is in use by {}: wait until it ends, or choose another home",
        home.display(),
        pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
    )]
    Locked {
        /// The home.
        home: PathBuf,
        /// The process that holds it, if it could be read.
        pid: Option<u32>,
    },
    /// No ledger at this place.
    #[error("there is no ledger in {}: expected the file {}", home.display(), missing.display())]
    NoLedger {
        /// The home.
        home: PathBuf,
        /// The file that is missing.
        missing: PathBuf,
    },
    /// The home cannot be written.
    #[error("{} cannot be written: it is read-only for this user", path.display())]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
    },
    /// The store was opened for reading.
    #[error("the ledger was opened for reading only")]
    OpenedForReading,
    /// No room left.
    #[error("no space left for {}: nothing was recorded; free space and repeat", path.display())]
    Full {
        /// The file or folder.
        path: PathBuf,
    },
    /// The clock shows an earlier time than the last record.
    #[error(
        "the clock was set back: it shows {now:.3}, the last record is of {last:.3}; nothing was recorded, correct the clock"
    )]
    ClockSetBack {
        /// Time of the last record.
        last: Timestamp,
        /// Time the clock shows.
        now: Timestamp,
    },
    /// No record with this number.
    #[error("there is no record {seq}: the ledger has {size} records, numbered from 0")]
    NoRecord {
        /// Number asked for.
        seq: u64,
        /// Number of records.
        size: u64,
    },
    /// A record that cannot be redacted.
    #[error("record {seq} cannot be redacted: {reason}")]
    NotRedactable {
        /// Number of the record.
        seq: u64,
        /// Why not.
        reason: &'static str,
    },
    /// An action that only the store itself records.
    #[error("the action `{action}` is reserved for the ledger itself")]
    ReservedAction {
        /// The action.
        action: String,
    },
    /// Stored data contradicts itself.
    #[error("the ledger is damaged: {what}; `caiso ledger verify` lists all damage")]
    Damaged {
        /// What was found.
        what: String,
    },
    /// A database that is none of ours, or of a later program.
    #[error("{} is not a ledger this program can read: {reason}", path.display())]
    Schema {
        /// The database file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The key does not belong to the ledger.
    #[error("the key in {} does not belong to this ledger: {reason}", path.display())]
    WrongKey {
        /// The key file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A folder that holds something else.
    #[error("{} is not empty and holds no earlier export: choose another folder", path.display())]
    ExportFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A record, note, key or envelope is malformed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A file cannot be read or written.
    #[error("cannot access {}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random(#[source] getrandom::Error),
    /// The database refused.
    #[error("database error")]
    Database(#[source] Arc<rusqlite::Error>),
    /// The writer has ended.
    #[error("the ledger's writer has stopped")]
    Stopped,
}

pub(crate) type Result<T, E = StoreError> = std::result::Result<T, E>;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // The file is always the database; its full path is added where the home is known.
        let path = PathBuf::from("caiso.db");
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { what: error.to_string() },
            Some(ErrorCode::NotADatabase) => {
                Self::Schema { path, reason: "it is not an SQLite database".to_owned() }
            }
            _ => match error {
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..) => Self::Damaged { what: error.to_string() },
                error => Self::Database(Arc::new(error)),
            },
        }
    }
}

impl StoreError {
    /// Names the file where it is known to be the database.
    pub(crate) fn at(self, database: &Path) -> Self {
        let path = database.to_owned();
        match self {
            Self::Full { .. } => Self::Full { path },
            Self::ReadOnly { .. } => Self::ReadOnly { path },
            Self::Schema { reason, .. } => Self::Schema { path, reason },
            other => other,
        }
    }
}

/// An error of the file system while writing at `path`.
pub(crate) fn write_error(path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |source| {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                StoreError::ReadOnly { path }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { path },
            _ => StoreError::File { path, source: Arc::new(source) },
        }
    }
}

/// An error of the file system while reading at `path`.
pub(crate) fn read_error(path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |source| StoreError::File { path: path.to_owned(), source: Arc::new(source) }
}

pub(crate) fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::Damaged { what: what.into() }
}
