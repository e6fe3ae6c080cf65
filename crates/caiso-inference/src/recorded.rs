//! Predictions that were made elsewhere.

use std::collections::HashMap;

use crate::model::check_rows;
use crate::{Access, Error, LogitTap, Model, ModelSpec};

/// A model that is known by its answers to some rows alone, for metrics on recorded predictions.
///
/// Whatever asks about another row gets [`Error::NoAnswer`].
pub struct Recorded {
    spec: ModelSpec,
    access: Access,
    /// Logits by the bits of the row.
    logits: HashMap<Box<[u32]>, Box<[f32]>>,
}

/// What was recorded for each row.
#[derive(Clone, Copy, Debug)]
pub enum Answers<'a> {
    /// Probabilities `[rows, classes]`.
    Probabilities(&'a [f32]),
    /// Scores whose largest is the decision, `[rows, classes]`.
    Scores(&'a [f32]),
    /// Classes `[rows]`.
    Labels(&'a [usize]),
}

/// The logit of a probability of which there is no other: its logarithm. A probability of 0 counts as the
/// smallest positive number.
pub fn log_probability(probability: f32) -> f32 {
    probability.max(f32::MIN_POSITIVE).ln()
}

impl Recorded {
    /// A model with these answers to `rows`, `[rows, features]`.
    ///
    /// Fails if there is not one answer for each row, an answer cannot be used, or a row has two.
    pub fn new(
        input_shape: Vec<usize>,
        classes: usize,
        rows: &[f32],
        answers: Answers<'_>,
    ) -> Result<Self, Error> {
        let mut spec = ModelSpec::new(input_shape, classes);
        let (values, tap) = match answers {
            Answers::Probabilities(values) => (values.len(), LogitTap::Probabilities),
            Answers::Scores(values) => (values.len(), LogitTap::Output),
            Answers::Labels(labels) => (labels.len() * classes, LogitTap::Labels),
        };
        spec.tap = tap;
        if spec.features == 0 || classes < 2 {
            let shape = &spec.input_shape;
            let problem =
                format!("inputs of shape {shape:?} and {classes} classes are no classifier");
            return Err(Error::NoAnswer(problem));
        }
        let count = check_rows(rows, spec.features, None)?;
        crate::model::check_length("the recorded answers", values, count * classes)?;
        let mut logits: HashMap<Box<[u32]>, Box<[f32]>> = HashMap::with_capacity(count);
        for (row, values) in rows.chunks_exact(spec.features).enumerate() {
            let answer = answer(answers, row, classes)?;
            let before = logits.get(&key(values));
            if before.is_some_and(|before| **before != *answer) {
                let problem = format!("row {row} was recorded before, with another answer");
                return Err(Error::NoAnswer(problem));
            }
            logits.insert(key(values), answer);
        }
        let access = if tap == LogitTap::Labels { Access::Labels } else { Access::Scores };
        Ok(Self { spec, access, logits })
    }
}

impl Model for Recorded {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn access(&self) -> Access {
        self.access
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let count = check_rows(rows, self.spec.features, None)?;
        let mut all = Vec::with_capacity(count * self.spec.classes);
        for (index, row) in rows.chunks_exact(self.spec.features).enumerate() {
            let Some(logits) = self.logits.get(&key(row)) else {
                let known = self.logits.len();
                return Err(Error::NoAnswer(format!(
                    "row {index} of {count} is none of the {known} rows with a recorded answer"
                )));
            };
            all.extend_from_slice(logits);
        }
        Ok(all)
    }
}

/// The bits of a row; 0 and -0 are one value.
fn key(row: &[f32]) -> Box<[u32]> {
    row.iter().map(|value| (value + 0.0).to_bits()).collect()
}

/// The logits of one row.
fn answer(answers: Answers<'_>, row: usize, classes: usize) -> Result<Box<[f32]>, Error> {
    let own = |values: &[f32]| values[row * classes..(row + 1) * classes].to_vec();
    let (values, logits): (Vec<f32>, Vec<f32>) = match answers {
        Answers::Labels(labels) => {
            let label = labels[row];
            if label >= classes {
                return Err(Error::Label { row, label, classes });
            }
            let logits: Vec<f32> =
                (0..classes).map(|class| f32::from(u8::from(class == label))).collect();
            (logits.clone(), logits)
        }
        Answers::Scores(values) => (own(values), own(values)),
        Answers::Probabilities(values) => {
            (own(values), own(values).into_iter().map(log_probability).collect())
        }
    };
    let probabilities = matches!(answers, Answers::Probabilities(_));
    // A little above 1 by rounding.
    let usable =
        |value: f32| value.is_finite() && (!probabilities || (0.0..=1.0001).contains(&value));
    match values.iter().find(|&&value| !usable(value)) {
        Some(odd) => {
            let expected = if probabilities { "a probability" } else { "a finite score" };
            Err(Error::NoAnswer(format!("row {row} has the value {odd}, expected {expected}")))
        }
        None => Ok(logits.into()),
    }
}
