//! The formats that caiso knows.

/// The format of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// ONNX model, a protocol buffer.
    Onnx,
    /// TensorFlow SavedModel, a protocol buffer.
    SavedModel,
    /// TensorFlow GraphDef or MetaGraphDef, a protocol buffer.
    FrozenGraph,
    /// Variables of a TensorFlow model: an index, or the numbers.
    TensorFlowCheckpoint,
    /// TensorFlow Lite, a flat buffer.
    TensorFlowLite,
    /// Python pickle.
    Pickle,
    /// Joblib dump: a pickle with arrays in between.
    Joblib,
    /// PyTorch checkpoint: a zip archive around a pickle.
    PyTorch,
    /// PyTorch checkpoint before version 1.6: several pickles, or a tar archive of them.
    PyTorchLegacy,
    /// TorchScript: a zip archive with a pickle and code.
    TorchScript,
    /// Keras 3: a zip archive with configuration and weights.
    Keras,
    /// Configuration of a Keras model, JSON.
    KerasConfiguration,
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
    /// Skops: a zip archive with a schema and arrays, or that schema.
    Skops,
    /// XGBoost model, JSON or UBJSON.
    XgBoost,
    /// LightGBM model, text.
    LightGbm,
    /// Network of Caffe, text.
    Caffe,
    /// CatBoost model.
    CatBoost,
    /// PMML, XML.
    Pmml,
    /// Core ML model, a protocol buffer.
    CoreMl,
    /// OpenVINO intermediate representation, XML.
    OpenVino,
    /// NVIDIA NeMo: a tar archive with a configuration and weights.
    NeMo,
    /// TorchServe model archive (MAR), a zip archive, or its manifest.
    TorchModelArchive,
    /// MessagePack, as Flax writes it.
    MessagePack,
    /// Configuration whose `_target_` entries name what is instantiated (Hydra, NeMo).
    HydraConfiguration,
    /// Configuration, tokenizer or template of a Hugging Face model.
    HuggingFaceConfiguration,
    /// Python `.pth` path file, which the interpreter reads at its start.
    SiteHook,
    /// Python source.
    PythonSource,
    /// Zip archive of unknown content.
    Zip,
    /// Tar archive.
    Tar,
    /// 7z archive.
    SevenZip,
    /// Gzip stream.
    Gzip,
    /// Zlib stream.
    Zlib,
    /// Bzip2 stream.
    Bzip2,
    /// Xz or lzma stream.
    Xz,
    /// Zstandard stream.
    Zstandard,
    /// LZ4 frame.
    Lz4,
    /// A program or shared library (ELF, PE, Mach-O) or a script with an interpreter line.
    Executable,
    /// An image, sound, document or table of a known kind, which no loader takes for a model.
    Media,
    /// A model of a format that is known by its mark and not read.
    Unread,
    /// Raw tensors that a model beside them refers to.
    TensorData,
    /// Text without the marks of a model format.
    Text,
}

impl Format {
    /// Every format, in the order of the documentation.
    pub const ALL: &[Self] = &[
        Self::Onnx,
        Self::SavedModel,
        Self::FrozenGraph,
        Self::TensorFlowCheckpoint,
        Self::TensorFlowLite,
        Self::Pickle,
        Self::Joblib,
        Self::PyTorch,
        Self::PyTorchLegacy,
        Self::TorchScript,
        Self::Keras,
        Self::KerasConfiguration,
        Self::KerasHdf5,
        Self::Hdf5,
        Self::Safetensors,
        Self::Gguf,
        Self::Numpy,
        Self::NumpyArchive,
        Self::Skops,
        Self::XgBoost,
        Self::LightGbm,
        Self::Caffe,
        Self::CatBoost,
        Self::Pmml,
        Self::CoreMl,
        Self::OpenVino,
        Self::NeMo,
        Self::TorchModelArchive,
        Self::MessagePack,
        Self::HydraConfiguration,
        Self::HuggingFaceConfiguration,
        Self::SiteHook,
        Self::PythonSource,
        Self::Zip,
        Self::Tar,
        Self::SevenZip,
        Self::Gzip,
        Self::Zlib,
        Self::Bzip2,
        Self::Xz,
        Self::Zstandard,
        Self::Lz4,
        Self::Executable,
        Self::Media,
        Self::Unread,
        Self::TensorData,
        Self::Text,
    ];

    /// The stable word used in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::SavedModel => "tensorflow-saved-model",
            Self::FrozenGraph => "tensorflow-graph",
            Self::TensorFlowCheckpoint => "tensorflow-checkpoint",
            Self::TensorFlowLite => "tflite",
            Self::Pickle => "pickle",
            Self::Joblib => "joblib",
            Self::PyTorch => "pytorch",
            Self::PyTorchLegacy => "pytorch-legacy",
            Self::TorchScript => "torchscript",
            Self::Keras => "keras",
            Self::KerasConfiguration => "keras-configuration",
            Self::KerasHdf5 => "keras-hdf5",
            Self::Hdf5 => "hdf5",
            Self::Safetensors => "safetensors",
            Self::Gguf => "gguf",
            Self::Numpy => "numpy",
            Self::NumpyArchive => "numpy-archive",
            Self::Skops => "skops",
            Self::XgBoost => "xgboost",
            Self::LightGbm => "lightgbm",
            Self::Caffe => "caffe",
            Self::CatBoost => "catboost",
            Self::Pmml => "pmml",
            Self::CoreMl => "coreml",
            Self::OpenVino => "openvino",
            Self::NeMo => "nemo",
            Self::TorchModelArchive => "torch-model-archive",
            Self::MessagePack => "messagepack",
            Self::HydraConfiguration => "hydra-configuration",
            Self::HuggingFaceConfiguration => "hugging-face-configuration",
            Self::SiteHook => "python-site-hook",
            Self::PythonSource => "python",
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::SevenZip => "7z",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstandard => "zstd",
            Self::Lz4 => "lz4",
            Self::Executable => "executable",
            Self::Media => "media",
            Self::Unread => "unread",
            Self::TensorData => "tensor-data",
            Self::Text => "text",
        }
    }

    /// Name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Onnx => "ONNX",
            Self::SavedModel => "TensorFlow SavedModel",
            Self::FrozenGraph => "TensorFlow graph",
            Self::TensorFlowCheckpoint => "TensorFlow checkpoint",
            Self::TensorFlowLite => "TensorFlow Lite",
            Self::Pickle => "Python pickle",
            Self::Joblib => "joblib dump (Python pickle)",
            Self::PyTorch => "PyTorch checkpoint (zip with a Python pickle)",
            Self::PyTorchLegacy => "PyTorch checkpoint of the old kind (Python pickles)",
            Self::TorchScript => "TorchScript archive",
            Self::Keras => "Keras 3 archive",
            Self::KerasConfiguration => "Keras configuration",
            Self::KerasHdf5 => "Keras HDF5",
            Self::Hdf5 => "HDF5",
            Self::Safetensors => "safetensors",
            Self::Gguf => "GGUF",
            Self::Numpy => "NumPy array",
            Self::NumpyArchive => "NumPy archive",
            Self::Skops => "skops",
            Self::XgBoost => "XGBoost",
            Self::LightGbm => "LightGBM",
            Self::Caffe => "Caffe network",
            Self::CatBoost => "CatBoost",
            Self::Pmml => "PMML",
            Self::CoreMl => "Core ML",
            Self::OpenVino => "OpenVINO",
            Self::NeMo => "NeMo archive",
            Self::TorchModelArchive => "TorchServe model archive",
            Self::MessagePack => "MessagePack",
            Self::HydraConfiguration => "configuration with targets",
            Self::HuggingFaceConfiguration => "Hugging Face configuration",
            Self::SiteHook => "Python site hook",
            Self::PythonSource => "Python source",
            Self::Zip => "zip archive",
            Self::Tar => "tar archive",
            Self::SevenZip => "7z archive",
            Self::Gzip => "gzip stream",
            Self::Zlib => "zlib stream",
            Self::Bzip2 => "bzip2 stream",
            Self::Xz => "xz stream",
            Self::Zstandard => "Zstandard stream",
            Self::Lz4 => "LZ4 stream",
            Self::Executable => "program or script",
            Self::Media => "image, sound or document",
            Self::Unread => "format that is not read",
            Self::TensorData => "tensors of a model beside it",
            Self::Text => "text",
        }
    }

    /// Whether loading the file the usual way can run code that the file's author chose.
    pub fn runs_code_when_loaded(self) -> bool {
        matches!(
            self,
            Self::Pickle
                | Self::Joblib
                | Self::PyTorch
                | Self::PyTorchLegacy
                | Self::TorchScript
                | Self::NeMo
                | Self::TorchModelArchive
                | Self::SiteHook
                | Self::PythonSource
                | Self::Executable
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
            "pkl" | "pickle" | "joblib" => &[
                Self::Pickle,
                Self::Joblib,
                Self::Gzip,
                Self::Zlib,
                Self::Bzip2,
                Self::Xz,
                Self::Lz4,
                Self::Zstandard,
            ],
            "pt" | "pth" | "ckpt" => &[
                Self::PyTorch,
                Self::PyTorchLegacy,
                Self::TorchScript,
                Self::Pickle,
                Self::SiteHook,
                Self::Text,
            ],
            "keras" => &[Self::Keras, Self::KerasHdf5],
            "h5" | "hdf5" => &[Self::KerasHdf5, Self::Hdf5],
            "safetensors" => &[Self::Safetensors],
            "gguf" => &[Self::Gguf],
            "npy" => &[Self::Numpy],
            "npz" => &[Self::NumpyArchive],
            "skops" => &[Self::Skops],
            "cbm" => &[Self::CatBoost],
            "ubj" => &[Self::XgBoost],
            "pmml" => &[Self::Pmml],
            "nemo" => &[Self::NeMo, Self::Gzip],
            "mar" => &[Self::TorchModelArchive],
            "mlmodel" => &[Self::CoreMl],
            "msgpack" => &[Self::MessagePack],
            _ => return None,
        })
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
