//! The globals that a pickle names, each once.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::Name;

/// Longer names are cut; CPython has no module or attribute near this length.
const LONGEST: usize = 1024;

#[derive(Debug, Default)]
pub(crate) struct Names {
    list: Vec<Name>,
    index: BTreeMap<Arc<str>, BTreeMap<Arc<str>, usize>>,
}

impl Names {
    /// The index of a global, unless its text is over the budget.
    pub(crate) fn intern(&mut self, module: &str, name: &str, budget: &mut usize) -> Option<usize> {
        let module = cut(module);
        let name = cut(name);
        if let Some(&found) = self.index.get(module).and_then(|names| names.get(name)) {
            return Some(found);
        }
        // The text and what the maps add to it.
        *budget =
            budget.checked_sub(module.len().saturating_add(name.len()).saturating_add(128))?;
        let module: Arc<str> = Arc::from(module);
        let name: Arc<str> = Arc::from(name);
        let index = self.list.len();
        self.index.entry(Arc::clone(&module)).or_default().insert(Arc::clone(&name), index);
        self.list.push(Name { module, name });
        Some(index)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Name> {
        self.list.get(index)
    }
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST)).unwrap_or(text)
}
