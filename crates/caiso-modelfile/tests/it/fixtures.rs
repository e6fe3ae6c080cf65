//! Model files made byte by byte.

/// A protocol buffer message under construction.
#[derive(Clone, Default)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    pub(crate) fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    pub(crate) fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub(crate) fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads as one expression at the caller")]
    pub(crate) fn message(self, field: u64, value: Message) -> Self {
        self.bytes(field, &value.0)
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// `ModelProto` with IR version 8, producer and one operator set per (domain, version).
pub(crate) fn onnx(domains: &[(&str, u64)], graph: Message) -> Message {
    let mut model = Message::default().number(1, 8).text(2, "caiso-test").text(3, "1.0");
    model = model.message(7, graph);
    for (domain, version) in domains {
        model = model.message(8, Message::default().text(1, domain).number(2, *version));
    }
    model
}

/// `NodeProto` with one input and one output.
pub(crate) fn node(domain: &str, operator: &str) -> Message {
    let node = Message::default().text(1, "x").text(2, "y").text(3, "n").text(4, operator);
    if domain.is_empty() { node } else { node.text(7, domain) }
}

/// `ValueInfoProto` of a float tensor `[batch, width]`.
pub(crate) fn value(name: &str, width: u64) -> Message {
    let dimensions = Message::default()
        .message(1, Message::default().text(2, "batch"))
        .message(1, Message::default().number(1, width));
    let tensor = Message::default().number(1, 1).message(2, dimensions);
    Message::default().text(1, name).message(2, Message::default().message(1, tensor))
}

/// A float `TensorProto` of length `values.len()` stored in the file.
pub(crate) fn tensor(name: &str, values: &[f32]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Message::default().number(1, values.len() as u64).number(2, 1).text(8, name).bytes(9, &raw)
}

/// A float `TensorProto` whose content is in another file.
pub(crate) fn external(name: &str, entries: &[(&str, &str)]) -> Message {
    let mut tensor = Message::default().number(1, 4).number(2, 1).text(8, name).number(14, 1);
    for (key, value) in entries {
        tensor = tensor.message(13, Message::default().text(1, key).text(2, value));
    }
    tensor
}

/// `GraphProto` `x → y` with these nodes and initializers.
pub(crate) fn graph(nodes: Vec<Message>, initializers: Vec<Message>) -> Message {
    let mut graph = Message::default();
    for node in nodes {
        graph = graph.message(1, node);
    }
    graph = graph.text(2, "g");
    for tensor in initializers {
        graph = graph.message(5, tensor);
    }
    graph.message(11, value("x", 4)).message(12, value("y", 4))
}

/// A small good model.
pub(crate) fn good() -> Vec<u8> {
    onnx(&[("", 17)], graph(vec![node("", "Relu")], vec![tensor("w", &[1.0, 2.0])])).finish()
}

/// A zip archive of stored, empty-content entries with these names.
pub(crate) fn zip(names: &[&str]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for name in names {
        let offset = (file.len() as u32).to_le_bytes();
        let length = (name.len() as u16).to_le_bytes();
        file.extend_from_slice(b"PK\x03\x04");
        file.extend_from_slice(&[0; 22]);
        file.extend_from_slice(&length);
        file.extend_from_slice(&[0; 2]);
        file.extend_from_slice(name.as_bytes());
        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&[0; 24]);
        directory.extend_from_slice(&length);
        directory.extend_from_slice(&[0; 12]);
        directory.extend_from_slice(&offset);
        directory.extend_from_slice(name.as_bytes());
    }
    let start = (file.len() as u32).to_le_bytes();
    let (count, size) =
        ((names.len() as u16).to_le_bytes(), (directory.len() as u32).to_le_bytes());
    file.extend_from_slice(&directory);
    file.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    file.extend_from_slice(&count);
    file.extend_from_slice(&count);
    file.extend_from_slice(&size);
    file.extend_from_slice(&start);
    file.extend_from_slice(&[0; 2]);
    file
}
