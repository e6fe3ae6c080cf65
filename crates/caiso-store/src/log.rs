//! Reading the log's tables.

use caiso_ledger::{
    Checkpoint, Frontier, Hash, Note, Opening, Record, TILE_WIDTH, VerifierKey, commit_body,
    decode_hashes, node_from_tile,
};
use caiso_ledger::{Envelope, hash_leaf};
use rusqlite::{Connection, OptionalExtension as _};

use crate::StoreError;
use crate::error::{Result, damaged};

/// Number of records.
pub(crate) fn size(connection: &Connection) -> Result<u64> {
    let next = "SELECT COALESCE(MAX(seq) + 1, 0) FROM leaf";
    Ok(connection.prepare_cached(next)?.query_row([], |row| row.get(0))?)
}

/// Newest checkpoint, its signature checked.
pub(crate) fn checkpoint(
    connection: &Connection,
    key: &VerifierKey,
) -> Result<Option<(Checkpoint, Note)>> {
    let note: Option<String> = connection
        .prepare_cached("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    note.map(|note| {
        let note = Note::parse(note.as_bytes())?;
        Ok((Checkpoint::open(&note, key)?, note))
    })
    .transpose()
}

/// The bytes of a record as they lie in the log.
pub(crate) fn entry(connection: &Connection, seq: u64) -> Result<Vec<u8>> {
    let entry = i64::try_from(seq).ok().map(|seq| {
        connection
            .prepare_cached("SELECT entry FROM leaf WHERE seq = ?1")?
            .query_row([seq], |row| row.get(0))
            .optional()
    });
    match entry.transpose()?.flatten() {
        Some(entry) => Ok(entry),
        None => Err(StoreError::NoRecord { seq, size: size(connection)? }),
    }
}

/// A record, checked against its stored hash.
pub(crate) fn record(connection: &Connection, seq: u64) -> Result<(Record, Hash)> {
    let entry = entry(connection, seq)?;
    let hash = hash_leaf(&entry);
    if tile(connection, 0, seq / TILE_WIDTH)?.get((seq % TILE_WIDTH) as usize) != Some(&hash) {
        return Err(damaged(format!("record {seq} does not have its hash")));
    }
    Ok((Record::from_entry(&entry)?, hash))
}

/// The body of a record, checked against the record's commitment; none if it was erased.
pub(crate) fn opening(
    connection: &Connection,
    seq: u64,
    record: &Record,
) -> Result<Option<Opening>> {
    let body: Option<(Vec<u8>, Vec<u8>)> = connection
        .prepare_cached("SELECT salt, envelope FROM body WHERE seq = ?1")?
        .query_row([seq], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    body.map(|(salt, envelope)| {
        let salt = salt.try_into().map_err(|_| damaged(format!("record {seq} has a bad salt")))?;
        if commit_body(&salt, &envelope) != record.commitment {
            return Err(damaged(format!("the body of record {seq} is not what it commits to")));
        }
        Ok(Opening { salt, envelope: Envelope::from_bytes(&envelope)? })
    })
    .transpose()
}

/// Hashes of a tile, full or partial.
pub(crate) fn tile(connection: &Connection, level: u32, index: u64) -> Result<Vec<Hash>> {
    let full: Option<Vec<u8>> = connection
        .prepare_cached("SELECT data FROM tile WHERE level = ?1 AND idx = ?2")?
        .query_row((level, index), |row| row.get(0))
        .optional()?;
    match full {
        Some(bytes) => Ok(decode_hashes(&bytes)?),
        None => partial_tile(connection, level, index),
    }
}

/// Hashes of a tile that is not full: leaf hashes, or roots of the full tiles below.
fn partial_tile(connection: &Connection, level: u32, index: u64) -> Result<Vec<Hash>> {
    let start = index * TILE_WIDTH;
    let hash = |row: &rusqlite::Row<'_>| row.get::<_, [u8; 32]>(0);
    let hashes = match level.checked_sub(1) {
        None => connection
            .prepare_cached("SELECT hash FROM leaf WHERE seq >= ?1 ORDER BY seq LIMIT 256")?
            .query_map([start], hash)?
            .collect::<Result<_, _>>()?,
        Some(below) => connection
            .prepare_cached(
                "SELECT root FROM tile WHERE level = ?1 AND idx >= ?2 ORDER BY idx LIMIT 256",
            )?
            .query_map((below, start), hash)?
            .collect::<Result<_, _>>()?,
    };
    Ok(hashes)
}

/// Hash of a perfect subtree.
pub(crate) fn node(connection: &Connection, height: u32, index: u64) -> Result<Hash> {
    node_from_tile(height, index, |level, index| tile(connection, level, index))?
        .ok_or_else(|| damaged(format!("the tile of node {index} at height {height} is missing")))
}

/// The right edge of the tree, ready for appending.
pub(crate) fn frontier(connection: &Connection) -> Result<Frontier> {
    let size = size(connection)?;
    Frontier::resume(size, |level| {
        let hashes = size >> (8 * level);
        if hashes.is_multiple_of(TILE_WIDTH) {
            Ok(Vec::new())
        } else {
            partial_tile(connection, level, hashes / TILE_WIDTH)
        }
    })
}
