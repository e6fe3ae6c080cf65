//! Reading good tables.

use caiso_data::{Column, Table};

fn table(text: &str) -> Table {
    Table::from_csv("data.csv", text.as_bytes()).unwrap()
}

#[test]
fn columns_get_their_types() {
    let table = table("age,job,flag\n31,nurse,yes\n-4.5e1,,no\n0,nurse,\n");
    assert_eq!(table.rows(), 3);
    assert_eq!(table.names(), ["age", "job", "flag"]);
    assert_eq!(table.numbers("age").unwrap(), [31.0, -45.0, 0.0]);
    let job = table.labels("job").unwrap();
    assert_eq!(job.values, ["", "nurse"]);
    assert_eq!(job.codes, [1, 0, 1]);
    assert_eq!(table.labels("flag").unwrap().counts(), [1, 1, 1]);
}

#[test]
fn codes_that_look_like_numbers_stay_text() {
    let table = table("zip,account,bare\n01067,1234567890123456,7\n99999,2,\n");
    assert!(matches!(table.column("zip").unwrap(), Column::Text { .. }));
    assert!(matches!(table.column("account").unwrap(), Column::Text { .. }));
    assert_eq!(table.labels("zip").unwrap().values, ["01067", "99999"]);
    assert!(matches!(table.column("bare").unwrap(), Column::Number(_)));
}

#[test]
fn labels_of_numbers_are_short_ascending_and_one_for_each_number() {
    let table = table("g\n10\n2\n2.0\n-0\n0\n-3.5\n");
    let labels = table.labels("g").unwrap();
    assert_eq!(labels.values, ["-3.5", "0", "2", "10"]);
    assert_eq!(labels.codes, [3, 2, 2, 1, 1, 0]);
}

#[test]
fn quotes_line_ends_and_byte_order_marks() {
    let table = table("\u{feff}name,text\r\n\"a \"\"b\"\"\",\"two\r\nlines\"\r\n\r\nc,d");
    assert_eq!(table.names(), ["name", "text"]);
    assert_eq!(table.labels("name").unwrap().values, ["a \"b\"", "c"]);
    assert_eq!(table.labels("text").unwrap().values, ["d", "two\r\nlines"]);
    assert_eq!((table.line(0), table.line(1), table.line(2)), (Some(2), Some(5), None));
}

#[test]
fn blank_lines_do_not_shift_the_line_numbers() {
    let table = table("\n\na,b\n1,2\n\n\n3,4\n\n");
    assert_eq!((table.line(0), table.line(1)), (Some(4), Some(7)));
}

#[test]
fn the_digest_is_of_the_bytes() {
    // printf 'a\n1\n' | sha256sum
    assert_eq!(
        table("a\n1\n").sha256(),
        "309b0e45a73d3fc5325e2b6ed0a01ef8b9cde6b05a5633c1f893f970d52bfddc"
    );
}
