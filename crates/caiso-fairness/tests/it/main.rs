//! Tests of caiso-fairness.

mod brute;
mod figures;
mod hand;
mod peers;
mod snapshot;
mod units;

use caiso_core::{CheckError, Outcome, RunContext};
use caiso_fairness::{ALL, Attribute, FairnessInput};
use serde_json::Value;

/// Runs the check with a code under parameters given as JSON.
fn run(code: &str, input: &FairnessInput, parameters: &Value) -> Result<Outcome, CheckError> {
    let check = ALL.iter().find(|check| check.meta.code == code).unwrap();
    let parameters = check.parameters.resolve(parameters.as_object().unwrap()).unwrap();
    (check.run)(input, &parameters, &RunContext::with_seed(7))
}

/// An attribute from one group name a row.
fn attribute(name: &str, rows: &[&str], privileged: &[&str]) -> Attribute {
    let mut values: Vec<String> = rows.iter().map(|&row| row.to_owned()).collect();
    values.sort();
    values.dedup();
    let place = |row: &&str| values.iter().position(|value| value == row).unwrap() as u32;
    Attribute {
        name: name.to_owned(),
        title: name.to_uppercase(),
        groups: rows.iter().map(place).collect(),
        privileged: privileged.iter().map(|&value| value.to_owned()).collect(),
        values,
    }
}

/// Rows of one attribute from counts (group, true positive, false negative, false positive, true
/// negative).
fn table(privileged: &str, groups: &[(&str, [usize; 4])]) -> FairnessInput {
    let mut input = FairnessInput {
        component: "model:m".to_owned(),
        path: Some("m.onnx".to_owned()),
        favourable: "deny = no".to_owned(),
        ..FairnessInput::default()
    };
    let mut rows = Vec::new();
    for (group, counts) in groups {
        for (&count, (actual, predicted)) in
            counts.iter().zip([(true, true), (true, false), (false, true), (false, false)])
        {
            rows.extend(std::iter::repeat_n(*group, count));
            input.actual.extend(std::iter::repeat_n(actual, count));
            input.predicted.extend(std::iter::repeat_n(predicted, count));
        }
    }
    input.attributes.push(attribute("race", &rows, &[privileged]));
    input
}
