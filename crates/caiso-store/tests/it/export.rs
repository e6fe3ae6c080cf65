use caiso_ledger::{Checkpoint, Envelope, Note, Record, VerifierKey, commit_body, decode_entries};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;

use crate::common::{entry, open};

#[test]
fn an_export_stands_by_itself() {
    let home = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = open(home.path());
    store.append_batch((1..600).map(entry).collect()).unwrap();
    store.redact(5, "user:dpo", "request").unwrap();
    let first = store.export(folder.path()).unwrap();
    assert_eq!((first.size, first.bodies), (601, 600));
    store.append_batch((600..700).map(entry).collect()).unwrap();
    store.export(folder.path()).unwrap();

    // From here on nothing but the files, and another implementation of the tree.
    let read = |path: &str| std::fs::read(folder.path().join(path)).unwrap();
    let key: VerifierKey = String::from_utf8(read("ledger.vkey")).unwrap().trim().parse().unwrap();
    let note = Note::parse(&read("checkpoint")).unwrap();
    let checkpoint = Checkpoint::open(&note, &key).unwrap();
    assert_eq!(checkpoint.size, 701);
    let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let mut records = Vec::new();
    for path in ["000", "001", "002.p/189"] {
        for entry in decode_entries(&read(&format!("tile/entries/{path}"))).unwrap() {
            tree.push(entry.to_vec());
            records.push(Record::from_entry(entry).unwrap());
        }
    }
    assert_eq!(tree.root().as_bytes().as_slice(), checkpoint.root);
    for (path, hashes) in [("0/000", 256), ("0/001", 256), ("0/002.p/189", 189), ("1/000.p/2", 2)] {
        assert_eq!(read(&format!("tile/{path}")).len(), hashes * 32, "{path}");
    }
    let mut subtree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    tree.items()[256..512].iter().for_each(|entry| subtree.push(entry.clone()));
    assert_eq!(subtree.root().as_bytes().as_slice(), &read("tile/1/000.p/2")[32..]);

    let bodies = String::from_utf8(read("bodies.jsonl")).unwrap();
    assert_eq!(bodies.lines().count(), 700);
    for line in bodies.lines() {
        let body: serde_json::Value = serde_json::from_str(line).unwrap();
        let seq = body["seq"].as_u64().unwrap() as usize;
        let salt = hex::decode(body["salt"].as_str().unwrap()).unwrap().try_into().unwrap();
        let envelope: Envelope = serde_json::from_value(body["envelope"].clone()).unwrap();
        assert_eq!(commit_body(&salt, &envelope.to_bytes().unwrap()), records[seq].commitment);
    }
}

#[test]
fn an_export_never_mixes_with_other_files() {
    let home = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
    let error = open(home.path()).export(folder.path()).unwrap_err();
    assert!(error.to_string().contains("not empty and holds no earlier export"), "{error}");
}
