//! Containers of constants alone: their value is where they stand, read again when someone asks for the
//! parts. A file of a million small dictionaries so needs no node for any of them.

use crate::arena::Shape;
use crate::opcode::{
    APPEND, APPENDS, BINFLOAT, BINGET, BININT, BININT1, BININT2, BINPUT, BINUNICODE, EMPTY_DICT,
    EMPTY_LIST, LONG_BINGET, LONG_BINPUT, MARK, MEMOIZE, NEWFALSE, NEWTRUE, NONE, SETITEM,
    SETITEMS, SHORT_BINBYTES, SHORT_BINUNICODE, TUPLE,
};
use crate::value::Value;

/// Values on the stack of one literal: a bit of a word for each, and no more than are kept of a container.
const HEIGHT: usize = 64;
const _: () = assert!(HEIGHT <= crate::arena::KEPT);
/// Marks within one another.
const MARKS: usize = 16;
/// Instructions of one literal: what reading it again costs at most.
const LONGEST: u64 = 256;
const NOT_SET: usize = usize::MAX;

/// The memo, as a literal needs it.
pub(crate) trait Sink {
    /// Sets the next entry, and returns its index; none if the next one is not the one meant.
    fn memoize(&mut self, index: Option<usize>, value: Value) -> Option<usize>;
    /// Sets an entry again: the container has its items now.
    fn filled(&mut self, index: usize, value: Value);
    /// An entry, if its value can be had again whenever the literal is read.
    fn recall(&self, index: usize) -> Option<Value>;
}

/// A literal that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Literal {
    pub(crate) value: Value,
    pub(crate) end: usize,
    pub(crate) steps: u64,
}

/// The stack on which one literal is read.
#[derive(Debug)]
pub(crate) struct Reader {
    stack: [Value; HEIGHT],
    /// Memo entries of the containers that have no items yet, by their place on the stack.
    entries: [usize; HEIGHT],
    /// Height of the stack at each mark, and where the mark stands.
    marks: [(usize, usize); MARKS],
    /// The items of the literal, after [`Self::read`]: a range of the stack.
    items: std::ops::Range<usize>,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            stack: [Value::UNSET; HEIGHT],
            entries: [NOT_SET; HEIGHT],
            marks: [(0, 0); MARKS],
            items: 0..0,
        }
    }

    /// The items of the literal last read.
    pub(crate) fn items(&self) -> &[Value] {
        self.stack.get(self.items.clone()).unwrap_or_default()
    }

    /// Reads the literal that begins at `start`: an empty list or dictionary and what fills it, or a mark
    /// and what makes a tuple of it. Otherwise says where it is no literal any more.
    #[inline(never)]
    #[expect(
        clippy::too_many_lines,
        reason = "one loop over the opcodes, which must stay together"
    )]
    pub(crate) fn read(
        &mut self,
        data: &[u8],
        start: usize,
        sink: &mut impl Sink,
    ) -> Result<Literal, usize> {
        let Self { stack, entries, marks, items } = self;
        let mut rest = data.get(start..).unwrap_or_default();
        let (mut height, mut fence, mut marked) = (0_usize, 0_usize, 0_usize);
        // The places on the stack where containers are.
        let mut containers = 0_u64;
        let mut steps = 0;
        while steps < LONGEST {
            let Some((&code, mut tail)) = rest.split_first() else { break };
            let value = match code {
                SHORT_BINUNICODE => {
                    let text = tail.split_first();
                    match text.and_then(|(&length, tail)| tail.get(usize::from(length)..)) {
                        Some(after) => tail = after,
                        None => break,
                    }
                    let value = Value::text(here(data, rest));
                    // It mostly goes into the memo.
                    if let [MEMOIZE, after @ ..] = tail {
                        if sink.memoize(None, value).is_none() {
                            break;
                        }
                        steps = steps.saturating_add(1);
                        tail = after;
                    }
                    value
                }
                BINFLOAT => match tail.split_at_checked(8) {
                    Some((_, after)) => {
                        tail = after;
                        Value::NUMBER
                    }
                    None => break,
                },
                BININT1 => match tail.split_first() {
                    Some((&byte, after)) => {
                        tail = after;
                        Value::int(i64::from(byte))
                    }
                    None => break,
                },
                BININT2 => match tail.split_first_chunk() {
                    Some((&bytes, after)) => {
                        tail = after;
                        Value::int(i64::from(u16::from_le_bytes(bytes)))
                    }
                    None => break,
                },
                BININT => match tail.split_first_chunk() {
                    Some((&bytes, after)) => {
                        tail = after;
                        Value::int(i64::from(i32::from_le_bytes(bytes)))
                    }
                    None => break,
                },
                NONE => Value::NONE,
                NEWTRUE => Value::TRUE,
                NEWFALSE => Value::FALSE,
                MEMOIZE | BINPUT | LONG_BINPUT => {
                    let index = match code {
                        MEMOIZE => None,
                        BINPUT => {
                            let Some((&index, after)) = tail.split_first() else {
                                break;
                            };
                            tail = after;
                            Some(usize::from(index))
                        }
                        _ => {
                            let Some((&index, after)) = tail.split_first_chunk() else {
                                break;
                            };
                            tail = after;
                            usize::try_from(u32::from_le_bytes(index)).ok()
                        }
                    };
                    if height <= fence || !memoize(sink, index, stack, entries, height) {
                        break;
                    }
                    steps = steps.saturating_add(1);
                    rest = tail;
                    continue;
                }
                BINGET | LONG_BINGET => {
                    let index = if code == BINGET {
                        let Some((&index, after)) = tail.split_first() else { break };
                        tail = after;
                        usize::from(index)
                    } else {
                        let Some((&index, after)) = tail.split_first_chunk() else { break };
                        tail = after;
                        usize::try_from(u32::from_le_bytes(index)).unwrap_or(usize::MAX)
                    };
                    let Some(value) = sink.recall(index) else { break };
                    if value.literal_extent().is_some() {
                        containers |= bit(height);
                    }
                    value
                }
                MARK => {
                    let Some(mark) = marks.get_mut(marked) else { break };
                    *mark = (height, here(data, rest));
                    marked = marked.saturating_add(1);
                    fence = height;
                    steps = steps.saturating_add(1);
                    rest = tail;
                    continue;
                }
                EMPTY_LIST | EMPTY_DICT => {
                    let shape = if code == EMPTY_LIST { Shape::List } else { Shape::Dict };
                    let Some(value) = Value::fresh(here(data, rest), shape) else { break };
                    let Some(entry) = entries.get_mut(height) else { break };
                    *entry = NOT_SET;
                    containers |= bit(height);
                    if let [MEMOIZE, after @ ..] = tail {
                        let Some(index) = sink.memoize(None, value) else { break };
                        *entry = index;
                        steps = steps.saturating_add(1);
                        tail = after;
                    }
                    // And a mark mostly follows.
                    if let [MARK, after @ ..] = tail
                        && let (Some(place), Some(mark)) =
                            (stack.get_mut(height), marks.get_mut(marked))
                    {
                        *place = value;
                        height = height.saturating_add(1);
                        *mark = (height, here(data, tail));
                        marked = marked.saturating_add(1);
                        fence = height;
                        steps = steps.saturating_add(2);
                        rest = after;
                        continue;
                    }
                    value
                }
                APPENDS | SETITEMS | TUPLE | APPEND | SETITEM => {
                    // What is filled, and from which height on the stack goes into it.
                    let (from, mark) = match code {
                        APPEND | SETITEM => {
                            let parts = if code == APPEND { 1 } else { 2 };
                            match height.checked_sub(parts).filter(|&from| from > fence) {
                                Some(from) => (from, 0),
                                None => break,
                            }
                        }
                        _ => {
                            let Some(outer) = marked.checked_sub(1) else { break };
                            marked = outer;
                            let below = marked.checked_sub(1).and_then(|below| marks.get(below));
                            fence = below.map_or(0, |mark| mark.0);
                            marks.get(marked).copied().unwrap_or_default()
                        }
                    };
                    let whole = from..height;
                    let (mut depth, mut weight) = (1, 1);
                    let below = bit(from).saturating_sub(1);
                    if containers > below {
                        for part in stack.get(whole.clone()).unwrap_or_default() {
                            if let Some((inner, values)) = part.literal_extent() {
                                depth = inner.saturating_add(1).max(depth);
                                weight = values.saturating_add(weight);
                            }
                        }
                        containers &= below;
                    }
                    let (place, offset, shape) = if code == TUPLE {
                        (from, mark, Shape::Tuple)
                    } else {
                        let dictionary = matches!(code, SETITEMS | SETITEM);
                        let shape = if dictionary { Shape::Dict } else { Shape::List };
                        let place = from.saturating_sub(1);
                        let target = stack.get(place).filter(|_| from > fence);
                        let Some(target) = target.filter(|target| {
                            target.is_fresh() && target.literal_shape() == Some(shape)
                        }) else {
                            break;
                        };
                        if dictionary && whole.len() & 1 == 1 {
                            break;
                        }
                        (place, target.literal_offset(), shape)
                    };
                    let Some(value) = Value::literal(offset, shape, depth, weight) else {
                        break;
                    };
                    if code != TUPLE
                        && let Some(&entry) = entries.get(place).filter(|&&entry| entry != NOT_SET)
                    {
                        sink.filled(entry, value);
                    }
                    if place == 0 && marked == 0 {
                        *items = whole;
                        steps = steps.saturating_add(1);
                        return Ok(Literal { value, end: here(data, tail), steps });
                    }
                    containers |= bit(place);
                    height = place;
                    value
                }
                BINUNICODE => {
                    let text = tail.split_first_chunk();
                    match text.and_then(|(&length, tail)| {
                        tail.get(usize::try_from(u32::from_le_bytes(length)).ok()?..)
                    }) {
                        Some(after) => tail = after,
                        None => break,
                    }
                    Value::text(here(data, rest))
                }
                SHORT_BINBYTES => {
                    let text = tail.split_first();
                    match text.and_then(|(&length, tail)| tail.get(usize::from(length)..)) {
                        Some(after) => tail = after,
                        None => break,
                    }
                    Value::bytes(here(data, rest))
                }
                _ => break,
            };
            let Some(place) = stack.get_mut(height) else { break };
            *place = value;
            height = height.saturating_add(1);
            steps = steps.saturating_add(1);
            rest = tail;
        }
        Err(here(data, rest))
    }
}

/// The bit of a place on the stack.
#[inline]
fn bit(place: usize) -> u64 {
    1_u64.wrapping_shl(u32::try_from(place).unwrap_or(0))
}

/// Where `rest` begins, of which `data` ends with.
#[inline]
fn here(data: &[u8], rest: &[u8]) -> usize {
    data.len().wrapping_sub(rest.len())
}

/// Puts the top of the stack into the memo. False where a literal cannot say it.
#[inline]
fn memoize(
    sink: &mut impl Sink,
    index: Option<usize>,
    stack: &[Value; HEIGHT],
    entries: &mut [usize; HEIGHT],
    height: usize,
) -> bool {
    let top = height.saturating_sub(1);
    let Some(&value) = stack.get(top) else { return false };
    let Some(index) = sink.memoize(index, value) else { return false };
    if value.is_fresh()
        && let Some(entry) = entries.get_mut(top)
    {
        // A second entry of an empty container would not get its items.
        return std::mem::replace(entry, index) == NOT_SET;
    }
    true
}
