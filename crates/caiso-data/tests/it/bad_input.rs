//! Every way a table can be wrong, with the message a person reads.

use caiso_core::Diagnostic;
use caiso_data::{DataError, MAX_CELL_BYTES, MAX_COLUMNS, Table};

fn message(error: DataError) -> String {
    let help = error.help();
    let text = error.to_string();
    let diagnostic = Diagnostic::from(error).to_string();
    assert!(diagnostic.starts_with("data.csv"), "{diagnostic}");
    help.map_or(text.clone(), |help| format!("{text}; {help}"))
}

fn reading(bytes: impl AsRef<[u8]>) -> String {
    message(Table::from_csv("data.csv", bytes.as_ref()).unwrap_err())
}

#[test]
fn nothing_to_read() {
    for empty in ["", "\n", "\r\n\n", "\u{feff}"] {
        assert_eq!(reading(empty), "data.csv: is empty, expected a heading line and rows");
    }
    assert_eq!(reading("a,b\n"), "data.csv:1: has a heading but no rows");
    assert_eq!(reading("a,b\n\n\n"), "data.csv:1: has a heading but no rows");
}

#[test]
fn ragged_rows() {
    let help = "a cell that holds a comma or a line end needs quotation marks";
    assert_eq!(
        reading("a,b\n1,2\n3\n"),
        format!("data.csv:3: has 1 cells, expected 2 as in the heading; {help}")
    );
    assert_eq!(
        reading("a,b\n\n1,2,3\n"),
        format!("data.csv:3: has 3 cells, expected 2 as in the heading; {help}")
    );
}

#[test]
fn headings() {
    assert_eq!(reading("a,b,a\n1,2,3\n"), "data.csv:1: the heading names `a` twice");
    assert_eq!(reading("a,,c\n1,2,3\n"), "data.csv:1: column 2 has no name in the heading");
    let wide = vec!["x"; MAX_COLUMNS + 1].join(",");
    assert_eq!(reading(wide), "data.csv:1: has 16385 columns, expected at most 16384");
}

#[test]
fn not_utf8() {
    assert_eq!(
        reading(b"a,b\n1,2\nM\xfcller,3\n"),
        "data.csv:3: byte 9 of the file is not UTF-8 text; save the file as UTF-8"
    );
    // UTF-16 with a byte-order mark, as spreadsheets export it.
    assert!(reading(b"\xff\xfea\0\n\0").contains(":1: byte 0 of the file is not UTF-8"));
}

#[test]
fn quotation_marks_left_open_are_not_swallowed() {
    let help = "close it, or double a mark that belongs to the text";
    let expected =
        |line| format!("data.csv:{line}: a quotation mark opens here and never closes; {help}");
    assert_eq!(reading("a\n1\n\"2\n3\n4\n"), expected(3));
    assert_eq!(reading("a,b\n1,\"x"), expected(2));
    assert_eq!(reading("a,\"b\n1,2\n"), expected(1));
    assert_eq!(reading("\""), expected(1));
}

#[test]
fn a_row_like_the_inner_end_mark_is_a_row() {
    let table = Table::from_csv("data.csv", b"a\n\x01end\nx\n").unwrap();
    assert_eq!(table.labels("a").unwrap().values, ["\u{1}end", "x"]);
    assert_eq!(Table::from_csv("data.csv", b"a\n\x01end").unwrap().rows(), 1);
}

#[test]
fn huge_cells() {
    let text = format!("a,b\n1,{}\n", "x".repeat(MAX_CELL_BYTES + 1));
    assert_eq!(
        reading(text),
        "data.csv:2: a cell of `b` is 1048577 bytes long, expected at most 1048576; is a quotation mark left open?"
    );
    assert!(reading(format!("{}\n1\n", "x".repeat(MAX_CELL_BYTES + 1))).contains("`column 1`"));
}

#[test]
fn missing_columns_name_the_nearest() {
    let text = |csv: &str, name: &str| {
        message(Table::from_csv("data.csv", csv.as_bytes()).unwrap().labels(name).unwrap_err())
    };
    let csv = "deny,afam,single\nno,no,yes\n";
    assert_eq!(text(csv, "denny"), "data.csv: has no column `denny`; did you mean `deny`?");
    assert_eq!(
        text(csv, "religion"),
        "data.csv: has no column `religion`; columns: `deny`, `afam`, `single`"
    );
    assert_eq!(
        text("deny;afam\nno;yes\n", "afam"),
        "data.csv: has no column `afam`; separate cells by commas, not by ';'"
    );
}

#[test]
fn columns_that_are_no_numbers() {
    let text = |csv: &str| {
        message(Table::from_csv("data.csv", csv.as_bytes()).unwrap().numbers("x").unwrap_err())
    };
    let fill = "fill the cell or leave the row out before the assessment";
    assert_eq!(text("x,y\n1,1\nten,1\n"), "data.csv:3: `x` is `ten`, expected a number");
    assert_eq!(
        text("x,y\n1,1\n,1\n"),
        format!("data.csv:3: `x` is empty, expected a number; {fill}")
    );
    assert_eq!(
        text("x,y\n,1\n,1\n"),
        format!("data.csv:2: `x` is empty, expected a number; {fill}")
    );
    // The first unusable cell counts, whatever made the column text.
    assert_eq!(
        text("x,y\n1,1\n,1\nten,1\n"),
        format!("data.csv:3: `x` is empty, expected a number; {fill}")
    );
    for odd in ["NaN", "inf", "-Infinity", "1e999", "0x10", "1 000", "1.2.3", "NA", "007"] {
        assert_eq!(
            text(&format!("x\n1\n{odd}\n")),
            format!("data.csv:3: `x` is `{odd}`, expected a number")
        );
    }
}
