use caiso_core::{Changed, ChangedRecord};

use crate::canvas::{Anchor, Canvas, Shape, fit};
use crate::number::number;
use crate::scale::finite;

const WIDTH: f64 = 740.0;
const LEFT: f64 = 8.0;
/// Where the line of a feature's range begins and ends.
const RANGE: (f64, f64) = (180.0, 560.0);
const LINE: f64 = 22.0;

pub(crate) fn draw(records: &[ChangedRecord]) -> Canvas {
    let mut canvas = Canvas::new(WIDTH, 0.0);
    let mut top = 4.0;
    for record in records {
        let label = fit(&record.label, 13.0, WIDTH - 2.0 * LEFT);
        canvas.text("strong", (LEFT, top + 14.0), Anchor::Start, &label);
        top += LINE;
        for changed in &record.changes {
            draw_change(&mut canvas, changed, top);
            top += LINE;
        }
        if record.changes.is_empty() {
            canvas.text("muted small", (LEFT, top + 14.0), Anchor::Start, "nothing was changed");
            top += LINE;
        }
        top += 10.0;
    }
    canvas.height = top;
    canvas
}

/// The feature's range as a line, the value before as a hollow circle, the value after as a filled diamond.
fn draw_change(canvas: &mut Canvas, changed: &Changed, top: f64) {
    let middle = top + 10.0;
    let Changed { feature, before, after, range } = changed;
    let words = format!("{} → {}", number(*before), number(*after));
    canvas.group(&format!(
        "{feature}: {words} (valid: {} to {})",
        number(range.0),
        number(range.1)
    ));
    let name = fit(feature, 13.0, RANGE.0 - LEFT - 10.0);
    canvas.text("", (LEFT, middle + 4.5), Anchor::Start, &name);
    canvas.line("gridline", (RANGE.0, middle), (RANGE.1, middle));
    let place = |value: f64| {
        let share = (finite(value)? - finite(range.0)?) / (range.1 - range.0);
        Some(RANGE.0 + (RANGE.1 - RANGE.0) * finite(share)?.clamp(0.0, 1.0))
    };
    if let (Some(from), Some(to)) = (place(*before), place(*after)) {
        canvas.line("interval", (from, middle), (to, middle));
        canvas.marker(Shape::Circle, "reference", (from, middle), 4.0);
        canvas.marker(Shape::Diamond, "broken", (to, middle), 4.0);
    }
    let words = fit(&words, 13.0, WIDTH - RANGE.1 - 20.0);
    canvas.text("", (RANGE.1 + 14.0, middle + 4.5), Anchor::Start, &words);
    canvas.end_group();
}
