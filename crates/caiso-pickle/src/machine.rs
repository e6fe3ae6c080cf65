//! The abstract machine: CPython's unpickler over values that only say what they are.

mod calls;
mod constants;
mod containers;
mod fold;
mod frames;
mod joblib;
pub(crate) mod memo;
mod names;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::arena::Arena;
use crate::decode::{DecodeError, Decoder};
use crate::event::{
    AcceptedBy, Difference, DifferenceKind, End, Event, EventKind, Gap, How, Incomplete, Limits,
    Name, ResultKind, Stream,
};
use crate::literal::Reader;
use crate::machine::constants::Constant;
use crate::machine::names::Names;
use crate::value::{Kind, Value};

/// From this height on, constants in a row share one entry of the stack.
const TALL: usize = 1 << 16;
/// A value beyond these exhausts the stack or the memory of whoever copies, compares or prints it.
const DEEP: u32 = 10_000;
const MANY: u64 = 1 << 22;
/// More values for each byte of the stream than any sharing of one writer gives.
const PER_BYTE: u64 = 4096;
/// Differences of one kind that are reported of one stream.
const DIFFERENCES: u8 = 4;

/// A global reached through resolvers.
#[derive(Debug)]
struct Resolved {
    global: usize,
    through: Vec<usize>,
}

/// A pickle found within another one, to be analysed after it.
#[derive(Debug)]
pub(crate) struct Pending {
    /// Where it lies, or where the call is that loads it.
    pub(crate) range: Range<usize>,
    /// Its bytes, where folding made them.
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) depth: u8,
    /// Only search here for pickles: the bytes are not where a loader would begin.
    pub(crate) search: bool,
}

/// Why a stream does not go on.
#[derive(Debug)]
enum Halt {
    Stop(Value),
    Refused(&'static str),
    Decode(DecodeError),
    Limit(&'static str),
}

pub(crate) struct Machine<'a> {
    data: &'a [u8],
    decoder: Decoder<'a>,
    limits: Limits,
    stack: Vec<Value>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    /// The last mark: what lies below is out of reach.
    fence: usize,
    arena: Arena<'a>,
    reader: Reader,
    /// Before this no literal begins: one was tried from further up.
    no_literal: usize,
    names: Names,
    resolved: Vec<Resolved>,
    constants: Vec<Constant>,
    /// `copyreg` extension codes that the input itself registers.
    extensions: BTreeMap<i64, Name>,
    frame_end: usize,
    depth: u8,
    events: Vec<Event>,
    /// Events of each callee, import or other thing, so that a million alike do not fill the log.
    alike: BTreeMap<(u8, usize, How), (u32, usize)>,
    differences: BTreeMap<DifferenceKind, u8>,
    nested: BTreeSet<(usize, usize)>,
    events_left: usize,
    events_here: usize,
    text_left: usize,
    text_reported: bool,
    pub(crate) steps: u64,
    pub(crate) pending: Vec<Pending>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) incomplete: Vec<Incomplete>,
    /// Streams met in place, within another one.
    pub(crate) inner: Vec<Stream>,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(data: &'a [u8], limits: &Limits) -> Self {
        Self {
            data,
            decoder: Decoder::new(data),
            limits: *limits,
            stack: Vec::new(),
            marks: Vec::new(),
            fence: 0,
            arena: Arena::new(limits.values, limits.memo, data),
            reader: Reader::new(),
            no_literal: 0,
            names: Names::default(),
            resolved: Vec::new(),
            constants: Vec::new(),
            extensions: BTreeMap::new(),
            frame_end: usize::MAX,
            depth: 0,
            events: Vec::new(),
            alike: BTreeMap::new(),
            differences: BTreeMap::new(),
            nested: BTreeSet::new(),
            events_left: limits.events,
            events_here: 0,
            text_left: limits.text,
            text_reported: false,
            steps: 0,
            pending: Vec::new(),
            gaps: Vec::new(),
            incomplete: Vec::new(),
            inner: Vec::new(),
        }
    }

    /// Runs one stream from `start`, in data that ends at `end`, for at most `steps` instructions.
    pub(crate) fn run(&mut self, start: usize, end: usize, depth: u8, steps: u64) -> Stream {
        self.stack.clear();
        self.marks.clear();
        self.fence = 0;
        self.arena.clear();
        self.no_literal = 0;
        self.alike.clear();
        self.differences.clear();
        self.frame_end = usize::MAX;
        self.depth = depth;
        // No value of an earlier stream lives on, so neither need their names.
        self.names = Names::default();
        self.resolved.clear();
        self.constants.clear();
        self.text_left = self.limits.text;
        self.events_here = 0;
        self.decoder.limit(self.data.get(..end).unwrap_or(self.data));
        let last_step = self.steps.saturating_add(steps);
        let (position, halt) = self.execute(start, last_step);
        let protocol = match self.data.get(start..) {
            Some([0x80, protocol, ..]) => Some(*protocol),
            _ => None,
        };
        let mut result = ResultKind::Missing;
        let end = match halt {
            Halt::Stop(value) => {
                result = self.result(value);
                let (deep, values) = self.arena.extent(value);
                let size = u64::try_from(position.saturating_sub(start)).unwrap_or(u64::MAX);
                let unfolds = values > MANY && values > size.saturating_mul(PER_BYTE);
                if deep > DEEP || unfolds {
                    let last = position.saturating_sub(1)..position;
                    self.event(last, EventKind::Oversized { depth: deep, values });
                }
                if self.frame_end != usize::MAX && position < self.frame_end {
                    let from = position.saturating_sub(1)..position;
                    self.difference(from, DifferenceKind::FrameLeft, AcceptedBy::Both);
                    self.pending.push(Pending {
                        range: self.frame_end..end,
                        bytes: None,
                        depth,
                        search: true,
                    });
                }
                End::Stop
            }
            Halt::Refused(reason) => End::Refused(reason.to_owned()),
            Halt::Decode(DecodeError::End | DecodeError::Truncated { .. }) => End::Truncated,
            Halt::Decode(error) => End::Undecodable(error.to_string()),
            Halt::Limit(reason) => {
                self.incomplete
                    .push(Incomplete { range: position..end, reason: reason.to_owned() });
                End::Limit
            }
        };
        Stream {
            range: start..position,
            protocol,
            end,
            events: std::mem::take(&mut self.events),
            resynchronised: false,
            depth,
            result,
        }
    }

    #[inline]
    fn push(&mut self, value: Value) -> Result<(), Halt> {
        if self.stack.len() < TALL {
            self.stack.push(value);
            return Ok(());
        }
        self.push_high(value)
    }

    #[cold]
    fn push_high(&mut self, value: Value) -> Result<(), Halt> {
        let reachable = self.stack.len() > self.fence;
        if let Some(top) = self.stack.last_mut().filter(|top| reachable && top.is_constant())
            && value.is_constant()
        {
            let count = |value: Value| match value.kind() {
                Kind::Run(count) => count,
                _ => 1,
            };
            *top = Value::run(count(*top).saturating_add(count(value)));
            return Ok(());
        }
        if self.stack.len() >= self.limits.stack {
            return Err(Halt::Limit("more values on the stack than the limit"));
        }
        self.stack.push(value);
        Ok(())
    }

    #[inline]
    fn pop(&mut self) -> Result<Value, Halt> {
        if self.stack.len() <= self.fence {
            return Err(Halt::Refused("the stack is empty"));
        }
        let value = self.stack.pop().unwrap_or(Value::UNKNOWN);
        if let Kind::Run(count) = value.kind() {
            if count > 1 {
                self.stack.push(Value::run(count.saturating_sub(1)));
            }
            return Ok(Value::CONSTANT);
        }
        Ok(value)
    }

    #[inline]
    fn top(&self) -> Result<Value, Halt> {
        if self.stack.len() <= self.fence {
            return Err(Halt::Refused("the stack is empty"));
        }
        let value = self.stack.last().copied().unwrap_or(Value::UNKNOWN);
        Ok(if matches!(value.kind(), Kind::Run(_)) { Value::CONSTANT } else { value })
    }

    fn mark(&mut self) -> Result<(), Halt> {
        if self.marks.len() >= self.limits.stack {
            return Err(Halt::Limit("more marks than the limit"));
        }
        self.fence = self.stack.len();
        self.marks.push(self.fence);
        Ok(())
    }

    /// Takes the last mark away, and returns the height of the stack at it.
    #[inline]
    fn pop_mark(&mut self) -> Result<usize, Halt> {
        let height = self.marks.pop().ok_or(Halt::Refused("there is no mark"))?;
        self.fence = self.marks.last().copied().unwrap_or(0);
        Ok(height)
    }

    fn difference(&mut self, span: Range<usize>, kind: DifferenceKind, by: AcceptedBy) {
        let seen = self.differences.entry(kind).or_default();
        if *seen < DIFFERENCES {
            *seen = seen.saturating_add(1);
            self.event(span, EventKind::Difference(Difference { kind, accepted_by: by }));
        }
    }

    /// Adds an event, if the limit allows, and returns its index.
    fn event(&mut self, span: Range<usize>, kind: EventKind) -> Option<usize> {
        if self.events_here >= self.events_left {
            let range = span;
            if self.incomplete.last().is_none_or(|last| last.reason != "more events than the limit")
            {
                self.incomplete
                    .push(Incomplete { range, reason: "more events than the limit".to_owned() });
            }
            return None;
        }
        self.events_here = self.events_here.saturating_add(1);
        let index = self.events.len();
        self.events.push(Event { span, kind, repeated: 0 });
        Some(index)
    }

    /// Counts events that are kept against the limit.
    pub(crate) fn spend(&mut self, events: usize) {
        self.events_left = self.events_left.saturating_sub(events);
    }

    /// Whether another event of this kind about this thing is to be kept; otherwise it is counted.
    fn another(&mut self, kind: u8, thing: usize, how: How, most: u32) -> bool {
        let last = self.events.len();
        let (count, event) = self.alike.entry((kind, thing, how)).or_insert((0, last));
        *count = count.saturating_add(1);
        if *count <= most {
            *event = last;
            return true;
        }
        if let Some(event) = self.events.get_mut(*event) {
            event.repeated = event.repeated.saturating_add(1);
        }
        false
    }

    fn text_exhausted(&mut self) {
        if !self.text_reported {
            self.text_reported = true;
            self.incomplete.push(Incomplete {
                range: 0..self.data.len(),
                reason: "more text in names and folded constants than the limit".to_owned(),
            });
        }
    }
}
