//! From bytes to streams: one pickle after the other, padding between, search after damage, and the
//! pickles that pickles load.

mod candidates;

use std::ops::Range;

use crate::event::{
    Analysis, Call, Callee, End, Event, EventKind, Gap, GapReason, Incomplete, Limits, Name, Stream,
};
use crate::machine::Machine;
use crate::opcode::{SHAPES, Shape};

/// Instructions that searching after damage may spend in all, and on one place.
const SEARCH_STEPS: u64 = 1 << 26;
const ATTEMPT_STEPS: u64 = 1 << 22;
/// Nesting of constants that are loaded as pickles.
const DEEPEST: u8 = 8;

/// Tells what loading `bytes` as a pickle does, one stream after the other. Nothing is executed, and the
/// bytes may be anything; the work is bounded by `limits`.
pub fn analyse(bytes: &[u8], limits: &Limits) -> Analysis {
    analyse_at(bytes, limits, 0)
}

fn analyse_at(bytes: &[u8], limits: &Limits, depth: u8) -> Analysis {
    let mut driver = Driver {
        bytes,
        limits,
        machine: Machine::new(bytes, limits),
        analysis: Analysis::default(),
        search_left: SEARCH_STEPS.min(limits.steps),
        searched_out: false,
    };
    driver.scan(0..bytes.len(), depth);
    driver.follow();
    let mut analysis = driver.analysis;
    analysis.steps = analysis.steps.saturating_add(driver.machine.steps);
    analysis.gaps.append(&mut driver.machine.gaps);
    analysis.gaps.sort_by_key(|gap| gap.range.start);
    analysis.incomplete.append(&mut driver.machine.incomplete);
    analysis
}

/// Whether bytes are a pickle by their content. A protocol header and decodable instructions after it
/// suffice; protocols 0 and 1 have no header, so the first instructions must run.
pub fn looks_like_pickle(bytes: &[u8]) -> bool {
    let limits = Limits {
        values: 512,
        memo: 512,
        stack: 1024,
        events: 16,
        text: 1 << 16,
        ..Limits::default()
    };
    let head = bytes.get(..1 << 16).unwrap_or(bytes);
    let cut = head.len() < bytes.len();
    let mut machine = Machine::new(head, &limits);
    let stream = machine.run(0, head.len(), 0, 256);
    let long_enough = machine.steps >= 256 || (cut && stream.end == End::Truncated);
    if stream.protocol.is_some_and(|protocol| protocol <= 5) {
        // `PROTO` and at least two instructions more.
        return machine.steps >= 4
            || matches!(stream.end, End::Stop)
            || (matches!(stream.end, End::Truncated) && machine.steps >= 3)
            || has_import(&stream.events);
    }
    match stream.end {
        End::Stop => true,
        End::Limit => long_enough && !head.starts_with(b"(((("),
        End::Truncated => (cut && machine.steps > 16) || credible_call(&stream.events),
        _ => credible_call(&stream.events),
    }
}

struct Driver<'a, 'l> {
    bytes: &'a [u8],
    limits: &'l Limits,
    machine: Machine<'a>,
    analysis: Analysis,
    search_left: u64,
    searched_out: bool,
}

impl Driver<'_, '_> {
    /// Everything in a range, from its start on.
    fn scan(&mut self, range: Range<usize>, depth: u8) {
        let mut position = range.start;
        while position < range.end {
            let start = self.skip_padding(position..range.end);
            if start > position {
                self.gap(position..start, GapReason::Padding);
                position = start;
                continue;
            }
            if self.exhausted(position..range.end) {
                return;
            }
            let valid = self
                .bytes
                .get(position)
                .and_then(|&code| SHAPES.get(usize::from(code)))
                .is_some_and(|&shape| shape != Shape::Invalid);
            let first = position == range.start;
            let mut from = position;
            if valid {
                let before = self.before();
                let left = self.limits.steps.saturating_sub(self.machine.steps);
                let stream = self.machine.run(position, range.end, depth, left);
                let end = stream.range.end;
                let ended = matches!(stream.end, End::Stop);
                let limited = matches!(stream.end, End::Limit);
                if first || ended || stream.protocol.is_some() || credible(&stream) {
                    self.keep(stream);
                    if limited {
                        return;
                    }
                    if ended {
                        position = end;
                        continue;
                    }
                    from = end;
                } else {
                    self.discard(before);
                }
            }
            let Some(next) = self.search(from..range.end, depth) else { return };
            position = next;
        }
    }

    /// Looks for a pickle in the middle of bytes that are none, and returns where it ended.
    fn search(&mut self, range: Range<usize>, depth: u8) -> Option<usize> {
        let mut from = range.start;
        while let Some(found) = candidates::next(self.bytes, from..range.end) {
            for &candidate in &found.starts {
                if self.search_left == 0 {
                    self.searched(range.clone());
                    self.gap(range, GapReason::NotPickle);
                    return None;
                }
                let before = self.before();
                let steps = self.machine.steps;
                let mut stream = self.machine.run(
                    candidate,
                    range.end,
                    depth,
                    ATTEMPT_STEPS.min(self.search_left),
                );
                let taken = self.machine.steps.saturating_sub(steps);
                self.search_left = self.search_left.saturating_sub(taken);
                if credible(&stream) {
                    if matches!(stream.end, End::Limit) {
                        // Worth the whole budget.
                        self.discard(before);
                        let left = self.limits.steps.saturating_sub(self.machine.steps);
                        stream = self.machine.run(candidate, range.end, depth, left);
                    }
                    self.gap(range.start..candidate, GapReason::NotPickle);
                    let end = stream.range.end.max(candidate.saturating_add(1));
                    stream.resynchronised = true;
                    self.keep(stream);
                    if self.exhausted(end..range.end) {
                        return None;
                    }
                    return Some(end);
                }
                self.discard(before);
            }
            from = found.next;
        }
        self.gap(range, GapReason::NotPickle);
        None
    }

    /// Pickles found within pickles.
    fn follow(&mut self) {
        while let Some(pending) = self.machine.pending.pop() {
            if self.exhausted(pending.range.clone()) {
                return;
            }
            if pending.depth > DEEPEST {
                self.analysis.incomplete.push(Incomplete {
                    range: pending.range,
                    reason: "pickles nested deeper than the limit".to_owned(),
                });
                continue;
            }
            if pending.search {
                self.search_all(pending.range, pending.depth);
            } else if let Some(bytes) = pending.bytes {
                self.apart(&bytes, pending.range, pending.depth);
            } else {
                self.scan(pending.range, pending.depth);
            }
        }
    }

    fn search_all(&mut self, range: Range<usize>, depth: u8) {
        // From the start as a loader would, then wherever one may begin; gaps here are part of other streams.
        let gaps = self.analysis.gaps.len();
        let mut from = range.start;
        let before = self.before();
        let stream = self.machine.run(from, range.end, depth, ATTEMPT_STEPS);
        if credible(&stream) {
            from = stream.range.end;
            self.keep(stream);
        } else {
            self.discard(before);
        }
        while from < range.end {
            match self.search(from..range.end, depth) {
                Some(next) => from = next,
                None => break,
            }
        }
        self.analysis.gaps.truncate(gaps);
    }

    /// Bytes that folding made: their places are the call's.
    fn apart(&mut self, bytes: &[u8], place: Range<usize>, depth: u8) {
        let mut limits = *self.limits;
        limits.steps = limits.steps.saturating_sub(self.machine.steps);
        limits.streams = limits.streams.saturating_sub(self.analysis.streams.len());
        limits.values >>= 1;
        limits.memo >>= 1;
        let nested = analyse_at(bytes, &limits, depth);
        self.analysis.steps = self.analysis.steps.saturating_add(nested.steps);
        for mut stream in nested.streams {
            stream.range = place.clone();
            for event in &mut stream.events {
                event.span = place.clone();
            }
            self.analysis.streams.push(stream);
        }
        for mut incomplete in nested.incomplete {
            incomplete.range = place.clone();
            self.analysis.incomplete.push(incomplete);
        }
    }

    fn before(&self) -> (usize, usize, usize, usize) {
        let machine = &self.machine;
        (machine.pending.len(), machine.gaps.len(), machine.incomplete.len(), machine.inner.len())
    }

    /// Forgets what an attempt that came to nothing left behind.
    fn discard(&mut self, (pending, gaps, incomplete, inner): (usize, usize, usize, usize)) {
        self.machine.pending.truncate(pending);
        self.machine.gaps.truncate(gaps);
        self.machine.incomplete.truncate(incomplete);
        self.machine.inner.truncate(inner);
    }

    fn keep(&mut self, stream: Stream) {
        self.machine.spend(stream.events.len());
        self.analysis.streams.push(stream);
        self.analysis.streams.append(&mut self.machine.inner);
    }

    fn gap(&mut self, range: Range<usize>, reason: GapReason) {
        if !range.is_empty() {
            self.analysis.gaps.push(Gap { range, reason });
        }
    }

    fn searched(&mut self, range: Range<usize>) {
        if !self.searched_out {
            self.searched_out = true;
            let reason = "the search for pickles after damage met its limit".to_owned();
            self.analysis.incomplete.push(Incomplete { range, reason });
        }
    }

    fn exhausted(&mut self, range: Range<usize>) -> bool {
        let reason = if self.analysis.streams.len() >= self.limits.streams {
            "more streams than the limit"
        } else if self.machine.steps >= self.limits.steps {
            "more instructions than the limit"
        } else {
            return false;
        };
        self.analysis.incomplete.push(Incomplete { range, reason: reason.to_owned() });
        true
    }

    /// Where a run of zeros or white space ends.
    fn skip_padding(&self, range: Range<usize>) -> usize {
        let rest = self.bytes.get(range.clone()).unwrap_or_default();
        let padding = rest
            .iter()
            .position(|byte| !matches!(byte, 0 | b' ' | b'\n' | b'\r' | b'\t'))
            .unwrap_or(rest.len());
        range.start.saturating_add(padding)
    }
}

fn has_import(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event.kind, EventKind::Import { .. }))
}

/// Whether a stream that does not stand where a loader begins is one: it calls something with the name of
/// an identifier, or imports such and ends as a pickle does.
fn credible(stream: &Stream) -> bool {
    if credible_call(&stream.events) {
        return true;
    }
    matches!(stream.end, End::Stop)
        && stream.events.iter().any(|event| match &event.kind {
            EventKind::Import { global: Some(name), .. } => identifier(name),
            _ => false,
        })
}

fn credible_call(events: &[Event]) -> bool {
    events.iter().any(|event| match &event.kind {
        EventKind::Call(Call { callee, .. }) => match callee {
            Callee::Global(name) | Callee::Folded { global: name, .. } => identifier(name),
            Callee::Unknown { .. } => false,
        },
        _ => false,
    })
}

fn identifier(name: &Name) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(|first: char| first.is_ascii_digit())
            && part.chars().all(|character| character == '_' || character.is_alphanumeric())
    };
    name.module.len().saturating_add(name.name.len()) >= 4
        && name.module.split('.').all(part)
        && name.name.split('.').all(part)
}
