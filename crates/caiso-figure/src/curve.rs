use caiso_core::{Line, Mark};

use crate::canvas::{Anchor, At, Canvas, Shape, fit, text_width};
use crate::number::number;
use crate::scale::{Scale, finite};

const WIDTH: f64 = 740.0;
const HEIGHT: f64 = 260.0;

pub(crate) fn draw(x_label: &str, y_label: &str, lines: &[Line], marks: &[Mark]) -> Canvas {
    let mark_width =
        marks.iter().map(|mark| text_width(&mark_label(mark), 11.5)).fold(0.0, f64::max).min(190.0);
    let (left, right) = (52.0, WIDTH - 16.0 - mark_width);
    let legend_rows = if lines.len() > 1 { lines.len().div_ceil(2) } else { 0 };
    let top = 30.0 + 20.0 * legend_rows as f64;
    let bottom = top + HEIGHT;
    let mut canvas = Canvas::new(WIDTH, bottom + 44.0);

    let xs = lines.iter().flat_map(|line| line.points.iter().map(|point| point.0));
    let ys = lines
        .iter()
        .flat_map(|line| {
            let ends = line.band.iter().flat_map(|band| [band.0, band.1]);
            line.points.iter().map(|point| point.1).chain(ends)
        })
        .chain(marks.iter().map(|mark| mark.at));
    let x = Scale::over(xs, left, right);
    let y = Scale::over(ys, bottom, top);

    canvas.text("muted small", (8.0, 14.0), Anchor::Start, y_label);
    for (at, label) in y.ticks() {
        canvas.line("gridline", (left, at), (right, at));
        canvas.text("muted small", (left - 8.0, at + 4.0), Anchor::End, &label);
    }
    for (at, label) in x.ticks() {
        canvas.line("axis", (at, bottom), (at, bottom + 5.0));
        canvas.text("muted small", (at, bottom + 19.0), Anchor::Middle, &label);
    }
    canvas.line("axis", (left, bottom), (right, bottom));
    canvas.text(
        "muted small",
        (f64::midpoint(left, right), bottom + 38.0),
        Anchor::Middle,
        x_label,
    );

    draw_marks(&mut canvas, marks, &y, (left, right), (top, bottom));
    for (index, line) in lines.iter().enumerate() {
        draw_line(&mut canvas, index, line, &x, &y);
    }
    if legend_rows > 0 {
        let column = (right - left) / 2.0;
        for (index, line) in lines.iter().enumerate() {
            let at = (left + column * (index % 2) as f64, 32.0 + 20.0 * (index / 2) as f64);
            let (colour, dash) = series(index);
            canvas.line(&format!("line {colour} {dash}"), at, (at.0 + 30.0, at.1));
            canvas.marker(shape(index), &format!("point {colour}"), (at.0 + 15.0, at.1), 4.0);
            let name = fit(&line.name, 13.0, column - 48.0);
            canvas.text("", (at.0 + 38.0, at.1 + 4.5), Anchor::Start, &name);
        }
    }
    if lines.iter().all(|line| points(line).is_empty()) {
        let middle = (f64::midpoint(left, right), f64::midpoint(top, bottom));
        canvas.text("muted", middle, Anchor::Middle, "no values");
    }
    canvas
}

fn mark_label(mark: &Mark) -> String {
    format!("{} {}", mark.label, number(mark.at))
}

fn series(index: usize) -> (&'static str, &'static str) {
    let colours = ["s0", "s1", "s2", "s3"];
    let dashes = ["", "d1", "d2", "d3"];
    // From the fifth on, colours come back with another dash and shape.
    (colours[index % 4], dashes[(index + index / 4) % 4])
}

fn shape(index: usize) -> Shape {
    Shape::ALL[(index + index / 4) % 4]
}

/// A finite point with its band.
type Point = (At, Option<(f64, f64)>);

/// The finite points of a line with their bands.
fn points(line: &Line) -> Vec<Point> {
    line.points
        .iter()
        .enumerate()
        .filter_map(|(index, &(x, y))| {
            let band =
                line.band.get(index).and_then(|&(low, high)| Some((finite(low)?, finite(high)?)));
            Some(((finite(x)?, finite(y)?), band))
        })
        .collect()
}

fn draw_line(canvas: &mut Canvas, index: usize, line: &Line, x: &Scale, y: &Scale) {
    let points = points(line);
    let edge = |pick: fn((f64, f64)) -> f64| {
        points
            .iter()
            .filter_map(move |&((at, _), band)| Some((x.at(at), y.at(pick(band?)))))
            .collect::<Vec<_>>()
    };
    let mut area = edge(|band| band.1);
    area.extend(edge(|band| band.0).into_iter().rev());
    if area.len() > 2 {
        canvas.path(&format!("band f{}", index % 4), &area, true);
    }
    let path: Vec<_> = points.iter().map(|&((px, py), _)| (x.at(px), y.at(py))).collect();
    let (colour, dash) = series(index);
    if path.len() > 1 {
        canvas.path(&format!("line {colour} {dash}"), &path, false);
    }
    if path.len() <= 40 {
        for (&at, &((px, py), band)) in path.iter().zip(&points) {
            let interval = band.map_or_else(String::new, |(low, high)| {
                format!(" [{}, {}]", number(low), number(high))
            });
            canvas.group(&format!("{}: {} at {}{interval}", line.name, number(py), number(px)));
            canvas.marker(shape(index), &format!("point {colour}"), at, 4.0);
            canvas.end_group();
        }
    }
}

/// Reference lines, with labels pushed apart where they would overlap.
fn draw_marks(
    canvas: &mut Canvas,
    marks: &[Mark],
    y: &Scale,
    (left, right): (f64, f64),
    (top, bottom): (f64, f64),
) {
    let mut sorted: Vec<(f64, &Mark)> =
        marks.iter().filter_map(|mark| Some((y.at(finite(mark.at)?), mark))).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut last = top - 14.0;
    for (at, mark) in sorted {
        canvas.line("mark", (left, at), (right, at));
        let label_at = (at + 4.0).max(last + 14.0).min(bottom + 14.0);
        last = label_at;
        let label = fit(&mark_label(mark), 11.5, WIDTH - right - 12.0);
        canvas.text("small", (right + 8.0, label_at), Anchor::Start, &label);
    }
}
