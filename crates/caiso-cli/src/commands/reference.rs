//! Completions, man pages and the Markdown reference, all from the argument definitions.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};

use super::checks::with_run_flags;
use crate::arguments::Arguments;
use crate::{exit, output};

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "caiso", &mut script);
    output::print(&String::from_utf8(script)?)?;
    Ok(exit::PASS)
}

pub(crate) fn man(folder: &Path) -> Result<u8> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    clap_mangen::generate_to(command(), folder)
        .with_context(|| format!("cannot write man pages to {}", folder.display()))?;
    Ok(exit::PASS)
}

pub(crate) fn markdown() -> Result<u8> {
    let mut text = String::from("# Command line\n\nWritten by `cargo xtask docs` from the code.\n");
    let mut root = command();
    root.build();
    describe(&root, &mut Vec::new(), &mut text);
    output::print(&text)?;
    Ok(exit::PASS)
}

fn command() -> Command {
    with_run_flags(Arguments::command())
}

fn describe(command: &Command, above: &mut Vec<String>, text: &mut String) {
    above.push(command.get_name().to_owned());
    let name = above.join(" ");
    // The help of every check's run is in checks.md.
    if name != "caiso checks run" {
        let mut command = command.clone().term_width(100).bin_name(&name);
        *text += &format!(
            "\n## {name}\n\n```text\n{}\n```\n",
            trimmed(&command.render_help().to_string())
        );
    }
    let skip = |child: &&Command| {
        !child.is_hide_set() && child.get_name() != "help" && name != "caiso checks run"
    };
    for child in command.get_subcommands().filter(skip) {
        describe(child, above, text);
    }
    above.pop();
}

fn trimmed(help: &str) -> String {
    help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}
