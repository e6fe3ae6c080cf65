//! Parquet, against files that pyarrow wrote (`parquet/make.py`) and the CSV with the same cells.

use caiso_data::{Column, Data, DataError, Table, npy, read};
use proptest::prelude::*;

const EXPECTED: &[u8] = include_bytes!("parquet/expected.csv");
const SNAPPY: &[u8] = include_bytes!("parquet/snappy.parquet");
const PLAIN: &[u8] = include_bytes!("parquet/plain.parquet");
const GZIP: &[u8] = include_bytes!("parquet/gzip.parquet");
const LZ4: &[u8] = include_bytes!("parquet/lz4.parquet");

#[test]
fn every_type_encoding_and_compression_reads_as_its_csv() {
    let expected = Table::from_csv("expected.csv", EXPECTED).unwrap();
    for (name, bytes) in [("snappy", SNAPPY), ("plain", PLAIN), ("gzip", GZIP), ("lz4", LZ4)] {
        let table = Table::from_parquet(name, bytes).unwrap();
        assert_eq!((table.rows(), table.names()), (23, expected.names()), "{name}");
        for column in expected.names() {
            let (found, wanted) = (table.column(column).unwrap(), expected.column(column).unwrap());
            // Not compared as columns: a missing number is NaN.
            assert_eq!(found.labels(), wanted.labels(), "{name} {column}");
            assert_eq!(
                matches!(found, Column::Number(_)),
                matches!(wanted, Column::Number(_)),
                "{name} {column}"
            );
        }
    }
}

#[test]
fn a_file_is_known_by_its_content() {
    let Data::Table(table) = read("x", SNAPPY).unwrap() else { panic!("a table") };
    assert_eq!(table.names()[0], "double");
    let message = table.numbers("missing").unwrap_err().to_string();
    assert_eq!(message, "x:4: `missing` is empty, expected a number");
    let Data::Table(table) = read("x", b"a,b\n1,2\n").unwrap() else { panic!("a table") };
    assert_eq!(table.numbers("b").unwrap(), [2.0]);
    let Data::Array(array) = read("x", &npy(&[1, 2], &[0.5, 1.0])).unwrap() else {
        panic!("an array")
    };
    assert_eq!(array.shape, [1, 2]);
}

fn error(bytes: &[u8]) -> DataError {
    Table::from_parquet("x.parquet", bytes).unwrap_err()
}

#[test]
fn what_is_not_read_is_explained() {
    for (bytes, expected) in [
        (&include_bytes!("parquet/nested.parquet")[..], "`list.list.element`: is nested, expected"),
        (
            include_bytes!("parquet/zstd.parquet"),
            "`double` is compressed by ZSTD(ZstdLevel(1)), which is not read",
        ),
        (include_bytes!("parquet/int96.parquet"), "`t`: holds INT96 values"),
        (include_bytes!("parquet/empty.parquet"), "has a heading but no rows"),
        (&SNAPPY[..100], "cannot be read"),
        (b"PAR1PAR1", "cannot be read"),
    ] {
        let message = error(bytes).to_string();
        assert!(message.starts_with("x.parquet: ") && message.contains(expected), "{message}");
    }
    let odd = Table::from_parquet("x", include_bytes!("parquet/odd.parquet")).unwrap();
    assert_eq!(odd.labels("x").unwrap().values, [""]);
    let message = odd.numbers("f").unwrap_err().to_string();
    assert!(message.contains("`f` is `inf`, expected a number"), "{message}");
}

proptest! {
    #[test]
    fn damaged_tables_do_no_harm(
        which in 0_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        tail in any::<bool>(),
    ) {
        let mut bytes = [SNAPPY, PLAIN, GZIP, LZ4][which].to_vec();
        // Half of the time in the metadata at the end.
        let from = if tail { bytes.len() * 2 / 3 } else { 0 };
        for (place, byte) in changes {
            let place = from + place.index(bytes.len() - from);
            bytes[place] = byte;
        }
        if let Ok(table) = Table::from_parquet("x", &bytes) {
            for name in table.names() {
                prop_assert_eq!(table.labels(name).unwrap().codes.len(), table.rows());
            }
        }
    }
}
