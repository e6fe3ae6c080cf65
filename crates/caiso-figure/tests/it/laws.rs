use caiso_core::{
    Band, Bar, Changed, ChangedRecord, Dot, Figure, GridCell, ImageRow, Line, Mark, Raster,
};
use caiso_figure::{STYLE, svg, table};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,40}", any::<String>(), Just("<script>alert(1)</script>".to_owned())]
}

/// Any number at all, with those that break pictures made likely.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..1.0_f64,
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        Just(-0.0),
        Just(5e-324),
    ]
}

fn mark() -> impl Strategy<Value = Mark> {
    (text(), value()).prop_map(|(label, at)| Mark { label, at })
}

fn state() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("found".to_owned()),
        Just("untested".to_owned()),
        Just("gap".to_owned()),
        Just("stale".to_owned()),
        Just("missing".to_owned()),
        text()
    ]
}

fn figure() -> impl Strategy<Value = Figure> {
    let pair = || (value(), value());
    let line = (text(), vec(pair(), 0..50), vec(pair(), 0..50))
        .prop_map(|(name, points, band)| Line { name, points, band });
    let dot = (
        text(),
        option::of(value()),
        option::of(pair()),
        any::<u64>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(label, value, interval, n, reference, broken)| Dot {
            label,
            value,
            interval,
            n,
            reference,
            broken,
        });
    let band = (text(), value(), value()).prop_map(|(label, low, high)| Band { label, low, high });
    let bar = (text(), vec((state(), any::<u64>()), 0..6))
        .prop_map(|(label, parts)| Bar { label, parts });
    let cell = (text(), text(), state()).prop_map(|(label, title, state)| GridCell {
        label,
        title,
        state,
    });
    // Sizes and pixels that need not go together.
    let raster = (0_u32..6, 0_u32..6, 0_u8..4, vec(any::<u8>(), 0..40))
        .prop_map(|(width, height, channels, pixels)| Raster { width, height, channels, pixels });
    let image = (text(), vec(raster, 0..4)).prop_map(|(label, images)| ImageRow { label, images });
    let changed = (text(), value(), value(), pair())
        .prop_map(|(feature, before, after, range)| Changed { feature, before, after, range });
    let record =
        (text(), vec(changed, 0..5)).prop_map(|(label, changes)| ChangedRecord { label, changes });
    prop_oneof![
        (text(), text(), vec(text(), 0..4), vec(image, 0..4)).prop_map(
            |(title, alternative, columns, rows)| Figure::Images {
                title,
                alternative,
                columns,
                rows
            }
        ),
        (text(), text(), vec(record, 0..4)).prop_map(|(title, alternative, records)| {
            Figure::Changes { title, alternative, records }
        }),
        (text(), text(), text(), text(), vec(line, 0..6), vec(mark(), 0..4)).prop_map(
            |(title, alternative, x_label, y_label, lines, marks)| Figure::Curve {
                title,
                alternative,
                x_label,
                y_label,
                lines,
                marks
            }
        ),
        (text(), text(), text(), vec(dot, 0..12), vec(mark(), 0..4), option::of(band)).prop_map(
            |(title, alternative, x_label, dots, marks, band)| Figure::Dots {
                title,
                alternative,
                x_label,
                dots,
                marks,
                band
            }
        ),
        (text(), text(), vec(bar, 0..6)).prop_map(|(title, alternative, bars)| Figure::Strip {
            title,
            alternative,
            bars
        }),
        (text(), text(), vec((text(), vec(cell, 0..8)), 0..16))
            .prop_map(|(title, alternative, columns)| Figure::Grid { title, alternative, columns }),
    ]
}

const COORDINATES: [&str; 11] =
    ["x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "width", "height"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the values, the picture is well-formed XML with finite coordinates inside the
    /// canvas, has a name and a description, and every text survives escaping.
    #[test]
    fn any_figure_draws(figure in figure(), id in text()) {
        let svg = svg(&figure, &id);
        let document = roxmltree::Document::parse(&svg).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let root = document.root_element();
        prop_assert_eq!(root.attribute("role"), Some("img"));
        let view: Vec<f64> =
            root.attribute("viewBox").unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
        let labelled = root.attribute("aria-labelledby").unwrap();
        for id in labelled.split(' ') {
            prop_assert!(document.descendants().any(|node| node.attribute("id") == Some(id)));
        }
        for node in document.descendants().filter(roxmltree::Node::is_element) {
            prop_assert!(
                ["svg", "title", "desc", "defs", "pattern", "g", "line", "rect", "path", "circle", "text", "image"]
                    .contains(&node.tag_name().name()),
                "{}", node.tag_name().name()
            );
            for attribute in node.attributes() {
                if COORDINATES.contains(&attribute.name()) {
                    let number: f64 = attribute.value().parse().unwrap();
                    prop_assert!(number.is_finite() && (-20.0..=view[2].max(view[3]) + 20.0).contains(&number), "{number}");
                }
                if attribute.name() == "d" {
                    for number in attribute.value().split(['M', 'L', 'Z', ' ']).filter(|n| !n.is_empty()) {
                        prop_assert!(number.parse::<f64>().unwrap().is_finite());
                    }
                }
            }
        }
        let classes = document.descendants().filter_map(|node| node.attribute("class"));
        for class in classes.flat_map(|classes| classes.split(' ')).filter(|class| !class.is_empty()) {
            prop_assert!(
                STYLE.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|word| word == class)
                    || ["d0", ""].contains(&class),
                "class {} has no style", class
            );
        }
    }

    #[test]
    fn drawing_is_a_function(figure in figure()) {
        prop_assert_eq!(svg(&figure, "a"), svg(&figure, "a"));
    }

    #[test]
    fn tables_are_rectangular(figure in figure()) {
        let table = table(&figure);
        prop_assert!(table.rows.iter().all(|row| row.len() == table.headers.len()));
    }
}
