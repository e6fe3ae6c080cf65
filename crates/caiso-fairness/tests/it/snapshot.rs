//! Whole outcomes, and their determinism.

use caiso_fairness::{ALL, FairnessInput};
use serde_json::json;

use crate::{attribute, run, table};

fn lender() -> FairnessInput {
    let mut input = table(
        "white",
        &[("white", [400, 60, 45, 95]), ("black", [70, 30, 10, 40]), ("native", [3, 2, 1, 1])],
    );
    let sexes: Vec<&str> =
        (0..input.actual.len()).map(|row| if row % 3 == 0 { "woman" } else { "man" }).collect();
    input.attributes.push(attribute("sex", &sexes, &["man"]));
    input
}

#[test]
fn outcomes_are_these() {
    for check in ALL {
        let outcome = run(check.meta.code, &lender(), &json!({})).unwrap();
        insta::assert_json_snapshot!(check.meta.code, outcome);
    }
}

#[test]
fn equal_inputs_give_equal_outcomes() {
    for check in ALL {
        let once =
            || serde_json::to_vec(&run(check.meta.code, &lender(), &json!({})).unwrap()).unwrap();
        assert_eq!(once(), once());
    }
}
