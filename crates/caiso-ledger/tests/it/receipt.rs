use caiso_ledger::{
    Checkpoint, CompactRange, Disclosure, Envelope, LedgerError, Link, Note, Opening, Receipt,
    Record, Signer, commit_body, hash_leaf, prove_inclusion,
};
use proptest::prelude::*;

use crate::common::{Levels, signer};

const STATEMENT: &[u8] = br#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"n":0.25},"predicateType":"urn:example:v1","subject":[{"digest":{"sha256":"ab"},"name":"model"}]}"#;

/// Receipt for record `index` in a log of `size` records.
fn receipt(log: &Signer, index: u64, size: u64, open: bool) -> Receipt {
    let envelope = Envelope::sign(STATEMENT, log).unwrap();
    let body = envelope.to_bytes().unwrap();
    let salt = |i: u64| hash_leaf(&i.to_be_bytes());
    let record = |i: u64| Record {
        v: 1,
        time: "2026-11-25T07:41:28.5Z".parse().unwrap(),
        actor: "user:ada".into(),
        action: "evidence".into(),
        object: format!("check:RB-{i:03}"),
        outcome: None,
        commitment: commit_body(&salt(i), &body),
        body_size: body.len() as u64,
        state: None,
        links: vec![Link { rel: "evidence".into(), seq: 0 }],
        tool: "caiso".into(),
        tool_version: "0.1.0".into(),
    };
    let leaves: Vec<_> = (0..size).map(|i| hash_leaf(&record(i).to_entry().unwrap())).collect();
    let mut range = CompactRange::default();
    for leaf in &leaves {
        range.push(*leaf, |_, _, _| {});
    }
    let levels = Levels::new(leaves);
    let checkpoint = Checkpoint { origin: log.verifier().name().into(), size, root: range.root() };
    let opening = open.then(|| Opening { salt: salt(index), envelope });
    Receipt::new(
        &Disclosure { entry: record(index), opening },
        index,
        prove_inclusion(index, size, |h, i| levels.node(h, i)).unwrap(),
        checkpoint.sign(log).unwrap(),
    )
    .unwrap()
}

#[test]
fn verifies_offline_and_says_what_it_checked_and_what_not() {
    let log = signer("log.example");
    let text = receipt(&log, 4, 7, true).to_string();
    insta::assert_snapshot!("text", text);
    let report = Receipt::parse(text.as_bytes()).unwrap().verify(log.verifier()).unwrap();
    assert_eq!(report.index, 4);
    assert_eq!(report.record.object, "check:RB-004");
    assert_eq!(report.statement.unwrap().subject[0].name, "model");
    insta::assert_json_snapshot!("checks", [report.checked, report.not_checked]);
}

#[test]
fn without_the_body_it_proves_the_record_alone() {
    let log = signer("log.example");
    let report = receipt(&log, 0, 1, false).verify(log.verifier()).unwrap();
    assert!(report.statement.is_none());
    assert!(report.not_checked[0].contains("without its body"), "{:?}", report.not_checked);
}

#[test]
fn names_what_fails() {
    let log = signer("log.example");
    let good = receipt(&log, 4, 7, true);
    let disclosure = good.unverified_disclosure().unwrap();
    let with = |disclosure: &Disclosure| {
        Receipt::new(disclosure, 4, good.proof.clone(), good.checkpoint.clone())
            .unwrap()
            .verify(log.verifier())
            .unwrap_err()
    };

    let mut other = disclosure.clone();
    other.entry.actor = "user:eve".into();
    assert!(matches!(with(&other), LedgerError::Inclusion { index: 4, size: 7, .. }));

    let mut other = disclosure.clone();
    other.opening.as_mut().unwrap().salt[0] ^= 1;
    assert!(matches!(with(&other), LedgerError::Commitment));

    let mut other = disclosure.clone();
    let forged = str::from_utf8(STATEMENT).unwrap().replace("0.25", "0.75");
    other.opening.as_mut().unwrap().envelope = Envelope::sign(forged.as_bytes(), &log).unwrap();
    assert!(matches!(with(&other), LedgerError::Commitment));

    let error = good.verify(signer("other.example").verifier()).unwrap_err();
    assert!(matches!(error, LedgerError::NoSignature { .. }), "{error}");
    let error = Receipt { index: 3, ..good.clone() }.verify(log.verifier()).unwrap_err();
    assert!(matches!(error, LedgerError::Inclusion { index: 3, .. }), "{error}");
    let error = Receipt { extra: None, ..good.clone() }.verify(log.verifier()).unwrap_err();
    assert!(error.to_string().contains("does not show the record"), "{error}");
    let error = Receipt { extra: Some(b"{}".into()), ..good }.verify(log.verifier()).unwrap_err();
    assert!(matches!(error, LedgerError::Decode { .. }), "{error}");
}

#[test]
fn says_what_is_malformed_and_where() {
    let text = receipt(&signer("log.example"), 4, 7, true).to_string();
    let cases = [
        (
            text.replace("tlog-proof@v1", "tlog-proof@v2"),
            "line 1: expected `c2sp.org/tlog-proof@v1`",
        ),
        (text.replace("extra ", "extra extra "), "line 2: the extra data is no base64"),
        (text.replace("index 4", "index 04"), "line 3: expected `index <decimal number>`"),
        (text.replace("index 4", "index 4\nAAAA"), "line 4: expected a hash, 32 bytes in base64"),
        (text.replace("\n\n", "\n"), "line 1: no empty line before the checkpoint"),
        (text.trim_end().to_owned(), "no newline at the end"),
        (text.replace("\nlog.example", "\nlog.example\r"), "control character"),
    ];
    for (text, expected) in cases {
        let error = Receipt::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} / {expected}");
    }
    // An early empty line moves the hashes into the note, where nobody signed them.
    let moved = Receipt::parse(text.replace("index 4", "index 4\n").as_bytes()).unwrap();
    let error = moved.verify(signer("log.example").verifier()).unwrap_err();
    assert!(matches!(error, LedgerError::InvalidSignature { .. }), "{error}");
}

#[test]
fn reads_a_proof_without_extra_data() {
    let log = signer("log.example");
    let plain = Receipt { extra: None, ..receipt(&log, 2, 5, false) };
    assert_eq!(Receipt::parse(plain.to_string().as_bytes()).unwrap(), plain);
    let note = Note::parse(plain.checkpoint.to_string().as_bytes()).unwrap();
    assert_eq!(note, plain.checkpoint);
}

#[test]
fn no_changed_byte_verifies() {
    let log = signer("log.example");
    let bytes = receipt(&log, 4, 7, true).to_string().into_bytes();
    for at in 0..bytes.len() {
        for flip in [1, 0x20, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            let accepted = Receipt::parse(&changed)
                .is_ok_and(|receipt| receipt.verify(log.verifier()).is_ok());
            assert!(!accepted, "byte {at} xor {flip}");
        }
    }
}

proptest! {
    #[test]
    fn round_trips(size in 1_u64..600, at in any::<prop::sample::Index>(), open: bool) {
        let log = signer("log.example");
        let made = receipt(&log, at.index(size as usize) as u64, size, open);
        let read = Receipt::parse(made.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&read, &made);
        prop_assert!(read.verify(log.verifier()).is_ok());
    }

    #[test]
    fn mutated_receipts_never_verify(
        cut in any::<prop::sample::Index>(),
        paste in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..4),
        remove in 0_usize..4,
    ) {
        let log = signer("log.example");
        let good = receipt(&log, 4, 7, true).to_string().into_bytes();
        let mut changed = good.clone();
        let at = cut.index(good.len() - 4);
        changed.splice(at..at + remove, bytes);
        let from = paste.index(good.len());
        let moved = [&good[..at], &good[from..], &good[at..]].concat();
        for candidate in [changed, moved, good[..from].to_vec()] {
            let accepted = Receipt::parse(&candidate).is_ok_and(|r| r.verify(log.verifier()).is_ok());
            prop_assert!(!accepted || candidate == good);
        }
    }

    #[test]
    fn parsing_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\nA=0-9a-z]{0,80}") {
        let _ = Receipt::parse(&bytes);
        let _ = Receipt::parse(format!("c2sp.org/tlog-proof@v1\n{text}").as_bytes());
    }
}
