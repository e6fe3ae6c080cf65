use caiso_core::Figure;

use crate::number::number;

/// The values of a figure as text. Every row has as many cells as there are headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Column headings.
    pub headers: Vec<String>,
    /// Cells, row by row.
    pub rows: Vec<Vec<String>>,
}

/// The table twin of a figure: everything that the picture shows, in its order.
pub fn table(figure: &Figure) -> Table {
    let (headers, rows): (Vec<&str>, Vec<Vec<String>>) = match figure {
        Figure::Curve { x_label, y_label, lines, marks, .. } => {
            let mut rows = Vec::new();
            for line in lines {
                for (index, &(x, y)) in line.points.iter().enumerate() {
                    let band = line.band.get(index).copied();
                    rows.push(vec![line.name.clone(), number(x), number(y), interval(band)]);
                }
            }
            rows.extend(marks.iter().map(|mark| {
                vec![mark.label.clone(), "every value".to_owned(), number(mark.at), String::new()]
            }));
            (vec!["Line", x_label, y_label, "Interval"], rows)
        }
        Figure::Dots { x_label, dots, marks, band, .. } => {
            let mut rows: Vec<Vec<String>> = dots
                .iter()
                .map(|dot| {
                    let remark = match (dot.value, dot.broken, dot.reference) {
                        (None, _, _) => "not assessed",
                        (_, true, _) => "breaks the threshold",
                        (_, _, true) => "reference",
                        _ => "",
                    };
                    let value = dot.value.map_or_else(String::new, number);
                    let n = number(dot.n as f64);
                    vec![dot.label.clone(), value, interval(dot.interval), n, remark.to_owned()]
                })
                .collect();
            let line = |label: &str, value: String| {
                let empty = String::new;
                vec![label.to_owned(), value, empty(), empty(), "threshold or reference".to_owned()]
            };
            rows.extend(marks.iter().map(|mark| line(&mark.label, number(mark.at))));
            rows.extend(band.iter().map(|band| {
                line(&band.label, format!("{} to {}", number(band.low), number(band.high)))
            }));
            (vec!["Row", x_label, "Interval", "n", "Remark"], rows)
        }
        Figure::Strip { bars, .. } => {
            let rows = bars
                .iter()
                .flat_map(|bar| {
                    bar.parts.iter().map(|(state, count)| {
                        vec![bar.label.clone(), state.replace('-', " "), number(*count as f64)]
                    })
                })
                .collect();
            (vec!["Row", "State", "Count"], rows)
        }
        Figure::Grid { columns, .. } => {
            let rows = columns
                .iter()
                .flat_map(|(name, cells)| {
                    cells.iter().map(|cell| {
                        vec![
                            name.clone(),
                            cell.label.clone(),
                            cell.title.clone(),
                            cell.state.clone(),
                        ]
                    })
                })
                .collect();
            (vec!["Column", "Id", "Name", "State"], rows)
        }
        Figure::Images { columns, rows, .. } => {
            let size = |row: &caiso_core::ImageRow| {
                row.images
                    .first()
                    .map_or_else(String::new, |image| format!("{} x {}", image.width, image.height))
            };
            let shown = columns.join(", ");
            let rows =
                rows.iter().map(|row| vec![row.label.clone(), shown.clone(), size(row)]).collect();
            (vec!["Row", "Pictures", "Pixels"], rows)
        }
        Figure::Changes { records, .. } => {
            let rows = records
                .iter()
                .flat_map(|record| {
                    record.changes.iter().map(|changed| {
                        vec![
                            record.label.clone(),
                            changed.feature.clone(),
                            number(changed.before),
                            number(changed.after),
                            interval(Some(changed.range)),
                        ]
                    })
                })
                .collect();
            (vec!["Record", "Feature", "Before", "After", "Valid"], rows)
        }
    };
    Table { headers: headers.into_iter().map(str::to_owned).collect(), rows }
}

fn interval(ends: Option<(f64, f64)>) -> String {
    ends.map_or_else(String::new, |(low, high)| format!("{} to {}", number(low), number(high)))
}
