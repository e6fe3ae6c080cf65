use caiso_ledger::{Envelope, Receipt, VerifierKey};
use caiso_store::{Change, Disclose, Store, StoreError};

use crate::common::{assert_sound, assessment, at, attestation, entry, evidence, open, statement};

#[test]
fn the_first_record_tells_of_a_key_that_only_the_owner_reads() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().join("made/on/demand");
    let store = open(&home);
    assert_eq!(store.size().unwrap(), 1);
    let shown = store.show(0).unwrap();
    assert_eq!((shown.record.action.as_str(), shown.record.actor.as_str()), ("key", "caiso"));
    assert_eq!(shown.record.object, store.verifier_key().key_id());
    assert!(store.verifier_key().name().starts_with("caiso/"));
    let text = std::fs::read_to_string(home.join("keys/ledger.vkey")).unwrap();
    assert_eq!(text.trim_end().parse::<VerifierKey>().unwrap(), *store.verifier_key());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &str| home.join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("keys/ledger.ed25519"), mode("keys"), mode("")), (0o600, 0o700, 0o700));
    }
    assert_sound(&store);
}

#[test]
fn what_is_recorded_is_there_after_reopening() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let sealed = store.append(entry(1)).unwrap();
    assert_eq!(sealed.seq, 1);
    let batch = store.append_batch((2..700).map(entry).collect()).unwrap();
    assert_eq!(batch.iter().map(|s| s.seq).collect::<Vec<_>>(), (2..700).collect::<Vec<_>>());
    assert!(store.append_batch(Vec::new()).unwrap().is_empty());
    drop(store);

    let store = open(home.path());
    assert_eq!(store.size().unwrap(), 700);
    let sealed = store.append(entry(700)).unwrap();
    let (checkpoint, note) = store.checkpoint().unwrap().unwrap();
    assert_eq!((checkpoint.size, &*sealed.checkpoint), (701, note.to_string().as_str()));
    let shown = store.show(300).unwrap();
    assert_eq!(shown.leaf_hash, batch[298].leaf_hash);
    assert_eq!(shown.opening.unwrap().envelope.unverified_payload(), statement(300));
    let lines = store.log(699, 10).unwrap();
    assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [699, 700]);
    assert!(store.log(u64::MAX, 10).unwrap().is_empty());
    assert!(matches!(store.show(701).unwrap_err(), StoreError::NoRecord { seq: 701, size: 701 }));
    assert_sound(&store);
}

#[test]
fn equal_statements_make_equal_bodies_under_different_commitments() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let sealed = store.append_batch(vec![entry(1), entry(1)]).unwrap();
    let [a, b] = [0, 1].map(|i| store.show(sealed[i].seq).unwrap());
    assert_ne!(a.record.commitment, b.record.commitment);
    let bytes = |envelope: Envelope| envelope.to_bytes().unwrap();
    assert_eq!(bytes(a.opening.unwrap().envelope), bytes(b.opening.unwrap().envelope));
}

#[test]
fn state_and_record_go_together() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    store.append_batch(vec![evidence(1), evidence(2), evidence(1), assessment(1)]).unwrap();
    store.append_batch(vec![attestation(1, 1), attestation(2, 2), assessment(2)]).unwrap();

    let (seq, cached) = store.cached_evidence("key-1").unwrap().unwrap();
    assert_eq!((seq, cached.digest.as_str()), (3, "digest-1"), "the newest counts");
    assert!(store.cached_evidence("key-3").unwrap().is_none());
    let attestations = store.attestations("mortgage").unwrap();
    assert_eq!(attestations.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [5, 6]);
    assert_eq!(attestations[0].1.expires, None);
    assert_eq!(attestations[1].1.expires.as_deref(), Some("2027-01-31"));
    assert_eq!(attestations[1].1.evidence, [2]);
    assert!(store.attestations("other").unwrap().is_empty());
    assert_eq!(store.assessments("mortgage").unwrap(), [7, 4]);
    assert_eq!(store.assessment(7).unwrap().report, r#"{"run":2}"#);
    assert!(store.assessment(1).is_err());
    assert!(matches!(store.show(5).unwrap().change, Some(Change::Attestation(_))));
    assert_sound(&store);
}

#[test]
fn a_bad_entry_changes_nothing_and_spoils_no_other() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let mut large = entry(1);
    large.object = "x".repeat(70_000);
    let mut ahead = attestation(1, 99);
    ahead.change = None;
    let mut no_statement = entry(1);
    no_statement.statement = b"{}".to_vec();
    let mut reserved = entry(1);
    reserved.action = "redaction".into();
    for (bad, expected) in [
        (large, "record has 70"),
        (ahead, "there is no record 99"),
        (no_statement, "in-toto statement is not JSON of the expected form"),
        (reserved, "the action `redaction` is reserved"),
    ] {
        let good = store.submit(vec![entry(5)]).unwrap();
        let error = store.append_batch(vec![evidence(7), bad]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        good.wait().unwrap();
        assert!(store.cached_evidence("key-7").unwrap().is_none());
    }
    assert_eq!(store.size().unwrap(), 5);
    assert_sound(&store);
}

#[test]
fn receipts_verify_offline_at_every_age() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    store.append_batch((1..600).map(entry).collect()).unwrap();
    let key = store.verifier_key().clone();
    for seq in [0, 1, 255, 256, 511, 512, 599] {
        let text = store.prove(seq, Disclose::Body).unwrap().to_string();
        let report = Receipt::parse(text.as_bytes()).unwrap().verify(&key).unwrap();
        assert_eq!((report.index, report.checkpoint.size), (seq, 600));
        let subject = report.statement.unwrap().subject.remove(0).name;
        assert_eq!(subject, if seq == 0 { key.name().to_owned() } else { format!("model-{seq}") });
        let bare = store.prove(seq, Disclose::RecordOnly).unwrap();
        assert!(!bare.to_string().contains("payload"));
        assert!(bare.verify(&key).unwrap().statement.is_none());
    }
    assert!(store.prove(600, Disclose::Body).is_err());
}

#[test]
fn redaction_erases_for_good_and_everything_still_verifies() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let mut secret = attestation(1, 0);
    let marker = "Zebulon-Quetzal-4711";
    secret.statement = String::from_utf8(statement(1)).unwrap().replace("model-1", marker).into();
    if let Some(Change::Attestation(attestation)) = &mut secret.change {
        attestation.who = marker.into();
    }
    store.append_batch(vec![secret, entry(2)]).unwrap();
    let payload = store.show(1).unwrap().opening.unwrap().envelope.unverified_payload().to_vec();
    assert!(String::from_utf8(payload).unwrap().contains(marker));
    let (before, _) = store.checkpoint().unwrap().unwrap();
    let external = store.checkpoint().unwrap().unwrap().1.to_string();

    let sealed = store.redact(1, "user:dpo", "erasure request 17").unwrap();
    let shown = store.show(1).unwrap();
    assert!(shown.opening.is_none() && shown.change.is_none());
    assert!(store.attestations("mortgage").unwrap().is_empty());
    let report = store.prove(1, Disclose::Body).unwrap().verify(store.verifier_key()).unwrap();
    assert!(report.statement.is_none());
    let redaction = store.show(sealed.seq).unwrap();
    assert_eq!(redaction.record.links[0].seq, 1);
    assert_eq!(redaction.record.actor, "user:dpo");
    let verification = store.verify(Some(&external)).unwrap();
    assert!(verification.passed(), "{:?}", verification.failures);
    assert!(before.size < verification.size);

    for (seq, reason) in [(1, "erased before"), (0, "about itself"), (sealed.seq, "about itself")] {
        let error = store.redact(seq, "user:dpo", "again").unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert!(matches!(
        store.redact(99, "user:dpo", "x").unwrap_err(),
        StoreError::NoRecord { seq: 99, .. }
    ));
    drop(store);
    // Nothing of it is left in any file: neither in free pages nor in the write-ahead log.
    for file in std::fs::read_dir(home.path()).unwrap().flatten() {
        if file.file_type().unwrap().is_file() {
            let bytes = std::fs::read(file.path()).unwrap();
            let found = bytes.windows(marker.len()).any(|window| window == marker.as_bytes());
            assert!(!found, "{:?}", file.path());
        }
    }
    assert_sound(&open(home.path()));
}

#[test]
fn many_threads_get_one_order() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let mut seqs: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let store = &store;
                scope.spawn(move || {
                    let tickets: Vec<_> = (0..50)
                        .map(|i| store.submit(vec![entry(thread * 1000 + i)]).unwrap())
                        .collect();
                    tickets
                        .into_iter()
                        .map(|ticket| ticket.wait().unwrap()[0].seq)
                        .inspect({
                            let mut last = 0;
                            move |seq| assert!(std::mem::replace(&mut last, *seq) < *seq)
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=400).collect::<Vec<_>>());
    assert_sound(&store);
}

#[test]
fn readers_work_beside_the_writer() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    store.append(entry(1)).unwrap();
    let reader = Store::open_read_only(home.path()).unwrap();
    assert_eq!(reader.size().unwrap(), 2);
    store.append(entry(2)).unwrap();
    assert_eq!(reader.size().unwrap(), 3);
    assert_sound(&reader);
    assert!(matches!(reader.append(entry(3)).unwrap_err(), StoreError::OpenedForReading));
    assert!(matches!(reader.redact(1, "a", "b").unwrap_err(), StoreError::OpenedForReading));
}

#[test]
fn times_are_whole_milliseconds_in_order() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path(), at("2026-11-25T10:00:00.123999Z")).unwrap();
    let sealed = store.append(entry(1)).unwrap();
    assert_eq!(sealed.time.to_string(), "2026-11-25T10:00:00.123Z");
    drop(store);
    // The same millisecond again is no step back.
    let store = Store::open(home.path(), at("2026-11-25T10:00:00.123Z")).unwrap();
    store.append(entry(2)).unwrap();
    assert_sound(&store);
}
