//! Many streams, padding, damage, arrays and limits.

use caiso_core::Severity;
use caiso_pickle::{
    Callee, Catalog, End, EventKind, GapReason, Limits, ResultKind, analyse, judge,
    looks_like_pickle,
};

use crate::assemble::{bytes, global, join, list, reduce, stream, text};

fn payload() -> Vec<u8> {
    reduce(&global("os", "system"), &[text("echo pwned")])
}

fn critical(pickle: &[u8]) -> bool {
    judge(&analyse(pickle, &Limits::default()), Catalog::embedded())
        .iter()
        .any(|concern| concern.global == "os.system" && concern.severity == Severity::Critical)
}

#[test]
fn one_after_the_other() {
    let magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.";
    let file =
        join(&[magic, b"\x80\x02M\xe9\x03.", b"\x80\x02}q\x00.", b"\0\0\0\n", b"\x80\x02]q\x00."]);
    let analysis = analyse(&file, &Limits::default());
    let results: Vec<_> = analysis.streams.iter().map(|stream| stream.result.clone()).collect();
    assert_eq!(
        results,
        [
            ResultKind::Long(0x1950_a86a_20f9_469c_fc6c_u128.to_le_bytes()[..10].to_vec()),
            ResultKind::Int(1001),
            ResultKind::Dict(0, vec![]),
            ResultKind::List(0)
        ]
    );
    assert_eq!(analysis.gaps.len(), 1);
    assert_eq!(analysis.gaps[0].reason, GapReason::Padding);
    assert!(analysis.incomplete.is_empty());
}

#[test]
fn damage_does_not_hide_what_follows() {
    let evil = stream(&payload());
    for damage in [
        &b"\xff\xff\xff"[..],
        b"\x80\x04]\xff",
        b"\x80\x07",
        b"N0000",
        b"\x8e\xff\xff\xff\x7f\0\0\0\0",
    ] {
        assert!(critical(&join(&[damage, &evil])), "{damage:?}");
        assert!(critical(&join(&[damage, &payload(), b"."])), "{damage:?}");
        assert!(critical(&join(&[b"\x80\x04N.", damage, &evil])), "{damage:?}");
    }
    assert!(critical(b"\xff\xff(S'echo'\nios\nsystem\n."));
    assert!(critical(b"\xff\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x04echo\x94\x85R."));
    let found = analyse(&join(&[b"\xff\xff", &evil]), &Limits::default());
    assert!(found.streams.iter().any(|stream| stream.resynchronised && stream.range.start == 2));
    assert_eq!(found.gaps[0].range, 0..2);
}

/// What happened before an exception happened all the same.
#[test]
fn what_precedes_a_refusal_counts() {
    for end in [&b"\xff"[..], b"0000", b"h\x77.", b"", b"I-\n."] {
        assert!(critical(&join(&[b"\x80\x04", &payload(), end])), "{end:?}");
    }
}

#[test]
fn joblib_arrays() {
    for (alignment, padding) in [(&b"N"[..], &b""[..]), (b"K\x10", b"\x03\xff\xff\xff")] {
        let values = [0xff_u8; 24];
        let wrapper = join(&[
            b"\x80\x03",
            &global("joblib.numpy_pickle", "NumpyArrayWrapper"),
            b")\x81}(",
            &text("subclass"),
            &global("numpy", "ndarray"),
            &text("shape"),
            b"K\x03\x85",
            &text("order"),
            &text("C"),
            &text("dtype"),
            &reduce(&global("numpy", "dtype"), &[text("f8"), b"\x89".to_vec(), b"\x88".to_vec()]),
            &text("allow_mmap"),
            b"\x88",
            &text("numpy_array_alignment_bytes"),
            alignment,
            b"ub",
            padding,
            &values,
        ]);
        let array = join(&[&wrapper, b"."]);
        let analysis = analyse(&array, &Limits::default());
        assert_eq!(analysis.streams.len(), 1);
        assert_eq!(analysis.streams[0].end, End::Stop);
        assert_eq!(analysis.gaps[0].reason, GapReason::ArrayBytes);
        assert_eq!(analysis.gaps[0].range.len(), 24 + padding.len());
        assert!(critical(&join(&[&wrapper, b"0", &payload(), b"."])));
    }
}

#[test]
fn object_arrays_of_joblib_are_pickles_in_place() {
    let wrapper = join(&[
        b"\x80\x03",
        &global("joblib.numpy_pickle", "NumpyArrayWrapper"),
        b")\x81}(",
        &text("shape"),
        b"K\x01\x85",
        &text("dtype"),
        &reduce(&global("numpy", "dtype"), &[text("O8")]),
        b"ub",
        &stream(&payload()),
        b".",
    ]);
    let analysis = analyse(&wrapper, &Limits::default());
    assert_eq!(analysis.streams.len(), 2, "{analysis:#?}");
    assert!(analysis.streams.iter().all(|stream| stream.end == End::Stop));
    assert!(critical(&wrapper));
}

#[test]
fn limits_are_said() {
    let many = stream(&list(&vec![b"N".to_vec(); 5000]));
    let limits = Limits { steps: 100, ..Limits::default() };
    let analysis = analyse(&many, &limits);
    assert_eq!(analysis.streams[0].end, End::Limit);
    assert!(analysis.incomplete[0].range.end == many.len());
    let limits = Limits { streams: 3, ..Limits::default() };
    assert_eq!(
        analyse(&b"N.".repeat(50), &limits).incomplete[0].reason,
        "more streams than the limit"
    );
}

#[test]
fn bombs_take_linear_time() {
    // Each list holds the one before twice: printing it naively takes 2^n.
    let mut memo = b"\x80\x02]q\x00".to_vec();
    for _ in 0..10_000 {
        memo.extend_from_slice(b"0](h\x00h\x00eq\x00");
    }
    memo.extend_from_slice(&reduce(&global("os", "system"), &[b"h\x00".to_vec()]));
    memo.push(b'.');
    assert!(critical(&memo));
    // Depth.
    let mut deep = b"]".repeat(200_000);
    deep.extend_from_slice(&b"a".repeat(199_999));
    deep.push(b'.');
    assert_eq!(analyse(&deep, &Limits::default()).streams[0].end, End::Stop);
    let oversized = |pickle: &[u8]| {
        judge(&analyse(pickle, &Limits::default()), Catalog::embedded())
            .iter()
            .any(|concern| concern.severity == Severity::Medium)
    };
    assert!(oversized(&deep));
    assert!(oversized(&join(&[b"\x80\x04)", &b"2\x86".repeat(50), b"."])));
    assert!(!oversized(&join(&[b"\x80\x04)", &b"2\x86".repeat(10), b"."])));
    // Streams, text opcodes without a newline, and headers that lead nowhere.
    for bomb in [b"S".repeat(300_000), b"\x80\x04(".repeat(100_000), b"c\nc\n".repeat(50_000)] {
        analyse(&bomb, &Limits::default());
    }
}

#[test]
fn large_containers_are_not_kept() {
    let mut pickle = b"\x80\x02".to_vec();
    pickle.extend_from_slice(&reduce(&global("builtins", "list"), &[]));
    pickle.push(b'(');
    for index in 0..300_000_u32 {
        pickle.extend_from_slice(b"\x8c\x03abc\x94(K\x01K\x02t\x94G");
        pickle.extend_from_slice(&f64::from(index).to_be_bytes());
    }
    pickle.extend_from_slice(b"e");
    pickle.extend_from_slice(&payload());
    pickle.push(b'.');
    let analysis = analyse(&pickle, &Limits::default());
    assert_eq!(analysis.streams[0].end, End::Stop);
    assert!(critical(&pickle));
}

#[test]
fn calls_are_logged_in_order_with_arguments() {
    let analysis = analyse(&stream(&payload()), &Limits::default());
    insta::assert_debug_snapshot!(analysis.streams[0].events);
    let folded = reduce(
        &reduce(&global("builtins", "getattr"), &[global("os", "path"), text("exists")]),
        &[bytes(b"x")],
    );
    let analysis = analyse(&stream(&folded), &Limits::default());
    let EventKind::Call(call) = &analysis.streams[0].events[3].kind else {
        panic!("{analysis:#?}")
    };
    let Callee::Folded { global, through } = &call.callee else { panic!("{call:#?}") };
    assert_eq!((global.to_string().as_str(), through.len()), ("os.path.exists", 1));
}

#[test]
fn content_decides() {
    for pickle in [
        stream(b"N"),
        stream(&payload()),
        b"cos\nsystem\n(S'x'\ntR.".to_vec(),
        b"(dp0\nS'a'\np1\nI1\ns.".to_vec(),
        b"(lp0\nI1\naI2\na.".to_vec(),
        b"\x80\x02]q\x00.".to_vec(),
    ] {
        assert!(looks_like_pickle(&pickle), "{pickle:?}");
    }
    for other in [
        &b""[..],
        b"hello world\n",
        b"import os\nprint(1)\n",
        b"PK\x03\x04\x14\x00",
        b"\x89PNG\r\n\x1a\n",
        b"\x89HDF\r\n\x1a\n",
        b"{\"a\": 1}",
        b"\x7fELF\x02\x01",
        b"\x93NUMPY\x01\x00v\x00{'descr'",
        b"GGUF\x03\x00\x00\x00",
        b"<html>",
        b"cat\ndog\nhorse\n",
        b"((((((((((((",
        &[0; 64],
        &[0x80, 0x80, 4, 0],
    ] {
        assert!(!looks_like_pickle(other), "{other:?}");
    }
}
