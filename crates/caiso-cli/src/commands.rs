//! One file a command.

mod assess;
mod attest;
mod bom;
pub(crate) mod checks;
mod comply;
mod explain;
mod home;
mod init;
mod ledger;
mod redteam;
mod reference;
mod report;
mod robustness;
mod scan;
mod sign;
mod threat;
mod verify;

use anyhow::Result;
use clap::ArgMatches;

use crate::arguments::{Arguments, Command};
use crate::output;

/// Runs the command and returns the exit status.
pub(crate) fn run(arguments: &Arguments, matches: &ArgMatches) -> Result<u8> {
    let global = &arguments.global;
    match &arguments.command {
        Command::Init(it) => init::run(it),
        Command::Assess(it) => assess::run(global, it),
        Command::Scan(it) => scan::run(global, it),
        Command::Bom(it) => bom::run(global, it),
        Command::Sign(it) => sign::run(global, it),
        Command::Report(it) => report::run(global, it),
        Command::Explain(it) => explain::run(global, it),
        Command::Verify(it) => verify::run(global, it),
        Command::Checks(it) => checks::run(global, it, matches),
        Command::Robustness(it) => robustness::run(global, it),
        Command::Redteam(it) => redteam::run(global, it),
        Command::Comply(it) => comply::run(global, it),
        Command::Attest(it) => attest::run(global, it),
        Command::Threat(it) => threat::run(global, it),
        Command::Ledger(it) => ledger::run(global, it),
        Command::Schema => {
            output::print_json(&caiso_core::Manifest::schema())?;
            Ok(crate::exit::PASS)
        }
        Command::Completions { shell } => reference::completions(*shell),
        Command::Man { folder } => reference::man(folder),
        Command::HelpMarkdown => reference::markdown(),
    }
}
