use std::path::Path;

use caiso_store::Store;
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, params};

use crate::common::{assert_sound, assessment, attestation, entry, evidence, open};

/// A ledger with all kinds of records and state, one redaction, and `filling` plain records.
fn ledger(home: &Path, filling: u64) -> Store {
    let store = open(home);
    store.append_batch((0..filling + 2).map(entry).collect()).unwrap();
    store.append_batch(vec![evidence(1), attestation(1, 1), attestation(2, 1)]).unwrap();
    store.append(assessment(1)).unwrap();
    store.redact(2, "user:dpo", "request").unwrap();
    store
}

/// A connection as somebody has who means harm: no triggers, no checks.
fn intruder(home: &Path) -> Connection {
    let connection = Connection::open(home.join("caiso.db")).unwrap();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
    connection.pragma_update(None, "synchronous", "OFF").unwrap();
    connection
}

fn fails(store: &Store) -> Option<Vec<String>> {
    let verification = store.verify(None).unwrap();
    (!verification.passed()).then(|| {
        assert!(!verification.failures.is_empty());
        verification.failures.into_iter().map(|failure| failure.what).collect()
    })
}

/// Every cell of a table: row id, column, value.
fn cells(connection: &Connection, table: &str) -> Vec<(i64, String, Value)> {
    let mut statement = connection.prepare(&format!("SELECT rowid, * FROM {table}")).unwrap();
    let columns: Vec<_> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).unwrap();
    let mut cells = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        for (at, column) in columns.iter().enumerate().skip(1) {
            cells.push((row.get(0).unwrap(), column.clone(), row.get(at).unwrap()));
        }
    }
    cells
}

/// The value with one byte changed, for each of its bytes.
fn flips(value: &Value) -> Vec<Value> {
    let bytes = |bytes: &[u8]| -> Vec<Vec<u8>> {
        (0..bytes.len())
            .map(|at| {
                let mut changed = bytes.to_vec();
                // Another bit each time, so that cases, digits and high bits all have their turn.
                changed[at] ^= 1 << (at % 8);
                changed
            })
            .collect()
    };
    match value {
        Value::Integer(number) => {
            (0..8).map(|at| Value::Integer(number ^ (1 << (8 * at)))).collect()
        }
        Value::Text(text) => bytes(text.as_bytes()).into_iter().map(Value::Blob).collect(),
        Value::Blob(blob) => bytes(blob).into_iter().map(Value::Blob).collect(),
        Value::Null => vec![Value::Text("x".into())],
        Value::Real(_) => panic!("the ledger has no such columns"),
    }
}

/// Changes bytes of the cells of the tables, one at a time, and demands that verification fails
/// each time. `wanted` chooses from the places of the bytes in a cell. Gives the number of changes.
fn flip_bytes(filling: u64, tables: &[&str], wanted: impl Fn(usize) -> bool) -> usize {
    let home = tempfile::tempdir().unwrap();
    let store = ledger(home.path(), filling);
    assert_sound(&store);
    let connection = intruder(home.path());
    let mut flipped = 0;
    for table in tables {
        for (row, column, value) in cells(&connection, table) {
            let cast = if matches!(value, Value::Text(_)) { "CAST(?1 AS TEXT)" } else { "?1" };
            let update = format!("UPDATE {table} SET {column} = {cast} WHERE rowid = ?2");
            let back = format!("UPDATE {table} SET {column} = ?1 WHERE rowid = ?2");
            for (_, changed) in flips(&value).into_iter().enumerate().filter(|(at, _)| wanted(*at))
            {
                // These columns are the row id itself. A number that is taken is refused.
                let is_row_id = column == "seq" || column == "size";
                if connection.execute(&update, params![changed, row]).is_err() {
                    assert!(is_row_id, "{table}.{column} could not be changed to {changed:?}");
                    continue;
                }
                let now = match changed {
                    Value::Integer(moved) if is_row_id => moved,
                    _ => row,
                };
                assert!(
                    fails(&store).is_some(),
                    "{table}.{column} of row {row} as {changed:?} was not noticed"
                );
                flipped += 1;
                assert_eq!(connection.execute(&back, params![value, now]).unwrap(), 1);
            }
        }
    }
    assert_sound(&store);
    flipped
}

#[test]
fn each_flipped_byte_of_leaves_and_checkpoints_is_found() {
    let flipped = flip_bytes(0, &["leaf", "checkpoint"], |_| true);
    assert!(flipped > 3500, "{flipped}");
}

#[test]
fn each_flipped_byte_of_bodies_and_state_is_found() {
    let flipped = flip_bytes(0, &["body", "evidence", "attestation", "assessment"], |_| true);
    assert!(flipped > 4000, "{flipped}");
}

#[test]
fn a_flipped_byte_in_each_hash_of_a_tile_is_found() {
    let flipped = flip_bytes(250, &["tile"], |at| at < 64 || at % 33 == 0 || at > 8192 - 32);
    assert!(flipped > 300, "{flipped}");
}

#[test]
#[ignore = "takes a minute: all 8,240 bytes, where the test above tries one in each hash"]
fn each_flipped_byte_of_a_tile_is_found() {
    assert_eq!(flip_bytes(250, &["tile"], |_| true), 8 + 8 + 32 + 8192);
}

#[test]
fn removed_added_and_reordered_rows_are_found() {
    let home = tempfile::tempdir().unwrap();
    drop(ledger(home.path(), 252));
    let original = std::fs::read(home.path().join("caiso.db")).unwrap();
    for (sql, expected) in [
        ("DELETE FROM leaf WHERE seq = 7", "the record is missing"),
        ("DELETE FROM leaf WHERE seq = 259", "the last checkpoint is not that of all 259 records"),
        (
            "DELETE FROM body WHERE seq = 7",
            "the body is missing and no record tells of a redaction",
        ),
        ("DELETE FROM tile", "tile 0 of level 0 is missing"),
        ("DELETE FROM checkpoint WHERE size = 260", "the last checkpoint is not that of all 260"),
        ("DELETE FROM evidence", "the state of record 255 is missing"),
        ("DELETE FROM attestation WHERE seq = 256", "the state of record 256 is missing"),
        ("INSERT INTO evidence VALUES (9, 'key', 'digest')", "the state has 5 rows"),
        ("INSERT INTO evidence VALUES (256, 'key', 'digest')", "not what the record commits to"),
        ("INSERT INTO body VALUES (2, x'00', x'00')", "although a record tells of its redaction"),
        ("INSERT INTO body VALUES (999, x'00', x'00')", "table body has"),
        ("INSERT INTO tile VALUES (1, 0, x'00', x'00')", "table tile has 2 rows"),
        ("INSERT INTO checkpoint VALUES (0, x'00', '')", "table checkpoint has"),
        ("UPDATE leaf SET seq = -1 WHERE seq = 0", "the record is missing"),
        (
            "UPDATE leaf SET seq = 1000 WHERE seq = 5; UPDATE leaf SET seq = 5 WHERE seq = 6;
             UPDATE leaf SET seq = 6 WHERE seq = 1000",
            "the checkpoint of 255 records has another root",
        ),
        (
            "DROP TABLE assessment; CREATE TABLE assessment (seq INTEGER PRIMARY KEY, system, report)",
            "`assessment` is missing from the schema",
        ),
        ("CREATE TABLE other (a)", "`other` in the schema is not of this program"),
    ] {
        std::fs::write(home.path().join("caiso.db"), &original).unwrap();
        intruder(home.path()).execute_batch(sql).unwrap();
        let found = fails(&Store::open_read_only(home.path()).unwrap()).unwrap_or_default();
        assert!(found.iter().any(|what| what.contains(expected)), "{sql}: {found:#?}");
    }
    std::fs::write(home.path().join("caiso.db"), &original).unwrap();
    intruder(home.path()).execute_batch("DROP TABLE body").unwrap();
    assert!(Store::open_read_only(home.path()).unwrap().verify(None).is_err());
}

#[test]
fn the_triggers_refuse_and_their_absence_is_noticed() {
    let home = tempfile::tempdir().unwrap();
    let store = ledger(home.path(), 252);
    let connection = Connection::open(home.path().join("caiso.db")).unwrap();
    for table in ["leaf", "tile", "checkpoint"] {
        let error = connection.execute_batch(&format!("DELETE FROM {table}")).unwrap_err();
        assert!(error.to_string().contains("the log is append-only"), "{error}");
        let error =
            connection.execute_batch(&format!("UPDATE {table} SET rowid = -1")).unwrap_err();
        assert!(error.to_string().contains("the log is append-only"), "{error}");
    }
    connection.execute_batch("DROP TRIGGER leaf_is_not_updated").unwrap();
    let found = fails(&store).unwrap();
    assert_eq!(found, ["`leaf_is_not_updated` is missing from the schema or was changed"]);
}

#[test]
fn history_rewritten_with_the_key_shows_against_a_checkpoint_from_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    store.append_batch((1..20).map(entry).collect()).unwrap();
    drop(store);
    let earlier = std::fs::read(home.path().join("caiso.db")).unwrap();
    let store = open(home.path());
    store.append_batch((20..30).map(entry).collect()).unwrap();
    let kept = store.checkpoint().unwrap().unwrap().1.to_string();
    assert!(store.verify(Some(&kept)).unwrap().passed());
    drop(store);

    // The whole folder set back to an earlier state is sound in itself.
    std::fs::write(home.path().join("caiso.db"), earlier).unwrap();
    let store = open(home.path());
    let verification = store.verify(None).unwrap();
    assert!(verification.passed());
    assert!(verification.not_checked.iter().any(|what| what.contains("kept elsewhere")));
    let verification = store.verify(Some(&kept)).unwrap();
    assert_eq!(
        verification.failures[0].what,
        "the last 10 records that the checkpoint given covers are missing"
    );

    store.append_batch((50..90).map(entry).collect()).unwrap();
    let verification = store.verify(Some(&kept)).unwrap();
    assert!(verification.failures[0].what.contains("history was rewritten"), "{verification:?}");
    for (text, expected) in [
        ("", "malformed signed note"),
        (&kept.replace("\n30\n", "\n31\n"), "invalid signature"),
        (&kept.replace("\u{2014} caiso/", "\u{2014} other/"), "no signature by the key"),
    ] {
        let verification = store.verify(Some(text)).unwrap();
        let what = &verification.failures[0].what;
        assert!(what.contains("the checkpoint given: ") && what.contains(expected), "{what}");
    }
}

#[test]
fn a_damaged_end_is_not_built_upon() {
    let home = tempfile::tempdir().unwrap();
    drop(ledger(home.path(), 252));
    let damage = "UPDATE leaf SET hash = zeroblob(32) WHERE seq = 258";
    intruder(home.path()).execute_batch(damage).unwrap();
    let Err(error) = Store::open(home.path(), crate::common::clock()) else { panic!("opened") };
    assert!(error.to_string().contains("the ledger is damaged"), "{error}");
}

#[test]
fn a_file_cut_short_or_scribbled_over_is_damage_or_an_error_never_sound() {
    let home = tempfile::tempdir().unwrap();
    drop(ledger(home.path(), 252));
    let path = home.path().join("caiso.db");
    let original = std::fs::read(&path).unwrap();
    let mut candidates: Vec<Vec<u8>> = [0, 1, 100, 4096, original.len() / 2, original.len() - 1]
        .map(|n| original[..n].to_vec())
        .into();
    candidates.extend((1..original.len() / 4096).step_by(7).map(|page| {
        let mut bytes = original.clone();
        bytes[page * 4096..page * 4096 + 64].fill(0xa5);
        bytes
    }));
    for (number, bytes) in candidates.iter().enumerate() {
        std::fs::write(&path, bytes).unwrap();
        if let Ok(store) = Store::open_read_only(home.path())
            && let Ok(verification) = store.verify(None)
        {
            assert!(!verification.passed(), "candidate {number}");
        }
    }
}
