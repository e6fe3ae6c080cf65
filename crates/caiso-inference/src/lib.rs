//! Models one can run and differentiate: ONNX graphs with reverse mode.
//!
//! [`OnnxModel::load`] turns the bytes of an ONNX file into a model that answers with logits and with
//! gradients of a loss with respect to its input. What it cannot run exactly it refuses, naming every
//! operator at fault. [`onnx`] is the reader below it: it decodes any ONNX file, runnable or not, for
//! description.
//!
//! ```no_run
//! # fn main() -> Result<(), caiso_inference::Error> {
//! # let bytes: Vec<u8> = Vec::new();
//! use caiso_inference::{Differentiable, Loss, Model, OnnxModel};
//!
//! let model = OnnxModel::load(&bytes)?;
//! let rows = vec![0.5; 3 * model.features()];
//! let (losses, gradients) = model.loss_and_gradient(&rows, &[0, 1, 0], Loss::CrossEntropy)?;
//! assert_eq!(losses.len(), 3);
//! assert_eq!(gradients.len(), rows.len());
//! # Ok(())
//! # }
//! ```
//!
//! Rows are samples in row-major order, `[rows, features]`, as `f32`. A row's result depends on that row
//! alone: neither the number of rows in a call nor the number of threads changes a bit of it. (The kernels
//! are chosen by the processor at run time, so another processor may differ in the last bits.)

mod classifier;
mod error;
mod gemm;
mod kernels;
mod layout;
mod load;
mod loss;
mod model;
pub mod onnx;
mod program;
mod recorded;
mod session;
mod text;
mod thresholded;
mod trees;

pub use classifier::Classifier;
pub use error::{Error, Unsupported};
pub use load::{OnnxModel, load};
pub use loss::Loss;
pub use model::{Access, CHUNK, Differentiable, LogitTap, Model, ModelSpec, Session, arg_max};
pub use recorded::{Answers, Recorded, log_probability};
pub use text::{TextModel, TextSpec};
pub use thresholded::Thresholded;
pub use trees::{Scores, TreeEnsemble, TreeNode, TreeTest};
