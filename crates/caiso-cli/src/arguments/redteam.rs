//! Arguments of `caiso redteam`.

use std::path::PathBuf;

use caiso_robustness::Norm;
use clap::{Args, Subcommand};

use super::robustness::norm;

#[derive(Debug, Args)]
pub(crate) struct RedteamArguments {
    #[command(subcommand)]
    pub(crate) command: RedteamCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RedteamCommand {
    /// Attack a model of a system with all that fits it, within budgets, and seal the worst case
    #[command(
        after_help = "A campaign that was stopped, by its budget of time, by the endpoint or by a kill, is continued with --resume \
and comes to the same result as one that was not. The parameters are those of RB-REDTEAM-001 in caiso.yaml, where flags do not \
say otherwise.\nExit status: 0 pass · 1 a finding at or over gate.fail_on · 2 error · 3 incomplete\n\nExamples:\n  caiso redteam \
model examples/mortgage\n  caiso redteam model examples/digits --norm l2 --eps 0.2,0.5,1 --figures figures/\n  caiso redteam model \
--attacks pgd,square --threshold 0.8 --confidence 0.95 --budget-seconds 60\n  caiso redteam model --endpoint scoring --budget-queries 2000\n  caiso redteam model --endpoint scoring --budget-queries 2000 --resume"
    )]
    Model(Box<RedteamModelArguments>),
}

#[derive(Debug, Args)]
pub(crate) struct RedteamModelArguments {
    /// caiso.yaml or its folder [default: the nearest caiso.yaml here or above]
    pub(crate) system: Option<PathBuf>,
    /// Name of the model; not needed where the system has one only
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Attack what answers at this endpoint of caiso.yaml, instead of a model
    #[arg(long, value_name = "NAME", conflicts_with = "model")]
    pub(crate) endpoint: Option<String>,
    /// Attacks by name; `caiso robustness list` shows them [default: all that fit]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) attacks: Vec<String>,
    /// linf, l2, l1 or l0, each feature divided by its range [default: linf]
    #[arg(long, value_name = "NORM", value_parser = norm)]
    pub(crate) norm: Option<Norm>,
    /// Perturbation sizes [default: five that are usual for the norm]
    #[arg(long, value_name = "EPSILON", value_delimiter = ',')]
    pub(crate) eps: Vec<f64>,
    /// The perturbation size at which the gate judges [default: the middle one]
    #[arg(long, value_name = "EPSILON")]
    pub(crate) threshold_eps: Option<f64>,
    /// Smallest acceptable robust accuracy there [default: nine tenths of the clean accuracy]
    #[arg(long, value_name = "SHARE")]
    pub(crate) threshold: Option<f64>,
    /// Stop as soon as the answer is known with this confidence: 0.95
    #[arg(long, value_name = "SHARE")]
    pub(crate) confidence: Option<f64>,
    /// Most rows to attack; 0 for all [default: 1000]
    #[arg(long, value_name = "N")]
    pub(crate) rows: Option<u32>,
    /// Sets of parameters tried for each attack [default: 3]
    #[arg(long, value_name = "N")]
    pub(crate) configurations: Option<u32>,
    /// Most queries of one attack on one row [default: 5000]
    #[arg(long, value_name = "N")]
    pub(crate) queries_per_row: Option<u64>,
    /// Most queries of the whole campaign [default: any number]
    #[arg(long, value_name = "N")]
    pub(crate) budget_queries: Option<u64>,
    /// Longest time, in seconds; what is left can be continued [default: any time]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) budget_seconds: Option<f64>,
    /// Continue the campaign with the same parameters that was stopped, if there is one
    #[arg(long)]
    pub(crate) resume: bool,
    /// Seed of every random stream
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write the figures into this folder, as SVG files
    #[arg(long, value_name = "DIR")]
    pub(crate) figures: Option<PathBuf>,
    /// Who runs this [default: the user name of the environment]
    #[arg(long, value_name = "NAME", env = "CAISO_ACTOR", hide_env_values = true)]
    pub(crate) actor: Option<String>,
}
