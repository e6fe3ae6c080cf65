//! Signatures, types and shapes of TensorFlow.

use crate::wire::{self, Value};

/// `name: (input: type [shape], …) -> (…)` of an entry of `signature_def`.
pub(super) fn describe(entry: &[u8]) -> String {
    let definition = wire::content(entry, 2);
    let list = |number| {
        let tensors = wire::contents(definition, number).take(64).map(tensor);
        tensors.collect::<Vec<_>>().join(", ")
    };
    format!("{}: ({}) -> ({})", wire::text(entry, 1), list(1), list(2))
}

/// `features: float [?, 12]` of an entry of a signature's inputs or outputs.
fn tensor(entry: &[u8]) -> String {
    let info = wire::content(entry, 2);
    let kind = data_type(wire::number(info, 2).unwrap_or_default());
    let axes: Vec<String> = wire::contents(wire::content(info, 3), 2)
        .take(64)
        .map(|axis| match axis_size(axis) {
            Some(size) => size.to_string(),
            None => "?".to_owned(),
        })
        .collect();
    format!("{}: {kind} [{}]", wire::text(entry, 1), axes.join(", "))
}

/// `None` for an axis of any size, which is -1.
fn axis_size(axis: &[u8]) -> Option<u64> {
    let size = wire::number(axis, 1).unwrap_or_default();
    i64::try_from(size).ok().map(i64::unsigned_abs)
}

/// Elements of a floating-point tensor of this type and shape; 0 for others.
pub(super) fn elements(kind: u64, shape: &[u8]) -> u64 {
    let floating = matches!(kind, 1 | 2 | 14 | 19);
    let axes = wire::fields(shape).filter_map(|field| match (field.number, field.value) {
        (2, Value::Bytes(axis)) => Some(axis_size(axis).unwrap_or_default()),
        _ => None,
    });
    if floating { axes.fold(1, u64::saturating_mul) } else { 0 }
}

/// The word for a `DataType`.
fn data_type(number: u64) -> &'static str {
    match number {
        1 => "float",
        2 => "double",
        3 => "int32",
        4 => "uint8",
        5 => "int16",
        6 => "int8",
        7 => "string",
        8 => "complex64",
        9 => "int64",
        10 => "bool",
        11 => "qint8",
        12 => "quint8",
        13 => "qint32",
        14 => "bfloat16",
        17 => "uint16",
        18 => "complex128",
        19 => "half",
        20 => "resource",
        21 => "variant",
        22 => "uint32",
        23 => "uint64",
        24 => "float8_e5m2",
        25 => "float8_e4m3fn",
        29 => "int4",
        30 => "uint4",
        _ => "unknown",
    }
}
