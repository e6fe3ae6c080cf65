//! Receipts, checkpoints and damage.

use std::fs;

use crate::system::System;

const KEY: &str = ".caiso/keys/ledger.vkey";

#[test]
fn a_receipt_verifies_without_the_ledger_and_with_any_byte_changed_it_does_not() {
    let system = System::assessed();
    let last = system.records().len() - 1;
    system.caiso(&["ledger", "prove", "4", "-o", "r.tlog-proof"]).expect(0);
    system
        .caiso(&["ledger", "prove", &last.to_string(), "--without-body", "-o", "b.tlog-proof"])
        .expect(0);
    system.write("key", system.read(KEY));
    fs::rename(system.path(".caiso"), system.path("gone")).unwrap();
    for file in ["r.tlog-proof", "b.tlog-proof"] {
        let verified = system.caiso(&["ledger", "verify-receipt", file, "--key", "key"]).expect(0);
        assert!(verified.out.contains("checked"), "{}", verified.out);
        system.caiso(&["verify", file, "--key", "key"]).expect(0);
        let receipt = fs::read(system.path(file)).unwrap();
        for at in (0..receipt.len()).step_by(receipt.len() / 40) {
            let mut bytes = receipt.clone();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            system.write("changed", &bytes);
            let run = system.caiso(&["ledger", "verify-receipt", "changed", "--key", "key"]);
            assert_eq!(run.status, Some(1), "byte {at} of {file}: {run:?}");
        }
    }
    system.caiso(&["ledger", "verify"]).expect(2).says(&["no readable ledger"]);
}

#[test]
fn the_log_extends_its_older_checkpoints_and_no_other_log_does() {
    let system = System::new();
    let first = system.assess(&[], 1);
    system.write("old", first["ledger"]["checkpoint"].as_str().unwrap());
    system.assess(&["--fresh"], 1);
    let found =
        system.caiso(&["ledger", "verify", "--against", "old", "--format", "json"]).expect(0);
    let found = found.json();
    assert_eq!(found["verified"], true);
    assert!(found["size"].as_u64() > first["ledger"]["size"].as_u64());

    let other = System::new().assess(&[], 1);
    system.write("foreign", other["ledger"]["checkpoint"].as_str().unwrap());
    let run = system.caiso(&["ledger", "verify", "--against", "foreign"]);
    assert!(matches!(run.status, Some(1 | 2)), "{run:?}");
    system.write("garbage", "no checkpoint");
    let run = system.caiso(&["ledger", "verify", "--against", "garbage"]);
    assert!(matches!(run.status, Some(1 | 2)), "{run:?}");
}

#[test]
fn a_flipped_byte_in_the_database_is_found() {
    let system = System::assessed();
    system.ledger_is_fine();
    let path = system.path(".caiso/caiso.db");
    let database = fs::read(&path).unwrap();
    for needle in
        [&b"\"action\":\"evidence\""[..], b"\"object\":\"RB-PGD-001 ", b"\"commitment\":\""]
    {
        let at = database.windows(needle.len()).position(|window| window == needle);
        let at = at.unwrap_or_else(|| panic!("{} is not in the file", needle.escape_ascii()));
        let mut damaged = database.clone();
        damaged[at + needle.len() - 3] ^= 0x04;
        fs::write(&path, damaged).unwrap();
        let run = system.caiso(&["ledger", "verify"]);
        assert!(matches!(run.status, Some(1 | 2)), "{}: {run:?}", needle.escape_ascii());
        assert!(!run.err.contains("panicked"), "{}", run.err);
    }
    fs::write(&path, database).unwrap();
    system.ledger_is_fine();
}

#[test]
fn records_can_be_shown_exported_and_redacted() {
    let system = System::assessed();
    system.caiso(&["ledger", "show", "9999"]).expect(2).says(&["no record #9999"]);
    let shown = system.caiso(&["ledger", "show", "1"]).expect(0).json();
    assert_eq!(shown["seq"], 1);
    assert_eq!(shown["statement"]["_type"], "https://in-toto.io/Statement/v1");
    system.caiso(&["ledger", "export", "tiles"]).expect(0);
    assert!(system.path("tiles/checkpoint").is_file());
    system.caiso(&["ledger", "redact", "1", "--reason", "GDPR Art. 17, request 12"]).expect(0);
    system.ledger_is_fine();
    let shown = system.caiso(&["ledger", "show", "1"]).expect(0).json();
    assert!(shown["statement"].is_null());
}
