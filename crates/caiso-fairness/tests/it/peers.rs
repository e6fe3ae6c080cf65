//! Agreement with AIF360 0.6.1 and fairlearn 0.15.0 (`tests/fixtures/peers.py`).

use std::collections::BTreeMap;

use caiso_fairness::Cube;
use serde::Deserialize;

use crate::{run, table};

#[derive(Deserialize)]
struct Case {
    privileged: [usize; 4],
    unprivileged: [usize; 4],
    aif360: BTreeMap<String, Option<f64>>,
    fairlearn: BTreeMap<String, Option<f64>>,
}

#[test]
fn every_value_agrees_where_both_define_it() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../fixtures/peers.json")).unwrap();
    let mut compared = 0;
    for case in cases {
        let input = table("a", &[("a", case.privileged), ("b", case.unprivileged)]);
        let parameters = serde_json::json!({"minimum_group_size": 1, "replicates": 200});
        let outcome = run("FA-GROUP-001", &input, &parameters).unwrap();
        let known = |name: &str| {
            let key = format!("{name}[attribute=race,group=b,reference=a]");
            outcome.measurement(&key).unwrap().value.known()
        };
        for (name, theirs) in &case.aif360 {
            // AIF360's NaN and infinity are our undefined.
            assert_eq!(known(name).is_some(), theirs.is_some(), "{name}");
            if let (Some(ours), Some(theirs)) = (known(name), theirs) {
                assert!((ours - theirs).abs() < 1e-12, "{name}: {ours} {theirs}");
                compared += 1;
            }
        }
        // fairlearn is unsigned, and gives 0 to a rate without rows.
        let counts = Cube::count(&input).unwrap().by_value(0);
        let whole =
            counts.iter().all(|c| c.true_positive_rate().1 > 0 && c.false_positive_rate().1 > 0);
        let ratio = known("disparate_impact").map(|ratio| ratio.min(1.0 / ratio));
        for (name, ours) in [
            ("demographic_parity_difference", known("statistical_parity_difference").map(f64::abs)),
            ("demographic_parity_ratio", ratio),
            ("equalized_odds_difference", known("equalized_odds_difference")),
        ] {
            let Some(ours) = ours else {
                assert!(!whole || name == "demographic_parity_ratio", "{name}");
                continue;
            };
            let theirs = case.fairlearn[name].unwrap();
            assert!((ours - theirs).abs() < 1e-12, "{name}: {ours} {theirs}");
            compared += 1;
        }
    }
    assert!(compared > 300, "{compared}");
}
