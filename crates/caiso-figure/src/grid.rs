use caiso_core::GridCell;

use crate::canvas::{Anchor, Canvas, Shape, fit, text_width};

const WIDTH: f64 = 1000.0;
/// Columns side by side; more go below, so that the text stays readable.
const COLUMNS: usize = 5;
const CELL: f64 = 19.0;
const GAP: f64 = 6.0;

pub(crate) fn draw(id: &str, columns: &[(String, Vec<GridCell>)]) -> Canvas {
    // As many ranks as it takes, then filled evenly.
    let ranks = columns.len().div_ceil(COLUMNS).max(1);
    let wide = columns.len().div_ceil(ranks).max(1);
    let width = (WIDTH - 2.0 - GAP * (wide - 1) as f64) / wide as f64;
    let mut canvas = Canvas::new(WIDTH, 0.0);
    let mut top = legend(&mut canvas, id, columns);
    for rank in columns.chunks(wide) {
        let tallest = rank.iter().map(|column| column.1.len()).max().unwrap_or(0);
        for (index, (name, cells)) in rank.iter().enumerate() {
            let left = 1.0 + (width + GAP) * index as f64;
            let heading = fit(name, 13.0, width - 4.0);
            canvas.text("strong", (left + 2.0, top + 14.0), Anchor::Start, &heading);
            for (row, cell) in cells.iter().enumerate() {
                let y = top + 24.0 + CELL * row as f64;
                draw_cell(&mut canvas, id, cell, (left, y), width);
            }
        }
        top += 24.0 + CELL * tallest as f64 + 20.0;
    }
    canvas.height = top;
    canvas
}

fn draw_cell(canvas: &mut Canvas, id: &str, cell: &GridCell, (x, y): (f64, f64), width: f64) {
    canvas.group(&format!("{} {}: {}", cell.label, cell.title, cell.state));
    draw_box(canvas, id, &cell.state, (x, y), (width, CELL - 3.0));
    let text = fit(&format!("{} {}", cell.label, cell.title), 11.0, width - 24.0);
    let class = match cell.state.as_str() {
        "found" => "cell strong",
        "untested" => "cell muted",
        _ => "cell",
    };
    canvas.text(class, (x + 20.0, y + 11.8), Anchor::Start, &text);
    canvas.end_group();
}

/// A box and glyph of a state: filled diamond, tick, half circle, hatch at the edge.
fn draw_box(canvas: &mut Canvas, id: &str, state: &str, (x, y): (f64, f64), size: (f64, f64)) {
    let middle = (x + 10.0, y + size.1 / 2.0);
    match state {
        "found" => {
            canvas.rect("cell-found", (x, y), size);
            canvas.marker(Shape::Diamond, "bad", middle, 3.8);
        }
        "tested" => {
            canvas.rect("cell-tested", (x, y), size);
            let (cx, cy) = middle;
            let tick = [(cx - 4.0, cy), (cx - 1.0, cy + 3.5), (cx + 4.5, cy - 3.5)];
            canvas.path("glyph is-good", &tick, false);
        }
        "untested" => {
            canvas.hatched(id, (x, y), (16.0, size.1));
            canvas.rect("gridline", (x, y), size);
        }
        _ => {
            canvas.rect("cell-other", (x, y), size);
            canvas.marker(Shape::Circle, "grey", middle, 3.5);
        }
    }
}

/// The states that occur; returns the height used.
fn legend(canvas: &mut Canvas, id: &str, columns: &[(String, Vec<GridCell>)]) -> f64 {
    let mut states = vec!["found", "mitigated", "tested", "untested"];
    for cell in columns.iter().flat_map(|column| &column.1) {
        if !states.contains(&cell.state.as_str()) {
            states.push(&cell.state);
        }
    }
    states.retain(|state| columns.iter().flat_map(|c| &c.1).any(|cell| cell.state == *state));
    let (mut x, mut y) = (0.0, 0.0);
    for state in states {
        let text = fit(state, 13.0, WIDTH - 40.0);
        let width = 29.0 + text_width(&text, 13.0) + 28.0;
        if x > 0.0 && x + width > WIDTH {
            (x, y) = (0.0, y + CELL + 4.0);
        }
        draw_box(canvas, id, state, (x + 2.0, y + 4.0), (20.0, CELL - 3.0));
        canvas.text("", (x + 29.0, y + 17.0), Anchor::Start, &text);
        x += width;
    }
    y + 36.0
}
