//! What every addable unit says about itself, and the one macro that registers units.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad a finding is. Ordered: `Info < Low < Medium < High < Critical`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing, never a reason to stop.
    Info,
    /// A weakness of little consequence alone.
    Low,
    /// A weakness that helps an attacker or harms some people.
    Medium,
    /// A weakness that should stop a release.
    High,
    /// Directly exploitable or unlawful.
    Critical,
}

impl Severity {
    /// All severities, worst first.
    pub const WORST_FIRST: [Self; 5] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The lower-case word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The six sections of an assessment, in report order.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    /// Model files and tracking (`MF`, `TR`).
    Models,
    /// Robustness and privacy (`RB`, `PV`).
    Robustness,
    /// Fairness and explanation (`FA`, `EX`).
    Fairness,
    /// Obligations (`CM`).
    Compliance,
    /// Infrastructure and monitoring (`IN`, `MO`).
    Infrastructure,
    /// Threats, evaluation, logs (`TH`, `EV`, `LG`).
    Threats,
}

impl Section {
    /// All sections in report order.
    pub const ALL: [Self; 6] = [
        Self::Models,
        Self::Robustness,
        Self::Fairness,
        Self::Compliance,
        Self::Infrastructure,
        Self::Threats,
    ];

    /// The section a check code belongs to, by its first two letters.
    pub fn of_code(code: &str) -> Option<Self> {
        Some(match code.get(..3)? {
            "MF-" | "TR-" => Self::Models,
            "RB-" | "PV-" => Self::Robustness,
            "FA-" | "EX-" => Self::Fairness,
            "CM-" => Self::Compliance,
            "IN-" | "MO-" => Self::Infrastructure,
            "TH-" | "EV-" | "LG-" => Self::Threats,
            _ => return None,
        })
    }

    /// The lower-case word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Robustness => "robustness",
            Self::Fairness => "fairness",
            Self::Compliance => "compliance",
            Self::Infrastructure => "infrastructure",
            Self::Threats => "threats",
        }
    }

    /// A heading for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Models => "Models and files",
            Self::Robustness => "Robustness",
            Self::Fairness => "Fairness",
            Self::Compliance => "Obligations",
            Self::Infrastructure => "Infrastructure",
            Self::Threats => "Threats and evaluation",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a unit (check, detector, rule, attack) says about itself. It drives the command line,
/// the reference documentation, `caiso explain` and the report.
#[derive(Debug)]
pub struct Meta {
    /// Stable code, never reused: section letters, topic, number (`RB-PGD-001`).
    pub code: &'static str,
    /// Kebab-case name that names the weakness or procedure (`projected-gradient-descent`).
    pub name: &'static str,
    /// One line for people, without a full stop.
    pub title: &'static str,
    /// Severity of the finding this unit raises.
    pub severity: Severity,
    /// MITRE ATLAS technique ids that a finding of this unit proves or enables.
    pub techniques: &'static [&'static str],
    /// Kinds of the evidence map (`catalogs/frameworks/evidence-map.yaml`) that a run supports.
    pub evidence: &'static [&'static str],
    /// Version of caiso that introduced the unit.
    pub since: &'static str,
    /// The unit's doc comment: what it does, why it matters, references.
    pub docs: &'static str,
}

impl Meta {
    /// The section of the code.
    ///
    /// # Panics
    /// If the code has unknown section letters; a test in every crate with units excludes that.
    pub fn section(&self) -> Section {
        Section::of_code(self.code).expect("unit codes start with section letters")
    }
}

/// Declares one unit and makes its doc comment available as `DOCS` inside the initialiser, so
/// that the text is written once and read by rustdoc, `caiso explain` and the report.
///
/// ```
/// use caiso_core::{Meta, Severity, unit};
/// unit! {
///     /// ## What it does
///     /// Finds nothing.
///     pub static NOTHING: Meta = Meta {
///         code: "MF-NONE-001", name: "nothing", title: "nothing", severity: Severity::Info,
///         techniques: &[], evidence: &[], since: "0.1.0", docs: DOCS,
///     };
/// }
/// assert!(NOTHING.docs.contains("## What it does"));
/// ```
#[macro_export]
macro_rules! unit {
    ($(#[doc = $doc:literal])* $vis:vis static $name:ident : $type:ty = $value:expr;) => {
        $(#[doc = $doc])*
        $vis static $name: $type = {
            const DOCS: &str = concat!($($doc, "\n"),*);
            $value
        };
    };
}

/// Registers the units of a folder: one word a unit, in order. Each named module holds one
/// `UNIT`.
///
/// ```ignore
/// units![Check<RobustnessInput>: fgsm, pgd];
/// ```
#[macro_export]
macro_rules! units {
    ($type:ty : $($module:ident),+ $(,)?) => {
        $(pub(crate) mod $module;)+
        /// Every unit of this folder, in order.
        pub static ALL: &[&$type] = &[$(&$module::UNIT),+];
    };
}
