//! What loading a Python pickle would do, told without executing anything of it.
//!
//! [`analyse`] decodes every opcode of protocols 0 to 5 and runs them on an abstract machine with the stack,
//! marks, memo and frames of CPython. Imports and calls go to an ordered log, which nothing erases.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::unwrap_used
    )
)]

mod analyse;
mod arena;
pub mod catalog;
mod decode;
mod event;
mod judge;
mod literal;
mod machine;
mod opcode;
mod text;
mod value;

pub use analyse::{analyse, looks_like_pickle};
pub use catalog::{Catalog, Category};
pub use decode::{DecodeError, Decoder, Instruction};
pub use event::{
    AcceptedBy, Analysis, Argument, ArgumentKind, Build, Call, Callee, Difference, DifferenceKind,
    End, Event, EventKind, Folding, Gap, GapReason, How, Incomplete, Limits, Name, ResultKind,
    Stream,
};
pub use judge::{Concern, judge};
pub use opcode::opcode_name;
