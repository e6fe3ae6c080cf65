//! Something in a file that a person should know about, before it is tied to a check.

use caiso_core::Severity;

/// Most suspicions of one kind that are kept for a part: thousands more tell nothing new.
const MOST: usize = 100;

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
pub(crate) struct Suspicions {
    pub(crate) all: Vec<Suspicion>,
    /// How many more there are that are not kept.
    pub(crate) more: u64,
}

impl Suspicions {
    pub(crate) fn add(
        &mut self,
        severity: Severity,
        what: impl Into<String>,
        message: impl Into<String>,
    ) {
        let suspicion = Suspicion::new(severity, what, message);
        if self.all.contains(&suspicion) {
            return;
        }
        if self.all.len() < MOST {
            self.all.push(suspicion);
            return;
        }
        self.more = self.more.saturating_add(1);
        // Many mild ones must not hide a grave one.
        if let Some(milder) = self.all.iter_mut().find(|kept| kept.severity < severity) {
            *milder = suspicion;
        }
    }

    /// Adds one whose message says nothing of its place.
    pub(crate) fn add_at(&mut self, severity: Severity, part: &str, message: impl AsRef<str>) {
        self.add(severity, part, format!("{part}: {}", message.as_ref()));
    }

    /// The same as part of something.
    pub(crate) fn within(mut self, whole: &str) -> Self {
        for suspicion in &mut self.all {
            suspicion.what = format!("{whole}: {}", suspicion.what);
        }
        self
    }

    /// Two counts that have to be the same.
    pub(crate) fn same(&mut self, part: &str, says: &str, said: i64, what: &str, found: usize) {
        if usize::try_from(said) != Ok(found) {
            let message = format!("`{says}` is {said}, and there are {found} {what}");
            self.add_at(Severity::Medium, part, message);
        }
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

#[cfg(test)]
mod tests {
    use caiso_core::Severity::{High, Low};

    use super::{MOST, Suspicions};

    #[test]
    fn what_is_not_kept_is_counted_and_the_gravest_stays() {
        let mut found = Suspicions::default();
        for tensor in 0..MOST {
            found.add(Low, format!("tensor {tensor}"), "odd");
            found.add(Low, format!("tensor {tensor}"), "odd");
        }
        assert_eq!((found.all.len(), found.more), (MOST, 0));
        found.add(Low, "one more", "odd");
        found.add(High, "the last", "harmful");
        assert_eq!((found.all.len(), found.more), (MOST, 2));
        assert!(found.all.iter().any(|kept| kept.severity == High));
        assert!(found.all.iter().all(|kept| kept.what != "one more"));
    }
}
