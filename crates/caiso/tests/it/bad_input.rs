//! Input that is wrong: each gets its message and exit status, and the ledger stays verifiable.

use std::fs::{self, File};

use crate::system::{System, codes};

/// Assesses once, spoils the system, and expects exit 2 with these words and an untouched ledger.
#[track_caller]
fn refused(spoil: impl FnOnce(&System), words: &[&str]) {
    let system = System::assessed();
    let size = system.records().len();
    spoil(&system);
    let run = system.caiso(&["assess", "-q"]).expect(2).says(words);
    assert!(run.out.is_empty(), "{}", run.out);
    assert!(run.err.starts_with("error: "), "{}", run.err);
    assert_eq!(system.records().len(), size, "a refused run sealed something");
    system.ledger_is_fine();
}

/// Replaces a cell of the first data row.
fn cell(system: &System, file: &str, column: &str, value: &str) {
    let text = system.read(file);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = lines[0].split(',').position(|name| name == column).unwrap();
    let mut cells: Vec<&str> = lines[1].split(',').collect();
    cells[at] = value;
    lines[1] = cells.join(",");
    system.write(file, lines.join("\n") + "\n");
}

#[test]
fn a_missing_manifest() {
    refused(
        |system| fs::remove_file(system.path("caiso.yaml")).unwrap(),
        &["caiso.yaml", "caiso init"],
    );
}

#[test]
fn a_missing_model_file() {
    refused(
        |system| fs::remove_file(system.path("model/mortgage.onnx")).unwrap(),
        &["caiso.yaml", "model/mortgage.onnx", "cannot read"],
    );
}

#[test]
fn a_missing_data_file() {
    refused(
        |system| fs::remove_file(system.path("data/test.csv")).unwrap(),
        &["caiso.yaml", "data/test.csv", "cannot read"],
    );
}

#[test]
fn a_path_that_leaves_the_folder() {
    refused(
        |system| system.edit("caiso.yaml", "model/mortgage.onnx", "../../etc/passwd"),
        &["caiso.yaml", "../../etc/passwd"],
    );
}

#[test]
fn broken_yaml() {
    refused(|system| system.edit("caiso.yaml", "models:", "models: [}"), &["caiso.yaml"]);
}

#[test]
fn an_unknown_key() {
    refused(
        |system| system.edit("caiso.yaml", "  fail_on: high", "  fail_onn: high"),
        &["caiso.yaml", "fail_onn", "fail_on"],
    );
}

#[test]
fn an_unknown_parameter_of_a_check() {
    refused(
        |system| {
            let text = system.read("caiso.yaml") + "\nchecks:\n  RB-PGD-001: {stepps: 3}\n";
            system.write("caiso.yaml", text);
        },
        &["caiso.yaml", "RB-PGD-001", "stepps"],
    );
}

#[test]
fn a_wrong_column_name_in_the_features() {
    refused(
        |system| system.edit("caiso.yaml", "{column: hirat,", "{column: hirta,"),
        &["caiso.yaml", "hirta", "hirat"],
    );
}

#[test]
fn a_wrong_column_name_of_a_protected_attribute() {
    refused(
        |system| {
            let text = system.read("caiso.yaml").replace("column: afam", "column: afma");
            system.write("caiso.yaml", text);
        },
        &["caiso.yaml", "afma", "afam"],
    );
}

#[test]
fn a_wrong_target_column() {
    refused(
        |system| {
            let text = system.read("caiso.yaml").replace("target: deny", "target: denny");
            system.write("caiso.yaml", text);
        },
        &["caiso.yaml", "denny", "deny"],
    );
}

#[test]
fn label_values_that_are_no_class() {
    refused(
        |system| system.edit("caiso.yaml", "classes: [\"no\", \"yes\"]", "classes: [\"0\", \"1\"]"),
        &["classes", "no"],
    );
    refused(|system| cell(system, "data/test.csv", "deny", "maybe"), &["maybe", "deny"]);
}

#[test]
fn a_favourable_value_that_does_not_occur() {
    refused(
        |system| {
            let text =
                system.read("caiso.yaml").replace("favourable: \"no\"", "favourable: granted");
            system.write("caiso.yaml", text);
        },
        &["granted"],
    );
}

#[test]
fn a_privileged_group_that_does_not_occur() {
    refused(
        |system| {
            let text =
                system.read("caiso.yaml").replace("privileged: [\"no\"]", "privileged: [none]");
            system.write("caiso.yaml", text);
        },
        &["none"],
    );
}

#[test]
fn features_that_are_no_finite_number() {
    for value in ["NaN", "inf", "-inf", "1e999", "", "a lot"] {
        refused(
            |system| cell(system, "data/test.csv", "pirat", value),
            &["data/test.csv", "pirat"],
        );
    }
}

#[test]
fn a_row_with_a_cell_too_few() {
    refused(
        |system| {
            system.edit(
                "data/test.csv",
                "no,0.36,0.35,0.6,1,1,no,3.2,",
                "no,0.36,0.35,0.6,1,1,no,",
            );
        },
        &["data/test.csv"],
    );
}

#[test]
fn a_model_of_another_width_than_the_features() {
    refused(
        |system| {
            let text = system.read("caiso.yaml");
            let kept = text.lines().filter(|line| !line.contains("column: hschool"));
            system.write("caiso.yaml", kept.collect::<Vec<_>>().join("\n"));
        },
        &["12", "11"],
    );
}

#[test]
fn a_manifest_that_is_not_utf_8() {
    refused(
        |system| {
            let mut bytes = system.read("caiso.yaml").into_bytes();
            let at = bytes.windows(6).position(|window| window == b"Head o").unwrap();
            bytes[at] = 0xff;
            system.write("caiso.yaml", bytes);
        },
        &["caiso.yaml", "UTF-8"],
    );
}

#[test]
fn a_table_that_is_not_utf_8() {
    refused(
        |system| {
            let mut bytes = system.read("data/test.csv").into_bytes();
            bytes[120] = 0xff;
            system.write("data/test.csv", bytes);
        },
        &["data/test.csv", "UTF-8"],
    );
}

#[test]
fn a_seed_or_date_out_of_range() {
    let system = System::new();
    system.caiso(&["assess", "--seed", "9007199254740993"]).expect(2).says(&["2^53"]);
    system
        .caiso(&["assess", "--as-of", "2026-02-30"])
        .expect(2)
        .says(&["2026-02-30", "YYYY-MM-DD"]);
    system.caiso(&["assess", "--threads", "0"]).expect(2).says(&["--threads"]);
    system.caiso(&["assess", "--budget", "-1"]).expect(2);
}

/// Every check that needs the model's content is incomplete with a reason, and nothing passes.
#[track_caller]
fn model_is_not_assessed(bytes: &[u8]) {
    let system = System::assessed();
    system.write("model/mortgage.onnx", bytes);
    let run = system.caiso(&["assess", "-q", "--format", "json"]);
    assert!(matches!(run.status, Some(1 | 3)), "{run:?}");
    let report = run.json();
    assert_ne!(report["verdict"], "pass");
    let passed = codes(&report, "passed");
    for check in report["checks"].as_array().unwrap() {
        let code = check["code"].as_str().unwrap();
        if ["RB-", "FA-", "EV-"].iter().any(|section| code.starts_with(section)) {
            assert_eq!(check["status"], "incomplete", "{check}");
            let reason = &check["not_assessed"][0]["reason"];
            assert!(reason.as_str().is_some_and(|text| !text.is_empty()), "{check}");
        }
    }
    assert!(!passed.contains(&"MF-ID-001".to_owned()), "{passed:?}");
    assert!(!passed.iter().any(|code| code.starts_with("MF-ONNX")), "{passed:?}");
    system.ledger_is_fine();
}

#[test]
fn a_model_cut_in_half_is_never_a_pass() {
    let model = fs::read(System::new().path("model/mortgage.onnx")).unwrap();
    model_is_not_assessed(&model[..model.len() / 2]);
}

#[test]
fn an_empty_model_or_one_of_noise_is_never_a_pass() {
    model_is_not_assessed(b"");
    let noise: Vec<u8> =
        (0..5000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    model_is_not_assessed(&noise);
}

#[test]
fn a_broken_kubernetes_manifest_is_never_a_pass() {
    let system = System::assessed();
    system.write("deploy/networkpolicy.yaml", "apiVersion: v1\nkind: [}\n");
    let run = system.caiso(&["assess", "-q", "--format", "json"]);
    assert!(matches!(run.status, Some(1 | 3)), "{run:?}");
    let report = run.json();
    let checks = report["checks"].as_array().unwrap();
    let infra = || checks.iter().filter(|check| check["code"].as_str().unwrap().starts_with("IN-"));
    assert!(infra().next().is_some());
    for check in infra() {
        assert_ne!(check["status"], "passed", "{check}");
        assert!(check["not_assessed"][0]["reason"].is_string(), "{check}");
    }
    system.ledger_is_fine();
}

#[test]
fn a_second_caiso_on_the_same_home() {
    let system = System::assessed();
    let lock = File::options().write(true).open(system.path(".caiso/caiso.lock")).unwrap();
    lock.lock().unwrap();
    let size = system.records().len();
    system.caiso(&["assess", "-q"]).expect(2).says(&[".caiso"]);
    // Reading needs no lock.
    system.ledger_is_fine();
    assert_eq!(system.records().len(), size);
    drop(lock);
    system.assess(&[], 1);
}
