use caiso_core::Bar;

use crate::canvas::{Anchor, Canvas, Shape, fit, text_width};
use crate::number::number;

const WIDTH: f64 = 740.0;
const ROW: f64 = 34.0;
const BAR: f64 = 20.0;
/// Least width of a part.
const NARROWEST: f64 = 18.0;

/// Requirement states and check results in the order in which a strip reads best: what is
/// settled first, what is unknown last.
pub const STATE_ORDER: [&str; 13] = [
    "attested",
    "evidence-ready",
    "passed",
    "gap",
    "failed",
    "stale",
    "missing",
    "incomplete",
    "not-assessed",
    "inherited-suggestion",
    "skipped",
    "not-applicable",
    "accepted",
];

pub(crate) fn draw(id: &str, bars: &[Bar]) -> Canvas {
    let label_width =
        bars.iter().map(|bar| text_width(&bar.label, 13.0)).fold(0.0, f64::max).min(220.0);
    let left = label_width + 20.0;
    let right = WIDTH - 56.0;
    let mut states: Vec<&str> = Vec::new();
    for (state, count) in bars.iter().flat_map(|bar| &bar.parts) {
        if *count > 0 && !states.contains(&state.as_str()) {
            states.push(state);
        }
    }
    states.sort_by_key(|state| {
        STATE_ORDER.iter().position(|known| known == state).unwrap_or(STATE_ORDER.len())
    });
    let rows = ROW * bars.len() as f64;
    let (legend, legend_rows) = legend_places(&states);
    let mut canvas = Canvas::new(WIDTH, 8.0 + rows + 24.0 * legend_rows as f64 + 8.0);

    for (index, bar) in bars.iter().enumerate() {
        let y = 8.0 + ROW * index as f64;
        let middle = y + BAR / 2.0 + 4.5;
        let total: f64 = bar.parts.iter().map(|part| part.1 as f64).sum();
        canvas.text("", (left - 12.0, middle), Anchor::End, &fit(&bar.label, 13.0, label_width));
        if total == 0.0 {
            canvas.rect("soft", (left, y), (right - left, BAR));
            canvas.text("muted small", (left + 8.0, middle), Anchor::Start, "none");
        }
        let width_of = widths(bar, right - left);
        let mut at = left;
        let shown = bar.parts.iter().filter(|part| part.1 > 0);
        for ((state, count), width) in shown.zip(width_of) {
            let said = format!("{count} {}", state.replace('-', " "));
            canvas.group(&format!("{}: {said}", bar.label));
            draw_state(&mut canvas, id, state, (at, y), (width, BAR));
            let count = number(*count as f64);
            if let Some(text) =
                [said, count].into_iter().find(|text| text_width(text, 11.5) + 8.0 <= width)
            {
                label_state(&mut canvas, state, (at + width / 2.0, middle - 0.5), &text);
            }
            canvas.end_group();
            at += width;
        }
        canvas.text("muted", (right + 12.0, middle), Anchor::Start, &number(total));
    }
    for (state, column, row) in legend {
        let y = 8.0 + rows + 24.0 * row as f64;
        draw_state(&mut canvas, id, state, (column, y), (22.0, 13.0));
        let label = fit(&state.replace('-', " "), 11.5, WIDTH - column - 29.0);
        canvas.text("small", (column + 29.0, y + 10.5), Anchor::Start, &label);
    }
    canvas
}

/// Widths of the parts above zero: in proportion, but never so narrow that a part and its count
/// could be overlooked.
fn widths(bar: &Bar, length: f64) -> Vec<f64> {
    let counts: Vec<f64> =
        bar.parts.iter().filter(|part| part.1 > 0).map(|part| part.1 as f64).collect();
    let total: f64 = counts.iter().sum();
    let least = NARROWEST.min(length / counts.len().max(1) as f64);
    let wide: Vec<f64> =
        counts.iter().map(|count| (length * (count / total) - least).max(0.0)).collect();
    let spare = length - least * counts.len() as f64;
    let wanted: f64 = wide.iter().sum();
    let share = if wanted > 0.0 { spare / wanted } else { 0.0 };
    wide.iter().map(|extra| least + extra * share).collect()
}

/// Position and row of each legend entry, and the number of rows.
fn legend_places<'a>(states: &[&'a str]) -> (Vec<(&'a str, f64, usize)>, usize) {
    let (mut x, mut row) = (8.0, 0);
    let mut places = Vec::new();
    for &state in states {
        let width = 29.0 + text_width(state, 11.5) + 18.0;
        if x + width > WIDTH && x > 8.0 {
            (x, row) = (8.0, row + 1);
        }
        places.push((state, x, row));
        x += width;
    }
    let rows = if places.is_empty() { 0 } else { row + 1 };
    (places, rows)
}

/// Fills in the pattern of a state. What nobody assessed is hatched, never coloured.
fn draw_state(canvas: &mut Canvas, id: &str, state: &str, at: (f64, f64), size: (f64, f64)) {
    match state {
        "attested" => canvas.rect("accent", at, size),
        "evidence-ready" | "passed" => canvas.rect("good", at, size),
        "gap" | "failed" => canvas.rect("bad", at, size),
        "stale" | "accepted" => {
            canvas.rect("soft", at, size);
            // Dots tell a stale result from one that is out of scope when colour is lost.
            let mut x = at.0 + 4.0;
            while x < at.0 + size.0 - 2.0 {
                canvas.marker(Shape::Circle, "warn", (x, at.1 + size.1 - 3.0), 1.2);
                x += 6.0;
            }
        }
        "missing" | "incomplete" | "not-assessed" | "untested" => canvas.hatched(id, at, size),
        _ => canvas.rect("soft", at, size),
    }
}

fn label_state(canvas: &mut Canvas, state: &str, at: (f64, f64), text: &str) {
    match state {
        "attested" | "evidence-ready" | "passed" | "gap" | "failed" => {
            canvas.text("on-fill small", at, Anchor::Middle, text);
        }
        "missing" | "incomplete" | "not-assessed" | "untested" => {
            let width = text_width(text, 11.5) + 8.0;
            canvas.rect("hatch-ground", (at.0 - width / 2.0, at.1 - 10.0), (width, 13.0));
            canvas.text("small", at, Anchor::Middle, text);
        }
        _ => canvas.text("small", at, Anchor::Middle, text),
    }
}
