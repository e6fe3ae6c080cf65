//! Attacks that see decisions or scores only, against what is known exactly.

use caiso_core::RunContext;
use caiso_inference::{Access, Error, Model, ModelSpec, arg_max};
use caiso_robustness::{Attacked, Domain, FeatureDomain, Norm, Problem, Settings, find, run};
use serde_json::{Value, json};

use crate::models::{self, Network, attack, linear, network};

/// A model that shows no more than it has to.
pub(crate) struct Hidden<M> {
    pub(crate) model: M,
    pub(crate) access: Access,
}

impl<M: Model> Model for Hidden<M> {
    fn spec(&self) -> &ModelSpec {
        self.model.spec()
    }

    fn access(&self) -> Access {
        self.access
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let mut logits = self.model.logits(rows)?;
        if self.access == Access::Labels {
            for row in logits.chunks_exact_mut(self.classes()) {
                let class = arg_max(row);
                row.iter_mut().enumerate().for_each(|(k, z)| *z = f32::from(k == class));
            }
        }
        Ok(logits)
    }
}

/// A model that is computed by a function of a row.
struct Function {
    spec: ModelSpec,
    logits: fn(&[f32]) -> Vec<f32>,
}

impl Model for Function {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        Ok(rows.chunks(self.features()).flat_map(self.logits).collect())
    }
}

/// Attacks that start from an input of another class.
const DECISION_BASED: [&str; 5] = ["boundary", "geoda", "hopskipjump", "pointwise", "signopt"];

fn labels_only(model: &Network) -> Hidden<impl Model> {
    Hidden { model: model.load(), access: Access::Labels }
}

fn nearest(norm: Norm, queries: u64) -> Settings {
    Settings { queries, ..Settings::new(norm, None) }
}

/// Distance of the nearest point that a two-class linear model decides otherwise: each feature moves in
/// proportion to its slope (L2) or as far as all others (L-infinity) until it meets its bound. One parameter is
/// left, which is bisected.
fn exact(model: &Network, domain: &Domain, row: &[f32], label: usize, norm: Norm) -> f64 {
    let own = &model.layers[0];
    let units = domain.features().iter();
    let ways: Vec<(f64, f64, f64)> = units
        .zip(row)
        .enumerate()
        .map(|(j, (feature, &x))| {
            let slope = f64::from(own.weight(label, j)) - f64::from(own.weight(1 - label, j));
            let unit = if feature.immutable { 0.0 } else { feature.scale };
            let x = f64::from(x);
            (slope * unit, (feature.lower - x) / feature.scale, (feature.upper - x) / feature.scale)
        })
        .collect();
    let sum = row.iter().enumerate().map(|(j, &x)| {
        f64::from(x) * (f64::from(own.weight(label, j)) - f64::from(own.weight(1 - label, j)))
    });
    let margin = sum.sum::<f64>() + f64::from(own.bias[label]) - f64::from(own.bias[1 - label]);
    let at = |t: f64| -> Vec<f64> {
        let change = |&(slope, low, high): &(f64, f64, f64)| {
            let free = if norm == Norm::Linf { -t * slope.signum() } else { -t * slope };
            if slope == 0.0 { 0.0 } else { free.clamp(low, high) }
        };
        ways.iter().map(change).collect()
    };
    let (mut low, mut high) = (0.0, 1e4);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        let gain: f64 = at(middle).iter().zip(&ways).map(|(d, (slope, ..))| d * slope).sum();
        if margin + gain > 0.0 { low = middle } else { high = middle }
    }
    let sizes = at(high).into_iter().map(f64::abs);
    match norm {
        Norm::Linf => sizes.fold(0.0, f64::max),
        _ => sizes.map(|size| size * size).sum::<f64>().sqrt(),
    }
}

/// Bounds unlike 0 and 1, different scales, and a feature that may not move.
fn linear_case() -> (Network, Domain, Vec<f32>, Vec<usize>) {
    let domain = Domain::new(vec![
        FeatureDomain::continuous("a", 0.0, 16.0),
        FeatureDomain::continuous("b", -2.0, 2.0),
        FeatureDomain { immutable: true, ..FeatureDomain::continuous("c", 0.0, 100.0) },
        FeatureDomain { scale: 1.0, ..FeatureDomain::continuous("d", -1.0, 0.5) },
        FeatureDomain::continuous("e", 5.0, 6.0),
    ])
    .unwrap();
    let weights: [&[f32]; 2] = [&[0.1, -0.4, 0.004, 0.9, 0.3], &[-0.15, 0.5, -0.004, -0.1, -0.8]];
    let model = linear(&weights, &[-3.9, 4.1]);
    let (rows, labels) = models::rows(&domain, &model, 40, 11);
    assert!((10..30).contains(&labels.iter().sum::<usize>()), "both classes");
    (model, domain, rows, labels)
}

/// Every figure is at least the exact distance; the median of their ratios is at most `median`, the largest `most`.
fn check_ratios(
    name: &str,
    parameters: &Value,
    norm: Norm,
    access: Access,
    median: f64,
    most: f64,
) {
    let (model, domain, rows, labels) = linear_case();
    let hidden = Hidden { model: model.load(), access };
    let settings = nearest(norm, 3_000);
    let data = (rows.as_slice(), labels.as_slice());
    let attacked = attack(name, parameters, &hidden, &domain, data, &settings);
    let mut ratios = Vec::new();
    for (i, result) in attacked.rows.iter().enumerate() {
        assert!(result.flipped.is_some() && !result.init_failed, "{name} {norm} row {i}");
        assert!(result.queries <= 3_000 + 1, "{}", result.queries);
        let (row, point) = (&rows[i * 5..][..5], &attacked.adversarial[i * 5..][..5]);
        assert!(domain.is_valid(row, f64::INFINITY, point), "{row:?} {point:?}");
        assert_ne!(hidden.predict(point).unwrap(), [labels[i]], "{name} {norm} row {i}");
        let exact = exact(&model, &domain, row, labels[i], norm);
        let ratio = result.distances.in_norm(norm) / exact;
        assert!(ratio > 1.0 - 1e-4, "{name} {norm} row {i}: {ratio} of {exact}");
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    let (middle, last) = (ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
    assert!(middle <= median && last <= most, "{name} {norm}: median {middle}, largest {last}");
}

#[test]
fn decision_based_distances_come_close_to_the_exact_ones() {
    let close = |name, norm, median, most| {
        check_ratios(name, &json!({}), norm, Access::Labels, median, most);
    };
    close("hopskipjump", Norm::L2, 1.01, 1.05);
    close("hopskipjump", Norm::Linf, 1.01, 1.05);
    close("boundary", Norm::L2, 1.01, 1.05);
    close("geoda", Norm::L2, 1.01, 1.05);
    close("geoda", Norm::Linf, 1.01, 1.05);
    close("signopt", Norm::L2, 1.01, 1.05);
}

#[test]
fn score_based_distances_come_close_to_the_exact_ones() {
    check_ratios("zoo", &json!({}), Norm::L2, Access::Scores, 1.02, 1.1);
    // Its steps go along the axes.
    let small = json!({"step_size": 0.02});
    check_ratios("simba", &small, Norm::L2, Access::Scores, 1.3, 2.0);
}

/// Points of the attack end where the decision changes: a step of a thousandth towards the row is decided correctly.
#[test]
fn hopskipjump_ends_on_the_boundary() {
    let domain = Domain::uniform(6, -3.0, 3.0).unwrap();
    let model = network(&[6, 16, 3], 4);
    let (rows, labels) = models::rows(&domain, &model, 20, 5);
    let data = (rows.as_slice(), labels.as_slice());
    let hidden = labels_only(&model);
    for norm in [Norm::L2, Norm::Linf] {
        let attacked = attack(
            "hopskipjump",
            &json!({"steps": 3}),
            &hidden,
            &domain,
            data,
            &nearest(norm, 2_000),
        );
        for (i, (row, point)) in rows.chunks(6).zip(attacked.adversarial.chunks(6)).enumerate() {
            assert_ne!(hidden.predict(point).unwrap(), [labels[i]]);
            let back: Vec<f32> = row.iter().zip(point).map(|(a, b)| a + 0.999 * (b - a)).collect();
            if norm == Norm::L2 {
                assert_eq!(model.class(&back), labels[i], "row {i}");
            }
        }
    }
}

/// Foolbox divides the gradients of a batch by the norm of the whole batch.
#[test]
fn decision_based_attacks_treat_a_row_alike_in_any_batch() {
    let domain = Domain::uniform(8, 0.0, 16.0).unwrap();
    let model = network(&[8, 12, 3], 9);
    let (rows, labels) = models::rows(&domain, &model, 30, 3);
    let all = DECISION_BASED.map(|name| (name, Norm::L2));
    let scores = [("zoo", Norm::L2), ("simba", Norm::L2)];
    for (name, norm) in all.into_iter().chain([("hopskipjump", Norm::Linf)]).chain(scores) {
        let access = if scores.contains(&(name, norm)) { Access::Scores } else { Access::Labels };
        let hidden = Hidden { model: model.load(), access };
        let of = |batch: usize, count: usize, threads: usize| {
            let settings = Settings { batch, ..nearest(norm, 400) };
            let data = (&rows[..count * 8], &labels[..count]);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| attack(name, &json!({}), &hidden, &domain, data, &settings).adversarial)
        };
        let whole = of(64, 30, 1);
        assert_eq!(of(1, 30, 2), whole, "{name} {norm}");
        assert_eq!(of(7, 30, 1), whole, "{name} {norm}");
        assert_ne!(whole, rows);
    }
}

/// Foolbox clips the points of HopSkipJump to 0 and 1 whatever the bounds.
#[test]
fn decision_based_attacks_keep_to_bounds_other_than_0_and_1() {
    let domain = Domain::uniform(3, 10.0, 16.0).unwrap();
    let spec = ModelSpec::new(vec![3], 2);
    let model = Function { spec, logits: |row| vec![0.0, row[0] + row[1] - 27.0] };
    let rows = [11.0, 12.0, 13.0, 15.0, 14.0, 13.0];
    let (labels, settings) = ([0, 1], nearest(Norm::L2, 3_000));
    for name in DECISION_BASED {
        let attacked = attack(name, &json!({}), &model, &domain, (&rows, &labels), &settings);
        for (row, exact) in attacked.rows.iter().zip([4.0 / 2.0_f64.sqrt(), 2.0_f64.sqrt()]) {
            // One feature after another is not the shortest way.
            let most = if name == "pointwise" { 2.0_f64.sqrt() * exact } else { 1.01 * exact };
            let distance = row.distances.l2;
            assert!(
                distance > exact - 1e-5 && distance < most + 1e-4,
                "{name}: {distance} {exact}"
            );
        }
        assert!(attacked.adversarial.iter().all(|x| (10.0..=16.0).contains(x)), "{name}");
    }
}

/// ART's Sign-OPT refuses models of two classes, and its SimBA takes all scores for probabilities.
#[test]
fn two_classes_and_scores_beyond_1_are_no_obstacle() {
    let domain = Domain::uniform(3, 0.0, 1.0).unwrap();
    let spec = ModelSpec::new(vec![3], 2);
    let model = Function { spec, logits: |row| vec![0.0, 500.0 * (row[0] + row[1] - 1.2)] };
    let data = (&[0.3, 0.4, 0.5, 0.9, 0.8, 0.5][..], &[0, 1][..]);
    for name in ["signopt", "simba", "zoo"] {
        let settings = nearest(Norm::L2, 3_000);
        let attacked = attack(name, &json!({}), &model, &domain, data, &settings);
        assert!(attacked.rows.iter().all(|row| row.flipped.is_some()), "{name}");
    }
}

fn first_feature_decides(row: &[f32]) -> Vec<f32> {
    // Four in a hundred random points are of class 1.
    if row[0] > 0.96 { vec![0.0, 1.0] } else { vec![1.0, 0.0] }
}

fn stairs(row: &[f32]) -> Vec<f32> {
    // Steps as wide as a twentieth, as those of a tree, and of the score too.
    let height: f32 = row.iter().map(|x| (20.0 * x).floor()).sum();
    vec![0.0, height - 30.5]
}

/// ART's differences of 0.0001 see no slope on the steps of a tree and call all rows robust.
#[test]
fn zoo_finds_its_way_down_stairs() {
    let domain = Domain::uniform(3, 0.0, 1.0).unwrap();
    let stairs = Function { spec: ModelSpec::new(vec![3], 2), logits: stairs };
    let rows = [0.525, 0.425, 0.475, 0.525, 0.575, 0.525];
    let labels = [0, 1];
    let attacked =
        attack("zoo", &json!({}), &stairs, &domain, (&rows, &labels), &nearest(Norm::L2, 20_000));
    for row in &attacked.rows {
        assert!(row.flipped.is_some() && row.distances.l2 < 0.15, "{row:?}");
    }
}

#[test]
fn zoo_and_hopskipjump_break_trees() {
    let forest = crate::forest::Forest::random(4, 1, 6, 3, 5);
    let model = forest.load(false);
    let domain = Domain::uniform(4, 0.0, 1.0).unwrap();
    let mut stream = caiso_math::Stream::new(1, "test-rows", 0);
    let rows: Vec<f32> = (0..160).map(|_| stream.next_f32()).collect();
    let labels = model.predict(&rows).unwrap();
    let data = (rows.as_slice(), labels.as_slice());
    let settings = nearest(Norm::L2, 4_000);
    let falls = |name: &str| {
        let attacked = attack(name, &json!({}), model.as_ref(), &domain, data, &settings);
        attacked.rows.iter().filter(|row| row.flipped.is_some()).count()
    };
    let possible = falls("tree-min");
    let (zoo, hopskipjump) = (falls("zoo"), falls("hopskipjump"));
    assert_eq!(hopskipjump, possible);
    assert!(zoo * 10 >= possible * 9, "{zoo} of {possible}");
}

#[test]
fn pointwise_keeps_the_features_that_make_the_difference() {
    // Class 1 as soon as two features together exceed 1.5: nothing less will do.
    let domain = Domain::uniform(6, 0.0, 1.0).unwrap();
    let spec = ModelSpec::new(vec![6], 2);
    let model = Function { spec, logits: |row| vec![0.0, row[1] + row[4] - 1.5] };
    let mut rows = vec![0.5; 12];
    rows[6..].copy_from_slice(&[0.0, 1.0, 0.9, 0.1, 0.9, 1.0]);
    let data = (rows.as_slice(), &[0, 1][..]);
    let attack =
        |norm| attack("pointwise", &json!({}), &model, &domain, data, &nearest(norm, 2_000));
    // One suffices on the way back from 1 to 0.5.
    for (norm, first, second) in [(Norm::L0, 2.0, 1.0), (Norm::L1, 0.5, 0.4)] {
        let attacked = attack(norm);
        for (row, expected) in attacked.rows.iter().zip([first, second]) {
            let distance = row.distances.in_norm(norm);
            assert!(distance > expected - 1e-6 && distance <= 1.01 * expected, "{norm} {row:?}");
        }
    }
}

fn always_the_same(_: &[f32]) -> Vec<f32> {
    vec![1.0, 0.0]
}

/// ART starts from random images and counts a row as robust if none of them is adversarial.
#[test]
fn a_failed_start_is_not_robustness() {
    let domain = Domain::uniform(3, 0.0, 1.0).unwrap();
    let spec = ModelSpec::new(vec![3], 2);
    let constant = Function { spec: spec.clone(), logits: always_the_same };
    let rows = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
    for name in DECISION_BASED {
        let attacked =
            attack(name, &json!({}), &constant, &domain, (&rows, &[0, 0]), &nearest(Norm::L2, 900));
        assert!(attacked.rows.iter().all(|row| row.init_failed && row.flipped.is_none()), "{name}");
    }
}

fn corner_decides(row: &[f32]) -> Vec<f32> {
    // One in a million random points is of class 1.
    if row.iter().all(|&x| x > 0.9) { vec![0.0, 1.0] } else { vec![1.0, 0.0] }
}

/// Where all uniform points are of one class, as is common with tables, a row of another class is the start.
#[test]
fn rows_of_another_class_break_what_random_points_do_not() {
    let domain = Domain::uniform(6, 0.0, 1.0).unwrap();
    let model = Function { spec: ModelSpec::new(vec![6], 2), logits: corner_decides };
    let mut rows = vec![0.5; 6 * 4];
    rows[18..].fill(0.95);
    for name in DECISION_BASED {
        let data = (rows.as_slice(), &[0, 0, 0, 1][..]);
        let attacked = attack(name, &json!({}), &model, &domain, data, &nearest(Norm::L2, 3_000));
        for row in &attacked.rows[..3] {
            // 0.4 in each of six features.
            let exact = 0.4 * 6.0_f64.sqrt();
            assert!(row.flipped == Some(1) && row.distances.l2 < 1.05 * exact, "{name} {row:?}");
        }
    }
}

#[test]
fn noise_stays_within_epsilon_and_finds_what_is_common() {
    let domain = Domain::uniform(3, 0.0, 1.0).unwrap();
    let model = Function { spec: ModelSpec::new(vec![3], 2), logits: first_feature_decides };
    let rows: Vec<f32> = (0..30).map(|i| if i % 3 == 0 { 0.9 } else { 0.5 }).collect();
    let labels = [0; 10];
    for kind in ["gaussian", "uniform", "salt-and-pepper"] {
        for (norm, epsilon) in [(Norm::Linf, 0.08), (Norm::L2, 0.11)] {
            let settings = Settings::new(norm, Some(epsilon));
            let given = json!({"kind": kind, "repeats": 60});
            let attacked = attack("noise", &given, &model, &domain, (&rows, &labels), &settings);
            for (i, result) in attacked.rows.iter().enumerate() {
                // One draw in eight moves the first feature by more than 0.06, or more.
                assert!(result.flipped.is_some(), "{kind} {norm} row {i}");
                assert!(result.distances.in_norm(norm) <= epsilon + 1e-6);
                assert!(result.queries <= 61);
            }
            let near = Settings::new(norm, Some(0.05));
            let given = json!({"kind": kind, "repeats": 30});
            let attacked = attack("noise", &given, &model, &domain, (&rows, &labels), &near);
            assert!(attacked.rows.iter().all(|row| row.flipped.is_none() && row.queries == 31));
        }
    }
}

#[test]
fn no_row_costs_more_than_its_queries() {
    let domain = Domain::uniform(4, 0.0, 1.0).unwrap();
    let model = network(&[4, 8, 2], 1);
    let (rows, labels) = models::rows(&domain, &model, 10, 1);
    for limit in [0, 1, 7, 130, 333] {
        for name in DECISION_BASED.into_iter().chain(["zoo", "simba"]) {
            let access = find(name).unwrap().access;
            let hidden = Hidden { model: model.load(), access };
            let data = (rows.as_slice(), labels.as_slice());
            let attacked =
                attack(name, &json!({}), &hidden, &domain, data, &nearest(Norm::L2, limit));
            for row in &attacked.rows {
                // One more for the decision without an attack.
                assert!(row.queries <= limit + 1, "{name}: {} of {limit}", row.queries);
            }
        }
    }
}

#[test]
fn scores_are_asked_for_where_they_are_needed() {
    let domain = Domain::uniform(4, 0.0, 1.0).unwrap();
    let model = network(&[4, 8, 2], 1);
    let hidden = labels_only(&model);
    let refused = |name: &str| -> String {
        let attack = find(name).unwrap();
        let parameters = attack.parameters.resolve(&serde_json::Map::new()).unwrap();
        let problem = Problem {
            model: &hidden,
            domain: &domain,
            rows: &[0.5; 4],
            labels: &[0],
            surrogate: None,
        };
        let settings = Settings::new(attack.norms[0], Some(0.1));
        let context = RunContext::with_seed(1);
        let result: Result<Attacked, _> =
            run(attack, &parameters, &problem, &settings, &context, &|_| ());
        result.unwrap_err().to_string()
    };
    for name in ["zoo", "simba"] {
        assert_eq!(refused(name), format!("`{name}` needs scores, the model gives labels"));
    }
    assert_eq!(refused("pgd"), "`pgd` needs gradients, the model gives labels");
}
