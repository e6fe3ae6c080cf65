//! Something in a file that a person should know about, before it is tied to a check.

use caiso_core::{Finding, Meta, Outcome, Severity};

use crate::{ModelFileInput, Node};

/// Most suspicions of one kind that are kept for a part: thousands more tell nothing new.
const MOST: usize = 64;

/// A weakness that a reader or judge found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suspicion {
    pub(crate) severity: Severity,
    /// Names the weak thing, stable from run to run: `tensor w`.
    pub(crate) what: String,
    /// One sentence: what was found and what follows from it.
    pub(crate) message: String,
}

impl Suspicion {
    pub(crate) fn new(
        severity: Severity,
        what: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { severity, what: cut(&what.into(), 200), message: cut(&message.into(), 2_000) }
    }
}

/// Suspicions in the order they were found, without repetitions, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Suspicions(Vec<Suspicion>);

impl Suspicions {
    pub(crate) fn add(
        &mut self,
        severity: Severity,
        what: impl Into<String>,
        message: impl Into<String>,
    ) {
        let suspicion = Suspicion::new(severity, what, message);
        if self.0.contains(&suspicion) {
            return;
        }
        if self.0.len() < MOST {
            self.0.push(suspicion);
        } else if let Some(milder) = self.0.iter_mut().find(|kept| kept.severity < severity) {
            // Many mild ones must not hide a grave one.
            *milder = suspicion;
        }
    }

    /// Reports all as findings of a check.
    pub(crate) fn report(
        &self,
        meta: &Meta,
        input: &ModelFileInput,
        node: &Node,
        remediation: &str,
        outcome: &mut Outcome,
    ) {
        for suspicion in &self.0 {
            let place = input.at(node, &suspicion.what);
            let mut finding = Finding::of(meta, place, &suspicion.message, remediation);
            finding.severity = suspicion.severity;
            outcome.findings.push(finding);
        }
    }
}

impl IntoIterator for Suspicions {
    type Item = Suspicion;
    type IntoIter = std::vec::IntoIter<Suspicion>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// At most `most` bytes of a text, with a mark where it was cut; control characters are escaped.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        if shown.len() >= most {
            shown.push_str("… (cut)");
            break;
        }
        if character.is_control() && !matches!(character, '\n' | '\t') {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}
