//! Connections to the SQLite file.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::StoreError;
use crate::error::{Result, read_error};

const SCHEMA: &str = include_str!("schema.sql");
/// Version of the schema, in `PRAGMA user_version`.
const VERSION: i32 = 1;
/// `caiS` in `PRAGMA application_id`: the file is a ledger.
const APPLICATION: i32 = 0x6361_6953;

/// Opens for writing, makes the schema in a new file. `size_limit` bounds the file in bytes.
pub(crate) fn open_writer(path: &Path, size_limit: Option<u64>) -> Result<Connection> {
    let open = || -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        if connection.is_readonly(rusqlite::MAIN_DB)? {
            return Err(StoreError::ReadOnly { path: path.to_owned() });
        }
        if let Some(bytes) = size_limit {
            let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let pages = (bytes / page).clamp(1, u64::from(u32::MAX) - 1);
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        }
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        // Every commit reaches the disk before it is answered.
        connection.pragma_update(None, "synchronous", "FULL")?;
        // A redaction leaves no remains in free pages.
        connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
        if version(&connection)? == (0, 0) && objects(&connection)?.is_empty() {
            let transaction = connection.transaction()?;
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
        }
        check_version(&connection, path)?;
        Ok(connection)
    };
    open().map_err(|error| error.at(path))
}

/// Opens for reading, also from a medium that cannot be written.
pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    let open = |immutable: bool| -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = if immutable {
            let uri = immutable_uri(path);
            Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?
        } else {
            Connection::open_with_flags(path, flags)?
        };
        connection.busy_timeout(Duration::from_secs(10))?;
        check_version(&connection, path)?;
        Ok(connection)
    };
    let result = match open(false) {
        // Reading beside a writer needs a shared-memory file. Where none can be made, and no
        // write-ahead log waits to be read, the file is at rest and can be read as it is.
        Err(StoreError::Database(error))
            if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) && at_rest(path)? =>
        {
            open(true)
        }
        Err(StoreError::ReadOnly { .. }) if at_rest(path)? => open(true),
        other => other,
    };
    result.map_err(|error| error.at(path))
}

fn at_rest(path: &Path) -> Result<bool> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log = Path::new(&log);
    if log.try_exists().map_err(read_error(log))? {
        Ok(log.metadata().map_err(read_error(log))?.len() == 0)
    } else {
        Ok(true)
    }
}

/// `file:` URI with everything but plain characters escaped.
fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri.push_str("?immutable=1");
    uri
}

fn version(connection: &Connection) -> Result<(i32, i32)> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get(0));
    Ok((pragma("application_id")?, pragma("user_version")?))
}

fn check_version(connection: &Connection, path: &Path) -> Result<()> {
    let fail = |reason| Err(StoreError::Schema { path: path.to_owned(), reason });
    match version(connection)? {
        (APPLICATION, VERSION) => Ok(()),
        (APPLICATION, other) => {
            fail(format!("it has version {other}, this program knows version {VERSION}"))
        }
        _ => fail("it is another program's database".to_owned()),
    }
}

/// Names and definitions of all tables, indexes and triggers.
fn objects(connection: &Connection) -> Result<Vec<(String, String)>> {
    let mut statement = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Tables, indexes and triggers that differ from what this program makes.
pub(crate) fn schema_differences(connection: &Connection) -> Result<Vec<String>> {
    let fresh = Connection::open_in_memory()?;
    fresh.execute_batch(SCHEMA)?;
    let (found, expected) = (objects(connection)?, objects(&fresh)?);
    let lacking = expected.iter().filter(|object| !found.contains(object));
    let extra = found.iter().filter(|object| !expected.contains(object));
    Ok(lacking
        .map(|(name, _)| format!("`{name}` is missing from the schema or was changed"))
        .chain(extra.map(|(name, _)| format!("`{name}` in the schema is not of this program")))
        .collect())
}
