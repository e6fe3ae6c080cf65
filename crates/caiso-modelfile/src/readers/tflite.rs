//! TensorFlow Lite: a flat buffer
//! (<https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs>).

use caiso_core::Severity::{High, Low, Medium};

use crate::Format;
use crate::cursor::{size, slice};
use crate::description::Description;
use crate::readers::Reader;
use crate::suspicion::Suspicions;
use crate::text_signs;
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect, Scope};

mod builtin;
mod flat;

use flat::{Flat, Table};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct TensorFlowLite {
    pub(crate) description: Description,
    pub(crate) structure: Suspicions,
    /// Operators that the runtime does not bring along.
    pub(crate) operators: Suspicions,
}

pub(crate) const READER: Reader =
    Reader { claims: |artifact| artifact.bytes.get(4..8) == Some(b"TFL3"), read };

/// Custom operators that TensorFlow Lite brings along.
const SHIPPED: [&str; 12] = [
    "TFLite_Detection_PostProcess",
    "AudioSpectrogram",
    "Mfcc",
    "Convolution2DTransposeBias",
    "MaxPoolWithArgmax2D",
    "MaxPoolingWithArgmax2D",
    "MaxUnpooling2D",
    "NumericVerify",
    "Atan2",
    "Sign",
    "Irfft2d",
    "Roll",
];
/// Operators of TensorFlow that read, write or send files or run Python.
const DANGEROUS: [&str; 27] = [
    "ReadFile",
    "WriteFile",
    "MatchingFiles",
    "PyFunc",
    "PyFuncStateless",
    "EagerPyFunc",
    "Save",
    "SaveSlices",
    "SaveV2",
    "Restore",
    "RestoreSlice",
    "RestoreV2",
    "MergeV2Checkpoints",
    "LoadAndRemapMatrix",
    "PrintV2",
    "TextLineReader",
    "TextLineReaderV2",
    "WholeFileReader",
    "WholeFileReaderV2",
    "TFRecordReader",
    "TFRecordReaderV2",
    "FixedLengthRecordReader",
    "FixedLengthRecordReaderV2",
    "InitializeTableFromTextFile",
    "InitializeTableFromTextFileV2",
    "CreateSummaryFileWriter",
    "RpcCall",
];

const TYPES: [&str; 21] = [
    "float",
    "float16",
    "int32",
    "uint8",
    "int64",
    "string",
    "bool",
    "int16",
    "complex64",
    "int8",
    "float64",
    "complex128",
    "uint64",
    "resource",
    "variant",
    "uint32",
    "uint16",
    "int4",
    "bfloat16",
    "int2",
    "uint4",
];

/// Bits of an element; `None` for those without a fixed size.
fn bits(kind: u8) -> Option<u64> {
    Some(match kind {
        3 | 6 | 9 => 8,
        1 | 7 | 16 | 18 => 16,
        0 | 2 | 15 => 32,
        4 | 8 | 10 | 12 => 64,
        11 => 128,
        17 | 20 => 4,
        19 => 2,
        _ => return None,
    })
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every reader")]
fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let mut facts = TensorFlowLite::default();
    let mut flat = Flat::new(artifact.bytes);
    match facts.model(&mut flat) {
        Ok(()) => facts.tail(artifact.bytes, flat.reached, scope),
        Err(reason) => {
            facts.structure.add(
                High,
                "tables",
                format!("the tables of the model are broken ({reason}): a runtime that does not check follows them out of the file"),
            );
            scope.gap(None, format!("the tables of the model cannot be followed: {reason}"));
        }
    }
    Some(Reading::new(Format::TensorFlowLite, Facts::TensorFlowLite(Box::new(facts))))
}

struct Tensor {
    name: String,
    shown: String,
}

impl TensorFlowLite {
    fn model(&mut self, flat: &mut Flat<'_>) -> Result<(), String> {
        let model = flat.root()?;
        let version = u32::from_le_bytes(flat.number(model, 0)?);
        self.description.fact("format version", version.to_string());
        if version != 3 {
            self.structure.add(
                Low,
                "version",
                format!("the version of the schema is {version}, known is 3"),
            );
        }
        self.description.fact("description", flat.text(model, 3)?);
        let buffers = self.buffers(flat, model)?;
        let codes = self.codes(flat, model)?;
        let subgraphs = flat.tables(model, 2)?;
        self.description.fact("subgraphs", subgraphs.len().to_string());
        if subgraphs.is_empty() {
            self.structure.add(Medium, "subgraphs", "the model has no graph");
        }
        for (index, subgraph) in subgraphs.into_iter().enumerate() {
            self.subgraph(flat, subgraph, index, &codes, &buffers)?;
        }
        for metadata in flat.tables(model, 6)? {
            let name = flat.text(metadata, 0)?;
            let buffer = u32::from_le_bytes(flat.number(metadata, 1)?);
            let content =
                usize::try_from(buffer).ok().and_then(|index| buffers.get(index)).copied();
            let Some(content) = content else {
                let message =
                    format!("the metadata `{name}` refers to buffer {buffer} of {}", buffers.len());
                self.structure.add(High, format!("metadata {name}"), message);
                continue;
            };
            let shown = std::str::from_utf8(content).unwrap_or("(binary)").trim_end_matches('\0');
            self.description.fact(&format!("metadata {name}"), shown);
            if let Some(sign) = text_signs::look(shown) {
                let message = format!("the metadata `{name}` {}", sign.message);
                self.structure.add(sign.severity, format!("metadata {name}"), message);
            }
        }
        for signature in flat.tables(model, 7)? {
            let key = flat.text(signature, 2)?;
            self.description.fact(&format!("signature {key}"), "yes");
            for side in [0, 1] {
                for entry in flat.tables(signature, side)? {
                    flat.text(entry, 0)?;
                }
            }
        }
        for group in flat.tables(model, 8)? {
            let name = flat.text(group, 0)?;
            let leaves =
                name.contains("..") || name.starts_with(['/', '\\', '~']) || name.contains(':');
            self.structure.add(
                if leaves { High } else { Medium },
                format!("external buffers {name}"),
                format!("the model keeps weights in another file, `{name}`, which the digest of this one does not cover"),
            );
        }
        flat.tables(model, 9)?;
        Ok(())
    }

    fn buffers<'a>(&mut self, flat: &mut Flat<'a>, model: Table) -> Result<Vec<&'a [u8]>, String> {
        let mut buffers = Vec::new();
        for (index, buffer) in flat.tables(model, 4)?.into_iter().enumerate() {
            buffers.push(flat.list(buffer, 0, 1)?);
            let offset = u64::from_le_bytes(flat.number(buffer, 1)?);
            let length = u64::from_le_bytes(flat.number(buffer, 2)?);
            // Zero and one stand for content in the buffer itself.
            if offset > 1 && flat.outside(offset, length).is_err() {
                let message = format!(
                    "buffer {index} is said to have {length} bytes at {offset}, outside of the file"
                );
                self.structure.add(High, format!("buffer {index}"), message);
            }
        }
        if buffers.first().is_some_and(|first| !first.is_empty()) {
            self.structure.add(
                Medium,
                "buffer 0",
                "buffer 0, which stands for no content, has some",
            );
        }
        Ok(buffers)
    }

    /// The names of the operators in the model's list.
    fn codes(&mut self, flat: &mut Flat<'_>, model: Table) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        for code in flat.tables(model, 1)? {
            let old = i32::from(i8::from_le_bytes(flat.number(code, 0)?));
            let new = i32::from_le_bytes(flat.number(code, 3)?);
            let number = old.max(new);
            let custom = flat.text(code, 1)?;
            if number == builtin::CUSTOM || !custom.is_empty() {
                self.custom(&custom);
                names.push(if custom.is_empty() { "CUSTOM".to_owned() } else { custom });
            } else if let Some(name) = builtin::name(number) {
                names.push(name.to_owned());
            } else {
                let message =
                    format!("the operator with the number {number} is none of the schema");
                self.structure.add(Medium, format!("operator {number}"), message);
                names.push(format!("operator {number}"));
            }
        }
        Ok(names)
    }

    fn custom(&mut self, name: &str) {
        let what = format!("operator {name}");
        match name.strip_prefix("Flex") {
            Some(inner) if DANGEROUS.contains(&inner) => self.operators.add(
                High,
                what,
                format!(
                    "the model runs TensorFlow's `{inner}`, which reads, writes or sends files or runs \
                     Python with the rights of the app"
                ),
            ),
            Some(inner) => self.operators.add(
                Medium,
                what,
                format!("the model runs TensorFlow's `{inner}`, for which the app has to carry all of TensorFlow"),
            ),
            None if DANGEROUS.contains(&name) => self.operators.add(
                High,
                what,
                format!("the model runs an operator `{name}`, by its name one that reads or writes files or runs Python"),
            ),
            // Kernels that TensorFlow Lite brings along (tensorflow/lite/kernels/custom_ops_register.h, perception).
            None if SHIPPED.contains(&name) => self.operators.add(
                Low,
                what,
                format!("the model needs `{name}`, a custom operator that TensorFlow Lite brings along"),
            ),
            None => self.operators.add(
                Medium,
                what,
                format!("the model needs the custom operator `{name}`: the app has to load a library for it"),
            ),
        }
    }

    fn subgraph(
        &mut self,
        flat: &mut Flat<'_>,
        subgraph: Table,
        index: usize,
        codes: &[String],
        buffers: &[&[u8]],
    ) -> Result<(), String> {
        let mut tensors = Vec::new();
        for tensor in flat.tables(subgraph, 0)? {
            tensors.push(self.tensor(flat, tensor, buffers)?);
        }
        flat.text(subgraph, 4)?;
        for (side, key) in [(1, "inputs"), (2, "outputs")] {
            let mut shown = Vec::new();
            for tensor in flat.numbers(subgraph, side)? {
                match usize::try_from(tensor).ok().and_then(|tensor| tensors.get(tensor)) {
                    Some(tensor) if shown.len() < 1_000 => {
                        shown.push(format!("{}: {}", tensor.name, tensor.shown));
                    }
                    Some(_) => {}
                    None => self.dangling(
                        &format!("the {key} of subgraph {index}"),
                        tensor,
                        tensors.len(),
                    ),
                }
            }
            match (index, side) {
                (0, 1) => self.description.inputs = shown,
                (0, _) => self.description.outputs = shown,
                _ => {}
            }
        }
        for operator in flat.tables(subgraph, 3)? {
            let code = u32::from_le_bytes(flat.number(operator, 0)?);
            let name = usize::try_from(code).ok().and_then(|code| codes.get(code));
            if let Some(name) = name {
                self.description.operator(name);
            } else {
                let message = format!(
                    "an operator refers to entry {code} of {} in the list of operators",
                    codes.len()
                );
                self.structure.add(High, "operator code", message);
            }
            for side in [1, 2] {
                for tensor in flat.numbers(operator, side)? {
                    // Minus one is an optional tensor left out.
                    let known = usize::try_from(tensor).is_ok_and(|tensor| tensor < tensors.len());
                    if !known && (tensor != -1 || side == 2) {
                        let of = name.map_or("an operator", String::as_str);
                        self.dangling(
                            &format!("`{of}` of subgraph {index}"),
                            tensor,
                            tensors.len(),
                        );
                    }
                }
            }
            // Options of the operator: where they end tells what lies behind the model.
            flat.inner(operator, 4)?;
            flat.list(operator, 5, 1)?;
            flat.list(operator, 7, 1)?;
            flat.list(operator, 8, 4)?;
            let offset = u64::from_le_bytes(flat.number(operator, 9)?);
            let length = u64::from_le_bytes(flat.number(operator, 10)?);
            if offset > 1 && flat.outside(offset, length).is_err() {
                let message = format!(
                    "the options of an operator are said to have {length} bytes at {offset}, outside of the file"
                );
                self.structure.add(High, "custom options", message);
            }
            flat.inner(operator, 12)?;
        }
        Ok(())
    }

    fn dangling(&mut self, whose: &str, tensor: i32, count: usize) {
        self.structure.add(
            High,
            format!("tensors of {whose}"),
            format!("{whose} refers to tensor {tensor} of {count}: a runtime that does not check uses memory that is not the model's"),
        );
    }

    fn tensor(
        &mut self,
        flat: &mut Flat<'_>,
        tensor: Table,
        buffers: &[&[u8]],
    ) -> Result<Tensor, String> {
        let shape = flat.numbers(tensor, 0)?;
        let [kind] = flat.number(tensor, 1)?;
        let buffer = u32::from_le_bytes(flat.number(tensor, 2)?);
        let name = flat.text(tensor, 3)?;
        if let Some(quantization) = flat.inner(tensor, 4)? {
            for (field, width) in [(0, 4), (1, 4), (2, 4), (3, 8)] {
                flat.list(quantization, field, width)?;
            }
        }
        flat.list(tensor, 7, 4)?;
        let what = format!("tensor {name}");
        let element = usize::from(kind);
        let element = TYPES.get(element).copied().unwrap_or("unknown type");
        if element == "unknown type" {
            let message =
                format!("the tensor `{name}` has the type {kind}, which the schema lacks");
            self.structure.add(Medium, &what, message);
        }
        let values = shape.iter().try_fold(1_u64, |product, axis| {
            // Minus one is a size that is only known when the model runs.
            product.checked_mul(if *axis == -1 { 1 } else { u64::try_from(*axis).ok()? })
        });
        let bytes = values
            .zip(bits(kind))
            .and_then(|(values, bits)| values.checked_mul(bits))
            .map(|bits| bits.div_ceil(8));
        // Sizes are 32-bit numbers in much of the runtime.
        if values.is_none() || bytes.is_some_and(|bytes| bytes > 1 << 40) {
            let message = format!(
                "the shape {shape:?} of the tensor `{name}` overflows when its size is computed"
            );
            self.structure.add(High, &what, message);
        }
        match usize::try_from(buffer).ok().and_then(|buffer| buffers.get(buffer)) {
            None => {
                let message =
                    format!("the tensor `{name}` refers to buffer {buffer} of {}", buffers.len());
                self.structure.add(High, &what, message);
            }
            Some([]) => {}
            Some(content) => {
                self.description.tensor(element, values.unwrap_or(0));
                let sparse = flat.inner(tensor, 6)?.is_some();
                if !sparse && bytes.is_some_and(|bytes| bytes > size(content)) {
                    let message = format!(
                        "the tensor `{name}` ({element} {shape:?}) needs more bytes than the {} of its \
                         buffer: a runtime that does not check reads beyond it",
                        content.len()
                    );
                    self.structure.add(High, &what, message);
                }
            }
        }
        let axes: Vec<String> = shape
            .iter()
            .take(16)
            .map(|axis| if *axis == -1 { "?".to_owned() } else { axis.to_string() })
            .collect();
        Ok(Tensor { name, shown: format!("{element} [{}]", axes.join(", ")) })
    }

    /// What lies behind everything that the tables refer to.
    fn tail(&mut self, bytes: &[u8], reached: u64, scope: &mut Scope<'_, '_>) {
        let tail = slice(bytes, reached..size(bytes)).unwrap_or_default();
        // Padding, and small tables of options that are not followed.
        let zeros = tail.iter().take_while(|byte| **byte == 0).count();
        let content = tail.get(zeros..).unwrap_or_default();
        if content.is_empty() {
            return;
        }
        let archive = content.starts_with(b"PK\x03\x04");
        if archive {
            self.description.fact("associated files", "a zip archive behind the model");
        } else if content.len() > 256 {
            self.structure.add(
                Medium,
                "bytes behind the model",
                format!("{} bytes follow the model: something may be hidden there", content.len()),
            );
        }
        scope.part(
            "bytes behind the model",
            content,
            if archive { Expect::Model } else { Expect::Data },
        );
    }
}
