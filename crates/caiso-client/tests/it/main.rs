//! Endpoints as they behave and misbehave, on real sockets.
#![allow(clippy::disallowed_methods, reason = "servers wait, and journals are files")]

mod asking;
mod journal;
mod lies;
mod server;
mod tls;
