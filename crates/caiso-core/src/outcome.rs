//! What a check yields: measurements, findings, figures, and what it could not assess.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Figure, Severity};

/// Which way a measurement is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// More is better (accuracy).
    HigherIsBetter,
    /// Less is better (error rate).
    LowerIsBetter,
    /// Zero is best (a difference).
    ZeroIsBest,
    /// One is best (a ratio).
    OneIsBest,
    /// Neither: a description (a count, a width).
    Informative,
}

/// A two-sided interval for a measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end, in the unit of the measurement.
    pub low: f64,
    /// Upper end, in the unit of the measurement.
    pub high: f64,
    /// Coverage, for example 0.95.
    pub level: f64,
    /// How it was computed (`wilson`, `newcombe`, `bootstrap-percentile`, `clopper-pearson`).
    pub method: String,
}

/// A number, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// A finite number.
    Known(f64),
    /// No number exists; the reason, for people.
    Undefined(String),
}

impl Value {
    /// The number, if there is one.
    pub fn known(&self) -> Option<f64> {
        match self {
            Self::Known(number) => Some(*number),
            Self::Undefined(_) => None,
        }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        if number.is_finite() {
            Self::Known(number)
        } else {
            Self::Undefined(format!("the computation gave {number}"))
        }
    }
}

/// A named value with everything needed to believe it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Name in snake case: `robust_accuracy`.
    pub name: String,
    /// What this value is of: `epsilon` = `0.05`, `group` = `race=black`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub of: BTreeMap<String, String>,
    /// The value or the reason why it is undefined.
    pub value: Value,
    /// `ratio`, `difference`, `rows`, `bytes`, `nats` …
    pub unit: String,
    /// Which way is good.
    pub direction: Direction,
    /// Sample size the value rests on.
    pub n: u64,
    /// Interval, where one is defined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// p-value of the test named in `test`, where one applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// The test behind `p_value` (`fisher-exact`, `chi-squared`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
}

impl Measurement {
    /// A measurement without labels, interval or test.
    pub fn new(
        name: &str,
        value: impl Into<Value>,
        unit: &str,
        direction: Direction,
        n: u64,
    ) -> Self {
        Self {
            name: name.to_owned(),
            of: BTreeMap::new(),
            value: value.into(),
            unit: unit.to_owned(),
            direction,
            n,
            interval: None,
            p_value: None,
            test: None,
        }
    }

    /// Adds a label that says what the value is of.
    #[must_use]
    pub fn of(mut self, key: &str, value: impl Into<String>) -> Self {
        self.of.insert(key.to_owned(), value.into());
        self
    }

    /// Adds an interval; one with a non-finite end is left out.
    #[must_use]
    pub fn with_interval(mut self, low: f64, high: f64, level: f64, method: &str) -> Self {
        if low.is_finite() && high.is_finite() {
            self.interval = Some(Interval { low, high, level, method: method.to_owned() });
        }
        self
    }

    /// Adds a test result.
    #[must_use]
    pub fn with_test(mut self, test: &str, p_value: f64) -> Self {
        if p_value.is_finite() {
            self.p_value = Some(p_value);
            self.test = Some(test.to_owned());
        }
        self
    }

    /// `robust_accuracy[epsilon=0.05]`: a stable key for this value.
    pub fn key(&self) -> String {
        if self.of.is_empty() {
            return self.name.clone();
        }
        let labels: Vec<String> = self.of.iter().map(|(k, v)| format!("{k}={v}")).collect();
        format!("{}[{}]", self.name, labels.join(","))
    }
}

/// A stretch of bytes: from `start` up to but not including `end`, both from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u64,
    /// The byte after the last.
    pub end: u64,
}

/// Where a finding is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// The component of the system: `model:classifier`, `deployment:production`.
    pub component: String,
    /// Path relative to the manifest's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Column in characters, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// What inside: a slice of the data, an operator, an object (`InferenceService/mortgage`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Which bytes of the part, or of the file if there is no part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Span>,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{path}")?,
            None => write!(f, "{}", self.component)?,
        }
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        match (&self.part, &self.bytes) {
            (Some(part), Some(Span { start, end })) => {
                write!(f, " ({part}, bytes {start} to {end})")
            }
            (Some(part), None) => write!(f, " ({part})"),
            (None, Some(Span { start, end })) => write!(f, " (bytes {start} to {end})"),
            (None, None) => Ok(()),
        }
    }
}

/// The measured value behind a finding and the bound it broke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// [`Measurement::key`] of the value.
    pub measurement: String,
    /// The value.
    pub value: f64,
    /// Its interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Sample size.
    pub n: u64,
    /// The smallest value that passes, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// The largest value that passes, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
}

/// A weakness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Code of the unit that found it.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence of consequence in the reader's world.
    pub message: String,
    /// Where it is.
    pub location: Location,
    /// MITRE ATLAS technique ids.
    #[serde(default)]
    pub techniques: Vec<String>,
    /// What to do, and what would pass.
    pub remediation: String,
    /// The value and bound behind it, for findings that rest on a measurement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Threshold>,
}

impl Finding {
    /// A finding of a unit, with the unit's code, severity and techniques.
    pub fn of(
        meta: &crate::Meta,
        location: Location,
        message: impl Into<String>,
        remediation: impl Into<String>,
    ) -> Self {
        Self {
            code: meta.code.to_owned(),
            severity: meta.severity,
            message: message.into(),
            location,
            techniques: meta.techniques.iter().map(|&id| id.to_owned()).collect(),
            remediation: remediation.into(),
            threshold: None,
        }
    }

    /// What identifies the finding from run to run: code, component, path and part, but neither
    /// line numbers nor values, which move without the weakness moving.
    pub fn fingerprint(&self) -> String {
        let key = [
            self.code.as_str(),
            &self.location.component,
            self.location.path.as_deref().unwrap_or(""),
            self.location.part.as_deref().unwrap_or(""),
            self.threshold.as_ref().map_or("", |threshold| &threshold.measurement),
        ]
        .join("\u{1f}");
        crate::sha256_hex(key.as_bytes())[..16].to_owned()
    }
}

/// Something that applies but could not be assessed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotAssessed {
    /// What: a group, an epsilon, a file.
    pub what: String,
    /// Why not.
    pub reason: String,
    /// What would make it assessable.
    pub remedy: String,
}

/// What a check yields. Equal inputs give equal outcomes, byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// One plain sentence that answers the check's question.
    pub summary: String,
    /// Values, in a fixed order.
    #[serde(default)]
    pub measurements: Vec<Measurement>,
    /// Weaknesses, in a fixed order.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Figures, from aggregates; only those of adversarial examples show single rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    /// What applies but could not be assessed. Not empty: the check is incomplete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_assessed: Vec<NotAssessed>,
    /// Assumptions and blind spots a reader must know (suppressed cells, small n).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
    /// Descriptive facts that are not numbers (format, producer, operators), name to value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
}

impl Outcome {
    /// The worst severity among the findings.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// The measurement with this name and, if given, these labels.
    pub fn measurement(&self, key: &str) -> Option<&Measurement> {
        self.measurements.iter().find(|measurement| measurement.key() == key)
    }
}
