//! Inputs that cannot be assessed, with their reasons.

use caiso_core::CheckError;
use caiso_evals::SkillInput;
use serde_json::json;

use crate::{rows, run};

fn reason(change: impl Fn(&mut SkillInput)) -> String {
    let mut input = rows([[20, 5], [4, 11]]);
    input.probabilities = Some([0.5_f32; 80].to_vec());
    change(&mut input);
    match run(&input, &json!({})).unwrap_err() {
        CheckError::NotAssessable { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn every_misfit_is_named() {
    assert_eq!(reason(|i| i.classes.truncate(1)), "the model has 1 classes, expected at least 2");
    assert_eq!(reason(|i| i.actual.clear()), "there are no labelled rows");
    assert_eq!(reason(|i| i.predicted.truncate(9)), "the prediction has 9 values, expected 40");
    assert_eq!(reason(|i| i.actual[2] = 7), "row 3 has true class 7 of 2");
    assert_eq!(reason(|i| i.predicted[2] = 2), "row 3 has predicted class 2 of 2");
    assert_eq!(
        reason(|i| i.probabilities = Some(vec![0.5; 3])),
        "the probability table has 3 values, expected 80"
    );
    let set = |values: [f32; 2]| {
        reason(move |i| {
            if let Some(p) = &mut i.probabilities {
                p[2..4].copy_from_slice(&values);
            }
        })
    };
    assert_eq!(
        set([f32::NAN, 0.5]),
        "row 2 has probabilities that hold NaN, expected numbers from 0 to 1"
    );
    assert_eq!(
        set([-0.1, 1.1]),
        "row 2 has probabilities that hold -0.1, expected numbers from 0 to 1"
    );
    assert_eq!(set([0.5, 0.6]), "row 2 has probabilities that add up to 1.1000, expected 1");
    assert_eq!(reason(|i| i.actual.fill(1)), "every row has the true class `c1`");
    assert_eq!(
        reason(|i| *i = rows([[9, 1], [1, 9]])),
        "20 labelled rows are too few to judge skill by"
    );
}
