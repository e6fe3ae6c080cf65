//! Figure values as inline SVG and as tables.
//!
//! [`svg`] draws a [`Figure`] for a page that carries [`STYLE`] once; [`table`] is its twin for
//! people and machines that do not see. Colour never says anything alone: shape, pattern and text
//! repeat it. Numbers that are not finite are left out, so any figure draws.

mod canvas;
mod changes;
mod curve;
mod dots;
mod grid;
mod images;
mod number;
mod scale;
mod strip;
mod table;

pub use number::{number, pair};
pub use strip::STATE_ORDER;
pub use table::{Table, table};

use caiso_core::Figure;

/// Style sheet of all figures, to be put once into a page. Colours come from custom properties
/// (`--ink`, `--muted`, `--rule`, `--paper`, `--accent`, `--second`, `--good`, `--bad`, `--warn`,
/// `--soft`), so that the page decides on light, dark and print; each has a light fallback.
pub const STYLE: &str = include_str!("style.css");

/// Draws a figure. `id` makes the ids inside unique in the page; any character that is not
/// allowed in an id is replaced.
pub fn svg(figure: &Figure, id: &str) -> String {
    let id: String =
        id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
    match figure {
        Figure::Curve { title, alternative, x_label, y_label, lines, marks } => {
            curve::draw(x_label, y_label, lines, marks).finish(&id, title, alternative)
        }
        Figure::Dots { title, alternative, x_label, dots, marks, band } => {
            dots::draw(&id, x_label, dots, marks, band.as_ref()).finish(&id, title, alternative)
        }
        Figure::Strip { title, alternative, bars } => {
            strip::draw(&id, bars).finish(&id, title, alternative)
        }
        Figure::Grid { title, alternative, columns } => {
            grid::draw(&id, columns).finish(&id, title, alternative)
        }
        Figure::Images { title, alternative, columns, rows } => {
            images::draw(columns, rows).finish(&id, title, alternative)
        }
        Figure::Changes { title, alternative, records } => {
            changes::draw(records).finish(&id, title, alternative)
        }
    }
}

/// Draws a figure as a file of its own, with the style sheet inside.
pub fn file(figure: &Figure) -> String {
    let picture = svg(figure, "figure");
    // Behind the opening tag; fonts and ground are the page's in a report.
    let (tag, rest) = picture.split_once('>').unwrap_or((&picture, ""));
    format!(
        "{tag}><style>svg{{background:#fff;font-family:system-ui,sans-serif}}{STYLE}</style>{rest}\n"
    )
}

/// Title of a figure.
pub fn title(figure: &Figure) -> &str {
    match figure {
        Figure::Curve { title, .. }
        | Figure::Dots { title, .. }
        | Figure::Strip { title, .. }
        | Figure::Grid { title, .. }
        | Figure::Images { title, .. }
        | Figure::Changes { title, .. } => title,
    }
}

/// The sentence that says what a figure shows.
pub fn alternative(figure: &Figure) -> &str {
    match figure {
        Figure::Curve { alternative, .. }
        | Figure::Dots { alternative, .. }
        | Figure::Strip { alternative, .. }
        | Figure::Grid { alternative, .. }
        | Figure::Images { alternative, .. }
        | Figure::Changes { alternative, .. } => alternative,
    }
}
