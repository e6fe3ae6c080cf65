//! Command line: arguments, output, progress.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the edge where the program meets a person: files, environment, clock and terminal"
)]

mod arguments;
mod commands;
mod error;
mod exit;
mod output;
mod progress;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

/// Runs the command line and returns the exit status.
///
/// 0 pass, 1 the gate failed, 2 usage, unreadable input or internal error, 3 incomplete.
pub fn main() -> ExitCode {
    let command = commands::checks::with_run_flags(arguments::Arguments::command());
    let arguments = match command.try_get_matches() {
        Ok(matches) => arguments::Arguments::from_arg_matches(&matches)
            .map(|parsed| (parsed, matches))
            .map_err(|error| error.format(&mut arguments::Arguments::command())),
        Err(error) => Err(error),
    };
    let (arguments, matches) = match arguments {
        Ok(arguments) => arguments,
        Err(error) => {
            let status = if error.use_stderr() { exit::ERROR } else { exit::PASS };
            // Nothing is left to do when even the terminal is gone.
            let _ = error.print();
            return ExitCode::from(status);
        }
    };
    output::quiet_panics();
    match commands::run(&arguments, &matches) {
        Ok(status) => ExitCode::from(status),
        Err(error) if error::is_broken_pipe(&error) => ExitCode::from(exit::PASS),
        Err(error) => {
            error::print(&error);
            ExitCode::from(exit::ERROR)
        }
    }
}
