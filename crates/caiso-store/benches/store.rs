//! What durable recording and full verification cost. `cargo bench -p caiso-store`. The home lies
//! in `TMPDIR`: it should be on a real disk, since each transaction waits for it.

use std::collections::VecDeque;
use std::path::Path;

use caiso_ledger::{STATEMENT_TYPE, Statement, StatementSubject};
use caiso_store::{Change, Disclose, Entry, Evidence, Store};
use divan::Bencher;
use divan::counter::ItemsCount;
use jiff::Timestamp;

const BATCH: u64 = 1024;
const RECORDS: u64 = 32 * BATCH;

fn main() {
    divan::main();
}

fn open(home: &Path) -> Store {
    Store::open(home, Box::new(Timestamp::now)).expect("a store")
}

/// An entry with a statement of about 1.5 kB and a row of state.
fn entry(number: u64) -> Entry {
    let digest = [("sha256".to_owned(), format!("{number:064x}"))].into();
    let statement = Statement {
        statement_type: STATEMENT_TYPE.into(),
        subject: vec![StatementSubject { name: "model".into(), digest }],
        predicate_type: "urn:example:test:v1".into(),
        predicate: serde_json::json!({ "number": number, "text": "x".repeat(1200) }),
    };
    Entry {
        actor: "user:ada".into(),
        action: "evidence".into(),
        object: "check:RB-FGSM-001".into(),
        outcome: Some("pass".into()),
        links: Vec::new(),
        statement: statement.to_bytes().expect("a statement"),
        change: Some(Change::Evidence(Evidence {
            cache_key: format!("{number:064x}"),
            digest: format!("{number:064x}"),
        })),
    }
}

fn filled(records: u64) -> (tempfile::TempDir, Store) {
    let home = tempfile::tempdir().expect("a folder");
    let store = open(home.path());
    for batch in 0..records / BATCH {
        let entries = (batch * BATCH..(batch + 1) * BATCH).map(entry).collect();
        store.append_batch(entries).expect("recorded");
    }
    (home, store)
}

/// Batches of 1,024 records, two on their way at a time; all signing included.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn durable_records_in_batches(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(RECORDS))
        .with_inputs(|| {
            let home = tempfile::tempdir().expect("a folder");
            let store = open(home.path());
            let entries: Vec<Vec<_>> = (0..RECORDS / BATCH)
                .map(|batch| (0..BATCH).map(|i| entry(batch * BATCH + i)).collect())
                .collect();
            (home, store, entries)
        })
        .bench_local_values(|(home, store, batches)| {
            let mut tickets = VecDeque::new();
            for batch in batches {
                tickets.push_back(store.submit(batch).expect("accepted"));
                if tickets.len() == 2
                    && let Some(ticket) = tickets.pop_front()
                {
                    ticket.wait().expect("recorded");
                }
            }
            for ticket in tickets {
                ticket.wait().expect("recorded");
            }
            (home, store)
        });
}

/// One record, waited for: the cost of a durable transaction.
#[divan::bench(sample_count = 200, sample_size = 1)]
fn one_durable_record(bencher: Bencher) {
    let (_home, store) = filled(BATCH);
    bencher.with_inputs(|| entry(7)).bench_local_values(|entry| store.append(entry));
}

/// Everything recomputed, all cores: leaves, tree, tiles, checkpoints, bodies with their
/// signatures, state.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn verify_everything(bencher: Bencher) {
    let (_home, store) = filled(RECORDS);
    bencher
        .counter(ItemsCount::new(RECORDS))
        .bench_local(|| assert!(store.verify(None).expect("verified").passed()));
}

#[divan::bench]
fn prove_one_record(bencher: Bencher) {
    let (_home, store) = filled(RECORDS);
    bencher.bench_local(|| store.prove(4711, Disclose::RecordOnly).expect("a receipt"));
}
