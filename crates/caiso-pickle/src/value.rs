//! Values of the abstract machine: one word each, with the compound ones in the arena.

use crate::arena::Shape;

/// A value in one word: a tag in the upper four bits, a payload below.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Value(u64);

/// What a [`Value`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Nothing is known: the result of a call, or a value that was forgotten to keep memory bounded.
    Unknown,
    None,
    True,
    False,
    /// A float.
    Number,
    Int(i64),
    /// A string constant, by the offset of its opcode.
    Text(usize),
    /// A bytes constant, by the offset of its opcode.
    Bytes(usize),
    /// Index into the globals.
    Global(usize),
    /// Index into the globals reached through resolvers.
    Resolved(usize),
    /// Slot in the arena, and the generation that must be found there.
    Node(usize, u32),
    /// A container of constants alone, by the offset where it begins.
    Literal(usize),
    /// Index into the constants that folding made.
    Folded(usize),
    /// An integer beyond 60 bits, by the offset of its opcode.
    Long(usize),
    /// So many constants in a row, whose values are not kept.
    Run(u64),
    /// A constant whose value is not kept.
    Constant,
    /// What `find_class` imports by names that are not constants.
    UnknownGlobal,
}

const TAG: u32 = 60;
const PAYLOAD: u64 = (1 << TAG) - 1;
pub(crate) const SLOT: u32 = 28;
const INT_BIAS: i64 = 1 << 59;
/// A literal: four bits of its tag, twelve of its weight, four of its depth, one that is set while it has
/// no items, two of its shape, and its offset.
const LITERAL: u64 = 10;
const OFFSET: u32 = 41;
const FRESH: u32 = OFFSET + 2;
const DEPTH: u32 = FRESH + 1;
const WEIGHT: u32 = DEPTH + 4;

impl Value {
    pub(crate) const UNKNOWN: Self = Self::simple(0);
    pub(crate) const NONE: Self = Self::simple(1);
    pub(crate) const TRUE: Self = Self::simple(2);
    pub(crate) const FALSE: Self = Self::simple(3);
    pub(crate) const NUMBER: Self = Self::simple(4);
    pub(crate) const CONSTANT: Self = Self::simple(5);
    pub(crate) const UNKNOWN_GLOBAL: Self = Self::simple(6);
    /// No value: an entry of the memo that is not set.
    pub(crate) const UNSET: Self = Self(u64::MAX);

    const fn simple(payload: u64) -> Self {
        Self(payload)
    }

    fn tagged(tag: u64, payload: usize) -> Self {
        Self((tag << TAG) | (payload as u64 & PAYLOAD))
    }

    pub(crate) fn int(value: i64) -> Self {
        match value.checked_add(INT_BIAS).and_then(|biased| u64::try_from(biased).ok()) {
            Some(biased) if biased <= PAYLOAD => Self((1 << TAG) | biased),
            _ => Self::NUMBER,
        }
    }

    pub(crate) fn text(offset: usize) -> Self {
        Self::tagged(2, offset)
    }

    pub(crate) fn bytes(offset: usize) -> Self {
        Self::tagged(3, offset)
    }

    pub(crate) fn global(index: usize) -> Self {
        Self::tagged(4, index)
    }

    pub(crate) fn resolved(index: usize) -> Self {
        Self::tagged(5, index)
    }

    pub(crate) fn folded(index: usize) -> Self {
        Self::tagged(6, index)
    }

    pub(crate) fn long(offset: usize) -> Self {
        Self::tagged(9, offset)
    }

    pub(crate) fn run(count: u64) -> Self {
        Self((7 << TAG) | count.min(PAYLOAD))
    }

    pub(crate) fn node(slot: usize, generation: u32) -> Self {
        Self((8 << TAG) | (u64::from(generation) << SLOT) | slot as u64)
    }

    pub(crate) fn kind(self) -> Kind {
        let payload = self.0 & PAYLOAD;
        let index = usize::try_from(payload).unwrap_or(usize::MAX);
        match self.0 >> TAG {
            0 => match payload {
                1 => Kind::None,
                2 => Kind::True,
                3 => Kind::False,
                4 => Kind::Number,
                5 => Kind::Constant,
                6 => Kind::UnknownGlobal,
                _ => Kind::Unknown,
            },
            1 => Kind::Int(i64::try_from(payload).unwrap_or_default().saturating_sub(INT_BIAS)),
            2 => Kind::Text(index),
            3 => Kind::Bytes(index),
            4 => Kind::Global(index),
            5 => Kind::Resolved(index),
            6 => Kind::Folded(index),
            7 => Kind::Run(payload),
            9 => Kind::Long(index),
            LITERAL => Kind::Literal(self.literal_offset()),
            _ => Kind::Node(
                usize::try_from(payload & ((1 << SLOT) - 1)).unwrap_or(usize::MAX),
                u32::try_from(payload >> SLOT).unwrap_or(u32::MAX),
            ),
        }
    }

    /// Whether this is a constant without parts.
    pub(crate) fn is_constant(self) -> bool {
        match self.0 >> TAG {
            0 => !matches!(self, Self::UNKNOWN | Self::UNKNOWN_GLOBAL),
            1 | 2 | 3 | 6 | 7 | 9 => true,
            _ => false,
        }
    }

    /// Whether this is a constant that stands in the input, and so of a type without attributes.
    pub(crate) fn is_literal(self) -> bool {
        self.is_constant() && !matches!(self.kind(), Kind::Folded(_))
    }

    /// Whether this is a container or the result of a call: a node of the arena, or a literal.
    pub(crate) fn is_node(self) -> bool {
        matches!(self.0 >> TAG, 8 | LITERAL)
    }

    /// Whether this is a node of the arena, or no value.
    #[inline]
    pub(crate) fn is_forgettable(self) -> bool {
        matches!(self.0 >> TAG, 8 | 15)
    }

    /// An empty list or dictionary that begins at `offset`.
    pub(crate) fn fresh(offset: usize, shape: Shape) -> Option<Self> {
        Self::literal(offset, shape, 1, 1).map(|value| Self(value.0 | (1 << FRESH)))
    }

    /// A container of constants that begins at `offset`, unless a part does not fit.
    pub(crate) fn literal(offset: usize, shape: Shape, depth: u64, weight: u64) -> Option<Self> {
        let shape = match shape {
            Shape::List => 0,
            Shape::Tuple => 1,
            Shape::Dict => 2,
            _ => return None,
        };
        let offset = offset as u64;
        let fits = offset < 1 << OFFSET && depth < 1 << 4 && weight < 1 << 12;
        fits.then_some(Self(
            (LITERAL << TAG) | (weight << WEIGHT) | (depth << DEPTH) | (shape << OFFSET) | offset,
        ))
    }

    /// Whether this is a literal without items.
    #[inline]
    pub(crate) fn is_fresh(self) -> bool {
        self.0 >> TAG == LITERAL && (self.0 >> FRESH) & 1 == 1
    }

    pub(crate) fn literal_offset(self) -> usize {
        usize::try_from(self.0 & ((1 << OFFSET) - 1)).unwrap_or(usize::MAX)
    }

    pub(crate) fn literal_shape(self) -> Option<Shape> {
        (self.0 >> TAG == LITERAL).then_some(match (self.0 >> OFFSET) & 3 {
            0 => Shape::List,
            1 => Shape::Tuple,
            _ => Shape::Dict,
        })
    }

    /// Depth and weight of a literal.
    #[inline]
    pub(crate) fn literal_extent(self) -> Option<(u64, u64)> {
        (self.0 >> TAG == LITERAL).then_some(((self.0 >> DEPTH) & 15, (self.0 >> WEIGHT) & 4095))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_a_word() {
        for int in [0, 1, -1, 1 << 58, -(1 << 58)] {
            assert_eq!(Value::int(int).kind(), Kind::Int(int));
        }
        assert_eq!(Value::int(i64::MAX).kind(), Kind::Number);
        assert_eq!(Value::text(77).kind(), Kind::Text(77));
        assert!(Value::run(3).is_constant() && !Value::UNKNOWN.is_constant());
    }
}
