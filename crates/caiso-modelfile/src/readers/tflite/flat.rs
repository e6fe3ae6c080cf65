//! Flat buffers (<https://flatbuffers.dev/internals/>), with every offset checked and the work bounded.

use crate::cursor::size;

/// Most tables, vectors and texts that are followed.
const MOST_STEPS: usize = 4_000_000;

/// A file of tables that refer to each other by offsets.
pub(super) struct Flat<'a> {
    bytes: &'a [u8],
    /// Behind the last byte that something refers to.
    pub(super) reached: u64,
    steps: usize,
}

/// Where a table and its list of fields lie.
#[derive(Clone, Copy)]
pub(super) struct Table {
    at: u64,
    fields: u64,
    fields_length: u64,
    length: u64,
}

type Found<T> = Result<T, String>;

impl<'a> Flat<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, reached: 8, steps: 0 }
    }

    fn step(&mut self) -> Found<()> {
        self.steps = self.steps.saturating_add(1);
        if self.steps > MOST_STEPS {
            return Err(
                "it has more tables than any model, or the same ones again and again".to_owned()
            );
        }
        Ok(())
    }

    fn take(&mut self, at: u64, length: u64) -> Found<&'a [u8]> {
        let end = at.checked_add(length).filter(|end| *end <= size(self.bytes));
        let outside = || format!("{length} bytes at {at} lie outside of the file");
        let end = end.ok_or_else(outside)?;
        self.reached = self.reached.max(end);
        crate::cursor::slice(self.bytes, at..end).ok_or_else(outside)
    }

    fn array<const N: usize>(&mut self, at: u64) -> Found<[u8; N]> {
        let bytes = self.take(at, u64::try_from(N).unwrap_or(u64::MAX))?;
        bytes.first_chunk().copied().ok_or_else(|| "a number is cut off".to_owned())
    }

    fn u16(&mut self, at: u64) -> Found<u64> {
        self.array(at).map(|bytes| u16::from_le_bytes(bytes).into())
    }

    fn u32(&mut self, at: u64) -> Found<u64> {
        self.array(at).map(|bytes| u32::from_le_bytes(bytes).into())
    }

    /// The table that the file begins with.
    pub(super) fn root(&mut self) -> Found<Table> {
        let at = self.u32(0)?;
        self.table(at)
    }

    fn table(&mut self, at: u64) -> Found<Table> {
        self.step()?;
        let back = i32::from_le_bytes(self.array(at)?);
        let fields = at.checked_add_signed(i64::from(back).saturating_neg());
        let fields = fields.ok_or_else(|| format!("the table at {at} begins before the file"))?;
        let (fields_length, length) = (self.u16(fields)?, self.u16(fields.saturating_add(2))?);
        if fields_length < 4 || fields_length % 2 != 0 || length < 4 {
            return Err(format!("the table at {at} has no proper list of fields"));
        }
        self.take(fields, fields_length)?;
        self.take(at, length)?;
        Ok(Table { at, fields, fields_length, length })
    }

    /// Where a field lies, if the table has it; `width` is the size of its value.
    fn field(&mut self, table: Table, number: u64, width: u64) -> Found<Option<u64>> {
        let place = number.saturating_mul(2).saturating_add(4);
        if place.saturating_add(2) > table.fields_length {
            return Ok(None);
        }
        let offset = self.u16(table.fields.saturating_add(place))?;
        if offset == 0 {
            return Ok(None);
        }
        if offset.saturating_add(width) > table.length {
            return Err(format!("a field lies outside of the table at {}", table.at));
        }
        Ok(Some(table.at.saturating_add(offset)))
    }

    /// A field that is a number of `N` bytes; zero where it is left out.
    pub(super) fn number<const N: usize>(&mut self, table: Table, number: u64) -> Found<[u8; N]> {
        match self.field(table, number, u64::try_from(N).unwrap_or(u64::MAX))? {
            Some(at) => self.array(at),
            None => Ok([0; N]),
        }
    }

    /// Where an offset leads.
    fn follow(&mut self, at: u64) -> Found<u64> {
        Ok(at.saturating_add(self.u32(at)?))
    }

    /// A field that is a table.
    pub(super) fn inner(&mut self, table: Table, number: u64) -> Found<Option<Table>> {
        let Some(at) = self.field(table, number, 4)? else { return Ok(None) };
        let at = self.follow(at)?;
        self.table(at).map(Some)
    }

    /// A field that is a list of items of `width` bytes: their bytes.
    pub(super) fn list(&mut self, table: Table, number: u64, width: u64) -> Found<&'a [u8]> {
        self.step()?;
        let Some(at) = self.field(table, number, 4)? else { return Ok(&[]) };
        let at = self.follow(at)?;
        let count = self.u32(at)?;
        let length = count.checked_mul(width).ok_or("a list is longer than any file")?;
        self.take(at.saturating_add(4), length)
    }

    /// A field that is a list of 32-bit numbers.
    pub(super) fn numbers(&mut self, table: Table, number: u64) -> Found<Vec<i32>> {
        let bytes = self.list(table, number, 4)?;
        let (numbers, _) = bytes.as_chunks();
        // What is copied counts like what is followed.
        self.steps = self.steps.saturating_add(numbers.len());
        self.step()?;
        Ok(numbers.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect())
    }

    pub(super) fn text(&mut self, table: Table, number: u64) -> Found<String> {
        let bytes = self.list(table, number, 1)?;
        // A zero follows every text.
        let shown = bytes.get(..4 << 10).unwrap_or(bytes);
        if !bytes.is_empty() {
            self.reached = self.reached.saturating_add(1).min(size(self.bytes));
        }
        Ok(String::from_utf8_lossy(shown).into_owned())
    }

    /// The tables of a field that is a list of them.
    pub(super) fn tables(&mut self, table: Table, number: u64) -> Found<Vec<Table>> {
        self.step()?;
        let Some(at) = self.field(table, number, 4)? else { return Ok(Vec::new()) };
        let at = self.follow(at)?;
        let count = self.u32(at)?;
        self.take(
            at.saturating_add(4),
            count.checked_mul(4).ok_or("a list is longer than any file")?,
        )?;
        let mut tables = Vec::new();
        for index in 0..count {
            let at = at.saturating_add(4).saturating_add(index.saturating_mul(4));
            let at = self.follow(at)?;
            tables.push(self.table(at)?);
        }
        Ok(tables)
    }

    /// Notes content that lies behind the tables, at offsets from the beginning of the file.
    pub(super) fn outside(&mut self, at: u64, length: u64) -> Found<()> {
        self.take(at, length).map(|_| ())
    }
}
