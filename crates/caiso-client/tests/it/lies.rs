//! What an endpoint can do wrong, and what is said about it.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use caiso_client::{HttpModel, Warning};
use caiso_inference::{Error, Model as _};
use serde_json::json;

use crate::server::{HONEST, Reply, Server, endpoint, honest, in_memory, model};

/// Asks about three rows and answers with the error.
fn refusal(model: &HttpModel) -> String {
    match model.logits(&[0.1, 0.1, 0.2, 0.2, 0.3, 0.3]) {
        Err(Error::NoAnswer(message)) => message,
        other => panic!("expected no answer, got {other:?}"),
    }
}

#[test]
fn answers_that_cannot_be_used_are_explained() {
    let cases = [
        ("{\"predictions\": [[0.5, 0.5]]}", "has 1 entries, expected 3"),
        (
            "{\"predictions\": [[0.5, 0.5], [0.5, 0.5], [0.2, 0.3, 0.5]]}",
            "entry 2 of /predictions: 3 values",
        ),
        ("{\"predictions\": [[0.5, 0.5], [1.2, -0.2], [1, 0]]}", "1.2 is no probability"),
        ("{\"predictions\": [[0.5, 0.5], [-0.1, 1.0], [1, 0]]}", "-0.1 is no probability"),
        ("{\"predictions\": [[0.5, 0.5], [0, 0.0], [1, 0]]}", "all probabilities are 0"),
        ("{\"predictions\": [[0.5, 0.5], [1e300, 0.0], [1, 0]]}", "beyond the range"),
        ("{\"predictions\": [[0.5, 0.5], [null, 0.0], [1, 0]]}", "is null, expected a number"),
        (
            "{\"predictions\": [[0.5, 0.5], \"yes\", [1, 0]]}",
            "is the text \"yes\", expected an array of 2",
        ),
        (
            "{\"predictions\": [{\"no\": 1, \"maybe\": 0}, 0.5, 0.5]}",
            "`maybe` is none of the classes `no`, `yes`",
        ),
        ("{\"predictions\": [{\"no\": 1}, 0.5, 0.5]}", "has no value for the class `yes`"),
        (
            "{\"predictions\": 0.5}",
            "/predictions is the number 0.5, expected an array with an entry for each",
        ),
        (
            "{\"error\": \"model is loading\"}",
            "nothing at `/predictions`; it is {\"error\":\"model is loading\"}",
        ),
        ("{\"predictions\": [[NaN, 0.5]]}", "may hold NaN, which JSON does not have"),
        ("<html><h1>Welcome</h1></html>", "is no JSON (expected value at line 1 column 1): <html>"),
        ("", "is no JSON"),
        ("{\"predictions\": [[0.5, 0.", "is no JSON"),
    ];
    for (body, expected) in cases {
        let server = Server::start(move |_, _| Reply::Full(200, "", body.to_owned()));
        let message = refusal(&model(&server, ""));
        assert!(message.contains(expected), "{body}\n{message}\nexpected {expected}");
        assert!(message.starts_with("POST http://127.0.0.1:"), "{message}");
        assert!(message.contains("for 3 inputs from 1 of 3"), "{message}");
        assert_eq!(server.requests().len(), 1, "a wrong answer is no reason to ask again: {body}");
    }
}

#[test]
fn labels_are_judged_too() {
    let label = "    body: {instances: \"{{rows}}\"}\n    answer: {label: /labels}\n    \
                 classes: [\"0\", \"1\"]\n    input_shape: [2]\n";
    for (body, expected) in [
        ("{\"labels\": [0, 1, 2]}", "entry 2 of /labels: `2` is none of the classes `0`, `1`"),
        ("{\"labels\": [0, 1, {}]}", "is an object {}, expected a label"),
    ] {
        let server = Server::start(move |_, _| Reply::Full(200, "", body.to_owned()));
        let endpoint = endpoint(&format!("http://{}", server.address), label);
        let model = HttpModel::connect(&endpoint, in_memory()).expect("a good description");
        let message = refusal(&model);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn statuses_are_told_with_what_came() {
    for (status, headers, body, expected, tries) in [
        (404, "", "no such model", "answered 404 Not Found: no such model", 1),
        (401, "", "", "answered 401 Unauthorized; check the credentials", 1),
        (
            307,
            "location: http://elsewhere.example/\r\n",
            "",
            "a redirect to elsewhere.example, and only",
            1,
        ),
        (301, "location: /other\r\n", "", "a redirect, and only", 1),
        (
            500,
            "",
            "<html>oops</html>",
            "answered 500 Internal Server Error: <html>oops</html>, at each of 3 tries",
            3,
        ),
        (429, "", "slow down", "answered 429 Too Many Requests: slow down, at each of 3 tries", 3),
        (503, "retry-after: 86400\r\n", "", "asks to wait 86400 s, longer than 300 s", 1),
    ] {
        let server = Server::start(move |_, _| Reply::Full(status, headers, body.to_owned()));
        let message = refusal(&model(&server, "    retries: 2\n"));
        assert!(message.contains(expected), "{message}");
        assert_eq!(server.requests().len(), tries, "{message}");
    }
}

#[test]
fn an_endpoint_that_is_not_there_or_dies_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("bound");
    drop(free);
    let gone = endpoint(&format!("http://{address}"), &format!("{HONEST}    retries: 1\n"));
    let gone = HttpModel::connect(&gone, in_memory()).expect("a good description");
    let message = refusal(&gone);
    assert!(message.contains("refused the connection, at each of 2 tries"), "{message}");

    for reply in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"predict",
        "\u{0}\u{1}garbage\r\n\r\n",
    ] {
        let server = Server::start(move |_, _| Reply::Raw(reply.to_owned()));
        let message = refusal(&model(&server, "    retries: 1\n"));
        assert!(
            message.contains("broke off (") && message.contains("2 tries"),
            "{reply}: {message}"
        );
    }
}

#[test]
fn silence_ends_at_the_timeout() {
    let server = Server::start(|_, _| Reply::Hang(Duration::from_millis(600)));
    let start = Instant::now();
    let message = refusal(&model(&server, "    timeout: 0.1\n    retries: 1\n"));
    assert!(message.contains("did not answer within 0.1 s, at each of 2 tries"), "{message}");
    assert!(start.elapsed() >= Duration::from_millis(200), "both tries waited");
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let server = Server::start(|_, _| Reply::Endless);
    let message = refusal(&model(&server, ""));
    assert!(message.contains("answered with more than 67108864 bytes"), "{message}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_passing_failure_is_waited_out() {
    let server = Server::start(|number, request| match number {
        0 => Reply::Full(503, "", String::new()),
        1 => Reply::Raw(String::new()),
        2 => Reply::Full(429, "retry-after: 1\r\n", String::new()),
        _ => honest(request),
    });
    let start = Instant::now();
    let model = model(&server, "");
    assert_eq!(model.predict(&[0.1, 0.2, 0.9, 0.8]).expect("the fourth try"), [0, 1]);
    assert!(start.elapsed() >= Duration::from_secs(1), "Retry-After counts");
    assert_eq!(model.queries(), 2, "a repetition is no query");
}

#[test]
fn sums_and_randomness_are_warned_about() {
    let server = Server::start(|_, request| {
        let rows = request.json()["instances"].as_array().map_or(0, Vec::len);
        Reply::json(&json!({ "predictions": vec![[0.4, 0.5]; rows] }))
    });
    let unequal = model(&server, "");
    let probabilities = unequal.probabilities(&[0.1, 0.2, 0.3, 0.4]).expect("usable");
    assert!((probabilities[0] - 4.0 / 9.0).abs() < 1e-6, "{probabilities:?}");
    let warnings = unequal.warnings();
    let [Warning::Sum { answers: 2, worst }] = warnings[..] else { panic!("{warnings:?}") };
    assert!((worst - 0.9).abs() < 1e-6);

    let server = Server::start(|number, request| {
        let rows = request.json()["instances"].as_array().map_or(0, Vec::len);
        let noise = 0.01 * (number % 3) as f64;
        Reply::json(&json!({ "predictions": vec![[0.5 - noise, 0.5 + noise]; rows] }))
    });
    let noisy = model(&server, "");
    noisy.check_repeatability(&[0.1; 16]).expect("answers");
    let warnings = noisy.warnings();
    assert!(
        matches!(warnings[..], [Warning::Randomised { asked: 4, differing: 4, .. }]),
        "{warnings:?}"
    );

    // A server that mixes the rows of a batch.
    let server = Server::start(|_, request| {
        let rows = request.json()["instances"].as_array().map_or(0, Vec::len);
        let second = 0.1 * rows as f64;
        Reply::json(&json!({ "predictions": vec![[1.0 - second, second]; rows] }))
    });
    let mixing = model(&server, "");
    mixing.check_repeatability(&[0.1; 6]).expect("answers");
    let warnings = mixing.warnings();
    assert!(
        matches!(warnings[..], [Warning::Batching { asked: 3, differing: 3, .. }]),
        "{warnings:?}"
    );

    let server = Server::start(|_, request| honest(request));
    let good = model(&server, "");
    good.check_repeatability(&[0.1, 0.2, 0.3, 0.4]).expect("answers");
    assert_eq!((good.warnings(), good.queries()), (Vec::new(), 6));
}

#[test]
fn secrets_are_in_the_request_and_in_no_message() {
    let server = Server::start(|_, request| {
        let echoed = request.header("authorization").unwrap_or_default().to_owned();
        let pad = "x".repeat(150);
        let body = format!("{pad}{echoed} {}", request.path);
        Reply::Full(if request.path.contains("403") { 403 } else { 200 }, "", body)
    });
    let environment =
        |name: &str| (name == "TOKEN").then(|| "top-secret-value-0123456789".to_owned());
    for path in ["200", "403"] {
        let url = format!("http://{}/{path}?key=${{TOKEN}}", server.address);
        let more = format!("{HONEST}    headers: {{Authorization: \"Bearer ${{TOKEN}}\"}}\n");
        let connection = caiso_client::Connection { environment: &environment, ..in_memory() };
        let model = HttpModel::connect(&endpoint(&url, &more), connection).expect("set");
        let message = refusal(&model);
        assert!(message.contains("?key=${TOKEN}"), "{message}");
        assert!(message.contains("xxx") && !message.contains("top-s"), "{message}");
    }
    let requests = server.requests();
    assert_eq!(requests[0].header("authorization"), Some("Bearer top-secret-value-0123456789"));
    assert_eq!(requests[0].path, "/200?key=top-secret-value-0123456789");

    let unset = endpoint(
        "http://localhost/",
        &format!("{HONEST}    headers: {{X-Api-Key: \"${{ABSENT}}\"}}\n"),
    );
    let error = HttpModel::connect(&unset, in_memory()).err().expect("unset").to_string();
    assert_eq!(
        error,
        "the environment variable `ABSENT` that the header `X-Api-Key` names is not set"
    );
    let broken = |_: &str| Some("line\nbreak".to_owned());
    let connection = caiso_client::Connection { environment: &broken, ..in_memory() };
    let error = HttpModel::connect(&unset, connection).err().expect("refused").to_string();
    assert!(error.contains("`X-Api-Key`") && !error.contains("break"), "{error}");
}
