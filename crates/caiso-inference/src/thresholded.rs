//! A regressor that decides: two classes on either side of a threshold.

use crate::model::check_rows;
use crate::{Differentiable, Error, LogitTap, Model, ModelSpec, Session, TreeEnsemble};

/// A model with a single output `z`, read as a classifier of whether `z` exceeds a threshold: logits
/// `[0, z - threshold]`.
///
/// `z` is what the model gives before any link function, as its [`LogitTap::SingleOutput`] has it.
pub struct Thresholded {
    model: Box<dyn Model>,
    threshold: f32,
    trees: Option<TreeEnsemble>,
}

impl Thresholded {
    /// Class 1 of `model` is what exceeds `threshold`.
    ///
    /// # Errors
    /// If the model is no regressor with one output, or the threshold is not finite.
    pub fn new(model: Box<dyn Model>, threshold: f32) -> Result<Self, Error> {
        let fault = |problem: String| {
            Err(Error::Graph { at: format!("output {:?}", model.spec().output), problem })
        };
        if model.spec().tap != LogitTap::SingleOutput {
            return fault("holds scores of classes already, expected a single value".to_owned());
        }
        if !threshold.is_finite() {
            return fault(format!("cannot be compared with {threshold}, expected a finite number"));
        }
        let trees = model.trees().map(|trees| trees.lowered(f64::from(threshold)));
        Ok(Self { model, threshold, trees })
    }

    fn lower(&self, logits: &mut [f32]) {
        for [_, z] in logits.as_chunks_mut::<2>().0 {
            *z -= self.threshold;
        }
    }
}

impl Model for Thresholded {
    fn spec(&self) -> &ModelSpec {
        self.model.spec()
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        self.model.differentiable().is_some().then_some(self)
    }

    fn chunk_rows(&self) -> usize {
        self.model.chunk_rows()
    }

    fn trees(&self) -> Option<&TreeEnsemble> {
        self.trees.as_ref()
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        if let Some(trees) = &self.trees {
            // The threshold comes off before the sum is rounded.
            check_rows(rows, self.features(), None)?;
            return Ok(trees.logits_of(&trees.sums(rows)));
        }
        let mut logits = self.model.logits(rows)?;
        self.lower(&mut logits);
        Ok(logits)
    }
}

impl Differentiable for Thresholded {
    fn session(&self) -> Box<dyn Session + '_> {
        let session = self.model.differentiable().map(Differentiable::session);
        Box::new(Lowered { session, model: self, logits: Vec::new(), seed: Vec::new() })
    }
}

/// The session of the inner model, whose logits are lowered by the threshold.
struct Lowered<'m> {
    /// None if the model has no gradient.
    session: Option<Box<dyn Session + 'm>>,
    model: &'m Thresholded,
    logits: Vec<f32>,
    seed: Vec<f32>,
}

impl Session for Lowered<'_> {
    fn forward(&mut self, rows: &[f32]) -> Result<(), Error> {
        self.logits.clear();
        match &mut self.session {
            Some(session) => {
                session.forward(rows)?;
                self.logits.extend_from_slice(session.outputs().0);
                self.model.lower(&mut self.logits);
            }
            None => self.logits.extend(self.model.logits(rows)?),
        }
        self.seed.resize(self.logits.len(), 0.0);
        Ok(())
    }

    fn outputs(&mut self) -> (&[f32], &mut [f32]) {
        let seed = match &mut self.session {
            Some(session) => session.outputs().1,
            None => &mut self.seed,
        };
        (&self.logits, seed)
    }

    fn backward(&mut self, gradients: &mut [f32]) -> Result<(), Error> {
        self.session.as_mut().ok_or(Error::NoGradient)?.backward(gradients)
    }

    fn classes(&self) -> usize {
        2
    }
}
