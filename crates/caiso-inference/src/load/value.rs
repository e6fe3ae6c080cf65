//! What a name of the graph stands for while it is read.

use std::fmt;
use std::rc::Rc;

use super::shape;
use crate::onnx::{DataType, Tensor, TensorData};

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Value {
    /// Numbers of each row, in a slot of the program.
    Rows(Rows),
    /// The same for all rows.
    Constant(Rc<Constant>),
    /// Integers taken from a shape.
    Dims(Vec<Dim>),
    /// A class label: the arg-max of scores, under any name.
    Label(Rows),
    /// What an operator yields that is not supported.
    Unsupported,
}

/// A slot and the shape of one row in it, without the batch axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rows {
    pub(super) slot: usize,
    pub(super) shape: Vec<usize>,
}

/// One element of a shape.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Dim {
    /// The number of rows.
    Batch,
    Known(i64),
}

/// As in messages: `[batch, 3, -1]`.
impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch => f.write_str("batch"),
            Self::Known(length) => write!(f, "{length}"),
        }
    }
}

/// A tensor known when the graph is loaded.
pub(super) struct Constant {
    pub(super) shape: Vec<usize>,
    pub(super) data: Data,
}

#[derive(Clone)]
pub(super) enum Data {
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Strings(Vec<String>),
}

impl Constant {
    pub(super) fn floats(shape: Vec<usize>, values: Vec<f32>) -> Value {
        Value::Constant(Rc::new(Self { shape, data: Data::Floats(values) }))
    }

    pub(super) fn ints(shape: Vec<usize>, values: Vec<i64>) -> Value {
        Value::Constant(Rc::new(Self { shape, data: Data::Ints(values) }))
    }

    /// Reads a tensor of the file; what is wrong with it otherwise.
    pub(super) fn of(tensor: &Tensor<'_>) -> Result<Value, String> {
        if tensor.data == TensorData::External {
            let location = tensor.external.iter().find(|(key, _)| *key == "location");
            return Err(format!(
                "its data lies in another file ({:?}); export the model into a single file",
                location.map_or("", |(_, value)| value)
            ));
        }
        let shape = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
        let shape: Option<Vec<usize>> = shape;
        let shape = shape
            .filter(|shape| shape::size(shape).is_some())
            .ok_or_else(|| format!("its dimensions {:?} are no shape", tensor.dims))?;
        let data = if tensor.data_type == DataType::STRING
            && let TensorData::Strings(texts) = &tensor.data
        {
            Data::Strings(texts.iter().map(|text| String::from_utf8_lossy(text).into()).collect())
        } else if let Some(values) = tensor.to_floats() {
            Data::Floats(values)
        } else if let Some(values) = tensor.to_ints() {
            Data::Ints(values)
        } else {
            return Err(format!(
                "{} values of type {} cannot be read from its data",
                shape::size(&shape).unwrap_or(0),
                tensor.data_type
            ));
        };
        let values = match &data {
            Data::Floats(values) => values.len(),
            Data::Ints(values) => values.len(),
            Data::Strings(values) => values.len(),
        };
        if shape::size(&shape) != Some(values) {
            return Err(format!("it has {values} values for the dimensions {shape:?}"));
        }
        Ok(Value::Constant(Rc::new(Self { shape, data })))
    }

    /// The same values in another shape of the same size.
    pub(super) fn with_shape(&self, shape: Vec<usize>) -> Value {
        Value::Constant(Rc::new(Self { shape, data: self.data.clone() }))
    }

    /// The values at some places.
    pub(super) fn select(&self, places: &[u32], shape: Vec<usize>) -> Value {
        fn at<T: Clone>(values: &[T], places: &[u32]) -> Vec<T> {
            places.iter().filter_map(|&place| values.get(place as usize).cloned()).collect()
        }
        let data = match &self.data {
            Data::Floats(values) => Data::Floats(at(values, places)),
            Data::Ints(values) => Data::Ints(at(values, places)),
            Data::Strings(values) => Data::Strings(at(values, places)),
        };
        Value::Constant(Rc::new(Self { shape, data }))
    }

    pub(super) fn as_floats(&self) -> Option<&[f32]> {
        match &self.data {
            Data::Floats(values) => Some(values),
            Data::Ints(_) | Data::Strings(_) => None,
        }
    }

    pub(super) fn as_ints(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Ints(values) => Some(values),
            Data::Floats(_) | Data::Strings(_) => None,
        }
    }
}
