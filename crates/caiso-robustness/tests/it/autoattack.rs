//! The attacks of AutoAttack beside those of torchattacks, and the momentum method beside Foolbox's, on the same models and
//! rows.

use caiso_inference::{Model, OnnxModel};
use caiso_robustness::{Attacked, Domain, Norm, Settings};
use serde_json::{Value, json};

use crate::models::attack;

/// Written by `xtask/parity/autoattack.py`, as are the models and rows.
const PEER: &str = include_str!("../fixtures/autoattack/peers.json");
const DIGITS: &str = include_str!("../fixtures/autoattack/digits.csv");
const CANCER: &str = include_str!("../fixtures/autoattack/cancer.csv");

/// A model of the fixtures with its rows and labels.
pub(crate) fn fixture(name: &str) -> (OnnxModel, Domain, Vec<f32>, Vec<usize>) {
    let (bytes, table, unit): (&[u8], _, _) = match name {
        "digits_mlp" => (include_bytes!("../fixtures/autoattack/digits_mlp.onnx"), DIGITS, 16.0),
        "digits_cnn" => (include_bytes!("../fixtures/autoattack/digits_cnn.onnx"), DIGITS, 16.0),
        _ => (include_bytes!("../fixtures/autoattack/cancer_mlp.onnx"), CANCER, 1.0),
    };
    let model = OnnxModel::load(bytes).unwrap();
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for line in table.lines() {
        let mut values = line.split(',');
        labels.push(values.next().unwrap().parse().unwrap());
        rows.extend(values.map(|value| value.parse::<f32>().unwrap() / unit));
    }
    let domain = Domain::uniform(model.features(), 0.0, 1.0).unwrap();
    (model, domain, rows, labels)
}

/// Every attack at every norm that `model` was attacked with, at the middle one of three epsilons.
fn is_that_of_the_peer(name: &str) {
    let peer: Value = serde_json::from_str(PEER).unwrap();
    let (model, domain, rows, labels) = fixture(name);
    let n = labels.len() as f64;
    let results = peer["results"].as_array().unwrap().iter();
    let mut compared = 0;
    for result in results.filter(|result| result["model"] == name).skip(1).step_by(3) {
        let norm: Norm = serde_json::from_value(result["norm"].clone()).unwrap();
        let epsilon = result["epsilon"].as_f64().unwrap();
        for (attacked_by, accuracies) in result["robust_accuracy"].as_object().unwrap() {
            let parameters = match (attacked_by.as_str(), name) {
                // It takes seconds.
                ("fab", "digits_cnn") => continue,
                ("square", _) => json!({"steps": 1000}),
                ("mifgsm", _) => json!({"momentum_norm": "sign", "relative_step_size": 0.2}),
                _ => json!({}),
            };
            let settings = Settings::new(norm, Some(epsilon));
            let data = (rows.as_slice(), labels.as_slice());
            let attacked = attack(attacked_by, &parameters, &model, &domain, data, &settings);
            let stand = attacked.rows.iter().filter(|row| row.stands(norm, epsilon)).count();
            let ours = stand as f64 / n;
            let accuracies = accuracies.as_array().unwrap().iter().map(|a| a.as_f64().unwrap());
            let worst = accuracies.clone().fold(1.0, f64::min);
            let best = accuracies.fold(0.0, f64::max);
            // Random search may differ by chance in each row, the others where a row is at the edge.
            let deviation = (worst * (1.0 - worst) / n).sqrt();
            let slack = if attacked_by == "square" { 3.0 * deviation } else { 2.0 / n };
            let what = format!("{attacked_by} {norm} {epsilon}: {ours}, peer {worst} to {best}");
            assert!(ours >= worst - slack - 1e-9 && ours <= best + slack + 1e-9, "{what}");
            compared += 1;
            if attacked_by == "fab" {
                is_as_near(&peer, name, norm, &attacked);
            }
        }
    }
    assert!(compared >= 5, "{compared}");
}

fn is_as_near(peer: &Value, model: &str, norm: Norm, attacked: &Attacked) {
    let mut nearest = peer["nearest"].as_array().unwrap().iter();
    let theirs = nearest.find(|n| n["model"] == model && n["norm"] == norm.as_str()).unwrap();
    let theirs = theirs["median_distance"].as_f64().unwrap();
    let correct = attacked.rows.iter().filter(|row| row.is_correct());
    let mut distances: Vec<f64> = correct.map(|row| row.distances.in_norm(norm)).collect();
    distances.sort_by(f64::total_cmp);
    let ours = distances[(distances.len() - 1) / 2];
    assert!(ours <= 1.02 * theirs && ours > 0.9 * theirs, "{norm}: {ours}, peer {theirs}");
}

#[test]
fn robust_accuracy_of_a_network_is_that_of_torchattacks() {
    is_that_of_the_peer("digits_mlp");
}

#[test]
fn robust_accuracy_of_a_convolutional_network_is_that_of_torchattacks() {
    is_that_of_the_peer("digits_cnn");
}

#[test]
fn robust_accuracy_of_a_network_on_a_table_is_that_of_torchattacks() {
    is_that_of_the_peer("cancer_mlp");
}
