//! Tests of caiso-evals.

mod bad_input;
mod skill;
mod units;

use caiso_core::{CheckError, Outcome, RunContext};
use caiso_evals::{ALL, SkillInput};
use serde_json::Value;

fn run(input: &SkillInput, parameters: &Value) -> Result<Outcome, CheckError> {
    let check = ALL[0];
    let parameters = check.parameters.resolve(parameters.as_object().unwrap()).unwrap();
    (check.run)(input, &parameters, &RunContext::with_seed(7))
}

/// Rows from a confusion matrix `[true][predicted]`.
fn rows<const K: usize>(confusion: [[usize; K]; K]) -> SkillInput {
    let mut input = SkillInput {
        component: "model:m".to_owned(),
        classes: (0..K).map(|class| format!("c{class}")).collect(),
        ..SkillInput::default()
    };
    for (truth, answers) in confusion.iter().enumerate() {
        for (answer, &count) in answers.iter().enumerate() {
            input.actual.extend(std::iter::repeat_n(truth, count));
            input.predicted.extend(std::iter::repeat_n(answer, count));
        }
    }
    input
}
