//! `caiso redteam`: campaigns against models and endpoints, stopped, killed and continued.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::server::Server;
use crate::system::{System, codes};

/// Attacks that are quick, so that the tests are.
const QUICK: [&str; 6] = ["redteam", "model", "--attacks", "fgsm,bim,pgd", "--rows", "256"];

fn campaign(system: &System, more: &[&str], status: i32) -> Value {
    let arguments = [&QUICK, more, &["-q", "--format", "json"]].concat();
    system.caiso(&arguments).expect(status).json()
}

fn measured<'a>(found: &'a Value, name: &str, epsilon: &str) -> &'a Value {
    let measurements = found["outcome"]["measurements"].as_array().unwrap();
    let of = |measurement: &&Value| {
        measurement["name"] == name
            && measurement["of"]["epsilon"] == epsilon
            && measurement["of"].get("attack").is_none()
    };
    measurements.iter().find(of).unwrap_or_else(|| panic!("no {name} at {epsilon}"))
}

#[test]
fn the_example_is_attacked_sealed_and_taken_up_by_the_assessment() {
    let system = System::new();
    let before = system.assess(&["--only", "RB-*"], 1);
    assert!(codes(&before, "not-applicable").contains(&"RB-REDTEAM-001".to_owned()));
    let found = campaign(&system, &["--figures", "figures"], 1);
    assert_eq!(found["component"], "model:mortgage");
    assert_eq!(found["parameters"]["rows"], 256);
    let robust = &measured(&found, "robust_accuracy", "0.03")["value"]["known"];
    let clean = found["outcome"]["measurements"][0]["value"]["known"].as_f64().unwrap();
    assert!(robust.as_f64().unwrap() < 0.9 * clean, "{found}");
    let finding = &found["outcome"]["findings"][0];
    assert_eq!(finding["techniques"], serde_json::json!(["AML.T0015", "AML.T0043.000"]));

    let seq = found["evidence"]["seq"].as_u64().unwrap();
    let record = &system.records()[seq as usize];
    assert_eq!(record["record"]["object"], "RB-REDTEAM-001 model:mortgage");
    let report = system.assess(&["--only", "RB-*"], 1);
    let check = report["checks"].as_array().unwrap().iter();
    let check = check.clone().find(|check| check["code"] == "RB-REDTEAM-001").unwrap();
    assert_eq!(check["status"], "failed");
    assert_eq!(check["cached"], true);
    assert_eq!(check["parameters"]["rows"], 256);
    assert_eq!(check["figures"], found["outcome"]["figures"]);
    system.ledger_is_fine();

    system.caiso(&["report", "-o", "html=r.html", "-o", "md=r.md", "--figures", "all"]).expect(0);
    for (file, words) in [
        ("r.html", "Smallest changes that flip a decision"),
        ("r.md", "**Smallest changes that flip a decision** (`RB-REDTEAM-001`, `model:mortgage`)"),
        ("figures/model-mortgage-1.svg", "worst case of all, 95 % interval (n 256)"),
        ("figures/model-mortgage-2.svg", "pirat"),
        ("all/RB-REDTEAM-001-model-mortgage-1.svg", "worst case of all, 95 % interval (n 256)"),
        ("all/RB-PGD-001-model-mortgage-1.svg", "robust accuracy"),
    ] {
        assert!(system.read(file).contains(words), "{file} lacks `{words}`");
    }
}

#[test]
fn images_are_described_by_a_pattern_and_shown_as_pictures() {
    let system = System::digits();
    let found = campaign(&system, &["--eps", "0.05,0.1"], 1);
    let images = &found["outcome"]["figures"][1];
    assert_eq!(images["kind"], "images");
    assert_eq!(images["columns"], serde_json::json!(["original", "adversarial", "difference"]));
    assert_eq!(images["rows"][0]["images"][0]["width"], 8);
    let report = system.assess(&["-o", "html=report.html"], 1);
    // Nobody's attributes are in the data, so that fairness is not assessed.
    assert_eq!(codes(&report, "incomplete"), ["FA-GROUP-001", "FA-INTER-001"]);
    assert!(system.read("report.html").contains("data:image/png;base64,"));
    assert_eq!(report["classification"]["class"], "minimal", "{}", report["classification"]);
}

#[test]
fn a_campaign_stopped_by_its_time_is_incomplete_and_continues_to_the_same_evidence() {
    let (stopped, whole) = (System::new(), System::new());
    let cut = campaign(&stopped, &["--budget-seconds", "0.000001"], 3);
    let reason = cut["outcome"]["not_assessed"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("the budget of 0.000001 s was spent"), "{reason}");
    let states = || fs::read_dir(stopped.path(".caiso/redteam")).unwrap().count();
    let found = campaign(&stopped, &["--resume"], 1);
    assert_eq!(states(), 0, "what is sealed is not kept");
    let uninterrupted = campaign(&whole, &[], 1);
    assert_eq!(found["evidence"]["digest"], uninterrupted["evidence"]["digest"]);
    assert_eq!(found["outcome"], uninterrupted["outcome"]);
}

#[test]
fn what_cannot_be_done_is_explained() {
    let system = System::new();
    let says = |more: &[&str], words: &[&str]| {
        let arguments = [&["redteam", "model"], more].concat();
        system.caiso(&arguments).expect(2).says(words);
    };
    says(&["--attacks", "pgdd"], &["no attack is named `pgdd`", "pgd"]);
    says(&["--model", "morgage"], &["no model is named `morgage`; known: mortgage"]);
    says(&["--endpoint", "scoring"], &["no endpoint is named `scoring`; known: none"]);
    says(&["--attacks", "pgd", "--norm", "l0"], &["`pgd` does not measure in l0"]);
    says(&["--confidence", "2"], &["`confidence` is 2", "at most 0.9999"]);
    says(&["--budget-seconds=-1"], &["positive number of seconds"]);
    system.edit("caiso.yaml", "    dataset: test\n", "");
    says(&[], &["no labelled data set is named for this model"]);
}

/// An endpoint that grants with a probability of one minus the debt ratio, and its labelled data.
fn scored(server: &Server) -> System {
    let system = System::new();
    let rows: String = (0..40)
        .map(|row| {
            let debt = f64::from(row) / 40.0 + 0.01;
            let label = if debt < 0.5 { "yes" } else { "no" };
            format!("{debt},{},{label}\n", f64::from(row % 7) / 7.0)
        })
        .collect();
    system.write("data/scored.csv", format!("debt,noise,granted\n{rows}"));
    system.edit(
        "caiso.yaml",
        "datasets:\n",
        &format!(
            "endpoints:\n  - name: scoring\n    url: http://{}/score\n    body: {{instances: \"{{{{rows}}}}\"}}\n    answer: \
             {{probabilities: /scores}}\n    classes: [\"no\", \"yes\"]\n    bounds: [0, 1.2]\n    input_shape: [2]\n    \
             dataset: scored\n    batch: 8\n    retries: 0\n    timeout: 60\ndatasets:\n  - name: scored\n    path: \
             data/scored.csv\n    role: test\n    target: granted\n",
            server.address
        ),
    );
    system
}

#[test]
fn an_endpoint_is_attacked_within_its_budget_and_resumed_after_a_kill() {
    let score = |row: &[f64]| {
        let granted = 1.0 / (1.0 + (12.0 * (row[0] - 0.5)).exp());
        vec![1.0 - granted, granted]
    };
    let server = Server::start(score);
    let system = scored(&server);
    let arguments = [
        "redteam",
        "model",
        "--endpoint",
        "scoring",
        "--budget-queries",
        "1500",
        "--eps",
        "0.2,0.4",
        "--format",
        "json",
        "-q",
    ];
    // It hangs at some request, whose caller is then killed: its rows have no answer, all others have one.
    server.hang_after(60);
    let mut child =
        system.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    server.wait_until_hung();
    child.kill().unwrap();
    child.wait().unwrap();
    let asked = server.answered().len();
    assert!(asked > 40, "{asked}");
    server.go_on();

    let found = system.caiso(&[&arguments[..], &["--resume"]].concat());
    let found = if found.status == Some(1) { found.json() } else { found.expect(0).json() };
    let answered = server.answered();
    assert!(answered.len() > asked, "{} after {asked}", answered.len());
    // Besides the few that were asked twice to see whether answers repeat.
    let mut sorted = answered.clone();
    sorted.sort();
    let twice = sorted.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(twice <= 8, "{twice} rows were asked again");
    assert!(answered.len() <= 1_500 + 12, "{} rows were asked", answered.len());
    assert_eq!(found["component"], "endpoint:scoring");
    let clean = found["outcome"]["measurements"][0]["value"]["known"].as_f64().unwrap();
    assert_eq!(clean, 1.0);
    assert!(measured(&found, "robust_accuracy", "0.4")["value"]["known"].as_f64().unwrap() < 1.0);

    // Another who was never killed comes to the same evidence.
    let other = scored(&server);
    let whole = other.caiso(&arguments);
    let whole = if whole.status == Some(1) { whole.json() } else { whole.expect(0).json() };
    assert_eq!(whole["outcome"], found["outcome"]);
    assert_eq!(whole["evidence"]["digest"], found["evidence"]["digest"]);
    system.ledger_is_fine();
}

#[test]
fn an_endpoint_that_goes_away_is_incomplete_and_nothing_is_lost() {
    let server = Server::start(|row| if row[0] < 0.5 { vec![0.0, 1.0] } else { vec![1.0, 0.0] });
    let system = scored(&server);
    server.fail_after(16);
    let arguments = [
        "redteam",
        "model",
        "--endpoint",
        "scoring",
        "--budget-queries",
        "800",
        "--format",
        "json",
        "-q",
    ];
    let found = system.caiso(&arguments).expect(3).json();
    let reason = found["outcome"]["not_assessed"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("500"), "{reason}");
    let asked = server.answered().len();
    server.go_on();
    let resumed = system.caiso(&[&arguments[..], &["--resume"]].concat());
    assert!(matches!(resumed.status, Some(0 | 1)), "{resumed:?}");
    let answered = server.answered();
    let mut sorted = answered.clone();
    sorted.sort();
    let twice = sorted.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(twice <= 8 && answered.len() > asked, "{twice}, {asked}, {}", answered.len());
}
