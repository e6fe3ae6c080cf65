//! The memo of an unpickler, in bounded memory.

use std::collections::BTreeMap;

use crate::literal::Sink;
use crate::value::Value;

/// Entries far from the others, and globals and results beyond the limit.
const SPARSE: usize = 1 << 16;
/// How far beyond the last entry the next one may lie without going to the sparse map.
const REACH: usize = 1 << 12;
/// More than the entries that one literal sets.
const LITERAL: usize = 1 << 10;

#[derive(Debug)]
pub(crate) struct Memo {
    /// With [`Value::UNSET`] where there is no entry.
    dense: Vec<Value>,
    sparse: BTreeMap<usize, Value>,
    /// No sparse entry is above this one.
    highest: usize,
    /// The first values of dense entries that were set to another one: what literals may refer to.
    first: BTreeMap<usize, Value>,
    limit: usize,
    /// Entries below this and at or above `limit` may be set, to values that are not kept.
    lost: usize,
    /// Entries that are set: the index of the next `MEMOIZE`.
    count: usize,
}

impl Memo {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            dense: Vec::new(),
            sparse: BTreeMap::new(),
            highest: 0,
            first: BTreeMap::new(),
            limit,
            lost: 0,
            count: 0,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.dense.clear();
        self.sparse.clear();
        self.first.clear();
        self.highest = 0;
        self.lost = 0;
        self.count = 0;
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Whether the entries of a literal can be set one after another: as entries of the dense part, or as
    /// ones whose values are not kept.
    #[inline]
    pub(crate) fn in_order(&self) -> bool {
        let dense = self.sparse.is_empty()
            && self.count == self.dense.len()
            && self.count.saturating_add(LITERAL) < self.limit;
        dense || self.loses_all()
    }

    /// Whether no value of an entry from `count` on is kept, nor was.
    #[inline]
    fn loses_all(&self) -> bool {
        self.count >= self.limit
            && self.count >= self.lost
            && self.sparse.len() >= SPARSE
            && self.highest < self.count
    }

    /// Takes back the entries of a literal that came to nothing.
    pub(crate) fn back_to(&mut self, count: usize, lost: usize) {
        self.dense.truncate(count);
        self.count = count;
        self.lost = lost;
    }

    pub(crate) fn lost(&self) -> usize {
        self.lost
    }

    /// Sets an entry. False if a value that matters could not be kept.
    #[inline]
    pub(crate) fn put(&mut self, index: usize, value: Value) -> bool {
        if index == self.dense.len() && index < self.limit {
            if !self.sparse.is_empty() && self.sparse.remove(&index).is_some() {
                self.count = self.count.saturating_sub(1);
            }
            self.dense.push(value);
            self.count = self.count.saturating_add(1);
            return true;
        }
        self.put_elsewhere(index, value)
    }

    fn put_elsewhere(&mut self, index: usize, value: Value) -> bool {
        if let Some(entry) = self.dense.get_mut(index) {
            let before = std::mem::replace(entry, value);
            if before == Value::UNSET {
                self.count = self.count.saturating_add(1);
            } else if before != value && self.first.len() <= SPARSE {
                self.first.entry(index).or_insert(before);
            }
            return true;
        }
        if index < self.limit
            && index.saturating_sub(self.dense.len()) < REACH
            && self.sparse.is_empty()
        {
            self.dense.resize(index, Value::UNSET);
            self.dense.push(value);
            self.count = self.count.saturating_add(1);
            return true;
        }
        if self.sparse.len() < SPARSE && (index < self.limit || !value.is_constant()) {
            self.highest = self.highest.max(index);
            if self.sparse.insert(index, value).is_none() && index >= self.lost {
                self.count = self.count.saturating_add(1);
            }
            self.lost = self.lost.max(if index < self.limit { 0 } else { index.saturating_add(1) });
            return true;
        }
        if index <= self.highest {
            self.sparse.remove(&index);
        }
        if index >= self.lost {
            self.lost = index.saturating_add(1);
            self.count = self.count.saturating_add(1);
        }
        index >= self.limit && value.is_constant()
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<Value> {
        if let Some(&entry) = self.dense.get(index) {
            return (entry != Value::UNSET).then_some(entry);
        }
        if let Some(&value) = self.sparse.get(&index) {
            return Some(value);
        }
        (index < self.lost && (index >= self.limit || self.sparse.len() >= SPARSE))
            .then_some(Value::UNKNOWN)
    }
}

impl Sink for Memo {
    #[inline]
    fn memoize(&mut self, index: Option<usize>, value: Value) -> Option<usize> {
        if index.is_some_and(|index| index != self.count) {
            return None;
        }
        let index = self.count;
        self.count = index.saturating_add(1);
        if index < self.limit {
            self.dense.push(value);
        } else {
            self.lost = self.count;
        }
        Some(index)
    }

    #[inline]
    fn filled(&mut self, index: usize, value: Value) {
        if let Some(entry) = self.dense.get_mut(index) {
            *entry = value;
        }
    }

    #[inline]
    fn recall(&self, index: usize) -> Option<Value> {
        if !self.first.is_empty() && (self.first.len() > SPARSE || self.first.contains_key(&index))
        {
            return None;
        }
        self.dense.get(index).copied().filter(|value| !value.is_forgettable() && !value.is_fresh())
    }
}

/// The memo for a literal that is read again.
pub(crate) struct Recall<'m>(pub(crate) &'m Memo);

impl Sink for Recall<'_> {
    fn memoize(&mut self, _: Option<usize>, _: Value) -> Option<usize> {
        Some(0)
    }

    fn filled(&mut self, _: usize, _: Value) {}

    fn recall(&self, index: usize) -> Option<Value> {
        let memo = self.0;
        Some(match memo.first.get(&index) {
            Some(&value) => value,
            // More were changed than are remembered.
            None if memo.first.len() > SPARSE => Value::UNKNOWN,
            None => memo.dense.get(index).copied().unwrap_or(Value::UNKNOWN),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_again() {
        let mut memo = Memo::new(100);
        assert!(memo.put(0, Value::int(0)));
        assert!(memo.put(5, Value::int(5)));
        assert_eq!((memo.get(0), memo.get(3), memo.count()), (Some(Value::int(0)), None, 2));
        assert!(memo.put(3, Value::int(3)));
        assert_eq!((memo.get(3), memo.count()), (Some(Value::int(3)), 3));
        assert!(memo.put(1 << 40, Value::global(1)));
        assert_eq!(memo.get(1 << 40), Some(Value::global(1)));
    }

    #[test]
    fn beyond_the_limit_constants_are_lost_and_globals_kept() {
        let mut memo = Memo::new(4);
        for index in 0..10 {
            assert!(memo.put(index, Value::int(7)));
        }
        assert!(memo.put(10, Value::global(3)));
        assert_eq!(memo.get(3), Some(Value::int(7)));
        assert_eq!(memo.get(8), Some(Value::UNKNOWN));
        assert_eq!(memo.get(10), Some(Value::global(3)));
        assert_eq!((memo.get(11), memo.count()), (None, 11));
    }
}
