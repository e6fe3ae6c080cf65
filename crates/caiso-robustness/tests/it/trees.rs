//! Exact distances of trees, against every cell of small forests.

use caiso_math::Stream;
use caiso_robustness::{Domain, FeatureDomain, Norm, Settings};
use proptest::prelude::*;
use serde_json::json;

use crate::forest::{Forest, Tree, least};
use crate::models::attack;

/// Four features between 0 and 3: a continuous one measured in its range, one in its own units, a whole one, and one
/// that is fixed in some domains.
fn domain(fixed: bool, one_hot: bool) -> Domain {
    let feature = |name: &str| FeatureDomain::continuous(name, 0.0, 3.0);
    let mut features = vec![
        feature("a"),
        FeatureDomain { scale: 1.0, ..feature("b") },
        FeatureDomain { integer: true, ..feature("c") },
        FeatureDomain { immutable: fixed, ..feature("d") },
    ];
    if one_hot {
        for name in ["e", "f"] {
            features.push(FeatureDomain::continuous(name, 0.0, 1.0));
        }
        features.push(FeatureDomain { scale: 0.5, ..FeatureDomain::continuous("g", 0.0, 1.0) });
    }
    let domain = Domain::new(features).unwrap();
    if one_hot { domain.with_one_hot(vec![vec![4, 5, 6]]).unwrap() } else { domain }
}

fn row(domain: &Domain, stream: &mut Stream) -> Vec<f32> {
    let mut row: Vec<f32> = domain
        .features()
        .iter()
        .map(|feature| {
            let x = feature.lower + feature.range() * stream.next_f64();
            // Often on a threshold or one step beside it.
            let on = (x * 2.0).floor() as f32 / 2.0 + 0.25;
            match stream.below(4) {
                _ if feature.integer => x.round() as f32,
                0 => on.min(3.0),
                1 => on.next_up().min(3.0),
                _ => x as f32,
            }
        })
        .collect();
    if let Some(group) = domain.one_hot().first() {
        let choice = stream.below(group.len() as u64) as usize;
        for (place, &j) in group.iter().enumerate() {
            row[j] = f32::from(u8::from(place == choice));
        }
    }
    row
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// The distance, the bound and the point agree with trying every cell, in all norms.
    #[test]
    fn the_nearest_point_is_the_nearest(
        seed in any::<u64>(),
        outputs in prop_oneof![Just(1_usize), Just(3)],
        rounds in 1_usize..6,
        as_xgboost in any::<bool>(),
        fixed in any::<bool>(),
        one_hot in any::<bool>(),
        targeted in any::<bool>(),
    ) {
        let domain = domain(fixed, one_hot);
        let forest = Forest::random(domain.width(), outputs, rounds, 3, seed);
        let model = forest.load(as_xgboost);
        let row = row(&domain, &mut Stream::new(seed, "test-row", 1));
        let label = model.predict(&row).unwrap()[0];
        let target = (label + 1) % model.classes();
        let wanted = |class: usize| if targeted { class == target } else { class != label };
        let expected = least(&forest.cells(), model.as_ref(), &domain, &row, &wanted);
        for norm in Norm::ALL {
            let mut settings = Settings::new(norm, None);
            settings.targets = targeted.then(|| vec![target]);
            let problem = (row.as_slice(), &[label][..]);
            let run = |name| attack(name, &json!({}), model.as_ref(), &domain, problem, &settings);
            let exact = run("tree-min");
            let found = &exact.rows[0];
            let heuristic = &run("decision-tree").rows[0];
            match &expected {
                None => {
                    prop_assert_eq!(found.flipped, None);
                    prop_assert_eq!(found.lower_bound, f64::INFINITY);
                    prop_assert_eq!(heuristic.flipped, None);
                }
                Some(expected) => {
                    let expected = expected.in_norm(norm);
                    let distance = found.distances.in_norm(norm);
                    let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * a.max(1.0);
                    prop_assert!(found.flipped.is_some_and(wanted));
                    prop_assert!(close(distance, expected), "{}: {} for {}", norm, distance, expected);
                    prop_assert!(close(found.lower_bound, expected), "{}", found.lower_bound);
                    prop_assert!(domain.is_valid(&row, f64::INFINITY, &exact.adversarial));
                    if heuristic.flipped.is_some() {
                        prop_assert!(heuristic.distances.in_norm(norm) >= expected - 1e-12);
                    }
                    if forest.trees.len() == 1 {
                        prop_assert!(close(heuristic.distances.in_norm(norm), expected));
                    }
                }
            }
        }
    }

    /// A search that is cut short claims no more than it knows.
    #[test]
    fn a_search_without_budget_ends_with_a_bound(seed in any::<u64>(), steps in 1_u64..30) {
        let domain = domain(false, false);
        let forest = Forest::random(4, 1, 5, 4, seed);
        let model = forest.load(false);
        let row = row(&domain, &mut Stream::new(seed, "test-row", 1));
        let label = model.predict(&row).unwrap()[0];
        let expected = least(&forest.cells(), model.as_ref(), &domain, &row, &|class| class != label);
        for norm in Norm::ALL {
            let settings = Settings::new(norm, None);
            let problem = (row.as_slice(), &[label][..]);
            let parameters = json!({"steps": steps});
            let cut = attack("tree-min", &parameters, model.as_ref(), &domain, problem, &settings);
            let expected = expected.map_or(f64::INFINITY, |expected| expected.in_norm(norm));
            prop_assert!(cut.rows[0].lower_bound <= expected + 1e-12);
            if cut.rows[0].flipped.is_some() {
                prop_assert!(cut.rows[0].distances.in_norm(norm) >= expected - 1e-12);
            }
        }
    }
}

#[test]
fn the_first_number_beyond_a_threshold_is_enough() {
    let leaf = |value| Box::new(Tree::Leaf(value));
    let forest =
        Forest { features: 1, outputs: 1, trees: vec![Tree::Split(0, 1.5, leaf(-1.0), leaf(1.0))] };
    let domain = Domain::uniform(1, 0.0, 3.0).unwrap();
    for as_xgboost in [false, true] {
        let model = forest.load(as_xgboost);
        let rows = [0.5, 2.0];
        let settings = Settings::new(Norm::Linf, None);
        let found =
            attack("tree-min", &json!({}), model.as_ref(), &domain, (&rows, &[0, 1]), &settings);
        assert_eq!(found.adversarial, [1.5_f32.next_up(), 1.5]);
    }
}

/// A random forest of two classes holds one probability for each leaf, none of it negative. Taken for scores around 0, as
/// the tree verification of the Adversarial Robustness Toolbox takes them, every row of class 1 would be robust and none of
/// class 0.
#[test]
fn a_random_forest_of_two_classes_is_no_more_robust_than_it_is() {
    let file = include_bytes!("../../../caiso-inference/tests/fixtures/classic/forest-two.onnx");
    let model = caiso_inference::load(file).unwrap();
    let domain = Domain::uniform(4, -2.0, 2.0).unwrap();
    let mut stream = Stream::new(1, "test-row", 0);
    let rows: Vec<f32> = (0..12 * 4).map(|_| stream.next_f32() * 4.0 - 2.0).collect();
    let labels = model.predict(&rows).unwrap();
    assert!(labels.contains(&0) && labels.contains(&1));
    let settings = Settings::new(Norm::Linf, None);
    let found =
        attack("tree-min", &json!({}), model.as_ref(), &domain, (&rows, &labels), &settings);
    let cells = model.trees().unwrap().cells();
    for (index, (row, &label)) in rows.chunks(4).zip(&labels).enumerate() {
        let expected =
            least(&cells, model.as_ref(), &domain, row, &|class| class != label).unwrap().linf;
        let result = &found.rows[index];
        assert_eq!(result.distances.linf, expected, "row {index} of class {label}");
        assert_eq!(result.lower_bound, expected);
        assert!(expected > 0.0 && expected < 4.0);
    }
}
