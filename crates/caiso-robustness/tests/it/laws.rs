//! Laws that hold for every model, domain and row.

use caiso_core::{Outcome, RunContext};
use caiso_inference::Model;
use caiso_robustness::{CHECKS, Domain, FeatureDomain, Goal, Settings, find};
use proptest::prelude::*;
use serde_json::json;

use crate::models::{self, attack, input, linf, network};

fn feature() -> impl Strategy<Value = FeatureDomain> {
    (-50.0..50.0, 0.0..20.0, any::<bool>(), prop::bool::weighted(0.3)).prop_map(
        |(lower, range, integer, immutable): (f64, f64, bool, bool)| FeatureDomain {
            name: "f".to_owned(),
            lower: if integer { lower.round() } else { lower },
            upper: if integer { lower.round() + range.round() } else { lower + range },
            integer,
            immutable,
            scale: if integer { range.round() } else { range },
        },
    )
}

fn domain() -> impl Strategy<Value = Domain> {
    prop::collection::vec(feature(), 1..6).prop_map(|mut features| {
        // At least one feature can move, or there is nothing to attack.
        features.push(FeatureDomain::continuous("free", -1.0, 1.0));
        Domain::new(features).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn adversarial_rows_are_valid(
        domain in domain(),
        seed in any::<u64>(),
        epsilon in 0.0..1.0_f64,
        steps in 1..6_u32,
        relative_step_size in 0.01..2.0_f64,
        restarts in 1..3_u32,
    ) {
        let model = network(&[domain.width(), 8, 3], seed);
        let (rows, labels) = models::rows(&domain, &model, 70, seed);
        let loaded = model.load();
        let data = (rows.as_slice(), labels.as_slice());
        let pgd = json!({
            "steps": steps, "relative_step_size": relative_step_size, "restarts": restarts,
        });
        let width = domain.width();
        for (name, parameters) in [("fgsm", json!({})), ("pgd", pgd)] {
            let attacked = attack(name, &parameters, &loaded, &domain, data, &linf(epsilon));
            let adversarial = attacked.adversarial;
            for (row, point) in rows.chunks(width).zip(adversarial.chunks(width)) {
                prop_assert!(domain.is_valid(row, epsilon, point), "{row:?} {point:?}");
                // The same again, in plain arithmetic.
                for ((feature, &own), &moved) in domain.features().iter().zip(row).zip(point) {
                    let (own, moved) = (f64::from(own), f64::from(moved));
                    let range = feature.upper - feature.lower;
                    prop_assert!((moved - own).abs() <= epsilon * range + 1e-9);
                    prop_assert!(moved == own || (feature.lower..=feature.upper).contains(&moved));
                    prop_assert!(!feature.immutable || moved == own);
                    prop_assert!(!feature.integer || moved == own || moved.fract() == 0.0);
                }
            }
        }
    }

    #[test]
    fn a_row_is_attacked_alike_in_any_company(
        domain in domain(),
        seed in any::<u64>(),
        cut in 1..150_usize,
    ) {
        let model = network(&[domain.width(), 8, 2], seed);
        let (rows, labels) = models::rows(&domain, &model, 150, seed);
        let loaded = model.load();
        let width = domain.width();
        let parameters = json!({"steps": 4, "restarts": 2});
        let of = |count: usize| {
            let data = (&rows[..count * width], &labels[..count]);
            attack("pgd", &parameters, &loaded, &domain, data, &linf(0.2)).adversarial
        };
        let (whole, head) = (of(150), of(cut));
        prop_assert_eq!(&whole[..cut * width], &head[..]);
    }

    #[test]
    fn robust_accuracy_never_rises_with_epsilon(domain in domain(), seed in any::<u64>()) {
        let model = network(&[domain.width(), 8, 3], seed);
        let (rows, mut labels) = models::rows(&domain, &model, 90, seed);
        labels.iter_mut().step_by(7).for_each(|label| *label = (*label + 1) % 3);
        let input = input(&model, domain, rows, labels);
        for check in CHECKS {
            let given = serde_json::json!({"epsilons": [0.3, 0.0, 0.1, 0.02, 0.1]});
            let parameters = check.parameters.resolve(given.as_object().unwrap()).unwrap();
            let outcome = (check.run)(&input, &parameters, &RunContext::with_seed(seed)).unwrap();
            let accuracies = accuracies(&outcome);
            prop_assert_eq!(accuracies.len(), 6, "clean, four epsilons and the threshold's");
            prop_assert!(accuracies.is_sorted_by(|a, b| a >= b), "{:?}", accuracies);
            prop_assert_eq!(accuracies[0], accuracies[1], "epsilon 0 changes nothing");
        }
    }
}

/// With three more features that are one category.
fn with_category(domain: &Domain) -> Domain {
    let width = domain.width();
    let mut features = domain.features().to_vec();
    features.extend((0..3).map(|_| FeatureDomain::continuous("category", 0.0, 1.0)));
    let domain = Domain::new(features).unwrap();
    domain.with_one_hot(vec![(width..width + 3).collect()]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Attacks that see decisions or scores only find valid rows whatever the features are, which the model decides as
    /// reported, for no more queries than allowed.
    #[test]
    fn black_box_attacks_find_valid_rows(
        domain in domain(),
        category in any::<bool>(),
        seed in any::<u64>(),
        queries in 0..200_u64,
    ) {
        let domain = if category { with_category(&domain) } else { domain };
        let width = domain.width();
        let network = network(&[width, 8, 3], seed);
        let (mut rows, _) = models::rows(&domain, &network, 4, seed);
        for (k, row) in rows.chunks_mut(width).enumerate() {
            for (place, &j) in domain.one_hot().iter().flatten().enumerate() {
                row[j] = f32::from(u8::from(place == k % 3));
            }
        }
        let model = network.load();
        let labels = model.predict(&rows).unwrap();
        let names = [
            "hopskipjump", "boundary", "geoda", "signopt", "simba", "zoo", "pointwise", "noise",
        ];
        for unit in names.map(|name| find(name).unwrap()) {
            for &norm in unit.norms {
                let epsilon = (unit.goal == Goal::WithinEpsilon).then_some(0.3);
                let settings = Settings { queries, ..Settings::new(norm, epsilon) };
                let data = (rows.as_slice(), labels.as_slice());
                let name = unit.meta.name;
                let attacked = attack(name, &json!({}), &model, &domain, data, &settings);
                for (k, result) in attacked.rows.iter().enumerate() {
                    let (row, point) = (&rows[k * width..][..width], &attacked.adversarial[k * width..][..width]);
                    prop_assert!(domain.is_valid(row, f64::INFINITY, point), "{name} {row:?} {point:?}");
                    prop_assert!(result.queries <= queries + 1, "{name}: {}", result.queries);
                    let class = model.predict(point).unwrap()[0];
                    prop_assert_eq!(result.flipped.unwrap_or(labels[k]), class, "{}", name);
                    let distance = result.distances.in_norm(norm);
                    prop_assert!(epsilon.is_none_or(|epsilon| distance <= epsilon + 1e-5), "{name}");
                }
            }
        }
    }
}

/// Clean accuracy, then robust accuracy by epsilon.
fn accuracies(outcome: &Outcome) -> Vec<f64> {
    outcome
        .measurements
        .iter()
        .filter(|measurement| {
            matches!(measurement.name.as_str(), "clean_accuracy" | "robust_accuracy")
        })
        .filter_map(|measurement| measurement.value.known())
        .collect()
}

#[test]
fn threads_do_not_change_a_byte() {
    let domain = Domain::new(
        (0..5)
            .map(|j| FeatureDomain::continuous(format!("f{j}"), 0.0, 1.0 + f64::from(j)))
            .collect(),
    )
    .unwrap();
    let model = network(&[5, 16, 3], 9);
    let (rows, labels) = models::rows(&domain, &model, 700, 2);
    let input = input(&model, domain, rows, labels);
    let given = serde_json::json!({"rows": 500});
    for check in CHECKS {
        let parameters = check.parameters.resolve(given.as_object().unwrap()).unwrap();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let outcome =
                pool.install(|| (check.run)(&input, &parameters, &RunContext::with_seed(1)));
            serde_json::to_string(&outcome.unwrap()).unwrap()
        };
        let alone = on(1);
        assert_eq!(alone, on(2));
        assert_eq!(alone, on(3));
    }
}
