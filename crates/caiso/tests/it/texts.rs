//! `caiso robustness texts` against a real HTTP endpoint.

use std::fs;

use serde_json::Value;

use crate::server::Server;
use crate::system::System;

/// An endpoint that routes a ticket by the words it knows, and tickets with their teams.
fn tickets() -> (System, Server) {
    let system = System::new();
    let server = Server::of_values(|text: &Value| {
        let words = text.as_str().unwrap().to_lowercase();
        let count = |known: &[&str]| {
            words.split_whitespace().filter(|word| known.contains(word)).count() as f64
        };
        let billing = count(&["invoice", "refund", "payment", "charged"]);
        let technical = count(&["error", "crash", "login", "password"]);
        vec![
            (1.0 + billing) / (2.0 + billing + technical),
            (1.0 + technical) / (2.0 + billing + technical),
        ]
    });
    let endpoint = format!(
        "endpoints:\n  - name: tickets\n    url: http://{}/route\n    body: {{instances: \"{{{{texts}}}}\"}}\n    answer: \
         {{probabilities: /scores}}\n    classes: [billing, technical]\n    retries: 0\n\ngate:",
        server.address
    );
    system.edit("caiso.yaml", "gate:", &endpoint);
    let texts = "text,team\n\
        \"The refund, please\",billing\n\
        charged twice for one invoice,billing\n\
        login fails with an error,technical\n\
        the password is wrong,technical\n\
        my payment was refused,technical\n";
    system.write("tickets.csv", texts);
    (system, server)
}

const COMMAND: [&str; 8] =
    ["robustness", "texts", "--endpoint", "tickets", "--texts", "tickets.csv", "--labels", "team"];

#[test]
fn a_text_classifier_is_fooled_by_edits_of_characters_and_asked_nothing_twice() {
    let (system, server) = tickets();
    let more = [
        "--journal",
        "answers.jsonl",
        "--save-adversarial",
        "fooled.csv",
        "--format",
        "json",
        "-q",
    ];
    let arguments = [COMMAND.as_slice(), &more].concat();
    let found = system.caiso(&arguments).expect(0).json();
    assert_eq!(found["clean_accuracy"], 0.8, "one ticket is labelled otherwise");
    let results = found["results"].as_array().unwrap();
    assert_eq!(results.len(), 4, "all attacks fit an endpoint that gives probabilities");
    for result in results {
        assert_eq!(result["n"], 5);
        assert_eq!(result["not_attacked"], 0);
        assert!(result["queries"].as_u64().unwrap() > 5, "{result}");
    }
    let invisible = results.iter().find(|result| result["attack"] == "badchars").unwrap();
    assert_eq!(invisible["looks"], "same");
    // Every known word can be broken, and then nothing speaks for the class any more.
    assert!(invisible["success_rate"].as_f64().unwrap() > 0.0, "{invisible}");
    let saved = fs::read_to_string(system.path("fooled.csv")).unwrap();
    assert_eq!(saved.lines().count(), 1 + 4 * 5);

    let asked = server.answered().len();
    let again = system.caiso(&arguments).expect(0).json();
    assert_eq!(again["results"], found["results"]);
    // But for the few that are asked again to see whether the answers stay the same.
    assert!(server.answered().len() <= asked + 20, "{} after {asked}", server.answered().len());
}

#[test]
fn an_endpoint_that_dies_leaves_what_was_found() {
    let (system, server) = tickets();
    server.fail_after(12);
    let arguments = [COMMAND.as_slice(), &["--attack", "typos", "--format", "json", "-q"]].concat();
    let found = system.caiso(&arguments).expect(3).json();
    let result = &found["results"][0];
    assert!(result["not_attacked"].as_u64().unwrap() > 0, "{result}");
    assert!(result["stopped"].as_str().unwrap().contains("500"), "{result}");
}

#[test]
fn what_does_not_fit_is_told() {
    let (system, _server) = tickets();
    let wrong = [COMMAND.as_slice(), &["--attack", "typo"]].concat();
    system
        .caiso(&wrong)
        .expect(2)
        .says(&["there is no attack on texts `typo`, did you mean `typos`?"]);
    let other: Vec<&str> =
        COMMAND.iter().map(|&word| if word == "tickets" { "ticket" } else { word }).collect();
    system.caiso(&other).expect(2).says(&["no endpoint is named `ticket`", "tickets"]);
}
