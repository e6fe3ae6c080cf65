//! From a decoded file to a program, or to the reasons why not.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

mod arithmetic;
mod attention;
mod classic;
mod columns;
mod conv;
mod dense;
mod document;
mod einsum;
mod ensemble;
mod extent;
mod graph;
mod indexing;
mod layout;
mod lightgbm;
mod linear;
mod movement;
mod normalization;
mod operators;
mod pool;
mod ranking;
mod recurrent;
mod reduce;
mod resize;
mod shape;
mod structure;
mod support;
mod tail;
mod value;
mod walk;
mod window;
mod xgboost;

use rayon::prelude::*;

use self::document::Value;
use crate::kernels::Kernel;
use crate::model::check_rows;
use crate::onnx;
use crate::program::{Program, Step};
use crate::session::Workspace;
use crate::{Differentiable, Error, Model, ModelSpec, Session, TreeEnsemble};

/// Loads a model of any format that is read: ONNX, XGBoost (JSON or UBJSON, of version 1.0 or later) or LightGBM
/// (text), told apart by their content.
///
/// A regressor comes as a model of two classes with logits `[0, z]`, where `z` is what it predicts before any
/// link function: the logarithm for Poisson, gamma and Tweedie regression.
///
/// # Errors
/// [`Error::Unrecognised`] if it is none of these; [`Error::Decode`] or [`Error::Malformed`] if it is damaged;
/// [`Error::Unsupported`] or [`Error::Graph`] if something in it is not supported or contradicts itself.
pub fn load(bytes: &[u8]) -> Result<Box<dyn Model>, Error> {
    let trimmed = bytes.trim_ascii_start();
    // UBJSON has the type of a length where JSON has a quote.
    let after_brace = bytes.strip_prefix(b"{").and_then(<[u8]>::first);
    let document =
        if matches!(after_brace, Some(b'i' | b'U' | b'I' | b'l' | b'L' | b'N' | b'$' | b'#')) {
            Value::from_ubjson(bytes)
        } else if trimmed.starts_with(b"{") {
            Value::from_json(bytes)
        } else if trimmed.starts_with(b"tree\n") || trimmed.starts_with(b"tree\r\n") {
            return lightgbm::build(bytes);
        } else {
            // Field 1 is the version, and some writers begin with another field.
            return match OnnxModel::load(bytes) {
                Ok(model) => Ok(Box::new(model)),
                Err(Error::Decode(_)) if !bytes.starts_with(b"\x08") => Err(Error::Unrecognised),
                Err(error) => Err(error),
            };
        };
    let malformed = |problem| Error::Malformed { format: "XGBoost model", problem };
    xgboost::build(&document.map_err(malformed)?)
}

/// A classifier from an ONNX file, with gradients with respect to its input unless
/// [`ModelSpec::without_gradient`] names operators that have none.
///
/// One input, `float` with the batch as first axis, and one output of class scores, whose end is cut back to
/// logits (see [`LogitTap`](crate::LogitTap)). A second output with the label, as scikit-learn models have
/// it, is ignored. Everything is computed in single precision: half and double precision in the file become
/// that, and integers that depend on the input are exact up to 2^24.
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
        let (spec, program) = walk::build(&model)?;
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

    fn chunk_rows(&self) -> usize {
        self.program.rows_at_once()
    }

    fn trees(&self) -> Option<&TreeEnsemble> {
        match self.program.steps.as_slice() {
            [Step { kernel: Kernel::Trees(trees), inputs, .. }] if inputs == &[0] => Some(trees),
            _ => None,
        }
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let (features, classes) = (self.spec.features, self.spec.classes);
        let count = check_rows(rows, features, None)?;
        let chunk = self.chunk_rows();
        let mut logits = vec![0.0; count.saturating_mul(classes)];
        logits
            .par_chunks_mut(chunk.saturating_mul(classes))
            .zip(rows.par_chunks(chunk.saturating_mul(features)))
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
