//! Features, classes and groups as the manifest describes them.

use std::collections::BTreeMap;

use caiso_core::manifest::Feature;
use caiso_data::Table;

const CSV: &str = "age,job,grade,deny\n31,nurse,1,no\n45.5,cook,2,yes\n60,nurse,1,no\n";

fn table() -> Table {
    Table::from_csv("data.csv", CSV.as_bytes()).unwrap()
}

fn feature(column: &str) -> Feature {
    Feature {
        column: column.to_owned().into(),
        encoding: BTreeMap::new(),
        bounds: None,
        integer: false,
        immutable: false,
    }
}

fn encoding(pairs: &[(&str, f64)]) -> BTreeMap<String, f64> {
    pairs.iter().map(|(label, number)| ((*label).to_owned(), *number)).collect()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_matrix_is_row_major_in_the_models_order() {
    let job = Feature {
        encoding: encoding(&[("nurse", 1.0), ("cook", -1.0), ("judge", 9.0)]),
        ..feature("job")
    };
    // The keys of an encoding find numbers in any spelling.
    let grade = Feature { encoding: encoding(&[("1.0", 10.0), ("2", 20.0)]), ..feature("grade") };
    let age = Feature { bounds: Some([31.0, 60.0].into()), ..feature("age") };
    let matrix = table().features(&[job, age, grade]).unwrap();
    assert_eq!((matrix.rows, matrix.width), (3, 3));
    assert_eq!(matrix.values, [1.0, 31.0, 10.0, -1.0, 45.5, 20.0, 1.0, 60.0, 10.0]);
    assert_eq!(matrix.row(1), [-1.0, 45.5, 20.0]);
    assert_eq!(table().features(&[]).unwrap().values, [0.0_f32; 0]);
}

#[test]
fn unusable_features_are_named_with_their_line() {
    let text = |feature: Feature| table().features(&[feature]).unwrap_err().to_string();
    assert_eq!(text(feature("job")), "data.csv:2: `job` is `nurse`, expected a number");
    assert_eq!(text(feature("wage")), "data.csv: has no column `wage`");
    assert_eq!(
        text(Feature { bounds: Some([0.0, 50.0].into()), ..feature("age") }),
        "data.csv:4: `age` is `60`, expected a value within its bounds [0, 50]"
    );
    assert_eq!(
        text(Feature { integer: true, ..feature("age") }),
        "data.csv:3: `age` is `45.5`, expected a whole number"
    );
    assert_eq!(
        text(Feature { encoding: encoding(&[("nurse", 1.0)]), ..feature("job") }),
        "data.csv:3: `job` is `cook`, expected a value of its encoding: `nurse`"
    );
    assert_eq!(
        text(Feature { encoding: encoding(&[("nurse", f64::NAN)]), ..feature("job") }),
        "data.csv: `job`: the encoding of `nurse` is NaN, expected a finite number"
    );
    let huge = Table::from_csv("data.csv", b"x\n1e39\n").unwrap();
    assert!(huge.features(&[feature("x")]).unwrap_err().to_string().contains("32-bit"));
}

#[test]
fn classes_are_found_in_any_spelling() {
    let table = table();
    assert_eq!(table.class_indices("deny", &strings(&["no", "yes"])).unwrap(), [0, 1, 0]);
    assert_eq!(table.class_indices("grade", &strings(&["2.0", "3", "1"])).unwrap(), [2, 0, 2]);
}

#[test]
fn labels_that_do_not_match_are_listed_with_counts() {
    let error = |classes: &[&str]| table().class_indices("deny", &strings(classes)).unwrap_err();
    let wrong = error(&["approved", "denied"]);
    assert_eq!(
        wrong.to_string(),
        "data.csv: `deny` holds `no` (2 rows), `yes` (1 rows), expected `approved`, `denied`"
    );
    assert!(wrong.help().unwrap().contains("classes"));
    assert_eq!(
        error(&["no", "yes", "no"]).to_string(),
        "data.csv: `deny`: the class `no` is listed twice"
    );
    let hole = Table::from_csv("data.csv", b"y,z\nno,1\n,1\n").unwrap();
    assert_eq!(
        hole.class_indices("y", &strings(&["no", "yes"])).unwrap_err().to_string(),
        "data.csv:3: `y` is empty, expected `no`, `yes`"
    );
}

#[test]
fn rows_of_a_group() {
    assert_eq!(table().matches("job", &strings(&["cook"])).unwrap(), [false, true, false]);
    assert_eq!(table().matches("grade", &strings(&["1.0", "2"])).unwrap(), [true; 3]);
    assert_eq!(
        table().matches("job", &strings(&["Cook"])).unwrap_err().to_string(),
        "data.csv: `job`: no row holds `Cook`; it holds `cook`, `nurse`"
    );
}
