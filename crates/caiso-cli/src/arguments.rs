//! Arguments of the command line.

mod redteam;
mod robustness;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use redteam::*;
pub(crate) use robustness::*;

/// The workbench of the AI security officer.
///
/// Tests, explains, tracks, scans, monitors and documents AI systems, and seals every result as
/// evidence that an outsider can verify. Works offline, sends nothing anywhere.
#[derive(Debug, Parser)]
#[command(
    name = "caiso",
    version,
    after_help = "Exit status: 0 pass · 1 the gate failed · 2 usage, unreadable input or internal \
error · 3 incomplete\n\nExample:\n  caiso assess examples/mortgage -o html=report.html\n\ncaiso \
sends no telemetry and opens no connection that you did not name."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Arguments of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Folder with the ledger and its keys [default: .caiso beside caiso.yaml]
    #[arg(long, global = true, value_name = "DIR", env = "CAISO_HOME", hide_env_values = true)]
    pub(crate) home: Option<PathBuf>,
    /// Format of standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Nothing on standard error but errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Also passes, and more detail
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// Format of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For documents; not every command has it.
    Markdown,
    /// SARIF 2.1.0; assess, report and scan only.
    Sarif,
    /// One HTML file; assess and report only.
    Html,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a commented caiso.yaml for the models, data and manifests found in a folder
    Init(InitArguments),
    /// Run every check that applies to a system, seal the results, judge them by the gate
    Assess(AssessArguments),
    /// Tell what model files are and whether loading them is safe; nothing of them is executed
    Scan(ScanArguments),
    /// Write a bill of materials of models with the data and software beside them (CycloneDX 1.6)
    Bom(BomArguments),
    /// Sign a model: a file or a folder with all its files (OpenSSF Model Signing 1.0)
    Sign(SignArguments),
    /// Render the last sealed assessment again, without running anything
    Report(ReportArguments),
    /// What a check, a finding, a piece of evidence, a requirement or a technique means
    Explain(ExplainArguments),
    /// Verify a report, a receipt or a signed model offline, listing what was checked and what was not
    Verify(VerifyArguments),
    /// List checks, show one, or run one with its own flags
    Checks(ChecksArguments),
    /// Attack a model: list of attacks, robust accuracy, curves
    Robustness(Box<RobustnessArguments>),
    /// Campaigns: many attacks on a model of a system, within budgets
    Redteam(RedteamArguments),
    /// Obligations: states of requirements and EU AI Act classification
    Comply(ComplyArguments),
    /// Record that a named person attests a requirement
    Attest(AttestArguments),
    /// Threats: coverage of MITRE ATLAS techniques
    Threat(ThreatArguments),
    /// The tamper-evident log
    Ledger(LedgerArguments),
    /// Print the JSON schema of caiso.yaml
    Schema,
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write man pages into a folder
    Man {
        /// Where to
        folder: PathBuf,
    },
    /// Print the reference of the command line in Markdown
    #[command(hide = true)]
    HelpMarkdown,
}

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Folder to look through
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Overwrite an existing caiso.yaml
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  caiso assess examples/mortgage\n  caiso assess -o \
html=report.html -o sarif=report.sarif --only 'FA-*'\n  caiso assess --baseline last-release.json")]
pub(crate) struct AssessArguments {
    /// caiso.yaml or its folder [default: the nearest caiso.yaml here or above]
    pub(crate) system: Option<PathBuf>,
    /// Seed of every random stream
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Judge obligations at this date [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) as_of: Option<String>,
    /// Only checks whose code matches (repeatable; * stands for anything)
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Not the checks whose code matches (repeatable; * stands for anything)
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
    /// Run everything again, also where nothing changed
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Longest time for one check, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600.0)]
    pub(crate) budget: f64,
    /// Processors to use [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Only findings that are new or worse than in this JSON report fail the gate
    #[arg(long, value_name = "REPORT.json")]
    pub(crate) baseline: Option<PathBuf>,
    /// Write a report file (repeatable): html=, markdown=, json= or sarif=
    #[arg(short, long = "output", value_name = "FORMAT=FILE")]
    pub(crate) output: Vec<String>,
    /// Exit 0 whatever the gate says (for adoption); errors still exit 2
    #[arg(long)]
    pub(crate) exit_zero: bool,
    /// Who runs this [default: the user name of the environment]
    #[arg(long, value_name = "NAME", env = "CAISO_ACTOR", hide_env_values = true)]
    pub(crate) actor: Option<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 clean · 1 findings at or over --fail-on · 2 error · 3 not everything \
could be inspected\n\nExamples:\n  caiso scan model.pt\n  caiso scan models/ --fail-on medium --format sarif > \
scan.sarif\n  curl -s https://example.org/model.pkl | caiso scan - --format json"
)]
pub(crate) struct ScanArguments {
    /// Files, folders, archives; - for the standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The least severity that makes the exit status 1
    #[arg(long, value_enum, default_value_t = FailOn::High, value_name = "SEVERITY")]
    pub(crate) fail_on: FailOn,
    /// Files scanned at the same time [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Compute SHA-256 digests for text output too; JSON and SARIF always have them
    #[arg(long)]
    pub(crate) digests: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The same files give the same bytes: paths are relative, and nothing in it tells the time unless you \
ask for it.\nExit status: 0 written · 2 error, or nothing is a model · 3 written, but not everything could be read\n\n\
Examples:\n  caiso bom model/ -o model.cdx.json\n  caiso bom . --name credit-scoring --model-version 2.1.0 > bom.json"
)]
pub(crate) struct BomArguments {
    /// Files and folders: the models, and what lies beside them (data, requirements, model cards)
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Name of what the bill is about [default: the name of the first PATH]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Version of the models
    #[arg(long, value_name = "VERSION")]
    pub(crate) model_version: Option<String>,
    /// Say when it was written; then no two are the same
    #[arg(long)]
    pub(crate) timestamp: bool,
    /// Files scanned at the same time [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
}

/// A severity, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  caiso report -o html=report.html -o json=report.json")]
pub(crate) struct ReportArguments {
    /// caiso.yaml or its folder [default: the nearest caiso.yaml here or above]
    pub(crate) system: Option<PathBuf>,
    /// Write a report file (repeatable): html=, markdown=, json= or sarif=
    #[arg(short, long = "output", value_name = "FORMAT=FILE")]
    pub(crate) output: Vec<String>,
    /// Write the figures of all checks into this folder, as SVG files
    #[arg(long, value_name = "DIR")]
    pub(crate) figures: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  caiso explain FA-GROUP-001\n  caiso explain '#12'\n  caiso \
explain eu-ai-act:art-15-5\n  caiso explain AML.T0043.000")]
pub(crate) struct ExplainArguments {
    /// Check code, `#` and the number of a piece of evidence, requirement key, technique id or
    /// framework
    pub(crate) what: String,
    /// Where to look for a ledger: caiso.yaml or its folder
    #[arg(long, value_name = "PATH")]
    pub(crate) system: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  caiso verify report.html --key .caiso/keys/ledger.vkey\n  caiso verify model/ \
--signature model.sig --key public.pem\n  caiso verify model/ --signature model.sig --certificates root.pem"
)]
pub(crate) struct VerifyArguments {
    /// An HTML report, a .tlog-proof receipt, or with --signature a model: a file or a folder
    pub(crate) file: PathBuf,
    /// Verifier key of the ledger, or a file that holds it [default: the one in the home folder]; with
    /// --signature the signer's public key, a PEM file
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Signature of the model, an OpenSSF Model Signing bundle
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<PathBuf>,
    /// Trusted certificates, PEM, instead of a key
    #[arg(long, value_name = "FILE", requires = "signature", conflicts_with = "key")]
    pub(crate) certificates: Option<PathBuf>,
    /// When the certificates must have been valid [default: now]
    #[arg(long, value_name = "TIME", requires = "certificates")]
    pub(crate) at: Option<jiff::Timestamp>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A key:\n  openssl ecparam -name prime256v1 -genkey -noout -out key.pem\n  openssl ec -in key.pem \
-pubout -out public.pem\n\nExample:\n  caiso sign model/ --key key.pem --signature model.sig\n  caiso verify model/ \
--signature model.sig --key public.pem"
)]
pub(crate) struct SignArguments {
    /// The model: a file, or a folder with all its files
    pub(crate) model: PathBuf,
    /// Private key on P-256 or P-384, a PEM file
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Environment variable with the password of the key
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) password_from: Option<String>,
    /// Certificates, PEM: first the signer's, then those up to the authority
    #[arg(long, value_name = "FILE")]
    pub(crate) certificates: Option<PathBuf>,
    /// The signature to write
    #[arg(long, value_name = "FILE", default_value = "model.sig")]
    pub(crate) signature: PathBuf,
    /// Leave this path of the folder out, besides what Git keeps there (repeatable)
    #[arg(long, value_name = "PATH")]
    pub(crate) ignore: Vec<String>,
    /// Follow symbolic links to files instead of refusing them
    #[arg(long)]
    pub(crate) allow_symlinks: bool,
}

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  caiso checks\n  caiso checks RB-PGD-001\n  caiso checks run RB-PGD-001 \
--steps 100 --system examples/mortgage"
)]
pub(crate) struct ChecksArguments {
    /// Show one check (or those that match, * stands for anything)
    pub(crate) code: Option<String>,
    /// Run one check with its own flags
    #[command(subcommand)]
    pub(crate) command: Option<ChecksCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ChecksCommand {
    /// Run one check with its own flags; nothing is sealed
    Run,
}

#[derive(Debug, Args)]
pub(crate) struct ComplyArguments {
    #[command(subcommand)]
    pub(crate) command: ComplyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ComplyCommand {
    /// State of every requirement at a date, from the sealed evidence
    #[command(after_help = "Example:\n  caiso comply status --framework eu-ai-act --state gap \
--as-of 2027-12-02")]
    Status {
        /// caiso.yaml or its folder [default: the nearest caiso.yaml here or above]
        system: Option<PathBuf>,
        /// Date [default: today]
        #[arg(long, value_name = "YYYY-MM-DD")]
        as_of: Option<String>,
        /// Only this framework
        #[arg(long)]
        framework: Option<String>,
        /// Only requirements in this state
        #[arg(long)]
        state: Option<String>,
    },
    /// Class under the EU AI Act, with the cited path
    #[command(
        after_help = "Example:\n  caiso comply classify --answers answers.yaml --format json"
    )]
    Classify {
        /// caiso.yaml or its folder [default: the nearest caiso.yaml here or above]
        system: Option<PathBuf>,
        /// Answers from this YAML file instead of the manifest's `system.eu_ai_act`
        #[arg(long, value_name = "FILE")]
        answers: Option<PathBuf>,
        /// List every question and its possible answers
        #[arg(long)]
        questions: bool,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  caiso attest eu-ai-act:art-14-4-a --person 'M. Jansen' --role \
'Head of Retail Lending' \\\n    --statement 'Loan officers can overrule every decision.' \
--evidence 3,4"
)]
pub(crate) struct AttestArguments {
    /// Requirement key
    pub(crate) requirement: String,
    /// caiso.yaml or its folder [default: the nearest caiso.yaml here or above]
    #[arg(long, value_name = "PATH")]
    pub(crate) system: Option<PathBuf>,
    /// Who attests
    #[arg(long)]
    pub(crate) person: String,
    /// In which role
    #[arg(long)]
    pub(crate) role: String,
    /// What is stated, in the person's words
    #[arg(long)]
    pub(crate) statement: String,
    /// Numbers of the evidence the person looked at
    #[arg(long, value_delimiter = ',', value_name = "SEQ")]
    pub(crate) evidence: Vec<u64>,
    /// Last day it holds [default: one year from today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) expires: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ThreatArguments {
    #[command(subcommand)]
    pub(crate) command: ThreatCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ThreatCommand {
    /// Which techniques were tested, found, or never looked at, from the last assessment
    Coverage {
        /// caiso.yaml or its folder [default: the nearest caiso.yaml here or above]
        system: Option<PathBuf>,
        /// Write an ATLAS Navigator layer to this file
        #[arg(long, value_name = "FILE")]
        layer: Option<PathBuf>,
    },
    /// Show a technique, tactic or mitigation
    Show {
        /// Id: `AML.T0043`
        id: String,
        /// The official ATLAS.yaml, for its full text
        #[arg(long, value_name = "FILE")]
        official: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LedgerArguments {
    /// caiso.yaml or its folder, to find the home folder
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) system: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: LedgerCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// List records
    Log {
        /// Only the last N
        #[arg(short = 'n', long, value_name = "N")]
        last: Option<u64>,
    },
    /// Show a record with its statement
    Show {
        /// Number of the record, from 0
        seq: u64,
    },
    /// Write a receipt: an offline proof that a record is in the log
    Prove {
        /// Number of the record, from 0
        seq: u64,
        /// File to write [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Keep the statement back; prove the record alone
        #[arg(long)]
        without_body: bool,
    },
    /// Recompute everything from the log's tables
    Verify {
        /// Also prove that the log extends this checkpoint
        #[arg(long, value_name = "CHECKPOINT")]
        against: Option<PathBuf>,
    },
    /// Verify a receipt offline
    VerifyReceipt {
        /// The receipt
        file: PathBuf,
        /// Verifier key of the ledger, or a file that holds it
        #[arg(long, value_name = "KEY")]
        key: String,
    },
    /// Write tiles, checkpoint and bodies in the C2SP layout
    Export {
        /// Folder to write
        folder: PathBuf,
    },
    /// Erase the body of a record; the log stays verifiable
    Redact {
        /// Number of the record, from 0
        seq: u64,
        /// Why, and on which legal basis
        #[arg(long)]
        reason: String,
    },
}
