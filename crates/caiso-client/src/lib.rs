//! Models behind HTTP endpoints: the only crate that opens outbound connections.
//!
//! [`HttpModel`] and [`HttpTextModel`] are models of `caiso_inference` whose logits come from an endpoint that
//! `caiso.yaml` describes ([`caiso_core::manifest::Endpoint`]): a template for the request, a pointer into the
//! answer, and limits. Nothing is sent anywhere else: redirects are refused, the environment's proxy is used
//! only where the description asks for it, and answers are limited in size.
//!
//! Every answer is kept by the digest of its input, so that an input that is asked again gets the answer it had
//! before and counts once. In a journal file ([`Recording::Journal`]) the answers outlive the process: a
//! campaign that was killed asks only for what is missing, and comes to the same results. [`Recording::Replay`]
//! answers from that file alone, without a connection.
//!
//! What an endpoint answers is judged before it is used. Answers that cannot be used are
//! `caiso_inference::Error::NoAnswer`, which says what was asked, what came and what was expected; what is odd
//! but usable is a [`Warning`].
#![allow(
    clippy::disallowed_methods,
    reason = "the edge that waits for others and keeps what they said"
)]

mod answer;
mod error;
mod inputs;
mod journal;
mod limits;
mod model;
mod secrets;
mod target;
mod template;
mod transport;
mod warning;

pub use error::ClientError;
pub use model::{Connection, HttpModel, HttpTextModel, Recording};
pub use warning::Warning;
