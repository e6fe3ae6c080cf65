//! Where a pickle may begin in the middle of other bytes.

use std::ops::Range;

use crate::opcode::{SHAPES, Shape};

/// Longer names are not looked for.
const LONGEST: usize = 128;
/// How far before an `INST` its mark may be.
const REACH: usize = 512;

/// Places to try, and where to look on.
pub(super) struct Candidates {
    pub(super) starts: Vec<usize>,
    pub(super) next: usize,
}

/// The next place in a range at which `PROTO`, `GLOBAL`, `INST` or the strings of a `STACK_GLOBAL` may
/// stand.
pub(super) fn next(bytes: &[u8], range: Range<usize>) -> Option<Candidates> {
    let mut from = range.start;
    loop {
        let rest = bytes.get(from..range.end)?;
        let at = from.checked_add(memchr::memchr3(0x80, b'\n', 0x93, rest)?)?;
        let next = at.checked_add(1)?;
        let starts = match bytes.get(at)? {
            0x80 => header(bytes, at),
            b'\n' => lines(bytes, at, range.start),
            _ => strings(bytes, at, range.start),
        };
        if !starts.is_empty() {
            return Some(Candidates { starts, next });
        }
        from = next;
    }
}

fn header(bytes: &[u8], at: usize) -> Vec<usize> {
    match bytes.get(at..at.saturating_add(3)) {
        Some([_, 0..=5, code])
            if SHAPES.get(usize::from(*code)).is_some_and(|&shape| shape != Shape::Invalid) =>
        {
            vec![at]
        }
        _ => Vec::new(),
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || byte >= 0x80
}

/// A newline between a module and a name.
fn lines(bytes: &[u8], at: usize, least: usize) -> Vec<usize> {
    let after = bytes.get(at.saturating_add(1)..).unwrap_or_default();
    let head = after.get(..LONGEST).unwrap_or(after);
    let name = head.iter().position(|&byte| !is_name(byte)).unwrap_or(head.len());
    // A last line that does not end may still be a name.
    if name == 0 || (head.get(name) != Some(&b'\n') && name < after.len()) {
        return Vec::new();
    }
    let begin = at.saturating_sub(LONGEST).max(least);
    let before = bytes.get(begin..at).unwrap_or_default();
    let module =
        before.iter().rposition(|&byte| !is_name(byte)).map_or(0, |last| last.saturating_add(1));
    let mut starts = Vec::new();
    for (offset, &byte) in before.iter().enumerate().skip(module) {
        let place = begin.saturating_add(offset);
        if place.saturating_add(1) >= at || !matches!(byte, b'c' | b'i') {
            continue;
        }
        marks(bytes, place, least, if byte == b'i' { 4 } else { 1 }, &mut starts);
        if byte == b'c' {
            starts.push(place);
        }
    }
    starts
}

/// The nearest marks before a place, which its arguments may begin at.
fn marks(bytes: &[u8], place: usize, least: usize, most: usize, starts: &mut Vec<usize>) {
    let begin = place.saturating_sub(if most == 1 { 1 } else { REACH }).max(least);
    let before = bytes.get(begin..place).unwrap_or_default();
    let found = before.iter().enumerate().rev().filter(|(_, byte)| **byte == b'(').take(most);
    starts.extend(found.map(|(offset, _)| begin.saturating_add(offset)));
}

/// The start of the two short strings before a `STACK_GLOBAL`.
fn strings(bytes: &[u8], at: usize, least: usize) -> Vec<usize> {
    let mut starts = Vec::new();
    if let Some(module) =
        string_before(bytes, at, least).and_then(|name| string_before(bytes, name, least))
    {
        marks(bytes, module, least, 1, &mut starts);
        starts.push(module);
    }
    starts
}

/// The start of the `SHORT_BINUNICODE` that ends before `end`, with or without being memoized.
fn string_before(bytes: &[u8], end: usize, least: usize) -> Option<usize> {
    let memoized = end.checked_sub(1).filter(|&last| bytes.get(last) == Some(&0x94));
    let put = end.checked_sub(2).filter(|&last| bytes.get(last) == Some(&b'q'));
    [Some(end), memoized, put].into_iter().flatten().find_map(|end| {
        (1..=LONGEST).find_map(|length| {
            let start = end.checked_sub(length)?.checked_sub(2)?;
            let found = bytes.get(start) == Some(&0x8c)
                && bytes
                    .get(start.saturating_add(1))
                    .is_some_and(|&found| usize::from(found) == length);
            (found && start >= least).then_some(start)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(bytes: &[u8]) -> Vec<usize> {
        let mut all = Vec::new();
        let mut from = 0;
        while let Some(found) = next(bytes, from..bytes.len()) {
            all.extend(found.starts);
            from = found.next;
        }
        all
    }

    #[test]
    fn beginnings_are_found() {
        assert_eq!(starts(b"\xff\xff\x80\x04N."), [2]);
        assert_eq!(starts(b"\xff\xffcos\nsystem\n(S'x'\ntR."), [2]);
        assert_eq!(starts(b"\xff(S'x'\nios\nsystem\n."), [1]);
        assert_eq!(starts(b"\xff\x8c\x02os\x94\x8c\x06system\x94\x93"), [1]);
        assert!(starts(b"\x00\x01\x02\n\n\n\x93\x80\xff").is_empty());
    }
}
