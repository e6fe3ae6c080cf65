use caiso_core::{Band, Dot, Mark};

use crate::canvas::{Anchor, Canvas, Shape, fit, text_width};
use crate::number::number;
use crate::scale::{Scale, finite};

const WIDTH: f64 = 740.0;
const ROW: f64 = 27.0;

pub(crate) fn draw(
    id: &str,
    x_label: &str,
    dots: &[Dot],
    marks: &[Mark],
    band: Option<&Band>,
) -> Canvas {
    let widest = |texts: &mut dyn Iterator<Item = String>, limit: f64| {
        texts.map(|text| text_width(&text, 13.0)).fold(0.0, f64::max).min(limit)
    };
    let label_width = widest(&mut dots.iter().map(|dot| dot.label.clone()), 270.0);
    let value_width = widest(&mut dots.iter().map(value_text), 170.0);
    let n_width = widest(&mut dots.iter().map(|dot| number(dot.n as f64)), 70.0).max(14.0);
    let left = label_width + 24.0;
    let right = WIDTH - value_width - n_width - 40.0;

    // Marks are labelled above the rows, one line each; the band below them.
    let headings = marks.len() + usize::from(band.is_some());
    let top = 24.0 + 16.0 * headings as f64;
    let bottom = top + ROW * dots.len().max(1) as f64;
    let mut canvas = Canvas::new(WIDTH, bottom + 44.0);

    let values = dots
        .iter()
        .flat_map(|dot| {
            let interval = dot.interval.map_or([None; 2], |(low, high)| [Some(low), Some(high)]);
            [dot.value].into_iter().chain(interval).flatten()
        })
        .chain(marks.iter().map(|mark| mark.at))
        .chain(band.into_iter().flat_map(|band| [band.low, band.high]));
    let x = Scale::over(values, left, right);

    for (at, label) in x.ticks() {
        canvas.line("gridline", (at, top), (at, bottom));
        canvas.text("muted small", (at, bottom + 17.0), Anchor::Middle, &label);
    }
    if let Some((band, (low, high))) =
        band.and_then(|band| Some((band, (finite(band.low)?, finite(band.high)?))))
    {
        let (from, to) = (x.at(low.min(high)), x.at(low.max(high)));
        canvas.rect("accept", (from, top), (to - from, bottom - top));
        for at in [from, to] {
            canvas.line("accept-edge", (at, top), (at, bottom));
        }
        let label = format!("{} {} to {}", band.label, number(band.low), number(band.high));
        heading(&mut canvas, &label, f64::midpoint(from, to), top - 7.0);
    }
    canvas.line("axis", (left, bottom), (right, bottom));
    canvas.text(
        "muted small",
        (f64::midpoint(left, right), bottom + 37.0),
        Anchor::Middle,
        x_label,
    );
    for (index, mark) in marks.iter().enumerate() {
        if let Some(at) = finite(mark.at) {
            let line = index + usize::from(band.is_some());
            let label_at = top - 7.0 - 16.0 * line as f64;
            canvas.line("mark", (x.at(at), top - 2.0), (x.at(at), bottom));
            let label = format!("{} {}", mark.label, number(mark.at));
            heading(&mut canvas, &label, x.at(at), label_at);
        }
    }

    let head = top - 7.0;
    canvas.text("muted small", (right + 16.0, head), Anchor::Start, "value [interval]");
    canvas.text("muted small", (WIDTH - 4.0, head), Anchor::End, "n");
    for (index, dot) in dots.iter().enumerate() {
        let y = top + ROW * (index as f64 + 0.5);
        canvas.group(&format!("{}: {}, n = {}", dot.label, value_text(dot), dot.n));
        let label = fit(&dot.label, 13.0, label_width);
        let class = if dot.broken { "strong" } else { "" };
        canvas.text(class, (left - 16.0, y + 4.5), Anchor::End, &label);
        draw_dot(&mut canvas, id, dot, &x, y, (left, right));
        canvas.text(class, (right + 16.0, y + 4.5), Anchor::Start, &value_text(dot));
        canvas.text("muted", (WIDTH - 4.0, y + 4.5), Anchor::End, &number(dot.n as f64));
        canvas.end_group();
    }
    canvas
}

fn draw_dot(
    canvas: &mut Canvas,
    id: &str,
    dot: &Dot,
    x: &Scale,
    y: f64,
    (left, right): (f64, f64),
) {
    let Some(value) = dot.value.and_then(finite) else {
        canvas.hatched(id, (left, y - 7.0), (right - left, 14.0));
        return;
    };
    if let Some((low, high)) =
        dot.interval.and_then(|(low, high)| Some((finite(low)?, finite(high)?)))
    {
        let class = if dot.broken { "interval is-broken" } else { "interval" };
        let (low, high) = (x.at(low), x.at(high));
        canvas.line(class, (low, y), (high, y));
        for end in [low, high] {
            canvas.line(class, (end, y - 5.0), (end, y + 5.0));
        }
    }
    let (shape, class) = match (dot.broken, dot.reference) {
        (true, _) => (Shape::Diamond, "broken"),
        (_, true) => (Shape::Square, "reference"),
        _ => (Shape::Circle, "ordinary"),
    };
    canvas.marker(shape, class, (x.at(value), y), 5.5);
}

fn value_text(dot: &Dot) -> String {
    let Some(value) = dot.value.and_then(finite) else {
        return "not assessed".to_owned();
    };
    match (dot.reference, dot.interval) {
        (true, None) => format!("{} (reference)", number(value)),
        (_, Some((low, high))) => format!("{} [{}, {}]", number(value), number(low), number(high)),
        (false, None) => number(value),
    }
}

/// A label centred over a position, held inside the canvas.
fn heading(canvas: &mut Canvas, label: &str, at: f64, y: f64) {
    let label = fit(label, 11.5, canvas.width() - 16.0);
    let half = text_width(&label, 11.5) / 2.0;
    let at = at.clamp(half + 4.0, (canvas.width() - half - 4.0).max(half + 4.0));
    canvas.text("small", (at, y), Anchor::Middle, &label);
}
