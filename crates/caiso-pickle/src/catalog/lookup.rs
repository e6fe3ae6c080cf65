//! The rules by which a global finds its judgement.

use caiso_core::Severity;

use super::{Catalog, Category, Group, Judgement, Rule, Use};

/// Longest dotted name whose every part is judged; a longer one is suspicious by its length alone.
const MAX_PARTS: usize = 32;
/// The advisory on names that reach out of their module, where nothing closer is known.
const DOTTED: &str = "GHSA-5j3x-jp52-966f";

/// What the catalog has for a module and a name.
struct Found<'a> {
    module: &'static str,
    name: &'static str,
    group: &'a Group,
}

impl Catalog {
    /// Judges what `how` does with the global `name` of `module`, where `name` may be a dotted chain of
    /// attributes.
    ///
    /// In this order: the exact pair; each part of a dotted name, where reaching another module or the
    /// insides of Python objects is at least high; a parent module that is dangerous as a whole; else
    /// unknown, low if imported and medium if called. Names of Python 2 are judged as what protocols
    /// below 3 make of them.
    #[must_use]
    pub fn judge(&self, module: &str, name: &str, how: Use) -> Judgement {
        let as_written = self.judge_current(module, name, how);
        let Some((module, name)) = self.current_name(module, name) else {
            return as_written;
        };
        let renamed = self.judge_current(module, name, how);
        // Which of both is imported depends on the protocol and on the loader, so the worse counts.
        match (as_written.rule, renamed.rule) {
            (_, Rule::Default) => as_written,
            (Rule::Default, _) => renamed,
            _ if renamed.severity >= as_written.severity => renamed,
            _ => as_written,
        }
    }

    /// The name of today for a global of Python 2, if it has another one.
    fn current_name<'a>(&self, module: &'a str, name: &'a str) -> Option<(&'a str, &'a str)> {
        if let Ok(found) = self.renamed_names.binary_search_by(|(old, _)| old.cmp(&(module, name)))
        {
            return self.renamed_names.get(found).map(|(_, now)| *now);
        }
        let found = self.renamed_modules.binary_search_by(|(old, _)| (*old).cmp(module)).ok()?;
        self.renamed_modules.get(found).map(|(_, now)| (*now, name))
    }

    fn judge_current(&self, module: &str, name: &str, how: Use) -> Judgement {
        if let Some(found) = self.exact(module, name) {
            return judgement(found.group, how, Rule::Exact);
        }
        let mut worst = self.judge_parts(module, name, how);
        if let Some(found) = self.parent(module) {
            worse(&mut worst, judgement(found.group, how, Rule::Parent(found.module)));
        }
        worst.unwrap_or(Judgement {
            category: Category::Unknown,
            severity: Category::Unknown.severity(how),
            reference: None,
            rule: Rule::Default,
        })
    }

    /// The worst that a part of `name` reaches.
    fn judge_parts(&self, module: &str, name: &str, how: Use) -> Option<Judgement> {
        let mut worst = None;
        if name.split('.').nth(MAX_PARTS).is_some() {
            worse(&mut worst, crossing(how, "too many parts"));
        }
        let mut prefix = String::from(module);
        let mut rest = name;
        for position in 0..MAX_PARTS {
            let (part, tail) = match rest.split_once('.') {
                Some((part, tail)) => (part, Some(tail)),
                None => (rest, None),
            };
            if part.len() > 4 && part.starts_with("__") && part.ends_with("__") {
                worse(&mut worst, crossing(how, "__dunder__"));
            }
            if let Some(known) =
                self.crossings.binary_search(&part).ok().and_then(|at| self.crossings.get(at))
            {
                worse(&mut worst, crossing(how, known));
            }
            // A method or attribute of a dangerous global, such as `Popen.communicate` of `subprocess`.
            if position == 0
                && tail.is_some()
                && let Some(found) = self.exact(module, part)
                && found.group.category.is_dangerous()
            {
                worse(&mut worst, judgement(found.group, how, Rule::DottedPart(found.name)));
            }
            let Some(tail) = tail else {
                // `anything.system` is what `os` calls so, or looks like it.
                if position > 0 {
                    for module in ["os", "builtins", "*"] {
                        worse_of(&mut worst, self.exact(module, part), how);
                    }
                }
                break;
            };
            prefix.push('.');
            prefix.push_str(part);
            // The part as a module: on its own, imported by another one, or below the one before it.
            for inner in [part, prefix.as_str()] {
                worse_of(&mut worst, self.exact(inner, tail), how);
                worse_of(&mut worst, self.parent(inner), how);
                if let Some((first, _)) = tail.split_once('.') {
                    worse_of(&mut worst, self.exact(inner, first), how);
                }
            }
            rest = tail;
        }
        worst
    }

    fn exact(&self, module: &str, name: &str) -> Option<Found<'_>> {
        let start = self.rows.partition_point(|row| row.module < module);
        let mut rows = self.rows.get(start..)?.iter().take_while(|row| row.module == module);
        rows.find_map(|row| {
            let name = row.names.split_ascii_whitespace().find(|listed| *listed == name)?;
            Some(Found { module: row.module, name, group: self.groups.get(row.group)? })
        })
    }

    /// The nearest module, from `module` up, that is dangerous as a whole.
    fn parent(&self, module: &str) -> Option<Found<'_>> {
        let mut module = module;
        loop {
            if let Some(found) = self.exact(module, "*") {
                return Some(found);
            }
            module = module.rsplit_once('.')?.0;
        }
    }
}

fn judgement(group: &Group, how: Use, rule: Rule) -> Judgement {
    Judgement {
        category: group.category,
        severity: match how {
            Use::Import => group.import,
            Use::Call => group.call,
        },
        reference: group.reference,
        rule,
    }
}

/// A name that leaves its module by way of `part`.
fn crossing(how: Use, part: &'static str) -> Judgement {
    Judgement {
        category: Category::Resolver,
        severity: Category::Resolver.severity(how).max(Severity::High),
        reference: Some(DOTTED),
        rule: Rule::DottedPart(part),
    }
}

/// Counts a dangerous global reached through a dotted name, at least high.
fn worse_of(worst: &mut Option<Judgement>, found: Option<Found<'_>>, how: Use) {
    if let Some(found) = found
        && found.group.category.is_dangerous()
    {
        let mut reached = judgement(found.group, how, Rule::DottedPart(found.module));
        reached.severity = reached.severity.max(Severity::High);
        reached.reference = reached.reference.or(Some(DOTTED));
        worse(worst, reached);
    }
}

fn worse(worst: &mut Option<Judgement>, other: Judgement) {
    if worst.is_none_or(|worst| other.severity > worst.severity) {
        *worst = Some(other);
    }
}
