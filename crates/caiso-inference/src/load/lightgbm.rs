//! LightGBM models as `save_model` writes them: text, versions 2 to 4
//! (<https://lightgbm.readthedocs.io/en/stable/>).

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::trees::{Node, Test, TreeModel, round_down};
use crate::{Error, LogitTap, Model, ModelSpec, Scores, TreeEnsemble};

/// Numbers as close to zero are zero, `kZeroThreshold` of LightGBM.
const ZERO: f32 = 1e-35;

/// Bits of `decision_type`.
const CATEGORICAL: u8 = 1;
const DEFAULT_LEFT: u8 = 2;

/// The lines of a header or of a tree.
struct Entries<'t> {
    at: String,
    lines: BTreeMap<&'t str, &'t str>,
}

impl<'t> Entries<'t> {
    fn new(at: String) -> Self {
        Self { at, lines: BTreeMap::new() }
    }

    fn fault(&self, problem: impl Into<String>) -> Error {
        Error::Graph { at: self.at.clone(), problem: problem.into() }
    }

    fn text(&self, key: &str) -> Result<&'t str, Error> {
        let text = self.lines.get(key).copied();
        text.ok_or_else(|| self.fault(format!("{key} is missing")))
    }

    fn number<T: FromStr>(&self, key: &str) -> Result<T, Error> {
        let text = self.text(key)?;
        text.parse().map_err(|_| self.fault(format!("{key}={text}, expected a number")))
    }

    fn numbers<T: FromStr>(&self, key: &str) -> Result<Vec<T>, Error> {
        let parse = |word: &str| {
            let fault = |_| self.fault(format!("{word:?} in {key}, expected a number"));
            word.parse().map_err(fault)
        };
        self.text(key)?.split_ascii_whitespace().map(parse).collect()
    }
}

/// Builds a model from the text.
pub(super) fn build(bytes: &[u8]) -> Result<Box<dyn Model>, Error> {
    let malformed = |problem| Error::Malformed { format: "LightGBM model", problem };
    let text = std::str::from_utf8(bytes)
        .map_err(|error| malformed(format!("no UTF-8 from byte {} on", error.valid_up_to())))?;
    let Some((text, _)) = text.split_once("\nend of trees") else {
        return Err(malformed("the line \"end of trees\" is missing, it is cut off".to_owned()));
    };
    let mut header = Entries::new("header".to_owned());
    let mut trees: Vec<Entries<'_>> = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if key == "Tree" {
            trees.push(Entries::new(format!("tree {}", trees.len())));
        }
        let part = trees.last_mut().unwrap_or(&mut header);
        if part.lines.insert(key, value).is_some() {
            return Err(part.fault(format!("{key} occurs twice")));
        }
    }
    let sizes = header.lines.get("tree_sizes").map(|sizes| sizes.split_whitespace().count());
    if let Some(sizes) = sizes
        && sizes != trees.len()
    {
        let found = trees.len();
        return Err(header.fault(format!("tree_sizes names {sizes} trees, there are {found}")));
    }
    let features = header.number::<u32>("max_feature_idx")?.saturating_add(1) as usize;
    let outputs: usize = header.number("num_tree_per_iteration")?;
    let Some(rounds) = trees.len().checked_div(outputs).filter(|rounds| *rounds > 0) else {
        let found = trees.len();
        return Err(header.fault(format!("there are {found} trees for {outputs} outputs")));
    };
    let (tap, sigmoid) = objective(&header, outputs)?;
    // What multiplies the sum of the leaves: the average of a forest, the slope of the sigmoid.
    let average = header.lines.contains_key("average_output");
    let factor = sigmoid / if average { rounds as f64 } else { 1.0 };
    let scores = if outputs > 1 { Scores::Margins } else { Scores::Margin };
    let mut ensemble = TreeEnsemble::new(features, scores, vec![0.0; outputs]);
    for (index, tree) in trees.iter().enumerate() {
        let output = index.checked_rem(outputs).unwrap_or(0);
        let nodes = nodes(tree, output, factor)?;
        ensemble.push(&nodes, &[0]).map_err(|problem| tree.fault(problem))?;
    }
    let mut spec = ModelSpec::new(vec![features], outputs.max(2));
    spec.tap = tap;
    Ok(Box::new(TreeModel { spec, ensemble }))
}

/// Where the logits come from, and the slope of the sigmoid that follows them.
fn objective(header: &Entries<'_>, outputs: usize) -> Result<(LogitTap, f64), Error> {
    // A file of an objective of the user's own names none.
    let Some(&text) = header.lines.get("objective") else {
        return Ok((if outputs > 1 { LogitTap::Output } else { LogitTap::SingleOutput }, 1.0));
    };
    let mut words = text.split_ascii_whitespace();
    let name = words.next().unwrap_or_default();
    let tap = match name {
        "binary" | "cross_entropy" | "xentropy" => LogitTap::Sigmoid,
        "multiclass" => LogitTap::Softmax,
        "multiclassova" => LogitTap::Sigmoids,
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "poisson"
        | "gamma" | "tweedie" | "lambdarank" | "rank_xendcg" => LogitTap::SingleOutput,
        other => {
            return Err(header.fault(format!(
                "objective={other} is not supported, expected a binary, multiclass, regression or ranking one"
            )));
        }
    };
    if matches!(tap, LogitTap::Softmax | LogitTap::Sigmoids) != (outputs > 1) {
        return Err(header.fault(format!("objective={name} with {outputs} outputs")));
    }
    let slope = words.find_map(|word| word.strip_prefix("sigmoid:"));
    let slope = slope.map_or(Some(1.0), |slope| slope.parse().ok());
    let slope = slope.filter(|slope: &f64| slope.is_finite() && *slope > 0.0);
    let slope = slope.ok_or_else(|| header.fault(format!("objective={text}: what slope?")))?;
    Ok((tap, slope))
}

/// Splits, then leaves, as the file numbers them.
fn nodes(tree: &Entries<'_>, output: usize, factor: f64) -> Result<Vec<Node>, Error> {
    if tree.lines.get("is_linear").is_some_and(|linear| *linear != "0") {
        return Err(tree.fault("its leaves are linear models (linear_tree), expected constants"));
    }
    let leaves: Vec<f64> = tree.numbers("leaf_value")?;
    let expected: usize = tree.number("num_leaves")?;
    if leaves.len() != expected || expected == 0 {
        let found = leaves.len();
        return Err(tree.fault(format!("leaf_value has {found} numbers, num_leaves={expected}")));
    }
    let leaves = leaves.into_iter().map(|value| Node::Leaf(vec![(output, value * factor)]));
    let splits = expected.saturating_sub(1);
    if splits == 0 {
        return Ok(leaves.collect());
    }
    let features: Vec<usize> = tree.numbers("split_feature")?;
    let thresholds: Vec<f64> = tree.numbers("threshold")?;
    let left: Vec<i64> = tree.numbers("left_child")?;
    let right: Vec<i64> = tree.numbers("right_child")?;
    // Old files without it have neither categories nor missing values.
    let types = if tree.lines.contains_key("decision_type") {
        tree.numbers("decision_type")?
    } else {
        vec![0_u8; splits]
    };
    let lengths = [features.len(), thresholds.len(), left.len(), right.len(), types.len()];
    if lengths.iter().any(|&length| length != splits) {
        return Err(tree.fault(format!("{splits} splits have columns of {lengths:?} numbers")));
    }
    let child = |child: i64| -> Result<usize, Error> {
        let place = if child < 0 { !child } else { child };
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        let (first, count) = if child < 0 { (splits, expected) } else { (0, splits) };
        if place < count {
            return Ok(place.saturating_add(first));
        }
        Err(tree.fault(format!("there is no child {child}")))
    };
    let sets = Sets::of(tree)?;
    let columns = features.into_iter().zip(thresholds).zip(types).zip(left).zip(right);
    let splits = columns.map(|((((feature, threshold), kind), left), right)| {
        let (left, right) = (child(left)?, child(right)?);
        let (test, missing_left) = if kind & CATEGORICAL != 0 {
            (sets.test(tree, threshold)?, false)
        } else {
            numerical(threshold, kind)
        };
        Ok(Node::Split { feature, test, missing_left, left, right })
    });
    splits.chain(leaves.map(Ok)).collect()
}

/// What goes left at a numerical split, and whether NaN does.
fn numerical(threshold: f64, kind: u8) -> (Test, bool) {
    let default_left = kind & DEFAULT_LEFT != 0;
    let last = round_down(threshold);
    // Rows lose their zeros before they come to the trees, and with them numbers as close to zero.
    let below = (-ZERO).next_down();
    let last = if last >= 0.0 { last.max(ZERO) } else { last.min(below) };
    let zeros_left = last >= 0.0;
    match kind >> 2 & 3 {
        // NaN counts as zero.
        0 => (Test::AtMost(last), zeros_left),
        // Zero counts as missing.
        1 if default_left != zeros_left => {
            let (first, second) = if default_left {
                ((f32::NEG_INFINITY, last), (-ZERO, ZERO))
            } else {
                ((f32::NEG_INFINITY, below), (ZERO.next_up(), last))
            };
            (Test::within([first, second]), default_left)
        }
        _ => (Test::AtMost(last), default_left),
    }
}

/// The sets of categories of a tree: bits in words of 32.
struct Sets {
    firsts: Vec<usize>,
    words: Vec<u32>,
}

impl Sets {
    fn of(tree: &Entries<'_>) -> Result<Self, Error> {
        if tree.lines.get("num_cat").is_none_or(|count| *count == "0") {
            return Ok(Self { firsts: Vec::new(), words: Vec::new() });
        }
        Ok(Self { firsts: tree.numbers("cat_boundaries")?, words: tree.numbers("cat_threshold")? })
    }

    /// The threshold of a categorical split is the number of its set.
    fn test(&self, tree: &Entries<'_>, number: f64) -> Result<Test, Error> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        let set = number as usize;
        let pair = self.firsts.get(set..set.saturating_add(2));
        let words = match pair {
            Some(&[first, end]) if set as f64 == number => self.words.get(first..end),
            _ => None,
        };
        let Some(words) = words else {
            return Err(tree.fault(format!("there is no set {number} of categories")));
        };
        let bits = words.iter().zip(0_u32..).flat_map(|(&word, index)| {
            (0..32_u32)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| f64::from(index) * 32.0 + f64::from(bit))
        });
        // The fraction is cut off, so that numbers above -1 are the category 0 too.
        Ok(Test::categories(bits, (-1.0_f32).next_up()))
    }
}
