//! Typed columns and labels.

use std::collections::BTreeMap;

/// The cells of a column, in row order.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Every cell is a finite number or empty; an empty cell is NaN.
    Number(Vec<f64>),
    /// Some cell is neither: texts by code.
    Text {
        /// The distinct texts, ascending.
        values: Vec<String>,
        /// Index into `values` for each row. An empty cell is the empty text.
        codes: Vec<u32>,
    },
}

/// The distinct values of a column, and which one each row has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Distinct labels: numbers ascending, then texts ascending; an empty cell is `""`.
    pub values: Vec<String>,
    /// Index into `values` for each row.
    pub codes: Vec<u32>,
}

impl Labels {
    /// Number of rows of each label.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.values.len()];
        for &code in &self.codes {
            counts[code as usize] += 1;
        }
        counts
    }
}

impl Column {
    /// Number of cells.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Number(numbers) => numbers.len(),
            Self::Text { codes, .. } => codes.len(),
        }
    }

    /// The values as labels; see [`crate::Table::labels`].
    pub fn labels(&self) -> Labels {
        match self {
            Self::Text { values, codes } => Labels { values: values.clone(), codes: codes.clone() },
            Self::Number(numbers) => {
                // Ordered by bits of the total order; -0 and 0 are one label.
                let key = |number: f64| order(if number == 0.0 { 0.0 } else { number });
                let mut found: BTreeMap<u64, u32> = BTreeMap::new();
                for &number in numbers {
                    found.insert(key(number), 0);
                }
                let mut values = Vec::with_capacity(found.len());
                for ((key, code), index) in found.iter_mut().zip(0..) {
                    *code = index;
                    values.push(number_text(unorder(*key)));
                }
                let codes = numbers.iter().map(|&number| found[&key(number)]).collect();
                Labels { values, codes }
            }
        }
    }

    /// The text of one cell; of a number its shortest form.
    pub(crate) fn text(&self, row: usize) -> String {
        match self {
            Self::Number(numbers) => numbers.get(row).map(|n| number_text(*n)).unwrap_or_default(),
            Self::Text { values, codes } => codes
                .get(row)
                .and_then(|&code| values.get(code as usize))
                .cloned()
                .unwrap_or_default(),
        }
    }

    /// `label` as [`Column::labels`] writes it, so that `1.0` finds the label `1`.
    pub(crate) fn canonical(&self, label: &str) -> String {
        match self {
            Self::Number(_) => number(label).map_or_else(|| label.to_owned(), number_text),
            Self::Text { .. } => label.to_owned(),
        }
    }
}

/// Largest whole number of 15 digits: longer ones are not all exact.
pub(crate) const MAX_EXACT: u128 = 999_999_999_999_999;

/// A column of texts under construction.
#[derive(Default)]
pub(crate) struct Texts {
    dictionary: BTreeMap<String, u32>,
    codes: Vec<u32>,
}

impl Texts {
    pub(crate) fn push(&mut self, cell: &str) {
        let code = self.dictionary.get(cell).copied().unwrap_or_else(|| {
            // A table has fewer than 2^32 rows: in CSV each takes a byte of an input in memory and
            // eight bytes of line number, in Parquet their number is limited.
            let next = u32::try_from(self.dictionary.len()).unwrap_or(u32::MAX);
            self.dictionary.insert(cell.to_owned(), next);
            next
        });
        self.codes.push(code);
    }

    pub(crate) fn finish(mut self) -> Column {
        // Codes in order of appearance become codes in order of text.
        let mut places = vec![0; self.dictionary.len()];
        for (&code, place) in self.dictionary.values().zip(0..) {
            places[code as usize] = place;
        }
        for code in &mut self.codes {
            *code = places[*code as usize];
        }
        Column::Text { values: self.dictionary.into_keys().collect(), codes: self.codes }
    }
}

/// The finite number that a cell writes; NaN for an empty cell. Codes with leading zeros and whole
/// numbers too long to be exact (`007`, account numbers) are no numbers, nor are `NaN` and `inf`:
/// they make the column one of texts, so that an error can show them.
pub(crate) fn number(cell: &str) -> Option<f64> {
    let cell = cell.trim_matches([' ', '\t']);
    if cell.is_empty() {
        return Some(f64::NAN);
    }
    let digits = cell.trim_start_matches(['+', '-']);
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    let code = all_digits && (digits.len() > 15 || (digits.len() > 1 && digits.starts_with('0')));
    if code { None } else { cell.parse().ok().filter(|number: &f64| number.is_finite()) }
}

pub(crate) fn number_text(number: f64) -> String {
    if number.is_nan() { String::new() } else { number.to_string() }
}

/// Bits that ascend with the number; NaN last.
fn order(number: f64) -> u64 {
    let bits = if number.is_nan() { f64::NAN.to_bits() } else { number.to_bits() };
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn unorder(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}
