//! The program as a person meets it: arguments in, exit status, text and files out.
#![expect(clippy::disallowed_methods, reason = "tests work on real files and processes")]

mod assess;
mod bad_disk;
mod bad_input;
mod bom;
mod commands;
mod gate;
mod ledger;
mod redteam;
mod report;
mod robustness;
mod scan;
mod server;
mod sign;
mod system;
mod texts;
