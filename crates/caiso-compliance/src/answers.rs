//! Answers to the questions of the classification.

use std::collections::{BTreeMap, BTreeSet};

use caiso_core::{Diagnostic, Located, nearest};
use serde::Serialize;
use serde_json::Value;

use crate::procedure::{Fact, FactKind, Procedure};

/// One answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Yes or no.
    Bool(bool),
    /// A number of at least zero.
    Number(f64),
    /// One value.
    Choice(String),
    /// Any values; empty means "none of them".
    Set(BTreeSet<String>),
}

/// An answer that does not fit the question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// No such question.
    #[error("`{name}` is not a question of the classification{}", did_you_mean(suggestion.as_deref()))]
    UnknownFact {
        /// As given.
        name: String,
        /// The nearest known name.
        suggestion: Option<String>,
    },
    /// Not the type that the question asks for.
    #[error("`{name}` is answered with {found}, expected {expected}")]
    WrongType {
        /// The question.
        name: String,
        /// What was given.
        found: String,
        /// What is expected.
        expected: String,
    },
    /// Not one of the values.
    #[error("`{name}` cannot be `{value}`{}; expected {expected}", did_you_mean(suggestion.as_deref()))]
    UnknownValue {
        /// The question.
        name: String,
        /// What was given.
        value: String,
        /// The nearest allowed value.
        suggestion: Option<String>,
        /// What is expected.
        expected: String,
    },
}

impl AnswerError {
    /// Name of the question it is about.
    pub fn name(&self) -> &str {
        match self {
            Self::UnknownFact { name, .. }
            | Self::WrongType { name, .. }
            | Self::UnknownValue { name, .. } => name,
        }
    }
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |near| format!(", did you mean `{near}`?"))
}

impl Answer {
    /// Reads an answer to `fact`; JSON `null` means that it is not answered.
    pub(crate) fn of(name: &str, fact: &Fact, value: &Value) -> Result<Option<Self>, AnswerError> {
        let expected = || match fact.kind {
            FactKind::Bool => "true or false".to_owned(),
            FactKind::Number => "a number of at least 0".to_owned(),
            FactKind::Enum => format!("one of {}", fact.values.join(", ")),
            FactKind::Set => format!("a list of any of {}", fact.values.join(", ")),
        };
        let wrong_type = || AnswerError::WrongType {
            name: name.to_owned(),
            found: describe(value),
            expected: expected(),
        };
        let known = |value: &str| {
            if fact.values.iter().any(|allowed| allowed == value) {
                return Ok(value.to_owned());
            }
            Err(AnswerError::UnknownValue {
                name: name.to_owned(),
                value: value.to_owned(),
                suggestion: nearest(value, fact.values.iter().map(String::as_str))
                    .map(str::to_owned),
                expected: expected(),
            })
        };
        let answer = match (fact.kind, value) {
            (_, Value::Null) => return Ok(None),
            (FactKind::Bool, Value::Bool(value)) => Self::Bool(*value),
            (FactKind::Number, Value::Number(number)) => match number.as_f64() {
                Some(number) if number >= 0.0 && number.is_finite() => Self::Number(number),
                _ => return Err(wrong_type()),
            },
            (FactKind::Enum, Value::String(value)) => Self::Choice(known(value)?),
            (FactKind::Set, Value::Array(values)) => Self::Set(
                values
                    .iter()
                    .map(|value| match value {
                        Value::String(value) => known(value),
                        // `2` is Annex III point 2, which YAML reads as a number.
                        Value::Number(number) => known(&number.to_string()),
                        _ => Err(wrong_type()),
                    })
                    .collect::<Result<_, _>>()?,
            ),
            _ => return Err(wrong_type()),
        };
        Ok(Some(answer))
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(value) => format!("the number {value}"),
        Value::String(value) => format!("the text `{value}`"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

/// Checked answers, by question. A question without an answer is unknown, never assumed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Answers(BTreeMap<String, Answer>);

impl Answers {
    /// Checks answers against the questions of the procedure; reports every wrong one.
    pub fn new<'a>(
        procedure: &Procedure,
        given: impl IntoIterator<Item = (&'a String, &'a Value)>,
    ) -> Result<Self, Vec<AnswerError>> {
        let (mut answers, mut errors) = (BTreeMap::new(), Vec::new());
        for (name, value) in given {
            let read = match procedure.facts.get(name) {
                Some(fact) => Answer::of(name, fact, value),
                None => Err(AnswerError::UnknownFact {
                    name: name.clone(),
                    suggestion: nearest(name, procedure.facts.keys().map(String::as_str))
                        .map(str::to_owned),
                }),
            };
            match read {
                Ok(Some(answer)) => drop(answers.insert(name.clone(), answer)),
                Ok(None) => {}
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(Self(answers)) } else { Err(errors) }
    }

    /// Reads answers from a YAML or JSON mapping of question to answer. `file` is used in
    /// messages only.
    pub fn read(procedure: &Procedure, file: &str, bytes: &[u8]) -> Result<Self, Vec<Diagnostic>> {
        const MAX_BYTES: usize = 1 << 18;
        let refuse = |message: String| vec![Diagnostic::at(file, "", 0, 0, message)];
        if bytes.len() > MAX_BYTES {
            return Err(refuse(format!("is {} bytes, expected at most {MAX_BYTES}", bytes.len())));
        }
        let source = str::from_utf8(bytes)
            .map_err(|error| refuse(format!("is not UTF-8 text (byte {})", error.valid_up_to())))?;
        let given: BTreeMap<String, Located<Value>> =
            serde_saphyr::from_str(source).map_err(|error| {
                let error = error.without_snippet();
                let (line, column) =
                    error.location().map_or((0, 0), |place| (place.line(), place.column()));
                let message = error.to_string();
                // The place is told by the diagnostic.
                let message =
                    message.lines().next().and_then(|line| line.split(" at line ").next());
                let message = message.unwrap_or_default().trim_start_matches("error: ").to_owned();
                vec![
                    Diagnostic::at(file, source, line, column, message)
                        .with_help("write one `question: answer` a line"),
                ]
            })?;
        let values = given.iter().map(|(name, value)| (name, &value.value));
        Self::new(procedure, values).map_err(|errors| {
            let place = |name: &str| given.get(name).map_or((0, 0), |at| (at.line, at.column));
            let diagnose = |error: &AnswerError| {
                let (line, column) = place(error.name());
                Diagnostic::at(file, source, line, column, error.to_string())
            };
            let mut problems: Vec<Diagnostic> = errors.iter().map(diagnose).collect();
            problems.sort_by_key(|problem| (problem.line, problem.column));
            problems
        })
    }

    /// The answer to a question, if there is one.
    pub fn get(&self, name: &str) -> Option<&Answer> {
        self.0.get(name)
    }

    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        matches!(self.get(name), Some(Answer::Set(values)) if values.contains(value))
    }

    pub(crate) fn choice(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Answer::Choice(value)) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn bool(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Answer::Bool(value)) => Some(*value),
            _ => None,
        }
    }
}
