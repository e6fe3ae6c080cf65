use caiso_ledger::{Envelope, LedgerError, MAX_ENVELOPE, Statement};

use crate::common::signer;

const STATEMENT: &[u8] = br#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"n":0.25},"predicateType":"urn:example:v1","subject":[{"digest":{"sha256":"ab"},"name":"model"}]}"#;

#[test]
fn keeps_the_statement_byte_for_byte_and_verifies() {
    let log = signer("log.example");
    let envelope = Envelope::sign(STATEMENT, &log).unwrap();
    let bytes = envelope.to_bytes().unwrap();
    insta::assert_snapshot!(String::from_utf8(bytes.clone()).unwrap());
    let read = Envelope::from_bytes(&bytes).unwrap();
    assert_eq!(read.unverified_payload(), STATEMENT);
    let statement = read.verify(log.verifier()).unwrap();
    assert_eq!(statement.subject[0].name, "model");
    assert_eq!(statement.to_bytes().unwrap(), STATEMENT);
    let error = read.verify(signer("other.example").verifier()).unwrap_err();
    assert!(matches!(error, LedgerError::NoSignature { .. }), "{error}");
}

#[test]
fn no_changed_byte_verifies() {
    let log = signer("log.example");
    let bytes = Envelope::sign(STATEMENT, &log).unwrap().to_bytes().unwrap();
    for at in 0..bytes.len() {
        for flip in [1, 2, 0x20, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            let accepted =
                Envelope::from_bytes(&changed).is_ok_and(|e| e.verify(log.verifier()).is_ok());
            assert!(!accepted, "byte {at}");
        }
    }
}

#[test]
fn signs_statements_only() {
    let log = signer("log.example");
    let text = str::from_utf8(STATEMENT).unwrap();
    for (statement, reason) in [
        (
            text.replace("Statement/v1", "Statement/v0.1"),
            "its `_type` is `https://in-toto.io/Statement/v0.1`",
        ),
        (text.replace("urn:example:v1", ""), "it has no `predicateType`"),
        (text.replace(r#""sha256":"ab""#, ""), "its subject `model` has no digest"),
    ] {
        let error = Envelope::sign(statement.as_bytes(), &log).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert!(matches!(Statement::parse(b"[]").unwrap_err(), LedgerError::Decode { .. }));
    let error = Envelope::from_bytes(&vec![b' '; MAX_ENVELOPE + 1]).unwrap_err();
    assert!(matches!(error, LedgerError::TooLarge { .. }));
}
