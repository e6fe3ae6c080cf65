//! Figures say what the measurements say.

use caiso_core::Figure;
use serde_json::json;

use crate::{run, table};

#[test]
fn dots_mark_reference_band_and_broken_rows() {
    let input = table(
        "a",
        &[("a", [36, 4, 4, 6]), ("b", [18, 22, 2, 8]), ("c", [2, 1, 1, 0]), ("d", [34, 6, 3, 7])],
    );
    let outcome = run("FA-GROUP-001", &input, &json!({})).unwrap();
    let [Figure::Dots { dots, marks, band, alternative, .. }] = outcome.figures.as_slice() else {
        panic!("{:?}", outcome.figures)
    };
    let facts: Vec<(&str, Option<f64>, bool, bool)> =
        dots.iter().map(|d| (d.label.as_str(), d.value, d.reference, d.broken)).collect();
    assert_eq!(
        facts,
        [
            ("a", Some(0.8), true, false),
            ("b", Some(0.4), false, true),
            ("c (under 30 rows)", None, false, false),
            ("d", Some(0.74), false, false)
        ]
    );
    assert_eq!(dots[2].n, 0, "the size of a small group is not shown either");
    assert_eq!(marks[0].at, 0.8);
    let band = band.as_ref().unwrap();
    assert!((band.low - 0.64).abs() < 1e-12 && (band.high - 1.0).abs() < 1e-12);
    assert!(alternative.contains("a 80.0 %, b 40.0 %, c (under 30 rows) not shown"));
}
