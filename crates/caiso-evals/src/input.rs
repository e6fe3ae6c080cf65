//! What an evaluation works on.

/// Labelled rows with the model's answers.
#[derive(Clone, Debug, Default)]
pub struct SkillInput {
    /// Component of the system: `model:mortgage`.
    pub component: String,
    /// File of the model, relative to the manifest.
    pub path: Option<String>,
    /// Names of the classes, at least two.
    pub classes: Vec<String>,
    /// True class of each row, from 0.
    pub actual: Vec<usize>,
    /// Predicted class of each row, from 0.
    pub predicted: Vec<usize>,
    /// Predicted probabilities, row-major `rows × classes`, where the model gives them.
    pub probabilities: Option<Vec<f32>>,
}

/// An input that does not fit together.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalsError {
    /// No rows.
    #[error("there are no labelled rows")]
    NoRows,
    /// Fewer than two classes.
    #[error("the model has {0} classes, expected at least 2")]
    Classes(usize),
    /// Columns of different lengths.
    #[error("{what} has {found} values, expected {expected}")]
    Length {
        /// Which column.
        what: &'static str,
        /// Its values.
        found: usize,
        /// Values that fit.
        expected: usize,
    },
    /// A class that does not exist.
    #[error("row {row} has {what} class {class} of {classes}")]
    Class {
        /// Row from 1.
        row: usize,
        /// `true` or `predicted`.
        what: &'static str,
        /// The class.
        class: usize,
        /// Number of classes.
        classes: usize,
    },
    /// Numbers that are no probabilities.
    #[error("row {row} has probabilities that {problem}")]
    Probabilities {
        /// Row from 1.
        row: usize,
        /// What is wrong.
        problem: String,
    },
    /// All rows have one label.
    #[error("every row has the true class `{0}`")]
    OneClass(String),
}

/// How far the probabilities of a row may be from adding up to 1: they are computed in 32 bits.
const SUM_TOLERANCE: f64 = 1e-3;

impl SkillInput {
    /// Checks that the columns fit together and that two classes occur.
    pub(crate) fn check(&self) -> Result<(), EvalsError> {
        let (rows, classes) = (self.actual.len(), self.classes.len());
        if classes < 2 {
            return Err(EvalsError::Classes(classes));
        }
        if rows == 0 {
            return Err(EvalsError::NoRows);
        }
        let length = |what, found, expected| {
            if found == expected {
                Ok(())
            } else {
                Err(EvalsError::Length { what, found, expected })
            }
        };
        length("the prediction", self.predicted.len(), rows)?;
        for (what, column) in [("true", &self.actual), ("predicted", &self.predicted)] {
            if let Some(row) = column.iter().position(|&class| class >= classes) {
                let class = column[row];
                return Err(EvalsError::Class { row: row + 1, what, class, classes });
            }
        }
        if let Some(probabilities) = &self.probabilities {
            length("the probability table", probabilities.len(), rows.saturating_mul(classes))?;
            for (row, values) in probabilities.chunks_exact(classes).enumerate() {
                if let Some(problem) = problem_of(values) {
                    return Err(EvalsError::Probabilities { row: row + 1, problem });
                }
            }
        }
        if self.actual.iter().all(|&class| class == self.actual[0]) {
            return Err(EvalsError::OneClass(self.classes[self.actual[0]].clone()));
        }
        Ok(())
    }
}

fn problem_of(probabilities: &[f32]) -> Option<String> {
    if let Some(value) = probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Some(format!("hold {value}, expected numbers from 0 to 1"));
    }
    let sum: f64 = probabilities.iter().map(|&p| f64::from(p)).sum();
    ((sum - 1.0).abs() > SUM_TOLERANCE).then(|| format!("add up to {sum:.4}, expected 1"))
}
