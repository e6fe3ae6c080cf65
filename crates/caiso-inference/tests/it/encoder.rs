//! Writes ONNX files, only as far as the tests need it.

/// A graph with one input `x` of floats `[batch, …]`, and an output for each name added.
#[derive(Clone, Default)]
pub(crate) struct Graph {
    content: Vec<u8>,
    imports: Vec<u8>,
    nodes: usize,
}

#[derive(Clone)]
pub(crate) enum Attribute<'a> {
    Int(&'a str, i64),
    Float(&'a str, f32),
    Ints(&'a str, &'a [i64]),
    Floats(&'a str, &'a [f32]),
    Text(&'a str, &'a str),
    Texts(&'a str, &'a [&'a str]),
}

pub(crate) const FLOAT: u64 = 1;
pub(crate) const INT64: u64 = 7;
pub(crate) const DOUBLE: u64 = 11;

impl Graph {
    /// With the standard operators of a version and the classic ones.
    pub(crate) fn new(opset: u64) -> Self {
        let mut graph = Self::default();
        graph.import("", opset);
        graph.import("ai.onnx.ml", 3);
        graph
    }

    pub(crate) fn import(&mut self, domain: &str, version: u64) {
        self.imports.extend(bytes(8, &[text(1, domain), number(2, version)].concat()));
    }

    /// `dims` after the batch.
    pub(crate) fn input(mut self, dims: &[u64]) -> Self {
        self.content.extend(bytes(11, &value("x", FLOAT, dims)));
        self
    }

    pub(crate) fn input_of_type(mut self, name: &str, kind: u64, dims: &[u64]) -> Self {
        self.content.extend(bytes(11, &value(name, kind, dims)));
        self
    }

    pub(crate) fn output(self, name: &str) -> Self {
        self.output_of_type(name, FLOAT)
    }

    pub(crate) fn output_of_type(mut self, name: &str, kind: u64) -> Self {
        self.content.extend(bytes(12, &value(name, kind, &[])));
        self
    }

    pub(crate) fn floats(mut self, name: &str, dims: &[usize], values: &[f32]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.content.extend(bytes(5, &tensor(name, dims, FLOAT, &raw)));
        self
    }

    pub(crate) fn ints(mut self, name: &str, values: &[i64]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.content.extend(bytes(5, &tensor(name, &[values.len()], INT64, &raw)));
        self
    }

    /// A node of the standard domain, or of the one before a colon: `ai.onnx.ml:Scaler`.
    pub(crate) fn node(
        mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[Attribute<'_>],
    ) -> Self {
        let (domain, operator) = operator.split_once(':').unwrap_or(("", operator));
        let mut node: Vec<u8> = inputs.iter().flat_map(|name| text(1, name)).collect();
        node.extend(outputs.iter().flat_map(|name| text(2, name)));
        node.extend(text(3, &format!("n{}", self.nodes)));
        node.extend(text(4, operator));
        node.extend(attributes.iter().flat_map(|attribute| bytes(5, &attribute.encode())));
        node.extend(text(7, domain));
        self.content.extend(bytes(1, &node));
        self.nodes += 1;
        self
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        [number(1, 8), bytes(7, &self.content), self.imports.clone()].concat()
    }
}

impl Attribute<'_> {
    fn encode(&self) -> Vec<u8> {
        match *self {
            Self::Int(name, value) => {
                [text(1, name), number(3, value.cast_unsigned()), number(20, 2)].concat()
            }
            Self::Float(name, value) => {
                [text(1, name), vec![2 << 3 | 5], value.to_le_bytes().to_vec(), number(20, 1)]
                    .concat()
            }
            Self::Ints(name, values) => {
                let list = values.iter().flat_map(|value| number(8, value.cast_unsigned()));
                [text(1, name), list.collect(), number(20, 7)].concat()
            }
            Self::Floats(name, values) => {
                let packed: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                [text(1, name), bytes(7, &packed), number(20, 6)].concat()
            }
            Self::Text(name, value) => [text(1, name), text(4, value), number(20, 3)].concat(),
            Self::Texts(name, values) => {
                let list = values.iter().flat_map(|value| text(9, value)).collect();
                [text(1, name), list, number(20, 8)].concat()
            }
        }
    }
}

fn tensor(name: &str, dims: &[usize], kind: u64, raw: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&dim| number(1, dim as u64)).collect();
    [dims, number(2, kind), text(8, name), bytes(9, raw)].concat()
}

/// The batch axis has a name only.
fn value(name: &str, kind: u64, dims: &[u64]) -> Vec<u8> {
    let mut shape = bytes(1, &text(2, "batch"));
    shape.extend(dims.iter().flat_map(|&dim| bytes(1, &number(1, dim))));
    let tensor = [number(1, kind), bytes(2, &shape)].concat();
    [text(1, name), bytes(2, &bytes(1, &tensor))].concat()
}

pub(crate) fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

pub(crate) fn text(field: u64, value: &str) -> Vec<u8> {
    bytes(field, value.as_bytes())
}

pub(crate) fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
