//! Where CPython's two unpicklers part ways.

use caiso_core::Severity;
use caiso_pickle::{AcceptedBy, Catalog, DifferenceKind, EventKind, Limits, analyse, judge};

use crate::assemble::{global, join, text};

fn differences(pickle: &[u8]) -> Vec<(DifferenceKind, AcceptedBy)> {
    analyse(pickle, &Limits::default())
        .streams
        .iter()
        .flat_map(|stream| &stream.events)
        .filter_map(|event| match &event.kind {
            EventKind::Difference(difference) => Some((difference.kind, difference.accepted_by)),
            _ => None,
        })
        .collect()
}

fn frame(length: u64) -> Vec<u8> {
    join(&[b"\x95", &length.to_le_bytes()])
}

#[test]
fn frames() {
    use DifferenceKind::{FrameLeft, FrameNested, FrameStraddled, FrameTooLong};
    let fine = join(&[b"\x80\x04", &frame(2), b"N."]);
    assert_eq!(differences(&fine), []);
    // The length of the payload is the last thing in the frame: both go on behind it.
    let edge = join(&[b"\x80\x04", &frame(2), b"\x8c\x02", b"ab."]);
    assert_eq!(differences(&edge), []);
    let straddled = join(&[b"\x80\x04", &frame(3), b"\x8c\x02ab."]);
    assert_eq!(differences(&straddled), [(FrameStraddled, AcceptedBy::C)]);
    let nested = join(&[b"\x80\x04", &frame(11), &frame(2), b"N."]);
    assert_eq!(differences(&nested), [(FrameNested, AcceptedBy::C)]);
    let long = join(&[b"\x80\x04", &frame(200), b"N."]);
    assert_eq!(differences(&long)[0], (FrameTooLong, AcceptedBy::Python));
    let left = join(&[b"\x80\x04", &frame(4), b"N.NN"]);
    assert_eq!(differences(&left), [(FrameLeft, AcceptedBy::Both)]);
}

/// cpython issue 154848: a constant that begins in a frame and ends after it hides a call.
#[test]
fn hidden_by_a_frame() {
    let call = b"cbuiltins\neval\n(S'print(1)'\ntR.";
    let pickle = join(&[b"\x80\x05N0(", &frame(2), b"B\x27\x00\x00\x00", b"\x00\x00", call, b"1."]);
    let concerns = judge(&analyse(&pickle, &Limits::default()), Catalog::embedded());
    assert!(
        concerns
            .iter()
            .any(|concern| concern.global == "builtins.eval" && concern.severity >= Severity::High),
        "{concerns:#?}"
    );
}

#[test]
fn numbers() {
    use DifferenceKind::{MemoIndex, Number};
    for (pickle, expected) in [
        (&b"I010\n."[..], Some((Number, AcceptedBy::C))),
        (b"I1\0x\n.", Some((Number, AcceptedBy::C))),
        (b"I+1\n.", Some((Number, AcceptedBy::Both))),
        (b"I01\n.", None),
        (b"I10\n.", None),
        (b"F1_0.5\n.", Some((Number, AcceptedBy::Python))),
        (b"F1.5\n.", None),
        (b"Np1\0\n.", Some((Number, AcceptedBy::C))),
        (b"Nr\xff\xff\xff\xff.", Some((MemoIndex, AcceptedBy::Python))),
    ] {
        assert_eq!(differences(pickle), expected.into_iter().collect::<Vec<_>>(), "{pickle:?}");
    }
}

#[test]
fn calls_that_one_of_them_makes() {
    use DifferenceKind::{ArgumentsNotTuple, EmptyState, LineEnd, NoItems};
    let list = join(&[&global("os", "system"), b"]", &text("echo"), b"aR."]);
    assert_eq!(differences(&list), [(ArgumentsNotTuple, AcceptedBy::Python)]);
    let concerns = judge(&analyse(&list, &Limits::default()), Catalog::embedded());
    assert!(concerns.iter().any(|concern| {
        concern.global == "os.system" && concern.severity == Severity::Critical
    }));
    assert_eq!(differences(b"(S'echo'\nios\nsystem."), [(LineEnd, AcceptedBy::Python)]);
    assert_eq!(differences(b"N(e."), [(NoItems, AcceptedBy::C)]);
    assert_eq!(differences(b"N(\x90."), [(NoItems, AcceptedBy::C)]);
    assert_eq!(differences(b"](e."), []);
    assert_eq!(differences(b"]]b."), [(EmptyState, AcceptedBy::Python)]);
    assert_eq!(differences(b"]}b."), [(EmptyState, AcceptedBy::Python)]);
    assert_eq!(differences(b"]Nb."), []);
    let both_go_on = join(&[b"N(e", &global("os", "system"), b"(S'echo'\ntR."]);
    let concerns = judge(&analyse(&both_go_on, &Limits::default()), Catalog::embedded());
    assert!(
        concerns
            .iter()
            .any(|concern| concern.global == "pickle" && concern.severity == Severity::High)
    );
}
