//! Any of the formats, by content.

use crate::{Array, DataError, Table, npy, parquet};

/// What a data file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Named columns, from CSV or Parquet.
    Table(Table),
    /// Numbers, from NPY.
    Array(Array),
}

/// Reads a data file: NPY or Parquet by its first bytes, anything else as CSV. `file` is used in messages only.
pub fn read(file: &str, bytes: &[u8]) -> Result<Data, DataError> {
    if bytes.starts_with(npy::MAGIC) {
        Array::from_npy(file, bytes).map(Data::Array)
    } else if bytes.starts_with(parquet::MAGIC) {
        Table::from_parquet(file, bytes).map(Data::Table)
    } else {
        Table::from_csv(file, bytes).map(Data::Table)
    }
}
