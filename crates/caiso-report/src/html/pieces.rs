//! Pieces that several parts use.

use caiso_core::{Figure, Location, Severity};
use maud::{Markup, PreEscaped, html};

use crate::CheckStatus;

/// Most rows of a table.
pub(super) const ROWS: usize = 500;

/// A rule that says what a table does not show.
pub(super) fn cut(total: usize, where_all_are: &str) -> Markup {
    html! {
        @if total > ROWS {
            p.cut { "The first " (ROWS) " of " (caiso_figure::number(total as f64)) " rows are shown; " (where_all_are) "." }
        }
    }
}

/// A table with headings, an accessible caption and at most [`ROWS`] rows.
pub(super) fn table(caption: &str, headers: &[&str], rows: Vec<Vec<Markup>>) -> Markup {
    let total = rows.len();
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { @for header in headers { th scope="col" { (header) } } } }
                tbody {
                    @for row in rows.into_iter().take(ROWS) {
                        tr { @for cell in row { td { (cell) } } }
                    }
                }
            }
        }
        (cut(total, "all are in the JSON output of the same report"))
    }
}

/// Text as markup.
pub(super) fn text(text: impl AsRef<str>) -> Markup {
    html! { (text.as_ref()) }
}

/// Prose in which backticks set off code.
pub(super) fn prose(text: impl AsRef<str>) -> Markup {
    let text = text.as_ref();
    // An odd number of backticks sets nothing off.
    if text.matches('`').count() % 2 == 1 {
        return html! { (text) };
    }
    html! {
        @for (index, piece) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}

/// A place: the component, then path, line and part.
pub(super) fn place(location: &Location) -> Markup {
    html! {
        (location.component)
        @if let Some(path) = &location.path {
            br;
            code {
                (path)
                @if let Some(line) = location.line {
                    ":" (line)
                    @if let Some(column) = location.column { ":" (column) }
                }
            }
        }
        @if let Some(part) = &location.part { br; span.muted { (part) } }
    }
}

/// Code as markup.
pub(super) fn code(text: impl AsRef<str>) -> Markup {
    html! { code { (text.as_ref()) } }
}

/// A severity with a shape of its own.
pub(super) fn severity(severity: Severity) -> Markup {
    let shape = match severity {
        Severity::Critical => "▲▲",
        Severity::High => "▲",
        Severity::Medium => "◆",
        Severity::Low => "●",
        Severity::Info => "○",
    };
    html! { span class={ "tag severity-" (severity.as_str()) } { span aria-hidden="true" { (shape) } " " (severity.as_str()) } }
}

/// A check's status with a shape of its own.
pub(super) fn status(status: CheckStatus) -> Markup {
    let shape = match status {
        CheckStatus::Passed => "✓",
        CheckStatus::Failed => "✕",
        CheckStatus::Incomplete => "?",
        CheckStatus::Skipped => "–",
        CheckStatus::NotApplicable => "∅",
    };
    html! { span class={ "tag status-" (status.as_str()) } { span aria-hidden="true" { (shape) } " " (status.words()) } }
}

/// A picture with its sentence and its values.
pub(super) fn figure(figure: &Figure, id: &str) -> Markup {
    let twin = caiso_figure::table(figure);
    let total = twin.rows.len();
    html! {
        figure id=(id) {
            figcaption {
                strong { (caiso_figure::title(figure)) }
                " " (caiso_figure::alternative(figure))
            }
            (PreEscaped(caiso_figure::svg(figure, id)))
            details {
                summary { "Values" }
                div.wide {
                    table {
                        thead { tr { @for header in &twin.headers { th scope="col" { (header) } } } }
                        tbody {
                            @for row in twin.rows.iter().take(ROWS) {
                                tr { @for cell in row { td { (cell) } } }
                            }
                        }
                    }
                }
                (cut(total, "all are in the JSON output of the same report"))
            }
        }
    }
}
