//! LightGBM models, a text: a head, the trees, the parameters of training
//! (<https://github.com/microsoft/LightGBM/blob/master/src/boosting/gbdt_model_text.cpp>).

use std::collections::BTreeMap;

use caiso_core::Severity::{High, Low, Medium};
use memchr::memmem;

use crate::Format;
use crate::binary_tree::follow;
use crate::readers::Reader;
use crate::suspicion::Suspicions;
use crate::tree::{Facts, Reading};
use crate::walk::{Expect, Scope};
use crate::wire::shown;

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct LightGbm {
    pub(crate) version: String,
    pub(crate) objective: String,
    pub(crate) features: String,
    pub(crate) feature_names: String,
    pub(crate) classes: String,
    pub(crate) trees: usize,
    pub(crate) leaves: u64,
    /// Parameters of the training that differ from nothing and zero.
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) problems: Suspicions,
}

impl LightGbm {
    /// For the description of a file.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let parameters = self.parameters.iter().map(|(key, value)| format!("{key}: {value}"));
        vec![
            ("lightgbm format", self.version.clone()),
            ("objective", self.objective.clone()),
            ("features", self.features.clone()),
            ("feature names", self.feature_names.clone()),
            ("classes", self.classes.clone()),
            ("trees", self.trees.to_string()),
            ("leaves", self.leaves.to_string()),
            ("training parameters", parameters.collect::<Vec<_>>().join(", ")),
        ]
    }
}

/// Objectives that LightGBM ships; the words behind the first are options.
const OBJECTIVES: [&str; 18] = [
    "binary",
    "cross_entropy",
    "cross_entropy_lambda",
    "fair",
    "gamma",
    "huber",
    "lambdarank",
    "mape",
    "multiclass",
    "multiclassova",
    "poisson",
    "quantile",
    "rank_xendcg",
    "regression",
    "regression_l1",
    "regression_l2",
    "tweedie",
    "custom",
];

pub(crate) const READER: Reader = Reader {
    claims: |artifact| {
        let after_tree = artifact.bytes.strip_prefix(b"tree");
        after_tree.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"version="))
    },
    read: |artifact, scope| Some(read(artifact.bytes, scope)),
};

type Entries<'a> = BTreeMap<&'a str, &'a str>;

fn read(bytes: &[u8], scope: &mut Scope<'_, '_>) -> Reading {
    let mut facts = LightGbm::default();
    let end = memmem::find(bytes, b"\nend of trees").unwrap_or_else(|| {
        scope.gap(None, "the file is cut off: the mark behind the trees is missing");
        bytes.len()
    });
    let (model, tail) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    let starts: Vec<usize> =
        memmem::find_iter(model, b"\nTree=").map(|at| at.saturating_add(1)).collect();
    let head = entries(model.get(..starts.first().copied().unwrap_or(end)).unwrap_or_default());
    let value = |key: &str| head.get(key).copied().unwrap_or_default();
    value("version").clone_into(&mut facts.version);
    facts.objective = cut(value("objective"));
    facts.classes = cut(value("num_class"));
    facts.feature_names = cut(value("feature_names"));
    let features =
        value("max_feature_idx").parse::<i64>().ok().and_then(|last| last.checked_add(1));
    facts.features = features.map(|features| features.to_string()).unwrap_or_default();
    facts.trees = starts.len();
    self::head(&head, features, &mut facts);
    sizes(value("tree_sizes"), model, &starts, &mut facts.problems);
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index.saturating_add(1)).copied().unwrap_or(model.len());
        let tree = entries(model.get(*start..end).unwrap_or_default());
        facts.leaves =
            facts.leaves.saturating_add(self::tree(index, &tree, features, &mut facts.problems));
    }
    read_tail(tail, &mut facts, scope);
    Reading::new(Format::LightGbm, Facts::LightGbm(facts))
}

/// The lines `key=value` of a part.
fn entries(part: &[u8]) -> Entries<'_> {
    let lines = part.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    lines.filter_map(|line| line.trim_end().split_once('=')).collect()
}

fn cut(text: &str) -> String {
    shown(text.as_bytes())
}

fn head(head: &Entries<'_>, features: Option<i64>, facts: &mut LightGbm) {
    let problems = &mut facts.problems;
    let objective = facts.objective.split(' ').next().unwrap_or_default();
    if !objective.is_empty() && !OBJECTIVES.contains(&objective) {
        let message = format!(
            "the objective `{objective}` is none of LightGBM: predictions need the code that brings it"
        );
        problems.add_at(Low, "objective", message);
    }
    for size in ["num_class", "num_tree_per_iteration"] {
        let value = head.get(size).map(|value| value.parse::<i64>());
        if let Some(Err(_) | Ok(i64::MIN..=0 | 0x1000_0000..)) = value {
            problems.add_at(
                High,
                size,
                format!("`{size}` is {}", cut(head.get(size).unwrap_or(&""))),
            );
        }
    }
    match features {
        Some(features @ 0..=0x7fff_ffff) => {
            for list in ["feature_names", "feature_infos"] {
                if let Some(value) = head.get(list) {
                    let count = value.split_ascii_whitespace().count();
                    problems.same(list, "the number of features", features, list, count);
                }
            }
        }
        _ => problems.add_at(High, "max_feature_idx", "`max_feature_idx` is missing or no index"),
    }
}

/// `tree_sizes` says how many bytes each tree takes; the library jumps by them.
fn sizes(value: &str, model: &[u8], starts: &[usize], problems: &mut Suspicions) {
    if value.is_empty() {
        return;
    }
    let sizes: Vec<Option<usize>> =
        value.split_ascii_whitespace().map(|size| size.parse().ok()).collect();
    if sizes.len() != starts.len() {
        let message =
            format!("`tree_sizes` lists {} trees, and there are {}", sizes.len(), starts.len());
        return problems.add_at(High, "tree_sizes", message);
    }
    let mut at = starts.first().copied().unwrap_or_default();
    for (index, (size, start)) in sizes.iter().zip(starts).enumerate() {
        if at != *start {
            let message = format!(
                "`tree_sizes` leads to byte {at} for tree {index}, which begins at byte {start}: whoever \
                 loads the file reads something else as a tree"
            );
            return problems.add_at(High, "tree_sizes", message);
        }
        at = at.saturating_add(size.unwrap_or(usize::MAX));
    }
    // Blank lines lie between the last tree and the mark.
    let blank = |rest: &[u8]| rest.trim_ascii().is_empty();
    if at > model.len().saturating_add(1) || !model.get(at..).is_none_or(blank) {
        problems.add_at(High, "tree_sizes", "`tree_sizes` does not lead to the end of the trees");
    }
}

/// One tree; the number of its leaves.
fn tree(index: usize, tree: &Entries<'_>, features: Option<i64>, problems: &mut Suspicions) -> u64 {
    let part = format!("tree {index}");
    let leaves = tree.get("num_leaves").and_then(|leaves| leaves.parse::<i64>().ok());
    let Some(leaves @ 1..=0x7fff_ffff) = leaves else {
        problems.add_at(High, &part, "`num_leaves` is missing or no count");
        return 0;
    };
    let list = |key: &str| -> Vec<&str> {
        tree.get(key).map(|list| list.split_ascii_whitespace().collect()).unwrap_or_default()
    };
    problems.same(&part, "num_leaves", leaves, "leaf values", list("leaf_value").len());
    let inner = leaves.saturating_sub(1);
    let integers = |key: &str| -> Vec<i64> {
        list(key).iter().map(|item| item.parse().unwrap_or(i64::MAX)).collect()
    };
    let (left, right) = (integers("left_child"), integers("right_child"));
    let (split, decision) = (integers("split_feature"), integers("decision_type"));
    // A tree of one leaf may say nothing about nodes.
    if inner > 0 || !left.is_empty() {
        for (key, found) in [
            ("left children", left.len()),
            ("right children", right.len()),
            ("split features", split.len()),
            ("thresholds", list("threshold").len()),
            ("decision types", decision.len()),
        ] {
            problems.same(&part, "num_leaves - 1", inner, key, found);
        }
    }
    let outside = |feature: &&i64| features.is_none_or(|count| !(0..count).contains(*feature));
    if let Some(feature) = split.iter().find(outside) {
        let count = features.unwrap_or_default();
        problems.add_at(High, &part, format!("a node splits by feature {feature} of {count}"));
    }
    let mut stray = None;
    if inner > 0 {
        // A negative child is a leaf: -1 the first, -2 the second.
        let leaf = std::cell::Cell::new(None);
        let child = |list: &[i64], node: usize| {
            let child = *list.get(node)?;
            if child < 0 {
                let number = child.checked_neg().unwrap_or(i64::MAX);
                if number > leaves {
                    leaf.set(Some(child));
                }
                return None;
            }
            Some(child)
        };
        let count = left.len().min(right.len());
        if let Err(wrong) = follow(count, |node| [child(&left, node), child(&right, node)]) {
            problems.add_at(High, &part, wrong);
        }
        stray = leaf.get();
    }
    if let Some(child) = stray {
        let message = format!("a node leads to leaf {child} of {leaves}");
        problems.add_at(High, &part, message);
    }
    let categories = integers("num_cat").first().copied().unwrap_or_default();
    let (bounds, bits) = (integers("cat_boundaries"), list("cat_threshold").len());
    let ends = bounds.last().copied().and_then(|last| usize::try_from(last).ok());
    let agrees = categories == 0
        || usize::try_from(categories).ok().and_then(|count| count.checked_add(1))
            == Some(bounds.len())
            && bounds.is_sorted()
            && bounds.first() == Some(&0)
            && ends == Some(bits);
    if !agrees {
        problems.add_at(
            High,
            &part,
            "`num_cat`, `cat_boundaries` and `cat_threshold` do not agree",
        );
    }
    if tree.get("is_linear") == Some(&"1") {
        let counts = integers("num_features");
        problems.same(&part, "num_leaves", leaves, "linear leaves", counts.len());
        let sum = counts.iter().fold(0_i64, |sum, count| sum.saturating_add(*count));
        problems.same(
            &part,
            "the sum of num_features",
            sum,
            "leaf features",
            list("leaf_features").len(),
        );
        if integers("leaf_features").iter().any(|feature| outside(&feature)) {
            problems.add_at(High, &part, "a linear leaf uses a feature that does not exist");
        }
    }
    if decision.iter().any(|bits| !(0..=255).contains(bits)) {
        problems.add_at(Medium, &part, "`decision_type` is no byte");
    }
    u64::try_from(leaves).unwrap_or_default()
}

/// The parameters, and what lies behind everything.
fn read_tail(tail: &[u8], facts: &mut LightGbm, scope: &mut Scope<'_, '_>) {
    let lines = tail.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    for line in lines {
        let parameter = line.trim().strip_prefix('[').and_then(|line| line.strip_suffix(']'));
        if let Some((key, value)) = parameter.and_then(|line| line.split_once(": "))
            && !matches!(value, "" | "0")
            && facts.parameters.len() < 500
        {
            facts.parameters.push((cut(key), cut(value)));
        }
    }
    // Pandas keeps its categories in the last line; the loader looks no further.
    let mark = b"\npandas_categorical:";
    let Some(at) = memmem::rfind(tail, mark) else { return };
    let rest = tail.get(at.saturating_add(mark.len())..).unwrap_or_default();
    let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end.saturating_add(1));
    let behind = rest.get(end..).unwrap_or_default();
    if !behind.trim_ascii().is_empty() {
        facts.problems.add_at(Medium, "end", "there is something behind the model");
        scope.part("(behind the model)", behind, Expect::Model);
    }
}
