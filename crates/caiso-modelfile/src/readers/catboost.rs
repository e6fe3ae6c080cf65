//! CatBoost models: `CBM1`, the size of a flat buffer, the buffer, the parts that it names
//! (<https://github.com/catboost/catboost/blob/master/catboost/libs/model/flatbuffers/model.fbs>);
//! and the export as JSON.

mod flat;

use caiso_core::Severity::{High, Medium};
use memchr::memmem;

use self::flat::Table;
use crate::Format;
use crate::readers::Reader;
use crate::suspicion::Suspicions;
use crate::tree::{Facts, Reading};
use crate::value::{self, Value};
use crate::walk::{Artifact, Expect, Scope};
use crate::wire::shown;

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct CatBoost {
    pub(crate) format: String,
    pub(crate) trees: usize,
    pub(crate) leaf_values: usize,
    pub(crate) dimension: u32,
    pub(crate) float_features: usize,
    pub(crate) categorical_features: usize,
    /// Parts behind the core.
    pub(crate) parts: Vec<String>,
    /// `params`, `model_guid`, `train_finish_time`, `catboost_version_info`.
    pub(crate) information: Vec<(String, String)>,
    pub(crate) problems: Suspicions,
}

impl CatBoost {
    /// For the description of a file.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let said = |key: &str| {
            let entry = self.information.iter().find(|(name, _)| name == key);
            entry.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let version = said("catboost_version_info");
        let release = version.lines().find_map(|line| line.trim().strip_prefix("Branch: "));
        vec![
            ("catboost format", self.format.clone()),
            ("catboost version", release.unwrap_or_default().to_owned()),
            ("trees", self.trees.to_string()),
            ("leaf values", self.leaf_values.to_string()),
            ("outputs", self.dimension.to_string()),
            ("numerical features", self.float_features.to_string()),
            ("categorical features", self.categorical_features.to_string()),
            ("parts", self.parts.join(", ")),
            ("model identifier", said("model_guid")),
            ("trained at", said("train_finish_time")),
            ("training parameters", said("params")),
        ]
    }
}

pub(crate) const READER: Reader = Reader { claims, read };

fn claims(artifact: &Artifact<'_>) -> bool {
    let bytes = artifact.bytes;
    bytes.starts_with(b"CBM1")
        || bytes.trim_ascii_start().starts_with(b"{")
            && memmem::find(bytes, b"\"features_info\"").is_some()
            && memmem::find(bytes, b"trees\"").is_some()
}

fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let reading = |facts| Some(Reading::new(Format::CatBoost, facts));
    let Some(rest) = artifact.bytes.strip_prefix(b"CBM1") else {
        return match value::json(artifact.bytes) {
            Ok(document) => exported(&document).and_then(|facts| reading(Facts::CatBoost(facts))),
            Err(reason) => {
                scope
                    .gap(None, format!("looks like a CatBoost model and cannot be read: {reason}"));
                reading(Facts::Nothing)
            }
        };
    };
    let mut facts = CatBoost::default();
    let size = rest.split_first_chunk::<4>();
    let (size, rest) = size.map_or((0, rest), |(size, rest)| (u32::from_le_bytes(*size), rest));
    let length = usize::try_from(size).unwrap_or(usize::MAX);
    let Some((core, behind)) = rest.split_at_checked(length) else {
        let message =
            format!("the core is said to take {size} bytes, and there are {}", rest.len());
        facts.problems.add_at(High, "core", message);
        scope.gap(None, "the core of the model is cut off");
        return reading(Facts::CatBoost(facts));
    };
    match flat::root(core) {
        Some(root) if root.text(0).is_some() => self::core(root, &mut facts),
        _ => {
            facts.problems.add_at(High, "core", "the core is no flat buffer of a model");
            scope.gap(None, "the core of the model cannot be read");
        }
    }
    if !behind.is_empty() && facts.parts.is_empty() {
        let message =
            format!("{} bytes lie behind the model, which names no part there", behind.len());
        facts.problems.add_at(Medium, "end", message);
        scope.part("(behind the model)", behind, Expect::Model);
    } else if !behind.is_empty() {
        // Tables of counts, numbers only; whatever else they could be taken for is looked at.
        scope.part("(parts)", behind, Expect::Data);
    }
    reading(Facts::CatBoost(facts))
}

/// Fields of `TModelCore`: 0 format, 1 trees, 2 information, 3 names of the parts.
fn core(root: Table<'_>, facts: &mut CatBoost) {
    facts.format = shown(root.text(0).unwrap_or_default());
    if facts.format != "FlabuffersModel_v1" {
        let message =
            format!("the format is `{}`, which no version of CatBoost reads", facts.format);
        facts.problems.add_at(Medium, "core", message);
    }
    let text = |entry: &Table<'_>, index| shown(entry.text(index).unwrap_or_default());
    let information = root.tables(2).take(1_000);
    facts.information = information.map(|entry| (text(&entry, 0), text(&entry, 1))).collect();
    facts.parts = root.texts(3).take(1_000).map(shown).collect();
    match root.table(1) {
        Some(trees) => self::trees(trees, facts),
        None => facts.problems.add_at(High, "trees", "the model has no trees"),
    }
}

/// Fields of `TModelTrees`: 0 dimension, 1 splits, 2 sizes, 3 starts, 4 categorical features,
/// 5 numerical features, 8 leaf values, 10 steps and 11 leaves of trees that are not symmetric.
fn trees(trees: Table<'_>, facts: &mut CatBoost) {
    let problems = &mut facts.problems;
    let sizes_of = [(1, 4), (2, 4), (3, 4), (4, 4), (5, 4), (8, 8), (10, 4), (11, 4)];
    for (field, size) in sizes_of {
        if trees.is_broken(field, size) {
            problems.add_at(
                High,
                "trees",
                format!("list {field} of the trees does not lie in the file"),
            );
        }
    }
    let dimension = trees.number(0).unwrap_or(1);
    facts.dimension = dimension;
    facts.float_features = trees.tables(5).count();
    facts.categorical_features = trees.tables(4).count();
    let splits = trees.vector(1, 4).map_or(0, <[u8]>::len) / 4;
    let values = trees.vector(8, 8).map_or(0, <[u8]>::len) / 8;
    facts.leaf_values = values;
    let starts: Vec<u32> = trees.numbers(3).collect();
    let mut leaves = 0_u64;
    for (index, size) in trees.numbers(2).enumerate() {
        facts.trees = facts.trees.saturating_add(1);
        leaves = leaves.saturating_add(1_u64.checked_shl(size).unwrap_or(u64::MAX));
        let start = starts.get(index).copied();
        let end = start.and_then(|start| start.checked_add(size)).map(usize::try_from);
        if (start.is_some() || !starts.is_empty()) && !matches!(end, Some(Ok(end)) if end <= splits)
        {
            let message =
                format!("the splits of the tree lie outside the {splits} splits of the model");
            problems.add_at(High, &format!("tree {index}"), message);
        }
    }
    let steps = trees.vector(10, 4).unwrap_or_default();
    if steps.is_empty() {
        let expected = leaves.saturating_mul(u64::from(dimension));
        if u64::try_from(values) != Ok(expected) {
            let message = format!("the trees need {expected} leaf values, and there are {values}");
            problems.add_at(High, "leaf values", message);
        }
        return;
    }
    steps_of(steps, splits, problems);
    let names = trees.numbers(11);
    let outside = names
        .filter(|leaf| *leaf != u32::MAX)
        .any(|leaf| usize::try_from(leaf).is_ok_and(|leaf| leaf >= values));
    if outside {
        let message = format!("a node leads to a leaf value that is none of {values}");
        problems.add_at(High, "leaf values", message);
    }
}

/// Each step says how far to go on from a node to its left and right child; 0 ends there.
fn steps_of(steps: &[u8], splits: usize, problems: &mut Suspicions) {
    let nodes = steps.as_chunks::<4>().0;
    if nodes.len() != splits {
        let message = format!("{} nodes have steps, and there are {splits} splits", nodes.len());
        problems.add_at(High, "steps", message);
    }
    let outside = nodes.iter().enumerate().find(|(node, [a, b, c, d])| {
        let steps = [[*a, *b], [*c, *d]].map(u16::from_le_bytes);
        steps.iter().any(|step| node.saturating_add(usize::from(*step)) >= nodes.len())
    });
    if let Some((node, _)) = outside {
        problems.add_at(High, "steps", format!("node {node} leads to a node that does not exist"));
    }
}

/// The export as JSON; `None` if it is another document.
fn exported(document: &Value) -> Option<CatBoost> {
    document.get("features_info")?;
    let symmetric = document.get("oblivious_trees");
    let trees = symmetric.or_else(|| document.get("trees"))?.list();
    let mut facts =
        CatBoost { format: "JSON".to_owned(), trees: trees.len(), ..CatBoost::default() };
    let features = |kind| document.at(&["features_info", kind]).list().len();
    facts.float_features = features("float_features");
    facts.categorical_features = features("categorical_features");
    facts.information = document
        .at(&["model_info"])
        .entries()
        .iter()
        .take(1_000)
        .filter_map(|(key, value)| Some((shown(key.as_bytes()), shown(value.text()?.as_bytes()))))
        .collect();
    for (index, tree) in trees.iter().enumerate().filter(|_| symmetric.is_some()) {
        let splits = u32::try_from(tree.at(&["splits"]).list().len()).unwrap_or(u32::MAX);
        let values = tree.at(&["leaf_values"]).numbers().map_or(0, <[f64]>::len);
        facts.leaf_values = facts.leaf_values.saturating_add(values);
        let leaves = 1_usize.checked_shl(splits).unwrap_or(usize::MAX);
        if values.checked_rem(leaves) != Some(0) || values == 0 {
            let message =
                format!("{splits} splits need {leaves} leaf values, and there are {values}");
            facts.problems.add_at(High, &format!("tree {index}"), message);
        }
    }
    Some(facts)
}
