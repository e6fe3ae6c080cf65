use caiso_core::{
    Band, Bar, Changed, ChangedRecord, Dot, Figure, GridCell, ImageRow, Line, Mark, Raster,
};
use caiso_figure::{file, svg, table};

fn mark(label: &str, at: f64) -> Mark {
    Mark { label: label.into(), at }
}

fn figures() -> [(&'static str, Figure); 6] {
    let curve = Figure::Curve {
        title: "Robust accuracy".into(),
        alternative: "Accuracy falls from 0.89 to 0.31 at epsilon 0.05.".into(),
        x_label: "epsilon (share of range)".into(),
        y_label: "accuracy".into(),
        lines: vec![
            Line {
                name: "PGD".into(),
                points: vec![(0.0, 0.89), (0.02, 0.6), (0.05, 0.31)],
                band: vec![(0.87, 0.91), (0.56, 0.64), (0.28, 0.35)],
            },
            Line {
                name: "FGSM".into(),
                points: vec![(0.0, 0.89), (0.05, 0.4), (0.1, f64::NAN)],
                band: vec![],
            },
        ],
        marks: vec![mark("gate", 0.6), mark("constant", 0.88)],
    };
    let dots = Figure::Dots {
        title: "Selection rate".into(),
        alternative: "One group is selected at 0.71 of the rate of the other.".into(),
        x_label: "ratio to the reference group".into(),
        dots: vec![
            Dot {
                label: "afam = no".into(),
                value: Some(1.0),
                interval: None,
                n: 2041,
                reference: true,
                broken: false,
            },
            Dot {
                label: "afam = yes".into(),
                value: Some(0.71),
                interval: Some((0.64, 0.79)),
                n: 339,
                reference: false,
                broken: true,
            },
            Dot {
                label: "single & <afam>".into(),
                value: None,
                interval: None,
                n: 4,
                reference: false,
                broken: false,
            },
        ],
        marks: vec![mark("parity", 1.0)],
        band: Some(Band { label: "four fifths".into(), low: 0.8, high: 1.25 }),
    };
    let strip = Figure::Strip {
        title: "Obligations".into(),
        alternative: "31 of 60 requirements are evidence-ready.".into(),
        bars: vec![
            Bar {
                label: "EU AI Act".into(),
                parts: vec![
                    ("evidence-ready".into(), 31),
                    ("gap".into(), 9),
                    ("stale".into(), 4),
                    ("missing".into(), 15),
                    ("not-applicable".into(), 1),
                ],
            },
            Bar { label: "Nothing".into(), parts: vec![] },
        ],
    };
    let cell = |label: &str, title: &str, state: &str| GridCell {
        label: label.into(),
        title: title.into(),
        state: state.into(),
    };
    let grid = Figure::Grid {
        title: "ATLAS".into(),
        alternative: "One technique was found, one tested.".into(),
        columns: vec![
            (
                "Evasion".into(),
                vec![
                    cell("T0043", "Craft Adversarial Data", "found"),
                    cell("T0015", "Evade AI Model", "tested"),
                ],
            ),
            (
                "Impact".into(),
                vec![
                    cell("T0029", "Denial of AI Service", "untested"),
                    cell("T0031", "Erode Model Integrity", "mitigated"),
                ],
            ),
        ],
    };
    let raster =
        |pixels: [u8; 4]| Raster { width: 2, height: 2, channels: 1, pixels: pixels.into() };
    let images = Figure::Images {
        title: "Examples".into(),
        alternative: "One digit is taken for another.".into(),
        columns: vec!["original".into(), "difference".into()],
        rows: vec![ImageRow {
            label: "row 3, from 4 to 9".into(),
            images: vec![raster([0, 255, 9, 8]), raster([127, 128, 0, 255])],
        }],
    };
    let changes = Figure::Changes {
        title: "Examples".into(),
        alternative: "A slightly higher income flips the decision.".into(),
        records: vec![ChangedRecord {
            label: "row 7, from no to yes".into(),
            changes: vec![
                Changed { feature: "pirat".into(), before: 0.31, after: 0.28, range: (0.0, 3.0) },
                Changed { feature: "constant".into(), before: 1.0, after: 1.0, range: (1.0, 1.0) },
            ],
        }],
    };
    [
        ("curve", curve),
        ("dots", dots),
        ("strip", strip),
        ("grid", grid),
        ("images", images),
        ("changes", changes),
    ]
}

/// One element a line, so that a change of the picture reads in a diff.
fn lines(svg: &str) -> String {
    svg.replace("><", ">\n<")
}

#[test]
fn pictures() {
    for (name, figure) in figures() {
        insta::assert_snapshot!(name, lines(&svg(&figure, name)));
    }
}

#[test]
fn tables() {
    for (name, figure) in figures() {
        let table = table(&figure);
        let rows: Vec<String> = std::iter::once(table.headers.join(" | "))
            .chain(table.rows.iter().map(|row| row.join(" | ")))
            .collect();
        insta::assert_snapshot!(format!("table_{name}"), rows.join("\n"));
    }
}

#[test]
fn a_file_is_one_document_with_its_style() {
    for (name, figure) in figures() {
        let text = file(&figure);
        let document = roxmltree::Document::parse(&text).unwrap();
        let style = document.root_element().first_element_child().unwrap();
        assert_eq!(style.tag_name().name(), "style", "{name}");
        assert!(style.text().unwrap().contains(".figure text"));
    }
}
