use std::path::Path;
use std::process::Command;

use caiso_ledger::{Link, STATEMENT_TYPE, Statement, StatementSubject};
use caiso_store::{Assessment, Attestation, Change, Clock, Entry, Evidence, Store};
use jiff::Timestamp;

/// Variable that tells a child process its home.
pub(crate) const HOME: &str = "CAISO_STORE_TEST_HOME";

pub(crate) fn clock() -> Clock {
    Box::new(Timestamp::now)
}

pub(crate) fn at(text: &'static str) -> Clock {
    Box::new(move || text.parse().unwrap())
}

pub(crate) fn open(home: &Path) -> Store {
    Store::open(home, clock()).unwrap()
}

pub(crate) fn statement(number: u64) -> Vec<u8> {
    Statement {
        statement_type: STATEMENT_TYPE.into(),
        subject: vec![StatementSubject {
            name: format!("model-{number}"),
            digest: [("sha256".to_owned(), format!("{number:064x}"))].into(),
        }],
        predicate_type: "urn:example:test:v1".into(),
        predicate: serde_json::json!({ "number": number, "rate": 0.25 }),
    }
    .to_bytes()
    .unwrap()
}

pub(crate) fn entry(number: u64) -> Entry {
    Entry {
        actor: "user:ada".into(),
        action: "evidence".into(),
        object: format!("check:RB-{number:03}"),
        outcome: Some("pass".into()),
        links: Vec::new(),
        statement: statement(number),
        change: None,
    }
}

pub(crate) fn evidence(number: u64) -> Entry {
    let change = Change::Evidence(Evidence {
        cache_key: format!("key-{number}"),
        digest: format!("digest-{number}"),
    });
    Entry { change: Some(change), ..entry(number) }
}

pub(crate) fn attestation(number: u64, seq: u64) -> Entry {
    Entry {
        action: "attestation".into(),
        links: vec![Link { rel: "evidence".into(), seq }],
        change: Some(Change::Attestation(Attestation {
            system: "mortgage".into(),
            requirement: "eu-ai-act/art-15".into(),
            who: "Ada L.".into(),
            role: "model owner".into(),
            statement: "I have read the evidence.".into(),
            evidence: vec![seq],
            expires: number.is_multiple_of(2).then(|| "2027-01-31".into()),
        })),
        ..entry(number)
    }
}

pub(crate) fn assessment(number: u64) -> Entry {
    Entry {
        action: "assessment".into(),
        change: Some(Change::Assessment(Assessment {
            system: "mortgage".into(),
            report: format!(r#"{{"run":{number}}}"#),
        })),
        ..entry(number)
    }
}

/// A process that runs one ignored test of this binary on a home.
pub(crate) fn child(program: &Path, test: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(HOME, home);
    command
}

pub(crate) fn this_program() -> std::path::PathBuf {
    std::env::current_exe().unwrap()
}

/// Home told by the parent; none if somebody runs the ignored tests by hand.
pub(crate) fn told_home() -> Option<std::path::PathBuf> {
    std::env::var_os(HOME).map(Into::into)
}

#[track_caller]
pub(crate) fn assert_sound(store: &Store) {
    let verification = store.verify(None).unwrap();
    assert!(verification.passed(), "{:#?}", verification.failures);
}
