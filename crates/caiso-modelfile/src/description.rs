//! What a file says about its model, in the same words for every format.

use std::collections::BTreeMap;

use caiso_core::{Direction, Measurement, Outcome};

use crate::suspicion::cut;

/// Most entries of a file's own metadata that are kept.
const MOST_FACTS: usize = 1_000;
/// Longest text that is kept.
const LONGEST: usize = 4 << 10;

/// The description of a model. Keys that several formats have: `architecture`, `producer`, `licence`, `format
/// version`, `inputs`, `outputs`, `metadata NAME`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Description {
    /// Number of values in all tensors, as far as the format tells.
    pub(crate) parameters: Option<u64>,
    /// Number of tensors.
    pub(crate) tensors: Option<u64>,
    /// Element type to number of values.
    pub(crate) elements: BTreeMap<String, u64>,
    /// Operator or layer to number of uses.
    pub(crate) operators: BTreeMap<String, u64>,
    /// Everything that is said in words.
    pub(crate) facts: BTreeMap<String, String>,
}

impl Description {
    /// Notes a text; empty ones say nothing.
    pub(crate) fn fact(&mut self, key: &str, value: impl AsRef<str>) {
        let value = value.as_ref().trim();
        if !value.is_empty() && self.facts.len() < MOST_FACTS {
            self.facts.insert(cut(key, 200), cut(value, LONGEST));
        }
    }

    /// Counts one tensor.
    pub(crate) fn tensor(&mut self, element: &str, values: u64) {
        self.tensors = Some(self.tensors.unwrap_or(0).saturating_add(1));
        self.parameters = Some(self.parameters.unwrap_or(0).saturating_add(values));
        if self.elements.len() < MOST_FACTS || self.elements.contains_key(element) {
            let total = self.elements.entry(cut(element, 100)).or_default();
            *total = total.saturating_add(values);
        }
    }

    /// Counts one use of an operator.
    pub(crate) fn operator(&mut self, name: &str) {
        if self.operators.len() < MOST_FACTS || self.operators.contains_key(name) {
            let uses = self.operators.entry(cut(name, 100)).or_default();
            *uses = uses.saturating_add(1);
        }
    }

    /// Writes the description into the outcome of the identification.
    pub(crate) fn tell(&self, outcome: &mut Outcome) {
        if let (Some(tensors), Some(parameters)) = (self.tensors, self.parameters) {
            outcome.summary = format!(
                "{}: {tensors} tensor{}, {parameters} parameters",
                outcome.summary,
                if tensors == 1 { "" } else { "s" }
            );
            outcome.measurements.push(count("parameters", parameters, "values"));
            outcome.measurements.push(count("tensors", tensors, "tensors"));
        }
        for (element, &values) in &self.elements {
            outcome.measurements.push(count("constants", values, "values").of("type", element));
        }
        for (operator, &uses) in &self.operators {
            outcome.measurements.push(count("operator", uses, "nodes").of("operator", operator));
        }
        for (key, value) in &self.facts {
            outcome.facts.insert(key.clone(), value.clone());
        }
    }
}

pub(crate) fn count(name: &str, value: u64, unit: &str) -> Measurement {
    Measurement::new(name, value as f64, unit, Direction::Informative, 1)
}
