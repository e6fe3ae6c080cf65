//! From columns to what engines work on: a dense matrix of features and class indices.

use caiso_core::manifest::Feature;

use crate::error::quoted;
use crate::{DataError, Problem, Table};

/// Features of every row, dense.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Row-major: `rows × width` finite numbers.
    pub values: Vec<f32>,
    /// Number of rows.
    pub rows: usize,
    /// Number of features of a row.
    pub width: usize,
}

impl Matrix {
    /// The features of one row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }
}

impl Table {
    /// The features of every row as the manifest describes them, in its order and the model's
    /// units.
    ///
    /// A missing column, an empty cell, a value that is no finite number, is not in the encoding,
    /// not whole though `integer`, or outside `bounds` is an error at its line.
    pub fn features(&self, features: &[Feature]) -> Result<Matrix, DataError> {
        let (rows, width) = (self.rows(), features.len());
        let mut values = vec![0.0_f32; rows * width];
        for (place, feature) in features.iter().enumerate() {
            let column = self.feature(feature)?;
            for (row, value) in column.into_iter().enumerate() {
                values[row * width + place] = value;
            }
        }
        Ok(Matrix { values, rows, width })
    }

    fn feature(&self, feature: &Feature) -> Result<Vec<f32>, DataError> {
        let name = feature.column.as_str();
        let numbers = if feature.encoding.is_empty() {
            self.numbers(name)?.to_vec()
        } else {
            self.encoded(feature)?
        };
        let bounds = feature.bounds.as_ref().map(|bounds| bounds.value);
        let mut column = Vec::with_capacity(numbers.len());
        for (row, number) in numbers.into_iter().enumerate() {
            #[expect(clippy::cast_possible_truncation, reason = "models compute in f32")]
            let value = number as f32;
            let expected = if !value.is_finite() {
                "a number within the range of 32-bit floating point".to_owned()
            } else if feature.integer && number.fract() != 0.0 {
                "a whole number".to_owned()
            } else if let Some([low, high]) = bounds.filter(|b| number < b[0] || number > b[1]) {
                format!("a value within its bounds [{low}, {high}]")
            } else {
                column.push(value);
                continue;
            };
            return Err(self.cell(name, row, expected));
        }
        Ok(column)
    }

    fn encoded(&self, feature: &Feature) -> Result<Vec<f64>, DataError> {
        let name = feature.column.as_str();
        let column = self.column(name)?;
        let labels = column.labels();
        let number_of = |label: &String| {
            feature.encoding.iter().find(|(key, _)| column.canonical(key) == *label).map(|e| *e.1)
        };
        if let Some((label, number)) = feature.encoding.iter().find(|(_, n)| !n.is_finite()) {
            let reason = format!("the encoding of `{label}` is {number}, expected a finite number");
            return Err(self.error(None, Problem::Description { column: name.to_owned(), reason }));
        }
        let numbers: Vec<Option<f64>> = labels.values.iter().map(number_of).collect();
        let encode = |(row, &code): (usize, &u32)| {
            numbers[code as usize].ok_or_else(|| {
                let known: Vec<String> = feature.encoding.keys().cloned().collect();
                self.cell(name, row, format!("a value of its encoding: {}", quoted(&known)))
            })
        };
        labels.codes.iter().enumerate().map(encode).collect()
    }

    /// The index into `classes` of every row's label.
    ///
    /// A label that is no class is an error that lists all labels with their counts; an empty
    /// cell is an error at its line.
    pub fn class_indices(&self, name: &str, classes: &[String]) -> Result<Vec<usize>, DataError> {
        let column = self.column(name)?;
        let labels = column.labels();
        let wanted: Vec<String> = classes.iter().map(|class| column.canonical(class)).collect();
        if let Some(twice) = (1..wanted.len()).find(|&i| wanted[..i].contains(&wanted[i])) {
            let reason = format!("the class `{}` is listed twice", classes[twice]);
            return Err(self.error(None, Problem::Description { column: name.to_owned(), reason }));
        }
        if let Some(row) = labels.codes.iter().position(|&c| labels.values[c as usize].is_empty()) {
            return Err(self.cell(name, row, quoted(classes)));
        }
        let places: Option<Vec<usize>> =
            labels.values.iter().map(|label| wanted.iter().position(|w| w == label)).collect();
        let Some(places) = places else {
            let found = labels.values.iter().cloned().zip(labels.counts()).collect();
            let (column, classes) = (name.to_owned(), classes.to_vec());
            return Err(self.error(None, Problem::Labels { column, found, classes }));
        };
        Ok(labels.codes.iter().map(|&code| places[code as usize]).collect())
    }

    /// Which rows of a column hold one of `values`: the favourable outcome, the privileged group.
    ///
    /// A value that no row holds is an error that lists the values there are.
    pub fn matches(&self, name: &str, values: &[String]) -> Result<Vec<bool>, DataError> {
        let column = self.column(name)?;
        let labels = column.labels();
        let mut chosen = vec![false; labels.values.len()];
        for value in values {
            let canonical = column.canonical(value);
            let Some(place) = labels.values.iter().position(|label| *label == canonical) else {
                let known = quoted(&labels.values);
                let reason = format!("no row holds `{value}`; it holds {known}");
                let problem = Problem::Description { column: name.to_owned(), reason };
                return Err(self.error(None, problem));
            };
            chosen[place] = true;
        }
        Ok(labels.codes.iter().map(|&code| chosen[code as usize]).collect())
    }

    fn cell(&self, name: &str, row: usize, expected: String) -> DataError {
        let value = self.text_at(name, row);
        self.error(self.line(row), Problem::Cell { column: name.to_owned(), value, expected })
    }
}
