//! One opcode at a time, as spans of the input: nothing is copied.

use std::ops::Range;

use crate::opcode::{SHAPES, Shape};

/// One decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// The opcode.
    pub code: u8,
    /// False where the input ends before the newline of the last line. The unpickler written in Python
    /// takes such a line without its last character; the one written in C refuses it.
    pub terminated: bool,
    /// Offset of the opcode.
    pub start: usize,
    /// Offset after the instruction.
    pub end: usize,
    /// Where the payload begins: the bytes of a counted constant, or the text of a line.
    pub body: usize,
    /// Where the payload ends, without a newline.
    pub body_end: usize,
    /// The integer of a fixed-size argument (`FRAME` saturates), the bits of a double, or, for an
    /// instruction of two lines, the offset of the newline between them.
    pub number: i64,
}

impl Instruction {
    /// The payload's place in the input.
    pub fn payload(&self) -> Range<usize> {
        self.body..self.body_end
    }
}

/// Why no instruction could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input ends where an opcode is expected.
    #[error("the data ends before STOP")]
    End,
    /// A byte that is no opcode.
    #[error("byte {0:#04x} is no opcode")]
    Unknown(u8),
    /// The argument is longer than the rest of the input.
    #[error("the argument of opcode {code:#04x} needs {needed} bytes, {left} are left")]
    Truncated {
        /// The opcode.
        code: u8,
        /// Bytes its argument takes.
        needed: u64,
        /// Bytes there are.
        left: usize,
    },
    /// A negative length.
    #[error("opcode {0:#04x} has a negative length")]
    Negative(u8),
    /// A text argument whose line does not end.
    #[error("the line of opcode {0:#04x} does not end")]
    Line(u8),
}

/// Reads instructions from a slice.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    data: &'a [u8],
    /// The last search for a newline: from where, and the first one found at or after it. Without it an
    /// input of many text opcodes and no newline would take quadratic time.
    newline: (usize, usize),
}

impl<'a> Decoder<'a> {
    /// A decoder of `data`.
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, newline: (1, 0) }
    }

    /// Reads from `data` from now on: another end of the same input.
    pub(crate) fn limit(&mut self, data: &'a [u8]) {
        if data.len() != self.data.len() {
            *self = Self::new(data);
        }
    }

    /// Where the data ends.
    pub(crate) fn length(&self) -> usize {
        self.data.len()
    }

    /// Bytes from `position` on.
    pub(crate) fn left(&self, position: usize) -> usize {
        self.data.len().saturating_sub(position)
    }

    /// The instruction at `start`.
    #[inline]
    pub fn read(&mut self, start: usize) -> Result<Instruction, DecodeError> {
        let Some((&code, rest)) = self.data.get(start..).and_then(<[u8]>::split_first) else {
            return Err(DecodeError::End);
        };
        let body = start.saturating_add(1);
        let mut instruction = Instruction {
            code,
            terminated: true,
            start,
            end: body,
            body,
            body_end: body,
            number: 0,
        };
        let shape = SHAPES.get(usize::from(code)).copied().unwrap_or(Shape::Invalid);
        match shape {
            Shape::Bare => {}
            Shape::Unsigned(width) => {
                instruction.number =
                    i64::try_from(unsigned(code, width, rest)?).unwrap_or(i64::MAX);
                instruction.body_end = body.saturating_add(usize::from(width));
                instruction.end = instruction.body_end;
            }
            Shape::Signed => {
                instruction.number = i64::from(i32::from_le_bytes(fixed(code, rest)?));
                instruction.body_end = body.saturating_add(4);
                instruction.end = instruction.body_end;
            }
            Shape::Double => {
                instruction.number = i64::from_be_bytes(fixed(code, rest)?);
                instruction.body_end = body.saturating_add(8);
                instruction.end = instruction.body_end;
            }
            Shape::Counted(width) => {
                let length = unsigned(code, width, rest)?;
                self.counted(&mut instruction, usize::from(width), length)?;
            }
            Shape::SignedCounted => {
                let length = u64::try_from(i32::from_le_bytes(fixed(code, rest)?))
                    .map_err(|_| DecodeError::Negative(code))?;
                self.counted(&mut instruction, 4, length)?;
            }
            Shape::Line => {
                let (end, terminated) = self.line(code, body)?;
                instruction.terminated = terminated;
                instruction.body_end = if terminated { end } else { end.saturating_sub(1) };
                instruction.end = if terminated { end.saturating_add(1) } else { end };
            }
            Shape::TwoLines => {
                let (middle, terminated) = self.any_line(body);
                // Where the input ends in the first line, the second one is empty.
                let (end, terminated) = if terminated {
                    self.any_line(middle.saturating_add(1))
                } else {
                    (middle, false)
                };
                let cut = end.saturating_sub(1).max(body);
                instruction.number =
                    i64::try_from(if middle == end { cut } else { middle }).unwrap_or(i64::MAX);
                instruction.terminated = terminated;
                instruction.body_end = if terminated { end } else { cut };
                instruction.end = if terminated { end.saturating_add(1) } else { end };
            }
            Shape::Invalid => return Err(DecodeError::Unknown(code)),
        }
        Ok(instruction)
    }

    #[inline]
    fn counted(
        &self,
        instruction: &mut Instruction,
        width: usize,
        length: u64,
    ) -> Result<(), DecodeError> {
        let body = instruction.body.saturating_add(width);
        let left = self.data.len().saturating_sub(body);
        let truncated = DecodeError::Truncated { code: instruction.code, needed: length, left };
        let length = usize::try_from(length).map_err(|_| truncated)?;
        if length > left {
            return Err(truncated);
        }
        instruction.body = body;
        instruction.body_end = body.saturating_add(length);
        instruction.end = instruction.body_end;
        Ok(())
    }

    /// The end of the line at `from`, and whether a newline stands there.
    fn line(&mut self, code: u8, from: usize) -> Result<(usize, bool), DecodeError> {
        let (end, terminated) = self.any_line(from);
        if terminated || end > from { Ok((end, terminated)) } else { Err(DecodeError::Line(code)) }
    }

    fn any_line(&mut self, from: usize) -> (usize, bool) {
        let (searched, found) = self.newline;
        let end = if searched <= from && from <= found {
            found
        } else {
            let rest = self.data.get(from..).unwrap_or_default();
            let found = memchr::memchr(b'\n', rest)
                .map_or(self.data.len(), |offset| from.saturating_add(offset));
            self.newline = (from, found);
            found
        };
        (end, end < self.data.len())
    }
}

#[inline]
fn fixed<const N: usize>(code: u8, rest: &[u8]) -> Result<[u8; N], DecodeError> {
    rest.first_chunk::<N>().copied().ok_or(DecodeError::Truncated {
        code,
        needed: N as u64,
        left: rest.len(),
    })
}

#[inline]
fn unsigned(code: u8, width: u8, rest: &[u8]) -> Result<u64, DecodeError> {
    Ok(match width {
        1 => u64::from(u8::from_le_bytes(fixed(code, rest)?)),
        2 => u64::from(u16::from_le_bytes(fixed(code, rest)?)),
        4 => u64::from(u32::from_le_bytes(fixed(code, rest)?)),
        _ => u64::from_le_bytes(fixed(code, rest)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &[u8]) -> Result<Instruction, DecodeError> {
        Decoder::new(data).read(0)
    }

    #[test]
    fn arguments_have_spans() {
        let string = read(b"\x8c\x03abc.").unwrap();
        assert_eq!((string.payload(), string.end), (2..5, 5));
        let global = read(b"cos\nsystem\n.").unwrap();
        assert_eq!((global.number, global.payload(), global.end), (3, 1..10, 11));
        assert_eq!(read(b"J\xff\xff\xff\xff").unwrap().number, -1);
        assert_eq!(read(b"M\x01\x02").unwrap().number, 513);
    }

    #[test]
    fn bad_lengths_are_refused() {
        assert_eq!(read(b""), Err(DecodeError::End));
        assert_eq!(read(b"\xff"), Err(DecodeError::Unknown(0xff)));
        assert_eq!(read(b"T\xff\xff\xff\xff"), Err(DecodeError::Negative(b'T')));
        let huge = read(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff");
        assert!(matches!(huge, Err(DecodeError::Truncated { left: 0, .. })));
        assert_eq!(read(b"cos\nsyst").map(|line| line.terminated), Ok(false));
        let cut = read(b"cantigravity.").unwrap();
        assert_eq!((cut.number, cut.payload(), cut.terminated), (12, 1..12, false));
        assert_eq!(read(b"S"), Err(DecodeError::Line(b'S')));
    }
}
