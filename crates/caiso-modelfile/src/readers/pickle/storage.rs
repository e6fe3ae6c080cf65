//! The storages that the pickle of a PyTorch checkpoint asks its loader for.

/// A persistent identifier of PyTorch: `('storage', torch.FloatStorage, '0', 'cpu', 4)`, in checkpoints of
/// the old kind with the view behind (torch/serialization.py, `persistent_id`).
pub(crate) struct Storage<'i> {
    class: &'i str,
    pub(crate) key: &'i str,
    pub(crate) elements: u64,
}

impl<'i> Storage<'i> {
    pub(crate) fn parse(id: &'i str) -> Option<Self> {
        let inner = id.strip_prefix("('storage', ")?.strip_suffix(')')?;
        let inner = inner.strip_suffix(", None").unwrap_or(inner);
        let (rest, elements) = inner.rsplit_once(", ")?;
        let (class, rest) = rest.split_once(", ")?;
        let (key, _device) = rest.rsplit_once(", ")?;
        let class = class.rsplit('.').next().unwrap_or(class);
        Some(Self { class, key: key.trim_matches('\''), elements: elements.parse().ok()? })
    }

    /// Bytes of one element.
    pub(crate) fn size(&self) -> u64 {
        match self.class {
            "ComplexDoubleStorage" => 16,
            "DoubleStorage" | "LongStorage" | "ComplexFloatStorage" => 8,
            "FloatStorage" | "IntStorage" | "QInt32Storage" => 4,
            "HalfStorage" | "BFloat16Storage" | "ShortStorage" => 2,
            _ => 1,
        }
    }

    /// The element type in PyTorch's words.
    pub(crate) fn element(&self) -> &'i str {
        match self.class {
            "FloatStorage" => "float32",
            "DoubleStorage" => "float64",
            "HalfStorage" => "float16",
            "BFloat16Storage" => "bfloat16",
            "LongStorage" => "int64",
            "IntStorage" => "int32",
            "ShortStorage" => "int16",
            "CharStorage" => "int8",
            "ByteStorage" => "uint8",
            "BoolStorage" => "bool",
            "ComplexFloatStorage" => "complex64",
            "ComplexDoubleStorage" => "complex128",
            "UntypedStorage" => "bytes of unknown type",
            other => other,
        }
    }
}
