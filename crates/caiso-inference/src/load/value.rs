//! What a name of the graph stands for while it is read.

use std::fmt;
use std::rc::Rc;

use super::layout::Layout;
use super::shape;
use crate::onnx::{DataType, Tensor, TensorData};

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Value {
    /// Numbers of each row, in a slot of the program.
    Rows(Rows),
    /// The same for all rows.
    Constant(Rc<Constant>),
    /// A class label: the arg-max of scores, under any name.
    Label(Rows),
    /// What an operator yields that is not supported.
    Unsupported,
}

/// A slot, the shape of one row in it, without the batch axis, and where that axis belongs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rows {
    pub(super) slot: usize,
    pub(super) shape: Vec<usize>,
    pub(super) layout: Layout,
}

impl Rows {
    /// With the batch as first axis.
    pub(super) fn new(slot: usize, shape: Vec<usize>) -> Self {
        Self { slot, shape, layout: Layout::default() }
    }
}

/// One element of a shape.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Dim {
    /// So many times the number of rows.
    Batch(i64),
    Known(i64),
}

/// As in messages: `[batch, 3, -1]`.
impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch(1) => f.write_str("batch"),
            Self::Batch(times) => write!(f, "{times} batch"),
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
    /// Integers of any width; 0 and 1 for booleans.
    Ints(Vec<i64>),
    /// Integers of which some are multiples of the number of rows.
    Dims(Vec<Dim>),
    Strings(Vec<String>),
}

impl Constant {
    fn value(shape: Vec<usize>, data: Data) -> Value {
        Value::Constant(Rc::new(Self { shape, data }))
    }

    pub(super) fn floats(shape: Vec<usize>, values: Vec<f32>) -> Value {
        Self::value(shape, Data::Floats(values))
    }

    pub(super) fn ints(shape: Vec<usize>, values: Vec<i64>) -> Value {
        Self::value(shape, Data::Ints(values))
    }

    /// Integers, of which none may be a multiple of the number of rows.
    pub(super) fn dims(shape: Vec<usize>, values: Vec<Dim>) -> Value {
        let known = |dim: &Dim| match dim {
            Dim::Known(length) => Some(*length),
            Dim::Batch(_) => None,
        };
        match values.iter().map(known).collect() {
            Some(lengths) => Self::ints(shape, lengths),
            None => Self::value(shape, Data::Dims(values)),
        }
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
        let constant = Self { shape, data };
        let values = constant.len();
        if shape::size(&constant.shape) != Some(values) {
            return Err(format!("it has {values} values for the dimensions {:?}", constant.shape));
        }
        Ok(Value::Constant(Rc::new(constant)))
    }

    fn len(&self) -> usize {
        match &self.data {
            Data::Floats(values) => values.len(),
            Data::Ints(values) => values.len(),
            Data::Dims(values) => values.len(),
            Data::Strings(values) => values.len(),
        }
    }

    /// The same values in another shape of the same size.
    pub(super) fn with_shape(&self, shape: Vec<usize>) -> Value {
        Self::value(shape, self.data.clone())
    }

    /// The values at some places.
    pub(super) fn select(&self, places: &[u32], shape: Vec<usize>) -> Value {
        fn at<T: Clone>(values: &[T], places: &[u32]) -> Vec<T> {
            places.iter().filter_map(|&place| values.get(place as usize).cloned()).collect()
        }
        match &self.data {
            Data::Floats(values) => Self::floats(shape, at(values, places)),
            Data::Ints(values) => Self::ints(shape, at(values, places)),
            Data::Dims(values) => Self::dims(shape, at(values, places)),
            Data::Strings(values) => Self::value(shape, Data::Strings(at(values, places))),
        }
    }

    pub(super) fn as_floats(&self) -> Option<&[f32]> {
        match &self.data {
            Data::Floats(values) => Some(values),
            _ => None,
        }
    }

    pub(super) fn as_ints(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Ints(values) => Some(values),
            _ => None,
        }
    }

    /// The elements of a shape.
    pub(super) fn as_dims(&self) -> Option<Vec<Dim>> {
        match &self.data {
            Data::Ints(values) => Some(values.iter().map(|&value| Dim::Known(value)).collect()),
            Data::Dims(values) => Some(values.clone()),
            _ => None,
        }
    }

    /// The values as a slot holds them, integers as floats.
    pub(super) fn numbers(&self) -> Option<Vec<f32>> {
        match &self.data {
            Data::Floats(values) => Some(values.clone()),
            Data::Ints(values) => Some(values.iter().map(|&value| value as f32).collect()),
            Data::Dims(_) | Data::Strings(_) => None,
        }
    }
}
