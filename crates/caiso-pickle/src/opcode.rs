//! The 68 opcodes of pickle protocols 0 to 5.

/// What follows an opcode in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// No such opcode.
    Invalid,
    /// Nothing.
    Bare,
    /// A fixed number of bytes, an unsigned little-endian integer.
    Unsigned(u8),
    /// A signed little-endian integer of four bytes.
    Signed,
    /// Eight bytes, a big-endian double.
    Double,
    /// A length of so many bytes, then the payload.
    Counted(u8),
    /// A signed length of four bytes, which must not be negative, then the payload.
    SignedCounted,
    /// One line of text.
    Line,
    /// Two lines of text.
    TwoLines,
}

macro_rules! opcodes {
    ($($name:ident = $code:literal $shape:expr;)*) => {
        $(pub(crate) const $name: u8 = $code;)*

        /// The name of an opcode as CPython's `pickletools` has it.
        pub fn opcode_name(code: u8) -> Option<&'static str> {
            match code {
                $($code => Some(stringify!($name)),)*
                _ => None,
            }
        }

        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time; a byte indexes 256 entries")]
        pub(crate) const SHAPES: [Shape; 256] = {
            let mut shapes = [Shape::Invalid; 256];
            $(shapes[$code as usize] = $shape;)*
            shapes
        };
    };
}

opcodes! {
    MARK = b'(' Shape::Bare;
    STOP = b'.' Shape::Bare;
    POP = b'0' Shape::Bare;
    POP_MARK = b'1' Shape::Bare;
    DUP = b'2' Shape::Bare;
    FLOAT = b'F' Shape::Line;
    INT = b'I' Shape::Line;
    BININT = b'J' Shape::Signed;
    BININT1 = b'K' Shape::Unsigned(1);
    LONG = b'L' Shape::Line;
    BININT2 = b'M' Shape::Unsigned(2);
    NONE = b'N' Shape::Bare;
    PERSID = b'P' Shape::Line;
    BINPERSID = b'Q' Shape::Bare;
    REDUCE = b'R' Shape::Bare;
    STRING = b'S' Shape::Line;
    BINSTRING = b'T' Shape::SignedCounted;
    SHORT_BINSTRING = b'U' Shape::Counted(1);
    UNICODE = b'V' Shape::Line;
    BINUNICODE = b'X' Shape::Counted(4);
    APPEND = b'a' Shape::Bare;
    BUILD = b'b' Shape::Bare;
    GLOBAL = b'c' Shape::TwoLines;
    DICT = b'd' Shape::Bare;
    EMPTY_DICT = b'}' Shape::Bare;
    APPENDS = b'e' Shape::Bare;
    GET = b'g' Shape::Line;
    BINGET = b'h' Shape::Unsigned(1);
    INST = b'i' Shape::TwoLines;
    LONG_BINGET = b'j' Shape::Unsigned(4);
    LIST = b'l' Shape::Bare;
    EMPTY_LIST = b']' Shape::Bare;
    OBJ = b'o' Shape::Bare;
    PUT = b'p' Shape::Line;
    BINPUT = b'q' Shape::Unsigned(1);
    LONG_BINPUT = b'r' Shape::Unsigned(4);
    SETITEM = b's' Shape::Bare;
    TUPLE = b't' Shape::Bare;
    EMPTY_TUPLE = b')' Shape::Bare;
    SETITEMS = b'u' Shape::Bare;
    BINFLOAT = b'G' Shape::Double;
    PROTO = b'\x80' Shape::Unsigned(1);
    NEWOBJ = b'\x81' Shape::Bare;
    EXT1 = b'\x82' Shape::Unsigned(1);
    EXT2 = b'\x83' Shape::Unsigned(2);
    EXT4 = b'\x84' Shape::Signed;
    TUPLE1 = b'\x85' Shape::Bare;
    TUPLE2 = b'\x86' Shape::Bare;
    TUPLE3 = b'\x87' Shape::Bare;
    NEWTRUE = b'\x88' Shape::Bare;
    NEWFALSE = b'\x89' Shape::Bare;
    LONG1 = b'\x8a' Shape::Counted(1);
    LONG4 = b'\x8b' Shape::SignedCounted;
    BINBYTES = b'B' Shape::Counted(4);
    SHORT_BINBYTES = b'C' Shape::Counted(1);
    SHORT_BINUNICODE = b'\x8c' Shape::Counted(1);
    BINUNICODE8 = b'\x8d' Shape::Counted(8);
    BINBYTES8 = b'\x8e' Shape::Counted(8);
    EMPTY_SET = b'\x8f' Shape::Bare;
    ADDITEMS = b'\x90' Shape::Bare;
    FROZENSET = b'\x91' Shape::Bare;
    NEWOBJ_EX = b'\x92' Shape::Bare;
    STACK_GLOBAL = b'\x93' Shape::Bare;
    MEMOIZE = b'\x94' Shape::Bare;
    FRAME = b'\x95' Shape::Unsigned(8);
    BYTEARRAY8 = b'\x96' Shape::Counted(8);
    NEXT_BUFFER = b'\x97' Shape::Bare;
    READONLY_BUFFER = b'\x98' Shape::Bare;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_sixty_eight() {
        assert_eq!((0..=255).filter(|&code| opcode_name(code).is_some()).count(), 68);
        for code in 0..=255 {
            let shape = SHAPES[usize::from(code)];
            assert_eq!(opcode_name(code).is_none(), shape == Shape::Invalid);
        }
    }
}
