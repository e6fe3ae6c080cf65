//! Random trees: as the files of LightGBM and XGBoost, and their least distances by trying every cell.

use caiso_inference::{Model, load};
use caiso_math::Stream;
use caiso_robustness::{Distances, Domain};

/// A tree, LightGBM's way: `x <= threshold` goes left.
pub(crate) enum Tree {
    Leaf(f64),
    Split(usize, f32, Box<Tree>, Box<Tree>),
}

pub(crate) struct Forest {
    pub(crate) features: usize,
    /// Outputs in turn.
    pub(crate) trees: Vec<Tree>,
    pub(crate) outputs: usize,
}

impl Forest {
    /// Thresholds and leaf values come from short lists, so that they coincide and scores tie.
    pub(crate) fn random(
        features: usize,
        outputs: usize,
        rounds: usize,
        depth: usize,
        seed: u64,
    ) -> Self {
        let mut stream = Stream::new(seed, "test-forest", 0);
        let trees = (0..rounds * outputs).map(|_| Tree::random(features, depth, &mut stream));
        Self { features, outputs, trees: trees.collect() }
    }

    /// The thresholds of each feature, ascending.
    pub(crate) fn cells(&self) -> Vec<Vec<f32>> {
        let of = |feature: usize| {
            let mut all = Vec::new();
            self.trees.iter().for_each(|tree| tree.thresholds(feature, &mut all));
            all.sort_by(f32::total_cmp);
            all.dedup();
            all
        };
        (0..self.features).map(of).collect()
    }

    /// By LightGBM, or by XGBoost, whose thresholds go right themselves: these are one step up.
    pub(crate) fn load(&self, as_xgboost: bool) -> Box<dyn Model> {
        let file = if as_xgboost { self.xgboost() } else { self.lightgbm() };
        load(file.as_bytes()).unwrap()
    }

    fn lightgbm(&self) -> String {
        let (features, outputs) = (self.features - 1, self.outputs);
        let objective = if outputs == 1 { "binary sigmoid:1" } else { "multiclass" };
        let mut text = format!(
            "tree\nversion=v4\nnum_class={outputs}\nnum_tree_per_iteration={outputs}\n\
             max_feature_idx={features}\nobjective={objective}\n\n"
        );
        for (index, tree) in self.trees.iter().enumerate() {
            let mut table = Table::default();
            table.lightgbm(tree);
            text += &format!(
                "Tree={index}\nnum_leaves={}\nsplit_feature={}\nthreshold={}\ndecision_type={}\n\
                 left_child={}\nright_child={}\nleaf_value={}\n\n",
                table.leaves.len(),
                joined(&table.features),
                joined(&table.thresholds),
                // NaN is missing.
                joined(&vec![8; table.features.len()]),
                joined(&table.left),
                joined(&table.right),
                joined(&table.leaves),
            );
        }
        text + "end of trees\n"
    }

    fn xgboost(&self) -> String {
        let trees = self.trees.iter().map(|tree| {
            let mut table = Table::default();
            table.xgboost(tree);
            let none = vec![0; table.left.len()];
            serde_json::json!({
                "left_children": table.left, "right_children": table.right,
                "split_indices": table.features, "split_conditions": table.thresholds,
                "default_left": none,
                "tree_param": {"size_leaf_vector": "1"}
            })
        });
        let outputs = self.outputs;
        let groups: Vec<usize> = (0..self.trees.len()).map(|tree| tree % outputs).collect();
        let (objective, classes) =
            if outputs == 1 { ("binary:logistic", 0) } else { ("multi:softprob", outputs) };
        let base = if outputs == 1 { "5E-1" } else { "0E0" };
        serde_json::json!({"learner": {
            "learner_model_param": {
                "base_score": base, "num_class": classes.to_string(), "num_feature": self.features.to_string()
            },
            "objective": {"name": objective},
            "gradient_booster": {"name": "gbtree", "model": {
                "trees": trees.collect::<Vec<_>>(), "tree_info": groups
            }}
        }})
        .to_string()
    }
}

impl Tree {
    fn random(features: usize, depth: usize, stream: &mut Stream) -> Self {
        if depth == 0 || stream.next_f64() < 0.15 {
            return Self::Leaf(f64::from(stream.below(9) as u32) / 4.0 - 1.0);
        }
        let feature = stream.below(features as u64) as usize;
        let threshold = stream.below(7) as f32 / 2.0 - 0.25;
        let mut child = || Box::new(Self::random(features, depth - 1, stream));
        Self::Split(feature, threshold, child(), child())
    }

    fn thresholds(&self, feature: usize, into: &mut Vec<f32>) {
        if let Self::Split(own, threshold, left, right) = self {
            if *own == feature {
                into.push(*threshold);
            }
            left.thresholds(feature, into);
            right.thresholds(feature, into);
        }
    }
}

#[derive(Default)]
struct Table {
    features: Vec<usize>,
    thresholds: Vec<f64>,
    left: Vec<i64>,
    right: Vec<i64>,
    leaves: Vec<f64>,
}

impl Table {
    fn lightgbm(&mut self, tree: &Tree) -> i64 {
        match tree {
            Tree::Leaf(value) => {
                self.leaves.push(*value);
                -(self.leaves.len() as i64)
            }
            Tree::Split(feature, threshold, left, right) => {
                let at = self.features.len();
                self.features.push(*feature);
                // Between this 32-bit number and the next.
                self.thresholds
                    .push(f64::midpoint((*threshold).into(), threshold.next_up().into()));
                self.left.push(0);
                self.right.push(0);
                self.left[at] = self.lightgbm(left);
                self.right[at] = self.lightgbm(right);
                at as i64
            }
        }
    }

    fn xgboost(&mut self, tree: &Tree) -> i64 {
        let at = self.features.len();
        let (feature, threshold) = match tree {
            Tree::Leaf(value) => (0, *value),
            Tree::Split(feature, threshold, ..) => (*feature, f64::from(threshold.next_up())),
        };
        self.features.push(feature);
        self.thresholds.push(threshold);
        self.left.push(-1);
        self.right.push(-1);
        if let Tree::Split(.., left, right) = tree {
            self.left[at] = self.xgboost(left);
            self.right[at] = self.xgboost(right);
        }
        at as i64
    }
}

fn joined<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

/// The least distance in every norm to a point of one of `wanted` classes, over the nearest valid value in every cell of
/// every feature, whose largest values are `cells`; `None` if there is no such point.
pub(crate) fn least(
    cells: &[Vec<f32>],
    model: &dyn Model,
    domain: &Domain,
    row: &[f32],
    wanted: &dyn Fn(usize) -> bool,
) -> Option<Distances> {
    let mut points = vec![Vec::new()];
    for (j, feature) in domain.features().iter().enumerate() {
        let mut starts = vec![f32::NEG_INFINITY];
        let mut ends = cells[j].clone();
        starts.extend(ends.iter().map(|end| end.next_up()));
        ends.push(f32::INFINITY);
        let (lower, upper) = (feature.lower as f32, feature.upper as f32);
        let mut values = vec![row[j]];
        if domain.one_hot().iter().flatten().any(|&other| other == j) {
            values.extend([0.0, 1.0]);
        } else if feature.is_free() {
            for (start, end) in starts.into_iter().zip(ends) {
                let (low, high) = (start.max(lower), end.min(upper));
                let value = if row[j] < low { low } else { high.min(row[j]) };
                let value = match feature.integer {
                    true if row[j] < low => value.ceil(),
                    true if row[j] > high => value.floor(),
                    _ => value,
                };
                if low <= value && value <= high {
                    values.push(value);
                }
            }
        }
        points = points
            .iter()
            .flat_map(|point: &Vec<f32>| {
                values.iter().map(move |&value| [point.as_slice(), &[value]].concat())
            })
            .collect();
    }
    points.retain(|point| domain.is_valid(row, f64::INFINITY, point));
    let classes = model.predict(&points.concat()).unwrap();
    let hits = points.iter().zip(classes).filter(|(_, class)| wanted(*class));
    let least = |a: Distances, b: Distances| Distances {
        l0: a.l0.min(b.l0),
        l1: a.l1.min(b.l1),
        l2: a.l2.min(b.l2),
        linf: a.linf.min(b.linf),
    };
    hits.map(|(point, _)| domain.distances(row, point)).reduce(least)
}
