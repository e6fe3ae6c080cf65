//! Compound values: nodes in a buffer of fixed size, and the literals, which are read from the input.

use std::collections::BTreeMap;

use crate::literal::Reader;
use crate::machine::memo::{Memo, Recall};
use crate::value::{Kind, SLOT, Value};

/// What a node of the arena is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    List,
    Tuple,
    /// Keys and values in turn.
    Dict,
    Set,
    FrozenSet,
    ByteArray,
    /// The result of a call: callee, arguments, and keyword arguments if there are any.
    Call,
    /// The result of `__new__`: the same parts.
    Object,
    /// The persistent identifier.
    Persistent,
    /// More items of the node that refers to this one.
    More,
}

const INLINE: usize = 6;
/// Items that are kept of one container; folding and previews need no more.
pub(crate) const KEPT: usize = 96;
const NO_NODE: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Node {
    items: [Value; INLINE],
    /// Items there are, kept or not.
    count: u32,
    generation: u32,
    next: u32,
    last: u32,
    shape: Shape,
    /// How deep containers lie in one another here.
    depth: u32,
    /// How many values this is when every reference is followed anew.
    weight: u64,
}

/// Nodes in a buffer that is never longer than its capacity. The first half stays; the second half is a
/// ring that forgets the oldest nodes, so that a file of any size is analysed in bounded memory. A value
/// whose node is forgotten reads as unknown.
#[derive(Debug)]
pub(crate) struct Arena<'a> {
    /// What literals are read from.
    data: &'a [u8],
    /// What they may refer to.
    pub(crate) memo: Memo,
    /// Literals that were changed, by their offsets, with the nodes that stand for them since.
    changed: BTreeMap<usize, Value>,
    /// More literals were changed than are remembered: those that are not among them read as unknown.
    literals_lost: bool,
    nodes: Vec<Node>,
    capacity: usize,
    cursor: usize,
    generation: u32,
    pub(crate) forgotten: bool,
}

impl<'a> Arena<'a> {
    pub(crate) fn new(capacity: usize, memo: usize, data: &'a [u8]) -> Self {
        let capacity = capacity.clamp(256, 1 << (SLOT - 1));
        Self {
            data,
            memo: Memo::new(memo),
            changed: BTreeMap::new(),
            literals_lost: false,
            nodes: Vec::new(),
            capacity,
            cursor: 0,
            generation: 0,
            forgotten: false,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.memo.clear();
        self.changed.clear();
        self.literals_lost = false;
        self.nodes.clear();
        self.cursor = 0;
        self.generation = self.generation.wrapping_add(1);
        self.forgotten = false;
    }

    pub(crate) fn add(&mut self, shape: Shape) -> Value {
        let mut node = Node {
            items: [Value::UNKNOWN; INLINE],
            count: 0,
            generation: self.generation,
            next: NO_NODE,
            last: NO_NODE,
            shape,
            depth: 1,
            weight: 1,
        };
        if self.nodes.len() < self.capacity {
            let slot = self.nodes.len();
            self.nodes.push(node);
            return Value::node(slot, self.generation);
        }
        self.forgotten = true;
        let slot = if self.cursor == 0 { self.capacity >> 1 } else { self.cursor };
        let after = slot.saturating_add(1);
        self.cursor = if after >= self.capacity {
            self.generation = self.generation.wrapping_add(1);
            0
        } else {
            after
        };
        if let Some(old) = self.nodes.get_mut(slot) {
            node.generation = old.generation.wrapping_add(1).max(self.generation);
            let generation = node.generation;
            *old = node;
            return Value::node(slot, generation);
        }
        Value::UNKNOWN
    }

    pub(crate) fn with(&mut self, shape: Shape, items: &[Value]) -> Value {
        let value = self.add(shape);
        for &item in items {
            self.push(value, item);
        }
        value
    }

    fn get(&self, value: Value) -> Option<(usize, &Node)> {
        let Kind::Node(slot, generation) = self.current(value).kind() else { return None };
        self.nodes.get(slot).filter(|node| node.generation == generation).map(|node| (slot, node))
    }

    /// The node that stands for a literal since it was changed.
    #[inline]
    fn current(&self, value: Value) -> Value {
        if let Kind::Literal(offset) = value.kind() {
            if let Some(&node) = self.changed.get(&offset) {
                return node;
            }
            if self.literals_lost {
                return Value::UNKNOWN;
            }
        }
        value
    }

    /// Whether literals may be made: their changes can still be remembered.
    pub(crate) fn keeps_literals(&self) -> bool {
        self.changed.len() < self.capacity
    }

    /// The node to change in place of a literal.
    #[inline]
    pub(crate) fn changeable(&mut self, value: Value) -> Value {
        if value.literal_extent().is_some() { self.change(value) } else { value }
    }

    fn change(&mut self, value: Value) -> Value {
        let current = self.current(value);
        let Kind::Literal(offset) = current.kind() else { return current };
        if !self.keeps_literals() {
            self.literals_lost = true;
            return Value::UNKNOWN;
        }
        let Some(shape) = current.literal_shape() else { return Value::UNKNOWN };
        let (items, _) = self.items(current, KEPT);
        let node = self.with(shape, &items);
        self.changed.insert(offset, node);
        node
    }

    /// The items of a literal.
    fn literal_items(&self, value: Value) -> Vec<Value> {
        if value.is_fresh() {
            return Vec::new();
        }
        let mut reader = Reader::new();
        match reader.read(self.data, value.literal_offset(), &mut Recall(&self.memo)) {
            Ok(_) => reader.items().to_vec(),
            Err(_) => Vec::new(),
        }
    }

    pub(crate) fn shape(&self, value: Value) -> Option<Shape> {
        let value = self.current(value);
        value.literal_shape().or_else(|| self.get(value).map(|(_, node)| node.shape))
    }

    pub(crate) fn count(&self, value: Value) -> usize {
        let value = self.current(value);
        if matches!(value.kind(), Kind::Literal(_)) {
            return self.literal_items(value).len();
        }
        self.get(value).map_or(0, |(_, node)| usize::try_from(node.count).unwrap_or(usize::MAX))
    }

    /// Adds an item to a container; past [`KEPT`] it is only counted.
    #[inline]
    pub(crate) fn push(&mut self, value: Value, item: Value) {
        let value = self.changeable(value);
        if item.is_node() {
            let (depth, weight) = self.extent(item);
            self.weigh(value, depth, weight);
        }
        let Kind::Node(slot, generation) = value.kind() else { return };
        let Some(node) = self.nodes.get_mut(slot).filter(|node| node.generation == generation)
        else {
            return;
        };
        let index = usize::try_from(node.count).unwrap_or(usize::MAX);
        node.count = node.count.saturating_add(1);
        if let Some(place) = node.items.get_mut(index) {
            *place = item;
            return;
        }
        if index < KEPT {
            self.push_more(slot, index, item);
        }
    }

    /// Counts the parts of items for the container that holds them: the greatest depth, the sum of the weights.
    pub(crate) fn weigh(&mut self, value: Value, depth: u32, weight: u64) {
        if depth == 0 {
            return;
        }
        let Kind::Node(slot, generation) = value.kind() else { return };
        if let Some(node) = self.nodes.get_mut(slot).filter(|node| node.generation == generation) {
            node.depth = node.depth.max(depth.saturating_add(1));
            node.weight = node.weight.saturating_add(weight);
        }
    }

    /// How deep a value is, and how many values it is when every reference is followed anew.
    pub(crate) fn extent(&self, value: Value) -> (u32, u64) {
        let value = self.current(value);
        if let Some((depth, weight)) = value.literal_extent() {
            return (u32::try_from(depth).unwrap_or(u32::MAX), weight);
        }
        self.get(value).map_or((0, 1), |(_, node)| (node.depth, node.weight))
    }

    fn push_more(&mut self, slot: usize, index: usize, item: Value) {
        let offset = index.checked_rem(INLINE).unwrap_or(0);
        let last = self.nodes.get(slot).map_or(NO_NODE, |node| node.last);
        let target = if offset == 0 {
            let more = self.add(Shape::More);
            let Kind::Node(new, generation) = more.kind() else { return };
            let link = u32::try_from(new).unwrap_or(NO_NODE);
            let before = if last == NO_NODE { slot } else { usize::try_from(last).unwrap_or(slot) };
            if let Some(node) = self.nodes.get_mut(before) {
                node.next = link;
            }
            if let Some(node) = self.nodes.get_mut(slot) {
                node.last = link;
            }
            // Owner of the part, so that a reused slot is not read as a part of it.
            if let Some(node) = self.nodes.get_mut(new) {
                node.last = u32::try_from(slot).unwrap_or(NO_NODE);
                node.generation = generation;
            }
            new
        } else {
            usize::try_from(last).unwrap_or(usize::MAX)
        };
        let owner = u32::try_from(slot).unwrap_or(NO_NODE);
        if let Some(node) = self.nodes.get_mut(target)
            && node.shape == Shape::More
            && node.last == owner
            && let Some(place) = node.items.get_mut(offset)
        {
            *place = item;
            node.count = node.count.saturating_add(1);
        }
    }

    /// Counts items that are not kept.
    pub(crate) fn count_more(&mut self, value: Value, count: u64) {
        let Kind::Node(slot, generation) = self.changeable(value).kind() else { return };
        if let Some(node) = self.nodes.get_mut(slot).filter(|node| node.generation == generation) {
            node.count = node.count.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        }
    }

    /// Replaces one of the first six items of a call or object.
    pub(crate) fn set(&mut self, value: Value, index: usize, item: Value) {
        let Kind::Node(slot, generation) = value.kind() else { return };
        if let Some(place) = self
            .nodes
            .get_mut(slot)
            .filter(|node| node.generation == generation)
            .filter(|node| matches!(node.shape, Shape::Call | Shape::Object))
            .and_then(|node| node.items.get_mut(index))
        {
            *place = item;
        }
    }

    /// The first item.
    pub(crate) fn first(&self, value: Value) -> Option<Value> {
        self.item(value, 0)
    }

    /// One of the first six items.
    pub(crate) fn item(&self, value: Value, index: usize) -> Option<Value> {
        let value = self.current(value);
        if matches!(value.kind(), Kind::Literal(_)) {
            return self.literal_items(value).get(index).copied();
        }
        let (_, node) = self.get(value)?;
        (index < usize::try_from(node.count).ok()?).then(|| node.items.get(index).copied())?
    }

    /// The items that are kept, at most `limit`, and whether these are all.
    pub(crate) fn items(&self, value: Value, limit: usize) -> (Vec<Value>, bool) {
        let value = self.current(value);
        if matches!(value.kind(), Kind::Literal(_)) {
            let mut items = self.literal_items(value);
            let all = items.len() <= limit;
            items.truncate(limit);
            return (items, all);
        }
        let Some((slot, mut node)) = self.get(value) else { return (Vec::new(), false) };
        let owner = u32::try_from(slot).unwrap_or(NO_NODE);
        let count = usize::try_from(node.count).unwrap_or(usize::MAX);
        let wanted = count.min(limit).min(KEPT);
        let mut items = Vec::with_capacity(wanted);
        loop {
            let missing = wanted.saturating_sub(items.len());
            items.extend(node.items.iter().take(missing));
            if items.len() >= wanted {
                break;
            }
            match usize::try_from(node.next).ok().and_then(|next| self.nodes.get(next)) {
                Some(next) if next.shape == Shape::More && next.last == owner => node = next,
                _ => return (items, false),
            }
        }
        (items, count <= wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_keep_their_first_items() {
        let mut arena = Arena::new(1000, 0, &[]);
        let list = arena.add(Shape::List);
        for int in 0..200 {
            arena.push(list, Value::int(int));
        }
        let (items, all) = arena.items(list, 20);
        assert!(!all);
        assert_eq!(items, (0..20).map(Value::int).collect::<Vec<_>>());
        assert_eq!(arena.items(list, 1000).0.len(), KEPT);
        assert_eq!(arena.count(list), 200);
    }

    #[test]
    fn old_nodes_are_forgotten_not_mistaken() {
        let mut arena = Arena::new(256, 0, &[]);
        let early = arena.with(Shape::Tuple, &[Value::int(1)]);
        let nodes: Vec<_> =
            (0..1000).map(|int| arena.with(Shape::Tuple, &[Value::int(int); 9])).collect();
        assert_eq!(arena.first(early), Some(Value::int(1)));
        for (int, &node) in (0..).zip(&nodes) {
            if let Some(first) = arena.first(node) {
                assert_eq!(first, Value::int(int));
                assert!(arena.items(node, 9).0.iter().all(|&item| item == Value::int(int)));
            }
        }
        assert!(arena.forgotten && arena.first(nodes[200]).is_none());
        assert!(arena.first(nodes[999]).is_some());
    }
}
