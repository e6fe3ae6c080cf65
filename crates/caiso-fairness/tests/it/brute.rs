//! Every number recomputed row by row, the slow and obvious way.

use caiso_core::Outcome;
use caiso_fairness::FairnessInput;
use proptest::prelude::*;
use serde_json::json;

use crate::{attribute, run};

/// Rows of (actual, predicted, race, sex).
type Row = (bool, bool, usize, usize);

const RACES: [&str; 3] = ["a", "b", "c"];
const SEXES: [&str; 2] = ["f", "m"];

fn input(rows: &[Row]) -> FairnessInput {
    let races: Vec<&str> = rows.iter().map(|row| RACES[row.2]).collect();
    let sexes: Vec<&str> = rows.iter().map(|row| SEXES[row.3]).collect();
    let (races, sexes) = (attribute("race", &races, &[]), attribute("sex", &sexes, &[]));
    let privileged = |mut of: caiso_fairness::Attribute, wanted: &[&str]| {
        let known = |w: &&&str| of.values.iter().any(|value| value == **w);
        of.privileged = wanted.iter().filter(known).map(|&w| w.to_owned()).collect();
        of
    };
    FairnessInput {
        component: "model:m".to_owned(),
        actual: rows.iter().map(|row| row.0).collect(),
        predicted: rows.iter().map(|row| row.1).collect(),
        attributes: vec![privileged(races, &["a"]), privileged(sexes, &["m"])],
        ..FairnessInput::default()
    }
}

/// Mean of `value` over the rows that `chosen` keeps.
fn mean(rows: &[Row], chosen: impl Fn(&Row) -> bool, value: impl Fn(&Row) -> bool) -> Option<f64> {
    let chosen: Vec<&Row> = rows.iter().filter(|row| chosen(row)).collect();
    let hits = chosen.iter().filter(|row| value(row)).count();
    (!chosen.is_empty()).then(|| hits as f64 / chosen.len() as f64)
}

fn known(outcome: &Outcome, key: &str) -> Option<f64> {
    outcome.measurement(key).unwrap_or_else(|| panic!("no {key}")).value.known()
}

/// Compares every metric of one comparison with the rows.
fn compare(
    outcome: &Outcome,
    labels: &str,
    rows: &[Row],
    group: impl Fn(&Row) -> bool + Copy,
    reference: impl Fn(&Row) -> bool + Copy,
) -> Result<(), TestCaseError> {
    let both = |chosen: &dyn Fn(&Row) -> bool, value: fn(&Row) -> bool| {
        (
            mean(rows, |row| group(row) && chosen(row), value),
            mean(rows, |row| reference(row) && chosen(row), value),
        )
    };
    let minus = |(a, b): (Option<f64>, Option<f64>)| Some(a? - b?);
    let selection = both(&|_| true, |row| row.1);
    let opportunity = minus(both(&|row| row.0, |row| row.1));
    let false_positive = minus(both(&|row| !row.0, |row| row.1));
    let odds = opportunity.zip(false_positive);
    let ratio = match selection {
        (Some(a), Some(b)) if b > 0.0 => Some(a / b),
        _ => None,
    };
    let expected = [
        ("statistical_parity_difference", minus(selection)),
        ("disparate_impact", ratio),
        ("equal_opportunity_difference", opportunity),
        ("average_odds_difference", odds.map(|(t, f)| f64::midpoint(t, f))),
        ("average_absolute_odds_difference", odds.map(|(t, f)| f64::midpoint(t.abs(), f.abs()))),
        ("equalized_odds_difference", odds.map(|(t, f)| t.abs().max(f.abs()))),
        ("accuracy_difference", minus(both(&|_| true, |row| row.0 == row.1))),
    ];
    for (name, expected) in expected {
        let ours = known(outcome, &format!("{name}[{labels}]"));
        prop_assert_eq!(ours.is_some(), expected.is_some(), "{}", name);
        if let (Some(ours), Some(expected)) = (ours, expected) {
            prop_assert!((ours - expected).abs() < 1e-12, "{}: {} {}", name, ours, expected);
        }
    }
    Ok(())
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((any::<bool>(), any::<bool>(), 0..3_usize, 0..2_usize), 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_cube_gives_what_the_rows_give(rows in rows()) {
        let input = input(&rows);
        let outcome =
            run("FA-GROUP-001", &input, &json!({"minimum_group_size": 1, "replicates": 200})).unwrap();
        for (value, name) in RACES.iter().enumerate() {
            let here = |row: &Row| row.2 == value;
            if rows.iter().any(here) {
                let key = |rate: &str| format!("{rate}[attribute=race,group={name}]");
                let chosen = rows.iter().filter(|row| here(row)).count();
                prop_assert_eq!(known(&outcome, &key("group_size")), Some(chosen as f64));
                for (rate, expected) in [
                    ("base_rate", mean(&rows, here, |row| row.0)),
                    ("selection_rate", mean(&rows, here, |row| row.1)),
                    ("true_positive_rate", mean(&rows, |row| here(row) && row.0, |row| row.1)),
                    ("false_positive_rate", mean(&rows, |row| here(row) && !row.0, |row| row.1)),
                    ("accuracy", mean(&rows, here, |row| row.0 == row.1)),
                ] {
                    prop_assert_eq!(known(&outcome, &key(rate)), expected);
                }
            }
        }
        let has = |column: usize, value: usize| {
            rows.iter().any(|row| [row.2, row.3][column] == value)
        };
        if has(1, 0) && has(1, 1) {
            let labels = "attribute=sex,group=f,reference=m";
            compare(&outcome, labels, &rows, |row| row.3 == 0, |row| row.3 == 1)?;
        }
        if has(0, 0) {
            let others = match (has(0, 1), has(0, 2)) {
                (true, true) => Some("b or c"),
                (true, false) => Some("b"),
                (false, true) => Some("c"),
                (false, false) => None,
            };
            if let Some(others) = others {
                let labels = format!("attribute=race,group={others},reference=a");
                compare(&outcome, &labels, &rows, |row| row.2 != 0, |row| row.2 == 0)?;
            }
            for value in [1, 2] {
                if has(0, value) {
                    let labels = format!("attribute=race,group={},reference=a", RACES[value]);
                    compare(&outcome, &labels, &rows, |row| row.2 == value, |row| row.2 == 0)?;
                }
            }
        }
    }

    #[test]
    fn intersections_are_what_the_rows_give(rows in rows()) {
        let input = input(&rows);
        let outcome = run("FA-INTER-001", &input, &json!({"minimum_group_size": 1})).unwrap();
        let privileged = |row: &Row| row.2 == 0 && row.3 == 1;
        let base = mean(&rows, privileged, |row| row.1);
        for (i, race) in RACES.iter().enumerate() {
            for (j, sex) in SEXES.iter().enumerate() {
                let here = |row: &Row| row.2 == i && row.3 == j;
                let key = |name: &str| format!("{name}[attributes=race and sex,group={race} and {sex}]");
                let Some(rate) = mean(&rows, here, |row| row.1) else {
                    prop_assert!(outcome.measurement(&key("selection_rate")).is_none());
                    continue;
                };
                prop_assert_eq!(known(&outcome, &key("selection_rate")), Some(rate));
                if let Some(base) = base && !(i == 0 && j == 1) {
                    let ratio = (base > 0.0).then(|| rate / base);
                    prop_assert_eq!(known(&outcome, &key("disparate_impact")), ratio);
                    let broken = base.max(rate) > 0.0 && base.min(rate) / base.max(rate) < 0.8;
                    let part = format!("race = {race} and sex = {sex}");
                    let found =
                        outcome.findings.iter().any(|f| f.location.part.as_ref() == Some(&part));
                    prop_assert_eq!(broken, found);
                }
            }
        }
    }

    #[test]
    fn order_of_rows_is_no_matter(rows in rows(), seed in any::<u64>()) {
        let mut shuffled = rows.clone();
        caiso_math::Stream::new(seed, "test", 0).shuffle(&mut shuffled);
        let parameters = json!({"minimum_group_size": 2, "replicates": 200});
        let outcome = |rows| run("FA-GROUP-001", &input(rows), &parameters).unwrap();
        prop_assert_eq!(outcome(&rows), outcome(&shuffled));
    }
}
