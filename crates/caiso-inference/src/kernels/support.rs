/// Sums of a kernel function between the row and support vectors: decision functions of support vector machines.
pub(crate) struct SupportVectors {
    /// `[vectors, features]`.
    pub(crate) vectors: Vec<f32>,
    pub(crate) features: usize,
    /// Weight of each vector in each decision function, `[functions, vectors]`.
    pub(crate) weights: Vec<f32>,
    /// What is added to each decision function.
    pub(crate) offsets: Vec<f32>,
    pub(crate) similarity: Similarity,
}

/// How alike a row and a support vector are; `dot` is their scalar product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Similarity {
    /// `dot`.
    Linear,
    /// `(gamma dot + offset)^degree`.
    Polynomial { gamma: f32, offset: f32, degree: f32 },
    /// `exp(-gamma |x - v|^2)`.
    Gaussian { gamma: f32 },
    /// `tanh(gamma dot + offset)`.
    Sigmoid { gamma: f32, offset: f32 },
}

impl SupportVectors {
    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        let functions = self.offsets.len();
        let count = self.vectors.len() / self.features;
        let mut similar = vec![0.0; count];
        for (row, out) in input.chunks_exact(self.features).zip(out.chunks_exact_mut(functions)) {
            self.similarities(row, &mut similar);
            for ((out, weights), &offset) in
                out.iter_mut().zip(self.weights.chunks_exact(count)).zip(&self.offsets)
            {
                let terms = weights.iter().zip(&similar).map(|(&w, &k)| f64::from(w) * k);
                *out = (terms.sum::<f64>() + f64::from(offset)) as f32;
            }
        }
    }

    pub(super) fn backward(&self, input: &[f32], seed: &[f32], gradient: &mut [f32]) {
        let functions = self.offsets.len();
        let count = self.vectors.len() / self.features;
        let mut similar = vec![0.0; count];
        let rows = input.chunks_exact(self.features).zip(gradient.chunks_exact_mut(self.features));
        for ((row, gradient), seed) in rows.zip(seed.chunks_exact(functions)) {
            self.similarities(row, &mut similar);
            for (index, vector) in self.vectors.chunks_exact(self.features).enumerate() {
                let weights = self.weights.iter().skip(index).step_by(count);
                let weight: f64 =
                    seed.iter().zip(weights).map(|(&s, &w)| f64::from(s) * f64::from(w)).sum();
                // The slope along the vector, and along the row itself.
                let (along, own) = self.slope(similar[index], dot(row, vector));
                for ((gradient, &v), &x) in gradient.iter_mut().zip(vector).zip(row) {
                    let slope = along * f64::from(v) + own * f64::from(x);
                    *gradient += (weight * slope) as f32;
                }
            }
        }
    }

    fn similarities(&self, row: &[f32], similar: &mut [f64]) {
        for (similar, vector) in similar.iter_mut().zip(self.vectors.chunks_exact(self.features)) {
            *similar = match self.similarity {
                Similarity::Linear => dot(row, vector),
                Similarity::Polynomial { gamma, offset, degree } => {
                    (f64::from(gamma) * dot(row, vector) + f64::from(offset)).powf(degree.into())
                }
                Similarity::Gaussian { gamma } => {
                    let squares = row.iter().zip(vector).map(|(&x, &v)| {
                        let difference = f64::from(x) - f64::from(v);
                        difference * difference
                    });
                    (-f64::from(gamma) * squares.sum::<f64>()).exp()
                }
                Similarity::Sigmoid { gamma, offset } => {
                    (f64::from(gamma) * dot(row, vector) + f64::from(offset)).tanh()
                }
            };
        }
    }

    fn slope(&self, similar: f64, dot: f64) -> (f64, f64) {
        match self.similarity {
            Similarity::Linear => (1.0, 0.0),
            Similarity::Polynomial { gamma, offset, degree } => {
                let (gamma, degree) = (f64::from(gamma), f64::from(degree));
                let base = gamma * dot + f64::from(offset);
                (degree * base.powf(degree - 1.0) * gamma, 0.0)
            }
            Similarity::Gaussian { gamma } => {
                let slope = 2.0 * f64::from(gamma) * similar;
                (slope, -slope)
            }
            Similarity::Sigmoid { gamma, .. } => {
                ((1.0 - similar * similar) * f64::from(gamma), 0.0)
            }
        }
    }
}

fn dot(row: &[f32], vector: &[f32]) -> f64 {
    row.iter().zip(vector).map(|(&x, &v)| f64::from(x) * f64::from(v)).sum()
}

/// One score for each of several classes from decisions between each pair of them: the votes for a class, plus less than a
/// half by how clearly it wins, as scikit-learn joins them.
pub(crate) struct OneVsOne {
    pub(crate) classes: usize,
}

impl OneVsOne {
    /// The pairs in order, the class first that a positive decision is for.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let classes = self.classes;
        (0..classes).flat_map(move |first| (first + 1..classes).map(move |second| (first, second)))
    }

    fn confidences(&self, decisions: &[f32], into: &mut [f32]) {
        into.fill(0.0);
        for ((first, second), &decision) in self.pairs().zip(decisions) {
            into[first] += decision;
            into[second] -= decision;
        }
    }

    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        let pairs = self.classes * (self.classes - 1) / 2;
        for (decisions, out) in input.chunks_exact(pairs).zip(out.chunks_exact_mut(self.classes)) {
            self.confidences(decisions, out);
            for out in out.iter_mut() {
                *out /= 3.0 * (out.abs() + 1.0);
            }
            for ((first, second), &decision) in self.pairs().zip(decisions) {
                out[if decision > 0.0 { first } else { second }] += 1.0;
            }
        }
    }

    pub(super) fn backward(&self, input: &[f32], seed: &[f32], gradient: &mut [f32]) {
        let pairs = self.classes * (self.classes - 1) / 2;
        let mut slopes = vec![0.0; self.classes];
        let rows = input.chunks_exact(pairs).zip(gradient.chunks_exact_mut(pairs));
        for ((decisions, gradient), seed) in rows.zip(seed.chunks_exact(self.classes)) {
            self.confidences(decisions, &mut slopes);
            for (slope, seed) in slopes.iter_mut().zip(seed) {
                let size = slope.abs() + 1.0;
                *slope = seed / (3.0 * size * size);
            }
            for ((first, second), gradient) in self.pairs().zip(gradient) {
                *gradient += slopes[first] - slopes[second];
            }
        }
    }
}
