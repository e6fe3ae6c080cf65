//! CSV (RFC 4180) to columns, in two passes: the first checks every cell and finds the types, the
//! second fills the columns.

use std::collections::BTreeSet;
use std::io::Read;

use caiso_core::sha256_hex;
use csv::{ByteRecord, Reader, ReaderBuilder};

use crate::column::{Column, Texts, number};
use crate::{DataError, Problem, Table};

/// Most columns that are read.
pub const MAX_COLUMNS: usize = 16_384;

/// Longest cell that is read, in bytes.
pub const MAX_CELL_BYTES: usize = 1 << 20;

/// A record behind the last one. If a quotation mark is left open it becomes part of the open
/// cell, and its absence gives the fault away.
const END: &str = "\n\u{1}end\n";

type Input<'a> = std::io::Chain<&'a [u8], &'static [u8]>;

impl Table {
    /// Reads a table from CSV bytes: comma-separated, a heading line with unique names, UTF-8
    /// with or without a byte-order mark. Blank lines are skipped. `file` is used in messages
    /// only.
    ///
    /// Never panics and needs memory linear in the input, whatever the bytes are.
    pub fn from_csv(file: &str, bytes: &[u8]) -> Result<Self, DataError> {
        let at = |line, problem| DataError { file: file.to_owned(), line, problem };
        if let Err(error) = std::str::from_utf8(bytes) {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let byte = error.valid_up_to() as u64;
            let mut lines = Lines { bytes: valid, at: 0, line: 1 };
            return Err(at(Some(lines.of(byte)), Problem::NotUtf8 { byte }));
        }
        let mut scan = Scan::default();
        walk(bytes, |line, record| scan.record(line, record))
            .and_then(|last| scan.finish(last))
            .map_err(|(line, problem)| at(line, problem))?;

        let mut builders: Vec<Builder> = scan.numeric.iter().map(|&n| Builder::new(n)).collect();
        let mut first = true;
        walk(bytes, |_, record| {
            if !std::mem::take(&mut first) {
                for (builder, cell) in builders.iter_mut().zip(record) {
                    builder.push(text(cell));
                }
            }
            Ok(())
        })
        .map_err(|(line, problem)| at(line, problem))?;
        Ok(Self {
            file: file.to_owned(),
            sha256: sha256_hex(bytes),
            names: scan.names,
            columns: builders.into_iter().map(Builder::finish).collect(),
            lines: scan.lines,
        })
    }
}

type Failure = (Option<u64>, Problem);

/// Calls `visit` with each record and its line; returns the line of the last one, or the fault of
/// an open quotation mark.
fn walk(
    bytes: &[u8],
    mut visit: impl FnMut(u64, &ByteRecord) -> Result<(), Failure>,
) -> Result<Option<u64>, Failure> {
    let mut reader: Reader<Input> = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes.chain(END.as_bytes()));
    let mut record = ByteRecord::new();
    let mut lines = Lines { bytes, at: 0, line: 1 };
    let mut last = None;
    // Reading from memory with byte records cannot fail: no I/O, no UTF-8, any width.
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        let line = lines.of(record.position().map_or(0, csv::Position::byte));
        // The line end that the end mark begins with can close the last record.
        if reader.position().byte() > bytes.len() as u64 + 1 {
            let closed = record.len() == 1 && record.get(0) == Some(END.trim_ascii().as_bytes());
            return if closed { Ok(last) } else { Err((Some(line), Problem::OpenQuote)) };
        }
        last = Some(line);
        visit(line, &record)?;
    }
    Ok(last)
}

/// Counts lines along the file. The reader's own count is that of the end of the record before,
/// so blank lines and the second half of a line end would shift it.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first cell of the record that is read from this byte on.
    fn of(&mut self, start: u64) -> u64 {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        while let Some(&byte) = self.bytes.get(self.at) {
            if self.at >= start && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            self.line += u64::from(byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

/// The bytes are known to be UTF-8, and cells end at ASCII bytes.
fn text(cell: &[u8]) -> &str {
    std::str::from_utf8(cell).unwrap_or_default()
}

/// First pass.
#[derive(Default)]
struct Scan {
    names: Vec<String>,
    numeric: Vec<bool>,
    /// Whether a column has a number at all: one of empty cells alone is text.
    filled: Vec<bool>,
    lines: Vec<u64>,
}

impl Scan {
    fn record(&mut self, line: u64, record: &ByteRecord) -> Result<(), Failure> {
        if self.names.is_empty() {
            return self.heading(record).map_err(|problem| (Some(line), problem));
        }
        if record.len() != self.names.len() {
            let problem = Problem::Ragged { cells: record.len(), expected: self.names.len() };
            return Err((Some(line), problem));
        }
        for (index, cell) in record.iter().enumerate() {
            if cell.len() > MAX_CELL_BYTES {
                let column = self.names.get(index).cloned().unwrap_or_default();
                return Err((Some(line), Problem::HugeCell { column, bytes: cell.len() }));
            }
            if self.numeric[index] {
                let cell = text(cell);
                self.numeric[index] = number(cell).is_some();
                self.filled[index] |= !cell.is_empty();
            }
        }
        self.lines.push(line);
        Ok(())
    }

    fn heading(&mut self, record: &ByteRecord) -> Result<(), Problem> {
        if record.len() > MAX_COLUMNS {
            return Err(Problem::TooManyColumns { columns: record.len() });
        }
        let mut seen = BTreeSet::new();
        for (index, cell) in record.iter().enumerate() {
            let name = text(cell).to_owned();
            if name.trim().is_empty() {
                return Err(Problem::Unnamed { position: index + 1 });
            }
            if name.len() > MAX_CELL_BYTES {
                let column = format!("column {}", index + 1);
                return Err(Problem::HugeCell { column, bytes: name.len() });
            }
            if !seen.insert(name.clone()) {
                return Err(Problem::Duplicate { name });
            }
            self.names.push(name);
        }
        self.numeric = vec![true; self.names.len()];
        self.filled = vec![false; self.names.len()];
        Ok(())
    }

    fn finish(&mut self, last: Option<u64>) -> Result<(), Failure> {
        if self.names.is_empty() {
            return Err((None, Problem::Empty));
        }
        if self.lines.is_empty() {
            return Err((last, Problem::NoRows));
        }
        for (numeric, filled) in self.numeric.iter_mut().zip(&self.filled) {
            *numeric &= filled;
        }
        Ok(())
    }
}

/// Second pass: one column.
enum Builder {
    Number(Vec<f64>),
    Text(Texts),
}

impl Builder {
    fn new(numeric: bool) -> Self {
        if numeric { Self::Number(Vec::new()) } else { Self::Text(Texts::default()) }
    }

    fn push(&mut self, cell: &str) {
        match self {
            Self::Number(values) => values.push(number(cell).unwrap_or(f64::NAN)),
            Self::Text(texts) => texts.push(cell),
        }
    }

    fn finish(self) -> Column {
        match self {
            Self::Number(values) => Column::Number(values),
            Self::Text(texts) => texts.finish(),
        }
    }
}
