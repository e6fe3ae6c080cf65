//! How endpoints are asked: bodies, batches, limits, and the forms of answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use caiso_client::{HttpModel, HttpTextModel};
use caiso_inference::{Access, Error, LogitTap, Model as _, TextModel as _};
use serde_json::{Value, json};

use crate::server::{HONEST, Reply, Server, endpoint, honest, in_memory, model};

/// What is sent for some rows, and how the answer `reply` to each request is read.
fn exchange(more: &str, rows: &[f32], reply: &Value) -> (Vec<Value>, Result<Vec<f32>, Error>) {
    let reply = reply.clone();
    let server = Server::start(move |_, _| Reply::json(&reply));
    let endpoint = endpoint(&format!("http://{}", server.address), more);
    let model = HttpModel::connect(&endpoint, in_memory()).expect("a good description");
    let logits = model.logits(rows);
    (server.requests().iter().map(crate::server::Request::json).collect(), logits)
}

#[test]
fn bodies_are_filled_in() {
    let table = "    classes: [\"no\", \"yes\"]\n    features:\n      - {column: income, bounds: [0, 9]}\n      \
                 - {column: dependants, integer: true}\n      - {column: job, encoding: {none: 0, fixed: 1}}\n";
    let rows = [0.1, 2.0, 1.0, 1.0, 3.0, 0.0];
    let two = json!([0.5, 0.5]);
    let (sent, _) = exchange(
        &format!(
            "{table}    body: {{columns: [income], data: \"{{{{rows}}}}\"}}\n    answer: {{scores: \"\"}}\n"
        ),
        &rows,
        &two,
    );
    assert_eq!(sent, [json!({"columns": ["income"], "data": [[0.1, 2, 1.0], [1.0, 3, 0.0]]})]);

    let (sent, _) = exchange(
        &format!(
            "{table}    body: {{dataframe_records: \"{{{{records}}}}\"}}\n    answer: {{scores: \"\"}}\n"
        ),
        &rows,
        &two,
    );
    assert_eq!(
        sent,
        [json!({"dataframe_records": [
            {"income": 0.1, "dependants": 2, "job": "fixed"},
            {"income": 1.0, "dependants": 3, "job": "none"},
        ]})]
    );

    let (sent, logits) = exchange(
        &format!(
            "{table}    body: {{i: \"{{{{income}}}}\", all: {{d: [\"{{{{ dependants }}}}\", true]}}, prompt: \
             \"A \\\"{{{{job}}}}\\\" job, {{{{dependants}}}} {{dependants}}\", row: \"{{{{row}}}}\"}}\n    answer: \
             {{scores: /s}}\n"
        ),
        &rows,
        &json!({"s": 0.25}),
    );
    assert_eq!(
        sent,
        [
            json!({"i": 0.1, "all": {"d": [2, true]}, "prompt": "A \"fixed\" job, 2 {dependants}", "row": [0.1, 2, 1.0]}),
            json!({"i": 1.0, "all": {"d": [3, true]}, "prompt": "A \"none\" job, 3 {dependants}", "row": [1.0, 3, 0.0]}),
        ]
    );
    assert_eq!(logits.expect("scores"), [0.0, 0.25, 0.0, 0.25]);

    let between = exchange(
        &format!("{table}    body: \"{{{{record}}}}\"\n    answer: {{scores: /s}}\n"),
        &[0.1, 2.0, 0.4],
        &json!({"s": 0.25}),
    );
    let message = between.1.expect_err("no value is encoded as 0.4").to_string();
    assert!(message.contains("feature `job`: 0.4 encodes none of its values"), "{message}");
    assert!(between.0.is_empty(), "nothing was sent");

    let image = "    classes: [a, b, c]\n    input_shape: [1, 2, 2]\n    bounds: [0, 1]\n    body: {inputs: \
                 \"{{rows}}\"}\n    answer: {scores: /outputs/*/logits}\n";
    let (sent, logits) =
        exchange(image, &[0.0, 0.25, 0.5, 1.0], &json!({"outputs": [{"logits": [1, 2.5, -3]}]}));
    assert_eq!(sent, [json!({"inputs": [[[[0.0, 0.25], [0.5, 1.0]]]]})]);
    assert_eq!(logits.expect("scores"), [1.0, 2.5, -3.0]);
}

#[test]
fn numbers_arrive_as_they_are() {
    let values: Vec<f32> = (0..2000_u32)
        .map(|index| f32::from_bits(index.wrapping_mul(2_654_435_761)))
        .filter(|value| value.is_finite())
        .collect();
    let values = &values[..values.len() / 2 * 2];
    let (sent, _) = exchange(&format!("{HONEST}    batch: 5000\n"), values, &json!({}));
    let arrived: Vec<f32> = sent[0]["instances"]
        .as_array()
        .expect("rows")
        .iter()
        .flat_map(|row| row.as_array().expect("a row"))
        .map(|value| value.to_string().parse().expect("a number"))
        .collect();
    assert_eq!(arrived, values);

    let (sent, answer) = exchange(HONEST, &[0.5, f32::NAN], &json!({}));
    let message = answer.expect_err("NaN cannot be sent").to_string();
    assert!(
        sent.is_empty() && message.contains("value 1 of the input: NaN cannot be sent"),
        "{message}"
    );
}

#[test]
fn answers_have_many_forms() {
    let near = |logits: &[f32], expected: &[f32]| {
        assert_eq!(logits.len(), expected.len());
        for (a, b) in logits.iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "{logits:?} {expected:?}");
        }
    };
    let row = [0.5, 0.5];
    let (no, yes) = (0.25_f32.ln(), 0.75_f32.ln());
    for reply in [
        json!({"predictions": [[0.25, 0.75]]}),
        json!({"predictions": [0.75]}),
        json!({"predictions": [[0.75]]}),
        json!({"predictions": [{"yes": 0.75, "no": 0.25}]}),
    ] {
        near(&exchange(HONEST, &row, &reply).1.expect("probabilities"), &[no, yes]);
    }
    let zero =
        exchange(HONEST, &row, &json!({"predictions": [[0, 1]]})).1.expect("a probability of 0");
    assert!(zero[0].is_finite() && zero[0] < -80.0 && zero[1] == 0.0);

    let labelled = |labels: &str| {
        format!(
            "    body: {{instances: \"{{{{rows}}}}\"}}\n    answer: {{label: /predictions}}\n    \
             classes: [refused, granted]\n    input_shape: [2]\n{labels}"
        )
    };
    for (labels, answer) in [
        ("", json!("granted")),
        ("    labels: [\"0\", \"1\"]\n", json!(1)),
        ("    labels: [\"0\", \"1\"]\n", json!(1.0)),
        ("    labels: [\"0\", \"1\"]\n", json!([1])),
        ("    labels: [\"false\", \"true\"]\n", json!(true)),
    ] {
        let (_, logits) = exchange(&labelled(labels), &row, &json!({"predictions": [answer]}));
        assert_eq!(logits.expect("a label"), [0.0, 1.0]);
    }
    let labels = endpoint("http://localhost", &labelled(""));
    let labels = HttpModel::connect(&labels, in_memory()).expect("a good description");
    assert_eq!((labels.access(), labels.spec().tap), (Access::Labels, LogitTap::Labels));
    assert_eq!(labels.spec().labels, ["refused", "granted"]);
}

#[test]
fn descriptions_that_do_not_fit_are_refused() {
    for (body, expected) in [
        ("{instances: \"{{rws}}\"}", "unknown placeholder `{{rws}}`; did you mean `{{rows}}`?"),
        ("{instances: 1}", "has no placeholder for an input"),
        ("{a: \"{{rows}}\", b: \"{{row}}\"}", "for many inputs and for one"),
        ("{a: \"{{row}}\", b: \"{{text}}\"}", "for texts and for rows"),
        ("{a: \"{{records}}\"}", "`features` names none of their members"),
        ("{a: \"see {{row}}\"}", "`{{row}}` must be a whole string"),
        ("{a: \"{{text}}\"}", "it takes texts, and is asked about rows of numbers"),
    ] {
        let more = HONEST.replace("{instances: \"{{rows}}\"}", body);
        let endpoint = endpoint("http://localhost", &more);
        let error = HttpModel::connect(&endpoint, in_memory()).err().expect(body).to_string();
        assert!(error.starts_with("endpoint `scoring`: ") && error.contains(expected), "{error}");
    }
    let bare = endpoint("grpc://scoring.example.org", "");
    let error = HttpModel::connect(&bare, in_memory()).err().expect("no body").to_string();
    assert!(error.contains("does not say how it is asked"), "{error}");
    let shapeless = endpoint("http://localhost", &HONEST.replace("    input_shape: [2]\n", ""));
    let error = HttpModel::connect(&shapeless, in_memory()).err().expect("no shape").to_string();
    assert!(error.contains("give `features` or `input_shape`"), "{error}");
}

#[test]
fn results_do_not_depend_on_batches_or_concurrency() {
    let server = Server::start(|_, request| honest(request));
    let rows: Vec<f32> = (0..202).map(|index| index as f32 / 202.0).collect();
    let mut all = Vec::new();
    for (batch, concurrency, requests) in
        [(1, 1, 101), (7, 1, 15), (7, 4, 15), (64, 2, 2), (1, 8, 101)]
    {
        let before = server.requests().len();
        let more = format!("    batch: {batch}\n    concurrency: {concurrency}\n");
        let model = model(&server, &more);
        all.push(model.logits(&rows).expect("answers"));
        assert_eq!(server.requests().len() - before, requests);
        assert_eq!(model.queries(), 101);
    }
    all.dedup();
    assert_eq!(all.len(), 1);
    let request = &server.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/predict"));
    assert_eq!(request.header("content-type"), Some("application/json"));
}

#[test]
fn connections_are_used_again() {
    let server = Server::start(|_, request| honest(request));
    let model = model(&server, "    batch: 1\n");
    for step in 0..20_u8 {
        model.logits(&[0.1, f32::from(step) / 20.0, 0.2, f32::from(step) / 20.0]).expect("answers");
    }
    assert_eq!((server.requests().len(), server.connections()), (40, 1));
}

#[test]
fn no_more_run_at_a_time_than_allowed() {
    let running = Arc::new(Mutex::new((0, 0)));
    let counted = Arc::clone(&running);
    let server = Server::start(move |_, request| {
        {
            let mut state = counted.lock().expect("no panic");
            state.0 += 1;
            state.1 = state.1.max(state.0);
        }
        thread::sleep(Duration::from_millis(20));
        counted.lock().expect("no panic").0 -= 1;
        honest(request)
    });
    let model = model(&server, "    batch: 1\n    concurrency: 3\n");
    thread::scope(|scope| {
        for call in 0..4 {
            let model = &model;
            scope.spawn(move || {
                let rows: Vec<f32> = (0..8).map(|index| (call * 8 + index) as f32 / 40.0).collect();
                model.logits(&rows).expect("answers");
            });
        }
    });
    let most = running.lock().expect("no panic").1;
    assert_eq!(most, 3, "at most as many as allowed, and as many");
}

#[test]
fn requests_keep_to_the_rate() {
    let server = Server::start(|_, request| honest(request));
    let model = model(&server, "    batch: 1\n    concurrency: 4\n    rate: 50\n");
    let start = Instant::now();
    model.logits(&[0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.4, 0.5, 0.5, 0.6, 0.6]).expect("answers");
    assert!(
        start.elapsed() >= Duration::from_millis(100),
        "six requests are five intervals of 20 ms"
    );
}

#[test]
fn one_input_is_asked_once_and_counts_once() {
    let rows = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&rows);
    let server = Server::start(move |_, request| {
        let rows = request.json()["instances"].as_array().map_or(0, Vec::len);
        counted.fetch_add(rows, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(10));
        honest(request)
    });
    let model = model(&server, "    batch: 2\n    concurrency: 4\n    budget: 5\n");
    // The same five rows from four threads at once, two of them twice in a call.
    let inputs = [0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.1, 0.1, 0.4, 0.4, 0.5, 0.5, 0.2, 0.2];
    let all: Vec<Vec<f32>> = thread::scope(|scope| {
        let calls: Vec<_> =
            (0..4).map(|_| scope.spawn(|| model.logits(&inputs).expect("answers"))).collect();
        calls.into_iter().map(|call| call.join().expect("no panic")).collect()
    });
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!((rows.load(Ordering::SeqCst), model.queries()), (5, 5));
    // -0 is 0, and an input that was asked costs nothing.
    assert!(model.logits(&[0.5, 0.5]).is_ok());
    assert!(matches!(model.logits(&[0.6, 0.6]), Err(Error::BudgetSpent { budget: 5 })));
    assert_eq!(model.queries(), 5);
}

#[test]
fn a_failure_leaves_what_is_known_and_counts_nothing_else() {
    let server = Server::start(|number, request| match number {
        1 => Reply::Full(400, "", "bad".to_owned()),
        _ => honest(request),
    });
    let model = model(&server, "    batch: 1\n");
    let rows = [0.1, 0.1, 0.2, 0.2, 0.3, 0.3];
    let message = model.logits(&rows).expect_err("the second fails").to_string();
    assert!(message.contains("input 2 of 3: answered 400 Bad Request: bad"), "{message}");
    assert_eq!(model.queries(), 1);
    assert_eq!(model.predict(&rows).expect("a second try"), [0, 0, 0]);
    assert_eq!((model.queries(), server.requests().len()), (3, 4));
    assert!(matches!(model.logits(&[0.1]), Err(Error::Rows { values: 1, features: 2, .. })));
    assert!(model.logits(&[]).expect("nothing is asked").is_empty());
}

#[test]
fn texts_are_asked_too() {
    let server = Server::start(|_, request| {
        let sent = request.json();
        let verdict = |text: &str| if text.contains("win") { "spam" } else { "ham" };
        match &sent["inputs"] {
            Value::Array(texts) => {
                let labels: Vec<Value> = texts
                    .iter()
                    .map(|text| json!({"label": verdict(text.as_str().expect("a text"))}))
                    .collect();
                Reply::json(&Value::Array(labels))
            }
            prompt => Reply::json(&json!({"label": verdict(prompt.as_str().expect("a text"))})),
        }
    });
    let texts = ["you win \"now\"\n".to_owned(), "hello \u{1f600}".to_owned()];
    for (body, pointer) in [
        ("{inputs: \"{{texts}}\"}", "/*/label"),
        ("{inputs: \"Is this spam? {{text}}\"}", "/label"),
    ] {
        let more = format!(
            "    body: {body}\n    answer: {{label: {pointer}}}\n    classes: [ham, spam]\n"
        );
        let endpoint = endpoint(&format!("http://{}", server.address), &more);
        let model = HttpTextModel::connect(&endpoint, in_memory()).expect("a good description");
        assert_eq!(model.predict(&texts).expect("labels"), [1, 0]);
        assert_eq!((model.access(), model.queries()), (Access::Labels, 2));
        model.check_repeatability(&texts).expect("answers");
        assert!(model.warnings().is_empty());
    }
    let requests = server.requests();
    assert_eq!(requests[0].json(), json!({"inputs": texts}));
    assert!(requests.iter().any(|r| r.json()["inputs"] == format!("Is this spam? {}", texts[0])));
}
