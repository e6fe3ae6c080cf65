//! The metrics against closed forms, and against models that are made to mislead.

use caiso_core::RunContext;
use caiso_inference::{Differentiable, Error, Model, ModelSpec, OnnxModel, Session};
use caiso_robustness::{
    Domain, FeatureDomain, GradientCheck, Norm, Over, Problem, Settings, empirical_robustness,
    find, fooled_by_other_only, gradient_check, loss_sensitivity, security_evaluation,
    stands_at_larger_epsilon,
};
use serde_json::{Map, json};

use crate::models::{attack, linear, network, rows};

fn problem<'a>(
    model: &'a dyn Model,
    domain: &'a Domain,
    rows: &'a [f32],
    labels: &'a [usize],
) -> Problem<'a> {
    Problem { model, domain, rows, labels, surrogate: None }
}

#[test]
fn empirical_robustness_of_a_linear_model_is_its_closed_form() {
    // The margin is 2 * (x + y - 1): from (0.9, 0.4) the sign of the gradient needs an epsilon of 0.15.
    let domain = Domain::uniform(2, 0.0, 1.0).unwrap();
    let model = linear(&[&[1.0, 1.0], &[-1.0, -1.0]], &[-1.0, 1.0]).load();
    let rows = [0.9, 0.4, 0.2, 0.1, 1.0, 1.0];
    let problem = problem(&model, &domain, &rows, &[0, 1, 0]);
    let context = RunContext::with_seed(1);
    let found = empirical_robustness(&problem, Norm::Linf, 0.1, 0.4, &context).unwrap();
    // 0.2 / 0.9 and 0.4 / 0.2; the last row would need more than 0.4.
    let expected = f64::midpoint(0.2 / 0.9, 0.4 / 0.2);
    assert_eq!((found.fooled, found.rows), (2, 3));
    assert!((found.value.unwrap() - expected).abs() < 1e-5, "{found:?}, {expected}");
    let none = empirical_robustness(&problem, Norm::Linf, 0.01, 0.02, &context).unwrap();
    assert_eq!((none.value, none.fooled), (None, 0));
}

#[test]
fn loss_sensitivity_of_a_linear_model_is_its_closed_form() {
    let domain = Domain::new(vec![
        FeatureDomain::continuous("a", 0.0, 1.0),
        FeatureDomain::continuous("b", -2.0, 2.0),
    ])
    .unwrap();
    let model = linear(&[&[1.0, 0.5], &[-1.0, 0.25]], &[0.1, 0.0]).load();
    let rows = [0.3_f32, -1.0, 0.8, 1.5];
    // The gradient is (1 - p) times the difference of the weights, the second in units of 4.
    let length = f64::hypot(2.0, 0.25 * 4.0);
    let expected: f64 = [(0.3, -1.0, 0), (0.8, 1.5, 1)]
        .into_iter()
        .map(|(a, b, label)| {
            let ahead: f64 = 2.0 * a + 0.25 * b + 0.1;
            let own = 1.0 / (1.0 + (if label == 0 { -ahead } else { ahead }).exp());
            (1.0 - own) * length / 2.0
        })
        .sum();
    let found = loss_sensitivity(&problem(&model, &domain, &rows, &[0, 1])).unwrap();
    assert!((found - expected).abs() < 1e-5, "{found}, {expected}");
}

/// A model whose gradients are multiplied by a factor: 0 hides them, -1 turns them round.
struct Misleading {
    model: OnnxModel,
    factor: f32,
}

struct MisleadingSession<'m>(Box<dyn Session + 'm>, f32);

impl Model for Misleading {
    fn spec(&self) -> &ModelSpec {
        self.model.spec()
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        self.model.logits(rows)
    }
}

impl Differentiable for Misleading {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(MisleadingSession(self.model.session(), self.factor))
    }
}

impl Session for MisleadingSession<'_> {
    fn forward(&mut self, rows: &[f32]) -> Result<(), Error> {
        self.0.forward(rows)
    }

    fn outputs(&mut self) -> (&[f32], &mut [f32]) {
        self.0.outputs()
    }

    fn backward(&mut self, gradients: &mut [f32]) -> Result<(), Error> {
        self.0.backward(gradients)?;
        for slope in gradients {
            *slope *= self.1;
        }
        Ok(())
    }

    fn classes(&self) -> usize {
        self.0.classes()
    }
}

#[test]
fn gradients_that_vanish_or_mislead_are_seen() {
    let domain = Domain::uniform(8, 0.0, 1.0).unwrap();
    let net = network(&[8, 16, 3], 5);
    let (rows, labels) = rows(&domain, &net, 50, 9);
    let check = |factor| {
        let model = Misleading { model: net.load(), factor };
        gradient_check(&problem(&model, &domain, &rows, &labels), 1e-3).unwrap()
    };
    let sound = GradientCheck { rows: 50, ..GradientCheck::default() };
    assert_eq!(check(1.0), sound);
    assert_eq!(check(0.0), GradientCheck { without_gradient: 50, ..sound });
    assert_eq!(check(f32::NAN), GradientCheck { not_finite: 50, ..sound });
    assert!(check(-1.0).not_rising >= 49);
    // An attack that follows such gradients stands where one that does not falls.
    let model = Misleading { model: net.load(), factor: -1.0 };
    let settings = Settings::new(Norm::Linf, Some(0.2));
    let data = (rows.as_slice(), labels.as_slice());
    let white = attack("fgsm", &json!({}), &model, &domain, data, &settings);
    let estimated = json!({"attack": "fgsm", "pairs": 10});
    let black = attack("nes", &estimated, &model, &domain, data, &settings);
    let masked = fooled_by_other_only(&white, &black, Norm::Linf, 0.2);
    assert!(masked.len() >= 10, "{masked:?}");
    let honest = attack("pgd", &json!({}), &net.load(), &domain, data, &settings);
    assert!(fooled_by_other_only(&honest, &white, Norm::Linf, 0.2).is_empty());
    // Turned round, the larger step leads farther into the right class.
    let small = Settings::new(Norm::Linf, Some(0.05));
    let strong = attack("pgd", &json!({}), &net.load(), &domain, data, &small);
    let missed = stands_at_larger_epsilon((0.05, &strong), (0.2, &white), Norm::Linf);
    assert!(!missed.is_empty());
    assert!(stands_at_larger_epsilon((0.05, &strong), (0.2, &honest), Norm::Linf).is_empty());
}

#[test]
fn a_curve_never_rises_with_epsilon_and_starts_at_the_clean_model() {
    let domain = Domain::uniform(8, 0.0, 1.0).unwrap();
    let net = network(&[8, 16, 3], 5);
    let (rows, labels) = rows(&domain, &net, 50, 9);
    let model = net.load();
    let problem = problem(&model, &domain, &rows, &labels);
    let context = RunContext::with_seed(1);
    for (name, norm) in [("pgd-ls", Norm::L2), ("fgsm", Norm::Linf), ("ddn", Norm::L2)] {
        let epsilons = [0.4, 0.1, 0.2];
        let settings = Settings::new(norm, None);
        let points = security_evaluation(
            find(name).unwrap(),
            &Map::new(),
            Over::Epsilons(&epsilons),
            &problem,
            &settings,
            &context,
        )
        .unwrap();
        let values: Vec<f64> = points.iter().filter_map(|point| point.value.as_f64()).collect();
        assert_eq!(values, [0.0, 0.1, 0.2, 0.4]);
        let standing: Vec<usize> = points
            .iter()
            .zip(&values)
            .map(|(point, &epsilon)| {
                let rows = &point.attacked.rows;
                rows.iter().filter(|row| row.stands(norm, epsilon)).count()
            })
            .collect();
        assert_eq!(standing[0], 50);
        assert!(standing.is_sorted_by(|a, b| a >= b) && standing[3] < 40, "{name}: {standing:?}");
    }
    let steps = [json!(1), json!(30)];
    let over = Over::Parameter("steps", &steps);
    let settings = Settings::new(Norm::Linf, Some(0.1));
    let of = |over| {
        let attack = find("pgd").unwrap();
        security_evaluation(attack, &Map::new(), over, &problem, &settings, &context)
    };
    let points = of(over).unwrap();
    assert_eq!(points.len(), 2);
    assert!(points[0].attacked.rows[0].queries < points[1].attacked.rows[0].queries);
    let error = of(Over::Parameter("stepz", &steps)).unwrap_err().to_string();
    assert!(error.starts_with("`pgd` cannot be run so: unknown parameter `stepz`"), "{error}");
}
