//! The little of the flat buffer format that a model's core needs
//! (<https://flatbuffers.dev/internals/>). Every offset is checked.

/// A table in a buffer.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    buffer: &'a [u8],
    at: usize,
}

fn integer(buffer: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*buffer.get(at..)?.first_chunk()?))
}

/// Where the offset at `at` leads.
fn target(buffer: &[u8], at: usize) -> Option<usize> {
    at.checked_add(usize::try_from(integer(buffer, at)?).ok()?).filter(|at| *at < buffer.len())
}

/// The root table.
pub(super) fn root(buffer: &[u8]) -> Option<Table<'_>> {
    Some(Table { buffer, at: target(buffer, 0)? })
}

impl<'a> Table<'a> {
    /// The place of a field; `None` if the table does not have it.
    fn field(self, index: usize) -> Option<usize> {
        let back = i64::from(integer(self.buffer, self.at)?.cast_signed());
        let vtable = usize::try_from(i64::try_from(self.at).ok()?.checked_sub(back)?).ok()?;
        let entry = |at: usize| {
            Some(usize::from(u16::from_le_bytes(*self.buffer.get(at..)?.first_chunk()?)))
        };
        let offset = index.checked_mul(2)?.checked_add(4)?;
        if offset.checked_add(2)? > entry(vtable)? {
            return None;
        }
        let place = entry(vtable.checked_add(offset)?)?;
        (place != 0).then_some(self.at.checked_add(place)?)
    }

    pub(super) fn number(self, index: usize) -> Option<u32> {
        integer(self.buffer, self.field(index)?)
    }

    pub(super) fn table(self, index: usize) -> Option<Table<'a>> {
        Some(Table { buffer: self.buffer, at: target(self.buffer, self.field(index)?)? })
    }

    /// The items of a vector, `size` bytes each, as many as the vector says; `None` if it is missing or
    /// the buffer does not hold them.
    pub(super) fn vector(self, index: usize, size: usize) -> Option<&'a [u8]> {
        let at = target(self.buffer, self.field(index)?)?;
        let count = usize::try_from(integer(self.buffer, at)?).ok()?;
        let start = at.checked_add(4)?;
        self.buffer.get(start..start.checked_add(count.checked_mul(size)?)?)
    }

    /// Whether the vector is there and does not lie in the buffer.
    pub(super) fn is_broken(self, index: usize, size: usize) -> bool {
        self.field(index).is_some() && self.vector(index, size).is_none()
    }

    pub(super) fn text(self, index: usize) -> Option<&'a [u8]> {
        self.vector(index, 1)
    }

    /// The 32-bit numbers of a vector.
    pub(super) fn numbers(self, index: usize) -> impl Iterator<Item = u32> + 'a {
        let items = self.vector(index, 4).unwrap_or_default();
        items.as_chunks::<4>().0.iter().map(|item| u32::from_le_bytes(*item))
    }

    /// The tables of a vector of tables.
    pub(super) fn tables(self, index: usize) -> impl Iterator<Item = Table<'a>> {
        let buffer = self.buffer;
        let start =
            self.field(index).and_then(|at| target(buffer, at)).and_then(|at| at.checked_add(4));
        let count = self.vector(index, 4).map_or(0, <[u8]>::len) / 4;
        (0..count).filter_map(move |item| {
            let at = start?.checked_add(item.checked_mul(4)?)?;
            Some(Table { buffer, at: target(buffer, at)? })
        })
    }

    /// The texts of a vector of texts.
    pub(super) fn texts(self, index: usize) -> impl Iterator<Item = &'a [u8]> {
        self.tables(index).filter_map(|text| {
            let length = usize::try_from(integer(text.buffer, text.at)?).ok()?;
            let start = text.at.checked_add(4)?;
            text.buffer.get(start..start.checked_add(length)?)
        })
    }
}
