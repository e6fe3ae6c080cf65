//! The tree, and reading typed values out of it.

use std::sync::Arc;

/// A value and its place. Cheap to clone: subtrees are shared.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Line, from 1.
    pub(crate) line: u64,
    /// Column in characters, from 1.
    pub(crate) column: u64,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    Sequence(Arc<[Node]>),
    Mapping(Arc<[Entry]>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    pub(crate) value: Node,
}

impl PartialEq for Node {
    /// Equality of values, wherever they stand.
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Node {
    /// Line and column, from 1.
    pub(crate) fn place(&self) -> (u64, u64) {
        (self.line, self.column)
    }

    /// The value of a key that is there and not null, which Kubernetes treats as absent. Of a key
    /// given twice it is the last, as in Kubernetes.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let entry = self.entries().iter().rev().find(|entry| &*entry.key == key)?;
        (entry.value.value != Value::Null).then_some(&entry.value)
    }

    /// The value at a path of keys, `None` where a part is missing or no mapping.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text at a path of keys.
    pub(crate) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.text()
    }

    /// The items of a sequence; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The items of the sequence under a key; none if there is no such sequence.
    pub(crate) fn items_at(&self, path: &[&str]) -> &[Self] {
        self.at(path).map_or(&[], Self::items)
    }

    /// The entries of a mapping; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    pub(crate) fn is_mapping(&self) -> bool {
        matches!(self.value, Value::Mapping(_))
    }

    /// A copy of a mapping without a key.
    pub(crate) fn without(&self, key: &str) -> Self {
        let entries = self.entries().iter().filter(|entry| &*entry.key != key).cloned().collect();
        Self { value: Value::Mapping(entries), ..*self }
    }

    /// What it is, in words that never quote the value.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "empty",
            Value::Bool(_) => "true or false",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(text) if is_template(text) => "a placeholder that is filled in later",
            Value::Text(_) => "text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

/// Whether text holds a placeholder of Helm, Argo or Kubeflow.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("{{")
}

/// What stands at a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Field<'a, T> {
    /// Nothing, or null.
    Absent,
    /// A value of the expected type.
    Known(T, &'a Node),
    /// Something else than Kubernetes accepts there, or a placeholder; the reason.
    Unclear(&'a Node, String),
}

/// A type that a field can have.
pub(crate) trait FromNode<'a>: Sized {
    /// The type in words.
    const EXPECTED: &'static str;
    /// The value, if the node has the type.
    fn from_node(node: &'a Node) -> Option<Self>;
}

impl FromNode<'_> for bool {
    const EXPECTED: &'static str = "true or false without quotes";
    fn from_node(node: &Node) -> Option<Self> {
        match node.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }
}

impl FromNode<'_> for i64 {
    const EXPECTED: &'static str = "a whole number without quotes";
    fn from_node(node: &Node) -> Option<Self> {
        match node.value {
            Value::Int(value) => Some(value),
            // JSON knows one kind of number, and Kubernetes takes 0.0 for 0.
            #[expect(clippy::cast_possible_truncation, reason = "integral and far inside i64")]
            Value::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
                Some(value as Self)
            }
            _ => None,
        }
    }
}

impl<'a> FromNode<'a> for &'a str {
    const EXPECTED: &'static str = "text";
    fn from_node(node: &'a Node) -> Option<Self> {
        node.text().filter(|text| !is_template(text))
    }
}

impl<'a> FromNode<'a> for &'a [Node] {
    const EXPECTED: &'static str = "a list";
    fn from_node(node: &'a Node) -> Option<Self> {
        matches!(node.value, Value::Sequence(_)).then(|| node.items())
    }
}

/// An amount of a resource: `500m`, `1Gi`, `2`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quantity<'a>(&'a Node);

impl Quantity<'_> {
    /// Whether it is nothing, in whatever unit.
    pub(crate) fn is_zero(self) -> bool {
        match &self.0.value {
            Value::Int(number) => *number == 0,
            Value::Float(number) => *number == 0.0,
            Value::Text(text) => !text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)),
            _ => false,
        }
    }
}

impl<'a> FromNode<'a> for Quantity<'a> {
    const EXPECTED: &'static str = "an amount";
    fn from_node(node: &'a Node) -> Option<Self> {
        let amount = match &node.value {
            Value::Int(_) | Value::Float(_) => true,
            Value::Text(text) => {
                text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
            }
            _ => false,
        };
        amount.then_some(Self(node))
    }
}

/// Reads the value at a path of keys as a type.
pub(crate) fn read<'a, T: FromNode<'a>>(root: &'a Node, path: &[&str]) -> Field<'a, T> {
    let mut node = root;
    for (depth, key) in path.iter().enumerate() {
        if !node.is_mapping() {
            let place = path.get(..depth).unwrap_or_default().join(".");
            return Field::Unclear(
                node,
                format!("`{place}` is {}, expected a mapping", node.kind()),
            );
        }
        match node.get(key) {
            Some(next) => node = next,
            None => return Field::Absent,
        }
    }
    match T::from_node(node) {
        Some(value) => Field::Known(value, node),
        None => Field::Unclear(
            node,
            format!("`{}` is {}, expected {}", path.join("."), node.kind(), T::EXPECTED),
        ),
    }
}
