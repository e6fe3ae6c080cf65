//! The count cube: protected combination × true outcome × predicted outcome.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use crate::{FairnessError, FairnessInput};

/// A rate as (successes, trials).
pub(crate) type Rate = (u64, u64);

/// How often each pair of true and predicted outcome occurs in a group. Positive is favourable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Truly favourable, predicted favourable.
    pub true_positive: u64,
    /// Truly favourable, predicted unfavourable.
    pub false_negative: u64,
    /// Truly unfavourable, predicted favourable.
    pub false_positive: u64,
    /// Truly unfavourable, predicted unfavourable.
    pub true_negative: u64,
}

impl Counts {
    pub(crate) fn from_cells(cells: [u64; 4]) -> Self {
        let [true_positive, false_negative, false_positive, true_negative] = cells;
        Self { true_positive, false_negative, false_positive, true_negative }
    }

    pub(crate) fn cells(&self) -> [u64; 4] {
        [self.true_positive, self.false_negative, self.false_positive, self.true_negative]
    }

    fn add_row(&mut self, actual: bool, predicted: bool) {
        *match (actual, predicted) {
            (true, true) => &mut self.true_positive,
            (true, false) => &mut self.false_negative,
            (false, true) => &mut self.false_positive,
            (false, false) => &mut self.true_negative,
        } += 1;
    }

    /// Rows.
    pub fn n(&self) -> u64 {
        self.cells().iter().sum()
    }

    /// Rows that are truly favourable, of all rows.
    pub fn base_rate(&self) -> (u64, u64) {
        (self.true_positive + self.false_negative, self.n())
    }

    /// Rows that are predicted favourable, of all rows.
    pub fn selection_rate(&self) -> (u64, u64) {
        (self.true_positive + self.false_positive, self.n())
    }

    /// Rows that are predicted favourable, of those that truly are.
    pub fn true_positive_rate(&self) -> (u64, u64) {
        (self.true_positive, self.true_positive + self.false_negative)
    }

    /// Rows that are predicted favourable, of those that truly are not.
    pub fn false_positive_rate(&self) -> (u64, u64) {
        (self.false_positive, self.false_positive + self.true_negative)
    }

    /// Rows that are predicted right, of all rows.
    pub fn accuracy(&self) -> (u64, u64) {
        (self.true_positive + self.true_negative, self.n())
    }
}

impl Add for Counts {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.true_positive += other.true_positive;
        self.false_negative += other.false_negative;
        self.false_positive += other.false_positive;
        self.true_negative += other.true_negative;
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

/// The counts of every combination of protected values that occurs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cube {
    /// Number of values of each attribute.
    sizes: Vec<usize>,
    /// Counts by combination, numbered with the last attribute running fastest.
    cells: BTreeMap<u64, Counts>,
}

impl Cube {
    /// Counts the rows in one pass.
    pub fn count(input: &FairnessInput) -> Result<Self, FairnessError> {
        input.check()?;
        let sizes: Vec<usize> = input.attributes.iter().map(|a| a.values.len()).collect();
        sizes
            .iter()
            .try_fold(1_u64, |product, &size| product.checked_mul(size as u64))
            .ok_or(FairnessError::TooManyCombinations)?;
        let mut cells: BTreeMap<u64, Counts> = BTreeMap::new();
        for (row, (&actual, &predicted)) in input.actual.iter().zip(&input.predicted).enumerate() {
            let combination =
                input.attributes.iter().zip(&sizes).fold(0, |code, (attribute, &size)| {
                    code * size as u64 + u64::from(attribute.groups[row])
                });
            cells.entry(combination).or_default().add_row(actual, predicted);
        }
        Ok(Self { sizes, cells })
    }

    /// Counts of every value of an attribute (by index), over all values of the others.
    ///
    /// # Panics
    /// If there is no such attribute.
    pub fn by_value(&self, attribute: usize) -> Vec<Counts> {
        let mut counts = vec![Counts::default(); self.sizes[attribute]];
        for (&combination, &cell) in &self.cells {
            counts[self.value(combination, attribute)] += cell;
        }
        counts
    }

    /// Counts of every pair of values of two attributes (by index): `[first][second]`.
    ///
    /// # Panics
    /// If there is no such attribute.
    pub fn by_pair(&self, first: usize, second: usize) -> Vec<Vec<Counts>> {
        let mut counts = vec![vec![Counts::default(); self.sizes[second]]; self.sizes[first]];
        for (&combination, &cell) in &self.cells {
            counts[self.value(combination, first)][self.value(combination, second)] += cell;
        }
        counts
    }

    fn value(&self, combination: u64, attribute: usize) -> usize {
        let below: u64 = self.sizes[attribute + 1..].iter().map(|&size| size as u64).product();
        (combination / below % self.sizes[attribute] as u64) as usize
    }
}
