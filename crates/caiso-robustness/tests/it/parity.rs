//! The example's network attacked by caiso and by Foolbox.

use caiso_inference::{Model, OnnxModel};
use caiso_robustness::{Domain, FeatureDomain};
use serde_json::json;

use crate::models::{attack, linf};
use crate::mortgage;

/// Printed by `xtask/parity/foolbox_pgd.py` on the rows of [`mortgage::data`], without a random
/// start, at 20 steps of a tenth of epsilon.
const FOOLBOX: &str = include_str!("../fixtures/foolbox_mortgage.json");

#[test]
fn robust_accuracy_is_that_of_foolbox() {
    let foolbox: serde_json::Value = serde_json::from_str(FOOLBOX).unwrap();
    let model = OnnxModel::load(mortgage::MODEL).unwrap();
    let (rows, labels) = mortgage::data();
    let n = labels.len() as f64;
    assert_eq!(foolbox["rows"], labels.len());
    let free = |&(lower, upper): &(f64, f64)| FeatureDomain::continuous("f", lower, upper);
    let domain = Domain::new(mortgage::BOUNDS.iter().map(free).collect()).unwrap();
    for peer in foolbox["attacks"].as_array().unwrap() {
        let epsilon = peer["epsilon"].as_f64().unwrap();
        let parameters = json!({"steps": 20, "relative_step_size": 0.1});
        let data = (rows.as_slice(), labels.as_slice());
        let adversarial =
            attack("bim", &parameters, &model, &domain, data, &linf(epsilon)).adversarial;
        let classes = model.predict(&adversarial).unwrap();
        let robust = classes.iter().zip(&labels).filter(|(a, b)| a == b).count() as f64 / n;
        let theirs = peer["robust_accuracy"].as_f64().unwrap();
        // One row may sit where the sign of a gradient is a matter of rounding.
        assert!((robust - theirs).abs() <= 1.0 / n + 1e-6, "{epsilon}: {robust}, Foolbox {theirs}");
    }
}
