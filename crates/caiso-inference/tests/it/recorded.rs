//! Predictions that were made elsewhere.

use caiso_inference::{Access, Answers, Error, LogitTap, Model as _, Recorded};

const ROWS: [f32; 6] = [0.0, 1.0, 0.25, 2.0, 0.5, 3.0];

fn message(result: Result<Recorded, Error>) -> String {
    result.err().expect("refused").to_string()
}

#[test]
fn known_rows_have_their_answer_in_any_order() {
    let probabilities = [0.75, 0.25, 0.5, 0.5, 0.0, 1.0];
    let model = Recorded::new(vec![2], 2, &ROWS, Answers::Probabilities(&probabilities)).unwrap();
    assert_eq!((model.access(), model.spec().tap), (Access::Scores, LogitTap::Probabilities));
    let asked = model.probabilities(&[0.5, 3.0, -0.0, 1.0]).unwrap();
    for (found, expected) in asked.iter().zip([0.0, 1.0, 0.75, 0.25]) {
        assert!((found - expected).abs() < 1e-6, "{asked:?}");
    }
    assert!(model.logits(&ROWS).unwrap().iter().all(|logit| logit.is_finite()));

    let model = Recorded::new(vec![1, 2], 3, &ROWS, Answers::Labels(&[2, 0, 1])).unwrap();
    assert_eq!((model.access(), model.features()), (Access::Labels, 2));
    assert_eq!(model.predict(&ROWS).unwrap(), [2, 0, 1]);
    assert_eq!(model.logits(&ROWS[..2]).unwrap(), [0.0, 0.0, 1.0]);

    let scores = [3.0, -1.0, 0.0, 0.0, 1.0, 2.0];
    let model = Recorded::new(vec![2], 2, &ROWS, Answers::Scores(&scores)).unwrap();
    assert_eq!(model.logits(&ROWS).unwrap(), scores);
}

#[test]
fn other_rows_have_none() {
    let model = Recorded::new(vec![2], 2, &ROWS, Answers::Labels(&[1, 0, 1])).unwrap();
    let error = model.logits(&[0.0, 1.0, 0.0, 1.5]).unwrap_err();
    assert!(matches!(error, Error::NoAnswer(_)));
    assert_eq!(error.to_string(), "row 1 of 2 is none of the 3 rows with a recorded answer");
    assert!(matches!(model.logits(&[0.0]), Err(Error::Rows { .. })));
}

#[test]
fn records_that_cannot_be_used_are_explained() {
    let new = |rows: &[f32], answers| Recorded::new(vec![2], 2, rows, answers);
    for (result, expected) in [
        (
            new(&ROWS, Answers::Labels(&[1, 0])),
            "the recorded answers has room for 4 values, expected 6",
        ),
        (new(&ROWS[..5], Answers::Labels(&[1, 0])), "5 values are not whole rows of 2 features"),
        (new(&ROWS, Answers::Labels(&[1, 0, 2])), "row 2 has class 2, the model knows 2 classes"),
        (
            new(&ROWS[..2], Answers::Probabilities(&[0.5, -0.5])),
            "row 0 has the value -0.5, expected a probability",
        ),
        (
            new(&ROWS[..2], Answers::Probabilities(&[0.5, 1.5])),
            "row 0 has the value 1.5, expected a probability",
        ),
        (
            new(&ROWS[..2], Answers::Scores(&[0.5, f32::NAN])),
            "row 0 has the value NaN, expected a finite score",
        ),
        (
            new(&[0.0, 1.0, -0.0, 1.0], Answers::Labels(&[0, 1])),
            "row 1 was recorded before, with another answer",
        ),
        (Recorded::new(vec![], 1, &ROWS, Answers::Labels(&[])), "are no classifier"),
    ] {
        let message = message(result);
        assert!(message.contains(expected), "{message}");
    }
    assert!(new(&[0.0, 1.0, 0.0, 1.0], Answers::Labels(&[1, 1])).is_ok(), "the same answer twice");
}
