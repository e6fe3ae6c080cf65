//! Arrays of NumPy (`.npy`, versions 1 to 3,
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use half::f16;

use crate::{DataError, Problem};

/// First bytes of every file.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// Most axes of an array.
const MOST_AXES: usize = 32;

/// Numbers in a shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub values: Vec<f64>,
}

impl Array {
    /// Reads the bytes of an `.npy` file of floats, integers or booleans, in either byte and memory order. `file` is used in
    /// messages only.
    ///
    /// Never panics and needs memory linear in the input, whatever the bytes are.
    pub fn from_npy(file: &str, bytes: &[u8]) -> Result<Self, DataError> {
        read(bytes).map_err(|problem| DataError { file: file.to_owned(), line: None, problem })
    }

    /// The values in 32 bits, as models compute.
    #[expect(clippy::cast_possible_truncation, reason = "models compute in f32")]
    pub fn to_f32(&self) -> Vec<f32> {
        self.values.iter().map(|&value| value as f32).collect()
    }
}

/// An `.npy` file of 32-bit floats in row-major order.
///
/// # Panics
/// If `values` do not fill `shape`.
pub fn npy(shape: &[usize], values: &[f32]) -> Vec<u8> {
    assert_eq!(shape.iter().product::<usize>(), values.len(), "the values fill the shape");
    let axes: String = shape.iter().map(|length| format!("{length}, ")).collect();
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", axes.trim_end());
    // Magic, version, length, header and a line end are a multiple of 64 bytes.
    let unpadded = MAGIC.len().saturating_add(4).saturating_add(header.len()).saturating_add(1);
    header.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64).saturating_sub(unpadded)));
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap_or(u16::MAX);
    let mut bytes = [MAGIC, &[1, 0], &length.to_le_bytes(), header.as_bytes()].concat();
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// What the header says.
struct Header<'a> {
    kind: &'a str,
    fortran: bool,
    shape: Vec<usize>,
}

fn broken(what: impl Into<String>) -> Problem {
    Problem::Npy { reason: what.into() }
}

fn read(bytes: &[u8]) -> Result<Array, Problem> {
    let rest = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| broken("does not begin as an .npy file; save it with numpy.save"))?;
    let cut = || broken("ends within its header");
    let (&[major, _], rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
    let (length, rest) = match major {
        1 => {
            let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        _ => return Err(broken(format!("has format version {major}, expected 1, 2 or 3"))),
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| broken("has a header that is no text"))?;
    let Header { kind, fortran, shape } = parse(header)
        .ok_or_else(|| broken(format!("has a header that is not understood: {}", header.trim())))?;
    let count = shape.iter().try_fold(1_usize, |size, &length| size.checked_mul(length));
    let count = count.ok_or_else(|| broken(format!("has an impossible shape {shape:?}")))?;
    let values = decode(kind, data, count)?;
    let values = if fortran { row_major(&values, &shape) } else { values };
    Ok(Array { shape, values })
}

/// Reads the header, a dictionary in Python's notation.
fn parse(header: &str) -> Option<Header<'_>> {
    let body = header.trim().strip_prefix('{')?.strip_suffix('}')?;
    let after = |key: &str| {
        let quoted = [format!("'{key}'"), format!("\"{key}\"")];
        let value = quoted.iter().find_map(|key| Some(body.split_once(key.as_str())?.1))?;
        Some(value.trim_start().strip_prefix(':')?.trim_start())
    };
    let kind = after("descr")?;
    let quote = kind.chars().next().filter(|mark| matches!(mark, '\'' | '"'))?;
    let kind = kind.strip_prefix(quote)?.split_once(quote)?.0;
    let order = after("fortran_order")?;
    let fortran = order.starts_with("True");
    if !fortran && !order.starts_with("False") {
        return None;
    }
    let axes = after("shape")?.strip_prefix('(')?.split_once(')')?.0;
    let mut shape = Vec::new();
    for axis in axes.split(',').map(str::trim).filter(|axis| !axis.is_empty()) {
        shape.push(axis.trim_end_matches('L').parse().ok()?);
    }
    (shape.len() <= MOST_AXES).then_some(Header { kind, fortran, shape })
}

fn decode(kind: &str, data: &[u8], count: usize) -> Result<Vec<f64>, Problem> {
    let unknown =
        || broken(format!("holds values of type {kind:?}, expected floats, integers or booleans"));
    let (big, code) = match kind.split_at_checked(1) {
        Some(("<" | "|" | "=", code)) => (false, code),
        Some((">", code)) => (true, code),
        _ => return Err(unknown()),
    };
    macro_rules! numbers {
        ($type:ty) => {
            numbers(data, count, |bytes| {
                let value =
                    if big { <$type>::from_be_bytes(bytes) } else { <$type>::from_le_bytes(bytes) };
                #[allow(
                    clippy::cast_lossless,
                    clippy::cast_precision_loss,
                    reason = "one line for all types; integers beyond 2^53 are no classes or features"
                )]
                let value = value as f64;
                value
            })
        };
    }
    match code {
        "f8" => numbers!(f64),
        "f4" => numbers!(f32),
        "f2" => numbers(data, count, |bytes| {
            let value = if big { f16::from_be_bytes(bytes) } else { f16::from_le_bytes(bytes) };
            value.to_f64()
        }),
        "i8" => numbers!(i64),
        "i4" => numbers!(i32),
        "i2" => numbers!(i16),
        "i1" => numbers!(i8),
        "u8" => numbers!(u64),
        "u4" => numbers!(u32),
        "u2" => numbers!(u16),
        "u1" => numbers!(u8),
        "b1" => numbers(data, count, |[byte]: [u8; 1]| f64::from(u8::from(byte != 0))),
        _ => return Err(unknown()),
    }
    .ok_or_else(|| {
        broken(format!("has {} bytes of data, expected {count} values of {kind}", data.len()))
    })
}

/// The numbers; `None` if there are not `count`.
fn numbers<const N: usize>(
    data: &[u8],
    count: usize,
    read: impl Fn([u8; N]) -> f64,
) -> Option<Vec<f64>> {
    if data.len() != count.checked_mul(N)? {
        return None;
    }
    Some(data.as_chunks::<N>().0.iter().map(|&bytes| read(bytes)).collect())
}

/// Values in row-major order from values whose first axis runs fastest.
fn row_major(values: &[f64], shape: &[usize]) -> Vec<f64> {
    if values.is_empty() {
        return Vec::new();
    }
    let mut places = vec![0_usize];
    let mut stride = 1_usize;
    let mut axes = Vec::new();
    for &length in shape {
        axes.push((length, stride));
        stride = stride.saturating_mul(length);
    }
    for (length, stride) in axes {
        places = places
            .iter()
            .flat_map(|&place| {
                (0..length).map(move |i| place.saturating_add(i.saturating_mul(stride)))
            })
            .collect();
    }
    places.into_iter().filter_map(|place| values.get(place).copied()).collect()
}
