use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::time::Duration;

use caiso_ledger::{Checkpoint, Note};
use caiso_store::Store;

use crate::common::{assert_sound, child, clock, evidence, open, this_program, told_home};

/// Appends without end, in batches of many sizes, and prints each receipt once it has it.
#[test]
#[ignore = "runs only as a child process that is killed"]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn append_without_end() {
    let Some(home) = told_home() else { return };
    let store = Store::open(&home, clock()).unwrap();
    println!("ready");
    for round in 0_u64.. {
        let count = [1, 1, 7, 40][(round % 4) as usize];
        let sealed = store.append_batch((0..count).map(evidence).collect()).unwrap();
        for it in sealed {
            let note = Note::parse(it.checkpoint.as_bytes()).unwrap();
            let head = Checkpoint::open(&note, store.verifier_key()).unwrap();
            let (leaf, root) = (hex::encode(it.leaf_hash), hex::encode(head.root));
            println!("receipt {} {leaf} {} {root}", it.seq, head.size);
        }
    }
}

#[test]
fn killed_at_200_points_no_receipt_is_lost_and_no_size_has_two_roots() {
    let home = tempfile::tempdir().unwrap();
    let mut leaves = BTreeMap::new();
    let mut roots = BTreeMap::new();
    let mut killed_before_a_receipt = 0;
    for round in 0_u64..200 {
        let mut process = child(&this_program(), "crash::append_without_end", home.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        // From the first opening on: some are killed while they open, most while they append.
        if round % 8 != 0 {
            let mut line = String::new();
            while !line.contains("ready") {
                line.clear();
                assert!(output.read_line(&mut line).unwrap() > 0, "the child ended by itself");
            }
        }
        // Spread over 0 to 15 ms without regard to what the child does.
        std::thread::sleep(Duration::from_micros(round * 7919 % 15_000));
        process.kill().unwrap();
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        process.wait().unwrap();

        let mut receipts = 0;
        // The last line may be cut: the receipt in it did not reach anybody.
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let [_, seq, leaf, size, root] = *line
                .trim_end()
                .split(' ')
                .skip_while(|word| *word != "receipt")
                .collect::<Vec<_>>()
            else {
                continue;
            };
            receipts += 1;
            let (seq, size): (u64, u64) = (seq.parse().unwrap(), size.parse().unwrap());
            assert!(leaves.insert(seq, leaf.to_owned()).is_none(), "record {seq} was given twice");
            let known = roots.entry(size).or_insert_with(|| root.to_owned());
            assert_eq!(known, root, "two roots for size {size}");
        }
        killed_before_a_receipt += u32::from(receipts == 0);
        if round % 20 == 19 {
            assert_sound(&open(home.path()));
        }
    }
    // Both must have happened, else the test has not tried what it says.
    assert!(killed_before_a_receipt > 5, "{killed_before_a_receipt}");
    assert!(leaves.len() > 200, "{}", leaves.len());

    let store = open(home.path());
    assert_sound(&store);
    for (seq, leaf) in &leaves {
        let shown = store.show(*seq).unwrap();
        assert_eq!(hex::encode(shown.leaf_hash), *leaf, "record {seq}");
        assert!(shown.opening.is_some() && shown.change.is_some(), "record {seq}");
    }
    let connection = rusqlite::Connection::open(home.path().join("caiso.db")).unwrap();
    let mut statement = connection.prepare("SELECT size, root FROM checkpoint").unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (size, root): (u64, Vec<u8>) = (row.get(0).unwrap(), row.get(1).unwrap());
        let known = roots.entry(size).or_insert_with(|| hex::encode(&root));
        assert_eq!(*known, hex::encode(root), "two roots for size {size}");
    }
}
