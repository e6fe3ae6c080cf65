//! Which format a file has, by its content alone. A name proves nothing.

use crate::wire;

/// How far into a file text markers are searched.
const MARKER_WINDOW: usize = 1 << 20;
/// Most zip entries whose names are read.
const MAX_ZIP_ENTRIES: usize = 10_000;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// ONNX model, a protocol buffer.
    Onnx,
    /// TensorFlow SavedModel, a protocol buffer.
    SavedModel,
    /// TensorFlow Lite, a flat buffer.
    TensorFlowLite,
    /// Python pickle.
    Pickle,
    /// Joblib dump: a pickle with arrays in between.
    Joblib,
    /// PyTorch checkpoint: a zip archive around a pickle.
    PyTorch,
    /// TorchScript: a zip archive with a pickle and code.
    TorchScript,
    /// Keras 3: a zip archive with configuration and weights.
    Keras,
    /// HDF5 written by Keras.
    KerasHdf5,
    /// HDF5 of unknown origin.
    Hdf5,
    /// Safetensors.
    Safetensors,
    /// GGUF.
    Gguf,
    /// NumPy array.
    Numpy,
    /// Zip archive of NumPy arrays.
    NumpyArchive,
    /// Zip archive of unknown content.
    Zip,
    /// Gzip stream.
    Gzip,
    /// 7z archive.
    SevenZip,
    /// Tar archive.
    Tar,
    /// A program or shared library (ELF, PE, Mach-O) or a script with an interpreter line.
    Executable,
}

impl Format {
    /// Name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Onnx => "ONNX",
            Self::SavedModel => "TensorFlow SavedModel",
            Self::TensorFlowLite => "TensorFlow Lite",
            Self::Pickle => "Python pickle",
            Self::Joblib => "joblib dump (Python pickle)",
            Self::PyTorch => "PyTorch checkpoint (zip with a Python pickle)",
            Self::TorchScript => "TorchScript archive",
            Self::Keras => "Keras 3 archive",
            Self::KerasHdf5 => "Keras HDF5",
            Self::Hdf5 => "HDF5",
            Self::Safetensors => "safetensors",
            Self::Gguf => "GGUF",
            Self::Numpy => "NumPy array",
            Self::NumpyArchive => "NumPy archive",
            Self::Zip => "zip archive",
            Self::Gzip => "gzip stream",
            Self::SevenZip => "7z archive",
            Self::Tar => "tar archive",
            Self::Executable => "program or script",
        }
    }

    /// Whether loading the file the usual way can run code that the file's author chose.
    pub fn runs_code_when_loaded(self) -> bool {
        matches!(
            self,
            Self::Pickle | Self::Joblib | Self::PyTorch | Self::TorchScript | Self::Executable
        )
    }

    /// The formats that files with this extension have, for extensions that promise a model
    /// format; `None` for extensions that promise nothing (`bin`, `model`, `pb`).
    pub fn of_extension(path: &str) -> Option<&'static [Self]> {
        let name = path.rsplit(['/', '\\']).next()?;
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "onnx" => &[Self::Onnx],
            "tflite" => &[Self::TensorFlowLite],
            "pkl" | "pickle" => &[Self::Pickle, Self::Joblib],
            "joblib" => &[Self::Joblib, Self::Pickle, Self::Gzip],
            "pt" | "pth" => &[Self::PyTorch, Self::TorchScript, Self::Pickle, Self::Tar],
            "keras" => &[Self::Keras, Self::KerasHdf5],
            "h5" | "hdf5" => &[Self::KerasHdf5, Self::Hdf5],
            "safetensors" => &[Self::Safetensors],
            "gguf" => &[Self::Gguf],
            "npy" => &[Self::Numpy],
            "npz" => &[Self::NumpyArchive],
            _ => return None,
        })
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// The format of `bytes`, or `None` if no known format begins like this.
///
/// Looks at fixed signatures first, then at formats without one (pickle protocol 0 and 1,
/// protocol buffers), which need more of the content to be told apart. A file that is cut off
/// is still recognised as long as its beginning is there.
pub fn identify(bytes: &[u8]) -> Option<Format> {
    by_signature(bytes)
        .or_else(|| safetensors(bytes).then_some(Format::Safetensors))
        .or_else(|| pickle(bytes))
        .or_else(|| protocol_buffer(bytes))
}

const EXECUTABLES: [&[u8]; 7] = [
    b"\x7fELF",
    b"MZ",
    b"#!",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
];

fn by_signature(bytes: &[u8]) -> Option<Format> {
    let at = |offset: usize, magic: &[u8]| {
        bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic))
    };
    if at(0, b"GGUF") {
        return Some(Format::Gguf);
    }
    if at(0, b"\x93NUMPY") {
        return Some(Format::Numpy);
    }
    if at(4, b"TFL3") {
        return Some(Format::TensorFlowLite);
    }
    // HDF5 may start after a user block of 512, 1024, … bytes (HDF5 file format, section II.A).
    if at(0, HDF5) || (9..=20).any(|power| at(1 << power, HDF5)) {
        let keras = contains(bytes, b"keras_version") || contains(bytes, b"model_config");
        return Some(if keras { Format::KerasHdf5 } else { Format::Hdf5 });
    }
    if at(0, b"PK\x03\x04") || at(0, b"PK\x05\x06") {
        return Some(zip(bytes));
    }
    if at(0, b"7z\xbc\xaf\x27\x1c") {
        return Some(Format::SevenZip);
    }
    if at(0, b"\x1f\x8b") {
        return Some(Format::Gzip);
    }
    if at(257, b"ustar") {
        return Some(Format::Tar);
    }
    EXECUTABLES.iter().any(|magic| at(0, magic)).then_some(Format::Executable)
}

const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";

fn contains(bytes: &[u8], marker: &[u8]) -> bool {
    let window = bytes.get(..MARKER_WINDOW).unwrap_or(bytes);
    window.windows(marker.len()).any(|candidate| candidate == marker)
}

/// Header length, then a JSON object (safetensors format description).
fn safetensors(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else { return false };
    let length = u64::from_le_bytes(*length);
    (2..=100_000_000).contains(&length) && rest.starts_with(b"{\"")
}

fn pickle(bytes: &[u8]) -> Option<Format> {
    let binary = matches!(bytes, [0x80, 2..=5, ..]);
    if !binary && !text_pickle(bytes) {
        return None;
    }
    let joblib = contains(bytes, b"joblib.numpy_pickle") || contains(bytes, b"NumpyArrayWrapper");
    Some(if joblib { Format::Joblib } else { Format::Pickle })
}

/// Protocols 0 and 1 have no signature: an object constructed at once (`c` module newline name
/// newline), or a mark or empty container followed by a memo store or another such opcode, and
/// STOP at the end.
fn text_pickle(bytes: &[u8]) -> bool {
    if bytes.last() != Some(&b'.') {
        return false;
    }
    let identifier = |line: &[u8]| {
        !line.is_empty()
            && line.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
    };
    let global = |rest: &[u8]| {
        let mut lines = rest.splitn(3, |&b| b == b'\n');
        let (module, name) = (lines.next(), lines.next());
        module.is_some_and(identifier) && name.is_some_and(identifier) && lines.next().is_some()
    };
    match bytes {
        [b'c' | b'i', rest @ ..] | [b'(', b'c' | b'i', rest @ ..] => global(rest),
        [b'(', b'd' | b'l' | b't', b'p', digit, ..] => digit.is_ascii_digit(),
        [b'}' | b']' | b')', b'q' | b'r', ..] => true,
        _ => false,
    }
}

/// Both have a version in field 1. An ONNX `ModelProto` has a graph (7) or operator sets (8), each
/// itself a message; a `SavedModel` has nothing but meta graphs (2).
fn protocol_buffer(bytes: &[u8]) -> Option<Format> {
    let mut version = None;
    let (mut model_part, mut meta_graph, mut other) = (false, false, false);
    for field in wire::fields(bytes).take(4096) {
        match (field.number, field.value) {
            (1, wire::Value::Varint(number)) if version.is_none() => version = Some(number),
            // producer, domain, documentation … of ONNX; the meta graphs of a SavedModel.
            (2, wire::Value::Bytes(_)) => meta_graph = true,
            (7 | 8, wire::Value::Bytes(message)) if wire::looks_like_a_message(message) => {
                model_part = true;
            }
            (3 | 4 | 6, wire::Value::Bytes(_)) | (5, wire::Value::Varint(_)) => other = true,
            // A known number with the wrong type: some other protocol buffer.
            (1..=8, _) => return None,
            _ => {}
        }
    }
    match version? {
        1..=1000 if model_part => Some(Format::Onnx),
        1 if meta_graph && !other => Some(Format::SavedModel),
        _ => None,
    }
}

fn zip(bytes: &[u8]) -> Format {
    let names = zip_names(bytes);
    let any = |test: &dyn Fn(&[u8]) -> bool| names.iter().any(|name| test(name));
    if any(&|name| name == b"data.pkl" || name.ends_with(b"/data.pkl")) {
        let code = any(&|name| name.windows(6).any(|part| part == b"/code/"));
        return if code { Format::TorchScript } else { Format::PyTorch };
    }
    if any(&|name| name == b"config.json") && any(&|name| name == b"model.weights.h5") {
        return Format::Keras;
    }
    if !names.is_empty() && names.iter().all(|name| name.ends_with(b".npy")) {
        return Format::NumpyArchive;
    }
    Format::Zip
}

/// Names from the central directory (APPNOTE 4.3.12), or from the local headers at the start if
/// the directory is missing because the file is cut off.
fn zip_names(bytes: &[u8]) -> Vec<&[u8]> {
    let number = |at: &[u8], offset: usize, size: usize| {
        let field = at.get(offset..offset.checked_add(size)?)?;
        Some(field.iter().rev().fold(0_usize, |value, &byte| value << 8 | usize::from(byte)))
    };
    let tail = bytes.len().saturating_sub(65_557);
    let end = bytes.get(tail..).unwrap_or_default();
    let directory = end
        .windows(4)
        .rposition(|signature| signature == b"PK\x05\x06")
        .and_then(|position| end.get(position..))
        .and_then(|record| number(record, 16, 4))
        .and_then(|offset| bytes.get(offset..));
    let (mut at, signature, name_at, lengths): (_, &[u8], usize, &[usize]) = match directory {
        Some(directory) if directory.starts_with(b"PK\x01\x02") => {
            (directory, b"PK\x01\x02", 46, &[28, 30, 32])
        }
        _ => (bytes, b"PK\x03\x04", 30, &[26, 28]),
    };
    let mut names = Vec::new();
    while at.starts_with(signature) && names.len() < MAX_ZIP_ENTRIES {
        let Some(name_length) = lengths.first().and_then(|&offset| number(at, offset, 2)) else {
            break;
        };
        let Some(name) = at.get(name_at..).and_then(|rest| rest.get(..name_length)) else { break };
        names.push(name);
        let variable: usize = lengths.iter().filter_map(|&offset| number(at, offset, 2)).sum();
        // A local header is followed by the entry's data.
        let data = if name_at == 30 { number(at, 18, 4).unwrap_or(0) } else { 0 };
        match at.get(name_at.saturating_add(variable).saturating_add(data)..) {
            Some(next) => at = next,
            None => break,
        }
    }
    names
}
