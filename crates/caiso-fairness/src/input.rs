//! What a fairness check works on.

/// Labelled decisions and the protected attributes of the people they are about.
#[derive(Clone, Debug, Default)]
pub struct FairnessInput {
    /// Component of the system: `model:mortgage`.
    pub component: String,
    /// File of the model, relative to the manifest.
    pub path: Option<String>,
    /// The favourable outcome in words: `deny = no`.
    pub favourable: String,
    /// Whether the true outcome of each row is the favourable one.
    pub actual: Vec<bool>,
    /// Whether the predicted outcome of each row is the favourable one.
    pub predicted: Vec<bool>,
    /// The protected attributes.
    pub attributes: Vec<Attribute>,
}

/// A protected attribute of every row.
#[derive(Clone, Debug, Default)]
pub struct Attribute {
    /// Column: `afam`.
    pub name: String,
    /// Name for people: `African American`.
    pub title: String,
    /// Names of the groups. The empty text stands for rows without a value: a group of its own.
    pub values: Vec<String>,
    /// Index into `values` for each row.
    pub groups: Vec<u32>,
    /// The values that form the privileged group; all others are compared with it.
    pub privileged: Vec<String>,
}

impl Attribute {
    /// Whether each of `values` is privileged.
    pub(crate) fn is_privileged(&self) -> Vec<bool> {
        self.values.iter().map(|value| self.privileged.contains(value)).collect()
    }
}

/// An input that does not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FairnessError {
    /// Nothing to compare.
    #[error("the data set names no protected attribute")]
    NoAttribute,
    /// Nothing to count.
    #[error("there are no rows")]
    NoRows,
    /// Columns of different lengths.
    #[error("`{what}` has {found} rows, expected {expected}")]
    Length {
        /// Which column.
        what: String,
        /// Its rows.
        found: usize,
        /// Rows of the true outcome.
        expected: usize,
    },
    /// A group index without a name.
    #[error("row {row} of `{attribute}` is in group {group} of {groups}")]
    Group {
        /// Attribute.
        attribute: String,
        /// Row from 1.
        row: usize,
        /// Its index.
        group: u32,
        /// Number of groups.
        groups: usize,
    },
    /// A privileged value that is no group.
    #[error("no group of `{attribute}` is `{value}`; groups: {}", known.join(", "))]
    Privileged {
        /// Attribute.
        attribute: String,
        /// The value named.
        value: String,
        /// The groups there are.
        known: Vec<String>,
    },
    /// The cube would have more cells than can be numbered.
    #[error("the protected attributes have more than 2^64 combinations")]
    TooManyCombinations,
}

impl FairnessInput {
    /// Checks that the columns fit together.
    pub(crate) fn check(&self) -> Result<(), FairnessError> {
        if self.attributes.is_empty() {
            return Err(FairnessError::NoAttribute);
        }
        let rows = self.actual.len();
        if rows == 0 {
            return Err(FairnessError::NoRows);
        }
        let length = |what: &str, found: usize| {
            let what = what.to_owned();
            let error = FairnessError::Length { what, found, expected: rows };
            if found == rows { Ok(()) } else { Err(error) }
        };
        length("predicted", self.predicted.len())?;
        for attribute in &self.attributes {
            length(&attribute.name, attribute.groups.len())?;
            let groups = attribute.values.len();
            if let Some(row) = attribute.groups.iter().position(|&g| g as usize >= groups) {
                let (attribute, group) = (attribute.name.clone(), attribute.groups[row]);
                return Err(FairnessError::Group { attribute, row: row + 1, group, groups });
            }
            let unknown = |value: &&String| !attribute.values.contains(value);
            if let Some(value) = attribute.privileged.iter().find(unknown) {
                return Err(FairnessError::Privileged {
                    attribute: attribute.name.clone(),
                    value: value.clone(),
                    known: attribute.values.clone(),
                });
            }
        }
        Ok(())
    }
}
