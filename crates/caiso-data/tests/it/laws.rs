//! Laws on random tables and random bytes.

use caiso_data::{Column, Table};
use proptest::prelude::*;

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// Everything that reads a table, on bytes of any kind. The fuzz target calls the same.
fn exercise(bytes: &[u8]) {
    if let Ok(table) = Table::from_csv("fuzz.csv", bytes) {
        for name in table.names() {
            let labels = table.labels(name).unwrap();
            assert_eq!(labels.codes.len(), table.rows());
            assert_eq!(labels.counts().iter().sum::<u64>(), table.rows() as u64);
            if let Err(error) = table.numbers(name) {
                assert!(!error.to_string().is_empty());
            }
            let indices = table.class_indices(name, &labels.values);
            if labels.values.first().is_some_and(|value| !value.is_empty())
                && labels.values.iter().all(|v| !v.is_empty())
            {
                assert_eq!(indices.unwrap().len(), table.rows());
            }
        }
    }
}

proptest! {
    #[test]
    fn texts_survive(rows in prop::collection::vec(("[a-z\",;\r\n\u{e9} ]{0,6}", "[x-z]{1,3}"), 1..20)) {
        let mut csv = "\"left\",right\n".to_owned();
        for (left, right) in &rows {
            csv += &format!("{},{right}\n", quoted(left));
        }
        let table = Table::from_csv("data.csv", csv.as_bytes()).unwrap();
        prop_assert_eq!(table.rows(), rows.len());
        let labels = table.labels("left").unwrap();
        for (row, (left, _)) in rows.iter().enumerate() {
            let label = &labels.values[labels.codes[row] as usize];
            // A column of blanks alone is one of missing numbers.
            if matches!(table.column("left").unwrap(), Column::Text { .. }) {
                prop_assert_eq!(label, left);
            }
        }
        prop_assert!(labels.values.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn numbers_survive(numbers in prop::collection::vec(any::<f64>().prop_filter("finite", |n| n.is_finite()), 1..20)) {
        let csv: String = "n\n".chars().chain(numbers.iter().flat_map(|n| format!("{n:e}\n").chars().collect::<Vec<_>>())).collect();
        let table = Table::from_csv("data.csv", csv.as_bytes()).unwrap();
        prop_assert_eq!(table.numbers("n").unwrap(), numbers.as_slice());
        let labels = table.labels("n").unwrap();
        for (row, number) in numbers.iter().enumerate() {
            prop_assert_eq!(labels.values[labels.codes[row] as usize].parse::<f64>().unwrap(), *number);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[a-c0-9,\"\r\n.; \u{1}\u{feff}]{0,80}") {
        exercise(text.as_bytes());
    }
}
