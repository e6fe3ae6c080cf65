//! ONNX files with operators that caiso lacks, run forward by a library of onnxruntime that the user names.
//!
//! The library is loaded at run time, nothing is downloaded. There are no gradients, so only attacks that see scores apply.

use std::path::Path;
use std::sync::{Mutex, OnceLock};

use caiso_inference::{Error, LogitTap, Model, ModelSpec, Unsupported};
use ort::environment::Environment;
use ort::session::{Session, SessionInputValue};
use ort::value::{Tensor, ValueType};

/// How far the values of one row may sum from 1 and still be probabilities.
const SUM: f32 = 1e-4;

/// There is one for each process; the first library that is named stays.
static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();

/// Why onnxruntime cannot run a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrtError {
    /// The library cannot be loaded.
    #[error("onnxruntime cannot be loaded: {0}")]
    Library(String),
    /// It refuses the model, or the model is no classifier of rows.
    #[error("onnxruntime cannot run the model: {0}")]
    Model(String),
}

/// A model in onnxruntime.
pub struct OrtModel {
    spec: ModelSpec,
    session: Mutex<Session>,
    /// Place of the output with the scores.
    output: usize,
}

impl OrtModel {
    /// Loads the bytes of an ONNX file into the library at `library`, for the operators at fault that caiso's own loader
    /// names.
    ///
    /// Whether the scores are probabilities is told by a row of zeros: if its values lie in [0, 1] and sum to 1 they are.
    pub fn load(library: &Path, bytes: &[u8], lacking: Vec<Unsupported>) -> Result<Self, OrtError> {
        let model = |error: &dyn std::fmt::Display| OrtError::Model(error.to_string());
        let environment = ENVIRONMENT
            .get_or_init(|| {
                let builder = ort::init_from(library).map_err(|error| error.to_string())?;
                builder.build().map_err(|error| error.to_string())
            })
            .as_ref()
            .map_err(|error| OrtError::Library(error.clone()))?;
        let session = Session::builder(environment)
            .map_err(|error| model(&error))?
            .with_intra_threads(1)
            .map_err(|error| model(&error))?
            .with_inter_threads(1)
            .map_err(|error| model(&error))?
            .commit_from_memory(bytes)
            .map_err(|error| model(&error))?;
        let [input] = session.inputs() else {
            let inputs = session.inputs().len();
            return Err(OrtError::Model(format!("it has {inputs} inputs, expected one")));
        };
        let shape = match input.dtype() {
            ValueType::Tensor { shape, .. } => shape.iter().skip(1).copied().collect::<Vec<i64>>(),
            _ => Vec::new(),
        };
        let known: Option<Vec<usize>> =
            shape.iter().map(|&length| usize::try_from(length).ok().filter(|&n| n > 0)).collect();
        let shape = known.filter(|shape| !shape.is_empty()).ok_or_else(|| {
            OrtError::Model(format!(
                "its input has shape {shape:?} after the batch, expected fixed lengths"
            ))
        })?;
        let mut spec = ModelSpec::new(shape, 2);
        input.name().clone_into(&mut spec.input);
        spec.without_gradient = lacking;
        let mut loaded = Self { spec, session: Mutex::new(session), output: 0 };
        loaded.choose_output()?;
        Ok(loaded)
    }

    /// Finds the first output of numbers and what they are.
    fn choose_output(&mut self) -> Result<(), OrtError> {
        let zeros = vec![0.0; self.spec.features];
        let names: Vec<String> = {
            let session =
                self.session.get_mut().map_err(|error| OrtError::Model(error.to_string()))?;
            session.outputs().iter().map(|output| output.name().to_owned()).collect()
        };
        for (place, name) in names.into_iter().enumerate() {
            self.output = place;
            let Ok(values) = self.row(&zeros) else { continue };
            let in_range = values.iter().all(|value| (0.0..=1.0).contains(value));
            self.spec.output = name;
            self.spec.classes = values.len().max(2);
            self.spec.tap = match values.len() {
                0 => continue,
                1 => LogitTap::SingleOutput,
                _ if in_range && (values.iter().sum::<f32>() - 1.0).abs() < SUM => {
                    LogitTap::Probabilities
                }
                _ => LogitTap::Output,
            };
            return Ok(());
        }
        Err(OrtError::Model("none of its outputs holds 32-bit floats".to_owned()))
    }

    /// The output for one row. Rows are run one by one: so none depends on what it is run together with.
    fn row(&self, row: &[f32]) -> Result<Vec<f32>, Error> {
        let failed =
            |error: &dyn std::fmt::Display| Error::NoAnswer(format!("onnxruntime: {error}"));
        let lengths = self.spec.input_shape.iter().map(|&length| length as i64);
        let shape: Vec<i64> = std::iter::once(1).chain(lengths).collect();
        let tensor = Tensor::from_array((shape, row.to_vec())).map_err(|error| failed(&error))?;
        let mut session = self.session.lock().map_err(|error| failed(&error))?;
        let inputs: [SessionInputValue<'_>; 1] = [tensor.into()];
        let outputs = session.run(inputs).map_err(|error| failed(&error))?;
        let (_, values) =
            outputs[self.output].try_extract_tensor::<f32>().map_err(|error| failed(&error))?;
        Ok(values.to_vec())
    }
}

impl Model for OrtModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let (features, classes) = (self.spec.features, self.spec.classes);
        if !rows.len().is_multiple_of(features) {
            return Err(Error::Rows { values: rows.len(), features, expected: None });
        }
        let mut logits = Vec::with_capacity(rows.len() / features * classes);
        for row in rows.chunks_exact(features) {
            let mut values = self.row(row)?;
            match self.spec.tap {
                LogitTap::SingleOutput => values.insert(0, 0.0),
                LogitTap::Probabilities => {
                    for value in &mut values {
                        *value = caiso_inference::log_probability(*value);
                    }
                }
                _ => {}
            }
            if values.len() != classes {
                let given = values.len();
                return Err(Error::NoAnswer(format!(
                    "onnxruntime gave {given} scores, expected {classes}"
                )));
            }
            logits.extend(values);
        }
        Ok(logits)
    }
}
