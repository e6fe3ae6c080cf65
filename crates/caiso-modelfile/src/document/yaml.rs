//! YAML without the expansion of aliases.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::{MAX_DEPTH, MAX_VALUES, Malformed, Value, text};

/// Most bytes of a YAML file that are read.
const MAX_BYTES: usize = 4 << 20;

/// Reads the documents of a YAML file. An alias of a scalar becomes the scalar; an alias of a list or a
/// mapping becomes null, since what it repeats is already there under its anchor. So nothing grows.
pub(crate) fn read(bytes: &[u8]) -> Result<Yaml, Malformed> {
    if bytes.len() > MAX_BYTES {
        return Err(Malformed(format!("it has more than the {MAX_BYTES} bytes that are read")));
    }
    let text = text(bytes).ok_or_else(|| Malformed("it is not text".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| Malformed(format!("there is no YAML: {error}")))?;
        tree.take(event)?;
    }
    Ok(tree.yaml)
}

/// What a YAML file holds.
#[derive(Debug, Default)]
pub(crate) struct Yaml {
    pub(crate) documents: Vec<Value>,
    /// Every tag that is written out, in the order of the file.
    pub(crate) tags: Vec<String>,
}

/// Most tags that are kept.
const MAX_TAGS: usize = 10_000;

#[derive(Default)]
struct Tree {
    yaml: Yaml,
    open: Vec<Open>,
    scalars: BTreeMap<usize, Value>,
    values: usize,
}

enum Open {
    List(Vec<Value>),
    Map(Vec<(String, Value)>, Option<String>),
}

impl Tree {
    fn take(&mut self, event: Event<'_>) -> Result<(), Malformed> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.tag(tag.as_deref());
                let value = scalar(text.into_owned(), style);
                if anchor != 0 {
                    self.scalars.insert(anchor, value.clone());
                }
                self.put(value)
            }
            Event::Alias(anchor) => {
                let value = self.scalars.get(&anchor).cloned().unwrap_or(Value::Null);
                self.put(value)
            }
            Event::SequenceStart(_, tag) => {
                self.tag(tag.as_deref());
                self.push(Open::List(Vec::new()))
            }
            Event::MappingStart(_, tag) => {
                self.tag(tag.as_deref());
                self.push(Open::Map(Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(items)) => self.put(Value::List(items)),
                Some(Open::Map(entries, _)) => self.put(Value::Map(entries)),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn tag(&mut self, tag: Option<&Tag>) {
        if let Some(tag) = tag
            && self.yaml.tags.len() < MAX_TAGS
        {
            self.yaml.tags.push(format!("{}{}", tag.handle, tag.suffix));
        }
    }

    fn push(&mut self, open: Open) -> Result<(), Malformed> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Malformed(format!("it is nested more than {MAX_DEPTH} levels deep")));
        }
        self.open.push(open);
        Ok(())
    }

    fn put(&mut self, value: Value) -> Result<(), Malformed> {
        self.values = self.values.saturating_add(1);
        if self.values > MAX_VALUES {
            return Err(Malformed(format!(
                "it holds more than the {MAX_VALUES} values that are read"
            )));
        }
        match self.open.last_mut() {
            None => self.yaml.documents.push(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(entries, key)) => match key.take() {
                Some(key) => entries.push((key, value)),
                None => match value {
                    Value::Text(text) | Value::Number(text) => *key = Some(text),
                    // What hides in a key that is no scalar is looked at as a value.
                    other => {
                        if !other.entries().is_empty() || !other.items().is_empty() {
                            entries.push(("?".to_owned(), other.clone()));
                        }
                        *key = Some(other.shown());
                    }
                },
            },
        }
        Ok(())
    }
}

fn scalar(text: String, style: ScalarStyle) -> Value {
    if !matches!(style, ScalarStyle::Plain) {
        return Value::Text(text);
    }
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        number
            if number.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
                && number.parse::<f64>().is_ok() =>
        {
            Value::Number(text)
        }
        _ => Value::Text(text),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]
mod tests {
    use super::{Value, read};

    #[test]
    fn aliases_never_multiply() {
        let mut bomb = "a0: &a0 [x, x]\n".to_owned();
        for level in 1..60 {
            let last = level - 1;
            bomb.push_str(&format!("a{level}: &a{level} [*a{last}, *a{last}, *a{last}]\n"));
        }
        assert_eq!(read(bomb.as_bytes()).unwrap().documents[0].entries().len(), 60);
    }

    #[test]
    fn an_alias_of_a_scalar_is_the_scalar_also_as_a_key() {
        let documents = read(b"k: &k _target_\nv: &v os.system\nm: {*k : *v}\n").unwrap();
        let map = documents.documents[0].get("m").unwrap();
        assert_eq!(map.text_of("_target_"), Some("os.system"));
    }

    #[test]
    fn deep_and_broken_files_are_errors() {
        assert!(read("[".repeat(10_000).as_bytes()).is_err());
        assert!(read(b"a: [1, 2\nb: }").is_err());
        assert_eq!(read(b"a: 1\n---\nb: x\n").unwrap().documents.len(), 2);
        assert_eq!(
            read(b"a: 1").unwrap().documents[0].get("a"),
            Some(&Value::Number("1".to_owned()))
        );
    }
}
