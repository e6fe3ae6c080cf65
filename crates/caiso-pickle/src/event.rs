//! What an analysis says: the public values.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

/// Bounds on the work and memory of one analysis. Whatever they cut off is listed as
/// [`Incomplete`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Instructions, over all streams of the input.
    pub steps: u64,
    /// Compound values kept at once (80 bytes each), and containers of constants whose changes are kept.
    pub values: usize,
    /// Memo entries with a value of their own (8 bytes each).
    pub memo: usize,
    /// Stack entries (8 bytes each).
    pub stack: usize,
    /// Streams, nested ones included.
    pub streams: usize,
    /// Events kept, over all streams.
    pub events: usize,
    /// Bytes of names and of constants made by folding.
    pub text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 1 << 31,
            values: 200_000,
            memo: 2 << 20,
            stack: 1 << 20,
            streams: 4096,
            events: 10_000,
            text: 4 << 20,
        }
    }
}

/// A Python global: what `find_class` is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Name {
    /// The module, with what is not UTF-8 replaced.
    pub module: Arc<str>,
    /// The name in it, which may have dots; empty for the module itself.
    pub name: Arc<str>,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.module)?;
        if !self.name.is_empty() {
            write!(f, ".{}", self.name)?;
        }
        Ok(())
    }
}

/// Everything that was found in an input.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Analysis {
    /// The pickles, in the order in which they were read.
    pub streams: Vec<Stream>,
    /// Stretches that belong to no stream.
    pub gaps: Vec<Gap>,
    /// What the limits cut off.
    pub incomplete: Vec<Incomplete>,
    /// Instructions executed.
    pub steps: u64,
}

/// A stretch that belongs to no stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Where.
    pub range: Range<usize>,
    /// What it is.
    pub reason: GapReason,
}

/// Why a stretch belongs to no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum GapReason {
    /// Zero bytes or white space between or after streams.
    Padding,
    /// The raw values of an array that joblib wrote into the stream.
    ArrayBytes,
    /// Bytes in which no pickle was found.
    NotPickle,
}

/// A stretch that was not, or not wholly, inspected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incomplete {
    /// Where.
    pub range: Range<usize>,
    /// Which limit was met, or what could not be followed.
    pub reason: String,
}

/// One pickle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stream {
    /// From the first opcode to the end of the last one read.
    pub range: Range<usize>,
    /// The argument of `PROTO`, if there is one.
    pub protocol: Option<u8>,
    /// How it ended.
    pub end: End,
    /// What loading it does, in order.
    pub events: Vec<Event>,
    /// Found by searching after damage, not where a loader would begin.
    pub resynchronised: bool,
    /// Nesting: 0 for the input itself, 1 for a pickle in a constant of it, and so on.
    pub depth: u8,
    /// The value at the top of the stack at `STOP`.
    pub result: ResultKind,
}

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum End {
    /// At `STOP`.
    Stop,
    /// The data ended first.
    Truncated,
    /// At an instruction that cannot be decoded.
    Undecodable(String),
    /// At an instruction that both of Python's unpicklers refuse.
    Refused(String),
    /// At a limit of the analysis.
    Limit,
}

/// What a stream's value is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ResultKind {
    /// There is none: the stream did not come to `STOP`.
    Missing,
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A literal integer of at most 60 bits.
    Int(i64),
    /// A longer literal integer: its bytes as two's complement, least significant first, at most 64.
    Long(Vec<u8>),
    /// A literal float.
    Float,
    /// A literal string, at most 256 bytes of it.
    Text(String),
    /// Literal bytes and where they lie.
    Bytes(Range<usize>),
    /// A list with so many items.
    List(usize),
    /// A tuple with so many items.
    Tuple(usize),
    /// A dictionary with so many items, and its first string keys.
    Dict(usize, Vec<String>),
    /// A set or frozen set.
    Set,
    /// A global itself.
    Global(Name),
    /// What a call of this global returned.
    Call(Name),
    /// A persistent object.
    Persistent,
    /// Anything else.
    Unknown,
}

/// Something that loading does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// The instruction that does it.
    pub span: Range<usize>,
    /// What it does.
    pub kind: EventKind,
    /// How many times the same thing happened again later without an event of its own.
    pub repeated: u64,
}

/// What loading does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EventKind {
    /// Imports a module and takes a name from it.
    Import {
        /// What is imported; nothing where the names are computed at load time.
        global: Option<Name>,
        /// The opcode or the resolver that imports.
        by: String,
    },
    /// Calls something.
    Call(Call),
    /// Calls `__setstate__` or writes attributes.
    Build(Build),
    /// Asks the loader for an object by identifier.
    Persistent {
        /// The identifier, at most 256 bytes of it.
        id: String,
    },
    /// Python's two unpicklers differ here.
    Difference(Difference),
    /// The value is so deep, or refers to its own parts so often, that copying or printing it does not end.
    Oversized {
        /// Containers in one another.
        depth: u32,
        /// Values there are when every reference is followed anew.
        values: u64,
    },
    /// A constant is itself loaded as a pickle or other code.
    Nested {
        /// Where it lies; for a constant made by folding, the call.
        range: Range<usize>,
        /// What loads it.
        loader: Name,
        /// Whether it is analysed here, as a stream of greater depth.
        analysed: bool,
    },
}

/// A call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Call {
    /// What is called.
    pub callee: Callee,
    /// How.
    pub how: How,
    /// The first arguments.
    pub arguments: Vec<Argument>,
    /// How many arguments there are, where that is known.
    pub count: Option<usize>,
    /// What folding made of the result.
    pub folding: Folding,
}

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Callee {
    /// A global that the stream names.
    Global(Name),
    /// A global that resolvers such as `getattr` reach with constant arguments.
    Folded {
        /// What they reach.
        global: Name,
        /// The resolvers, first one first.
        through: Vec<Name>,
    },
    /// Something else.
    Unknown {
        /// The global whose result it is, if it is the result of a call.
        result_of: Option<Name>,
    },
}

/// The instruction or mechanism of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum How {
    /// `REDUCE`.
    Reduce,
    /// `NEWOBJ`: `__new__` only.
    NewObject,
    /// `NEWOBJ_EX`: `__new__` with keyword arguments.
    NewObjectEx,
    /// `OBJ`.
    Object,
    /// `INST`.
    Instance,
    /// By something called: `map`, `functools.partial` and the like.
    Indirect,
}

/// What is known about a call's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Folding {
    /// The callee is no resolver.
    NotResolver,
    /// A constant, or a callable that acts when it is called itself.
    Constant,
    /// This global.
    Resolved(Name),
    /// The callee is a resolver, and its arguments are not constant.
    Unresolved,
}

/// One argument of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Argument {
    /// What it is.
    pub kind: ArgumentKind,
    /// It as Python would write it, at most about 256 bytes.
    pub text: String,
}

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArgumentKind {
    /// `None`, a boolean or a number.
    Number,
    /// A string.
    Text,
    /// Bytes.
    Bytes,
    /// A global.
    Global,
    /// A list, tuple, dictionary or set.
    Container,
    /// The result of a call.
    Result,
    /// Anything else.
    Unknown,
}

/// `BUILD`, and items set on what is no dictionary of the stream's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Build {
    /// The class whose `__setstate__` runs, if the object is the result of calling a global.
    pub class: Option<Name>,
    /// Set if the target is a global itself: its attributes are overwritten.
    pub target: Option<Name>,
    /// The state is a dictionary or a pair with one.
    pub dictionary: bool,
    /// The first string keys of the state.
    pub keys: Vec<String>,
    /// By `SETITEM` or `SETITEMS`: calls `__setitem__` of the object.
    pub items: bool,
}

/// A place where the unpickler written in C and the one written in Python do not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What is odd about the instruction.
    pub kind: DifferenceKind,
    /// Which unpickler goes on; the other one refuses the stream here.
    pub accepted_by: AcceptedBy,
}

/// Which unpickler goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AcceptedBy {
    /// CPython's `_pickle`.
    C,
    /// CPython's `pickle._Unpickler`.
    Python,
    /// Both, with different values or positions.
    Both,
}

/// What is odd about an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DifferenceKind {
    /// An instruction or its argument goes beyond its frame (cpython issue 154848).
    FrameStraddled,
    /// A frame begins within a frame.
    FrameNested,
    /// A frame is longer than the rest of the data.
    FrameTooLong,
    /// `STOP` within a frame: the next `load` on the same file begins at the frame's end.
    FrameLeft,
    /// A text number that only one of them takes, or that each reads as another value.
    Number,
    /// The last line of the data has no newline.
    LineEnd,
    /// An empty line where `_pickle` wants a character.
    EmptyLine,
    /// The arguments of a call are no tuple.
    ArgumentsNotTuple,
    /// `APPENDS` or `ADDITEMS` without items on something that takes none.
    NoItems,
    /// `BUILD` with an empty state on a value without attributes.
    EmptyState,
    /// `INST` without a mark: one imports before it refuses.
    NoMark,
    /// A memo index that the unpickler written in C allocates everything below for.
    MemoIndex,
}

impl DifferenceKind {
    /// The difference in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::FrameStraddled => "an instruction goes beyond the end of its frame",
            Self::FrameNested => "a frame begins before the previous one ends",
            Self::FrameTooLong => "a frame is longer than the rest of the data",
            Self::FrameLeft => "STOP comes before the end of its frame",
            Self::Number => "a number is written in a form that the two read differently",
            Self::LineEnd => "the last line does not end with a newline",
            Self::EmptyLine => "a text argument is empty",
            Self::ArgumentsNotTuple => "the arguments of a call are not a tuple",
            Self::NoItems => "no items are added to a value that takes none",
            Self::EmptyState => "an empty state is set on a value without attributes",
            Self::NoMark => "a class is imported for which there is no mark",
            Self::MemoIndex => "a memo index is far beyond the number of memo entries",
        }
    }
}
