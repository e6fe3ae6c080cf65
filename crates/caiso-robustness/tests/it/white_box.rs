//! What peers get wrong, and what each attack with gradients promises beside the distance.

use caiso_core::RunContext;
use caiso_inference::{Access, Differentiable, Error, Model, ModelSpec};
use caiso_math::Stream;
use caiso_robustness::{
    Attacked, Domain, FeatureDomain, Norm, Problem, RobustnessError, Settings, find, run,
};
use serde_json::{Value, json};

use crate::models::{self, attack, linear, network};
use crate::nearest;

/// A model that shows less than it knows.
struct Veiled<'m>(&'m dyn Model, Access);

impl Model for Veiled<'_> {
    fn spec(&self) -> &ModelSpec {
        self.0.spec()
    }

    fn access(&self) -> Access {
        self.1
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        None
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let mut logits = self.0.logits(rows)?;
        if self.1 == Access::Labels {
            for logits in logits.chunks_exact_mut(self.classes()) {
                let class = caiso_inference::arg_max(logits);
                logits.fill(0.0);
                logits[class] = 1.0;
            }
        }
        Ok(logits)
    }
}

/// Three classes of eight features between 0 and `scale`, decided by a small network on features between 0 and 1.
fn small(scale: f32) -> (models::Network, Domain, Vec<f32>, Vec<usize>) {
    let mut model = network(&[8, 16, 3], 5);
    for weight in &mut model.layers[0].weights {
        *weight /= scale;
    }
    let domain = Domain::uniform(8, 0.0, f64::from(scale)).unwrap();
    let mut stream = Stream::new(3, "white-box", 0);
    let rows: Vec<f32> = (0..40 * 8).map(|_| stream.next_f32() * scale).collect();
    let labels = rows.chunks(8).map(|row| model.class(row)).collect();
    (model, domain, rows, labels)
}

fn attack_small(name: &str, parameters: &Value, scale: f32, settings: &Settings) -> Attacked {
    let (model, domain, rows, labels) = small(scale);
    attack(name, parameters, &model.load(), &domain, (&rows, &labels), settings)
}

fn median(attacked: &Attacked, norm: Norm) -> f64 {
    let mut distances: Vec<f64> = attacked
        .rows
        .iter()
        .map(|row| if row.flipped.is_some() { row.distances.in_norm(norm) } else { f64::INFINITY })
        .collect();
    distances.sort_by(f64::total_cmp);
    f64::midpoint(distances[distances.len() / 2 - 1], distances[distances.len() / 2])
}

#[test]
fn distances_grow_with_the_scale_of_the_inputs_and_no_faster() {
    // ART's DeepFool multiplies its steps by the width of the bounds.
    for (name, norm) in [
        ("deepfool", Norm::L2),
        ("deepfool", Norm::Linf),
        ("ddn", Norm::L2),
        ("fmn", Norm::L2),
        ("fmn", Norm::L1),
        ("cw", Norm::L2),
    ] {
        let parameters = if name == "cw" { json!({"steps": 100}) } else { json!({}) };
        let of = |scale: f32| {
            median(&attack_small(name, &parameters, scale, &Settings::new(norm, None)), norm)
        };
        let (one, sixteen) = (of(1.0), of(16.0));
        assert!((sixteen / (16.0 * one) - 1.0).abs() < 0.01, "{name}, {norm}: {one}, {sixteen}");
    }
}

#[test]
fn fmn_projects_under_l2_as_under_the_others() {
    // Foolbox's divides norms by themselves, and its median is nearly twice that of DDN.
    let of = |name| attack_small(name, &json!({}), 1.0, &Settings::new(Norm::L2, None));
    let (fmn, ddn) = (median(&of("fmn"), Norm::L2), median(&of("ddn"), Norm::L2));
    assert!(fmn <= 1.02 * ddn, "{fmn}, {ddn}");
}

#[test]
fn the_attacks_in_one_norm_agree() {
    let of = |name, norm, parameters: Value| {
        median(&attack_small(name, &parameters, 1.0, &Settings::new(norm, None)), norm)
    };
    let steps = json!({"steps": 200});
    let (cw, ddn) = (of("cw", Norm::L2, steps.clone()), of("ddn", Norm::L2, json!({})));
    assert!(cw <= 1.02 * ddn, "{cw}, {ddn}");
    // ART's CarliniLInf leaves most rows unbroken.
    let faster = json!({"steps": 200, "step_size": 0.05});
    let (cw, fmn) = (of("cw", Norm::Linf, faster), of("fmn", Norm::Linf, json!({})));
    assert!(cw <= 1.05 * fmn, "{cw}, {fmn}");
    let (ead, fmn) = (of("ead", Norm::L1, steps), of("fmn", Norm::L1, json!({})));
    // The square of the change keeps the elastic net from being as sparse.
    assert!(ead <= 1.2 * fmn, "{ead}, {fmn}");
    let (jsma, fmn) = (of("jsma", Norm::L0, json!({})), of("fmn", Norm::L0, json!({})));
    assert!(jsma <= fmn + 1.0, "{jsma}, {fmn}");
}

#[test]
fn the_label_is_never_the_target() {
    // ART's saliency map attack takes the labels that it is given for targets, and every row stands.
    let nearest = attack_small("jsma", &json!({}), 1.0, &Settings::new(Norm::L0, None));
    assert!(nearest.rows.iter().all(|row| row.flipped.is_some()));
    let (_, _, _, labels) = small(1.0);
    let targets: Vec<usize> = labels.iter().map(|label| (label + 1) % 3).collect();
    for (name, norm) in [
        ("jsma", Norm::L0),
        ("deepfool", Norm::L2),
        ("ddn", Norm::L2),
        ("fmn", Norm::L1),
        ("cw", Norm::L2),
        ("ead", Norm::L1),
        ("lowprofool", Norm::L2),
    ] {
        let parameters = if name == "cw" { json!({"steps": 100}) } else { json!({}) };
        let settings = Settings { targets: Some(targets.clone()), ..Settings::new(norm, None) };
        let aimed = attack_small(name, &parameters, 1.0, &settings);
        let mut hits = 0;
        for (row, &target) in aimed.rows.iter().zip(&targets) {
            assert!(row.flipped.is_none_or(|class| class == target), "{name}");
            hits += usize::from(row.flipped.is_some());
        }
        assert!(hits >= 20, "{name} reached {hits} of 40 targets");
    }
}

#[test]
fn rows_do_not_see_each_other() {
    // Foolbox's C&W stops a batch when the sum of its losses stalls.
    for (name, norm, parameters) in [
        ("deepfool", Norm::L2, json!({})),
        ("ddn", Norm::L2, json!({"steps": 20})),
        ("fmn", Norm::L0, json!({"steps": 20})),
        ("fmn", Norm::Linf, json!({"steps": 20})),
        ("cw", Norm::L2, json!({"steps": 40})),
        ("cw", Norm::Linf, json!({"steps": 20, "binary_search_steps": 4})),
        ("cw", Norm::L0, json!({"steps": 20, "binary_search_steps": 4})),
        ("ead", Norm::L1, json!({"steps": 30})),
        ("jsma", Norm::L0, json!({})),
        ("lowprofool", Norm::L2, json!({"steps": 30})),
        ("pgd-ls", Norm::L2, json!({"steps": 5})),
        ("pgd-ls", Norm::L1, json!({"steps": 5})),
        ("nes", Norm::Linf, json!({"pairs": 3, "attack_parameters": {"steps": 4}})),
        ("universal", Norm::Linf, json!({"steps": 5})),
        ("universal", Norm::L2, json!({"steps": 2, "method": "deepfool"})),
    ] {
        let within = find(name).unwrap().goal == caiso_robustness::Goal::WithinEpsilon;
        let of = |batch: usize, threads: usize, queries: u64| {
            let epsilon = within.then_some(0.15);
            let settings = Settings { batch, queries, ..Settings::new(norm, epsilon) };
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| attack_small(name, &parameters, 1.0, &settings))
        };
        for queries in [u64::MAX, 33] {
            let alone = of(1, 1, queries);
            // The clean row is not of the attack's budget.
            assert!(alone.rows.iter().all(|row| row.queries <= queries.saturating_add(1)));
            for (batch, threads) in [(7, 2), (64, 1)] {
                let together = of(batch, threads, queries);
                assert_eq!(alone.adversarial, together.adversarial, "{name}, {norm}, {batch}");
                assert_eq!(alone.rows, together.rows, "{name}, {norm}, {batch}");
            }
        }
    }
}

#[test]
fn whole_numbers_and_categories_stay_valid() {
    let count = |name| FeatureDomain { integer: true, ..FeatureDomain::continuous(name, 0.0, 9.0) };
    let share = |name| FeatureDomain::continuous(name, 0.0, 1.0);
    let domain = Domain::new(vec![
        share("a"),
        count("b"),
        FeatureDomain { integer: true, ..share("red") },
        FeatureDomain { integer: true, ..share("green") },
        FeatureDomain { immutable: true, ..share("c") },
        share("d"),
    ])
    .unwrap()
    .with_one_hot(vec![vec![2, 3]])
    .unwrap();
    let model = network(&[6, 12, 2], 8);
    let mut stream = Stream::new(3, "valid", 0);
    let mut rows = Vec::new();
    for _ in 0..40 {
        let red = stream.below(2) as f32;
        let (a, c, d) = (stream.next_f32(), stream.next_f32(), stream.next_f32());
        rows.extend([a, stream.below(10) as f32, red, 1.0 - red, c, d]);
    }
    let labels: Vec<usize> = rows.chunks(6).map(|row| model.class(row)).collect();
    let loaded = model.load();
    let quick = json!({"steps": 20});
    for (name, norm, parameters) in [
        ("deepfool", Norm::L2, &quick),
        ("ddn", Norm::L2, &quick),
        ("fmn", Norm::L1, &quick),
        ("fmn", Norm::L0, &quick),
        ("cw", Norm::L2, &json!({"steps": 30, "step_size": 0.1})),
        ("ead", Norm::L1, &quick),
        ("jsma", Norm::L0, &json!({})),
        ("lowprofool", Norm::L2, &quick),
        ("pgd-ls", Norm::L1, &quick),
        ("universal", Norm::Linf, &quick),
    ] {
        let epsilon = if norm == Norm::L1 { 0.5 } else { 0.3 };
        let settings = Settings::new(norm, Some(epsilon));
        let attacked = attack(name, parameters, &loaded, &domain, (&rows, &labels), &settings);
        let mut flipped = 0;
        for (i, row) in attacked.rows.iter().enumerate() {
            let (own, point) = (&rows[i * 6..][..6], &attacked.adversarial[i * 6..][..6]);
            assert!(domain.is_valid(own, 10.0, point), "{name}, {norm}: {own:?}, {point:?}");
            assert_eq!(row.flipped.is_some(), model.class(point) != labels[i], "{name}, row {i}");
            flipped += usize::from(row.flipped.is_some());
        }
        assert!(flipped > 0, "{name}, {norm}");
    }
}

#[test]
fn a_line_search_reaches_the_worst_point_of_the_ball() {
    let (model, domain, rows, labels) = nearest::case();
    let width = domain.width();
    let loaded = model.load();
    for (norm, epsilon) in [(Norm::Linf, 0.1), (Norm::L2, 0.15), (Norm::L1, 0.2)] {
        let exact = nearest::exact(&model, &domain, &rows, &labels, norm);
        let settings = Settings::new(norm, Some(epsilon));
        let attacked = attack("pgd-ls", &json!({}), &loaded, &domain, (&rows, &labels), &settings);
        let mut close = 0;
        for (i, (row, &least)) in attacked.rows.iter().zip(&exact).enumerate() {
            if (least / epsilon - 1.0).abs() < 0.03 {
                close += 1;
                continue;
            }
            assert_eq!(row.flipped.is_some(), least < epsilon, "{norm}, row {i}: {least}");
            if row.flipped.is_some() {
                assert!(row.distances.in_norm(norm) <= epsilon * 1.000_01, "{norm}, row {i}");
            }
        }
        assert!(close < 20);
        // The most confident mistake is kept, which no point of a random search in the ball exceeds by much.
        let mut stream = Stream::new(7, "ball", 0);
        let lead = |point: &[f32], label: usize| {
            let logits = loaded.logits(point).unwrap();
            let others = (0..3).filter(|&class| class != label).map(|class| logits[class]);
            others.fold(f32::NEG_INFINITY, f32::max) - logits[label]
        };
        for (i, row) in attacked.rows.iter().enumerate().filter(|(_, row)| row.flipped.is_some()) {
            let own = &rows[i * width..][..width];
            let kept = lead(&attacked.adversarial[i * width..][..width], labels[i]);
            for _ in 0..50 {
                let point: Vec<f32> = domain
                    .features()
                    .iter()
                    .zip(own)
                    .map(|(feature, &x)| {
                        if feature.immutable {
                            return x;
                        }
                        let share = match norm {
                            Norm::Linf => 1.0,
                            Norm::L2 => 0.5,
                            _ => 0.25,
                        };
                        let change = (2.0 * stream.next_f64() - 1.0) * epsilon * share;
                        (f64::from(x) + change * feature.scale).clamp(feature.lower, feature.upper)
                            as f32
                    })
                    .collect();
                assert!(lead(&point, labels[i]) <= kept + 1e-3, "{norm}, row {i}");
            }
            assert!(row.finished);
        }
    }
}

#[test]
fn a_line_search_starts_from_what_is_given() {
    let (model, domain, rows, labels) = small(1.0);
    let loaded = model.load();
    let quick = json!({"steps": 3, "double_init": false});
    let of = |epsilon: f64, starts: Option<Vec<f32>>| {
        let settings = Settings { starts, ..Settings::new(Norm::L2, Some(epsilon)) };
        attack("pgd-ls", &quick, &loaded, &domain, (&rows, &labels), &settings)
    };
    let smaller = of(0.2, None);
    let warm = of(0.25, Some(smaller.adversarial.clone()));
    for (cold, warm) in smaller.rows.iter().zip(&warm.rows) {
        assert!(cold.flipped.is_none() || warm.flipped.is_some());
    }
    let problem =
        Problem { model: &loaded, domain: &domain, rows: &rows, labels: &labels, surrogate: None };
    let unit = find("pgd-ls").unwrap();
    let parameters = unit.parameters.resolve(&serde_json::Map::new()).unwrap();
    let settings = Settings { starts: Some(vec![0.0; 3]), ..Settings::new(Norm::L2, Some(0.1)) };
    let context = RunContext::with_seed(1);
    let error = run(unit, &parameters, &problem, &settings, &context, &|_| ()).unwrap_err();
    assert!(matches!(error, RobustnessError::Shape { values: 3, .. }), "{error}");
}

#[test]
fn one_change_fits_all_rows_within_epsilon() {
    let (model, domain, rows, labels) = small(1.0);
    let loaded = model.load();
    for (norm, epsilon) in [(Norm::Linf, 0.25), (Norm::L2, 0.6)] {
        let mut rates = Vec::new();
        for parameters in [json!({}), json!({"method": "deepfool", "steps": 5})] {
            let settings = Settings::new(norm, Some(epsilon));
            let attacked =
                attack("universal", &parameters, &loaded, &domain, (&rows, &labels), &settings);
            // Where a row is not clipped it shows the change; every other row is clipped from the same.
            let change: Vec<f32> = (0..8)
                .map(|j| {
                    let moved = (0..labels.len())
                        .map(|i| (attacked.adversarial[i * 8 + j], rows[i * 8 + j]))
                        .map(|(point, own)| point - own);
                    moved.fold(0.0, |a: f32, b| if b.abs() > a.abs() { b } else { a })
                })
                .collect();
            let none = [0.0; 8];
            assert!(domain.distances(&none, &change).in_norm(norm) <= epsilon * 1.000_01);
            for (i, row) in rows.chunks(8).enumerate() {
                for j in 0..8 {
                    let expected = (row[j] + change[j]).clamp(0.0, 1.0);
                    assert!((attacked.adversarial[i * 8 + j] - expected).abs() < 1e-6);
                }
            }
            rates.push(attacked.rows.iter().filter(|row| row.flipped.is_some()).count());
        }
        // Both methods fool a good part of the rows with it.
        assert!(rates.iter().all(|&fooled| fooled >= 8), "{norm}: {rates:?}");
    }
}

#[test]
fn scores_are_enough_for_an_attack_with_gradients() {
    let (model, domain, rows, labels) = nearest::case();
    let loaded = model.load();
    let veiled = Veiled(&loaded, Access::Scores);
    let epsilon = 0.1;
    let exact = nearest::exact(&model, &domain, &rows, &labels, Norm::Linf);
    let inner = json!({"steps": 10, "random_start": false});
    let parameters = json!({"pairs": 20, "attack_parameters": inner});
    let settings = Settings::new(Norm::Linf, Some(epsilon));
    let attacked = attack("nes", &parameters, &veiled, &domain, (&rows, &labels), &settings);
    for (i, (row, &least)) in attacked.rows.iter().zip(&exact).enumerate() {
        assert_eq!(
            row.queries,
            1 + 10 * 41 + 1,
            "row {i}: clean, ten estimates and points, the end"
        );
        if (least / epsilon - 1.0).abs() > 0.1 {
            assert_eq!(row.flipped.is_some(), least < epsilon, "row {i}: {least}");
        }
    }
    let unknown = json!({"attack": "hopskipjump-of-old"});
    let unit = find("nes").unwrap();
    let parameters = unit.parameters.resolve(unknown.as_object().unwrap()).unwrap();
    let problem =
        Problem { model: &veiled, domain: &domain, rows: &rows, labels: &labels, surrogate: None };
    let context = RunContext::with_seed(1);
    let error = run(unit, &parameters, &problem, &settings, &context, &|_| ()).unwrap_err();
    let expected =
        "`nes` cannot be run so: `hopskipjump-of-old` is no attack on single rows with gradients";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_surrogate_stands_in_for_a_model_that_shows_labels() {
    let (model, domain, rows, labels) = small(1.0);
    let loaded = model.load();
    let veiled = Veiled(&loaded, Access::Labels);
    let unit = find("transfer").unwrap();
    let parameters = unit.parameters.resolve(&serde_json::Map::new()).unwrap();
    let settings = Settings::new(Norm::Linf, Some(0.1));
    let context = RunContext::with_seed(1);
    let run = |surrogate: Option<&dyn Model>| {
        let problem =
            Problem { model: &veiled, domain: &domain, rows: &rows, labels: &labels, surrogate };
        run(unit, &parameters, &problem, &settings, &context, &|_| ())
    };
    // A perfect copy gives away what the model itself would.
    let copied = run(Some(&loaded)).unwrap();
    let own = attack("pgd", &json!({}), &loaded, &domain, (&rows, &labels), &settings);
    let flips = |attacked: &Attacked| -> Vec<bool> {
        attacked.rows.iter().map(|row| row.flipped.is_some()).collect()
    };
    let (copied_flips, own_flips) = (flips(&copied), flips(&own));
    assert!(copied_flips.iter().filter(|&&flip| flip).count() > 5);
    let apart = copied_flips.iter().zip(&own_flips).filter(|(a, b)| a != b).count();
    assert!(apart <= 1, "{apart}: random starts differ by the attack's code");
    // The model is asked about ends only.
    assert!(copied.rows.iter().all(|row| row.queries <= 3));
    // Another model of the same classes gives away less or as much.
    let stranger = network(&[8, 16, 3], 77).load();
    let transferred = run(Some(&stranger)).unwrap();
    assert!(
        flips(&transferred).iter().filter(|&&f| f).count()
            <= copied_flips.iter().filter(|&&f| f).count()
    );
    let error = run(None).unwrap_err().to_string();
    assert_eq!(error, "`transfer` needs a surrogate with gradients, the model gives none");
}

#[test]
fn what_an_expert_looks_at_changes_less() {
    // Two features that count alike for the model.
    let domain = Domain::uniform(2, 0.0, 1.0).unwrap();
    let model = linear(&[&[2.0, 2.0], &[-2.0, -2.0]], &[-1.5, 1.5]);
    let (rows, labels) = models::rows(&domain, &model, 60, 4);
    let loaded = model.load();
    let of = |importances: Value| {
        let parameters = json!({"importances": importances, "lambda": 0.5});
        attack(
            "lowprofool",
            &parameters,
            &loaded,
            &domain,
            (&rows, &labels),
            &Settings::new(Norm::L2, None),
        )
    };
    let moved = |attacked: &Attacked, j: usize| -> f64 {
        let changes = attacked.adversarial.chunks(2).zip(rows.chunks(2));
        changes.map(|(point, own)| f64::from((point[j] - own[j]).abs())).sum()
    };
    let first = of(json!([10.0, 1.0]));
    assert!(first.rows.iter().filter(|row| row.flipped.is_some()).count() > 50);
    assert!(moved(&first, 0) < 0.7 * moved(&first, 1), "{} {}", moved(&first, 0), moved(&first, 1));
    let second = of(json!([1.0, 10.0]));
    assert!(moved(&second, 1) < 0.7 * moved(&second, 0));
    let unit = find("lowprofool").unwrap();
    let one = json!({"importances": [1.0]});
    let parameters = unit.parameters.resolve(one.as_object().unwrap()).unwrap();
    let problem =
        Problem { model: &loaded, domain: &domain, rows: &rows, labels: &labels, surrogate: None };
    let settings = Settings::new(Norm::L2, None);
    let context = RunContext::with_seed(1);
    let error = run(unit, &parameters, &problem, &settings, &context, &|_| ()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`lowprofool` cannot be run so: 1 importances are given for 2 features"
    );
}

#[test]
fn a_flat_model_is_reported_as_one_without_gradients() {
    let domain = Domain::uniform(3, 0.0, 1.0).unwrap();
    let model = linear(&[&[0.0; 3], &[0.0; 3]], &[1.0, 0.0]).load();
    for (name, norm) in [
        ("deepfool", Norm::L2),
        ("ddn", Norm::L2),
        ("fmn", Norm::L1),
        ("cw", Norm::L2),
        ("ead", Norm::L1),
        ("jsma", Norm::L0),
        ("lowprofool", Norm::L2),
        ("pgd-ls", Norm::L2),
    ] {
        let quick = if name == "jsma" { json!({}) } else { json!({"steps": 3}) };
        let settings = Settings::new(norm, Some(0.5));
        let attacked = attack(name, &quick, &model, &domain, (&[0.5; 6], &[0, 0]), &settings);
        for row in &attacked.rows {
            assert!(row.flipped.is_none() && row.without_gradient, "{name}: {row:?}");
        }
    }
}
