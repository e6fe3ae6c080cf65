//! What each opcode does.

use super::{Halt, Machine};
use crate::arena::Shape;
use crate::decode::Instruction;
use crate::event::{AcceptedBy, DifferenceKind, EventKind, How};
use crate::literal::Literal;
#[allow(
    clippy::wildcard_imports,
    reason = "all but a few opcodes are named; the lint is silent in tests"
)]
use crate::opcode::*;
use crate::text::{self, Number};
use crate::value::{Kind, Value};

/// Memo indices from here on cost the unpickler written in C a gigabyte.
const FAR: u64 = 1 << 26;

impl Machine<'_> {
    /// Executes from `position`; returns where and why it ended.
    pub(super) fn execute(&mut self, start: usize, last_step: u64) -> (usize, Halt) {
        let mut position = start;
        loop {
            if self.steps >= last_step {
                return (position, Halt::Limit("more instructions than the limit"));
            }
            position = match self.constants_run(position, last_step) {
                Ok(position) => position,
                Err(stopped) => return stopped,
            };
            self.steps = self.steps.saturating_add(1);
            let instruction = match self.decoder.read(position) {
                Ok(instruction) => instruction,
                Err(error) => return (position, Halt::Decode(error)),
            };
            if instruction.end > self.frame_end {
                self.cross_frame(&instruction);
            }
            position = instruction.end;
            match self.step(&instruction) {
                Ok(()) => {}
                Err(Halt::Refused(reason)) => return (instruction.start, Halt::Refused(reason)),
                Err(halt) => return (position, halt),
            }
            if instruction.code == BUILD {
                position = self.array_bytes(position);
            }
        }
    }

    /// Executes the commonest instructions from `position` on, as far as the frame, or the data, goes: what
    /// they do here is what [`Self::step`] does.
    fn constants_run(&mut self, position: usize, last_step: u64) -> Result<usize, (usize, Halt)> {
        let data = self.data;
        let end = self.frame_end.min(self.decoder.length());
        let mut rest = data.get(position..end).unwrap_or_default();
        let mut steps = last_step.saturating_sub(self.steps).saturating_sub(1);
        while let Some(left) = steps.checked_sub(1) {
            let here = end.saturating_sub(rest.len());
            let (done, tail) = match rest {
                [BINFLOAT, _, _, _, _, _, _, _, _, tail @ ..] => (self.push(Value::NUMBER), tail),
                [BININT1, byte, tail @ ..] => (self.push(Value::int(i64::from(*byte))), tail),
                [BININT2, low, high, tail @ ..] => {
                    (self.push(Value::int(i64::from(u16::from_le_bytes([*low, *high])))), tail)
                }
                [BININT, a, b, c, d, tail @ ..] => {
                    let int = i32::from_le_bytes([*a, *b, *c, *d]);
                    (self.push(Value::int(i64::from(int))), tail)
                }
                [SHORT_BINUNICODE, length, tail @ ..] => match tail.get(usize::from(*length)..) {
                    Some(tail) => (self.push(Value::text(here)), tail),
                    None => break,
                },
                [MEMOIZE, tail @ ..] => {
                    let done = self.top().map(|value| {
                        self.arena.memo.put(self.arena.memo.count(), value);
                    });
                    (done, tail)
                }
                [BINGET, index, tail @ ..] => (self.get(i64::from(*index)), tail),
                [LONG_BINGET, a, b, c, d, tail @ ..] => {
                    (self.get(i64::from(u32::from_le_bytes([*a, *b, *c, *d]))), tail)
                }
                [NONE, tail @ ..] => (self.push(Value::NONE), tail),
                [NEWTRUE, tail @ ..] => (self.push(Value::TRUE), tail),
                [NEWFALSE, tail @ ..] => (self.push(Value::FALSE), tail),
                [code @ (EMPTY_LIST | EMPTY_DICT), tail @ ..] => {
                    if here >= self.no_literal
                        && let Some(literal) = self.literal(here, end, steps)
                    {
                        steps = steps.saturating_sub(literal.steps);
                        rest = data.get(literal.end..end).unwrap_or_default();
                        if let Err(halt) = self.push(literal.value) {
                            self.steps = last_step.saturating_sub(steps).saturating_sub(1);
                            return Err((here, halt));
                        }
                        continue;
                    }
                    let shape = if *code == EMPTY_LIST { Shape::List } else { Shape::Dict };
                    (self.new_container(shape), tail)
                }
                [MARK, tail @ ..] => (self.mark(), tail),
                [APPENDS, tail @ ..] if self.fills(Shape::List) => (self.fill(), tail),
                [SETITEMS, tail @ ..] if self.fills(Shape::Dict) => (self.fill(), tail),
                _ => break,
            };
            steps = left;
            if let Err(halt) = done {
                self.steps = last_step.saturating_sub(steps).saturating_sub(1);
                return Err((here, halt));
            }
            rest = tail;
        }
        self.steps = last_step.saturating_sub(steps).saturating_sub(1).max(self.steps);
        Ok(end.saturating_sub(rest.len()).max(position))
    }

    /// The literal that begins at `start`, with its memo entries set.
    #[inline]
    fn literal(&mut self, start: usize, end: usize, steps: u64) -> Option<Literal> {
        if !self.arena.memo.in_order() || !self.arena.keeps_literals() {
            return None;
        }
        let data = self.data.get(..end)?;
        let (count, lost) = (self.arena.memo.count(), self.arena.memo.lost());
        match self.reader.read(data, start, &mut self.arena.memo) {
            Ok(literal) if literal.steps < steps => Some(literal),
            Ok(_) => {
                self.arena.memo.back_to(count, lost);
                None
            }
            Err(stopped) => {
                self.arena.memo.back_to(count, lost);
                self.no_literal = stopped;
                None
            }
        }
    }

    #[inline]
    fn step(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        match instruction.code {
            BINFLOAT => self.push(Value::NUMBER),
            BININT | BININT1 | BININT2 => self.push(Value::int(instruction.number)),
            SHORT_BINUNICODE | BINUNICODE | BINUNICODE8 | BINSTRING | SHORT_BINSTRING | UNICODE => {
                self.unterminated(instruction)?;
                self.push(Value::text(instruction.start))
            }
            BINBYTES | SHORT_BINBYTES | BINBYTES8 => self.push(Value::bytes(instruction.start)),
            MEMOIZE => self.put(instruction, self.arena.memo.count() as u64),
            BINPUT | LONG_BINPUT => {
                self.put(instruction, u64::try_from(instruction.number).unwrap_or_default())
            }
            BINGET | LONG_BINGET => self.get(instruction.number),
            NONE => self.push(Value::NONE),
            NEWTRUE => self.push(Value::TRUE),
            NEWFALSE => self.push(Value::FALSE),
            MARK => self.mark(),
            EMPTY_LIST => self.new_container(Shape::List),
            EMPTY_DICT => self.new_container(Shape::Dict),
            EMPTY_TUPLE => self.new_container(Shape::Tuple),
            EMPTY_SET => self.new_container(Shape::Set),
            TUPLE1 => self.short_tuple(1),
            TUPLE2 => self.short_tuple(2),
            TUPLE3 => self.short_tuple(3),
            TUPLE => self.collect(Shape::Tuple),
            LIST => self.collect(Shape::List),
            DICT => self.collect(Shape::Dict),
            FROZENSET => self.collect(Shape::FrozenSet),
            APPEND => self.append(instruction),
            APPENDS => self.appends(instruction),
            SETITEM => self.set_item(instruction),
            SETITEMS => self.set_items(instruction),
            ADDITEMS => self.add_items(instruction),
            REDUCE => self.reduce(instruction),
            NEWOBJ => self.new_object(instruction),
            BUILD => self.build(instruction),
            GLOBAL => self.global(instruction),
            STACK_GLOBAL => self.stack_global(instruction),
            _ => self.rare(instruction),
        }
    }

    fn rare(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        self.unterminated(instruction)?;
        let span = instruction.start..instruction.end;
        match instruction.code {
            PROTO => {
                if instruction.number > 5 {
                    return Err(Halt::Refused("the protocol is not known"));
                }
                Ok(())
            }
            FRAME => self.frame(instruction),
            STOP => {
                let value = self.pop()?;
                Err(Halt::Stop(value))
            }
            POP => {
                if self.stack.len() > self.fence {
                    self.pop()?;
                } else {
                    self.pop_mark()?;
                }
                Ok(())
            }
            POP_MARK => {
                let height = self.pop_mark()?;
                self.stack.truncate(height);
                Ok(())
            }
            DUP => {
                let value = self.top()?;
                self.push(value)
            }
            INT => self.text_int(instruction),
            LONG => {
                let mut end = instruction.body_end;
                let payload = self.data.get(instruction.payload()).unwrap_or_default();
                if payload.last() == Some(&b'L') {
                    end = end.saturating_sub(1);
                }
                let digits = self.data.get(instruction.body..end).unwrap_or_default();
                let number = text::integer(digits, true, false);
                self.number(instruction, number)
            }
            FLOAT => {
                let payload = self.data.get(instruction.payload()).unwrap_or_default();
                match text::float(payload) {
                    (true, true) => {}
                    (true, false) => {
                        self.difference(span, DifferenceKind::Number, AcceptedBy::Python);
                    }
                    _ => return Err(Halt::Refused("the text is no float")),
                }
                self.push(Value::NUMBER)
            }
            LONG1 | LONG4 => {
                let payload = self.data.get(instruction.payload()).unwrap_or_default();
                self.push(short_long(payload).map_or(Value::long(instruction.start), Value::int))
            }
            STRING => {
                let payload = self.data.get(instruction.payload()).unwrap_or_default();
                if text::quoted(payload).is_none() {
                    return Err(Halt::Refused("the string is not quoted"));
                }
                self.push(Value::text(instruction.start))
            }
            BYTEARRAY8 => {
                let value = self.arena.with(Shape::ByteArray, &[Value::bytes(instruction.start)]);
                self.push(value)
            }
            NEXT_BUFFER => self.push(Value::UNKNOWN),
            READONLY_BUFFER => self.top().map(|_| ()),
            GET => {
                let index = self.memo_index(instruction)?;
                self.get(index)
            }
            PUT => match u64::try_from(self.memo_index(instruction)?) {
                Ok(index) => self.put(instruction, index),
                Err(_) => Err(Halt::Refused("the memo index is negative")),
            },
            PERSID => {
                let payload = self.data.get(instruction.payload()).unwrap_or_default();
                if !payload.is_ascii() {
                    return Err(Halt::Refused("the persistent identifier is not ASCII"));
                }
                self.empty_line(instruction, payload.is_empty());
                let id = text::preview(payload, 256);
                self.persistent(instruction, Value::text(instruction.start), id)
            }
            BINPERSID => {
                let value = self.pop()?;
                let id = self.argument(value).text;
                self.persistent(instruction, value, id)
            }
            EXT1 | EXT2 | EXT4 => self.extension(instruction),
            INST => self.instance(instruction),
            OBJ => self.object(instruction),
            NEWOBJ_EX => self.new_object_ex(instruction),
            _ => Err(Halt::Refused("the opcode is not known")),
        }
    }

    /// Reports a last line without a newline. `GLOBAL` and `INST` are the ones that matter: Python's own
    /// unpickler drops the last character and imports.
    fn unterminated(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        if instruction.terminated {
            return Ok(());
        }
        if self.frame_end != usize::MAX && instruction.body < self.frame_end {
            return Err(Halt::Refused("the line does not end"));
        }
        let span = instruction.start..instruction.end;
        self.difference(span, DifferenceKind::LineEnd, AcceptedBy::Python);
        Ok(())
    }

    fn empty_line(&mut self, instruction: &Instruction, empty: bool) {
        if empty {
            let span = instruction.start..instruction.end;
            self.difference(span, DifferenceKind::EmptyLine, AcceptedBy::Python);
        }
    }

    fn text_int(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let payload = self.data.get(instruction.payload()).unwrap_or_default();
        match payload {
            b"00" => return self.push(Value::FALSE),
            b"01" => return self.push(Value::TRUE),
            _ => {}
        }
        let number = text::integer(payload, true, true);
        // Two characters that are 0 or 1: a boolean in C, an integer in Python.
        if payload.len() == 2 && matches!(number, Number::Both(0 | 1)) {
            let span = instruction.start..instruction.end;
            self.difference(span, DifferenceKind::Number, AcceptedBy::Both);
        }
        self.number(instruction, number)
    }

    fn number(&mut self, instruction: &Instruction, number: Number) -> Result<(), Halt> {
        let value = match number {
            Number::Both(value) => value,
            Number::OnlyC(value) => {
                let span = instruction.start..instruction.end;
                self.difference(span, DifferenceKind::Number, AcceptedBy::C);
                value
            }
            Number::Neither => return Err(Halt::Refused("the text is no integer")),
        };
        let int = Value::int(value);
        self.push(if int == Value::NUMBER { Value::long(instruction.start) } else { int })
    }

    /// The decimal index of the memo that a GET or PUT names.
    fn memo_index(&mut self, instruction: &Instruction) -> Result<i64, Halt> {
        let payload = self.data.get(instruction.payload()).unwrap_or_default();
        match text::integer(payload, false, false) {
            Number::Both(index) => Ok(index),
            Number::OnlyC(index) => {
                let span = instruction.start..instruction.end;
                self.difference(span, DifferenceKind::Number, AcceptedBy::C);
                Ok(index)
            }
            Number::Neither => Err(Halt::Refused("the memo index is no number")),
        }
    }

    #[inline]
    fn put(&mut self, instruction: &Instruction, index: u64) -> Result<(), Halt> {
        let value = self.top()?;
        if index >= FAR && index >= (self.arena.memo.count() as u64).saturating_mul(4) {
            let span = instruction.start..instruction.end;
            self.difference(span, DifferenceKind::MemoIndex, AcceptedBy::Python);
        }
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        self.arena.memo.put(index, value);
        Ok(())
    }

    #[inline]
    fn get(&mut self, index: i64) -> Result<(), Halt> {
        let value = usize::try_from(index).ok().and_then(|index| self.arena.memo.get(index));
        match value {
            Some(value) => self.push(value),
            None => Err(Halt::Refused("the memo has no such entry")),
        }
    }

    fn global(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        self.unterminated(instruction)?;
        let value = self.find_lines(instruction, "GLOBAL")?;
        self.push(value)
    }

    /// The global that the two lines of an instruction name.
    pub(super) fn find_lines(
        &mut self,
        instruction: &Instruction,
        by: &str,
    ) -> Result<Value, Halt> {
        let middle = usize::try_from(instruction.number).unwrap_or(usize::MAX);
        let data = self.data;
        let module = data.get(instruction.body..middle).unwrap_or_default();
        let name = data.get(middle.saturating_add(1)..instruction.body_end).unwrap_or_default();
        let strict = if instruction.code == INST {
            module.is_ascii() && name.is_ascii()
        } else {
            std::str::from_utf8(module).is_ok() && std::str::from_utf8(name).is_ok()
        };
        if !strict {
            // Python refuses it; what it was meant to import is worth knowing all the same.
            self.find(
                instruction,
                &String::from_utf8_lossy(module),
                &String::from_utf8_lossy(name),
                by,
            );
            return Err(Halt::Refused("the name is not encoded as Python wants it"));
        }
        self.empty_line(instruction, module.is_empty() || name.is_empty());
        Ok(self.find(
            instruction,
            &String::from_utf8_lossy(module),
            &String::from_utf8_lossy(name),
            by,
        ))
    }

    /// `find_class`: logs the import.
    pub(super) fn find(
        &mut self,
        instruction: &Instruction,
        module: &str,
        name: &str,
        by: &str,
    ) -> Value {
        let span = instruction.start..instruction.end;
        let Some(index) = self.intern(module, name) else {
            self.event(span, EventKind::Import { global: None, by: by.to_owned() });
            return Value::UNKNOWN_GLOBAL;
        };
        self.import(span, index, by);
        Value::global(index)
    }

    fn stack_global(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let name = self.pop()?;
        let module = self.pop()?;
        let value = if let (Some(module), Some(name)) = (self.text(module), self.text(name)) {
            self.find(instruction, &module, &name, "STACK_GLOBAL")
        } else {
            for operand in [module, name] {
                let may_be_text = self.is_text(operand)
                    || match operand.kind() {
                        Kind::Unknown
                        | Kind::UnknownGlobal
                        | Kind::Constant
                        // A global may be a string: `string.digits`.
                        | Kind::Global(_)
                        | Kind::Resolved(_) => true,
                        Kind::Node(..) | Kind::Literal(_) => matches!(
                            self.arena.shape(operand),
                            None | Some(Shape::Call | Shape::Object | Shape::Persistent)
                        ),
                        _ => false,
                    };
                if !may_be_text {
                    return Err(Halt::Refused("STACK_GLOBAL wants two strings"));
                }
            }
            let span = instruction.start..instruction.end;
            if self.another(1, usize::MAX, How::Reduce, 64) {
                let by = "STACK_GLOBAL".to_owned();
                self.event(span, EventKind::Import { global: None, by });
            }
            Value::UNKNOWN_GLOBAL
        };
        self.push(value)
    }

    fn persistent(
        &mut self,
        instruction: &Instruction,
        id: Value,
        text: String,
    ) -> Result<(), Halt> {
        let span = instruction.start..instruction.end;
        if self.another(2, 0, How::Reduce, 4096) {
            self.event(span, EventKind::Persistent { id: text });
        }
        let value = match self.legacy_class(id) {
            Some(class) => class,
            None => self.arena.with(Shape::Persistent, &[id]),
        };
        self.push(value)
    }

    /// The class in `('module', class, file, source)`, by which checkpoints of PyTorch before 1.6 keep the source of
    /// a class: the loader gives back the class.
    fn legacy_class(&self, id: Value) -> Option<Value> {
        if self.arena.shape(id) != Some(Shape::Tuple) {
            return None;
        }
        let (items, _) = self.arena.items(id, 4);
        let [word, class, _, _] = items.as_slice() else { return None };
        let named = self.argument(*word).text == "'module'" && self.global_name(*class).is_some();
        named.then_some(*class)
    }

    fn extension(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        if instruction.number <= 0 {
            return Err(Halt::Refused("the extension code is not positive"));
        }
        let span = instruction.start..instruction.end;
        if let Some(name) = self.extensions.get(&instruction.number).cloned()
            && let Some(index) = self.intern(&name.module, &name.name)
        {
            self.import(span, index, "EXT");
            return self.push(Value::global(index));
        }
        // Registered by the program that loads, perhaps.
        if self.another(1, usize::MAX, How::Object, 64) {
            self.event(span, EventKind::Import { global: None, by: "EXT".to_owned() });
        }
        self.push(Value::UNKNOWN_GLOBAL)
    }
}

/// A two's complement integer of at most seven bytes.
fn short_long(payload: &[u8]) -> Option<i64> {
    if payload.len() > 7 {
        return None;
    }
    let negative = payload.last().is_some_and(|&byte| byte > 127);
    let mut bytes = if negative { [0xff; 8] } else { [0; 8] };
    for (place, &byte) in bytes.iter_mut().zip(payload) {
        *place = byte;
    }
    Some(i64::from_le_bytes(bytes))
}
