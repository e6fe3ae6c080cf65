//! Imports, calls and `BUILD`.

use std::ops::Range;

use super::{Halt, Machine, Resolved};
use crate::arena::{KEPT, Shape};
use crate::decode::Instruction;
use crate::event::{
    AcceptedBy, Build, Call, Callee, DifferenceKind, EventKind, Folding, How, Name,
};
use crate::value::{Kind, Value};

/// Calls of one callee that are logged with their arguments; later ones are counted, unless they carry
/// a longer string.
const ALIKE: u32 = 64;
/// Arguments that are shown of a call.
const ARGUMENTS: usize = 16;

impl Machine<'_> {
    pub(super) fn intern(&mut self, module: &str, name: &str) -> Option<usize> {
        let index = self.names.intern(module, name, &mut self.text_left);
        if index.is_none() {
            self.text_exhausted();
        }
        index
    }

    /// Logs that a global is imported.
    pub(super) fn import(&mut self, span: Range<usize>, index: usize, by: &str) {
        if self.another(0, index, How::Reduce, 4) {
            let global = self.names.get(index).cloned();
            self.event(span, EventKind::Import { global, by: by.to_owned() });
        }
    }

    /// `copyreg` maps an extension code to this pair of strings.
    pub(super) fn register(&mut self, code: i64, pair: Value) {
        let (items, _) = self.arena.items(pair, 2);
        if let &[module, name] = items.as_slice()
            && let (Some(module), Some(name)) = (self.text(module), self.text(name))
        {
            self.extend_codes(code, Name { module: module.into(), name: name.into() });
        }
    }

    pub(super) fn extend_codes(&mut self, code: i64, name: Name) {
        // Names over this are no names of Python's; codes over this are an attack on memory.
        if self.extensions.len() < 4096 && name.module.len().max(name.name.len()) <= 1024 {
            self.extensions.insert(code, name);
        }
    }

    /// The items of an argument tuple. What is no tuple is unpacked by Python's own unpickler and refused
    /// by the one in C.
    fn unpack(
        &mut self,
        span: &Range<usize>,
        arguments: Value,
    ) -> Result<(Vec<Value>, bool), Halt> {
        match self.arena.shape(arguments) {
            Some(Shape::Tuple) => Ok(self.arena.items(arguments, KEPT)),
            Some(Shape::List | Shape::Set | Shape::FrozenSet | Shape::ByteArray) => {
                self.difference(
                    span.clone(),
                    DifferenceKind::ArgumentsNotTuple,
                    AcceptedBy::Python,
                );
                Ok(self.arena.items(arguments, KEPT))
            }
            Some(Shape::Dict) => {
                self.difference(
                    span.clone(),
                    DifferenceKind::ArgumentsNotTuple,
                    AcceptedBy::Python,
                );
                let (items, all) = self.arena.items(arguments, KEPT);
                Ok((items.into_iter().step_by(2).collect(), all))
            }
            Some(Shape::Call | Shape::Object | Shape::Persistent | Shape::More) | None => {
                if self.is_text(arguments) || self.is_bytes(arguments) {
                    self.difference(
                        span.clone(),
                        DifferenceKind::ArgumentsNotTuple,
                        AcceptedBy::Python,
                    );
                    return Ok((vec![arguments], false));
                }
                if arguments.is_constant() && arguments != Value::CONSTANT {
                    return Err(Halt::Refused("the arguments of a call are no tuple"));
                }
                Ok((Vec::new(), false))
            }
        }
    }

    pub(super) fn reduce(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let arguments = self.pop()?;
        let callee = self.pop()?;
        let span = instruction.start..instruction.end;
        let (items, all) = self.unpack(&span, arguments)?;
        let value = self.call(span, callee, &items, all, None, How::Reduce, 16);
        self.push(value)
    }

    pub(super) fn new_object(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let arguments = self.pop()?;
        let class = self.pop()?;
        let span = instruction.start..instruction.end;
        let (items, all) = self.unpack(&span, arguments)?;
        let value = self.call(span, class, &items, all, None, How::NewObject, 16);
        self.push(value)
    }

    pub(super) fn new_object_ex(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let keywords = self.pop()?;
        let arguments = self.pop()?;
        let class = self.pop()?;
        let span = instruction.start..instruction.end;
        let (items, all) = self.unpack(&span, arguments)?;
        if keywords.is_constant()
            || matches!(
                self.arena.shape(keywords),
                Some(Shape::Tuple | Shape::List | Shape::Set | Shape::FrozenSet | Shape::ByteArray)
            )
        {
            return Err(Halt::Refused("the keyword arguments are no dictionary"));
        }
        let value = self.call(span, class, &items, all, Some(keywords), How::NewObjectEx, 16);
        self.push(value)
    }

    pub(super) fn object(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let start = self.pop_mark()?;
        let items = self.stack.get(start..).unwrap_or_default();
        let Some((&class, items)) = items.split_first() else {
            return Err(Halt::Refused("there is no class for OBJ"));
        };
        let all = items.len() <= KEPT;
        let items: Vec<Value> = items.iter().take(KEPT).copied().collect();
        self.stack.truncate(start);
        let span = instruction.start..instruction.end;
        let value = self.call(span, class, &items, all, None, How::Object, 16);
        self.push(value)
    }

    pub(super) fn instance(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let class = self.find_lines(instruction, "INST")?;
        if self.marks.is_empty() {
            let span = instruction.start..instruction.end;
            self.difference(span, DifferenceKind::NoMark, AcceptedBy::Python);
        }
        let start = self.pop_mark()?;
        let items = self.stack.get(start..).unwrap_or_default();
        let all = items.len() <= KEPT;
        let items: Vec<Value> = items.iter().take(KEPT).copied().collect();
        self.stack.truncate(start);
        let span = instruction.start..instruction.end;
        let value = self.call(span, class, &items, all, None, How::Instance, 16);
        self.push(value)
    }

    /// Logs a call and says what it returns.
    #[expect(
        clippy::too_many_arguments,
        reason = "a call is all of this, and nothing else holds it"
    )]
    pub(super) fn call(
        &mut self,
        span: Range<usize>,
        callee: Value,
        arguments: &[Value],
        all: bool,
        keywords: Option<Value>,
        how: How,
        fuel: u8,
    ) -> Value {
        let Some(fuel) = fuel.checked_sub(1) else { return Value::UNKNOWN };
        if let Some(value) = self.call_object(&span, callee, arguments, all, fuel) {
            return value;
        }
        let thing = match callee.kind() {
            Kind::Global(index) => index,
            Kind::Resolved(index) => index.saturating_add(1 << 40),
            _ => usize::MAX,
        };
        let logged = if self.another(3, thing, how, ALIKE) || self.says_something(arguments, thing)
        {
            let event = self.call_event(callee, arguments, all, how);
            self.event(span.clone(), EventKind::Call(event))
        } else {
            None
        };
        let folded = self.fold(&span, callee, arguments, all, fuel);
        if let Some((folding, value)) = folded {
            if let Some(EventKind::Call(call)) =
                logged.and_then(|index| self.events.get_mut(index)).map(|event| &mut event.kind)
            {
                call.folding = folding;
            }
            if let Some(value) = value {
                return value;
            }
        }
        let shape = match how {
            How::NewObject | How::NewObjectEx => Shape::Object,
            _ => Shape::Call,
        };
        let tuple = self.arena.with(Shape::Tuple, arguments);
        if !all {
            self.arena.count_more(tuple, 1);
        }
        let keywords = keywords.unwrap_or(Value::NONE);
        self.arena.with(shape, &[callee, tuple, keywords, Value::NONE])
    }

    /// A later call of a callee already seen often is worth an event if it carries a string that looks like
    /// code; there is a limit to this as well.
    fn says_something(&mut self, arguments: &[Value], thing: usize) -> bool {
        let code = arguments.iter().take(4).any(|&argument| {
            self.is_text(argument)
                && self.raw(argument, 256).is_some_and(|text| {
                    crate::text::looks_like_code(&String::from_utf8_lossy(&text))
                })
        });
        code && self.another(4, thing, How::Reduce, ALIKE)
    }

    fn call_event(&self, callee: Value, arguments: &[Value], all: bool, how: How) -> Call {
        let callee = match callee.kind() {
            Kind::Global(index) => self
                .names
                .get(index)
                .map_or(Callee::Unknown { result_of: None }, |name| Callee::Global(name.clone())),
            Kind::Resolved(index) => self.folded_callee(index),
            _ => Callee::Unknown { result_of: self.result_of(callee).cloned() },
        };
        Call {
            callee,
            how,
            arguments: arguments
                .iter()
                .take(ARGUMENTS)
                .map(|&argument| self.argument(argument))
                .collect(),
            count: all.then_some(arguments.len()),
            folding: Folding::NotResolver,
        }
    }

    fn folded_callee(&self, index: usize) -> Callee {
        let unknown = Callee::Unknown { result_of: None };
        let Some(resolved) = self.resolved.get(index) else { return unknown };
        let Some(global) = self.names.get(resolved.global) else { return unknown };
        let through: Vec<Name> = resolved
            .through
            .iter()
            .filter_map(|&through| self.names.get(through).cloned())
            .collect();
        Callee::Folded { global: global.clone(), through }
    }

    /// A global that `through` reaches from `base`.
    pub(super) fn resolve(
        &mut self,
        module: &str,
        name: &str,
        base: Option<Value>,
        through: Option<usize>,
    ) -> Value {
        let Some(global) = self.intern(module, name) else { return Value::UNKNOWN_GLOBAL };
        let mut path = match base.map(Value::kind) {
            Some(Kind::Resolved(index)) => {
                self.resolved.get(index).map(|base| base.through.clone()).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        if path.len() < 16 {
            path.extend(through);
        }
        if let Some(known) = self
            .resolved
            .iter()
            .rev()
            .take(64)
            .position(|known| known.global == global && known.through == path)
        {
            return Value::resolved(self.resolved.len().saturating_sub(known).saturating_sub(1));
        }
        let Some(left) = self.text_left.checked_sub(64) else {
            self.text_exhausted();
            return Value::UNKNOWN_GLOBAL;
        };
        self.text_left = left;
        let index = self.resolved.len();
        self.resolved.push(Resolved { global, through: path });
        Value::resolved(index)
    }

    /// An attribute that `BUILD` gave to an object.
    pub(super) fn attribute(&self, object: Value, name: &str) -> Option<Value> {
        if !matches!(self.arena.shape(object), Some(Shape::Call | Shape::Object)) {
            return None;
        }
        let state = self.arena.item(object, 3)?;
        let (dictionary, slots) = self.state(state);
        slots
            .and_then(|slots| self.entry(slots, name))
            .or_else(|| dictionary.and_then(|dictionary| self.entry(dictionary, name)))
    }

    /// The dictionaries of attributes and of slots in a state.
    fn state(&self, state: Value) -> (Option<Value>, Option<Value>) {
        let dictionary =
            |value: Value| (self.arena.shape(value) == Some(Shape::Dict)).then_some(value);
        if self.arena.shape(state) == Some(Shape::Tuple) && self.arena.count(state) == 2 {
            let part = |index| self.arena.item(state, index).and_then(dictionary);
            return (part(0), part(1));
        }
        (dictionary(state), None)
    }

    pub(super) fn build(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let state = self.pop()?;
        let object = self.top()?;
        let span = instruction.start..instruction.end;
        if let Some(function) = self.attribute(object, "__setstate__") {
            self.call(span.clone(), function, &[state], true, None, How::Indirect, 8);
        }
        let own = object.is_literal()
            || matches!(
                self.arena.shape(object),
                Some(
                    Shape::List
                        | Shape::Tuple
                        | Shape::Dict
                        | Shape::Set
                        | Shape::FrozenSet
                        | Shape::ByteArray
                )
            );
        if own {
            // No `__setstate__`, no attributes: an empty state is all that can be set.
            let empty = state == Value::NONE
                || state == Value::FALSE
                || state == Value::int(0)
                || self.raw(state, 1).is_some_and(|text| text.is_empty())
                || (self.arena.shape(state).is_some() && self.arena.count(state) == 0);
            if !empty && state != Value::NUMBER {
                return Err(Halt::Refused("a state is set on a value that takes none"));
            }
            // The unpickler written in C asks for `__dict__` even then.
            if state != Value::NONE {
                self.difference(span, DifferenceKind::EmptyState, AcceptedBy::Python);
            }
            return Ok(());
        }
        let (dictionary, slots) = self.state(state);
        let target = self.global_name(object).cloned();
        let class = if target.is_some() { None } else { self.result_of(object).cloned() };
        let thing = match self.arena.first(object).map(Value::kind) {
            Some(Kind::Global(index)) => index,
            _ => usize::MAX,
        };
        if self.another(5, thing, How::Reduce, if target.is_some() { 256 } else { 4 }) {
            let mut keys = dictionary.map(|value| self.keys(value, 48)).unwrap_or_default();
            keys.extend(slots.map(|value| self.keys(value, 48)).unwrap_or_default());
            let dictionary = dictionary.is_some() || slots.is_some();
            self.event(
                span,
                EventKind::Build(Build { class, target, dictionary, keys, items: false }),
            );
        }
        self.arena.set(object, 3, state);
        Ok(())
    }
}
