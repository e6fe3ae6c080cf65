//! Arguments of `caiso robustness`.

use std::path::PathBuf;

use caiso_robustness::Norm;
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct RobustnessArguments {
    #[command(subcommand)]
    pub(crate) command: RobustnessCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RobustnessCommand {
    /// List the attacks, or show one with its parameters
    #[command(after_help = "Examples:\n  caiso robustness list\n  caiso robustness list pgd")]
    List(AttackListArguments),
    /// Attack a model on labelled rows and report what stands
    #[command(
        after_help = "The changes are measured in the model's own units, or with --scale range in fractions of each feature's \
range.\nExit status: 0 done · 2 error · 3 some rows could not be attacked\n\nExamples:\n  caiso robustness evaluate --model \
digits.onnx --inputs x.npy --labels y.npy \\\n    --attack pgd --norm linf --eps 0.05,0.1 --bounds 0,1 --format json\n  caiso \
robustness evaluate --model credit.json --inputs test.csv --labels default \\\n    --attack tree-min,hopskipjump --scale range"
    )]
    Evaluate(EvaluateArguments),
    /// Robust accuracy over the values of epsilon or of any parameter (security-evaluation curve)
    #[command(
        after_help = "Examples:\n  caiso robustness curve --model digits.onnx --inputs x.npy --labels y.npy --attack pgd,fgsm \
\\\n    --bounds 0,1 --eps 0,0.05,0.1,0.2 --figure curve.svg\n  caiso robustness curve --model digits.onnx --inputs x.npy \
--labels y.npy --attack pgd \\\n    --bounds 0,1 --eps 0.1 --over steps --values 1,5,10,50"
    )]
    Curve(CurveArguments),
    /// Attack a classifier of texts behind an endpoint by edits of characters
    #[command(
        after_help = "The endpoint is described under `endpoints` of caiso.yaml, with {{text}} or {{texts}} in its body.\nExit status: \
0 done · 2 error · 3 some texts could not be attacked\n\nExample:\n  caiso robustness texts --endpoint tickets --texts tickets.csv \
--labels team --limit 100 \\\n    --attack badchars,deepwordbug --queries 500 --journal answers.jsonl"
    )]
    Texts(TextsArguments),
}

#[derive(Debug, Args)]
pub(crate) struct TextsArguments {
    /// caiso.yaml or its folder [default: the nearest caiso.yaml here or above]
    pub(crate) system: Option<PathBuf>,
    /// Name of the endpoint
    #[arg(long, value_name = "NAME")]
    pub(crate) endpoint: String,
    /// Texts: .csv or .parquet
    #[arg(long, value_name = "FILE")]
    pub(crate) texts: PathBuf,
    /// Column of the texts
    #[arg(long, value_name = "COLUMN", default_value = "text")]
    pub(crate) column: String,
    /// Column of the true classes [default: what the endpoint answers is taken for true]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) labels: Option<String>,
    /// Attacks by name; `caiso robustness list` shows them [default: all that fit]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) attack: Vec<String>,
    /// Attack the first N texts only
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Most queries for one text
    #[arg(long, value_name = "N")]
    pub(crate) queries: Option<u64>,
    /// Seed of every random stream
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Keep every answer in this file, and ask nothing again that it holds
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Write the adversarial texts to this CSV file
    #[arg(long, value_name = "FILE")]
    pub(crate) save_adversarial: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AttackListArguments {
    /// Show this attack: what it does, its parameters, its sources
    pub(crate) attack: Option<String>,
}

/// A model, rows and attacks.
#[derive(Debug, Args)]
pub(crate) struct AttackArguments {
    /// Model file: ONNX, XGBoost (JSON, UBJSON) or LightGBM (text)
    #[arg(long, value_name = "FILE")]
    pub(crate) model: PathBuf,
    /// Rows: .npy, .csv or .parquet
    #[arg(long, value_name = "FILE")]
    pub(crate) inputs: PathBuf,
    /// True classes: an .npy file, or a column of the inputs
    #[arg(long, value_name = "FILE|COLUMN")]
    pub(crate) labels: String,
    /// Attacks by name; `caiso robustness list` shows them
    #[arg(long, value_name = "NAME", value_delimiter = ',', required = true)]
    pub(crate) attack: Vec<String>,
    /// linf, l2, l1 or l0 [default: each attack's first]
    #[arg(long, value_name = "NORM", value_parser = norm)]
    pub(crate) norm: Option<Norm>,
    /// Radii of the balls in which to attack; minimum-norm attacks need none
    #[arg(long, value_name = "EPSILON", value_delimiter = ',', allow_negative_numbers = true)]
    pub(crate) eps: Vec<f64>,
    /// Gradient or search steps
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<u32>,
    /// Length of a step in units of distance
    #[arg(long, value_name = "S", conflicts_with = "rel_step_size")]
    pub(crate) step_size: Option<f64>,
    /// Length of a step as a fraction of epsilon
    #[arg(long, value_name = "F")]
    pub(crate) rel_step_size: Option<f64>,
    /// Random starts
    #[arg(long, value_name = "N")]
    pub(crate) restarts: Option<u32>,
    /// Start from the rows alone
    #[arg(long)]
    pub(crate) no_random_start: bool,
    /// Any other parameter of the attacks (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Attack the first N rows only
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Smallest and largest valid value of every input [default: the range of each in the data]
    #[arg(
        long,
        value_name = "LOW,HIGH",
        value_delimiter = ',',
        allow_negative_numbers = true,
        num_args = 1
    )]
    pub(crate) bounds: Vec<f64>,
    /// What counts as a change of 1
    #[arg(long, value_enum, default_value_t = Scale::Unit)]
    pub(crate) scale: Scale,
    /// Features that an attacker cannot change: columns, or numbers from 0
    #[arg(long, value_name = "FEATURE", value_delimiter = ',')]
    pub(crate) immutable: Vec<String>,
    /// Features of which only whole numbers are valid: columns, or numbers from 0
    #[arg(long, value_name = "FEATURE", value_delimiter = ',')]
    pub(crate) integer: Vec<String>,
    /// Features that encode one category, one of them 1 and the others 0: columns or numbers with + between (repeatable)
    #[arg(long, value_name = "FEATURE+FEATURE…", value_delimiter = ',')]
    pub(crate) one_hot: Vec<String>,
    /// Class that every row shall be taken for [default: any wrong one]
    #[arg(long, value_name = "CLASS")]
    pub(crate) target: Option<usize>,
    /// Decide a model with a single output by whether it exceeds this
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    pub(crate) threshold: Option<f64>,
    /// Library of onnxruntime for models with operators that caiso lacks, forward only; needs a caiso with the feature `ort`
    #[arg(long, value_name = "FILE", env = "ORT_DYLIB_PATH", hide_env_values = true)]
    pub(crate) onnxruntime: Option<PathBuf>,
    /// A model with gradients that the attacker knows, for `transfer`
    #[arg(long, value_name = "FILE")]
    pub(crate) surrogate: Option<PathBuf>,
    /// Most queries for one row
    #[arg(long, value_name = "N")]
    pub(crate) queries: Option<u64>,
    /// Seed of every random stream
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Rows attacked together; has no influence on results
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) batch_size: usize,
    /// Processors to use [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArguments {
    #[command(flatten)]
    pub(crate) attack: AttackArguments,
    /// Write the adversarial rows of each result into this folder, .npy in the shape of the inputs
    #[arg(long, value_name = "DIR")]
    pub(crate) save_adversarial: Option<PathBuf>,
    /// Also tell empirical robustness, loss sensitivity and what the gradients look like
    #[arg(long)]
    pub(crate) metrics: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CurveArguments {
    #[command(flatten)]
    pub(crate) attack: AttackArguments,
    /// Parameter of the attack to go over, instead of epsilon
    #[arg(long, value_name = "NAME", requires = "values")]
    pub(crate) over: Option<String>,
    /// Its values
    #[arg(long, value_name = "VALUE", value_delimiter = ',', requires = "over")]
    pub(crate) values: Vec<f64>,
    /// Write the curve to this SVG file
    #[arg(long, value_name = "FILE")]
    pub(crate) figure: Option<PathBuf>,
}

/// What counts as a change of 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scale {
    /// A change of 1 in the model's units.
    Unit,
    /// A change over the feature's whole range.
    Range,
}

pub(super) fn norm(text: &str) -> Result<Norm, String> {
    let known = || Norm::ALL.map(Norm::as_str).join(", ");
    let found = Norm::ALL.into_iter().find(|norm| norm.as_str() == text);
    found.ok_or_else(|| format!("expected one of {}", known()))
}
