//! What a file turned out to be, and everything that is packed in it.

use std::ops::Range;

use crate::Format;
use crate::readers::coreml::CoreMl;
use crate::readers::{
    archive, caffe, catboost, gguf, hdf5, hugging_face, hydra, keras, lightgbm, mar, messagepack,
    numpy, onnx, openvino, other, pickle, pmml, python, safetensors, skops, tensorflow, tflite,
    xgboost,
};
use crate::suspicion::Suspicions;

/// A file as a tree: the file itself first, then each thing packed in it, depth first.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The nodes; a parent comes before its children. Never empty for a tree that was read.
    pub nodes: Vec<Node>,
}

/// A file, or a part of one that a loader could take for a file.
#[derive(Clone, Debug)]
pub struct Node {
    /// Place in the tree: empty for the file itself, else the names of the parts from the outside in,
    /// joined by `!`: `model.zip!archive/data.pkl`. Names that are not UTF-8 have replacement characters.
    pub path: String,
    /// Index of the node that holds this one.
    pub parent: Option<usize>,
    /// Size in bytes, unpacked.
    pub size: u64,
    /// What loaders could take the content for, most specific first. More than one: a polyglot.
    pub readings: Vec<Reading>,
    /// What was not inspected.
    pub gaps: Vec<Gap>,
}

/// One way of reading a content.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The format.
    pub format: Format,
    pub(crate) facts: Facts,
}

/// Bytes that nothing looked at, or looked at without understanding them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Which bytes of the node; `None` for the whole of it or a part that has no place of its own.
    pub range: Option<Range<u64>>,
    /// Why not.
    pub reason: String,
}

/// What a reader found. The checks judge it. Large facts are boxed.
#[derive(Clone, Debug)]
pub(crate) enum Facts {
    /// Recognised; there is nothing in it to judge.
    Nothing,
    Archive(archive::Archive),
    Caffe(caffe::Caffe),
    CatBoost(catboost::CatBoost),
    CoreMl(CoreMl),
    Gguf(Box<gguf::Gguf>),
    Hdf5(hdf5::Hdf5),
    HuggingFace(hugging_face::Configuration),
    Hydra(hydra::Configuration),
    Keras(keras::Keras),
    LightGbm(lightgbm::LightGbm),
    Mar(mar::Mar),
    MessagePack(Box<messagepack::MessagePack>),
    Numpy(Box<numpy::Numpy>),
    Onnx(Box<onnx::Description>),
    /// An ONNX model that loaders would read differently: what is ambiguous.
    OnnxAmbiguous(Suspicions),
    OpenVino(openvino::OpenVino),
    Pickle(pickle::Pickle),
    Pmml(pmml::Pmml),
    Python(python::Python),
    Safetensors(Box<safetensors::Safetensors>),
    Skops(skops::Skops),
    TensorFlow(tensorflow::TensorFlow),
    Text(other::Notes),
    TensorFlowLite(Box<tflite::TensorFlowLite>),
    XgBoost(xgboost::XgBoost),
}

impl Tree {
    /// The file itself.
    pub fn root(&self) -> Option<&Node> {
        self.nodes.first()
    }

    /// Every reading of every node, in order.
    pub(crate) fn readings(&self) -> impl Iterator<Item = (&Node, &Reading)> {
        self.nodes.iter().flat_map(|node| node.readings.iter().map(move |reading| (node, reading)))
    }

    /// Everything that was not inspected, in order.
    pub fn gaps(&self) -> impl Iterator<Item = (&Node, &Gap)> {
        self.nodes.iter().flat_map(|node| node.gaps.iter().map(move |gap| (node, gap)))
    }

    /// Paths, from the file's folder, of the files that the model keeps tensors in, as written in it; those that
    /// leave the folder are left out. `name` is the file's own name.
    pub fn data_files(&self, name: &str) -> Vec<String> {
        let Some(root) = self.root() else { return Vec::new() };
        let mut files = Vec::new();
        for reading in &root.readings {
            match &reading.facts {
                Facts::Onnx(description) => {
                    files.extend(description.external.iter().map(|tensor| tensor.location.clone()));
                }
                Facts::OpenVino(_) => {
                    files.extend(name.strip_suffix(".xml").map(|stem| format!("{stem}.bin")));
                }
                Facts::CoreMl(model) if model.kind != "package" => {
                    let files_of_model =
                        model.files.iter().map(|file| CoreMl::relative(file).to_owned());
                    files.extend(files_of_model);
                }
                _ => {}
            }
        }
        files.retain(|file| crate::checks::external_data::escapes(file).is_none());
        files.sort();
        files.dedup();
        files
    }

    /// Takes the content for the tensors of a model beside it: nothing in it is interpreted.
    pub fn is_data_of_a_model(&mut self) {
        if let Some(root) = self.nodes.first_mut()
            && root.readings.is_empty()
        {
            root.gaps.clear();
            root.readings.push(Reading::new(Format::TensorData, Facts::Nothing));
        }
    }

    /// Whether any part has one of these formats.
    pub fn holds(&self, formats: &[Format]) -> bool {
        self.readings().any(|(_, reading)| formats.contains(&reading.format))
    }
}

impl Node {
    /// The last part of the path: the name that the content goes by where it lies.
    pub fn name(&self) -> &str {
        self.path.rsplit('!').next().unwrap_or(&self.path)
    }
}

impl Reading {
    pub(crate) fn new(format: Format, facts: Facts) -> Self {
        Self { format, facts }
    }
}
