use caiso_ledger::{Checkpoint, LedgerError, MAX_NOTE, Note, Signer, VerifierKey};
use proptest::prelude::*;

use crate::common::signer;

/// Example of the signed-note specification.
const SPEC_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_NOTE: &str = "This is an example message.\n\n\
    \u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// Example of Go's golang.org/x/mod/sumdb/note, with the signing key.
const GO_SECRET: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n";
const GO_SIGNATURE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn verifies_the_example_of_the_specification() {
    let key: VerifierKey = SPEC_KEY.parse().unwrap();
    assert_eq!(key.to_string(), SPEC_KEY);
    let note = Note::parse(SPEC_NOTE.as_bytes()).unwrap();
    assert_eq!(note.verify(&key).unwrap(), "This is an example message.\n");
    assert_eq!(note.to_string(), SPEC_NOTE);
}

#[test]
fn signs_byte_for_byte_as_go_does() {
    let signer = Signer::from_secret_text(GO_SECRET).unwrap();
    assert_eq!(signer.to_secret_text(), GO_SECRET);
    assert_eq!(signer.verifier().to_string(), GO_KEY);
    let note = Note::sign(GO_TEXT.into(), &[&signer]).unwrap();
    assert_eq!(note.to_string(), format!("{GO_TEXT}\n{GO_SIGNATURE}"));
    assert!(!format!("{signer:?}").contains("AYEK"), "the secret is not printed");
}

#[test]
fn tolerates_other_signatures_and_ignores_unknown_keys() {
    let signers: Vec<_> = (0..99).map(|i| signer(&format!("witness.example/{i}"))).collect();
    let log = signer("log.example");
    let mut all: Vec<_> = signers.iter().collect();
    all.push(&log);
    let note = Note::sign("text\n\nwith an empty line\n".into(), &all).unwrap();
    let parsed = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(parsed, note);
    assert!(parsed.verify(log.verifier()).is_ok());
    assert!(parsed.verify(signers[98].verifier()).is_ok());

    all.push(&log);
    let crowded = Note::sign("text\n".into(), &all).unwrap().to_string();
    let error = Note::parse(crowded.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "malformed signed note, line 103: more than 100 signatures");
}

#[test]
fn tells_a_missing_from_an_invalid_signature() {
    let log = signer("log.example");
    let note = Note::sign("text\n".into(), &[&log]).unwrap();
    let same_name = Signer::from_seed("log.example", &[9; 32]).unwrap();
    for other in [&same_name, &signer("other.example")] {
        let error = note.verify(other.verifier()).unwrap_err();
        assert!(matches!(error, LedgerError::NoSignature { .. }), "{error}");
    }
    let changed = note.to_string().replace("text", "test");
    let error = Note::parse(changed.as_bytes()).unwrap().verify(log.verifier()).unwrap_err();
    assert!(matches!(error, LedgerError::InvalidSignature { .. }), "{error}");

    // A second, false signature in the name of the key spoils the note.
    let good = note.to_string();
    let false_line = changed_signature(&good);
    let both = Note::parse(format!("{good}{false_line}").as_bytes()).unwrap();
    assert!(matches!(
        both.verify(log.verifier()).unwrap_err(),
        LedgerError::InvalidSignature { .. }
    ));
}

/// The signature line of a note with one other character inside the signature.
fn changed_signature(note: &str) -> String {
    let line = note.lines().last().unwrap();
    let (head, tail) = line.split_at(line.len() - 20);
    let (first, rest) = tail.split_at(1);
    format!("{head}{}{rest}\n", if first == "A" { "B" } else { "A" })
}

#[test]
fn says_what_is_malformed_and_where() {
    let sig = GO_SIGNATURE;
    let cases = [
        (String::new(), "line 1: no empty line before the signatures"),
        ("text\n".into(), "line 1: no empty line before the signatures"),
        ("text\n\n".into(), "line 3: no signature"),
        (format!("text\n\n{}", sig.trim_end()), "line 3: no newline at the end"),
        (
            format!("text\n\n- {}", &sig[4..]),
            "line 3: expected `\u{2014} name signature` with an em dash (U+2014)",
        ),
        (
            format!("text\n\n{sig}junk\n"),
            "line 4: expected `\u{2014} name signature` with an em dash (U+2014)",
        ),
        ("text\n\n\u{2014} name\n".into(), "line 3: expected a space between name and signature"),
        ("text\n\n\u{2014} a+b AAAAAAA=\n".into(), "line 3: bad key name"),
        ("text\n\n\u{2014}  AAAAAAA=\n".into(), "line 3: bad key name"),
        (
            "text\n\n\u{2014} name AAAAAA==\n".into(),
            "line 3: the signature is shorter than a key id and one byte",
        ),
        ("text\n\n\u{2014} name AAAAAAB=\n".into(), "line 3: the signature is no base64"),
        ("text\n\n\u{2014} name AAAAAAA\n".into(), "line 3: the signature is no base64"),
        (format!("a\ntab\there\n\n{sig}"), "line 2: control character other than newline"),
        (format!("text\r\n\n{sig}"), "line 1: control character other than newline"),
    ];
    for (text, expected) in cases {
        let error = Note::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("malformed signed note, {expected}"), "{text:?}");
    }
    let error = Note::parse(b"text\n\xff\n\n").unwrap_err();
    assert_eq!(error.to_string(), "malformed signed note, line 2: not UTF-8");
    let error = Note::parse(&vec![b'a'; MAX_NOTE + 1]).unwrap_err();
    assert!(matches!(error, LedgerError::TooLarge { .. }));
    assert!(Note::sign("no newline".into(), &[]).is_err());
    assert!(Note::sign("bell\u{7}\n".into(), &[]).is_err());
}

#[test]
fn refuses_keys_that_are_not_what_they_say() {
    for (text, reason) in [
        ("", "expected `name+id+key`"),
        ("example.com/foo+530d903a", "expected `name+id+key`"),
        (
            &SPEC_KEY.replace("530d", "530e"),
            "key id `530e903a` does not belong to the key, expected `530d903a`",
        ),
        (
            &SPEC_KEY.replace("903a", "903A"),
            "key id `530d903A` does not belong to the key, expected `530d903a`",
        ),
        (
            &SPEC_KEY.replace("foo", "f o"),
            "`example.com/f o` is no key name: white space and `+` are not allowed",
        ),
        (&SPEC_KEY.replace("+Aeky", "+Beky"), "key type 0x05, only Ed25519 (0x01)"),
        (&SPEC_KEY.replace("rm56", ""), "29 key bytes, expected 32"),
        ("a+00000000+", "the key is empty"),
        // The neutral element: a signature by it could be made by anybody.
        (
            "a+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "the public key is a weak point",
        ),
    ] {
        let error = text.parse::<VerifierKey>().unwrap_err();
        assert_eq!(error.to_string(), format!("malformed key: {reason}"), "{text}");
    }
    assert!(Signer::from_secret_text(SPEC_KEY).is_err());
}

#[test]
fn reads_the_checkpoint_of_the_specification_and_refuses_others() {
    let text =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let checkpoint = Checkpoint::parse(text).unwrap();
    assert_eq!(
        (checkpoint.origin.as_str(), checkpoint.size),
        ("example.com/behind-the-sofa", 20_852_163)
    );
    assert!(Checkpoint::parse(&format!("{text}extension\n")).is_ok());
    for (text, line) in [
        (text.replace("20852163", "020852163"), 2),
        (text.replace("20852163", "+1"), 2),
        (text.replace("20852163", ""), 2),
        (text.replace("20852163", "18446744073709551616"), 2),
        (text.replace("q2I=", "q2J="), 3),
        (text.replace("q2I=", ""), 3),
        (text.replace("example.com/behind-the-sofa", ""), 1),
        (format!("{text}\n"), 4),
    ] {
        let error = Checkpoint::parse(&text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("malformed checkpoint, line {line}: ")), "{error}");
    }

    let log = signer("log.example");
    let checkpoint = Checkpoint { origin: "log.example".into(), size: 0, root: [1; 32] };
    let note = checkpoint.sign(&log).unwrap();
    assert_eq!(Checkpoint::open(&note, log.verifier()).unwrap(), checkpoint);
    let foreign = Checkpoint { origin: "other.example".into(), ..checkpoint };
    assert!(matches!(foreign.sign(&log).unwrap_err(), LedgerError::OtherLog { .. }));
    let note = Note::sign(
        "other.example\n0\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n".into(),
        &[&log],
    )
    .unwrap();
    assert!(matches!(
        Checkpoint::open(&note, log.verifier()).unwrap_err(),
        LedgerError::OtherLog { .. }
    ));
}

proptest! {
    #[test]
    fn any_text_survives(text in "([^\\p{Cc}]{0,20}\n){1,5}", names in prop::collection::vec("[^\\s+\\p{Cc}]{1,10}", 1..4)) {
        let signers: Vec<_> = names.iter().map(|name| signer(name)).collect();
        let note = Note::sign(text, &signers.iter().collect::<Vec<_>>()).unwrap();
        let parsed = Note::parse(note.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&parsed, &note);
        for signer in &signers {
            prop_assert!(parsed.verify(signer.verifier()).is_ok());
        }
    }

    #[test]
    fn a_changed_byte_never_verifies(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let log = signer("log.example");
        let mut bytes = Note::sign("log.example\n7\nroot\n".into(), &[&log]).unwrap().to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let accepted = Note::parse(&bytes).is_ok_and(|note| note.verify(log.verifier()).is_ok());
        prop_assert!(!accepted);
    }

    #[test]
    fn parsing_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\n\u{2014} +A=0-9a-z]{0,80}") {
        let _ = Note::parse(&bytes);
        let _ = Note::parse(text.as_bytes());
        let _ = Checkpoint::parse(&text);
        let _ = text.parse::<VerifierKey>();
    }
}
