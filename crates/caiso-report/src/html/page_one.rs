//! Page one: the verdict and what carries it, on one A4 page.

use caiso_core::{Section, Severity};
use maud::{Markup, html};

use super::View;
use super::pieces::prose;
use crate::tally::{SectionState, SectionTally};
use crate::words::{clip, compare, count, date, requirements_in, short_digest, time};
use crate::{FindingState, ReportedFinding, Verdict};

/// Remarks of each kind that fit on the page.
const REMARKS: usize = 3;

pub(super) fn render(view: &View<'_>) -> Markup {
    let report = view.report;
    html! {
        section.page-one data-part="page-one" id="page-one" {
            header {
                p.kicker { "Assessment of an AI system · " (date(&report.as_of)) }
                h1 { (clip(&report.scope.title, 70)) }
                p.under {
                    code { (clip(&report.system, 60)) }
                    " · answers for it: " (clip(&report.scope.owner, 60))
                    " · stage: " (clip(&report.scope.stage, 30))
                }
            }
            (verdict(view))
            (facts(view))
            (worst(view))
            div.tiles {
                h2.visually-hidden { "Six sections" }
                @for tally in report.tally() { (tile(view, &tally)) }
            }
            div.columns {
                (changes(view))
                (does_not_say(view))
            }
            (receipt(view))
        }
    }
}

fn verdict(view: &View<'_>) -> Markup {
    let report = view.report;
    let (shape, word) = match report.verdict {
        Verdict::Pass => ("✓", "PASS"),
        Verdict::Fail => ("✕", "FAIL"),
        Verdict::Incomplete => ("?", "INCOMPLETE"),
    };
    // The sentence may begin with the verdict; the word stands beside it already.
    let sentence = clip(strip_word(&report.sentence, word), 150);
    html! {
        div class={ "verdict verdict-" (report.verdict.as_str()) } data-part="verdict" {
            h2 { span.shape aria-hidden="true" { (shape) } (word) }
            div {
                p.sentence { (sentence) }
                p.counts {
                    @let open: Vec<_> = report.severities().into_iter().filter(|(_, n)| *n > 0).collect();
                    @if open.is_empty() { "No findings" }
                    @for (index, (severity, n)) in open.iter().enumerate() {
                        @if index > 0 { " · " }
                        (n) " " (severity)
                    }
                    @if report.accepted() > 0 { " · of these " (report.accepted()) " accepted" }
                    " · gate fails on " (report.gate.fail_on) " and above"
                    @if report.gate.let_through > 0 { " · " (report.gate.let_through) " known let through by the baseline" }
                }
            }
        }
    }
}

fn strip_word<'a>(sentence: &'a str, word: &str) -> &'a str {
    sentence
        .get(..word.len())
        .filter(|start| start.eq_ignore_ascii_case(word))
        .and_then(|_| sentence.get(word.len()..))
        .map_or(sentence, |rest| rest.trim_start_matches([':', ' ', ',']))
}

fn facts(view: &View<'_>) -> Markup {
    let report = view.report;
    let subjects: Vec<_> =
        report.scope.components.iter().filter_map(|component| component.subject.as_ref()).collect();
    html! {
        dl.facts data-part="facts" {
            div {
                dt { "EU AI Act class" }
                dd {
                    @if let Some(class) = &report.classification {
                        strong { (clip(&class.title, 60)) }
                        @if class.provisional { " " span.tag.provisional { "provisional" } }
                        br;
                        span.muted { (clip(&class.citations.join(", "), 70)) }
                    } @else {
                        span.tag.status-incomplete { "? not classified" }
                    }
                }
            }
            @if !report.scope.roles.is_empty() {
                div { dt { "Role" } dd { (clip(&report.scope.roles.join(", "), 60)) } }
            }
            div {
                dt { "Assessed files (SHA-256)" }
                dd {
                    @if subjects.is_empty() { "none" }
                    @for subject in subjects.iter().take(4) {
                        span.subject { (clip(&subject.name, 30)) " " code { (short_digest(subject.sha256())) } }
                    }
                    @if subjects.len() > 4 { span.subject { a href="#components" { (subjects.len() - 4) " more" } } }
                }
            }
            @for skill in report.skill.iter().filter(|skill| skill.has_skill != Some(true)).take(2) {
                div.caution {
                    dt { "Caution" }
                    dd {
                        (clip(&skill.sentence, 120))
                        " Results on fairness and robustness say little about such a model."
                    }
                }
            }
        }
    }
}

fn worst(view: &View<'_>) -> Markup {
    let open: Vec<(usize, &ReportedFinding)> = view
        .report
        .findings
        .iter()
        .enumerate()
        .filter(|(_, found)| {
            found.state != FindingState::Accepted && found.finding.severity > Severity::Info
        })
        .collect();
    html! {
        div.worst data-part="worst-findings" {
            h2 { "Worst findings" }
            @if open.is_empty() {
                p { "The checks that ran found no open weakness. What was not assessed is listed below." }
            }
            ol {
                @for (index, found) in open.iter().take(3) {
                    li {
                        p.consequence {
                            (super::pieces::severity(found.finding.severity)) " "
                            strong { (prose(clip(&found.finding.message, 170))) }
                        }
                        p.detail {
                            a href={ "#finding-" (index + 1) } { code { (found.finding.code) } }
                            @if let Some(threshold) = &found.finding.threshold {
                                @let words = compare(threshold);
                                " · " (words.value)
                                @if let Some(needs) = words.needs { ", needs " (needs) }
                                " · n " (caiso_figure::number(threshold.n as f64))
                            } @else {
                                " · " (clip(&found.finding.location.to_string(), 75))
                            }
                        }
                        p.fix { b { "Fix. " } (prose(clip(&found.finding.remediation, 160))) }
                    }
                }
            }
            @if open.len() > 3 {
                p.more { a href="#findings" { "All " (view.report.findings.len()) " findings" } }
            }
        }
    }
}

fn tile(view: &View<'_>, tally: &SectionTally) -> Markup {
    let section = tally.section;
    let (class, shape, words) = match tally.state() {
        SectionState::Failed => {
            let worst = match tally.worst_open() {
                Some(worst) => format!("worst {worst}"),
                None => "accepted".to_owned(),
            };
            ("failed", "✕", format!("{} failed, {worst}", tally.failed))
        }
        SectionState::Partial => ("partial", "◐", "partly assessed".to_owned()),
        SectionState::NotAssessed => ("hatched", "?", "not assessed".to_owned()),
        SectionState::Empty if tally.skipped > 0 => ("hatched", "–", "skipped".to_owned()),
        SectionState::Empty => ("hatched", "∅", "nothing applies".to_owned()),
        SectionState::Passed => open_obligations(view, section)
            .map_or(("passed", "✓", "all passed".to_owned()), |words| ("partial", "◐", words)),
    };
    html! {
        div class={ "tile tile-" (class) } data-part={ "tile-" (section) } data-section=(section)
            data-passed=(tally.passed) data-failed=(tally.failed) data-not-assessed=(tally.not_assessed) {
            h3 { a href={ "#section-" (section) } { (section.title()) } }
            p.state { span aria-hidden="true" { (shape) } " " (words) }
            (bar(&bar_parts(view, tally)))
            p.numbers { (tally.passed) " passed · " (tally.failed) " failed · " (tally.not_assessed) " not assessed" }
        }
    }
}

/// Parts of the bar of a tile: of requirements for obligations, else of checks.
fn bar_parts(view: &View<'_>, tally: &SectionTally) -> [(&'static str, usize); 3] {
    let number = |state: &str| requirements_in(view.report, state);
    if tally.section == Section::Compliance && !view.report.posture.is_empty() {
        return [
            ("passed", number("attested") + number("evidence-ready")),
            ("failed", number("gap")),
            ("hatched", number("stale") + number("missing")),
        ];
    }
    [("passed", tally.passed), ("failed", tally.failed), ("hatched", tally.not_assessed)]
}

fn bar(parts: &[(&str, usize)]) -> Markup {
    html! {
        div.bar aria-hidden="true" {
            @for (name, n) in parts.iter().filter(|part| part.1 > 0) {
                span class=(name) style={ "flex-grow:" (n) } {}
            }
            @if parts.iter().all(|part| part.1 == 0) { span.nothing {} }
        }
    }
}

/// Checks of obligations can pass while requirements are open; then the tile is not green.
fn open_obligations(view: &View<'_>, section: Section) -> Option<String> {
    let gaps = requirements_in(view.report, "gap");
    let open = requirements_in(view.report, "stale") + requirements_in(view.report, "missing");
    match (section, gaps, open) {
        (Section::Compliance, 1.., _) => {
            Some(format!("{}, {open} open", count(gaps, "gap", "gaps")))
        }
        (Section::Compliance, 0, 1..) => Some(format!("{open} without evidence")),
        _ => None,
    }
}

fn changes(view: &View<'_>) -> Markup {
    html! {
        div data-part="changes" {
            h2 { "What changed" }
            @if let Some(changes) = &view.report.changes {
                p {
                    "Since " (clip(&changes.since, 60)) ": "
                    b { (changes.new.len()) " new" } ", "
                    b { (changes.fixed.len()) " fixed" } ", "
                    b { (changes.worse.len()) " worse" } "."
                }
                @let all = changes.new.iter().map(|name| ("new", name))
                    .chain(changes.worse.iter().map(|name| ("worse", name)))
                    .chain(changes.fixed.iter().map(|name| ("fixed", name)));
                ul {
                    @for (word, name) in all.take(REMARKS) { li { (word) ": " (clip(name, 48)) } }
                }
            } @else {
                p { "There is no earlier sealed report to compare with." }
            }
        }
    }
}

fn does_not_say(view: &View<'_>) -> Markup {
    let remarks = &view.report.does_not_say;
    html! {
        div data-part="does-not-say" {
            h2 { "What this report does not say" }
            ul { @for remark in remarks.iter().take(REMARKS) { li { (prose(clip(remark, 105))) } } }
            @if remarks.len() > REMARKS {
                p.more { a href="#limits" { (count(remarks.len() - REMARKS, "more limit", "more limits")) } }
            }
        }
    }
}

fn receipt(view: &View<'_>) -> Markup {
    let report = view.report;
    html! {
        div.receipt data-part="receipt-head" {
            h2 { "Receipt" }
            @if let (Some(ledger), true) = (&report.ledger, view.sealed) {
                p {
                    "Sealed "
                    @if let Some(record) = view.record { "as record " b { (record) } ", " }
                    "ledger of " b { (caiso_figure::number(ledger.size as f64)) " records" }
                    ", root " code { (short_digest(&ledger.root)) }
                    ", key " code { (key_id(&ledger.key)) }
                    ", " (time(&report.assessed_at)) "."
                }
                p {
                    "Anyone can check this file offline, with the key from a source they trust: "
                    code { "caiso verify FILE --key KEY" }
                }
            } @else {
                p { strong { "This file is not sealed." } " It carries no receipt, so nothing in it can be verified later." }
            }
        }
    }
}

/// `name+id` of a verifier key.
fn key_id(key: &str) -> &str {
    match key.match_indices('+').nth(1) {
        Some((at, _)) => key.get(..at).unwrap_or(key),
        None => key,
    }
}

#[cfg(test)]
mod tests {
    use super::{key_id, strip_word};

    #[test]
    fn the_verdict_is_not_said_twice() {
        assert_eq!(strip_word("FAIL: 2 rules broken", "FAIL"), "2 rules broken");
        assert_eq!(strip_word("Nothing failed", "FAIL"), "Nothing failed");
        assert_eq!(strip_word("é", "FAIL"), "é");
    }

    #[test]
    fn the_key_is_named_by_its_id() {
        assert_eq!(key_id("lender.example+0a1b2c3d+AQ+x/="), "lender.example+0a1b2c3d");
        assert_eq!(key_id("odd"), "odd");
    }
}
