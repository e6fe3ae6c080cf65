//! Laws and exact answers of the APGD attacks, FAB, Square and AutoAttack.

use caiso_core::RunContext;
use caiso_inference::Model;
use caiso_robustness::{
    Attacked, Domain, FeatureDomain, Norm, Problem, RobustnessError, Settings, find, run,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::autoattack::fixture;
use crate::models::{self, attack, linear, linf, network};

const NORMS: [Norm; 3] = [Norm::Linf, Norm::L2, Norm::L1];

/// Each attack with few enough steps to run it often.
fn quick() -> Vec<(&'static str, Value)> {
    vec![
        ("pgd", json!({"steps": 8})),
        ("mifgsm", json!({"steps": 4})),
        ("apgd-ce", json!({"steps": 12, "restarts": 2})),
        ("apgd-dlr", json!({"steps": 12})),
        ("apgd-t", json!({"steps": 8, "target_classes": 2})),
        ("fab", json!({"steps": 8, "restarts": 2, "target_classes": 2})),
        ("fab", json!({"steps": 8, "target_classes": 0})),
        ("square", json!({"steps": 20})),
        ("autoattack", json!({"steps": 8, "square_steps": 20})),
        ("fgsm-minimal", json!({"steps": 20})),
    ]
}

fn mixed_domain() -> Domain {
    let features = vec![
        FeatureDomain::continuous("income", -3.0, 5.0),
        FeatureDomain { integer: true, ..FeatureDomain::continuous("loans", 0.0, 6.0) },
        FeatureDomain { immutable: true, ..FeatureDomain::continuous("age", 0.0, 1.0) },
        FeatureDomain::continuous("ratio", 0.0, 1.0),
        FeatureDomain { integer: true, ..FeatureDomain::continuous("rent", 0.0, 1.0) },
        FeatureDomain { integer: true, ..FeatureDomain::continuous("own", 0.0, 1.0) },
    ];
    Domain::new(features).unwrap().with_one_hot(vec![vec![4, 5]]).unwrap()
}

/// Rows of the mixed domain.
fn mixed(model: &models::Network, count: usize, seed: u64) -> (Vec<f32>, Vec<usize>) {
    let (mut rows, _) = models::rows(&mixed_domain(), model, count, seed);
    for row in rows.chunks_mut(6) {
        row[5] = 1.0 - row[4];
    }
    let labels = rows.chunks(6).map(|row| model.class(row)).collect();
    (rows, labels)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_is_found_is_valid_and_within_epsilon(
        seed in any::<u64>(), epsilon in 0.02..1.5_f64, classes in 2..5_usize,
    ) {
        let domain = mixed_domain();
        let model = network(&[6, 8, classes], seed);
        let (rows, labels) = mixed(&model, 30, seed);
        let loaded = model.load();
        for norm in NORMS {
            for (name, parameters) in quick() {
                let settings = Settings::new(norm, Some(epsilon));
                let data = (rows.as_slice(), labels.as_slice());
                let attacked = attack(name, &parameters, &loaded, &domain, data, &settings);
                let points = rows.chunks(6).zip(attacked.adversarial.chunks(6));
                for ((own, point), result) in points.zip(&attacked.rows) {
                    prop_assert!(domain.is_valid(own, f64::INFINITY, point), "{name} {norm} {point:?}");
                    let within = !result.stands(norm, epsilon);
                    let flips = loaded.predict(point).unwrap()[0] != result.label;
                    prop_assert_eq!(flips, result.flipped.is_some(), "{} {}", name, norm);
                    if within && name != "fab" && name != "fgsm-minimal" {
                        let distance = domain.distances(own, point).in_norm(norm);
                        prop_assert!(distance <= epsilon * (1.0 + 2e-6) + 1e-6, "{name} {norm}");
                    }
                }
            }
        }
    }
}

fn with(
    name: &str,
    parameters: &Value,
    model: &dyn Model,
    domain: &Domain,
    (rows, labels): (&[f32], &[usize]),
    settings: &Settings,
    threads: usize,
) -> Attacked {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let attack = find(name).unwrap();
    let parameters = attack.parameters.resolve(parameters.as_object().unwrap()).unwrap();
    let problem = Problem { model, domain, rows, labels, surrogate: None };
    let context = RunContext::with_seed(1);
    pool.install(|| run(attack, &parameters, &problem, settings, &context, &|_| ())).unwrap()
}

#[test]
fn neither_batches_nor_threads_change_a_bit() {
    let model = network(&[6, 12, 4], 5);
    let (rows, labels) = mixed(&model, 90, 8);
    let (loaded, domain) = (model.load(), mixed_domain());
    for norm in NORMS {
        for (name, parameters) in quick() {
            let of = |batch: usize, threads: usize| {
                let settings = Settings { batch, ..Settings::new(norm, Some(0.3)) };
                let data = (rows.as_slice(), labels.as_slice());
                let attacked = with(name, &parameters, &loaded, &domain, data, &settings, threads);
                (attacked.rows, attacked.adversarial, attacked.notes)
            };
            let one = of(1, 1);
            assert!(one == of(7, 2), "{name} {norm}");
            assert!(one == of(64, 1), "{name} {norm}");
        }
    }
}

#[test]
fn each_row_may_have_its_own_epsilon() {
    let model = network(&[6, 12, 4], 5);
    let (rows, labels) = mixed(&model, 24, 8);
    let (loaded, domain) = (model.load(), mixed_domain());
    let data = (rows.as_slice(), labels.as_slice());
    let epsilons: Vec<f64> = (0..24).map(|i| [0.0, 0.1, 0.3, 0.6][i % 4]).collect();
    for norm in NORMS {
        for (name, parameters) in [
            ("pgd", json!({"steps": 8})),
            ("apgd-ce", json!({"steps": 12})),
            ("apgd-dlr", json!({"steps": 12})),
        ] {
            let settings = Settings { epsilons: epsilons.clone(), ..Settings::new(norm, None) };
            let each = attack(name, &parameters, &loaded, &domain, data, &settings);
            assert!(each.rows.iter().any(|row| row.flipped.is_some()), "{name} {norm}");
            for (place, &epsilon) in [0.0, 0.1, 0.3, 0.6].iter().enumerate() {
                let settings = Settings::new(norm, Some(epsilon));
                let all = attack(name, &parameters, &loaded, &domain, data, &settings);
                for row in (place..24).step_by(4) {
                    assert_eq!(each.rows[row], all.rows[row], "{name} {norm} {epsilon}");
                }
            }
        }
    }
}

#[test]
fn immutable_features_stay_and_the_others_do_not_pay_for_them() {
    // The immutable feature has by far the largest slope.
    let model = linear(&[&[9.0, 1.0, -0.5], &[-9.0, -1.0, 0.5]], &[0.0, 0.0]);
    let feature = |immutable: bool| FeatureDomain {
        immutable,
        scale: 1.0,
        ..FeatureDomain::continuous("f", -1.0, 1.0)
    };
    let domain = Domain::new(vec![feature(true), feature(false), feature(false)]).unwrap();
    // The margin from the features that may move: 2 * (1 * 0.1 + 0.5 * 0.1).
    let (rows, labels) = (vec![0.0, 0.1, -0.1], vec![0]);
    let loaded = model.load();
    let exact = [(Norm::Linf, 0.1), (Norm::L2, 0.15 / 1.25_f64.sqrt()), (Norm::L1, 0.15)];
    for (norm, exact) in exact {
        for name in ["pgd", "mifgsm", "apgd-ce", "apgd-dlr", "apgd-t", "autoattack"] {
            for (share, stands) in [(0.98, true), (1.02, false)] {
                let settings = Settings::new(norm, Some(share * exact));
                let data = (rows.as_slice(), labels.as_slice());
                let attacked = attack(name, &json!({}), &loaded, &domain, data, &settings);
                assert_eq!(attacked.rows[0].flipped.is_none(), stands, "{name} {norm} {share}");
                assert_eq!(attacked.adversarial[0].to_bits(), 0.0_f32.to_bits());
            }
        }
    }
}

/// Twice the weights of a two-class linear model, and rows far from the bounds.
fn linear_case() -> (models::Network, Domain, Vec<f32>, Vec<usize>, Vec<f64>) {
    let slopes = [0.9_f32, -0.4, 0.1, 0.2, -0.65];
    let other: Vec<f32> = slopes.iter().map(|slope| -slope).collect();
    let model = linear(&[&slopes, &other], &[0.05, -0.05]);
    let domain = Domain::uniform(5, -10.0, 10.0).unwrap();
    let narrow = Domain::uniform(5, -1.0, 1.0).unwrap();
    let (rows, labels) = models::rows(&narrow, &model, 60, 3);
    let margins = rows
        .chunks(5)
        .map(|row| {
            let terms = row.iter().zip(&slopes).map(|(x, w)| f64::from(*x) * f64::from(*w));
            (terms.sum::<f64>() + 0.05).abs()
        })
        .collect();
    (model, domain, rows, labels, margins)
}

#[test]
fn the_nearest_points_of_a_linear_model_are_where_the_closed_form_says() {
    let (model, domain, rows, labels, margins) = linear_case();
    let loaded = model.load();
    let slopes = [0.9_f64, 0.4, 0.1, 0.2, 0.65];
    let dual = |norm| match norm {
        Norm::Linf => slopes.iter().sum::<f64>(),
        Norm::L2 => slopes.iter().map(|w| w * w).sum::<f64>().sqrt(),
        _ => 0.9,
    };
    for norm in NORMS {
        for (name, parameters, tolerance) in [
            ("fab", json!({}), 0.012),
            ("fab", json!({"target_classes": 0}), 0.012),
            ("fgsm-minimal", json!({"steps": 1000, "refine_steps": 14}), 0.001),
        ] {
            let data = (rows.as_slice(), labels.as_slice());
            let settings = Settings::new(norm, None);
            let attacked = attack(name, &parameters, &loaded, &domain, data, &settings);
            for (result, margin) in attacked.rows.iter().zip(&margins) {
                let (found, exact) = (result.distances.in_norm(norm), margin / dual(norm));
                let what = format!("{name} {norm}: {found}, exact {exact}");
                assert!(result.flipped.is_some(), "{what}");
                assert!(found >= exact * (1.0 - 1e-5) - 2e-6, "{what}");
                assert!(found <= exact * (1.0 + tolerance) + 2e-4, "{what}");
            }
        }
    }
}

#[test]
fn fab_finds_the_nearest_point_where_the_box_is_in_the_way() {
    // Class 0 while 2 x + y > 0.5.
    let model = linear(&[&[2.0, 1.0], &[0.0, 0.0]], &[-0.5, 0.0]);
    let domain = Domain::uniform(2, 0.0, 1.0).unwrap();
    let (rows, labels) = (vec![0.1, 0.9], vec![0]);
    // 2 x + y has to fall from 1.1 to 0.5; x can give 0.2 of that, y the other 0.4.
    let exact = [(Norm::Linf, 0.4), (Norm::L2, (0.01_f64 + 0.16).sqrt()), (Norm::L1, 0.5)];
    for (norm, exact) in exact {
        let data = (rows.as_slice(), labels.as_slice());
        let settings = Settings::new(norm, None);
        let attacked = attack("fab", &json!({}), &model.load(), &domain, data, &settings);
        let found = attacked.rows[0].distances.in_norm(norm);
        assert!((exact - 1e-6..exact * 1.015).contains(&found), "{norm}: {found}, exact {exact}");
    }
}

#[test]
fn auto_attack_is_its_parts_one_after_another() {
    let (model, domain, rows, labels) = fixture("digits_mlp");
    let data = (rows.as_slice(), labels.as_slice());
    let parameters = json!({"steps": 30, "square_steps": 100});
    let all = attack("autoattack", &parameters, &model, &domain, data, &linf(0.1));
    let first = attack("apgd-ce", &json!({"steps": 30}), &model, &domain, data, &linf(0.1));
    let mut others = 0;
    for (row, (whole, part)) in all.rows.iter().zip(&first.rows).enumerate() {
        let span = row * 64..(row + 1) * 64;
        if part.is_correct() && part.flipped.is_some() {
            assert_eq!(whole, part);
            assert_eq!(whole.by, Some("apgd-ce"));
            assert_eq!(all.adversarial[span.clone()], first.adversarial[span]);
        } else if whole.is_correct() && whole.flipped.is_some() {
            assert!(["apgd-t", "fab", "square"].contains(&whole.by.unwrap()));
            others += 1;
        }
    }
    assert!(others > 0, "the case is too easy");
    assert!(all.notes.is_empty(), "{:?}", all.notes);
}

#[test]
fn square_asks_no_more_than_it_may() {
    let (model, domain, rows, labels) = fixture("digits_mlp");
    let data = (&rows[..20 * 64], &labels[..20]);
    let settings = Settings { queries: 50, ..linf(0.02) };
    let attacked = attack("square", &json!({}), &model, &domain, data, &settings);
    // One more for the decision without an attack.
    assert!(attacked.rows.iter().all(|row| row.queries <= 51));
    assert!(attacked.rows.iter().any(|row| row.queries == 51 && row.flipped.is_none()));
}

#[test]
fn targets_are_reached_and_nothing_else_counts() {
    let (model, domain, rows, labels) = fixture("digits_mlp");
    let data = (&rows[..40 * 64], &labels[..40]);
    let targets: Vec<usize> = data.1.iter().map(|label| (label + 3) % 10).collect();
    for name in
        ["bim", "pgd", "mifgsm", "apgd-ce", "apgd-dlr", "apgd-t", "fab", "square", "autoattack"]
    {
        let settings = Settings { targets: Some(targets.clone()), ..linf(0.25) };
        let parameters = if name == "square" { json!({"steps": 300}) } else { json!({}) };
        let attacked = attack(name, &parameters, &model, &domain, data, &settings);
        let mut reached = 0;
        for (row, &target) in attacked.rows.iter().zip(&targets) {
            if row.is_correct() && row.flipped.is_some() {
                assert_eq!(row.flipped, Some(target), "{name}");
                reached += 1;
            }
        }
        assert!(reached >= 4, "{name}: {reached} of 40");
    }
}

#[test]
fn momentum_without_memory_is_the_basic_method() {
    let (model, domain, rows, labels) = fixture("digits_mlp");
    let data = (rows.as_slice(), labels.as_slice());
    for norm in NORMS {
        let settings = Settings::new(norm, Some(0.1));
        let same = json!({"steps": 10, "relative_step_size": 0.2});
        let basic = attack("bim", &same, &model, &domain, data, &settings);
        let same = json!({
            "steps": 10, "relative_step_size": 0.2, "decay": 0.0, "momentum_norm": "sign",
        });
        let momentum = attack("mifgsm", &same, &model, &domain, data, &settings);
        if norm == Norm::Linf {
            assert_eq!(basic.adversarial, momentum.adversarial);
        }
        let gap = basic.adversarial.iter().zip(&momentum.adversarial).map(|(a, b)| (a - b).abs());
        assert!(gap.fold(0.0, f32::max) < 1e-5, "{norm}");
    }
}

#[test]
fn a_norm_without_a_step_is_refused() {
    let (model, domain, rows, labels) = fixture("digits_mlp");
    let attack = find("apgd-ce").unwrap();
    let parameters = attack.parameters.resolve(&serde_json::Map::new()).unwrap();
    let problem =
        Problem { model: &model, domain: &domain, rows: &rows, labels: &labels, surrogate: None };
    let settings = Settings::new(Norm::L0, Some(3.0));
    let context = RunContext::with_seed(1);
    let error = run(attack, &parameters, &problem, &settings, &context, &|_| ()).unwrap_err();
    assert!(matches!(error, RobustnessError::Norm { .. }), "{error}");
}
