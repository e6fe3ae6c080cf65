//! Constants: decoding, and the arithmetic that needs no input.

use std::collections::BTreeMap;

use super::lower::{Problem, Size, Value};
use super::shape::{broadcast, broadcast_map, size};
use crate::kernels::Operator;
use crate::onnx::{DataType, Tensor, TensorData};

/// The value of a constant tensor.
pub(super) fn value(
    tensor: &Tensor<'_>,
    external: &BTreeMap<&str, &[u8]>,
) -> Result<Value, Problem> {
    let axis = |&dim: &i64| {
        usize::try_from(dim).map_err(|_| Problem::Invalid(format!("an axis has size {dim}")))
    };
    let shape: Vec<usize> = tensor.dims.iter().map(axis).collect::<Result<_, _>>()?;
    let loaded;
    let tensor = if tensor.data == TensorData::External {
        let mut whole = tensor.clone();
        whole.data = TensorData::Raw(external_bytes(tensor, external)?);
        loaded = whole;
        &loaded
    } else {
        tensor
    };
    let floats = matches!(
        tensor.data_type,
        DataType::FLOAT | DataType::DOUBLE | DataType::FLOAT16
    );
    let value = if floats {
        tensor.to_floats().map(|data| Value::Floats { shape, data: data.into() })
    } else {
        let known = |data: Vec<i64>| data.into_iter().map(Size::Known).collect();
        tensor.to_ints().map(|data| Value::Ints { shape, data: known(data) })
    };
    value.ok_or_else(|| {
        Problem::Invalid(format!(
            "its data is not {} of type {}",
            tensor.element_count().map_or("of a valid size".to_owned(), |n| format!("{n} elements")),
            tensor.data_type
        ))
    })
}

fn external_bytes<'f>(
    tensor: &Tensor<'_>,
    external: &BTreeMap<&str, &'f [u8]>,
) -> Result<&'f [u8], Problem> {
    let entry = |key| tensor.external.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let location = entry("location").unwrap_or_default();
    let file = external.get(location).ok_or_else(|| {
        Problem::Invalid(format!(
            "its data lies in another file, {location:?}, which was not given; \
             export the model with its weights inside"
        ))
    })?;
    let number = |key| {
        let parse = |text: &str| {
            text.parse::<usize>()
                .map_err(|_| Problem::Invalid(format!("{key} {text:?} of its data is no number")))
        };
        entry(key).map(parse).transpose()
    };
    let start = number("offset")?.unwrap_or(0);
    let rest = file.len().saturating_sub(start);
    let length = number("length")?.unwrap_or(rest);
    start.checked_add(length).and_then(|end| file.get(start..end)).ok_or_else(|| {
        Problem::Invalid(format!(
            "its data is {length} bytes from byte {start} of {location:?}, which has {}",
            file.len()
        ))
    })
}

/// An operator on two constants.
pub(super) fn fold(operator: Operator, left: &Value, right: &Value) -> Result<Value, Problem> {
    match (left, right) {
        (
            Value::Floats { shape: left_shape, data: left },
            Value::Floats { shape: right_shape, data: right },
        ) => {
            let shape = broadcast(left_shape, right_shape)?;
            let (left, right) =
                (expand(left, left_shape, &shape)?, expand(right, right_shape, &shape)?);
            let data = left.iter().zip(&right).map(|(a, b)| operator.apply(*a, *b)).collect();
            Ok(Value::Floats { shape, data })
        }
        (
            Value::Ints { shape: left_shape, data: left },
            Value::Ints { shape: right_shape, data: right },
        ) => {
            let shape = broadcast(left_shape, right_shape)?;
            let (left, right) =
                (expand(left, left_shape, &shape)?, expand(right, right_shape, &shape)?);
            let data = left
                .iter()
                .zip(&right)
                .map(|(a, b)| integer(operator, *a, *b))
                .collect::<Result<_, _>>()?;
            Ok(Value::Ints { shape, data })
        }
        _ => Err(Problem::Unsupported("its inputs are of different kinds".to_owned())),
    }
}

fn integer(operator: Operator, left: Size, right: Size) -> Result<Size, Problem> {
    let (Size::Known(left), Size::Known(right)) = (left, right) else {
        return Err(Problem::Unsupported("it computes with the number of rows".to_owned()));
    };
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Sub => left.checked_sub(right),
        Operator::Mul => left.checked_mul(right),
        Operator::Div => left.checked_div(right),
    }
    .map(Size::Known)
    .ok_or_else(|| Problem::Invalid(format!("{operator:?} of {left} and {right} has no result")))
}

/// Values of shape `from` broadcast to `to`.
pub(super) fn expand<T: Copy>(data: &[T], from: &[usize], to: &[usize]) -> Result<Vec<T>, Problem> {
    if size(from)? != data.len() {
        return Err(Problem::Invalid(format!("{} values of shape {from:?}", data.len())));
    }
    Ok(match broadcast_map(from, to)? {
        None => data.to_vec(),
        Some(map) => map.iter().map(|&place| data[place as usize]).collect(),
    })
}
