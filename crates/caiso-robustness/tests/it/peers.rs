//! Medians of the minimum-norm attacks against those that Foolbox and ART reach on the same networks and rows.

use caiso_inference::OnnxModel;
use caiso_robustness::{Attacked, Domain, Norm, RowResult, Settings};
use serde_json::{Value, json};

use crate::models::attack;

/// Written by `tests/fixtures/nearest_peers.py`.
const PEERS: &str = include_str!("../fixtures/nearest_peers.json");

/// The model of this name, the rows it is attacked on and their labels, written by `tests/fixtures/models.py`.
pub(crate) fn fixture(name: &str) -> (OnnxModel, Vec<f32>, Vec<usize>) {
    let (model, rows, labels): (&[u8], &[u8], &[u8]) = match name {
        "digits_mlp" => (
            include_bytes!("../fixtures/digits_mlp.onnx"),
            include_bytes!("../fixtures/digits_rows.npy"),
            include_bytes!("../fixtures/digits_labels.npy"),
        ),
        "cancer_mlp" => (
            include_bytes!("../fixtures/cancer_mlp.onnx"),
            include_bytes!("../fixtures/cancer_rows.npy"),
            include_bytes!("../fixtures/cancer_labels.npy"),
        ),
        _ => panic!("there is no model `{name}`"),
    };
    let rows = values::<4>(rows, "<f4").map(f32::from_le_bytes).collect();
    let labels = values::<8>(labels, "<i8").map(|label| i64::from_le_bytes(label) as usize);
    (OnnxModel::load(model).unwrap(), rows, labels.collect())
}

/// The values of a `.npy` file of version 1.
fn values<'a, const SIZE: usize>(
    file: &'a [u8],
    kind: &str,
) -> impl Iterator<Item = [u8; SIZE]> + 'a {
    let length = usize::from(u16::from_le_bytes([file[8], file[9]]));
    let (header, data) = file[10..].split_at(length);
    let header = std::str::from_utf8(header).unwrap();
    assert!(header.contains(kind) && header.contains("'fortran_order': False"), "{header}");
    data.chunks_exact(SIZE).map(|value| value.try_into().unwrap())
}

/// The median over all rows that are decided correctly; rows that stand are infinitely far.
fn median(attacked: &Attacked, norm: Norm) -> f64 {
    let correct = attacked.rows.iter().filter(|row| row.is_correct());
    let mut distances: Vec<f64> = correct
        .map(|row| row.flipped.map_or(f64::INFINITY, |_| row.distances.in_norm(norm)))
        .collect();
    distances.sort_by(f64::total_cmp);
    f64::midpoint(distances[(distances.len() - 1) / 2], distances[distances.len() / 2])
}

/// Model, attack, norm and parameters.
type Case<'a> = (&'a str, &'a str, &'a str, &'a Value);

#[test]
fn medians_are_at_most_those_of_the_peers() {
    let peers: Value = serde_json::from_str(PEERS).unwrap();
    let mut ours: Vec<(Case<'_>, f64)> = Vec::new();
    for figure in peers["figures"].as_array().unwrap() {
        let word = |key: &str| figure[key].as_str().unwrap();
        let (model, name) = (word("model"), word("attack"));
        let key = (model, name, word("norm"), &figure["parameters"]);
        let norm = *Norm::ALL.iter().find(|norm| norm.as_str() == word("norm")).unwrap();
        let known = ours.iter().find(|(other, _)| *other == key).map(|&(_, median)| median);
        let own = known.unwrap_or_else(|| {
            let (onnx, rows, labels) = fixture(model);
            let domain = Domain::uniform(rows.len() / labels.len(), 0.0, 1.0).unwrap();
            let settings = Settings::new(norm, None);
            let data = (rows.as_slice(), labels.as_slice());
            median(&attack(name, &figure["parameters"], &onnx, &domain, data, &settings), norm)
        });
        ours.push((key, own));
        let theirs = figure["median"].as_f64().unwrap();
        let peer = word("peer");
        assert!(own <= 1.02 * theirs, "{model}, {name}, {norm}: {own}, {peer} {theirs}");
    }
}

#[test]
fn fmn_under_l1_leaves_no_row_unbroken() {
    // Foolbox's leaves 54 of 98 on the digits.
    let (onnx, rows, labels) = fixture("digits_mlp");
    let domain = Domain::uniform(64, 0.0, 1.0).unwrap();
    let settings = Settings::new(Norm::L1, None);
    let data = (rows.as_slice(), labels.as_slice());
    let attacked = attack("fmn", &json!({}), &onnx, &domain, data, &settings);
    assert!(attacked.rows.iter().all(|row| row.flipped.is_some()));
}

#[test]
fn other_ways_to_the_gradient_reach_what_pgd_reaches() {
    for (name, epsilon) in [("digits_mlp", 0.05), ("cancer_mlp", 0.04)] {
        let (onnx, rows, labels) = fixture(name);
        let domain = Domain::uniform(rows.len() / labels.len(), 0.0, 1.0).unwrap();
        let data = (rows.as_slice(), labels.as_slice());
        let flips = |attack_name: &str, parameters: Value, norm: Norm, epsilon: f64| {
            let settings = Settings::new(norm, Some(epsilon));
            let attacked = attack(attack_name, &parameters, &onnx, &domain, data, &settings);
            let fallen = |row: &&RowResult| row.is_correct() && row.flipped.is_some();
            attacked.rows.iter().filter(fallen).count()
        };
        for (norm, epsilon) in [(Norm::Linf, epsilon), (Norm::L2, 5.0 * epsilon)] {
            let pgd = flips("pgd", json!({}), norm, epsilon);
            let searched = flips("pgd-ls", json!({}), norm, epsilon);
            assert!(pgd >= 10, "{name}, {norm}: the case is too hard: {pgd}");
            assert!(searched + 2 >= pgd, "{name}, {norm}: {searched} with line search, {pgd}");
        }
        let pgd = flips("pgd", json!({}), Norm::Linf, epsilon);
        let quick = json!({"steps": 15, "random_start": false});
        let estimated =
            flips("nes", json!({"pairs": 60, "attack_parameters": quick}), Norm::Linf, epsilon);
        assert!(10 * estimated >= 7 * pgd, "{name}: {estimated} by estimates, {pgd}");
    }
}

#[test]
fn one_change_for_all_fools_more_rows_than_the_one_of_art() {
    // UniversalPerturbation of ART 1.20.1 at epsilon 0.2, with its DeepFool, five passes: 0.194 and 0.152.
    for (name, theirs) in [("digits_mlp", 0.194), ("cancer_mlp", 0.152)] {
        let (onnx, rows, labels) = fixture(name);
        let domain = Domain::uniform(rows.len() / labels.len(), 0.0, 1.0).unwrap();
        let data = (rows.as_slice(), labels.as_slice());
        for parameters in [json!({}), json!({"method": "deepfool", "steps": 5})] {
            let settings = Settings::new(Norm::Linf, Some(0.2));
            let attacked = attack("universal", &parameters, &onnx, &domain, data, &settings);
            let rate = attacked.summary(Norm::Linf, Some(0.2)).success_rate.unwrap();
            assert!(rate >= theirs, "{name}, {parameters}: {rate}, ART {theirs}");
        }
    }
}
