//! Labels of pods, and whether a selector selects them.

use std::collections::BTreeMap;

use crate::yaml::{Node, is_template};

/// The labels of the pods of a specification.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    known: BTreeMap<String, String>,
    /// Nobody adds labels that policies select.
    complete: bool,
}

impl Labels {
    /// The labels of a mapping.
    pub(crate) fn of(node: Option<&Node>, complete: bool) -> Self {
        let mut labels = Self { known: BTreeMap::new(), complete };
        labels.add(node);
        labels
    }

    /// Adds the labels of a mapping. A placeholder may become anything: with one, the
    /// labels are incomplete.
    pub(crate) fn add(&mut self, node: Option<&Node>) {
        for entry in node.map_or(&[][..], Node::entries) {
            match entry.value.text() {
                Some(value) if !is_template(value) => self.insert(&entry.key, value),
                _ => self.complete = false,
            }
        }
    }

    pub(crate) fn insert(&mut self, key: &str, value: &str) {
        self.known.insert(key.to_owned(), value.to_owned());
    }

    /// Whether a label selector selects pods with these labels; `None` where that cannot be known.
    pub(crate) fn selected_by(&self, selector: &Node) -> Option<bool> {
        let mut certain = true;
        for entry in selector.get("matchLabels").map_or(&[][..], Node::entries) {
            match (self.known.get(&*entry.key), entry.value.text()) {
                (_, None) => certain = false,
                (Some(value), Some(wanted)) if value == wanted => {}
                (None, Some(_)) if !self.complete => certain = false,
                _ => return Some(false),
            }
        }
        for expression in selector.items_at(&["matchExpressions"]) {
            match self.holds(expression) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => certain = false,
            }
        }
        certain.then_some(true)
    }

    fn holds(&self, expression: &Node) -> Option<bool> {
        let key = expression.text_at(&["key"])?;
        let value = self.known.get(key);
        if value.is_none() && !self.complete {
            return None;
        }
        let mut values = expression.items_at(&["values"]).iter().filter_map(Node::text);
        let listed = value.is_some_and(|value| values.any(|item| item == value));
        match expression.text_at(&["operator"])? {
            "In" => Some(listed),
            "NotIn" => Some(!listed),
            "Exists" => Some(value.is_some()),
            "DoesNotExist" => Some(value.is_none()),
            _ => None,
        }
    }
}
