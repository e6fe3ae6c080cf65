//! Catalogs against their schema, classification cases, requirement states.

mod answers;
mod catalogs;
mod classification;
mod laws;
mod states;

use caiso_compliance::{Answers, Frameworks};
use serde_json::{Map, Value};

/// Answers with every question at its test default, except `given`; `null` leaves a question
/// unanswered.
fn answers(given: &Value) -> Answers {
    let procedure = &Frameworks::embedded().procedure;
    let mut all: Map<String, Value> =
        procedure.facts.iter().map(|(name, fact)| (name.clone(), fact.default.clone())).collect();
    all.extend(given.as_object().expect("a mapping").clone());
    Answers::new(procedure, &all).expect("valid answers")
}
