//! What a file says about its model, in the same words for every format.

mod collect;
mod formats;
mod packages;

use std::collections::BTreeMap;

use caiso_core::{Direction, Measurement, Outcome};

use crate::Format;
use crate::suspicion::cut;

pub use collect::describe;
pub use packages::package_of_module;

/// Most entries of a file's own metadata that are kept.
const MOST_FACTS: usize = 1_000;
/// Longest text that is kept.
const LONGEST: usize = 4 << 10;

/// What a file says about its model; what it does not say is empty.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Description {
    /// What the file itself is, most specific first.
    pub formats: Vec<Format>,
    /// Number of values in all tensors, as far as the format tells.
    pub parameters: Option<u64>,
    /// Number of tensors.
    pub tensors: Option<u64>,
    /// Element type to number of values.
    pub elements: BTreeMap<String, u64>,
    /// Operator or layer to number of uses.
    pub operators: BTreeMap<String, u64>,
    /// What a caller gives, one text for each input: `features: float [batch, 12]`.
    pub inputs: Vec<String>,
    /// What a caller gets.
    pub outputs: Vec<String>,
    /// Software that the file names as its maker or needs to be loaded, by the name that the Python Package
    /// Index has for it, with the version where the file says it.
    pub software: BTreeMap<String, Option<String>>,
    /// Everything else that is said in words. Keys that several formats have: `architecture`, `task`,
    /// `producer`, `licence`, `name`, `format version`, `training WHAT`, `metadata NAME`.
    pub facts: BTreeMap<String, String>,
}

impl Description {
    /// A description in words only.
    pub(crate) fn of_facts<K: AsRef<str>, V: AsRef<str>>(
        facts: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let mut description = Self::default();
        for (key, value) in facts {
            description.fact(key.as_ref(), value);
        }
        description
    }

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
        count_in(&mut self.elements, element, values);
    }

    /// Counts one use of an operator.
    pub(crate) fn operator(&mut self, name: &str) {
        count_in(&mut self.operators, name, 1);
    }

    /// Notes software; a version is never forgotten for an unknown one.
    pub(crate) fn uses(&mut self, package: &str, version: Option<&str>) {
        if self.software.len() < MOST_FACTS || self.software.contains_key(package) {
            let known = self.software.entry(cut(package, 100)).or_default();
            if known.is_none() {
                *known = version.map(|version| cut(version, 100));
            }
        }
    }

    /// Adds what another part of the file says. Counts add up; of texts the first is kept.
    pub(crate) fn merge(&mut self, other: &Self) {
        let sum = |own: &mut Option<u64>, more: Option<u64>| {
            if let Some(more) = more {
                *own = Some(own.unwrap_or(0).saturating_add(more));
            }
        };
        sum(&mut self.parameters, other.parameters);
        sum(&mut self.tensors, other.tensors);
        for (element, &values) in &other.elements {
            count_in(&mut self.elements, element, values);
        }
        for (operator, &uses) in &other.operators {
            count_in(&mut self.operators, operator, uses);
        }
        if self.inputs.is_empty() {
            self.inputs.clone_from(&other.inputs);
        }
        if self.outputs.is_empty() {
            self.outputs.clone_from(&other.outputs);
        }
        for (package, version) in &other.software {
            self.uses(package, version.as_deref());
        }
        for (key, value) in &other.facts {
            if !self.facts.contains_key(key) {
                self.fact(key, value);
            }
        }
    }

    /// Writes the description into the outcome of the identification.
    pub(crate) fn tell(&self, outcome: &mut Outcome) {
        let mut parts = Vec::new();
        if !self.operators.is_empty() {
            let nodes = self.operators.values().fold(0_u64, |sum, &uses| sum.saturating_add(uses));
            let kinds = u64::try_from(self.operators.len()).unwrap_or(u64::MAX);
            parts.push(format!("{} of {}", plural(nodes, "node"), plural(kinds, "operator")));
            outcome.measurements.push(count("nodes", nodes, "nodes"));
        }
        if let Some(tensors) = self.tensors {
            parts.push(plural(tensors, "tensor"));
            outcome.measurements.push(count("tensors", tensors, "tensors"));
        }
        if let Some(parameters) = self.parameters {
            parts.push(format!("{parameters} parameters"));
            outcome.measurements.push(count("parameters", parameters, "values"));
        }
        if !parts.is_empty() {
            outcome.summary = format!("{}: {}", outcome.summary, parts.join(", "));
        }
        for (operator, &uses) in &self.operators {
            outcome.measurements.push(count("operator", uses, "nodes").of("operator", operator));
        }
        for (element, &values) in &self.elements {
            outcome.measurements.push(count("constants", values, "values").of("type", element));
        }
        for (key, values) in [("inputs", &self.inputs), ("outputs", &self.outputs)] {
            if !values.is_empty() {
                outcome.facts.insert(key.to_owned(), cut(&values.join(", "), LONGEST));
            }
        }
        if !self.software.is_empty() {
            let shown = self.software.iter().map(|(package, version)| match version {
                Some(version) => format!("{package} {version}"),
                None => package.clone(),
            });
            outcome.facts.insert("software".to_owned(), shown.collect::<Vec<_>>().join(", "));
        }
        for (key, value) in &self.facts {
            outcome.facts.insert(key.clone(), value.clone());
        }
    }
}

fn count_in(counts: &mut BTreeMap<String, u64>, name: &str, more: u64) {
    if counts.len() < MOST_FACTS || counts.contains_key(name) {
        let total = counts.entry(cut(name, 100)).or_default();
        *total = total.saturating_add(more);
    }
}

fn plural(count: u64, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

pub(crate) fn count(name: &str, value: u64, unit: &str) -> Measurement {
    Measurement::new(name, value as f64, unit, Direction::Informative, 1)
}
