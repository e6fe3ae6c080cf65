//! A model with its class names and a count of the questions it was asked.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::check_length;
use crate::{Access, Differentiable, Error, Model, ModelSpec, Session};

/// A differentiable model whose classes have names and whose queries are counted.
///
/// It is itself [`Differentiable`]: what an attack asks of it, also through sessions, is counted. One query
/// is one row evaluated; a gradient is no query of its own.
pub struct Classifier<M> {
    model: M,
    labels: Vec<String>,
    queries: AtomicU64,
}

impl<M: Differentiable> Classifier<M> {
    /// Names the classes of `model`, in the order of its logits.
    pub fn new(model: M, labels: Vec<String>) -> Result<Self, Error> {
        check_length("list of class names", labels.len(), model.classes())?;
        Ok(Self { model, labels, queries: AtomicU64::new(0) })
    }

    /// Names of the classes, in the order of the logits.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Rows evaluated so far.
    pub fn queries(&self) -> u64 {
        self.queries.load(Ordering::Relaxed)
    }

    fn count(&self, rows: &[f32]) {
        self.queries.fetch_add((rows.len() / self.model.features()) as u64, Ordering::Relaxed);
    }
}

impl<M: Differentiable> Model for Classifier<M> {
    fn spec(&self) -> &ModelSpec {
        self.model.spec()
    }

    fn access(&self) -> Access {
        self.model.access()
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        self.model.differentiable().map(|_| self as &dyn Differentiable)
    }

    fn chunk_rows(&self) -> usize {
        self.model.chunk_rows()
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let logits = self.model.logits(rows)?;
        self.count(rows);
        Ok(logits)
    }
}

impl<M: Differentiable> Differentiable for Classifier<M> {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Counted { session: self.model.session(), classifier: self })
    }
}

struct Counted<'m, M> {
    session: Box<dyn Session + 'm>,
    classifier: &'m Classifier<M>,
}

impl<M: Differentiable> Session for Counted<'_, M> {
    fn forward(&mut self, rows: &[f32]) -> Result<(), Error> {
        self.session.forward(rows)?;
        self.classifier.count(rows);
        Ok(())
    }

    fn outputs(&mut self) -> (&[f32], &mut [f32]) {
        self.session.outputs()
    }

    fn backward(&mut self, gradients: &mut [f32]) -> Result<(), Error> {
        self.session.backward(gradients)
    }

    fn classes(&self) -> usize {
        self.session.classes()
    }
}
