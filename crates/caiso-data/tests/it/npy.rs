//! Arrays of NumPy.

use caiso_data::{Array, npy};
use proptest::prelude::*;

/// A file as `numpy.save` writes it, version 1.0.
fn file(kind: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), data].concat()
}

fn problem(bytes: &[u8]) -> String {
    Array::from_npy("x.npy", bytes).unwrap_err().to_string()
}

#[test]
fn every_type_is_read() {
    let read = |kind: &str, data: &[u8]| {
        Array::from_npy("x.npy", &file(kind, "False", "(2,)", data)).unwrap().values
    };
    let two = |one: &[u8], two: &[u8]| [one, two].concat();
    assert_eq!(read("<f4", &two(&1.5_f32.to_le_bytes(), &(-2.0_f32).to_le_bytes())), [1.5, -2.0]);
    assert_eq!(read(">f8", &two(&1.5_f64.to_be_bytes(), &(-2.0_f64).to_be_bytes())), [1.5, -2.0]);
    assert_eq!(read("<i8", &two(&7_i64.to_le_bytes(), &(-1_i64).to_le_bytes())), [7.0, -1.0]);
    assert_eq!(read(">i2", &two(&7_i16.to_be_bytes(), &(-1_i16).to_be_bytes())), [7.0, -1.0]);
    assert_eq!(read("|u1", &[7, 255]), [7.0, 255.0]);
    assert_eq!(read("|b1", &[1, 0]), [1.0, 0.0]);
}

/// Name and bytes of each array that `npy/make.py` saved.
fn saved() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let bytes = |text: &str| -> Vec<u8> {
        let byte = |i: usize| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap();
        (0..text.len() / 2).map(byte).collect()
    };
    let lines = include_str!("npy/numpy.txt").lines().map(|line| line.split_once(' ').unwrap());
    lines.map(move |(name, text)| (name, bytes(text)))
}

#[test]
fn what_numpy_writes_is_read() {
    let mut count = 0;
    for (name, bytes) in saved() {
        let array = Array::from_npy(name, &bytes);
        if let "record" | "text" | "complex" = name {
            array.unwrap_err();
        } else if name.contains(['<', '>']) {
            let expected: Vec<f64> = (0_i32..12)
                .map(|index| match name.as_bytes()[0] {
                    b'f' => f64::from(index - 6) / 4.0,
                    b'i' => f64::from(index - 6),
                    b'u' => f64::from(index),
                    _ => f64::from(u8::from(index % 3 == 0)),
                })
                .collect();
            assert_eq!(array.unwrap(), Array { shape: vec![2, 3, 2], values: expected }, "{name}");
            count += 1;
        } else {
            array.unwrap();
        }
    }
    assert_eq!(count, 56, "12 types, both byte orders and orders of axes, 3 versions of f4");
}

#[test]
fn what_is_written_reads_as_what_numpy_writes() {
    let theirs = saved().find(|(name, _)| *name == "f4<C1").unwrap().1;
    let values: Vec<f32> = (0_i16..12).map(|index| f32::from(index - 6) / 4.0).collect();
    let ours = npy(&[2, 3, 2], &values);
    assert_eq!(ours.len(), theirs.len());
    assert_eq!(Array::from_npy("x", &ours), Array::from_npy("x", &theirs));
}

#[test]
fn fortran_order_becomes_row_major() {
    let array = Array::from_npy("x.npy", &file("|u1", "True", "(2, 3)", &[1, 4, 2, 5, 3, 6]));
    let array = array.unwrap();
    assert_eq!(array.shape, [2, 3]);
    assert_eq!(array.values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn scalars_and_empty_arrays_have_shapes() {
    let read = |shape: &str, data: &[u8]| {
        Array::from_npy("x.npy", &file("|u1", "True", shape, data)).unwrap()
    };
    assert_eq!(read("(99999999999, 0)", &[]).values, Vec::<f64>::new());
    assert_eq!(read("()", &[9]), Array { shape: vec![], values: vec![9.0] });
    assert_eq!(read("(0, 3)", &[]), Array { shape: vec![0, 3], values: vec![] });
}

#[test]
fn what_is_wrong_is_told() {
    assert_eq!(
        problem(b"PK\x03\x04"),
        "x.npy: does not begin as an .npy file; save it with numpy.save"
    );
    assert_eq!(
        problem(&file("<f4", "False", "(2,)", &[0; 7])),
        "x.npy: has 7 bytes of data, expected 2 values of <f4"
    );
    assert_eq!(
        problem(&file("|O", "False", "(2,)", &[0; 7])),
        "x.npy: holds values of type \"|O\", expected floats, integers or booleans"
    );
    assert!(problem(&file("<f4", "False", "(2,)", &[0; 9])).contains("has 9 bytes of data"));
    assert!(problem(&file("<f4", "Maybe", "(2,)", &[])).contains("header that is not understood"));
    assert!(problem(&file("<f4", "False", "(99999999999, 99999999999)", &[])).contains("shape"));
    assert_eq!(problem(b"\x93NUMPY\x09\x00"), "x.npy: has format version 9, expected 1, 2 or 3");
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        shape in prop::collection::vec(0..5_usize, 0..4),
        seed in any::<u32>(),
    ) {
        let count = shape.iter().product::<usize>();
        let values: Vec<f32> = (0..count).map(|i| (i as f32 + seed as f32).sin()).collect();
        let bytes = npy(&shape, &values);
        prop_assert_eq!((bytes.len() - 4 * count) % 64, 0);
        let array = Array::from_npy("x.npy", &bytes).unwrap();
        prop_assert_eq!(array.to_f32(), values);
        prop_assert_eq!(array.shape, shape);
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        version in 0..5_u8,
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let bytes = [b"\x93NUMPY".as_slice(), &[version, 0], &rest].concat();
        let _ = Array::from_npy("x.npy", &bytes);
    }
}
