use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ArchiveError;

/// How much one scan may read, expand and hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries of one archive, or members of one stream: each takes about half a kilobyte.
    pub entries: usize,
    /// Bytes expanded by all readers of a scan together.
    pub expanded_total: u64,
    /// Bytes expanded by one reader.
    pub expanded_entry: u64,
    /// Expanded bytes per compressed byte, judged after [`Limits::ratio_after`].
    pub ratio: u64,
    /// Expanded bytes of one reader that are free of the ratio.
    pub ratio_after: u64,
    /// Bytes of window or dictionary of one decoder.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 100_000,
            expanded_total: 64 << 30,
            expanded_entry: 32 << 30,
            ratio: 1_000,
            ratio_after: 64 << 20,
            memory: 32 << 20,
        }
    }
}

/// What a scan has expanded so far; shared by its readers, also across threads.
#[derive(Debug, Default)]
pub struct Budget {
    limits: Limits,
    expanded: AtomicU64,
}

impl Budget {
    /// A budget of which nothing is spent.
    pub fn new(limits: Limits) -> Self {
        Self { limits, expanded: AtomicU64::new(0) }
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Bytes expanded so far, by all readers.
    pub fn expanded(&self) -> u64 {
        self.expanded.load(Ordering::Relaxed)
    }

    /// Puts `reader`, which expands `compressed` bytes, under this budget.
    pub fn reader<R: Read>(&self, reader: R, compressed: u64) -> Budgeted<'_, R> {
        Budgeted { reader, budget: self, compressed, expanded: 0 }
    }

    /// Counts bytes as expanded; false once the total is spent.
    fn spend(&self, count: u64) -> bool {
        let before = self.expanded.fetch_add(count, Ordering::Relaxed);
        before.saturating_add(count) <= self.limits.expanded_total
    }
}

/// A reader that stops with a typed error at the limits of a [`Budget`].
///
/// What is read before the stop is whole: at most one buffer over a limit is expanded, and not handed out.
#[derive(Debug)]
pub struct Budgeted<'a, R> {
    reader: R,
    budget: &'a Budget,
    compressed: u64,
    expanded: u64,
}

impl<R> Budgeted<'_, R> {
    /// Bytes handed out so far.
    pub fn expanded(&self) -> u64 {
        self.expanded
    }

    /// The reader under the budget.
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// Takes the reader out.
    pub fn into_inner(self) -> R {
        self.reader
    }
}

impl<R: Read> Read for Budgeted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let expanded = self.expanded.saturating_add(count as u64);
        let limits = &self.budget.limits;
        if expanded > limits.expanded_entry {
            return Err(ArchiveError::Expanded { limit: limits.expanded_entry }.into());
        }
        if expanded > limits.ratio_after
            && expanded > limits.ratio.saturating_mul(self.compressed.max(1))
        {
            let (compressed, ratio) = (self.compressed, limits.ratio);
            return Err(ArchiveError::Ratio { compressed, ratio }.into());
        }
        if !self.budget.spend(count as u64) {
            return Err(ArchiveError::Expanded { limit: limits.expanded_total }.into());
        }
        self.expanded = expanded;
        Ok(count)
    }
}
