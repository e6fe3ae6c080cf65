//! PMML (<https://dmg.org/pmml/pmml-v4-4-1.html>).

use std::collections::{BTreeMap, BTreeSet};

use caiso_core::Severity::{High, Medium};

use crate::Format;
use crate::readers::Reader;
use crate::suspicion::Suspicions;
use crate::tree::{Facts, Reading};
use crate::wire::shown;
use crate::xml::{self, Element, Item};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pmml {
    pub(crate) version: String,
    /// Name and version of the program that wrote the file.
    pub(crate) application: String,
    pub(crate) copyright: String,
    pub(crate) timestamp: String,
    /// `TreeModel classification` with its number.
    pub(crate) models: BTreeMap<String, u64>,
    /// `sepal_length: continuous double`.
    pub(crate) fields: Vec<String>,
    pub(crate) targets: BTreeSet<String>,
    pub(crate) problems: Suspicions,
}

impl Pmml {
    /// For the description of a file.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let models = self.models.iter().map(|(kind, count)| format!("{kind} {count}"));
        vec![
            ("pmml version", self.version.clone()),
            ("producer", self.application.clone()),
            ("copyright", self.copyright.clone()),
            ("written at", self.timestamp.clone()),
            ("models", models.collect::<Vec<_>>().join(", ")),
            ("fields", self.fields.join(", ")),
            ("targets", self.targets.iter().cloned().collect::<Vec<_>>().join(", ")),
        ]
    }
}

pub(crate) const READER: Reader = Reader {
    claims: |artifact| xml::root(artifact.bytes).is_some_and(|(name, _)| name == "PMML"),
    read: |artifact, scope| {
        let mut facts = Pmml::default();
        let mut functions = Functions::default();
        let mut problems = Suspicions::default();
        let text = xml::decode(artifact.bytes);
        // The text of an extension, which elements, references and character data may divide.
        let mut said = String::new();
        let walked = xml::walk(&text, &mut problems, &mut |item, problems| {
            let inside = within_extension(match &item {
                Item::Open(element) => element.parents,
                Item::Text { parents, .. } => parents,
            });
            if !inside && !said.is_empty() {
                extension(&std::mem::take(&mut said), problems);
            }
            match item {
                Item::Open(element) => {
                    if inside || element.name == "Extension" {
                        for (_, value) in element.attributes() {
                            extension(value, problems);
                        }
                    }
                    open(&element, &mut facts, &mut functions, problems);
                }
                Item::Text { text, .. } if inside => said.push_str(text),
                Item::Text { element: "Timestamp", text, .. } => {
                    facts.timestamp = shown(text.trim().as_bytes());
                }
                Item::Text { .. } => {}
            }
        });
        extension(&said, &mut problems);
        functions.judge(&mut problems);
        if let Err(reason) = walked {
            scope.gap(None, reason);
        }
        facts.problems = problems;
        Some(Reading::new(Format::Pmml, Facts::Pmml(facts)))
    },
};

fn within_extension(parents: &[String]) -> bool {
    parents.iter().any(|parent| parent == "Extension")
}

/// Functions that are defined and called.
#[derive(Default)]
struct Functions {
    defined: BTreeSet<String>,
    called: BTreeSet<String>,
}

fn open(
    element: &Element<'_>,
    facts: &mut Pmml,
    functions: &mut Functions,
    problems: &mut Suspicions,
) {
    let most = 2_000;
    match element.name {
        "PMML" => facts.version = element.text("version"),
        "Header" => facts.copyright = element.text("copyright"),
        "Application" => {
            let written = format!("{} {}", element.text("name"), element.text("version"));
            written.trim().clone_into(&mut facts.application);
        }
        "DataField" if facts.fields.len() < most => facts.fields.push(format!(
            "{}: {} {}",
            element.text("name"),
            element.text("optype"),
            element.text("dataType")
        )),
        "MiningField" if facts.targets.len() < most => {
            if matches!(element.get("usageType"), Some("target" | "predicted")) {
                facts.targets.insert(element.text("name"));
            }
        }
        "DefineFunction" => {
            functions.defined.insert(element.text("name"));
        }
        "Apply" if functions.called.len() < most => {
            functions.called.insert(element.text("function"));
        }
        // An element that JPMML knows beside the standard: it makes an object of the class.
        "JavaModel" => {
            let class = element.text("className");
            let message = format!(
                "the model is the Java class `{class}`, of which the reader makes an object"
            );
            problems.add_at(High, "JavaModel", message);
        }
        // Inside of an extension: the standard has no such element.
        "script" | "Script" => {
            let message = "an extension holds a script".to_owned();
            problems.add_at(High, "script", message);
        }
        name if element.get("functionName").is_some() => {
            let kind = format!("{name} {}", element.text("functionName"));
            if facts.models.len() < most || facts.models.contains_key(&kind) {
                let count = facts.models.entry(kind).or_default();
                *count = count.saturating_add(1);
            }
        }
        _ => {}
    }
}

/// What an extension holds is for the program that its author has in mind.
fn extension(text: &str, problems: &mut Suspicions) {
    let lower = text.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let shown: String = text.trim().chars().take(120).collect();
    let script = [
        "<script",
        "javascript:",
        "vbscript:",
        "runtime.exec",
        "getruntime(",
        "processbuilder",
        "os.system",
        "subprocess",
        "eval(",
        "exec(",
        "__import__",
        "powershell",
        "/bin/sh",
        "cmd.exe",
    ];
    if has(&script) {
        let message = format!("an extension holds code: `{shown}`");
        problems.add_at(High, "Extension", message);
    } else if has(&["http://", "https://", "ftp://", "file:", "ldap:", "rmi:", "jndi:"]) {
        let severity = if has(&["ldap:", "rmi:", "jndi:"]) { High } else { Medium };
        problems.add_at(severity, "Extension", format!("an extension names a place: `{shown}`"));
    }
}

/// The functions that every reader has (<https://dmg.org/pmml/v4-4-1/BuiltinFunctions.html>).
const BUILT_IN: &str = " + - * / min max sum avg median product log10 ln sqrt abs exp pow threshold floor \
    ceil round modulo isMissing isNotMissing isValid isNotValid equal notEqual lessThan lessOrEqual \
    greaterThan greaterOrEqual isIn isNotIn and or not if uppercase lowercase stringLength substring \
    trimBlanks concat replace matches formatNumber formatDatetime dateDaysSinceYear \
    dateSecondsSinceYear dateSecondsSinceMidnight normalCDF normalPDF stdNormalCDF stdNormalPDF erf \
    normalIDF stdNormalIDF expm1 hypot ln1p rint sin asin sinh cos acos cosh tan atan tanh ";

impl Functions {
    fn judge(&self, problems: &mut Suspicions) {
        for name in self.called.difference(&self.defined) {
            let part = format!("function {name}");
            if name.contains('.') {
                let message = format!(
                    "a formula calls `{name}`, which a reader in Java takes for a class, loads and runs"
                );
                problems.add_at(High, &part, message);
            } else if !BUILT_IN.split_whitespace().any(|known| known == name)
                && !name.starts_with("x-")
            {
                let message = format!(
                    "a formula calls `{name}`, which neither PMML nor the file defines: the reader's own \
                     code runs for it"
                );
                problems.add_at(Medium, &part, message);
            }
        }
    }
}
