//! From messages to the structures of [`super`]. Field numbers are those of onnx.proto; fields that are not
//! named here are skipped, as the format demands.

use super::wire::{Field, Message, Meter, ambiguous, malformed};
use super::{
    Attribute, AttributeValue, Budget, DataType, DecodeError, Dimension, Function, Graph, Model,
    Node, OpsetImport, SparseTensor, Tensor, TensorData, Training, ValueInfo, ValueType,
};

type Decoded<T> = Result<T, DecodeError>;

impl<'a> Model<'a> {
    /// Decodes a file under the default [`Budget`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_within(bytes, Budget::default())
    }

    /// Decodes a file under a budget.
    pub fn decode_within(bytes: &'a [u8], budget: Budget) -> Result<Self, DecodeError> {
        let mut meter = Meter::new(budget);
        let mut model = Self::default();
        let mut graph = None;
        let mut fields = 0_usize;
        Message::file(bytes).fields(&mut meter, model_field, |meter, field| {
            fields = fields.saturating_add(1);
            match field.number {
                1 => model.ir_version = field.int()?,
                2 => model.producer_name = field.string()?,
                3 => model.producer_version = field.string()?,
                4 => model.domain = field.string()?,
                5 => model.model_version = field.int()?,
                6 => model.doc_string = field.string()?,
                7 if graph.is_some() => {
                    return Err(ambiguous(field.offset, "ModelProto.graph occurs a second time"));
                }
                7 => graph = Some(decode_graph(meter, field.message()?)?),
                8 => model.opset_imports.push(opset(meter, field.message()?)?),
                14 => model.metadata.push(entry(meter, field.message()?)?),
                20 => model.training.push(training(meter, field.message()?)?),
                25 => model.functions.push(function(meter, field.message()?)?),
                26 => {}
                _ => meter.unknown(&field, "ModelProto"),
            }
            Ok(())
        })?;
        model.graph = graph.ok_or(DecodeError::NoGraph { fields })?;
        model.unknown = meter.into_unknown();
        Ok(model)
    }
}

fn model_field(number: u64) -> &'static str {
    match number {
        1 => "ModelProto.ir_version",
        2 => "ModelProto.producer_name",
        3 => "ModelProto.producer_version",
        4 => "ModelProto.domain",
        5 => "ModelProto.model_version",
        6 => "ModelProto.doc_string",
        7 => "ModelProto.graph",
        8 => "ModelProto.opset_import",
        14 => "ModelProto.metadata_props",
        20 => "ModelProto.training_info",
        25 => "ModelProto.functions",
        _ => "an unknown field of ModelProto",
    }
}

fn decode_graph<'a>(meter: &mut Meter, message: Message<'a>) -> Decoded<Graph<'a>> {
    meter.item(message.offset())?;
    let mut graph = Graph::default();
    message.fields(meter, graph_field, |meter, field| {
        match field.number {
            1 => graph.nodes.push(node(meter, field.message()?)?),
            2 => graph.name = field.string()?,
            5 => graph.initializers.push(tensor(meter, field.message()?)?),
            10 => graph.doc_string = field.string()?,
            11 => graph.inputs.push(value_info(meter, field.message()?)?),
            12 => graph.outputs.push(value_info(meter, field.message()?)?),
            13 => graph.value_info.push(value_info(meter, field.message()?)?),
            15 => graph.sparse_initializers.push(sparse(meter, field.message()?)?),
            14 | 16 => {}
            _ => meter.unknown(&field, "GraphProto"),
        }
        Ok(())
    })?;
    Ok(graph)
}

fn graph_field(number: u64) -> &'static str {
    match number {
        1 => "GraphProto.node",
        2 => "GraphProto.name",
        5 => "GraphProto.initializer",
        10 => "GraphProto.doc_string",
        11 => "GraphProto.input",
        12 => "GraphProto.output",
        13 => "GraphProto.value_info",
        15 => "GraphProto.sparse_initializer",
        _ => "another field of GraphProto",
    }
}

fn node<'a>(meter: &mut Meter, message: Message<'a>) -> Decoded<Node<'a>> {
    meter.item(message.offset())?;
    let mut node = Node::default();
    message.fields(meter, node_field, |meter, field| {
        match field.number {
            1 => node.inputs.push(item(meter, &field)?),
            2 => node.outputs.push(item(meter, &field)?),
            3 => node.name = field.string()?,
            4 => node.op_type = field.string()?,
            5 => node.attributes.push(attribute(meter, field.message()?)?),
            7 => node.domain = field.string()?,
            6 | 8..=10 => {}
            _ => meter.unknown(&field, "NodeProto"),
        }
        Ok(())
    })?;
    Ok(node)
}

fn node_field(number: u64) -> &'static str {
    match number {
        1 => "NodeProto.input",
        2 => "NodeProto.output",
        3 => "NodeProto.name",
        4 => "NodeProto.op_type",
        5 => "NodeProto.attribute",
        7 => "NodeProto.domain",
        _ => "another field of NodeProto",
    }
}

/// Everything an attribute message can hold; which of it counts, its type says.
#[derive(Default)]
struct Parts<'a> {
    name: &'a str,
    kind: Option<i32>,
    reference: &'a str,
    float: Option<f32>,
    int: Option<i64>,
    string: Option<&'a [u8]>,
    tensor: Option<Tensor<'a>>,
    graph: Option<Graph<'a>>,
    floats: Vec<f32>,
    ints: Vec<i64>,
    strings: Vec<&'a [u8]>,
    tensors: Vec<Tensor<'a>>,
    graphs: Vec<Graph<'a>>,
    sparse: Option<SparseTensor<'a>>,
    sparses: Vec<SparseTensor<'a>>,
}

fn attribute<'a>(meter: &mut Meter, message: Message<'a>) -> Decoded<Attribute<'a>> {
    meter.item(message.offset())?;
    let mut parts = Parts::default();
    message.fields(meter, attribute_field, |meter, field| {
        match field.number {
            1 => parts.name = field.string()?,
            2 => parts.float = Some(field.float()?),
            3 => parts.int = Some(field.int()?),
            4 => parts.string = Some(field.bytes()?),
            5 => parts.tensor = Some(tensor(meter, field.message()?)?),
            6 => parts.graph = Some(decode_graph(meter, field.message()?)?),
            7 => field.floats(meter, |value| parts.floats.push(value))?,
            8 => field.ints(meter, |value| parts.ints.push(value.cast_signed()))?,
            9 => {
                meter.item(field.offset)?;
                parts.strings.push(field.bytes()?);
            }
            10 => parts.tensors.push(tensor(meter, field.message()?)?),
            11 => parts.graphs.push(decode_graph(meter, field.message()?)?),
            20 => parts.kind = Some(field.int32()?),
            21 => parts.reference = field.string()?,
            22 => parts.sparse = Some(sparse(meter, field.message()?)?),
            23 => parts.sparses.push(sparse(meter, field.message()?)?),
            13..=15 => {}
            _ => meter.unknown(&field, "AttributeProto"),
        }
        Ok(())
    })?;
    let name = parts.name;
    let value = parts.value().ok_or_else(|| {
        malformed(message.offset(), format!("attribute {name:?} has no value of its type"))
    })?;
    Ok(Attribute { name, value })
}

impl<'a> Parts<'a> {
    /// The value by the stated type; where none is stated (before IR version 2), by what is there. A scalar
    /// left out is zero, as in every protocol buffer.
    fn value(self) -> Option<AttributeValue<'a>> {
        if !self.reference.is_empty() {
            return Some(AttributeValue::Reference(self.reference));
        }
        let kind = self.kind.filter(|&kind| kind != 0).or_else(|| self.kind_by_content())?;
        Some(match kind {
            1 => AttributeValue::Float(self.float.unwrap_or_default()),
            2 => AttributeValue::Int(self.int.unwrap_or_default()),
            3 => AttributeValue::String(self.string.unwrap_or_default()),
            4 => AttributeValue::Tensor(Box::new(self.tensor?)),
            5 => AttributeValue::Graph(Box::new(self.graph?)),
            6 => AttributeValue::Floats(self.floats),
            7 => AttributeValue::Ints(self.ints),
            8 => AttributeValue::Strings(self.strings),
            9 => AttributeValue::Tensors(self.tensors),
            10 => AttributeValue::Graphs(self.graphs),
            11 => AttributeValue::SparseTensor(Box::new(self.sparse?)),
            12 => AttributeValue::SparseTensors(self.sparses),
            13 | 14 => AttributeValue::Type,
            other => AttributeValue::Other(other),
        })
    }

    fn kind_by_content(&self) -> Option<i32> {
        let present = [
            self.float.is_some(),
            self.int.is_some(),
            self.string.is_some(),
            self.tensor.is_some(),
            self.graph.is_some(),
            !self.floats.is_empty(),
            !self.ints.is_empty(),
            !self.strings.is_empty(),
            !self.tensors.is_empty(),
            !self.graphs.is_empty(),
            self.sparse.is_some(),
            !self.sparses.is_empty(),
        ];
        (1..).zip(present).find_map(|(kind, present)| present.then_some(kind))
    }
}

fn attribute_field(number: u64) -> &'static str {
    match number {
        1 => "AttributeProto.name",
        2 => "AttributeProto.f",
        3 => "AttributeProto.i",
        4 => "AttributeProto.s",
        5 => "AttributeProto.t",
        6 => "AttributeProto.g",
        7 => "AttributeProto.floats",
        8 => "AttributeProto.ints",
        9 => "AttributeProto.strings",
        10 => "AttributeProto.tensors",
        11 => "AttributeProto.graphs",
        20 => "AttributeProto.type",
        21 => "AttributeProto.ref_attr_name",
        22 => "AttributeProto.sparse_tensor",
        23 => "AttributeProto.sparse_tensors",
        _ => "another field of AttributeProto",
    }
}

fn tensor<'a>(meter: &mut Meter, message: Message<'a>) -> Decoded<Tensor<'a>> {
    meter.item(message.offset())?;
    let mut tensor = Tensor::default();
    let (mut floats, mut doubles, mut ints) = (Vec::new(), Vec::new(), Vec::new());
    let (mut strings, mut raw, mut elsewhere) = (Vec::new(), None, false);
    message.fields(meter, tensor_field, |meter, field| {
        match field.number {
            1 => field.ints(meter, |dim| tensor.dims.push(dim.cast_signed()))?,
            2 => tensor.data_type = DataType(field.int32()?),
            4 => field.floats(meter, |value| floats.push(value))?,
            5 | 7 | 11 => field.ints(meter, |value| ints.push(value.cast_signed()))?,
            6 => {
                meter.item(field.offset)?;
                strings.push(field.bytes()?);
            }
            8 => tensor.name = field.string()?,
            9 => raw = Some(field.bytes()?),
            10 => field.doubles(meter, |value| doubles.push(value))?,
            13 => tensor.external.push(entry(meter, field.message()?)?),
            14 => elsewhere = field.int()? == 1,
            3 | 12 | 16 => {}
            _ => meter.unknown(&field, "TensorProto"),
        }
        Ok(())
    })?;
    let mut forms = [
        (elsewhere || !tensor.external.is_empty()).then_some(TensorData::External),
        raw.filter(|raw| !raw.is_empty()).map(TensorData::Raw),
        (!floats.is_empty()).then_some(TensorData::Floats(floats)),
        (!doubles.is_empty()).then_some(TensorData::Doubles(doubles)),
        (!ints.is_empty()).then_some(TensorData::Ints(ints)),
        (!strings.is_empty()).then_some(TensorData::Strings(strings)),
    ]
    .into_iter()
    .flatten();
    tensor.data = forms.next().unwrap_or_default();
    if forms.next().is_some() {
        // Readers would differ in which they take.
        let problem = format!("tensor {:?} has its data in two forms", tensor.name);
        return Err(ambiguous(message.offset(), problem));
    }
    Ok(tensor)
}

fn sparse<'a>(meter: &mut Meter, message: Message<'a>) -> Decoded<SparseTensor<'a>> {
    meter.item(message.offset())?;
    let mut sparse = SparseTensor::default();
    message.fields(
        meter,
        |_| "a field of SparseTensorProto",
        |meter, field| {
            match field.number {
                1 => sparse.values = tensor(meter, field.message()?)?,
                2 => sparse.indices = tensor(meter, field.message()?)?,
                3 => field.ints(meter, |dim| sparse.dims.push(dim.cast_signed()))?,
                _ => meter.unknown(&field, "SparseTensorProto"),
            }
            Ok(())
        },
    )?;
    Ok(sparse)
}

fn training<'a>(meter: &mut Meter, message: Message<'a>) -> Decoded<Training<'a>> {
    meter.item(message.offset())?;
    let mut training = Training::default();
    message.fields(
        meter,
        |_| "a field of TrainingInfoProto",
        |meter, field| {
            match field.number {
                1 if training.initialization.is_none() => {
                    training.initialization = Some(decode_graph(meter, field.message()?)?);
                }
                2 if training.algorithm.is_none() => {
                    training.algorithm = Some(decode_graph(meter, field.message()?)?);
                }
                1 | 2 => {
                    return Err(ambiguous(field.offset, "a training graph occurs a second time"));
                }
                3 | 4 => training.bindings.push(entry(meter, field.message()?)?),
                _ => meter.unknown(&field, "TrainingInfoProto"),
            }
            Ok(())
        },
    )?;
    Ok(training)
}

fn tensor_field(number: u64) -> &'static str {
    match number {
        1 => "TensorProto.dims",
        2 => "TensorProto.data_type",
        4 => "TensorProto.float_data",
        5 => "TensorProto.int32_data",
        6 => "TensorProto.string_data",
        7 => "TensorProto.int64_data",
        8 => "TensorProto.name",
        9 => "TensorProto.raw_data",
        10 => "TensorProto.double_data",
        11 => "TensorProto.uint64_data",
        13 => "TensorProto.external_data",
        14 => "TensorProto.data_location",
        _ => "another field of TensorProto",
    }
}

fn value_info<'a>(meter: &mut Meter, message: Message<'a>) -> Decoded<ValueInfo<'a>> {
    meter.item(message.offset())?;
    let mut info = ValueInfo::default();
    message.fields(meter, value_field, |meter, field| {
        match field.number {
            1 => info.name = field.string()?,
            2 => info.kind = value_type(meter, field.message()?)?,
            3 => info.doc_string = field.string()?,
            4 => {}
            _ => meter.unknown(&field, "ValueInfoProto"),
        }
        Ok(())
    })?;
    Ok(info)
}

fn value_field(number: u64) -> &'static str {
    match number {
        1 => "ValueInfoProto.name",
        2 => "ValueInfoProto.type",
        3 => "ValueInfoProto.doc_string",
        _ => "another field of ValueInfoProto",
    }
}

fn value_type<'a>(meter: &mut Meter, message: Message<'a>) -> Decoded<ValueType<'a>> {
    let mut kind = ValueType::Unknown;
    message.fields(
        meter,
        |_| "TypeProto.value",
        |meter, field| {
            match field.number {
                1 => {
                    let (mut element, mut shape) = (DataType::UNDEFINED, None);
                    field.message()?.fields(
                        meter,
                        |_| "TypeProto.Tensor",
                        |meter, field| {
                            match field.number {
                                1 => element = DataType(field.int32()?),
                                2 => shape = Some(dimensions(meter, field.message()?)?),
                                _ => {}
                            }
                            Ok(())
                        },
                    )?;
                    kind = ValueType::Tensor { element, shape };
                }
                4 => kind = ValueType::Sequence,
                5 => kind = ValueType::Map,
                8 => kind = ValueType::SparseTensor,
                9 => kind = ValueType::Optional,
                _ => {}
            }
            Ok(())
        },
    )?;
    Ok(kind)
}

fn dimensions<'a>(meter: &mut Meter, message: Message<'a>) -> Decoded<Vec<Dimension<'a>>> {
    let mut dims = Vec::new();
    message.fields(
        meter,
        |_| "TensorShapeProto.dim",
        |meter, field| {
            if field.number == 1 {
                meter.item(field.offset)?;
                let mut dim = Dimension::Unknown;
                field.message()?.fields(
                    meter,
                    |_| "TensorShapeProto.Dimension",
                    |_, field| {
                        match field.number {
                            1 => dim = Dimension::Known(field.int()?),
                            2 => dim = Dimension::Named(field.string()?),
                            _ => {}
                        }
                        Ok(())
                    },
                )?;
                dims.push(dim);
            }
            Ok(())
        },
    )?;
    Ok(dims)
}

fn function<'a>(meter: &mut Meter, message: Message<'a>) -> Decoded<Function<'a>> {
    meter.item(message.offset())?;
    let mut function = Function::default();
    message.fields(
        meter,
        |_| "a field of FunctionProto",
        |meter, field| {
            match field.number {
                1 => function.name = field.string()?,
                4 => function.inputs.push(item(meter, &field)?),
                5 => function.outputs.push(item(meter, &field)?),
                6 => function.attributes.push(item(meter, &field)?),
                7 => function.nodes.push(node(meter, field.message()?)?),
                9 => function.opset_imports.push(opset(meter, field.message()?)?),
                10 => function.domain = field.string()?,
                11 => {
                    let default = attribute(meter, field.message()?)?;
                    function.attributes.push(default.name);
                    function.defaults.push(default);
                }
                8 | 12..=14 => {}
                _ => meter.unknown(&field, "FunctionProto"),
            }
            Ok(())
        },
    )?;
    Ok(function)
}

fn opset<'a>(meter: &mut Meter, message: Message<'a>) -> Decoded<OpsetImport<'a>> {
    meter.item(message.offset())?;
    let mut import = OpsetImport::default();
    message.fields(
        meter,
        |_| "a field of OperatorSetIdProto",
        |meter, field| {
            match field.number {
                1 => import.domain = field.string()?,
                2 => import.version = field.int()?,
                _ => meter.unknown(&field, "OperatorSetIdProto"),
            }
            Ok(())
        },
    )?;
    Ok(import)
}

fn entry<'a>(meter: &mut Meter, message: Message<'a>) -> Decoded<(&'a str, &'a str)> {
    meter.item(message.offset())?;
    let (mut key, mut value) = ("", "");
    message.fields(
        meter,
        |_| "a field of StringStringEntryProto",
        |meter, field| {
            match field.number {
                1 => key = field.string()?,
                2 => value = field.string()?,
                _ => meter.unknown(&field, "StringStringEntryProto"),
            }
            Ok(())
        },
    )?;
    Ok((key, value))
}

fn item<'a>(meter: &mut Meter, field: &Field<'a>) -> Decoded<&'a str> {
    meter.item(field.offset)?;
    field.string()
}
