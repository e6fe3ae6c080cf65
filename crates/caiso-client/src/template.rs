//! From inputs to the body of a request.

use caiso_core::manifest::Feature;
use caiso_core::nearest;
use serde_json::Value;

use crate::inputs::Inputs;

/// The names of placeholders that are no features.
const RESERVED: [&str; 6] = ["rows", "row", "records", "record", "texts", "text"];

/// A body: JSON text in pieces, with what is put between them.
pub(crate) struct Template {
    pieces: Vec<Piece>,
    /// Names, encodings and kinds of the values of a row.
    features: Vec<Feature>,
    shape: Vec<usize>,
    many: bool,
    text: bool,
}

enum Piece {
    /// As it is.
    Json(String),
    Rows,
    Row,
    Records,
    Record,
    Texts,
    Text {
        quoted: bool,
    },
    Feature {
        index: usize,
        quoted: bool,
    },
}

impl Template {
    /// Compiles a body. The values of a row have the names of `features`, or none, and `shape`.
    pub(crate) fn new(
        body: &Value,
        features: &[Feature],
        shape: Vec<usize>,
    ) -> Result<Self, String> {
        if let Some(taken) = features.iter().find(|f| RESERVED.contains(&f.column.as_str())) {
            let name = &taken.column.value;
            return Err(format!(
                "a feature cannot be named `{name}`, which is a placeholder of inputs"
            ));
        }
        let mut compiler = Compiler { features, pieces: Vec::new(), json: String::new() };
        compiler.value(body)?;
        compiler.flush();
        let pieces = compiler.pieces;
        let has = |wanted: fn(&Piece) -> bool| pieces.iter().any(wanted);
        let many = has(|piece| matches!(piece, Piece::Rows | Piece::Records | Piece::Texts));
        let one = has(|piece| {
            matches!(piece, Piece::Row | Piece::Record | Piece::Text { .. } | Piece::Feature { .. })
        });
        let text = has(|piece| matches!(piece, Piece::Texts | Piece::Text { .. }));
        let numbers = has(|piece| {
            matches!(
                piece,
                Piece::Rows | Piece::Row | Piece::Records | Piece::Record | Piece::Feature { .. }
            )
        });
        let records = has(|piece| matches!(piece, Piece::Records | Piece::Record));
        if !many && !one {
            return Err("its body has no placeholder for an input, such as \"{{rows}}\"".to_owned());
        }
        if many && one {
            return Err("its body has placeholders for many inputs and for one".to_owned());
        }
        if text && numbers {
            return Err("its body has placeholders for texts and for rows".to_owned());
        }
        if records && features.is_empty() {
            return Err(
                "its body sends records, but `features` names none of their members".to_owned()
            );
        }
        Ok(Self { pieces, features: features.to_vec(), shape, many, text })
    }

    /// Whether one body holds many inputs.
    pub(crate) fn takes_many(&self) -> bool {
        self.many
    }

    /// Whether the inputs are texts.
    pub(crate) fn takes_text(&self) -> bool {
        self.text
    }

    /// The body for some of the inputs: one, unless it takes many.
    pub(crate) fn render(&self, inputs: Inputs<'_>, chosen: &[usize]) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let first = chosen.first().copied().unwrap_or_default();
        for piece in &self.pieces {
            match *piece {
                Piece::Json(ref text) => out.extend_from_slice(text.as_bytes()),
                Piece::Rows => {
                    list(&mut out, chosen, |out, &index| self.row(out, inputs.row(index)))?;
                }
                Piece::Row => self.row(&mut out, inputs.row(first))?,
                Piece::Records => {
                    list(&mut out, chosen, |out, &index| self.record(out, inputs.row(index)))?;
                }
                Piece::Record => self.record(&mut out, inputs.row(first))?,
                Piece::Texts => list(&mut out, chosen, |out, &index| {
                    write_text(out, inputs.text(index), false);
                    Ok(())
                })?,
                Piece::Text { quoted } => write_text(&mut out, inputs.text(first), quoted),
                Piece::Feature { index, quoted } => {
                    self.named(&mut out, index, inputs.row(first), quoted)?;
                }
            }
        }
        Ok(out)
    }

    /// Numbers, nested by the shape.
    fn row(&self, out: &mut Vec<u8>, row: &[f32]) -> Result<(), String> {
        self.nested(out, row, 0, &self.shape)
    }

    fn nested(
        &self,
        out: &mut Vec<u8>,
        values: &[f32],
        start: usize,
        shape: &[usize],
    ) -> Result<(), String> {
        let Some((&axis, inner)) = shape.split_first() else {
            let Some(&value) = values.first() else { return Ok(()) };
            let integer = self.features.get(start).is_some_and(|feature| feature.integer);
            return write_number(out, value, integer)
                .map_err(|problem| self.about(start, &problem));
        };
        let width = (values.len() / axis.max(1)).max(1);
        let parts: Vec<(usize, &[f32])> =
            values.chunks(width).enumerate().map(|(part, values)| (part * width, values)).collect();
        list(out, &parts, |out, &(offset, values)| self.nested(out, values, start + offset, inner))
    }

    /// An object with a member for each feature.
    fn record(&self, out: &mut Vec<u8>, row: &[f32]) -> Result<(), String> {
        out.push(b'{');
        for (index, feature) in self.features.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_text(out, &feature.column, false);
            out.push(b':');
            self.named(out, index, row, false)?;
        }
        out.push(b'}');
        Ok(())
    }

    /// One feature as whoever calls the endpoint by names knows it.
    fn named(
        &self,
        out: &mut Vec<u8>,
        index: usize,
        row: &[f32],
        quoted: bool,
    ) -> Result<(), String> {
        let value = row.get(index).copied().unwrap_or(f32::NAN);
        let Some(feature) = self.features.get(index) else { return Ok(()) };
        if feature.encoding.is_empty() {
            return write_number(out, value, feature.integer)
                .map_err(|problem| self.about(index, &problem));
        }
        let label = feature.encoding.iter().find(|(_, number)| **number as f32 == value);
        let Some((label, _)) = label else {
            let problem = format!(
                "{value} encodes none of its values; let attacks keep to whole numbers by `integer: true`, or \
                 send rows of numbers"
            );
            return Err(self.about(index, &problem));
        };
        write_text(out, label, quoted);
        Ok(())
    }

    fn about(&self, index: usize, problem: &str) -> String {
        match self.features.get(index) {
            Some(feature) => format!("feature `{}`: {problem}", feature.column.value),
            None => format!("value {index} of the input: {problem}"),
        }
    }
}

fn list<T>(
    out: &mut Vec<u8>,
    items: &[T],
    mut write: impl FnMut(&mut Vec<u8>, &T) -> Result<(), String>,
) -> Result<(), String> {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item)?;
    }
    out.push(b']');
    Ok(())
}

/// The shortest decimal that reads back as the same `f32`: what stood in the data the row came from.
fn write_number(out: &mut Vec<u8>, value: f32, integer: bool) -> Result<(), String> {
    if !value.is_finite() {
        return Err(format!("{value} cannot be sent, JSON has finite numbers only"));
    }
    let value = value + 0.0; // no -0
    let text = if integer && value.fract() == 0.0 { format!("{value:.0}") } else { json(&value) };
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

/// A text as a JSON string, or, within a string, without its quotation marks.
fn write_text(out: &mut Vec<u8>, text: &str, within: bool) {
    let whole = json(text);
    let text = if within { &whole[1..whole.len() - 1] } else { &whole };
    out.extend_from_slice(text.as_bytes());
}

/// Texts and finite numbers always have a JSON form.
fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

struct Compiler<'a> {
    features: &'a [Feature],
    pieces: Vec<Piece>,
    /// JSON that no placeholder has ended yet.
    json: String,
}

impl Compiler<'_> {
    fn flush(&mut self) {
        if !self.json.is_empty() {
            self.pieces.push(Piece::Json(std::mem::take(&mut self.json)));
        }
    }

    fn put(&mut self, piece: Piece) {
        self.flush();
        self.pieces.push(piece);
    }

    fn value(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::String(text) => self.string(text)?,
            Value::Array(items) => {
                self.json.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.json.push(',');
                    }
                    self.value(item)?;
                }
                self.json.push(']');
            }
            Value::Object(members) => {
                self.json.push('{');
                for (index, (name, member)) in members.iter().enumerate() {
                    if index > 0 {
                        self.json.push(',');
                    }
                    self.json.push_str(&json(name));
                    self.json.push(':');
                    self.value(member)?;
                }
                self.json.push('}');
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                self.json.push_str(&value.to_string());
            }
        }
        Ok(())
    }

    fn string(&mut self, text: &str) -> Result<(), String> {
        let name = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
        if let Some(name) = name.filter(|name| !name.contains("{{") && !name.contains('}')) {
            let piece = self.placeholder(name.trim(), false)?;
            self.put(piece);
            return Ok(());
        }
        self.json.push('"');
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else { break };
            self.within(before);
            let piece = self.placeholder(name.trim(), true)?;
            self.put(piece);
            rest = after;
        }
        self.within(rest);
        self.json.push('"');
        Ok(())
    }

    /// Text within a string.
    fn within(&mut self, text: &str) {
        let whole = json(text);
        self.json.push_str(&whole[1..whole.len() - 1]);
    }

    fn placeholder(&self, name: &str, quoted: bool) -> Result<Piece, String> {
        let whole = match name {
            "text" => return Ok(Piece::Text { quoted }),
            "rows" => Piece::Rows,
            "row" => Piece::Row,
            "records" => Piece::Records,
            "record" => Piece::Record,
            "texts" => Piece::Texts,
            _ => {
                let index = self.features.iter().position(|feature| feature.column.value == name);
                return match index {
                    Some(index) => Ok(Piece::Feature { index, quoted }),
                    None => Err(self.unknown(name)),
                };
            }
        };
        if quoted {
            return Err(format!("the placeholder `{{{{{name}}}}}` must be a whole string"));
        }
        Ok(whole)
    }

    fn unknown(&self, name: &str) -> String {
        let known = RESERVED.into_iter().chain(self.features.iter().map(|f| f.column.as_str()));
        let help = if let Some(near) = nearest(name, known.clone()) {
            format!("did you mean `{{{{{near}}}}}`?")
        } else {
            let known: Vec<String> = known.map(|name| format!("{{{{{name}}}}}")).collect();
            format!("known ones: {}", known.join(", "))
        };
        format!("its body has the unknown placeholder `{{{{{name}}}}}`; {help}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Strings with everything that JSON escapes and templates look at.
    fn awkward() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("{{text}}".to_owned()),
            Just("{{ text }}".to_owned()),
            "[a\"\\\\{}\n\u{0}\u{e9}\u{1f600} ]{0,4}",
        ];
        prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
    }

    fn body() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9).prop_map(Value::from),
            awkward().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((awkward(), inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// What a template is to do, on values. Braces that name nothing are an error, hence `None`.
    fn filled(value: &Value, text: &str) -> Option<Value> {
        Some(match value {
            Value::String(string) => {
                let mut whole = String::new();
                let mut rest = string.as_str();
                while let Some((before, after)) = rest.split_once("{{") {
                    let Some((name, after)) = after.split_once("}}") else { break };
                    if name.trim() != "text" {
                        return None;
                    }
                    whole = whole + before + text;
                    rest = after;
                }
                Value::String(whole + rest)
            }
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| filled(item, text)).collect::<Option<_>>()?)
            }
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, member)| Some((name.clone(), filled(member, text)?)))
                    .collect::<Option<_>>()?,
            ),
            other => other.clone(),
        })
    }

    proptest! {
        #[test]
        fn any_body_with_any_text_is_json(body in body(), text in any::<String>()) {
            // The member makes sure that there is a placeholder.
            let body = json!({ "b": body, "t": "{{text}}" });
            let template = Template::new(&body, &[], Vec::new());
            match filled(&body, &text) {
                None => prop_assert!(template.is_err()),
                Some(expected) => {
                    let template = template.expect("only known placeholders");
                    let sent = template.render(Inputs::Texts(&[text]), &[0]).expect("a text");
                    let sent: Value = serde_json::from_slice(&sent).expect("JSON");
                    prop_assert_eq!(sent, expected);
                }
            }
        }
    }
}
