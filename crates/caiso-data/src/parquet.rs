//! Parquet to columns. Flat columns of numbers, truth values, texts, dates and times; nothing nested.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use caiso_core::sha256_hex;
use half::f16;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use parquet::basic::{Compression, ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::column::{Column, MAX_EXACT, Texts};
use crate::{DataError, MAX_CELL_BYTES, MAX_COLUMNS, Problem, Table};

/// First bytes of every file.
pub(crate) const MAGIC: &[u8] = b"PAR1";

/// Most cells that are read: a short file can claim any number of them.
const MAX_CELLS: usize = 1 << 28;

/// Rows that are decoded at a time.
const ROWS: usize = 8192;

impl Table {
    /// Reads a table from the bytes of a Parquet file whose columns are not nested. Truth values are 0 and 1,
    /// dates and times are texts in the form of ISO 8601, a missing value is an empty cell. As in CSV, whole
    /// numbers too long to be exact are texts. [`Table::line`] is the number of the row, from 1. `file` is used
    /// in messages only.
    pub fn from_parquet(file: &str, bytes: &[u8]) -> Result<Self, DataError> {
        let at = |problem| DataError { file: file.to_owned(), line: None, problem };
        // The library checks what it reads, but not everything before it computes with it.
        let (names, columns) = catch_unwind(AssertUnwindSafe(|| read(bytes)))
            .unwrap_or_else(|_| Err(damaged("it contradicts itself")))
            .map_err(at)?;
        let rows = columns.first().map_or(0, Column::len) as u64;
        if rows == 0 {
            return Err(at(Problem::NoRows));
        }
        Ok(Self {
            file: file.to_owned(),
            sha256: sha256_hex(bytes),
            names,
            columns,
            lines: (1..=rows).collect(),
        })
    }
}

fn damaged(reason: impl std::fmt::Display) -> Problem {
    Problem::Parquet { reason: reason.to_string() }
}

impl From<ParquetError> for Problem {
    fn from(error: ParquetError) -> Self {
        damaged(format!("cannot be read: {error}"))
    }
}

fn read(bytes: &[u8]) -> Result<(Vec<String>, Vec<Column>), Problem> {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes))?;
    let metadata = reader.metadata();
    let schema = metadata.file_metadata().schema_descr();
    let width = schema.num_columns();
    if width > MAX_COLUMNS {
        return Err(Problem::TooManyColumns { columns: width });
    }
    let rows = metadata
        .row_groups()
        .iter()
        .try_fold(0_usize, |rows, group| rows.checked_add(usize::try_from(group.num_rows()).ok()?));
    let rows = rows
        .filter(|rows| rows.checked_mul(width).is_some_and(|cells| cells <= MAX_CELLS))
        .ok_or_else(|| damaged(format!("claims more than {MAX_CELLS} cells")))?;
    let mut names = Vec::with_capacity(width);
    let mut seen = BTreeSet::new();
    let mut columns = Vec::with_capacity(width);
    for (index, column) in schema.columns().iter().enumerate() {
        let name = column.path().string();
        if column.name().trim().is_empty() {
            return Err(Problem::Unnamed { position: index.saturating_add(1) });
        }
        if !seen.insert(name.clone()) {
            return Err(Problem::Duplicate { name });
        }
        let kind =
            kind(column).map_err(|reason| Problem::Description { column: name.clone(), reason })?;
        let mut cells = Cells::new(kind);
        for group in 0..metadata.num_row_groups() {
            let rows = metadata.row_group(group).num_rows();
            let compression = metadata.row_group(group).column(index).compression();
            if !is_read(compression) {
                return Err(damaged(format!(
                    "`{name}` is compressed by {compression}, which is not read; write it with snappy, gzip or LZ4"
                )));
            }
            let pages = reader.get_row_group(group)?.get_column_reader(index)?;
            cells.read(pages, usize::try_from(rows).unwrap_or_default(), &name)?;
        }
        let column = cells.finish();
        if column.len() != rows {
            return Err(damaged(format!("`{name}` has {} cells in {rows} rows", column.len())));
        }
        names.push(name);
        columns.push(column);
    }
    Ok((names, columns))
}

fn is_read(compression: Compression) -> bool {
    matches!(
        compression,
        Compression::UNCOMPRESSED
            | Compression::SNAPPY
            | Compression::GZIP(_)
            | Compression::LZ4
            | Compression::LZ4_RAW
    )
}

/// What the cells of a column mean.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// A number as it is.
    Number,
    /// A whole number without a sign, of 4 or 8 bytes.
    Unsigned,
    /// A whole number to be divided by this.
    Decimal(f64),
    /// A floating-point number of 2 bytes.
    Half,
    Text,
    /// Days since 1970.
    Date,
    /// Nanoseconds of one unit since 1970, and whether they count in UTC.
    Time {
        nanoseconds: i128,
        utc: bool,
    },
}

fn kind(column: &ColumnDescriptor) -> Result<Kind, String> {
    if column.max_rep_level() > 0 || column.path().parts().len() != 1 {
        return Err("is nested, expected a column of plain values".to_owned());
    }
    let decimal = || Kind::Decimal(10_f64.powi(column.type_scale()));
    let logical = column.logical_type_ref();
    let kind = match (column.physical_type(), logical, column.converted_type()) {
        (_, Some(LogicalType::Decimal(_)), _) | (_, None, ConvertedType::DECIMAL) => decimal(),
        (Type::INT32 | Type::INT64, Some(LogicalType::Integer(kind)), _) if !kind.is_signed => {
            Kind::Unsigned
        }
        (
            Type::INT32 | Type::INT64,
            None,
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64,
        ) => Kind::Unsigned,
        (Type::INT32, Some(LogicalType::Date), _) | (Type::INT32, None, ConvertedType::DATE) => {
            Kind::Date
        }
        (Type::INT64, Some(LogicalType::Timestamp(time)), _) => Kind::Time {
            nanoseconds: match time.unit {
                TimeUnit::MILLIS => 1_000_000,
                TimeUnit::MICROS => 1_000,
                TimeUnit::NANOS => 1,
            },
            utc: time.is_adjusted_to_u_t_c,
        },
        (Type::INT64, None, ConvertedType::TIMESTAMP_MILLIS) => {
            Kind::Time { nanoseconds: 1_000_000, utc: true }
        }
        (Type::INT64, None, ConvertedType::TIMESTAMP_MICROS) => {
            Kind::Time { nanoseconds: 1_000, utc: true }
        }
        (Type::BOOLEAN | Type::FLOAT | Type::DOUBLE, None, ConvertedType::NONE)
        // Columns of nothing but missing values.
        | (Type::INT32, Some(LogicalType::Unknown), _)
        | (Type::INT32 | Type::INT64, Some(LogicalType::Integer(_)), _)
        | (
            Type::INT32 | Type::INT64,
            None,
            ConvertedType::NONE
            | ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64,
        ) => Kind::Number,
        (
            Type::BYTE_ARRAY,
            None | Some(LogicalType::String | LogicalType::Enum | LogicalType::Json),
            ConvertedType::NONE | ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON,
        ) => Kind::Text,
        (Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Float16), _) => Kind::Half,
        (physical, ..) => {
            let meaning = match logical {
                Some(logical) => format!("{logical:?}"),
                None => format!("{:?}", column.converted_type()),
            };
            return Err(format!(
                "holds {physical:?} values that mean {meaning}; expected numbers, truth values, texts, dates or \
                 times"
            ));
        }
    };
    Ok(kind)
}

/// The cells of a column so far.
struct Cells {
    kind: Kind,
    numbers: Vec<f64>,
    texts: Texts,
    /// Whether all numbers are finite and exact.
    exact: bool,
    /// Numbers as texts, for columns where some are not.
    written: bool,
}

impl Cells {
    fn new(kind: Kind) -> Self {
        let written = matches!(kind, Kind::Text | Kind::Date | Kind::Time { .. });
        Self { kind, numbers: Vec::new(), texts: Texts::default(), exact: true, written }
    }

    fn read(&mut self, column: ColumnReader, rows: usize, name: &str) -> Result<(), Problem> {
        let kind = self.kind;
        match column {
            ColumnReader::BoolColumnReader(reader) => each(reader, rows, |cell| {
                self.number(cell.map(|&truth| f64::from(u8::from(truth))));
                Ok(())
            }),
            ColumnReader::Int32ColumnReader(reader) => each(reader, rows, |cell| {
                self.whole(cell.map(|&value| match kind {
                    Kind::Unsigned => i128::from(value.cast_unsigned()),
                    _ => i128::from(value),
                }))
            }),
            ColumnReader::Int64ColumnReader(reader) => each(reader, rows, |cell| {
                self.whole(cell.map(|&value| match kind {
                    Kind::Unsigned => i128::from(value.cast_unsigned()),
                    _ => i128::from(value),
                }))
            }),
            ColumnReader::FloatColumnReader(reader) => {
                // The number that is written: 0.1 for the single precision number next to it.
                each(reader, rows, |cell| {
                    self.number(cell.map(|value| widened(*value)));
                    Ok(())
                })
            }
            ColumnReader::DoubleColumnReader(reader) => each(reader, rows, |cell| {
                self.number(cell.copied());
                Ok(())
            }),
            ColumnReader::ByteArrayColumnReader(reader) => {
                each(reader, rows, |cell| self.bytes(cell.map(ByteArray::data), name))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                each(reader, rows, |cell| self.bytes(cell.map(|bytes| bytes.data()), name))
            }
            ColumnReader::Int96ColumnReader(_) => {
                Err(damaged(format!("`{name}` has times of 12 bytes, which are obsolete")))
            }
        }
    }

    /// A number, or nothing.
    fn number(&mut self, cell: Option<f64>) {
        let number = cell.unwrap_or(f64::NAN);
        self.exact &= !number.is_infinite();
        self.numbers.push(number);
    }

    fn whole(&mut self, cell: Option<i128>) -> Result<(), Problem> {
        match self.kind {
            Kind::Date => {
                let day = cell.map(|days| days.saturating_mul(86_400_000_000_000));
                self.time(day, |text| text.get(..10).map(str::to_owned))
            }
            Kind::Time { nanoseconds, utc } => {
                let time = cell.map(|units| units.saturating_mul(nanoseconds));
                self.time(time, |text| Some(if utc { format!("{text}Z") } else { text.to_owned() }))
            }
            Kind::Decimal(scale) => {
                self.number(cell.map(|units| units as f64 / scale));
                Ok(())
            }
            _ => {
                self.exact &= cell.is_none_or(|number| number.unsigned_abs() <= MAX_EXACT);
                if !self.exact && !self.written {
                    self.rewrite();
                }
                if self.written {
                    self.texts.push(&cell.map(|number| number.to_string()).unwrap_or_default());
                    return Ok(());
                }
                self.number(cell.map(|number| number as f64));
                Ok(())
            }
        }
    }

    /// Goes over from numbers to their texts.
    fn rewrite(&mut self) {
        self.written = true;
        for number in std::mem::take(&mut self.numbers) {
            self.texts.push(&crate::column::number_text(number));
        }
    }

    fn time(
        &mut self,
        nanoseconds: Option<i128>,
        form: impl Fn(&str) -> Option<String>,
    ) -> Result<(), Problem> {
        let Some(nanoseconds) = nanoseconds else {
            self.texts.push("");
            return Ok(());
        };
        let text = Timestamp::from_nanosecond(nanoseconds)
            .ok()
            .and_then(|time| form(&TimeZone::UTC.to_datetime(time).to_string()));
        let Some(text) = text else {
            return Err(damaged(format!("a time {nanoseconds} ns from 1970 is beyond year 9999")));
        };
        self.texts.push(&text);
        Ok(())
    }

    fn bytes(&mut self, cell: Option<&[u8]>, name: &str) -> Result<(), Problem> {
        match self.kind {
            Kind::Decimal(scale) => {
                let number = cell.map(|bytes| big_endian(bytes).map(|units| units as f64 / scale));
                if number == Some(None) {
                    return Err(damaged(format!("`{name}` has decimals of over 16 bytes")));
                }
                self.number(number.flatten());
                Ok(())
            }
            Kind::Half => {
                let bits = |bytes: &[u8]| bytes.try_into().ok().map(f16::from_le_bytes);
                self.number(cell.and_then(bits).map(f64::from));
                Ok(())
            }
            _ => {
                let bytes = cell.unwrap_or_default();
                if bytes.len() > MAX_CELL_BYTES {
                    let (column, bytes) = (name.to_owned(), bytes.len());
                    return Err(Problem::HugeCell { column, bytes });
                }
                let Ok(text) = std::str::from_utf8(bytes) else {
                    let reason = "holds bytes that are not UTF-8 text".to_owned();
                    return Err(Problem::Description { column: name.to_owned(), reason });
                };
                self.texts.push(text);
                Ok(())
            }
        }
    }

    fn finish(mut self) -> Column {
        if !self.exact && !self.written {
            self.rewrite();
        }
        // As in CSV, a column of nothing is one of texts.
        if !self.written && self.numbers.iter().all(|number| number.is_nan()) {
            self.rewrite();
        }
        if self.written { self.texts.finish() } else { Column::Number(self.numbers) }
    }
}

/// Calls `visit` with every cell of a part of a column, `None` for a missing one.
fn each<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    mut visit: impl FnMut(Option<&T::T>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut left = rows;
    while left > 0 {
        levels.clear();
        values.clear();
        let (records, _, _) =
            reader.read_records(left.min(ROWS), Some(&mut levels), None, &mut values)?;
        if records == 0 || records > left {
            return Err(damaged("ends within a column"));
        }
        left = left.saturating_sub(records);
        if levels.is_empty() {
            values.iter().try_for_each(|value| visit(Some(value)))?;
            continue;
        }
        let mut present = values.iter();
        for &level in &levels {
            visit(if level > 0 { present.next() } else { None })?;
        }
    }
    Ok(())
}

/// The double precision number with the shortest decimal form of this one.
fn widened(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// A whole number with its sign, of up to 16 bytes.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut whole = [if negative { 0xff } else { 0 }; 16];
    let start = 16_usize.checked_sub(bytes.len())?;
    whole.get_mut(start..)?.copy_from_slice(bytes);
    Some(i128::from_be_bytes(whole))
}
