//! `caiso robustness`: attacks on a model and labelled rows, without a manifest.

mod curve;
mod doubts;
mod evaluate;
mod inputs;
mod list;
mod metrics;
mod options;
mod text;
mod texts;

use anyhow::Result;

use crate::arguments::{Global, RobustnessArguments, RobustnessCommand};

pub(crate) fn run(global: &Global, arguments: &RobustnessArguments) -> Result<u8> {
    match &arguments.command {
        RobustnessCommand::List(it) => list::run(global, it),
        RobustnessCommand::Evaluate(it) => evaluate::run(global, it),
        RobustnessCommand::Curve(it) => curve::run(global, it),
        RobustnessCommand::Texts(it) => texts::run(global, it),
    }
}
