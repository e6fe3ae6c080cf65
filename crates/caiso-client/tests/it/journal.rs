//! Answers that outlive the process.

use std::fs::{OpenOptions, read_to_string, write};
use std::io::Write as _;
use std::path::Path;

use caiso_client::{ClientError, Connection, HttpModel, Recording, Warning};
use caiso_inference::{Error, Model as _};

use crate::server::{HONEST, Reply, Server, endpoint, honest, in_memory, nothing};

fn connect(url: &str, more: &str, recording: Recording<'_>) -> Result<HttpModel, ClientError> {
    let connection = Connection { environment: &nothing, tls_roots: None, recording };
    HttpModel::connect(&endpoint(url, &format!("{HONEST}{more}")), connection)
}

/// What an attack does: it asks again and again, and what it asks follows from the answers.
fn campaign(model: &HttpModel, steps: usize) -> Result<Vec<f32>, Error> {
    let mut rows = vec![0.9, 0.8, 0.1, 0.35];
    for _ in 0..steps {
        let logits = model.logits(&rows)?;
        for (row, logits) in rows.chunks_exact_mut(2).zip(logits.chunks_exact(2)) {
            row[0] += 0.01 * (logits[0] - logits[1]);
        }
    }
    Ok(rows)
}

#[test]
fn a_killed_campaign_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("answers.jsonl");
    let whole = Server::start(|_, request| honest(request));
    let url = format!("http://{}", whole.address);
    let uninterrupted = connect(&url, "", Recording::Memory).expect("a good description");
    let expected = campaign(&uninterrupted, 20).expect("answers");

    // The endpoint's address is part of its description, so the same server dies and recovers.
    let dying = Server::start(|number, request| match number {
        8 => Reply::Full(400, "", "died".to_owned()),
        _ => honest(request),
    });
    let url = format!("http://{}", dying.address);
    let first =
        connect(&url, "    budget: 40\n", Recording::Journal(&path)).expect("a new journal");
    assert!(campaign(&first, 20).is_err());
    let taken = connect(&url, "", Recording::Journal(&path)).err().expect("locked").to_string();
    assert!(taken.contains("another process writes it"), "{taken}");
    drop(first);
    // Torn in the middle of a line, as by a kill.
    let text = read_to_string(&path).expect("a journal");
    assert_eq!(text.lines().count(), 1 + 16);
    write(&path, &text[..text.len() - 9]).expect("written");

    let second =
        connect(&url, "    budget: 40\n", Recording::Journal(&path)).expect("its own journal");
    assert_eq!(second.warnings(), [Warning::TornJournal]);
    let before = dying.requests().len();
    assert_eq!(campaign(&second, 20).expect("answers"), expected);
    assert_eq!(second.queries(), uninterrupted.queries(), "what was asked before counts too");
    let rows: usize = dying.requests()[before..]
        .iter()
        .map(|request| request.json()["instances"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(rows, 40 - 15, "15 answers were kept whole");
    drop(second);

    let requests = dying.requests().len();
    let replayed = connect(&url, "", Recording::Replay(&path)).expect("a journal");
    assert_eq!(campaign(&replayed, 20).expect("all kept"), expected);
    assert_eq!(dying.requests().len(), requests, "nothing was sent");
    let message = replayed.logits(&[0.5, 0.5]).expect_err("never asked").to_string();
    assert!(
        message.contains("for 1 of 1 inputs: no answer was kept, and none is asked for in replay"),
        "{message}"
    );
    replayed.check_repeatability(&[0.5, 0.5]).expect("nothing to check");
}

#[test]
fn files_that_are_no_journal_of_this_endpoint_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("answers.jsonl");
    let server = Server::start(|_, request| honest(request));
    let url = format!("http://{}", server.address);
    let model = connect(&url, "", Recording::Journal(&path)).expect("a new journal");
    model.logits(&[0.1, 0.1, 0.2, 0.2]).expect("answers");
    drop(model);

    let refused = |more: &str, recording: Recording<'_>| {
        connect(&url, more, recording).err().expect("refused").to_string()
    };
    // Limits may change; what is asked may not.
    assert!(connect(&url, "    batch: 3\n    rate: 9\n", Recording::Journal(&path)).is_ok());
    let other = refused("    method: PUT\n", Recording::Journal(&path));
    assert!(
        other.contains("answers.jsonl: holds the answers of an endpoint that is asked"),
        "{other}"
    );

    let absent = refused("", Recording::Replay(Path::new("no-such-folder/x")));
    assert!(absent.contains("no-such-folder/x"), "{absent}");

    let good = read_to_string(&path).expect("a journal");
    for (text, expected) in [
        ("income,age\n1,2\n".to_owned(), "is no journal of answers"),
        (good.replace("\"answer\":[", "\"answer\":[0.5,"), "line 2 is no answer of 2 values"),
        (good.replace("{\"input\":\"", "{\"input\":\"zz"), "line 2 is no answer"),
    ] {
        write(&path, text).expect("written");
        for recording in [Recording::Journal(&path), Recording::Replay(&path)] {
            let message = refused("", recording);
            assert!(message.contains(expected), "{message}");
        }
    }
    write(&path, "").expect("written");
    assert!(refused("", Recording::Replay(&path)).contains("is empty"));
    assert!(connect(&url, "", Recording::Journal(&path)).is_ok(), "an empty file is begun");

    // Two answers to one input: the first stays.
    let twice = good.lines().nth(1).expect("an answer").replace("0.", "0.9");
    write(&path, &good).expect("written");
    writeln!(OpenOptions::new().append(true).open(&path).expect("there"), "{twice}")
        .expect("written");
    let replayed = connect(&url, "", Recording::Replay(&path)).expect("a journal");
    let live =
        HttpModel::connect(&endpoint(&url, HONEST), in_memory()).expect("a good description");
    let rows = [0.1, 0.1, 0.2, 0.2];
    assert_eq!(replayed.logits(&rows).expect("kept"), live.logits(&rows).expect("answers"));
}
