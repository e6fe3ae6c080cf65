//! Verification of a rendered report, offline, from the file and the ledger's key alone.

use caiso_core::TOOL_VERSION;
use caiso_ledger::{LedgerError, Receipt, VerifierKey};

use crate::html::{GENERATOR, RECEIPT_ID};
use crate::{LedgerHead, PREDICATE_TYPE, Report, html};

/// What was checked in a genuine report, and what was not.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Each check made and passed, as a sentence.
    pub checked: Vec<String>,
    /// Each thing that was not checked, as a sentence.
    pub not_checked: Vec<String>,
    /// The sealed report with the ledger's head.
    pub report: Report,
    /// Number of the report's record.
    pub record: u64,
}

/// A part of the file that is not as it was rendered from the sealed report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlteredPart {
    /// The part reads differently.
    Changed {
        /// Id of the part.
        part: String,
        /// Its heading.
        heading: String,
        /// What the sealed report says, around the first difference.
        sealed: String,
        /// What the file says there.
        file: String,
    },
    /// The part was taken out.
    Missing {
        /// Id of the part.
        part: String,
        /// Its heading.
        heading: String,
    },
    /// The part was put in.
    Added {
        /// Id of the part.
        part: String,
        /// Its heading.
        heading: String,
    },
    /// The parts are the same, in another order.
    Order,
}

impl std::fmt::Display for AlteredPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed { part, heading, sealed, file } => {
                write!(f, "`{part}` ({heading}) says `{file}`, sealed is `{sealed}`")
            }
            Self::Missing { part, heading } => write!(f, "`{part}` ({heading}) is missing"),
            Self::Added { part, heading } => write!(f, "`{part}` ({heading}) was added"),
            Self::Order => f.write_str("the parts are in another order"),
        }
    }
}

/// Why a file is not a genuine report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Something else.
    #[error("this is not an HTML report of caiso: {reason}")]
    NotAReport {
        /// What was expected.
        reason: &'static str,
    },
    /// The end is missing.
    #[error("the file is cut off: it has {size} bytes and no end; get it again from its source")]
    Truncated {
        /// Bytes that are there.
        size: usize,
    },
    /// Nothing to verify against.
    #[error(
        "the report carries no receipt, so nothing in it can be verified; render it from a sealed assessment with `caiso report`"
    )]
    NoReceipt,
    /// The receipt cannot be read.
    #[error("the receipt in the report is malformed")]
    MalformedReceipt(#[source] LedgerError),
    /// The receipt is of another ledger.
    #[error(
        "the receipt is not signed by the key {wanted}, but by {signers}; get the key from the organisation itself"
    )]
    UntrustedKey {
        /// Id of the key given.
        wanted: String,
        /// Ids of the keys that claim to have signed.
        signers: String,
    },
    /// A signature by the key is wrong.
    #[error("a signature that claims to be by the key is invalid: the receipt was altered")]
    InvalidSignature(#[source] LedgerError),
    /// Inclusion, commitment or form is wrong.
    #[error("the receipt does not prove its record")]
    InvalidReceipt(#[source] LedgerError),
    /// The receipt proves something else than a report.
    #[error("the receipt seals `{found}`, not a report (`{PREDICATE_TYPE}`)")]
    SealsSomethingElse {
        /// Predicate type of the sealed statement, or that it is kept back.
        found: String,
    },
    /// The sealed report has a form that this version does not know.
    #[error(
        "the sealed report has a format that caiso {TOOL_VERSION} cannot read; use caiso {made_by}"
    )]
    UnknownFormat {
        /// Version that made the report.
        made_by: String,
        /// What could not be read.
        source: Option<serde_json::Error>,
    },
    /// The receipt holds, the file differs from what this version renders, and another version
    /// made the file.
    #[error(
        "the receipt is valid, but the file was rendered by caiso {made_by} and this is {TOOL_VERSION}: verify it with that version, or render the sealed report again with `caiso report`"
    )]
    OtherVersion {
        /// Version that rendered the file.
        made_by: String,
        /// Parts that differ.
        parts: Vec<AlteredPart>,
    },
    /// The receipt holds and the file does not say what was sealed.
    #[error("the report was altered after it was sealed: {}", list(parts))]
    Altered {
        /// Parts that differ.
        parts: Vec<AlteredPart>,
    },
}

impl VerifyError {
    /// A stable word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotAReport { .. } => "not-a-report",
            Self::Truncated { .. } => "truncated",
            Self::NoReceipt => "no-receipt",
            Self::MalformedReceipt(_) => "malformed-receipt",
            Self::UntrustedKey { .. } => "untrusted-key",
            Self::InvalidSignature(_) => "invalid-signature",
            Self::InvalidReceipt(_) => "invalid-receipt",
            Self::SealsSomethingElse { .. } => "seals-something-else",
            Self::UnknownFormat { .. } => "unknown-format",
            Self::OtherVersion { .. } => "other-version",
            Self::Altered { .. } => "altered",
        }
    }
}

fn list(parts: &[AlteredPart]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Verifies an HTML report: the receipt in it with the ledger's key, and that every part of the
/// file is what the sealed report renders to.
pub fn verify_html(bytes: &[u8], key: &VerifierKey) -> Result<Verification, VerifyError> {
    let file = str::from_utf8(bytes)
        .map_err(|_| VerifyError::NotAReport { reason: "it is not UTF-8 text" })?;
    let made_by = generator(file)
        .ok_or(VerifyError::NotAReport { reason: "it does not name caiso as its generator" })?;
    if !file.contains("</html>") {
        return Err(VerifyError::Truncated { size: bytes.len() });
    }
    let text = receipt_text(file).ok_or(VerifyError::NoReceipt)?;
    let receipt = Receipt::parse(text.as_bytes()).map_err(VerifyError::MalformedReceipt)?;
    let proved = receipt.verify(key).map_err(|error| match error {
        LedgerError::NoSignature { .. } | LedgerError::OtherLog { .. } => {
            let signers: Vec<String> = receipt.checkpoint.unverified_signers().collect();
            VerifyError::UntrustedKey { wanted: key.key_id(), signers: signers.join(", ") }
        }
        LedgerError::InvalidSignature { .. } => VerifyError::InvalidSignature(error),
        other => VerifyError::InvalidReceipt(other),
    })?;
    let statement = proved.statement.ok_or_else(|| VerifyError::SealsSomethingElse {
        found: "a record whose body is kept back".to_owned(),
    })?;
    if statement.predicate_type != PREDICATE_TYPE {
        return Err(VerifyError::SealsSomethingElse { found: statement.predicate_type });
    }
    let report = sealed_report(statement.predicate, &receipt, key)?;

    let rendered = html::render(&report, Some(&text));
    if rendered != file {
        let parts = compare(&rendered, file);
        return Err(if made_by == TOOL_VERSION {
            VerifyError::Altered { parts }
        } else {
            VerifyError::OtherVersion { made_by: made_by.to_owned(), parts }
        });
    }
    let mut checked = proved.checked;
    checked.push(format!(
        "every one of the {} parts of the file says what was sealed",
        split(&rendered).len()
    ));
    let mut not_checked = proved.not_checked;
    not_checked.push(
        "that the results are right: run the assessment again and compare the digests".to_owned(),
    );
    not_checked.push(
        "that no later assessment says otherwise: ask for the ledger's current checkpoint"
            .to_owned(),
    );
    Ok(Verification { checked, not_checked, report, record: proved.index })
}

fn sealed_report(
    predicate: serde_json::Value,
    receipt: &Receipt,
    key: &VerifierKey,
) -> Result<Report, VerifyError> {
    let made_by = predicate
        .pointer("/reproduce/tool_version")
        .and_then(serde_json::Value::as_str)
        .unwrap_or("of another version")
        .to_owned();
    if predicate.get("format").and_then(serde_json::Value::as_u64) != Some(1) {
        return Err(VerifyError::UnknownFormat { made_by, source: None });
    }
    let mut report: Report = serde_json::from_value(predicate)
        .map_err(|source| VerifyError::UnknownFormat { made_by, source: Some(source) })?;
    let head = LedgerHead::of_receipt(receipt, key).map_err(VerifyError::InvalidReceipt)?;
    report.ledger = Some(head);
    Ok(report)
}

/// Version of the generator named in the head.
fn generator(file: &str) -> Option<&str> {
    let (_, rest) = file.split_once(&format!(r#"<meta name="generator" content="{GENERATOR}"#))?;
    rest.split_once('"').map(|(version, _)| version)
}

/// Text of the element that holds the receipt.
fn receipt_text(file: &str) -> Option<String> {
    let (_, rest) = file.split_once(&format!(r#"id="{RECEIPT_ID}">"#))?;
    let (escaped, _) = rest.split_once("</template>")?;
    let text = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    Some(text.replace("&amp;", "&"))
}

/// A stretch of the file from the start of one part to the start of the next.
struct Stretch<'a> {
    part: &'a str,
    text: &'a str,
}

/// Cuts the file where elements with a `data-part` begin. The stretches together are the file;
/// what comes before the first part is called `head`.
fn split(file: &str) -> Vec<Stretch<'_>> {
    const ATTRIBUTE: &str = " data-part=\"";
    let mut starts = vec![(0, "head")];
    for (at, _) in file.match_indices(ATTRIBUTE) {
        let name = file.get(at + ATTRIBUTE.len()..).and_then(|rest| rest.split('"').next());
        let start = file.get(..at).and_then(|before| before.rfind('<'));
        if let (Some(name), Some(start)) = (name, start) {
            starts.push((start, name));
        }
    }
    let ends = starts.iter().skip(1).map(|start| start.0).chain([file.len()]).collect::<Vec<_>>();
    starts
        .iter()
        .zip(ends)
        .map(|(&(start, part), end)| Stretch { part, text: file.get(start..end).unwrap_or("") })
        .collect()
}

/// Text of the first heading of a stretch.
fn heading(text: &str) -> String {
    for level in ["<h1", "<h2", "<h3", "<title", "<dt"] {
        if let Some((_, rest)) = text.split_once(level) {
            let inner = rest.split_once('>').map_or("", |(_, inner)| inner);
            let end = format!("</{}", level.trim_start_matches('<'));
            let inner = inner.split_once(&end).map_or("", |(inner, _)| inner);
            let text = without_tags(inner);
            if !text.is_empty() {
                return crate::words::clip(&text, 60);
            }
        }
    }
    "no heading".to_owned()
}

fn without_tags(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn compare(sealed: &str, file: &str) -> Vec<AlteredPart> {
    let (sealed, file) = (split(sealed), split(file));
    let mut altered = Vec::new();
    for expected in &sealed {
        let part = expected.part.to_owned();
        match file.iter().find(|stretch| stretch.part == expected.part) {
            None => altered.push(AlteredPart::Missing { part, heading: heading(expected.text) }),
            Some(found) if found.text != expected.text => {
                let (sealed, file) = difference(expected.text, found.text);
                let heading = heading(expected.text);
                altered.push(AlteredPart::Changed { part, heading, sealed, file });
            }
            Some(_) => {}
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    for stretch in &file {
        let is_known = sealed.iter().any(|expected| expected.part == stretch.part);
        if !is_known || !seen.insert(stretch.part) {
            let (part, heading) = (stretch.part.to_owned(), heading(stretch.text));
            altered.push(AlteredPart::Added { part, heading });
        }
    }
    if altered.is_empty() {
        altered.push(AlteredPart::Order);
    }
    altered
}

/// The two texts around their first difference, out to the next blank or tag.
fn difference(a: &str, b: &str) -> (String, String) {
    let prefix: usize =
        a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x.len_utf8()).sum();
    let (rest_a, rest_b) = (a.get(prefix..).unwrap_or(""), b.get(prefix..).unwrap_or(""));
    let suffix: usize = rest_a
        .chars()
        .rev()
        .zip(rest_b.chars().rev())
        .take_while(|(x, y)| x == y)
        .map(|(x, _)| x.len_utf8())
        .sum();
    let edge = |c: char| c.is_whitespace() || c == '<' || c == '>';
    let start = a.get(..prefix).and_then(|before| before.rfind(edge)).map_or(0, |at| at + 1);
    let excerpt = |text: &str| {
        let end = text.len() - suffix;
        let tail = text.get(end..).and_then(|rest| rest.find(edge)).unwrap_or(0);
        let cut = text.get(start..end + tail).unwrap_or("");
        crate::words::clip(cut.trim(), 80)
    };
    (excerpt(a), excerpt(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<a><s data-part=\"one\"><h2>One</h2><b>0.71 é</b></s><s data-part=\"two\"><h2><i>2</i> Two</h2></s></a>";

    #[test]
    fn a_file_is_the_sum_of_its_stretches() {
        let stretches = split(PAGE);
        assert_eq!(stretches.iter().map(|s| s.part).collect::<Vec<_>>(), ["head", "one", "two"]);
        assert_eq!(stretches.iter().map(|s| s.text).collect::<String>(), PAGE);
    }

    #[test]
    fn differences_name_part_and_place() {
        let changed = compare(PAGE, &PAGE.replace("0.71", "0.91"));
        assert_eq!(
            changed,
            [AlteredPart::Changed {
                part: "one".into(),
                heading: "One".into(),
                sealed: "0.71".into(),
                file: "0.91".into()
            }]
        );
        let missing =
            compare(PAGE, &PAGE.replace("<s data-part=\"two\"><h2><i>2</i> Two</h2></s>", ""));
        assert!(
            missing.contains(&AlteredPart::Missing { part: "two".into(), heading: "2 Two".into() })
        );
        let added = compare(PAGE, &PAGE.replace("</a>", "<s data-part=\"three\"></s></a>"));
        assert!(
            added
                .iter()
                .any(|part| matches!(part, AlteredPart::Added { part, .. } if part == "three"))
        );
        let twice = compare(PAGE, &format!("{PAGE}<s data-part=\"one\">"));
        assert!(
            twice
                .iter()
                .any(|part| matches!(part, AlteredPart::Added { part, .. } if part == "one"))
        );
    }

    #[test]
    fn a_difference_is_cut_at_characters() {
        assert_eq!(difference("x é", "x è"), ("é".to_owned(), "è".to_owned()));
        assert_eq!(difference("a", "a b"), ("a".to_owned(), "a b".to_owned()));
        assert_eq!(difference("", "b"), (String::new(), "b".to_owned()));
    }
}
