//! What can be wrong with a table.

use std::fmt;

use caiso_core::Diagnostic;

/// A problem in a data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataError {
    /// File as the caller named it.
    pub file: String,
    /// Line from 1, where the problem is at one.
    pub line: Option<u64>,
    /// What is wrong.
    pub problem: Problem,
}

impl DataError {
    /// What to do about it, where that is known.
    pub fn help(&self) -> Option<String> {
        self.problem.help()
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for DataError {}

impl From<DataError> for Diagnostic {
    /// The problem with its help; without the source line, which can hold personal data.
    fn from(error: DataError) -> Self {
        let line = error.line.unwrap_or(0);
        let diagnostic =
            Self::at(&error.file, "", line, u64::from(line > 0), error.problem.to_string());
        match error.help() {
            Some(help) => diagnostic.with_help(help),
            None => diagnostic,
        }
    }
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// No bytes, or nothing but blank lines.
    #[error("is empty, expected a heading line and rows")]
    Empty,
    /// A heading without rows.
    #[error("has a heading but no rows")]
    NoRows,
    /// Not text.
    #[error("byte {byte} of the file is not UTF-8 text")]
    NotUtf8 {
        /// Offset in the file, from 0.
        byte: u64,
    },
    /// Not a readable array.
    #[error("{reason}")]
    Npy {
        /// What is wrong.
        reason: String,
    },
    /// Not a Parquet file that can be read.
    #[error("{reason}")]
    Parquet {
        /// What is wrong.
        reason: String,
    },
    /// A column without a name.
    #[error("column {position} has no name in the heading")]
    Unnamed {
        /// Position from 1.
        position: usize,
    },
    /// Two columns of one name.
    #[error("the heading names `{name}` twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// More columns than [`crate::MAX_COLUMNS`].
    #[error("has {columns} columns, expected at most {}", crate::MAX_COLUMNS)]
    TooManyColumns {
        /// How many.
        columns: usize,
    },
    /// A row with more or fewer cells than the heading.
    #[error("has {cells} cells, expected {expected} as in the heading")]
    Ragged {
        /// Cells of the row.
        cells: usize,
        /// Cells of the heading.
        expected: usize,
    },
    /// A cell longer than [`crate::MAX_CELL_BYTES`].
    #[error(
        "a cell of `{column}` is {bytes} bytes long, expected at most {}",
        crate::MAX_CELL_BYTES
    )]
    HugeCell {
        /// Its column.
        column: String,
        /// Its length.
        bytes: usize,
    },
    /// A quotation mark without its partner.
    #[error("a quotation mark opens here and never closes")]
    OpenQuote,
    /// No such column.
    #[error("has no column `{name}`")]
    NoColumn {
        /// The name asked for.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
        /// All names.
        known: Vec<String>,
        /// The mark that seems to separate the cells, when it is not the comma.
        delimiter: Option<char>,
    },
    /// A cell that cannot be used.
    #[error("`{column}` is {}, expected {expected}", shown(value))]
    Cell {
        /// Its column.
        column: String,
        /// Its text.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// Labels that are none of the classes.
    #[error("`{column}` holds {}, expected {}", counted(found), quoted(classes))]
    Labels {
        /// Column of the labels.
        column: String,
        /// Every label of the column with its number of rows, in ascending order.
        found: Vec<(String, u64)>,
        /// The classes expected.
        classes: Vec<String>,
    },
    /// A list of classes, or an encoding, that cannot be used.
    #[error("`{column}`: {reason}")]
    Description {
        /// The column described.
        column: String,
        /// What is wrong.
        reason: String,
    },
}

impl Problem {
    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NotUtf8 { .. } => "save the file as UTF-8".to_owned(),
            Self::HugeCell { .. } => "is a quotation mark left open?".to_owned(),
            Self::OpenQuote => "close it, or double a mark that belongs to the text".to_owned(),
            Self::NoColumn { delimiter: Some(mark), .. } => {
                format!("separate cells by commas, not by {mark:?}")
            }
            Self::NoColumn { nearest: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::NoColumn { known, .. } => format!("columns: {}", quoted(known)),
            Self::Ragged { .. } => {
                "a cell that holds a comma or a line end needs quotation marks".to_owned()
            }
            Self::Cell { value, .. } if value.is_empty() => {
                "fill the cell or leave the row out before the assessment".to_owned()
            }
            Self::Labels { .. } => {
                "make the manifest's `classes` list the values of this column".to_owned()
            }
            _ => return None,
        })
    }
}

/// How many values a message lists.
const LISTED: usize = 8;

fn shown(value: &str) -> String {
    if value.is_empty() {
        return "empty".to_owned();
    }
    let short: String = value.chars().take(40).collect();
    if short.len() < value.len() { format!("`{short}…`") } else { format!("`{short}`") }
}

fn counted(found: &[(String, u64)]) -> String {
    listed(found, |(label, rows)| format!("{} ({rows} rows)", shown(label)))
}

pub(crate) fn quoted(values: &[String]) -> String {
    listed(values, |value| shown(value))
}

fn listed<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    let mut text = items.iter().take(LISTED).map(show).collect::<Vec<_>>().join(", ");
    if items.len() > LISTED {
        text += &format!(" and {} more", items.len() - LISTED);
    }
    text
}
