//! Findings, worst first, one card each.

use maud::{Markup, html};

use super::pieces::{ROWS, cut, place, prose, severity};
use super::{View, heading};
use crate::words::{compare, date, short_digest};
use crate::{FindingState, ReportedFinding};

pub(super) fn render(view: &View<'_>) -> Markup {
    let report = view.report;
    html! {
        section data-part="findings" id="findings" {
            (heading("findings"))
            @if report.findings.is_empty() {
                p { "The checks that ran found nothing. That says nothing about what was not assessed." }
            } @else {
                p {
                    @for (index, (severity, n)) in report.severities().iter().enumerate() {
                        @if index > 0 { " · " }
                        (n) " " (severity)
                    }
                    ", worst first."
                }
            }
            @for (index, found) in report.findings.iter().take(ROWS).enumerate() { (card(view, index, found)) }
            (cut(report.findings.len(), "all are in the JSON output of the same report"))
        }
    }
}

fn card(view: &View<'_>, index: usize, found: &ReportedFinding) -> Markup {
    let finding = &found.finding;
    let number = index + 1;
    html! {
        article class={ "finding edge-" (finding.severity.as_str()) } data-part={ "finding-" (number) } id={ "finding-" (number) }
            data-finding=(finding.code) data-severity=(finding.severity.as_str()) data-fingerprint=(found.fingerprint) {
            header {
                (severity(finding.severity))
                code { (finding.code) }
                (state(found))
                @if found.breaks_gate { span.tag.gate { "breaks the gate" } }
                span.section-name { (found.section.title()) }
            }
            h3 { (prose(&finding.message)) }
            @if let Some(caution) = &found.caution { p.caution-line { b { "Caution. " } (prose(caution)) } }
            dl.pairs {
                @if let Some(threshold) = &finding.threshold {
                    @let words = compare(threshold);
                    dt { "Measured" }
                    dd {
                        b { (words.value) } " " span.muted { (threshold.measurement) }
                        @if let Some(needs) = words.needs { br; "needs " (needs) }
                        @if let Some(distance) = words.distance { " (" (distance) ")" }
                        @if let Some(interval) = &threshold.interval {
                            br; span.muted { (caiso_figure::number(interval.level * 100.0)) " % interval, " (interval.method) ", n " (caiso_figure::number(threshold.n as f64)) }
                        } @else {
                            br; span.muted { "n " (caiso_figure::number(threshold.n as f64)) }
                        }
                    }
                }
                dt { "Where" } dd { (place(&finding.location)) }
                @if !finding.techniques.is_empty() || !found.requirements.is_empty() {
                    dt { "Why it matters" }
                    dd {
                        @for id in &finding.techniques {
                            span.reference { code { (id) } @if let Some(name) = view.techniques.get(id.as_str()) { " " (name) } }
                        }
                        @for key in found.requirements.iter().take(SHOWN_REQUIREMENTS) {
                            span.reference { (requirement(view, key)) }
                        }
                        @if let Some(more) = found.requirements.get(SHOWN_REQUIREMENTS..)
                            && !more.is_empty()
                        {
                            details {
                                summary { (more.len()) " more requirements of other articles and frameworks" }
                                @for key in more { span.reference { (requirement(view, key)) } }
                            }
                        }
                    }
                }
                dt { "Fix" } dd { (prose(&finding.remediation)) }
                dt { "Reproduce" } dd { code { "caiso assess --only " (finding.code) " --fresh --seed " (view.report.seed) } }
                @if let Some(seq) = found.evidence {
                    dt { "Evidence" }
                    dd {
                        "record #" (seq)
                        @if let Some(row) = view.evidence.get(&seq) { ", SHA-256 " code { (short_digest(&row.digest)) } }
                    }
                }
                @if let Some(by) = &found.accepted {
                    dt { "Accepted" } dd { "by " (by.approver) " until " (date(&by.expires)) ": " (prose(&by.reason)) }
                }
            }
        }
    }
}

fn state(found: &ReportedFinding) -> Markup {
    let words = match found.state {
        FindingState::New => "new",
        FindingState::Known => "known before",
        FindingState::Worse => "worse than before",
        FindingState::Accepted => "accepted",
    };
    html! { span.tag { (words) } }
}

/// Requirements shown on a card before the rest is folded; law comes first.
const SHOWN_REQUIREMENTS: usize = 6;

/// A requirement as its framework cites it.
pub(super) fn requirement(view: &View<'_>, key: &str) -> Markup {
    html! {
        @match view.requirements.get(key) {
            Some(row) => { b { (crate::words::framework(key.split(':').next().unwrap_or(key))) " " (row.reference) } " " (row.title) }
            None => { code { (key) } }
        }
    }
}
