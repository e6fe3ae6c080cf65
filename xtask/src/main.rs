//! Project tasks. `cargo xtask test` is the test command; `cargo xtask help` lists the rest.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line task runner"
)]

mod bench;
mod docs;
mod parity;
mod peers;
mod run;
mod test;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask TASK

  test     formatting, lints, tidy, all tests, documentation, tests with peers
  tidy     the rules of the house that no compiler checks
  docs     write docs/reference from the code (--check: fail when it differs)
  parity   compare with the named peers (installs them; minutes); parity robustness: attacks
  bench    measure against the targets and the peers, side by side (minutes); bench scan: model files only;
           bench robustness: attacks and forward passes
  fuzz     run every fuzz target for --seconds N each (needs cargo-fuzz and nightly)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let result = match arguments.first().map(String::as_str) {
        Some("test") => test::run(),
        Some("tidy") => tidy::run(),
        Some("docs") => docs::run(rest.iter().any(|argument| argument == "--check")),
        Some("parity") => parity::run(rest),
        Some("bench") => bench::run(rest),
        Some("fuzz") => test::fuzz(rest),
        None | Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some(other) => {
            eprintln!("error: no task is named `{other}`\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
