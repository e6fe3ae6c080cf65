//! Software: what lists beside a model demand, and what the model itself names.

mod lists;

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Component, Evidence, Kind, Occurrence, property};
use super::place::{Place, percent};

pub(super) use lists::{is_list, read};

/// Where a package comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Registry {
    /// The Python Package Index.
    Pypi,
    Conda,
    /// Python itself.
    Python,
}

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) registry: Registry,
    /// In the normal form of its registry.
    pub(super) name: String,
    /// The only version that will do.
    pub(super) version: Option<String>,
    /// What is demanded of the version otherwise.
    pub(super) constraint: Option<String>,
    pub(super) line: Option<usize>,
}

impl Package {
    /// A package of the Python Package Index that a model names.
    pub(super) fn named(name: &str, version: Option<&str>) -> Self {
        let (name, version) = (lists::normal(name), version.map(str::to_owned));
        Self { registry: Registry::Pypi, name, version, constraint: None, line: None }
    }
}

/// Frameworks, as CycloneDX tells them from libraries: what calls the author's code and not the other way round.
const FRAMEWORKS: &[&str] = &[
    "catboost",
    "fastai",
    "flax",
    "jax",
    "keras",
    "lightgbm",
    "lightning",
    "mlflow",
    "onnxruntime",
    "openvino",
    "pytorch",
    "pytorch-lightning",
    "scikit-learn",
    "spacy",
    "tensorflow",
    "torch",
    "transformers",
    "xgboost",
];

/// Registry, name, version.
type Key = (Registry, String, Option<String>);

#[derive(Clone, Debug, Default)]
struct Entry {
    constraints: BTreeSet<String>,
    occurrences: BTreeSet<Occurrence>,
    users: BTreeSet<String>,
}

/// All software of a bill, each package in each version once.
#[derive(Clone, Debug, Default)]
pub(super) struct Software {
    entries: BTreeMap<Key, Entry>,
}

impl Software {
    /// Adds a package that is named at a place, for the components with these references.
    pub(super) fn add(&mut self, package: Package, place: &Place, users: &[String]) {
        let entry =
            self.entries.entry((package.registry, package.name, package.version)).or_default();
        entry.constraints.extend(package.constraint);
        entry.occurrences.insert(Occurrence { location: place.path.clone(), line: package.line });
        entry.users.extend(users.iter().cloned());
    }

    /// What is named without a version is what is named with one, where there is only one.
    pub(super) fn settle(&mut self) {
        let open: Vec<Key> = self.entries.keys().filter(|key| key.2.is_none()).cloned().collect();
        for key in open {
            let mut versions = self
                .entries
                .keys()
                .filter(|other| other.0 == key.0 && other.1 == key.1 && other.2.is_some());
            if let (Some(version), None) = (versions.next().cloned(), versions.next())
                && let Some(entry) = self.entries.remove(&key)
                && let Some(known) = self.entries.get_mut(&version)
            {
                known.constraints.extend(entry.constraints);
                known.occurrences.extend(entry.occurrences);
                known.users.extend(entry.users);
            }
        }
    }

    /// One component for each.
    pub(super) fn components(&self) -> Vec<Component> {
        self.entries.iter().map(|(key, entry)| component(key, entry)).collect()
    }

    /// References of what a component needs.
    pub(super) fn needed_by(&self, user: &str) -> impl Iterator<Item = String> {
        let used = self.entries.iter().filter(move |(_, entry)| entry.users.contains(user));
        used.map(|(key, _)| purl(key))
    }
}

fn component(key: &Key, entry: &Entry) -> Component {
    let kind = match key.0 {
        Registry::Python => Kind::Platform,
        _ if FRAMEWORKS.contains(&key.1.as_str()) => Kind::Framework,
        _ => Kind::Library,
    };
    let constraints = entry.constraints.iter();
    Component {
        kind,
        bom_ref: purl(key),
        name: key.1.clone(),
        version: key.2.clone(),
        purl: Some(purl(key)),
        evidence: Some(Evidence { occurrences: entry.occurrences.iter().cloned().collect() }),
        properties: constraints
            .map(|constraint| property("version-constraint", constraint.clone()))
            .collect(),
        ..Component::default()
    }
}

/// The package URL (<https://github.com/package-url/purl-spec>).
fn purl((registry, name, version): &Key) -> String {
    let kind = match registry {
        Registry::Pypi => "pypi",
        Registry::Conda => "conda",
        Registry::Python => "generic",
    };
    let name = percent(name, b"-._~");
    match version {
        Some(version) => format!("pkg:{kind}/{name}@{}", percent(version, b"-._~")),
        None => format!("pkg:{kind}/{name}"),
    }
}
