//! `caiso robustness`: attacks on a model file and rows, without a manifest.

use std::fs;

use serde_json::Value;

use crate::system::System;

/// Attacks the network of the example on its first rows.
const DIGITS: [&str; 13] = [
    "robustness",
    "evaluate",
    "--model",
    "model/digits.onnx",
    "--inputs",
    "data/test.csv",
    "--labels",
    "digit",
    "--bounds",
    "0,16",
    "--limit",
    "40",
    "-q",
];

fn evaluate(system: &System, more: &[&str]) -> Value {
    let arguments = [DIGITS.as_slice(), more, &["--format", "json"]].concat();
    system.caiso(&arguments).expect(0).json()
}

#[test]
fn results_have_what_is_promised_and_saved_rows_the_shape_of_the_inputs() {
    let system = System::digits();
    let attacks = ["--attack", "pgd,deepfool", "--norm", "linf", "--eps", "1,2"];
    let found = evaluate(&system, &[&attacks[..], &["--save-adversarial", "saved"]].concat());
    let results = found["results"].as_array().unwrap();
    assert_eq!(results.len(), 4, "two attacks at two radii");
    for result in results {
        for key in [
            "attack",
            "norm",
            "eps",
            "params",
            "n",
            "robust_accuracy",
            "interval",
            "success_rate",
            "init_failed",
            "median_l0",
            "median_l1",
            "median_l2",
            "median_linf",
            "queries",
            "cpu_seconds",
        ] {
            assert!(!result[key].is_null(), "{key} in {result}");
        }
        assert_eq!(result["n"], 40);
        let [low, high] = [0, 1].map(|end| result["interval"][end].as_f64().unwrap());
        let robust = result["robust_accuracy"].as_f64().unwrap();
        assert!(low <= robust && robust <= high, "{result}");
        assert!(robust <= found["clean_accuracy"].as_f64().unwrap());
        let file = fs::read(system.path(result["adversarial"].as_str().unwrap())).unwrap();
        let array = caiso_data::Array::from_npy("saved", &file).unwrap();
        assert_eq!(array.shape, [40, 64]);
        assert!(array.values.iter().all(|value| (0.0..=16.0).contains(value)));
    }
    assert_eq!(results[2]["queries"], results[3]["queries"], "one run answers for both radii");
}

#[test]
fn a_minimum_norm_attack_without_epsilon_gives_one_row() {
    let system = System::digits();
    let found = evaluate(&system, &["--attack", "ddn", "--metrics"]);
    let results = found["results"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    assert!(results[0]["eps"].is_null());
    assert_eq!(results[0]["robust_accuracy"], 0.0);
    assert!(found["metrics"]["loss_sensitivity"].as_f64().unwrap() > 0.0);
    assert_eq!(found["metrics"]["gradients"]["not_finite"], 0);
}

#[test]
fn neither_batches_nor_threads_change_a_figure_or_a_byte() {
    let system = System::digits();
    let run = |folder: &str, more: &[&str]| {
        let attacks = ["--attack", "pgd,square,hopskipjump", "--norm", "linf", "--eps", "2"];
        let rest = ["--queries", "300", "--save-adversarial", folder];
        let mut found = evaluate(&system, &[&attacks[..], &rest, more].concat());
        let files: Vec<Vec<u8>> = found["results"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .map(|result| {
                result["cpu_seconds"] = Value::Null;
                let path = result["adversarial"].take();
                fs::read(system.path(path.as_str().unwrap())).unwrap()
            })
            .collect();
        (found, files)
    };
    let first = run("a", &[]);
    assert_eq!(run("b", &["--batch-size", "1", "--threads", "1"]), first);
    assert_eq!(run("c", &["--batch-size", "7", "--threads", "2"]), first);
    assert_eq!(run("d", &["--batch-size", "64", "--threads", "3"]), first);
}

#[test]
fn what_does_not_fit_is_told_with_what_was_expected() {
    let system = System::digits();
    let says = |more: &[&str], words: &[&str]| {
        let arguments = [DIGITS.as_slice(), more].concat();
        system.caiso(&arguments).expect(2).says(words);
    };
    says(&["--attack", "pgdd", "--eps", "1"], &["there is no attack `pgdd`, did you mean `pgd`?"]);
    says(&["--attack", "pgd"], &["`pgd` attacks within an epsilon: give --eps"]);
    says(&["--attack", "pgd", "--eps=-1"], &["expected a number that is not negative"]);
    says(
        &["--attack", "fgsm", "--norm", "l0", "--eps", "1"],
        &["does not measure in l0, only in linf"],
    );
    says(&["--attack", "pgd", "--eps", "1", "--set", "stepz=3"], &["did you mean `steps`?"]);
    says(&["--attack", "tree-min"], &["tree"]);
    says(&["--attack", "pgd", "--eps", "1", "--target", "10"], &["class 10"]);
    let edited = |from: &'static str, to: &'static str| {
        let arguments: Vec<&'static str> =
            DIGITS.iter().map(|&word| if word == from { to } else { word }).collect();
        [arguments.as_slice(), &["--attack", "pgd", "--eps", "1"]].concat()
    };
    system.caiso(&edited("0,16", "0,8")).expect(2).says(&["the data exceed --bounds 0,8"]);
    system.caiso(&edited("0,16", "16,0")).expect(2).says(&["expected the smaller number first"]);
    system.caiso(&edited("digit", "digits")).expect(2).says(&["did you mean `digit`?"]);
    system
        .caiso(&edited("model/digits.onnx", "data/test.csv"))
        .expect(2)
        .says(&["the file is not one of the models that are read"]);
}
