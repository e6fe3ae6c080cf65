//! Whether the parts of a model agree.

use caiso_core::Severity::{High, Low, Medium};

use crate::binary_tree::follow;
use crate::suspicion::Suspicions;
use crate::value::{Value, whole};

/// Objectives that XGBoost ships (<https://xgboost.readthedocs.io/en/stable/parameter.html>).
const OBJECTIVES: [&str; 22] = [
    "binary:hinge",
    "binary:logistic",
    "binary:logitraw",
    "count:poisson",
    "multi:softmax",
    "multi:softprob",
    "rank:map",
    "rank:ndcg",
    "rank:pairwise",
    "reg:absoluteerror",
    "reg:expectileerror",
    "reg:gamma",
    "reg:linear",
    "reg:logistic",
    "reg:pseudohubererror",
    "reg:quantileerror",
    "reg:squarederror",
    "reg:squaredlogerror",
    "reg:tweedie",
    "survival:aft",
    "survival:cox",
    "binary:logisticraw",
];

/// The objective, and the sizes that every booster shares.
pub(super) fn learner(learner: &Value, problems: &mut Suspicions) {
    let objective = learner.at(&["objective", "name"]).text().unwrap_or_default();
    if !objective.is_empty() && !OBJECTIVES.contains(&objective) {
        let shown = crate::wire::shown(objective.as_bytes());
        let message = format!(
            "the objective `{shown}` is none of XGBoost: predictions need the code that brings it"
        );
        problems.add_at(Low, "objective", message);
    }
    for size in ["num_feature", "num_class", "num_target"] {
        let value = learner.at(&["learner_model_param", size]);
        if *value == Value::Other {
            continue;
        }
        match value.integer() {
            Some(0..=0x7fff_ffff) => {}
            Some(count) => problems.add_at(High, size, format!("`{size}` is {count}")),
            None => problems.add_at(Medium, size, format!("`{size}` is no whole number")),
        }
    }
    let features = learner.at(&["learner_model_param", "num_feature"]).integer();
    for names in ["feature_names", "feature_types"] {
        let names_given = learner.at(&[names]).list();
        if let (Some(features), false) = (features, names_given.is_empty()) {
            problems.same(names, "num_feature", features, names, names_given.len());
        }
    }
}

/// The trees of a booster; the number of their nodes.
pub(super) fn booster(learner: &Value, model: &Value, problems: &mut Suspicions) -> u64 {
    let trees = model.at(&["trees"]).list();
    if let Some(said) = model.at(&["gbtree_model_param", "num_trees"]).integer() {
        problems.same("trees", "num_trees", said, "trees", trees.len());
    }
    let parameter = |name| learner.at(&["learner_model_param", name]).integer().unwrap_or(0).max(1);
    let groups = parameter("num_class").max(parameter("num_target"));
    if let Some(info) = model.at(&["tree_info"]).numbers() {
        problems.same("tree_info", "tree_info", length(info), "trees", trees.len());
        if info.iter().any(|group| whole(*group).is_none_or(|group| !(0..groups).contains(&group)))
        {
            let message = format!("`tree_info` names a group that is none of {groups}");
            problems.add_at(High, "tree_info", message);
        }
    }
    if let Some(starts) = model.at(&["iteration_indptr"]).numbers() {
        let ordered = starts.is_sorted() && starts.first().is_none_or(|first| *first == 0.0);
        let ends = starts.last().is_none_or(|last| whole(*last) == i64::try_from(trees.len()).ok());
        if !ordered || !ends {
            let message = format!("`iteration_indptr` does not divide {} trees", trees.len());
            problems.add_at(High, "iteration_indptr", message);
        }
    }
    let features = learner.at(&["learner_model_param", "num_feature"]).integer();
    let mut nodes = 0_u64;
    for (index, tree) in trees.iter().enumerate() {
        let count = self::tree(&format!("tree {index}"), tree, features, problems);
        nodes = nodes.saturating_add(count);
    }
    nodes
}

fn length(list: &[f64]) -> i64 {
    i64::try_from(list.len()).unwrap_or(i64::MAX)
}

fn tree(part: &str, tree: &Value, features: Option<i64>, problems: &mut Suspicions) -> u64 {
    let Some(said) = tree.at(&["tree_param", "num_nodes"]).integer() else {
        problems.add_at(Medium, part, "the tree does not say how many nodes it has");
        return 0;
    };
    let (Some(left), Some(right)) =
        (tree.at(&["left_children"]).numbers(), tree.at(&["right_children"]).numbers())
    else {
        problems.add_at(Medium, part, "the tree has no lists of children");
        return 0;
    };
    let lists = ["left_children", "right_children", "parents", "split_indices", "split_conditions"];
    for list in lists {
        match tree.at(&[list]).numbers() {
            Some(numbers) => problems.same(part, "num_nodes", said, list, numbers.len()),
            None => problems.add_at(Medium, part, format!("`{list}` is no list of numbers")),
        }
    }
    // A leaf has -1 for both children; only what is a leaf on both sides ends there.
    let child = |list: &[f64], node: usize| {
        list.get(node).map(|child| whole(*child).unwrap_or(i64::MAX)).filter(|child| *child != -1)
    };
    let wrong = follow(left.len().min(right.len()), |node| {
        match (child(left, node), child(right, node)) {
            (None, None) => [None, None],
            // A node with one child is read as one with two.
            (left, right) => [left.or(Some(-1)), right.or(Some(-1))],
        }
    });
    if let Err(wrong) = wrong {
        problems.add_at(High, part, wrong);
    }
    if let (Some(features), Some(indices)) = (features, tree.at(&["split_indices"]).numbers()) {
        let split = |node: usize| child(left, node).is_some();
        let outside = indices.iter().enumerate().find(|(node, index)| {
            split(*node) && whole(**index).is_none_or(|index| !(0..features).contains(&index))
        });
        if let Some((node, index)) = outside {
            let message = format!("node {node} splits by feature {index} of {features}");
            problems.add_at(High, part, message);
        }
    }
    categories(part, tree, left.len(), problems);
    u64::try_from(said).unwrap_or_default()
}

/// The categories that nodes split by are slices of one list.
fn categories(part: &str, tree: &Value, nodes: usize, problems: &mut Suspicions) {
    let list = |name| tree.at(&[name]).numbers().unwrap_or_default();
    let all = length(list("categories"));
    let (segments, sizes, owners) =
        (list("categories_segments"), list("categories_sizes"), list("categories_nodes"));
    if segments.len() != sizes.len() || sizes.len() != owners.len() {
        problems.add_at(Medium, part, "the lists that say where categories lie differ in length");
    }
    let outside = segments.iter().zip(sizes).any(|(start, size)| {
        let end = whole(*start).zip(whole(*size)).and_then(|(start, size)| {
            (start >= 0 && size >= 0).then_some(start)?.checked_add(size)
        });
        end.is_none_or(|end| end > all)
    });
    let stray = owners.iter().any(|owner| {
        whole(*owner).and_then(|node| usize::try_from(node).ok()).is_none_or(|node| node >= nodes)
    });
    if outside || stray {
        let message = "the categories of a node lie outside the list of categories: whoever loads the \
                       tree reads memory that is not its own";
        problems.add_at(High, part, message);
    }
}
