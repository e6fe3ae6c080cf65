//! Tuples, lists, dictionaries and sets.

use super::{Halt, Machine, TALL};
use crate::arena::{KEPT, Shape};
use crate::decode::Instruction;
use crate::event::{AcceptedBy, Build, DifferenceKind, EventKind, How};
use crate::value::{Kind, Value};

impl Machine<'_> {
    pub(super) fn new_container(&mut self, shape: Shape) -> Result<(), Halt> {
        let value = self.arena.add(shape);
        self.push(value)
    }

    pub(super) fn short_tuple(&mut self, length: usize) -> Result<(), Halt> {
        let mut items = [Value::UNKNOWN; 3];
        for place in items.iter_mut().take(length).rev() {
            *place = self.pop()?;
        }
        let value = self.arena.with(Shape::Tuple, items.get(..length).unwrap_or_default());
        self.push(value)
    }

    /// A container of everything after the last mark.
    pub(super) fn collect(&mut self, shape: Shape) -> Result<(), Halt> {
        let start = self.pop_mark()?;
        if shape == Shape::Dict && self.odd(start) {
            return Err(Halt::Refused("the number of keys and values is odd"));
        }
        let value = self.arena.add(shape);
        self.absorb(value, start);
        self.push(value)
    }

    /// Whether the last mark's items go into such a container of ours, so that [`Self::fill`] may follow.
    #[inline]
    pub(super) fn fills(&self, shape: Shape) -> bool {
        let start = self.fence;
        let below = match self.marks.as_slice() {
            [] => return false,
            [_] => 0,
            [.., below, _] => *below,
        };
        let target = start.checked_sub(1).and_then(|target| self.stack.get(target));
        start > below
            && target.is_some_and(|&target| self.arena.shape(target) == Some(shape))
            && !(shape == Shape::Dict && self.odd(start))
    }

    /// Moves the last mark's items into the container under it.
    #[inline]
    pub(super) fn fill(&mut self) -> Result<(), Halt> {
        let start = self.pop_mark()?;
        let target = self.changeable(start);
        self.absorb(target, start);
        Ok(())
    }

    /// The container under `height`, as one that takes items.
    fn changeable(&mut self, height: usize) -> Value {
        let Some(place) = height.checked_sub(1).and_then(|place| self.stack.get_mut(place)) else {
            return Value::UNKNOWN;
        };
        *place = self.arena.changeable(*place);
        *place
    }

    /// Whether an odd number of values lies from `start` on.
    fn odd(&self, start: usize) -> bool {
        let items = self.stack.get(start..).unwrap_or_default();
        if self.stack.len() < TALL {
            return items.len() & 1 == 1;
        }
        items.iter().fold(0_u64, |sum, value| sum.wrapping_add(length(*value))) & 1 == 1
    }

    /// Moves everything from `start` on into a container.
    fn absorb(&mut self, container: Value, start: usize) {
        let items = self.stack.get(start..).unwrap_or_default();
        let room = KEPT.saturating_sub(self.arena.count(container)).min(items.len());
        let (kept, counted) = items.split_at_checked(room).unwrap_or((items, &[]));
        for &item in kept {
            if let Kind::Run(count) = item.kind() {
                self.arena.push(container, Value::CONSTANT);
                self.arena.count_more(container, count.saturating_sub(1));
            } else {
                self.arena.push(container, item);
            }
        }
        let (mut depth, mut weight) = (0, 0_u64);
        for &item in counted.iter().filter(|item| item.is_node()) {
            let (deep, values) = self.arena.extent(item);
            if deep > 0 {
                depth = deep.max(depth);
                weight = values.saturating_add(weight);
            }
        }
        self.arena.weigh(container, depth, weight);
        let mut more = counted.len() as u64;
        if start.saturating_add(counted.len()) >= TALL {
            more = counted.iter().fold(0, |sum, value| sum.saturating_add(length(*value)));
        }
        if more > 0 {
            self.arena.count_more(container, more);
        }
        self.stack.truncate(start);
    }

    pub(super) fn append(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let item = self.pop()?;
        let target = self.top()?;
        if let Some(Shape::List | Shape::ByteArray) = self.arena.shape(target) {
            let target = self.changeable(self.stack.len());
            self.arena.push(target, item);
        } else {
            let start = self.stack.len();
            self.push(item)?;
            self.extend(instruction, target, start, &["extend", "append"])?;
        }
        Ok(())
    }

    pub(super) fn appends(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let start = self.pop_mark()?;
        let target = self.below(start)?;
        match self.arena.shape(target) {
            Some(Shape::List | Shape::ByteArray) => {
                let target = self.changeable(start);
                self.absorb(target, start);
            }
            _ => self.extend(instruction, target, start, &["extend", "append"])?,
        }
        Ok(())
    }

    pub(super) fn add_items(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let start = self.pop_mark()?;
        let target = self.below(start)?;
        match self.arena.shape(target) {
            Some(Shape::Set) => {
                let target = self.changeable(start);
                self.absorb(target, start);
            }
            _ => self.extend(instruction, target, start, &["add"])?,
        }
        Ok(())
    }

    /// The value under the items that begin at `start`.
    fn below(&self, start: usize) -> Result<Value, Halt> {
        if start <= self.fence {
            return Err(Halt::Refused("the stack is empty"));
        }
        let value = start.checked_sub(1).and_then(|below| self.stack.get(below)).copied();
        let value = value.unwrap_or(Value::UNKNOWN);
        Ok(if matches!(value.kind(), Kind::Run(_)) { Value::CONSTANT } else { value })
    }

    /// Items go to something that is no container of ours: one of its methods is called, which may be an
    /// attribute that an earlier `BUILD` set.
    fn extend(
        &mut self,
        instruction: &Instruction,
        target: Value,
        start: usize,
        methods: &[&str],
    ) -> Result<(), Halt> {
        let span = instruction.start..instruction.end;
        let refuses = target.is_literal()
            || matches!(
                self.arena.shape(target),
                Some(
                    Shape::Tuple
                        | Shape::FrozenSet
                        | Shape::Dict
                        | Shape::List
                        | Shape::Set
                        | Shape::ByteArray
                )
            );
        if refuses {
            if self.stack.len() > start {
                return Err(Halt::Refused("items are added to a value that takes none"));
            }
            self.difference(span, DifferenceKind::NoItems, AcceptedBy::C);
            return Ok(());
        }
        for method in methods {
            if let Some(attribute) = self.attribute(target, method) {
                let items: Vec<Value> =
                    self.stack.get(start..).unwrap_or_default().iter().take(4).copied().collect();
                let list = self.arena.with(Shape::List, &items);
                let first = items.first().copied().unwrap_or(list);
                let argument = if *method == "extend" { list } else { first };
                self.call(span.clone(), attribute, &[argument], true, None, How::Indirect, 8);
            }
        }
        self.stack.truncate(start);
        Ok(())
    }

    pub(super) fn set_item(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let value = self.pop()?;
        let key = self.pop()?;
        let target = self.top()?;
        if self.arena.shape(target) == Some(Shape::Dict) {
            let target = self.changeable(self.stack.len());
            self.arena.push(target, key);
            self.arena.push(target, value);
            return Ok(());
        }
        let start = self.stack.len();
        self.push(key)?;
        self.push(value)?;
        self.set_other(instruction, target, start)
    }

    pub(super) fn set_items(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let start = self.pop_mark()?;
        let target = self.below(start)?;
        if self.odd(start) {
            return Err(Halt::Refused("the number of keys and values is odd"));
        }
        if self.arena.shape(target) == Some(Shape::Dict) {
            let target = self.changeable(start);
            self.absorb(target, start);
            return Ok(());
        }
        self.set_other(instruction, target, start)
    }

    /// Items are set on something that is no dictionary of ours.
    fn set_other(
        &mut self,
        instruction: &Instruction,
        target: Value,
        start: usize,
    ) -> Result<(), Halt> {
        let items: Vec<Value> =
            self.stack.get(start..).unwrap_or_default().iter().take(KEPT).copied().collect();
        self.stack.truncate(start);
        let Some(name) = self.global_name(target).cloned() else {
            let refuses = target.is_literal()
                || matches!(
                    self.arena.shape(target),
                    Some(Shape::Tuple | Shape::FrozenSet | Shape::Set)
                );
            if refuses && !items.is_empty() {
                return Err(Halt::Refused("items are set on a value that takes none"));
            }
            let thing = self.result_of(target).cloned();
            if let Some(class) = thing.filter(is_tensor) {
                let span = instruction.start..instruction.end;
                let (keys, dictionary) = (Vec::new(), true);
                let build =
                    Build { class: Some(class), target: None, dictionary, keys, items: true };
                self.event(span, EventKind::Build(build));
            }
            return Ok(());
        };
        let registry = matches!(&*name.module, "copyreg" | "copy_reg");
        for pair in items.chunks_exact(2) {
            let &[key, value] = pair else { continue };
            let Kind::Int(code) = key.kind() else { continue };
            if registry && &*name.name == "_inverted_registry" {
                self.register(code, value);
            } else if registry
                && &*name.name == "_extension_cache"
                && let Some(name) = self.global_name(value).cloned()
            {
                self.extend_codes(code, name);
            }
        }
        let dictionary = self.arena.with(Shape::Dict, &items);
        let keys = self.keys(dictionary, 48);
        let span = instruction.start..instruction.end;
        self.event(
            span,
            EventKind::Build(Build {
                class: None,
                target: Some(name),
                dictionary: true,
                keys,
                items: true,
            }),
        );
        Ok(())
    }
}

/// Whether calling this makes a tensor or its memory.
fn is_tensor(name: &crate::Name) -> bool {
    match &*name.module {
        "torch._utils" => name.name.starts_with("_rebuild"),
        "torch" | "torch.storage" => name.name.ends_with("Storage") || &*name.name == "Tensor",
        _ => false,
    }
}

/// How many values one entry of the stack stands for.
fn length(value: Value) -> u64 {
    match value.kind() {
        Kind::Run(count) => count,
        _ => 1,
    }
}
