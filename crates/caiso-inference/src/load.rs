//! From a decoded file to a program, or to the reasons why not.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

mod arithmetic;
mod classic;
mod dense;
mod einsum;
mod extent;
mod graph;
mod indexing;
mod layout;
mod movement;
mod normalization;
mod operators;
mod ranking;
mod reduce;
mod resize;
mod shape;
mod structure;
mod tail;
mod value;

use rayon::prelude::*;

use crate::model::check_rows;
use crate::onnx;
use crate::program::Program;
use crate::session::Workspace;
use crate::{CHUNK, Differentiable, Error, Model, ModelSpec, Session};

/// A classifier from an ONNX file, with gradients with respect to its input unless
/// [`ModelSpec::without_gradient`] names operators that have none.
///
/// One input, `float` with the batch as first axis, and one output of class scores, whose end is cut back to
/// logits (see [`LogitTap`](crate::LogitTap)). A second output with the label, as scikit-learn models have
/// it, is ignored.
pub struct OnnxModel {
    spec: ModelSpec,
    program: Program,
}

impl OnnxModel {
    /// Domains and names of the operators that can be run, at least in some forms.
    pub fn operators() -> &'static [(&'static str, &'static str)] {
        operators::NAMES
    }

    /// Loads the bytes of a file.
    ///
    /// # Errors
    /// [`Error::Decode`] if the bytes are not a whole ONNX file, [`Error::Unsupported`] with every operator
    /// that stands in the way, [`Error::Graph`] if the graph contradicts itself, has its data elsewhere, or
    /// is no classifier of independent rows.
    pub fn load(bytes: &[u8]) -> Result<Self, Error> {
        let model = onnx::Model::decode(bytes)?;
        let (spec, program) = graph::build(&model)?;
        Ok(Self { spec, program })
    }
}

impl Model for OnnxModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        self.program.differentiable().then_some(self)
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let (features, classes) = (self.spec.features, self.spec.classes);
        let count = check_rows(rows, features, None)?;
        let mut logits = vec![0.0; count.saturating_mul(classes)];
        logits
            .par_chunks_mut(CHUNK.saturating_mul(classes))
            .zip(rows.par_chunks(CHUNK.saturating_mul(features)))
            .try_for_each_init(
                || Workspace::new(&self.program),
                |session, (logits, rows)| {
                    session.forward(rows)?;
                    logits.copy_from_slice(session.outputs().0);
                    Ok::<(), Error>(())
                },
            )?;
        Ok(logits)
    }
}

impl Differentiable for OnnxModel {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Workspace::new(&self.program))
    }
}
