//! Models whose robustness is an appearance, and what is said about them.

use std::sync::atomic::{AtomicU32, Ordering};

use caiso_inference::{Differentiable, Error, Model, ModelSpec, OnnxModel, Session};
use serde_json::json;

use crate::autoattack::fixture;
use crate::models::{attack, linear, linf, network};

/// What is done to a model that leaves its decisions as they are.
#[derive(Clone, Copy, PartialEq)]
enum Disguise {
    /// Gradients are zero.
    Flat,
    /// Gradients point the wrong way.
    Reversed,
    /// Softmax of the logits in place of the logits.
    Softmax,
    /// Logits are scaled by another number each time.
    Random,
}

struct Disguised {
    model: OnnxModel,
    disguise: Disguise,
    calls: AtomicU32,
}

impl Disguised {
    fn new(model: OnnxModel, disguise: Disguise) -> Self {
        Self { model, disguise, calls: AtomicU32::new(0) }
    }

    fn disguise(&self, values: &mut [f32]) {
        if self.disguise == Disguise::Softmax {
            for logits in values.chunks_mut(self.classes()) {
                let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let total: f32 = logits.iter().map(|z| (z - largest).exp()).sum();
                for z in logits {
                    *z = (*z - largest).exp() / total;
                }
            }
        }
        if self.disguise == Disguise::Random {
            let scale = 1.0 + 0.1 * self.calls.fetch_add(1, Ordering::Relaxed) as f32;
            for z in values {
                *z *= scale;
            }
        }
    }
}

impl Model for Disguised {
    fn spec(&self) -> &ModelSpec {
        self.model.spec()
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let mut logits = self.model.logits(rows)?;
        self.disguise(&mut logits);
        Ok(logits)
    }
}

impl Differentiable for Disguised {
    fn session(&self) -> Box<dyn Session + '_> {
        let session = self.model.session();
        Box::new(DisguisedSession { model: self, session, logits: Vec::new() })
    }
}

struct DisguisedSession<'m> {
    model: &'m Disguised,
    session: Box<dyn Session + 'm>,
    logits: Vec<f32>,
}

impl Session for DisguisedSession<'_> {
    fn forward(&mut self, rows: &[f32]) -> Result<(), Error> {
        self.session.forward(rows)?;
        self.logits = self.session.outputs().0.to_vec();
        self.model.disguise(&mut self.logits);
        Ok(())
    }

    fn outputs(&mut self) -> (&[f32], &mut [f32]) {
        (&self.logits, self.session.outputs().1)
    }

    fn backward(&mut self, gradients: &mut [f32]) -> Result<(), Error> {
        self.session.backward(gradients)?;
        match self.model.disguise {
            Disguise::Flat => gradients.fill(0.0),
            Disguise::Reversed => {
                for slope in gradients {
                    *slope = -*slope;
                }
            }
            Disguise::Softmax | Disguise::Random => {}
        }
        Ok(())
    }

    fn classes(&self) -> usize {
        self.session.classes()
    }
}

/// Notes of AutoAttack on the digits' network in disguise, and how many rows it broke.
fn disguised(disguise: Disguise) -> (Vec<String>, usize) {
    let (model, domain, rows, labels) = fixture("digits_mlp");
    let model = Disguised::new(model, disguise);
    let data = (&rows[..40 * 64], &labels[..40]);
    let parameters = json!({"steps": 15, "square_steps": 400});
    let attacked = attack("autoattack", &parameters, &model, &domain, data, &linf(0.15));
    let broken = attacked.rows.iter().filter(|row| row.is_correct() && row.flipped.is_some());
    (attacked.notes.clone(), broken.count())
}

#[test]
fn random_search_that_beats_gradients_shows_that_they_mislead() {
    let (notes, broken) = disguised(Disguise::Reversed);
    assert!(broken > 10);
    assert!(notes.iter().any(|note| note.contains("the gradients mislead")), "{notes:?}");
}

#[test]
fn gradients_of_zero_are_told() {
    let (notes, broken) = disguised(Disguise::Flat);
    assert!(broken > 10);
    assert!(notes.iter().any(|note| note.contains("fell to random search")), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("a gradient of zero")), "{notes:?}");
}

#[test]
fn probabilities_in_place_of_logits_are_told() {
    let (notes, _) = disguised(Disguise::Softmax);
    assert!(notes.iter().any(|note| note.contains("probabilities, not logits")), "{notes:?}");
}

#[test]
fn answers_that_change_are_told() {
    let (notes, _) = disguised(Disguise::Random);
    assert!(notes.iter().any(|note| note.contains("differently each time")), "{notes:?}");
}

#[test]
fn too_few_classes_for_the_ratio_of_logits_are_told() {
    let model = network(&[3, 8, 3], 4);
    let domain = caiso_robustness::Domain::uniform(3, 0.0, 1.0).unwrap();
    let (rows, labels) = crate::models::rows(&domain, &model, 30, 4);
    let data = (rows.as_slice(), labels.as_slice());
    let notes = |name: &str, model: &OnnxModel, labels: &[usize]| {
        let parameters = if name == "autoattack" { json!({"square_steps": 10}) } else { json!({}) };
        attack(name, &parameters, model, &domain, (data.0, labels), &linf(0.1)).notes
    };
    let three = model.load();
    let told = notes("apgd-dlr", &three, &labels);
    assert!(!told.iter().any(|note| note.contains("ratio needs")), "{told:?}");
    for name in ["apgd-t", "autoattack"] {
        let notes = notes(name, &three, &labels);
        assert!(
            notes[0].starts_with("apgd-t: the difference of logits ratio needs 4"),
            "{notes:?}"
        );
    }
    let two = linear(&[&[1.0, 0.0, 0.0], &[0.0, 1.0, 0.0]], &[0.0, 0.0]);
    let labels: Vec<usize> = rows.chunks(3).map(|row| two.class(row)).collect();
    let told = notes("apgd-dlr", &two.load(), &labels);
    assert!(told[0].contains("needs 3 classes and there are 2"), "{told:?}");
}
