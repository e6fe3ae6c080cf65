//! The HTML page: self-contained, well-formed, within its budget.

use caiso_core::Severity;
use caiso_report::html;
use proptest::prelude::*;

use crate::{fixture, generator, ledger};

/// Tags that HTML closes by itself.
const VOID: [&str; 4] = ["meta", "br", "img", "link"];

/// Headings in order and ids, after checking that every element is closed where it belongs.
fn walk(page: &str) -> (Vec<u32>, Vec<String>) {
    let (mut open, mut headings, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    let body = page.strip_prefix("<!DOCTYPE html>").unwrap();
    for tag in body.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        if let Some((_, rest)) = tag.split_once(" id=\"") {
            ids.push(rest.split('"').next().unwrap().to_owned());
        }
        if let [b'h', level @ b'1'..=b'6'] = name.as_bytes() {
            headings.push(u32::from(level - b'0'));
        }
        if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?}");
    (headings, ids)
}

fn check(page: &str) {
    let (headings, ids) = walk(page);
    assert_eq!(headings.iter().filter(|&&level| level == 1).count(), 1);
    for pair in headings.windows(2) {
        assert!(pair[1] <= pair[0] + 1, "a heading level is skipped: {headings:?}");
    }
    let unique: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "ids are unique");
    for (_, rest) in
        page.match_indices("href=\"").map(|(at, found)| (at, &page[at + found.len()..]))
    {
        let target = rest.split('"').next().unwrap();
        if target.starts_with("data:image/png;base64,") {
            continue;
        }
        let anchor = target.strip_prefix('#').expect("links stay in the file");
        assert!(ids.iter().any(|id| id == anchor), "link to {anchor}");
    }
    for loading in ["<script", "<link", "<img", "<iframe", " src=", " onload", "@import"] {
        assert!(!page.contains(loading), "{loading}");
    }
    assert!(page.contains("<html lang=\"en\">"));
}

#[test]
fn the_example_is_one_small_self_contained_file() {
    let (sealed, receipt) = ledger::seal(&fixture::mortgage());
    let page = html::render(&sealed, Some(&receipt));
    check(&page);
    assert!(page.len() < 2 << 20, "{} bytes", page.len());
    // An affirmation of conformity is not for a tool to make.
    let text = page.to_lowercase();
    for word in ["compliant", "certified"] {
        assert!(!text.contains(word), "{word}");
    }
    write("report.html", &page);
}

#[test]
fn long_tables_are_cut_and_say_so() {
    let mut report = fixture::mortgage();
    let measurement = report.checks[5].measurements[0].clone();
    report.checks[5].measurements = vec![measurement; 1200];
    let finding = report.findings[0].clone();
    report.findings = vec![finding; 700];
    let page = html::render(&report, None);
    check(&page);
    assert!(page.contains("The first 500 of 1213 rows are shown"), "measurements");
    assert!(page.contains("The first 500 of 700 rows are shown"), "findings");
    assert_eq!(page.matches("data-finding=").count(), 500);
    assert!(page.len() < 2 << 20, "{} bytes", page.len());
}

#[test]
fn a_section_without_results_is_hatched() {
    let mut report = fixture::mortgage();
    report.checks.retain(|check| check.section != caiso_core::Section::Fairness);
    report.findings.retain(|found| found.section != caiso_core::Section::Fairness);
    let page = html::render(&report, None);
    let tile = page.split("data-section=\"fairness\"").next().unwrap().rsplit('<').next().unwrap();
    assert!(tile.contains("tile-hatched"), "{tile}");
    assert_eq!(report.tally()[2].worst, None::<Severity>);
}

/// Longest texts that page one can hold; for a look at the printed page.
#[test]
fn page_one_is_bounded() {
    let mut report = fixture::mortgage();
    let long = "every word of this sentence is here to make it longer than any page one can hold, "
        .repeat(9);
    report.scope.title.clone_from(&long);
    report.scope.owner.clone_from(&long);
    report.sentence.clone_from(&long);
    report.skill[0].has_skill = Some(false);
    report.skill[0].sentence.clone_from(&long);
    if let Some(class) = &mut report.classification {
        class.title.clone_from(&long);
        class.citations = vec![long.clone(); 4];
    }
    for found in &mut report.findings {
        found.finding.message.clone_from(&long);
        found.finding.remediation.clone_from(&long);
    }
    report.does_not_say = vec![long.clone(); 9];
    if let Some(changes) = &mut report.changes {
        changes.new = vec![long.clone(); 9];
    }
    let (sealed, receipt) = ledger::seal(&report);
    let page = html::render(&sealed, Some(&receipt));
    check(&page);
    let start = page.find("id=\"page-one\"").unwrap();
    let end = page.find("data-part=\"contents\"").unwrap();
    assert!(end - start < 14_000, "{} bytes", end - start);
    write("longest.html", &page);
}

/// Writes a page for a look at it, if `CAISO_REPORT_OUT` names a folder.
fn write(name: &str, page: &str) {
    if let Some(folder) = option_env!("CAISO_REPORT_OUT") {
        #[expect(clippy::disallowed_methods, reason = "on request only")]
        std::fs::write(std::path::Path::new(folder).join(name), page).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_report_makes_a_sound_page(report in generator::report()) {
        check(&html::render(&report, None));
    }
}
