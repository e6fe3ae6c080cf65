//! XGBoost models of version 1.0 and later, JSON or UBJSON
//! (<https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html>).

use super::document::Value;
use super::linear;
use crate::trees::{Node, Test, TreeModel};
use crate::{Error, LogitTap, Model, ModelSpec, Scores, TreeEnsemble};

/// Categories that XGBoost knows at most.
const CATEGORIES: f64 = 16_777_216.0;

/// Classes that are read at most.
const CLASSES: usize = 100_000;

/// What an objective makes of the sum of the leaves.
struct Objective {
    tap: LogitTap,
    /// From the base score of the file to the sum without any tree.
    link: fn(f64) -> f64,
}

fn objective(name: &str) -> Option<Objective> {
    let logit: fn(f64) -> f64 = |p| (p / (1.0 - p)).ln();
    let (tap, link): (_, fn(f64) -> f64) = match name {
        "binary:logistic" | "reg:logistic" => (LogitTap::Sigmoid, logit),
        "binary:logitraw" => (LogitTap::Sigmoid, |z| z),
        "binary:hinge" => (LogitTap::ArgMax, |z| z),
        "multi:softmax" | "multi:softprob" => (LogitTap::Softmax, |z| z),
        "reg:squarederror"
        | "reg:linear"
        | "reg:squaredlogerror"
        | "reg:pseudohubererror"
        | "reg:absoluteerror"
        | "reg:quantileerror"
        | "rank:pairwise"
        | "rank:ndcg"
        | "rank:map" => (LogitTap::SingleOutput, |z| z),
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => {
            (LogitTap::SingleOutput, f64::ln)
        }
        _ => return None,
    };
    Some(Objective { tap, link })
}

/// Builds a model from the document.
pub(super) fn build(document: &Value) -> Result<Box<dyn Model>, Error> {
    let learner = document.get("learner").map_err(at("document"))?;
    let parameters = learner.get("learner_model_param").map_err(at("learner"))?;
    let count = |key| count(parameters, key).map_err(at("learner_model_param"));
    let features = count("num_feature")?;
    if features == 0 {
        return Err(at("learner_model_param")("\"num_feature\" is 0".to_owned()));
    }
    // Before version 1.6 there is no number of targets.
    let targets = if parameters.find("num_target").is_some() { count("num_target")? } else { 1 };
    let outputs = count("num_class")?.max(1);
    if outputs > CLASSES {
        return Err(at("learner_model_param")(format!(
            "{outputs} classes, at most {CLASSES} are read"
        )));
    }
    let name = learner.get("objective").and_then(|objective| objective.text("name"));
    let name = name.map_err(at("learner"))?;
    let Some(objective) = objective(name) else {
        return Err(at("objective")(format!(
            "{name:?} is not supported, expected a binary, multi, reg, rank, count or survival objective"
        )));
    };
    let classes = matches!(objective.tap, LogitTap::Softmax);
    if targets > 1 || classes != (outputs > 1) {
        return Err(at("objective")(format!(
            "{name:?} with {targets} targets and {outputs} outputs is not supported, expected one target"
        )));
    }
    let base = base_score(parameters, outputs, objective.link);
    let base = base.map_err(at("learner_model_param"))?;
    let mut spec = ModelSpec::new(vec![features], outputs.max(2));
    spec.tap = objective.tap;
    let booster = learner.get("gradient_booster").map_err(at("learner"))?;
    let place = at("gradient_booster");
    let (model, weights) = match booster.text("name").map_err(&place)? {
        "gbtree" => (booster.get("model"), None),
        "dart" => {
            let model = booster.get("gbtree").and_then(|booster| booster.get("model"));
            (model, Some(booster.numbers("weight_drop").map_err(&place)?))
        }
        "gblinear" => {
            let weights = booster.get("model").and_then(|model| model.numbers("weights"));
            return linear::build(spec, weights.map_err(&place)?, &base).map_err(place);
        }
        other => {
            return Err(place(format!(
                "{other:?} is not supported, expected gbtree, dart or gblinear"
            )));
        }
    };
    let model = model.map_err(&place)?;
    let scores = if outputs > 1 { Scores::Margins } else { Scores::Margin };
    let mut ensemble = TreeEnsemble::new(features, scores, base);
    let trees = model.list("trees").map_err(&place)?;
    let groups = model.numbers("tree_info").map_err(&place)?;
    if groups.len() != trees.len() || weights.is_some_and(|weights| weights.len() != trees.len()) {
        let problem = "\"tree_info\" or \"weight_drop\" has not as many numbers as there are trees";
        return Err(place(problem.to_owned()));
    }
    for (index, (tree, &group)) in trees.iter().zip(groups).enumerate() {
        let weight = weights.and_then(|weights| weights.get(index)).copied().unwrap_or(1.0);
        add(&mut ensemble, tree, group, weight).map_err(at(&format!("tree {index}")))?;
    }
    Ok(Box::new(TreeModel { spec, ensemble }))
}

fn at(place: &str) -> impl Fn(String) -> Error {
    move |problem| Error::Graph { at: place.to_owned(), problem }
}

/// A number, which the format writes as a text.
fn count(parameters: &Value, key: &str) -> Result<usize, String> {
    let text = parameters.text(key)?;
    text.parse().map_err(|_| format!("{key:?} is {text:?}, expected a whole number"))
}

/// The sum without any tree for each output. Since version 3.1 the file has one number for each output.
fn base_score(
    parameters: &Value,
    outputs: usize,
    link: fn(f64) -> f64,
) -> Result<Vec<f64>, String> {
    let text = parameters.text("base_score")?;
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let parsed = inner.split(',').map(|number| number.trim().parse::<f32>().ok());
    let scores: Option<Vec<f64>> =
        parsed.map(|score| score.map(|score| link(f64::from(score)))).collect();
    match scores {
        Some(scores) if scores.iter().any(|score| !score.is_finite()) => {
            Err(format!("\"base_score\" is {text:?}, which the objective has no score for"))
        }
        Some(scores) if scores.len() == outputs => Ok(scores),
        Some(scores) if scores.len() == 1 => Ok(scores.repeat(outputs)),
        _ => Err(format!("\"base_score\" is {text:?}, expected 1 or {outputs} numbers")),
    }
}

/// Columns of a tree's nodes.
struct Columns<'v> {
    left: &'v [f64],
    right: &'v [f64],
    feature: &'v [f64],
    condition: &'v [f64],
    default_left: &'v [f64],
    categorical: &'v [f64],
}

fn add(ensemble: &mut TreeEnsemble, tree: &Value, group: f64, weight: f64) -> Result<(), String> {
    let columns = Columns {
        left: tree.numbers("left_children")?,
        right: tree.numbers("right_children")?,
        feature: tree.numbers("split_indices")?,
        condition: tree.numbers("split_conditions")?,
        default_left: tree.numbers("default_left")?,
        // Before version 1.3 all splits are numerical.
        categorical: if tree.find("split_type").is_some() {
            tree.numbers("split_type")?
        } else {
            &[]
        },
    };
    let count = columns.left.len();
    let lengths = [
        columns.right.len(),
        columns.feature.len(),
        columns.condition.len(),
        columns.default_left.len(),
    ];
    if lengths.iter().any(|&length| length != count) {
        return Err(format!("{count} nodes have columns of {lengths:?} numbers"));
    }
    let width = match tree.get("tree_param")?.find("size_leaf_vector") {
        // 0 in old files.
        Some(_) => self::count(tree.get("tree_param")?, "size_leaf_vector")?.max(1),
        None => 1,
    };
    let output = if width == 1 { whole(group)? } else { 0 };
    let sets = categories(tree, count)?;
    let nodes: Result<Vec<Node>, String> = (0..count)
        .map(|index| match columns.left.get(index) {
            Some(&left) if left >= 0.0 => columns.split(index, &sets),
            _ => columns.leaf(tree, index, (output, width), weight),
        })
        .collect();
    ensemble.push(&nodes?, &[0])
}

impl Columns<'_> {
    fn split(&self, index: usize, sets: &[(usize, Test)]) -> Result<Node, String> {
        let of = |column: &[f64]| column.get(index).copied().unwrap_or(0.0);
        let (left, right) = (whole(of(self.left))?, whole(of(self.right))?);
        let feature = whole(of(self.feature))?;
        let missing_left = of(self.default_left) != 0.0;
        Ok(if of(self.categorical) == 1.0 {
            let set = sets.binary_search_by_key(&index, |(node, _)| *node);
            let test = set.ok().and_then(|set| sets.get(set)).map(|(_, test)| test.clone());
            let test = test.ok_or_else(|| format!("node {index} has no categories"))?;
            // The categories of a split go right.
            let (left, right) = (right, left);
            Node::Split { feature, test, missing_left: !missing_left, left, right }
        } else {
            #[expect(clippy::cast_possible_truncation, reason = "written from 32 bits")]
            let test = Test::below(of(self.condition) as f32);
            Node::Split { feature, test, missing_left, left, right }
        })
    }

    /// A leaf with values for some outputs: the first one and their number.
    fn leaf(
        &self,
        tree: &Value,
        index: usize,
        (output, width): (usize, usize),
        weight: f64,
    ) -> Result<Node, String> {
        let (weights, number) = if width == 1 {
            (self.condition, index)
        } else if tree.find("leaf_weights").is_some() {
            // Since version 3.1 leaves have a list and a number in it of their own.
            (tree.numbers("leaf_weights")?, whole(self.right.get(index).copied().unwrap_or(0.0))?)
        } else {
            (tree.numbers("base_weights")?, index)
        };
        let first = number.saturating_mul(width);
        let values = weights.get(first..first.saturating_add(width));
        let values = values.ok_or_else(|| format!("leaf {index} has no values"))?;
        Ok(Node::Leaf((output..).zip(values.iter().map(|value| value * weight)).collect()))
    }
}

/// For each categorical split, in the order of the nodes, what goes right.
fn categories(tree: &Value, nodes: usize) -> Result<Vec<(usize, Test)>, String> {
    if tree.find("categories_nodes").is_none() {
        return Ok(Vec::new());
    }
    let splits = tree.numbers("categories_nodes")?;
    let (firsts, sizes) = (tree.numbers("categories_segments")?, tree.numbers("categories_sizes")?);
    let all = tree.numbers("categories")?;
    if firsts.len() != splits.len() || sizes.len() != splits.len() {
        return Err("its columns of categories differ in length".to_owned());
    }
    let mut sets = Vec::with_capacity(splits.len());
    for ((&node, &first), &size) in splits.iter().zip(firsts).zip(sizes) {
        let (node, first, size) = (whole(node)?, whole(first)?, whole(size)?);
        let members = all.get(first..first.saturating_add(size));
        let members = members.ok_or_else(|| format!("node {node} has no categories"))?;
        if let Some(category) = members.iter().find(|member| !(0.0..CATEGORIES).contains(*member)) {
            return Err(format!("node {node} has the category {category}"));
        }
        if node >= nodes || sets.last().is_some_and(|(last, _)| *last >= node) {
            return Err(format!("the categories of node {node} are out of order"));
        }
        sets.push((node, Test::categories(members.iter().copied(), 0.0)));
    }
    Ok(sets)
}

fn whole(number: f64) -> Result<usize, String> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    let whole = number as usize;
    if whole as f64 == number {
        Ok(whole)
    } else {
        Err(format!("{number} is no whole number from 0"))
    }
}
