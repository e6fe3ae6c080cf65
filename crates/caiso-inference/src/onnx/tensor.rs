//! Tensors as a file stores them.

use std::fmt;

/// Type of a tensor's elements: the number of `TensorProto.DataType`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataType(pub i32);

#[expect(missing_docs, reason = "the names of the standard")]
impl DataType {
    pub const UNDEFINED: Self = Self(0);
    pub const FLOAT: Self = Self(1);
    pub const UINT8: Self = Self(2);
    pub const INT8: Self = Self(3);
    pub const UINT16: Self = Self(4);
    pub const INT16: Self = Self(5);
    pub const INT32: Self = Self(6);
    pub const INT64: Self = Self(7);
    pub const STRING: Self = Self(8);
    pub const BOOL: Self = Self(9);
    pub const FLOAT16: Self = Self(10);
    pub const DOUBLE: Self = Self(11);
    pub const UINT32: Self = Self(12);
    pub const UINT64: Self = Self(13);
    pub const BFLOAT16: Self = Self(16);
}

impl DataType {
    /// Whether elements are floating-point numbers of any width.
    pub fn is_float(self) -> bool {
        matches!(self, Self::FLOAT | Self::FLOAT16 | Self::DOUBLE | Self::BFLOAT16)
    }

    /// Whether elements are integers of 8 bits or more, signed or not.
    pub fn is_integer(self) -> bool {
        matches!(self.0, 2..=7 | 12 | 13)
    }
}

impl fmt::Display for DataType {
    /// The name in the standard, in lower case: `float`, `int64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 24] = [
            "undefined",
            "float",
            "uint8",
            "int8",
            "uint16",
            "int16",
            "int32",
            "int64",
            "string",
            "bool",
            "float16",
            "double",
            "uint32",
            "uint64",
            "complex64",
            "complex128",
            "bfloat16",
            "float8e4m3fn",
            "float8e4m3fnuz",
            "float8e5m2",
            "float8e5m2fnuz",
            "uint4",
            "int4",
            "float4e2m1",
        ];
        match usize::try_from(self.0).ok().and_then(|number| NAMES.get(number)) {
            Some(name) => f.pad(name),
            None => write!(f, "type {}", self.0),
        }
    }
}

/// A constant tensor.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Tensor<'a> {
    /// Name.
    pub name: &'a str,
    /// Size of each axis, as written in the file; empty for a scalar.
    pub dims: Vec<i64>,
    /// Type of the elements.
    pub data_type: DataType,
    /// The elements.
    pub data: TensorData<'a>,
    /// Keys and values that say where external data lies: `location`, `offset`, `length`, `checksum`.
    pub external: Vec<(&'a str, &'a str)>,
}

/// Elements of a tensor.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub enum TensorData<'a> {
    /// None in the file.
    #[default]
    Empty,
    /// Little-endian, packed, as they lie in the file.
    Raw(&'a [u8]),
    /// A list of 32-bit floats.
    Floats(Vec<f32>),
    /// A list of 64-bit floats.
    Doubles(Vec<f64>),
    /// A list of integers: all integer types, booleans, and the bits of 16-bit floats.
    Ints(Vec<i64>),
    /// A list of texts.
    Strings(Vec<&'a [u8]>),
    /// In another file, which [`Tensor::external`] names.
    External,
}

/// A constant tensor that is mostly zeros.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct SparseTensor<'a> {
    /// The other values. Its name is that of the tensor.
    pub values: Tensor<'a>,
    /// Where they are.
    pub indices: Tensor<'a>,
    /// Size of each axis of the whole.
    pub dims: Vec<i64>,
}

impl DataType {
    /// Bits of one element; `None` for texts and unknown types.
    pub fn bits(self) -> Option<usize> {
        Some(match self.0 {
            25 | 26 => 2,
            21..=23 => 4,
            2 | 3 | 9 | 17..=20 | 24 => 8,
            4 | 5 | 10 | 16 => 16,
            1 | 6 | 12 => 32,
            7 | 11 | 13 | 14 => 64,
            15 => 128,
            _ => return None,
        })
    }
}

impl Tensor<'_> {
    /// Number of elements by the dimensions; `None` if one is negative or the product overflows.
    pub fn element_count(&self) -> Option<usize> {
        self.dims.iter().try_fold(1_usize, |count, &dim| {
            usize::try_from(dim).ok().and_then(|dim| count.checked_mul(dim))
        })
    }

    /// The elements as 32-bit floats, for types `float`, `double` (rounded) and `float16`.
    ///
    /// `None` for other types, for external data, and where the number of elements is not that of the
    /// dimensions.
    pub fn to_floats(&self) -> Option<Vec<f32>> {
        let count = self.element_count()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "rounding to f32 is the documented result"
        )]
        let narrow = |value: f64| value as f32;
        let values: Vec<f32> = match (&self.data, self.data_type) {
            (TensorData::Floats(values), DataType::FLOAT) => values.clone(),
            (TensorData::Doubles(values), DataType::DOUBLE) => {
                values.iter().map(|&value| narrow(value)).collect()
            }
            (TensorData::Ints(bits), DataType::FLOAT16) => {
                let half = |&bits: &i64| Some(half_to_float(u16::try_from(bits).ok()?));
                bits.iter().map(half).collect::<Option<_>>()?
            }
            (TensorData::Raw(raw), DataType::FLOAT) => each(raw, f32::from_le_bytes)?,
            (TensorData::Raw(raw), DataType::DOUBLE) => {
                each(raw, |bytes| narrow(f64::from_le_bytes(bytes)))?
            }
            (TensorData::Raw(raw), DataType::FLOAT16) => {
                each(raw, |bytes| half_to_float(u16::from_le_bytes(bytes)))?
            }
            (TensorData::Empty, kind) if kind.is_float() => Vec::new(),
            _ => return None,
        };
        (values.len() == count).then_some(values)
    }

    /// The elements as integers, for the signed integer types, `uint8`, `uint16`, `uint32` and `bool`.
    ///
    /// `None` as in [`to_floats`](Self::to_floats).
    pub fn to_ints(&self) -> Option<Vec<i64>> {
        let count = self.element_count()?;
        let values: Vec<i64> = match (&self.data, self.data_type) {
            (
                TensorData::Ints(values),
                DataType::INT8
                | DataType::INT16
                | DataType::INT32
                | DataType::INT64
                | DataType::UINT8
                | DataType::UINT16
                | DataType::UINT32
                | DataType::BOOL,
            ) => values.clone(),
            (TensorData::Raw(raw), DataType::INT64) => each(raw, i64::from_le_bytes)?,
            (TensorData::Raw(raw), DataType::INT32) => each(raw, |b| i32::from_le_bytes(b).into())?,
            (TensorData::Raw(raw), DataType::INT16) => each(raw, |b| i16::from_le_bytes(b).into())?,
            (TensorData::Raw(raw), DataType::INT8) => each(raw, |b| i8::from_le_bytes(b).into())?,
            (TensorData::Raw(raw), DataType::UINT32) => {
                each(raw, |b| u32::from_le_bytes(b).into())?
            }
            (TensorData::Raw(raw), DataType::UINT16) => {
                each(raw, |b| u16::from_le_bytes(b).into())?
            }
            (TensorData::Raw(raw), DataType::UINT8 | DataType::BOOL) => {
                each(raw, |[byte]: [u8; 1]| byte.into())?
            }
            (
                TensorData::Empty,
                DataType::INT8 | DataType::INT16 | DataType::INT32 | DataType::INT64,
            ) => Vec::new(),
            _ => return None,
        };
        (values.len() == count).then_some(values)
    }
}

/// The elements of packed bytes; `None` if a part of one is left over.
fn each<const N: usize, T>(raw: &[u8], convert: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (values, rest) = raw.as_chunks::<N>();
    rest.is_empty().then(|| values.iter().map(|value| convert(*value)).collect())
}

/// IEEE 754 binary16.
fn half_to_float(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f32::from(bits & 0x3ff) / 1024.0;
    sign * match exponent {
        0 => fraction * 2.0_f32.powi(-14),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction) * 2.0_f32.powi(exponent.saturating_sub(15)),
    }
}

#[cfg(test)]
mod tests {
    use super::half_to_float;

    #[test]
    fn half_precision_values_of_the_standard() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 2.0_f32.powi(-14)),
            (0x0001, 2.0_f32.powi(-24)),
            (0x3555, 0.333_251_95),
            (0x7c00, f32::INFINITY),
            (0x8000, 0.0),
        ] {
            assert_eq!(half_to_float(bits), value, "{bits:x}");
        }
        assert!(half_to_float(0x7e01).is_nan());
    }
}
