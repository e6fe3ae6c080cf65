//! What can be asked of a model.

use rayon::prelude::*;

use crate::{Error, Loss, TreeEnsemble, Unsupported};

/// Most rows that the whole-batch functions give to one session at a time, and attacks should (see
/// [`Model::chunk_rows`]): ten of the matrix kernels' tiles of six rows. With more than 66 the matrix library would split one product over threads; with
/// fewer its fixed cost shows. It has no influence on results.
pub const CHUNK: usize = 60;

/// Shape and meaning of a model's input and outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelSpec {
    /// Name of the input.
    pub input: String,
    /// Shape of one sample, without the batch axis: `[12]` for a table, `[1, 28, 28]` for an image.
    pub input_shape: Vec<usize>,
    /// Values in one row: the product of `input_shape`.
    pub features: usize,
    /// Number of classes, at least two.
    pub classes: usize,
    /// Name of the model's output that the logits were taken from.
    pub output: String,
    /// How the logits follow from the model's own output.
    pub tap: LogitTap,
    /// Labels of the classes in the order of the logits, where the model itself states them.
    pub labels: Vec<String>,
    /// Operators between input and logits that have no gradient, because small changes of the input do not
    /// change what they yield. If there is one, the model runs forward only.
    pub without_gradient: Vec<Unsupported>,
}

/// Where the logits were taken from.
///
/// Attacks on probabilities stall where these saturate, so the end of a graph is cut back to what a softmax
/// would be applied to: `softmax(logits)` is the model's own probability, except where stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogitTap {
    /// The output as it is, two or more values. Whether a softmax is meant to follow, the file does not say.
    Output,
    /// The input of a final softmax or log-softmax.
    Softmax,
    /// The input `z` of a final sigmoid with one output: logits `[0, z]`.
    Sigmoid,
    /// A single output `z` without a sigmoid, read as the log-odds of class 1: logits `[0, z]`. The model may
    /// as well be a regressor, the file does not say.
    SingleOutput,
    /// One sigmoid for each class, normalised to sum 1 (one-vs-rest): logits are `log(sigmoid(z))`.
    OneVsRest,
    /// One sigmoid for each of several classes, not normalised: logits are the `z`, whose order is that of
    /// the outputs, but whose softmax is not the output.
    Sigmoids,
    /// The input of a final arg-max: the model itself gives labels only.
    ArgMax,
    /// Probabilities, of which there are no logits: the logits are their logarithms, so that the softmax gives
    /// them back. A probability of 0 counts as the smallest positive number.
    Probabilities,
    /// A class label only: see [`Access::Labels`].
    Labels,
}

impl ModelSpec {
    /// A model with inputs of `input_shape` and `classes` classes, whose logits are its output as it is.
    pub fn new(input_shape: Vec<usize>, classes: usize) -> Self {
        Self {
            input: "input".to_owned(),
            features: input_shape.iter().product(),
            input_shape,
            classes,
            output: "output".to_owned(),
            tap: LogitTap::Output,
            labels: Vec::new(),
            without_gradient: Vec::new(),
        }
    }
}

/// What a model lets one see: the least an attack needs, and the most a model gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// The class only. The logits are 1 for that class and 0 for all others.
    Labels,
    /// A score for each class.
    Scores,
    /// Scores and their gradients with respect to the input.
    Gradients,
}

/// A model that can be queried.
pub trait Model: Send + Sync {
    /// Shapes and meaning of input and outputs.
    fn spec(&self) -> &ModelSpec;

    /// What it lets one see.
    fn access(&self) -> Access {
        if self.spec().tap == LogitTap::Labels {
            Access::Labels
        } else if self.differentiable().is_some() {
            Access::Gradients
        } else {
            Access::Scores
        }
    }

    /// The same model with its gradients, if it has any.
    fn differentiable(&self) -> Option<&dyn Differentiable> {
        None
    }

    /// The decision trees that the logits are made of, if they are made of nothing else.
    fn trees(&self) -> Option<&TreeEnsemble> {
        None
    }

    /// Logits `[rows, classes]` of `rows`, `[rows, features]`.
    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error>;

    /// Softmax of the logits, `[rows, classes]`. Where it is not the model's own probability, its
    /// [`LogitTap`] says so.
    fn probabilities(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let mut values = self.logits(rows)?;
        for logits in values.chunks_exact_mut(self.classes()) {
            let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut total = 0.0;
            for value in logits.iter_mut() {
                *value = (*value - largest).exp();
                total += *value;
            }
            for value in logits.iter_mut() {
                *value /= total;
            }
        }
        Ok(values)
    }

    /// Most rows that one session should be given at a time, so that its memory stays small and its values near
    /// the processor: [`CHUNK`], fewer where a row has many intermediate values. It has no influence on results.
    fn chunk_rows(&self) -> usize {
        CHUNK
    }

    /// Values in one row.
    fn features(&self) -> usize {
        self.spec().features
    }

    /// Number of classes.
    fn classes(&self) -> usize {
        self.spec().classes
    }

    /// Class of each row: the first of the largest logits.
    fn predict(&self, rows: &[f32]) -> Result<Vec<usize>, Error> {
        let logits = self.logits(rows)?;
        Ok(logits.chunks_exact(self.classes()).map(arg_max).collect())
    }
}

/// A model whose gradient with respect to its input is known.
pub trait Differentiable: Model {
    /// A workspace for calls on one thread. Opening one is cheap; buffers grow to the largest call and are
    /// reused, so that a loop over steps allocates nothing after its first.
    fn session(&self) -> Box<dyn Session + '_>;

    /// The loss of each row `[rows]` and its gradient with respect to that row `[rows, features]`.
    /// Nothing is summed over rows.
    fn loss_and_gradient(
        &self,
        rows: &[f32],
        labels: &[usize],
        loss: Loss,
    ) -> Result<(Vec<f32>, Vec<f32>), Error> {
        check_rows(rows, self.features(), Some(labels.len()))?;
        let mut losses = vec![0.0; labels.len()];
        let mut gradients = vec![0.0; rows.len()];
        let chunk = self.chunk_rows();
        let width = chunk.saturating_mul(self.features());
        gradients
            .par_chunks_mut(width)
            .zip(losses.par_chunks_mut(chunk))
            .zip(rows.par_chunks(width).zip(labels.par_chunks(chunk)))
            .try_for_each_init(
                || self.session(),
                |session, ((gradients, losses), (rows, labels))| {
                    session.loss_and_gradient(rows, labels, loss, losses, gradients)
                },
            )?;
        Ok((losses, gradients))
    }
}

/// A workspace of one [`Differentiable`] model: the whole loop of an attack on a chunk of rows runs inside
/// one session, on one thread.
///
/// [`forward`](Self::forward) once, then [`backward`](Self::backward) as often as needed, each time with
/// another [`seed`](Self::outputs): the Jacobian takes one forward and one backward for each class.
pub trait Session: Send {
    /// Evaluates `rows`, `[rows, features]`; the logits are then in [`outputs`](Self::outputs).
    fn forward(&mut self, rows: &[f32]) -> Result<(), Error>;

    /// The logits `[rows, classes]` of the last forward, and the seed of the same shape: the derivative of
    /// some function with respect to each logit, to be written before [`backward`](Self::backward).
    fn outputs(&mut self) -> (&[f32], &mut [f32]);

    /// Writes the gradient of that function with respect to the rows of the last forward to `gradients`,
    /// `[rows, features]`.
    fn backward(&mut self, gradients: &mut [f32]) -> Result<(), Error>;

    /// Number of classes.
    fn classes(&self) -> usize;

    /// Class of each row: the first of the largest logits.
    fn predict(&mut self, rows: &[f32], classes: &mut [usize]) -> Result<(), Error> {
        let width = self.classes();
        self.forward(rows)?;
        let (logits, _) = self.outputs();
        check_length("classes", classes.len(), logits.len() / width)?;
        for (class, logits) in classes.iter_mut().zip(logits.chunks_exact(width)) {
            *class = arg_max(logits);
        }
        Ok(())
    }

    /// The loss of each row `[rows]` and its gradient with respect to that row `[rows, features]`.
    fn loss_and_gradient(
        &mut self,
        rows: &[f32],
        labels: &[usize],
        loss: Loss,
        losses: &mut [f32],
        gradients: &mut [f32],
    ) -> Result<(), Error> {
        let width = self.classes();
        self.forward(rows)?;
        let (logits, seed) = self.outputs();
        check_length("labels", labels.len(), logits.len() / width)?;
        check_length("losses", losses.len(), labels.len())?;
        let logits = logits.chunks_exact(width).zip(seed.chunks_exact_mut(width));
        for (row, ((&label, value), (logits, seed))) in
            labels.iter().zip(losses).zip(logits).enumerate()
        {
            if label >= width {
                return Err(Error::Label { row, label, classes: width });
            }
            *value = loss.value_and_seed(logits, label, seed);
        }
        self.backward(gradients)
    }
}

/// Index of the first of the largest values; a NaN is never the largest unless all are.
pub fn arg_max(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, &value) in values.iter().enumerate() {
        if value > values[best] || (values[best].is_nan() && !value.is_nan()) {
            best = index;
        }
    }
    best
}

/// Checks that `rows` are whole rows, as many as `expected` where that is given; answers how many.
pub(crate) fn check_rows(
    rows: &[f32],
    features: usize,
    expected: Option<usize>,
) -> Result<usize, Error> {
    let count = rows.len() / features;
    if !rows.len().is_multiple_of(features) || expected.is_some_and(|expected| expected != count) {
        return Err(Error::Rows { values: rows.len(), features, expected });
    }
    Ok(count)
}

pub(crate) fn check_length(
    what: &'static str,
    actual: usize,
    expected: usize,
) -> Result<(), Error> {
    if actual == expected { Ok(()) } else { Err(Error::Length { what, actual, expected }) }
}
