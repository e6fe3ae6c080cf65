//! From the body of an answer to a value for each class.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use caiso_core::manifest::Answer;
use caiso_inference::{Access, LogitTap, log_probability};
use serde_json::Value;

/// What an answer holds for each input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Probabilities,
    Scores,
    /// The index of one class.
    Label,
}

impl Kind {
    pub(crate) fn tap(self) -> LogitTap {
        match self {
            Self::Probabilities => LogitTap::Probabilities,
            Self::Scores => LogitTap::Output,
            Self::Label => LogitTap::Labels,
        }
    }

    pub(crate) fn access(self) -> Access {
        if self == Self::Label { Access::Labels } else { Access::Scores }
    }

    /// How many values are kept of one answer.
    pub(crate) fn width(self, classes: usize) -> usize {
        if self == Self::Label { 1 } else { classes }
    }

    /// Adds the logits that follow from one answer.
    pub(crate) fn logits(self, values: &[f32], classes: usize, logits: &mut Vec<f32>) {
        match self {
            Self::Probabilities => {
                logits.extend(values.iter().copied().map(log_probability));
            }
            Self::Scores => logits.extend_from_slice(values),
            Self::Label => {
                let class = values.first().map_or(0, |&class| class as usize);
                logits.extend((0..classes).map(|index| f32::from(u8::from(index == class))));
            }
        }
    }
}

/// How far above 1 a probability may be that was computed or rounded in single precision.
const ROUNDING: f32 = 1e-4;

/// Reads answers.
pub(crate) struct Reader {
    pub(crate) kind: Kind,
    /// Up to the position of the input; the rest, where a `*` says so.
    prefix: String,
    suffix: Option<String>,
    many: bool,
    /// What the answer calls the classes.
    labels: Vec<String>,
}

impl Reader {
    pub(crate) fn new(answer: &Answer, labels: Vec<String>, many: bool) -> Self {
        let kind = match answer {
            Answer::Probabilities(_) => Kind::Probabilities,
            Answer::Scores(_) => Kind::Scores,
            Answer::Label(_) => Kind::Label,
        };
        let pointer = answer.pointer().as_str();
        let mut prefix = String::new();
        let mut suffix = many.then(String::new);
        let mut within = &mut prefix;
        for part in pointer.split('/').skip(1) {
            if part == "*" {
                within = suffix.insert(String::new());
            } else {
                within.push('/');
                within.push_str(part);
            }
        }
        Self { kind, prefix, suffix, many, labels }
    }

    pub(crate) fn classes(&self) -> usize {
        self.labels.len()
    }

    /// The values of each of `inputs` inputs: probabilities, scores, or the index of the class.
    pub(crate) fn read(&self, body: &[u8], inputs: usize) -> Result<Vec<Vec<f32>>, String> {
        let whole: Value = serde_json::from_slice(body).map_err(|error| not_json(body, &error))?;
        let found = find(&whole, &self.prefix, "the answer")?;
        let Some(suffix) = &self.suffix else {
            return Ok(vec![self.values(found)?]);
        };
        let place = if self.prefix.is_empty() { "the answer" } else { &self.prefix };
        let Some(entries) = found.as_array() else {
            let many = if self.many { " with an entry for each input" } else { "" };
            return Err(format!("{place} is {}, expected an array{many}", kind_of(found)));
        };
        if entries.len() != inputs {
            return Err(format!(
                "{place} has {} entries, expected {inputs}, one for each input",
                entries.len()
            ));
        }
        let read = |(index, entry): (usize, &Value)| {
            let place = format!("entry {index} of {place}");
            let found = find(entry, suffix, &place)?;
            self.values(found).map_err(|problem| format!("{place}: {problem}"))
        };
        entries.iter().enumerate().map(read).collect()
    }

    fn values(&self, found: &Value) -> Result<Vec<f32>, String> {
        if self.kind == Kind::Label {
            return Ok(vec![self.label(found)? as f32]);
        }
        let binary = self.labels.len() == 2;
        let values = match found {
            Value::Number(_) if binary => self.second(number(found)?),
            Value::Array(items) => {
                if let ([single], true) = (items.as_slice(), binary) {
                    return self.judged(self.second(number(single)?));
                }
                if items.len() != self.labels.len() {
                    let classes = self.labels.len();
                    return Err(format!(
                        "{} values, expected {classes}, one for each class",
                        items.len()
                    ));
                }
                items.iter().map(number).collect::<Result<_, _>>()?
            }
            Value::Object(members) => {
                if let Some(unknown) = members.keys().find(|name| !self.labels.contains(name)) {
                    return Err(self.unknown(unknown));
                }
                let member = |label: &String| {
                    members
                        .get(label)
                        .ok_or_else(|| format!("has no value for the class `{label}`"))
                };
                self.labels.iter().map(|label| number(member(label)?)).collect::<Result<_, _>>()?
            }
            other => {
                let one = if binary { " or a number" } else { "" };
                let classes = self.labels.len();
                return Err(format!(
                    "is {}, expected an array of {classes} numbers{one}",
                    kind_of(other)
                ));
            }
        };
        self.judged(values)
    }

    /// The values, if they can be what they are said to be.
    fn judged(&self, values: Vec<f32>) -> Result<Vec<f32>, String> {
        if self.kind == Kind::Probabilities {
            if let Some(odd) =
                values.iter().find(|&&value| !(0.0..=1.0 + ROUNDING).contains(&value))
            {
                return Err(format!("{odd} is no probability, expected 0 to 1"));
            }
            if values.iter().all(|&value| value == 0.0) {
                return Err("all probabilities are 0".to_owned());
            }
        }
        Ok(values)
    }

    /// Both values where only that of the second class is given.
    fn second(&self, value: f32) -> Vec<f32> {
        if self.kind == Kind::Probabilities { vec![1.0 - value, value] } else { vec![0.0, value] }
    }

    /// A class by its label; a label that is a number or a truth value goes by its text.
    fn label(&self, found: &Value) -> Result<usize, String> {
        // A prediction is often an array of one.
        let found = match found.as_array().map(Vec::as_slice) {
            Some([single]) => single,
            _ => found,
        };
        let text = match found {
            Value::String(text) => text.clone(),
            Value::Bool(_) => found.to_string(),
            Value::Number(number) => match number.as_f64() {
                Some(value) => value.to_string(),
                None => number.to_string(),
            },
            other => return Err(format!("is {}, expected a label", kind_of(other))),
        };
        self.labels.iter().position(|label| *label == text).ok_or_else(|| self.unknown(&text))
    }

    fn unknown(&self, label: &str) -> String {
        let known: Vec<String> = self.labels.iter().take(8).map(|l| format!("`{l}`")).collect();
        let more = if self.labels.len() > 8 { ", …" } else { "" };
        format!(
            "`{}` is none of the classes {}{more}; give what the answer calls them under `labels`",
            cut(label),
            known.join(", ")
        )
    }
}

/// The value at a JSON Pointer.
fn find<'a>(value: &'a Value, pointer: &str, place: &str) -> Result<&'a Value, String> {
    value.pointer(pointer).ok_or_else(|| {
        format!("{place} has nothing at `{pointer}`; it is {}", cut(&value.to_string()))
    })
}

fn number(value: &Value) -> Result<f32, String> {
    let Some(number) = value.as_f64() else {
        return Err(format!("is {}, expected a number", kind_of(value)));
    };
    let single = number as f32;
    if single.is_finite() {
        Ok(single)
    } else {
        Err(format!("{number} is beyond the range of f32"))
    }
}

fn not_json(body: &[u8], error: &serde_json::Error) -> String {
    let text = String::from_utf8_lossy(body);
    let odd = ["NaN", "Infinity"].into_iter().find(|word| text.contains(word));
    let why = match odd {
        Some(word) if !text.trim_start().starts_with('<') => {
            format!("it may hold {word}, which JSON does not have")
        }
        _ => error.to_string(),
    };
    format!("the answer is no JSON ({why}): {}", cut(&text))
}

fn kind_of(value: &Value) -> String {
    let kind = match value {
        Value::Null => return "null".to_owned(),
        Value::Array(items) => return format!("an array of {}", items.len()),
        Value::Object(_) => "an object",
        Value::String(_) => "the text",
        Value::Bool(_) => "the truth value",
        Value::Number(_) => "the number",
    };
    format!("{kind} {}", cut(&value.to_string()))
}

/// The beginning of what came, for messages.
pub(crate) fn cut(text: &str) -> String {
    const SHOWN: usize = 160;
    let shown: String =
        text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if shown.len() < text.len() { format!("{shown}…") } else { shown }
}

#[cfg(test)]
#[allow(clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The examples of RFC 6901 section 5, read as what an answer holds for one input.
    #[test]
    fn pointers_lead_where_the_standard_says() {
        let document = json!({
            "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6,
            " ": 7, "m~n": 8
        });
        let body = document.to_string();
        let labels: Vec<String> =
            ["0", "1", "2", "3", "4", "5", "6", "7", "8", "bar", "baz"].map(str::to_owned).to_vec();
        for (pointer, expected) in [
            ("/foo/0", "bar"),
            ("/foo/1", "baz"),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/e^f", "3"),
            ("/g|h", "4"),
            ("/i\\j", "5"),
            ("/k\"l", "6"),
            ("/ ", "7"),
            ("/m~0n", "8"),
        ] {
            let answer = Answer::Label(pointer.to_owned().into());
            let reader = Reader::new(&answer, labels.clone(), false);
            let values = reader.read(body.as_bytes(), 1).expect(pointer);
            assert_eq!(labels[values[0][0] as usize], expected, "{pointer}");
        }
        for pointer in ["/foo/2", "/foo/01", "/foo/-", "/foo/bar", "/nothing", "/a/b"] {
            let answer = Answer::Label(pointer.to_owned().into());
            let reader = Reader::new(&answer, labels.clone(), false);
            let problem = reader.read(body.as_bytes(), 1).expect_err(pointer);
            assert!(problem.starts_with(&format!("the answer has nothing at `{pointer}`")));
        }
        // The whole document, and positions before, within and after the rest.
        for (pointer, body) in [
            ("", json!(["a", "b"])),
            ("/*", json!(["a", "b"])),
            ("/p", json!({"p": ["a", "b"]})),
            ("/p/*", json!({"p": ["a", "b"]})),
            ("/p/*/q~1/0", json!({"p": [{"q/": ["a"]}, {"q/": ["b"]}]})),
        ] {
            let labels = vec!["a".to_owned(), "b".to_owned()];
            let answer = Answer::Label(pointer.to_owned().into());
            let values = Reader::new(&answer, labels, true).read(body.to_string().as_bytes(), 2);
            assert_eq!(values, Ok(vec![vec![0.0], vec![1.0]]), "{pointer}");
        }
    }
    proptest! {
        /// Bytes that are nearly an answer: what is read has the shape that was asked for.
        #[test]
        fn any_bytes_do_no_harm(
            what in 0..3,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        ) {
            let pointer = |text: &str| text.to_owned().into();
            let (answer, body) = match what {
                0 => (
                    Answer::Probabilities(pointer("/p/*/q")),
                    json!({"p": [{"q": [0.25, 0.75]}, {"q": {"a": 1.0, "b": 0}}, {"q": 0.5}]}),
                ),
                1 => (Answer::Scores(pointer("/p")), json!({"p": [[1e3, -2.5], [7], 9]})),
                _ => (Answer::Label(pointer("")), json!(["a", "b", ["a"]])),
            };
            let mut bytes = body.to_string().into_bytes();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            let reader = Reader::new(&answer, vec!["a".to_owned(), "b".to_owned()], true);
            if let Ok(values) = reader.read(&bytes, 3) {
                prop_assert_eq!(values.len(), 3);
                for values in values {
                    prop_assert_eq!(values.len(), reader.kind.width(2));
                    prop_assert!(values.iter().all(|value| value.is_finite()));
                }
            }
        }
    }
}
