//! Columnar datasets: CSV, Parquet and NPY bytes in, typed columns and dense matrices out, with errors that name
//! file, line and column.
//!
//! Columns are plain vectors: every engine works on dense arrays, so Parquet is read without Arrow.
//! Nothing is dropped or filled in: a cell that cannot be used is an error at its line.
#![deny(clippy::cast_possible_truncation)]

mod column;
mod csv;
mod data;
mod encode;
mod error;
mod npy;
mod parquet;

pub use column::{Column, Labels};
pub use csv::{MAX_CELL_BYTES, MAX_COLUMNS};
pub use data::{Data, read};
pub use encode::Matrix;
pub use error::{DataError, Problem};
pub use npy::{Array, npy};

use caiso_core::nearest;

/// A table with named columns of equal length, read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    file: String,
    sha256: String,
    names: Vec<String>,
    columns: Vec<Column>,
    /// Line of each row in the file, or the number of the row, from 1.
    lines: Vec<u64>,
}

impl Table {
    /// The file as the caller named it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// SHA-256 of the bytes it was read from, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Number of rows, at least 1.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// Names of the columns in the order of the file.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The line of a row (from 0) in the file, from 1; of a Parquet file, the number of the row, from 1.
    pub fn line(&self, row: usize) -> Option<u64> {
        self.lines.get(row).copied()
    }

    /// The column with this name.
    pub fn column(&self, name: &str) -> Result<&Column, DataError> {
        match self.names.iter().position(|known| known == name) {
            Some(index) => Ok(&self.columns[index]),
            None => Err(self.error(None, self.no_column(name))),
        }
    }

    /// The numbers of a column: one finite number for each row, or an error at the first line
    /// that has none.
    pub fn numbers(&self, name: &str) -> Result<&[f64], DataError> {
        let unusable = |row: usize, value: String| {
            let expected = "a number".to_owned();
            self.error(self.line(row), Problem::Cell { column: name.to_owned(), value, expected })
        };
        match self.column(name)? {
            Column::Number(values) => match values.iter().position(|value| !value.is_finite()) {
                Some(row) => Err(unusable(row, self.text_at(name, row))),
                None => Ok(values),
            },
            Column::Text { .. } => {
                let row = self.first_text(name);
                Err(unusable(row, self.text_at(name, row)))
            }
        }
    }

    /// The values of a column as labels. An empty cell is the label of the empty text; numbers
    /// are written in their shortest form (`1`, `0.5`), so `1` and `1.0` are one label.
    pub fn labels(&self, name: &str) -> Result<Labels, DataError> {
        Ok(self.column(name)?.labels())
    }

    fn error(&self, line: Option<u64>, problem: Problem) -> DataError {
        DataError { file: self.file.clone(), line, problem }
    }

    fn no_column(&self, name: &str) -> Problem {
        let known = self.names.iter().map(String::as_str);
        let delimiter = match self.names.as_slice() {
            [single] => [';', '\t', '|'].into_iter().find(|mark| single.contains(*mark)),
            _ => None,
        };
        Problem::NoColumn {
            name: name.to_owned(),
            nearest: nearest(name, known).map(str::to_owned),
            known: self.names.clone(),
            delimiter,
        }
    }

    /// The cell as text, for messages.
    fn text_at(&self, name: &str, row: usize) -> String {
        self.column(name).map(|column| column.text(row)).unwrap_or_default()
    }

    /// The first row of a text column whose cell is empty or no number.
    fn first_text(&self, name: &str) -> usize {
        let unusable =
            |row: &usize| column::number(&self.text_at(name, *row)).is_none_or(f64::is_nan);
        (0..self.rows()).find(unusable).unwrap_or(0)
    }
}
