//! `verify_html` tells a genuine report from every other file, and says what is wrong.

use caiso_ledger::{Signer, VerifierKey};
use caiso_report::{AlteredPart, LedgerHead, Report, VerifyError, html, verify_html};
use proptest::prelude::*;

use crate::{fixture, generator, ledger};

fn key() -> VerifierKey {
    ledger::signer().verifier().clone()
}

fn page() -> String {
    let (sealed, receipt) = ledger::seal(&fixture::mortgage());
    html::render(&sealed, Some(&receipt))
}

fn error(page: &str) -> VerifyError {
    verify_html(page.as_bytes(), &key()).unwrap_err()
}

#[test]
fn a_genuine_report_verifies_and_says_what_was_not_checked() {
    let verified = verify_html(page().as_bytes(), &key()).unwrap();
    let (sealed, _) = ledger::seal(&fixture::mortgage());
    assert_eq!(verified.report.digest().unwrap(), sealed.digest().unwrap());
    assert_eq!(verified.report.ledger, sealed.ledger);
    assert_eq!(verified.record, 57);
    insta::assert_snapshot!(format!(
        "checked\n{}\n\nnot checked\n{}",
        verified.checked.join("\n"),
        verified.not_checked.join("\n")
    ));
}

#[test]
fn an_edited_figure_is_named() {
    let page = page();
    // The value in the card of the first finding.
    let edited = page.replacen("<b>0.712 [0.634, 0.785]</b>", "<b>0.912 [0.834, 0.985]</b>", 1);
    assert_ne!(edited, page);
    let VerifyError::Altered { parts } = error(&edited) else { panic!("altered") };
    insta::assert_debug_snapshot!(parts);
    assert!(error(&edited).to_string().contains("finding-1"));
}

#[test]
fn every_kind_of_edit_is_found() {
    let page = page();
    let cases: [(&str, String); 8] = [
        ("verdict", page.replace("verdict verdict-fail", "verdict verdict-pass")),
        ("tile-fairness", page.replacen("2 failed", "0 failed", 1)),
        ("head", page.replacen("<style>", "<style>.tile-failed{display:none}", 1)),
        ("section-robustness", {
            let at = page.find("id=\"figure-6-1\"").unwrap();
            let (before, after) = page.split_at(at);
            format!("{before}{}", after.replacen("<circle", "<circle hidden", 1))
        }),
        ("footer", page.replacen("loads nothing and sends", "loads nothing and  sends", 1)),
        ("reproduce", page.replacen("--seed 7 --as-of", "--seed 8 --as-of", 1)),
        ("receipt", page.replacen("</html>", "</html><!-- -->", 1)),
        ("does-not-say", page.replacen("That the system is lawful", "It is lawful", 1)),
    ];
    for (part, edited) in cases {
        assert_ne!(edited, page, "{part} was edited");
        let VerifyError::Altered { parts } = error(&edited) else { panic!("{part}: altered") };
        let named: Vec<&str> = parts
            .iter()
            .filter_map(|altered| match altered {
                AlteredPart::Changed { part, .. } => Some(part.as_str()),
                _ => None,
            })
            .collect();
        assert!(named.contains(&part), "{part} is not among {named:?}");
    }
}

#[test]
fn parts_taken_out_put_in_or_moved_are_named() {
    let page = page();
    let start =
        page.find("<article class=\"finding edge-critical\" data-part=\"finding-1\"").unwrap();
    let end = start + page[start..].find("</article>").unwrap() + "</article>".len();
    let card = &page[start..end];
    let without = page.replacen(card, "", 1);
    let VerifyError::Altered { parts } = error(&without) else { panic!("altered") };
    assert!(
        matches!(&parts[..], [AlteredPart::Missing { part, .. }] if part == "finding-1"),
        "{parts:?}"
    );
    let twice = page.replacen(card, &format!("{card}{card}"), 1);
    let VerifyError::Altered { parts } = error(&twice) else { panic!("altered") };
    assert!(
        matches!(&parts[..], [AlteredPart::Added { part, .. }] if part == "finding-1"),
        "{parts:?}"
    );
    let next = end + page[end..].find("</article>").unwrap() + "</article>".len();
    let moved = format!("{}{}{}{}", &page[..start], &page[end..next], card, &page[next..]);
    let VerifyError::Altered { parts } = error(&moved) else { panic!("altered") };
    assert_eq!(parts, [AlteredPart::Order]);
}

#[test]
fn each_failure_is_told_apart() {
    let page = page();
    let kind = |page: &str| error(page).kind();
    assert_eq!(kind("<html></html>"), "not-a-report");
    assert_eq!(verify_html(b"\xff\xfe", &key()).unwrap_err().kind(), "not-a-report");
    assert_eq!(kind(&html::render(&fixture::mortgage(), None)), "no-receipt");
    for share in [3, 50, 97] {
        let cut = &page[..page.floor_char_boundary(page.len() * share / 100)];
        assert_eq!(kind(cut), "truncated", "{share} %");
    }
    assert_eq!(
        kind(&page.replace("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v9\n")),
        "malformed-receipt"
    );
    let stranger = Signer::from_seed("other.example", &[8; 32]).unwrap();
    let error = verify_html(page.as_bytes(), stranger.verifier()).unwrap_err();
    assert_eq!(error.kind(), "untrusted-key");
    assert!(error.to_string().contains("lender.example/caiso+"), "{error}");
    let same_name = Signer::from_seed("lender.example/caiso", &[8; 32]).unwrap();
    assert_eq!(
        verify_html(page.as_bytes(), same_name.verifier()).unwrap_err().kind(),
        "untrusted-key"
    );
    assert_eq!(kind(&page.replace("caiso 0.1.0\">", "caiso 0.0.9\">")), "other-version");
}

#[test]
fn a_changed_receipt_is_told_apart() {
    let (sealed, receipt) = ledger::seal(&fixture::mortgage());
    let with = |receipt: &str| error(&html::render(&sealed, Some(receipt))).kind();
    // The size in the signed checkpoint.
    assert_eq!(with(&receipt.replace("\n58\n", "\n59\n")), "invalid-signature");
    // The place of the record.
    assert_eq!(with(&receipt.replace("index 57", "index 56")), "invalid-receipt");
    // A hash of the proof.
    let line = receipt.lines().nth(3).unwrap();
    let other = format!("{}{}", if line.starts_with('A') { "B" } else { "A" }, &line[1..]);
    assert_eq!(with(&receipt.replace(line, &other)), "invalid-receipt");
}

#[test]
fn a_receipt_of_something_else_is_told_apart() {
    let (sealed, _) = ledger::seal(&fixture::mortgage());
    let signer = ledger::signer();
    let with = |statement: &caiso_ledger::Statement, show: bool| {
        let receipt = ledger::receipt_of(&statement.to_bytes().unwrap(), &signer, show);
        error(&html::render(&sealed, Some(&receipt.to_string())))
    };
    let statement = fixture::mortgage().statement().unwrap();
    assert_eq!(with(&statement, false).kind(), "seals-something-else");
    let mut other = statement.clone();
    other.predicate_type = "urn:caiso:predicate:check-run:v1".into();
    assert_eq!(with(&other, true).kind(), "seals-something-else");
    let mut later = statement.clone();
    later.predicate["format"] = 2.into();
    assert_eq!(with(&later, true).kind(), "unknown-format");
    let mut broken = statement;
    broken.predicate["verdict"] = "compliant".into();
    assert_eq!(with(&broken, true).kind(), "unknown-format");
    // The receipt of another report under this file.
    let mut another = fixture::mortgage();
    another.findings.clear();
    let (_, receipt) = ledger::seal(&another);
    assert_eq!(error(&html::render(&sealed, Some(&receipt))).kind(), "altered");
}

/// No byte of the page can be changed unnoticed.
#[test]
fn no_byte_can_be_changed() {
    let mut report = fixture::mortgage();
    // A small page, so that many places can be tried.
    report.requirements.clear();
    report.threats.clear();
    let (sealed, receipt) = ledger::seal(&report);
    let page = html::render(&sealed, Some(&receipt)).into_bytes();
    assert!(verify_html(&page, &key()).is_ok());
    for at in (0..page.len()).step_by(page.len() / 60) {
        let mut changed = page.clone();
        changed[at] ^= 1;
        assert!(verify_html(&changed, &key()).is_err(), "byte {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Sealing and reading back loses nothing that a page shows, whatever the texts and numbers.
    #[test]
    fn any_sealed_report_verifies(report in generator::report()) {
        let (sealed, receipt) = ledger::seal(&report);
        let page = html::render(&sealed, Some(&receipt));
        let verified = verify_html(page.as_bytes(), &key());
        prop_assert!(verified.is_ok(), "{:?}", verified.err());
    }

    #[test]
    fn any_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(verify_html(&bytes, &key()).is_err());
    }
}

#[test]
fn the_head_is_read_from_the_receipt() {
    let (sealed, receipt) = ledger::seal(&fixture::mortgage());
    let receipt = caiso_ledger::Receipt::parse(receipt.as_bytes()).unwrap();
    let head = LedgerHead::of_receipt(&receipt, &key()).unwrap();
    assert_eq!(Some(head), sealed.ledger);
    assert_eq!(Report { ledger: None, ..sealed.clone() }, sealed.without_ledger());
}

#[test]
fn what_json_does_not_keep_is_not_sealed() {
    let mut report = fixture::mortgage();
    report.seed = (1 << 53) + 1;
    assert!(report.statement().unwrap_err().to_string().contains("2^53"));
    let mut report = fixture::mortgage();
    report.findings[0].finding.threshold.as_mut().unwrap().value = f64::NAN;
    assert!(report.statement().is_err());
}
