//! Parameters of checks: one serde + schemars struct drives defaults, validation, command line
//! flags, JSON schema and documentation.

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::nearest;

/// A parameter value that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// No such parameter.
    #[error("unknown parameter `{name}`{}; known: {known}", suggestion.as_ref().map(|s| format!(", did you mean `{s}`?")).unwrap_or_default())]
    Unknown {
        /// As given.
        name: String,
        /// The nearest known name.
        suggestion: Option<String>,
        /// All known names.
        known: String,
    },
    /// A value of the wrong type or shape.
    #[error("{0}")]
    Invalid(String),
    /// A value outside its range.
    #[error("`{name}` is {value}, expected {expected}")]
    OutOfRange {
        /// Which parameter.
        name: String,
        /// The value given.
        value: String,
        /// The range.
        expected: String,
    },
}

/// The type, defaults and ranges of a check's parameters.
#[derive(Clone, Copy)]
pub struct ParameterSet {
    schema: fn() -> Schema,
    complete: fn(Value) -> Result<Value, serde_json::Error>,
}

impl ParameterSet {
    /// The parameter set described by a struct with `serde(default, deny_unknown_fields)`.
    pub const fn of<P: JsonSchema + Serialize + DeserializeOwned>() -> Self {
        Self {
            schema: || schemars::schema_for!(P),
            complete: |value| serde_json::to_value(serde_json::from_value::<P>(value)?),
        }
    }

    /// No parameters.
    pub const NONE: Self = Self::of::<NoParameters>();

    /// JSON schema with descriptions, ranges and defaults.
    pub fn schema(&self) -> Value {
        (self.schema)().to_value()
    }

    /// Names in declaration order with their property schemas.
    pub fn properties(&self) -> Vec<(String, Value)> {
        let schema = self.schema();
        schema
            .get("properties")
            .and_then(Value::as_object)
            .map(|properties| properties.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
            .unwrap_or_default()
    }

    /// Defaults overridden by `overrides`, complete and checked against the ranges.
    pub fn resolve(&self, overrides: &Map<String, Value>) -> Result<Parameters, ParameterError> {
        let properties = self.properties();
        for (name, value) in overrides {
            let Some((_, schema)) = properties.iter().find(|(known, _)| known == name) else {
                let names: Vec<&str> = properties.iter().map(|(n, _)| n.as_str()).collect();
                return Err(ParameterError::Unknown {
                    name: name.clone(),
                    suggestion: nearest(name, names.iter().copied()).map(str::to_owned),
                    known: if names.is_empty() { "none".into() } else { names.join(", ") },
                });
            };
            check_range(name, schema, value)?;
        }
        (self.complete)(Value::Object(overrides.clone()))
            .map(Parameters)
            .map_err(|error| ParameterError::Invalid(error.to_string()))
    }
}

impl std::fmt::Debug for ParameterSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ParameterSet").field(&self.schema()).finish()
    }
}

/// A check without parameters.
#[derive(Debug, Default, Serialize, serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct NoParameters {}

/// A complete, checked set of parameter values: what the evidence records.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters(Value);

impl Parameters {
    /// The values as the struct they were resolved from.
    ///
    /// # Panics
    /// If `P` is not the struct of the [`ParameterSet`] they were resolved by.
    pub fn read<P: DeserializeOwned>(&self) -> P {
        serde_json::from_value(self.0.clone()).expect("resolved by the same struct")
    }

    /// The values as JSON.
    pub fn as_json(&self) -> &Value {
        &self.0
    }
}

fn check_range(name: &str, schema: &Value, value: &Value) -> Result<(), ParameterError> {
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        return values.iter().try_for_each(|item| check_range(name, items, item));
    }
    let Some(number) = value.as_f64() else { return Ok(()) };
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let outside = bound("minimum").is_some_and(|low| number < low)
        || bound("maximum").is_some_and(|high| number > high)
        || bound("exclusiveMinimum").is_some_and(|low| number <= low)
        || bound("exclusiveMaximum").is_some_and(|high| number >= high);
    if outside {
        return Err(ParameterError::OutOfRange {
            name: name.to_owned(),
            value: value.to_string(),
            expected: range_text(schema),
        });
    }
    Ok(())
}

fn range_text(schema: &Value) -> String {
    let bounds = [
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "less than"),
    ];
    let words: Vec<String> = bounds
        .iter()
        .filter_map(|(key, word)| schema.get(key).map(|bound| format!("{word} {bound}")))
        .collect();
    words.join(" and ")
}

/// Type and range of a property in words: `numbers, each at least 0`.
pub fn describe(schema: &Value) -> String {
    let kind = |schema: &Value| {
        let word = match schema.get("type") {
            Some(Value::String(word)) => word.as_str(),
            Some(Value::Array(words)) => words.first().and_then(Value::as_str).unwrap_or("value"),
            _ => "value",
        };
        word.to_owned()
    };
    let (word, range) = match schema.get("items") {
        Some(items) => (format!("list of {}", kind(items)), range_text(items)),
        None => (kind(schema), range_text(schema)),
    };
    if range.is_empty() { word } else { format!("{word}, {range}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, serde::Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Attack {
        /// Perturbation sizes.
        #[schemars(inner(range(min = 0.0, max = 1.0)))]
        epsilons: Vec<f64>,
        /// Steps.
        #[schemars(range(min = 1))]
        steps: u32,
    }

    impl Default for Attack {
        fn default() -> Self {
            Self { epsilons: vec![0.1], steps: 20 }
        }
    }

    fn resolve(json: &Value) -> Result<Parameters, ParameterError> {
        ParameterSet::of::<Attack>().resolve(json.as_object().unwrap())
    }

    #[test]
    fn overrides_complete_the_defaults() {
        let resolved = resolve(&serde_json::json!({"steps": 3})).unwrap();
        assert_eq!(*resolved.as_json(), serde_json::json!({"epsilons": [0.1], "steps": 3}));
        assert_eq!(resolved.read::<Attack>().steps, 3);
    }

    #[test]
    fn bad_values_are_named() {
        let text = |json| resolve(&json).unwrap_err().to_string();
        assert_eq!(
            text(serde_json::json!({"step": 3})),
            "unknown parameter `step`, did you mean `steps`?; known: epsilons, steps"
        );
        assert_eq!(
            text(serde_json::json!({"epsilons": [0.5, 1.5]})),
            "`epsilons` is 1.5, expected at least 0.0 and at most 1.0"
        );
        assert!(text(serde_json::json!({"steps": "many"})).contains("expected u32"));
    }
}
