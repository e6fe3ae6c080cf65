//! Words and numbers as every output spells them.

use caiso_core::{Measurement, Threshold, Value};
use caiso_figure::{number, pair};

use crate::{CheckStatus, FindingState, Report, Verdict};

impl Verdict {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Incomplete => "incomplete",
        }
    }
}

impl CheckStatus {
    /// All statuses in report order.
    pub const ALL: [Self; 5] =
        [Self::Passed, Self::Failed, Self::Incomplete, Self::Skipped, Self::NotApplicable];

    /// The word used in machine-readable outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
            Self::Skipped => "skipped",
            Self::NotApplicable => "not-applicable",
        }
    }

    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Incomplete => "not assessed",
            Self::NotApplicable => "not applicable",
            other => other.as_str(),
        }
    }
}

impl FindingState {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Known => "known",
            Self::Worse => "worse",
            Self::Accepted => "accepted",
        }
    }
}

/// `3 checks`, `1 check`.
pub(crate) fn count(n: usize, singular: &str, plural: &str) -> String {
    format!("{} {}", number(n as f64), if n == 1 { singular } else { plural })
}

/// Name of a framework for people.
pub(crate) fn framework(id: &str) -> &str {
    match id {
        "eu-ai-act" => "EU AI Act",
        "iso-42001" => "ISO/IEC 42001",
        "nist-ai-rmf" => "NIST AI RMF",
        "nist-ai-600-1" => "NIST AI 600-1",
        "oecd-ai" => "OECD AI Principles",
        other => other,
    }
}

/// Whether a requirement is law; the other frameworks are voluntary.
pub(crate) fn is_law(key: &str) -> bool {
    key.starts_with("eu-")
}

/// `3 gaps, 4 stale and 121 missing among 220 requirements`.
pub(crate) fn posture(report: &Report) -> String {
    let number = |state: &str| requirements_in(report, state);
    let total: u64 = report.posture.values().flat_map(std::collections::BTreeMap::values).sum();
    format!(
        "{}, {} stale and {} missing among {}",
        count(number("gap"), "gap", "gaps"),
        number("stale"),
        number("missing"),
        count(usize::try_from(total).unwrap_or(usize::MAX), "requirement", "requirements")
    )
}

/// Number of requirements in a state, over all frameworks.
pub(crate) fn requirements_in(report: &Report, state: &str) -> usize {
    let total: u64 = report.posture.values().filter_map(|states| states.get(state)).sum();
    usize::try_from(total).unwrap_or(usize::MAX)
}

/// `2026-11-25` as `25 November 2026`; anything else as it is.
pub(crate) fn date(text: &str) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let mut parts = text.splitn(3, '-');
    let parsed = (|| {
        let year: u16 = parts.next()?.parse().ok()?;
        let month: usize = parts.next()?.parse().ok()?;
        let day: u8 = parts.next()?.parse().ok()?;
        Some(format!("{day} {} {year}", MONTHS.get(month.checked_sub(1)?)?))
    })();
    parsed.unwrap_or_else(|| text.to_owned())
}

/// The day and minute of an RFC 3339 time.
pub(crate) fn time(text: &str) -> String {
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) => format!("{}, {minute} UTC", date(day)),
        _ => text.to_owned(),
    }
}

/// The first twelve digits of a digest.
pub(crate) fn short_digest(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// At most `limit` characters, cut between words and marked.
pub(crate) fn clip(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let cut: String = text.chars().take(limit.saturating_sub(1)).collect();
    let end = cut.rfind(' ').filter(|&at| at > cut.len() / 2).unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end_matches([' ', ',', ';', '.']))
}

/// A duration for people.
pub(crate) fn duration(milliseconds: u64) -> String {
    if milliseconds < 1000 {
        format!("{milliseconds} ms")
    } else {
        format!("{:.1} s", milliseconds as f64 / 1000.0)
    }
}

/// `0.310 [0.280, 0.350]`, or why there is no value.
pub(crate) fn value(measurement: &Measurement) -> String {
    match &measurement.value {
        Value::Undefined(reason) => format!("undefined: {reason}"),
        Value::Known(known) => match &measurement.interval {
            Some(ends) => {
                format!("{} [{}, {}]", number(*known), number(ends.low), number(ends.high))
            }
            None => number(*known),
        },
    }
}

/// A measured value against its bound, in words.
pub(crate) struct Comparison {
    /// `0.310 [0.280, 0.350]`
    pub(crate) value: String,
    /// `at least 0.600`
    pub(crate) needs: Option<String>,
    /// `0.290 below`
    pub(crate) distance: Option<String>,
}

pub(crate) fn compare(threshold: &Threshold) -> Comparison {
    let below = threshold.minimum.filter(|minimum| threshold.value < *minimum);
    let above = threshold.maximum.filter(|maximum| threshold.value > *maximum);
    let broken = below.or(above);
    let mut value =
        broken.map_or_else(|| number(threshold.value), |bound| pair(threshold.value, bound).0);
    if let Some(ends) = &threshold.interval {
        value += &format!(" [{}, {}]", number(ends.low), number(ends.high));
    }
    let bound = |bound: f64| pair(threshold.value, bound).1;
    let needs = match (threshold.minimum, threshold.maximum) {
        (Some(minimum), Some(maximum)) => Some(format!("{} to {}", bound(minimum), bound(maximum))),
        (Some(minimum), None) => Some(format!("at least {}", bound(minimum))),
        (None, Some(maximum)) => Some(format!("at most {}", bound(maximum))),
        (None, None) => None,
    };
    let distance = broken.map(|bound| {
        let word = if below.is_some() { "below" } else { "above" };
        format!("{} {word}", number((threshold.value - bound).abs()))
    });
    Comparison { value, needs, distance }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times() {
        assert_eq!(date("2026-11-05"), "5 November 2026");
        assert_eq!(date("soon"), "soon");
        assert_eq!(date("2026-13-05"), "2026-13-05");
        assert_eq!(time("2026-11-25T07:41:28.500Z"), "25 November 2026, 07:41 UTC");
        assert_eq!(time("é"), "é");
    }

    #[test]
    fn clips_between_words() {
        assert_eq!(clip("one two three", 13), "one two three");
        assert_eq!(clip("one two three", 10), "one two…");
        assert_eq!(clip("ééééééééé", 4), "ééé…");
    }

    #[test]
    fn a_bound_is_compared_in_words() {
        let threshold = |value, minimum, maximum| Threshold {
            measurement: "m".into(),
            value,
            interval: None,
            n: 9,
            minimum,
            maximum,
        };
        let words = compare(&threshold(0.31, Some(0.6), None));
        assert_eq!(words.value, "0.310");
        assert_eq!(words.needs.as_deref(), Some("at least 0.600"));
        assert_eq!(words.distance.as_deref(), Some("0.290 below"));
        let words = compare(&threshold(0.599_96, Some(0.6), Some(1.25)));
        assert_eq!(words.value, "0.59996");
        assert_eq!(words.needs.as_deref(), Some("0.60000 to 1.250"));
        let words = compare(&threshold(3.0, None, Some(2.0)));
        assert_eq!(words.distance.as_deref(), Some("1 above"));
    }
}
