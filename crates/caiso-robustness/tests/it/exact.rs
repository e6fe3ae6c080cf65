//! Attacks against what is known exactly: the closed form of a linear model, a grid over a small
//! network.

use caiso_core::RunContext;
use caiso_robustness::{CHECKS, Domain, FeatureDomain};
use serde_json::json;

use crate::models::{self, Network, attack, input, linear, linf, network};

/// The smallest margin (score of the true class minus the other) that a two-class linear model
/// can be driven to: each feature goes to the end of its reach that hurts most.
fn worst_margin(model: &Network, domain: &Domain, row: &[f32], label: usize, epsilon: f64) -> f64 {
    let (mut low, mut high) = (vec![0.0; row.len()], vec![0.0; row.len()]);
    domain.reach(row, epsilon, &mut low, &mut high);
    let own = &model.layers[0];
    let slope = |j: usize| f64::from(own.weight(label, j)) - f64::from(own.weight(1 - label, j));
    let offset = f64::from(own.bias[label]) - f64::from(own.bias[1 - label]);
    (0..row.len())
        .map(|j| {
            let at = |value: f32| slope(j) * f64::from(value);
            at(low[j]).min(at(high[j]))
        })
        .sum::<f64>()
        + offset
}

fn linear_case() -> (Network, Domain, Vec<f32>, Vec<usize>) {
    let domain = Domain::new(vec![
        FeatureDomain::continuous("income", 0.0, 3.0),
        FeatureDomain::continuous("value", -2.0, 2.0),
        FeatureDomain { immutable: true, ..FeatureDomain::continuous("age", 0.0, 100.0) },
        FeatureDomain { integer: true, ..FeatureDomain::continuous("loans", 0.0, 10.0) },
    ])
    .unwrap();
    let model = linear(&[&[0.9, -0.4, 0.01, 0.2], &[-0.3, 0.5, -0.02, -0.1]], &[-1.3, 0.6]);
    let (rows, mut labels) = models::rows(&domain, &model, 500, 11);
    // Some rows are wrong from the beginning.
    labels.iter_mut().step_by(10).for_each(|label| *label = 1 - *label);
    (model, domain, rows, labels)
}

#[test]
fn a_linear_model_falls_exactly_where_the_closed_form_says() {
    let (model, domain, rows, labels) = linear_case();
    let loaded = model.load();
    for epsilon in [0.0, 0.01, 0.05, 0.1, 0.25] {
        let data = (rows.as_slice(), labels.as_slice());
        let attack = |name, parameters| {
            attack(name, &parameters, &loaded, &domain, data, &linf(epsilon)).adversarial
        };
        let one = attack("fgsm", json!({}));
        let many = attack("bim", json!({"steps": 40, "relative_step_size": 0.0625}));
        let mut close = 0;
        for (i, (row, &label)) in rows.chunks(4).zip(&labels).enumerate() {
            let exact = worst_margin(&model, &domain, row, label, epsilon);
            if exact.abs() < 1e-5 {
                close += 1;
                continue;
            }
            for (name, adversarial) in [("fgsm", &one), ("pgd", &many)] {
                let class = model.class(&adversarial[i * 4..][..4]);
                assert_eq!(class == label, exact > 0.0, "{name}, row {i}, epsilon {epsilon}");
            }
        }
        assert!(close <= 2, "{close} rows are too close to the boundary to tell");
    }
}

#[test]
fn robust_accuracy_of_a_linear_model_is_exact() {
    let (model, domain, rows, labels) = linear_case();
    let expected = |epsilon: f64| {
        let robust = rows
            .chunks(4)
            .zip(&labels)
            .filter(|(row, label)| worst_margin(&model, &domain, row, **label, epsilon) > 0.0);
        robust.count() as f64 / labels.len() as f64
    };
    let input = input(&model, domain.clone(), rows.clone(), labels.clone());
    for check in CHECKS {
        let parameters = check.parameters.resolve(&serde_json::Map::new()).unwrap();
        let outcome = (check.run)(&input, &parameters, &RunContext::with_seed(5)).unwrap();
        for epsilon in [0.01, 0.02, 0.03, 0.05, 0.1] {
            let key = format!("robust_accuracy[epsilon={epsilon}]");
            let measured = outcome.measurement(&key).unwrap();
            assert_eq!(
                measured.value.known(),
                Some(expected(epsilon)),
                "{} {key}",
                check.meta.code
            );
            assert_eq!(measured.n, 500);
        }
    }
}

/// Whether any point of a grid over the reach flips the decision.
fn grid_flips(model: &Network, domain: &Domain, row: &[f32], label: usize, epsilon: f64) -> bool {
    const STEPS: usize = 60;
    let (mut low, mut high) = ([0.0; 2], [0.0; 2]);
    domain.reach(row, epsilon, &mut low, &mut high);
    let at = |j: usize, k: usize| low[j] + (high[j] - low[j]) * k as f32 / STEPS as f32;
    (0..=STEPS).any(|a| (0..=STEPS).any(|b| model.class(&[at(0, a), at(1, b)]) != label))
}

#[test]
fn a_small_network_falls_where_a_grid_finds_a_flip() {
    let domain = Domain::new(vec![
        FeatureDomain::continuous("x", 0.0, 1.0),
        FeatureDomain::continuous("y", -1.0, 3.0),
    ])
    .unwrap();
    let model = network(&[2, 16, 16, 3], 3);
    let (rows, labels) = models::rows(&domain, &model, 150, 21);
    let loaded = model.load();
    let epsilon = 0.08;
    let parameters = json!({"relative_step_size": 0.0625, "restarts": 2});
    let data = (rows.as_slice(), labels.as_slice());
    let points = attack("pgd", &parameters, &loaded, &domain, data, &linf(epsilon)).adversarial;
    let (mut both, mut grid_only) = (0, 0);
    for (i, (row, &label)) in rows.chunks(2).zip(&labels).enumerate() {
        let attacked = model.class(&points[i * 2..][..2]) != label;
        match (grid_flips(&model, &domain, row, label, epsilon), attacked) {
            (true, true) => both += 1,
            (true, false) => grid_only += 1,
            // The attack may step between the points of the grid, but not where none flips near.
            (false, true) => assert!(
                grid_flips(&model, &domain, row, label, epsilon * 1.01),
                "row {i} flips where the grid says that nothing does"
            ),
            (false, false) => {}
        }
    }
    assert!(both >= 20, "the case is too easy: {both} flips");
    // The loss has local maxima; a few flips are beyond any gradient's reach.
    assert!(grid_only * 10 <= both, "{grid_only} of {} flips were missed", both + grid_only);
}

#[test]
fn random_starts_fill_the_ball() {
    let domain = Domain::new(vec![FeatureDomain::continuous("x", 0.0, 2.0)]).unwrap();
    let model = linear(&[&[0.0], &[0.0]], &[1.0, 0.0]);
    let (loaded, rows) = (model.load(), vec![1.0; 2_000]);
    // The model is flat, so the points stay where they start.
    let data = (rows.as_slice(), &[0; 2_000][..]);
    let mut points =
        attack("pgd", &json!({"steps": 1}), &loaded, &domain, data, &linf(0.1)).adversarial;
    points.sort_by(f32::total_cmp);
    // Kolmogorov's distance to the uniform distribution on [0.8, 1.2]; 1.63 / sqrt(n) is its 1 % point.
    let distance = points
        .iter()
        .enumerate()
        .map(|(i, &point)| ((f64::from(point) - 0.8) / 0.4 - i as f64 / 2_000.0).abs())
        .fold(0.0, f64::max);
    assert!(distance < 1.63 / 2_000_f64.sqrt(), "{distance}");
}
