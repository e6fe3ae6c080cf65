//! One reader for each format or family of formats. A reader turns bytes into facts; the checks
//! judge the facts.

use crate::tree::Reading;
use crate::walk::{Artifact, Scope};

pub(crate) mod archive;
pub(crate) mod caffe;
pub(crate) mod catboost;
pub(crate) mod coreml;
pub(crate) mod gguf;
pub(crate) mod hdf5;
pub(crate) mod hugging_face;
pub(crate) mod hydra;
pub(crate) mod keras;
pub(crate) mod lightgbm;
pub(crate) mod mar;
pub(crate) mod messagepack;
pub(crate) mod numpy;
pub(crate) mod onnx;
pub(crate) mod openvino;
pub(crate) mod other;
pub(crate) mod pickle;
pub(crate) mod pmml;
pub(crate) mod python;
pub(crate) mod recognised;
pub(crate) mod safetensors;
pub(crate) mod skops;
pub(crate) mod tensorflow;
pub(crate) mod tflite;
pub(crate) mod xgboost;

/// How contents of a format are recognised and read.
pub(crate) struct Reader {
    /// Whether a loader could take the content for this format. Goes by the content; the name counts
    /// only for formats without any mark of their own (a pickle of protocol 0, Python source).
    pub(crate) claims: fn(&Artifact<'_>) -> bool,
    /// Reads it; `None` when a closer look shows another format. Parts go to [`Scope::part`] and
    /// [`Scope::expand`], what is not understood to [`Scope::gap`].
    pub(crate) read: fn(&Artifact<'_>, &mut Scope<'_, '_>) -> Option<Reading>,
}

/// Every reader, most specific first: the first reading names a file's format.
pub(crate) const READERS: &[Reader] = &[
    gguf::READER,
    numpy::READER,
    tflite::READER,
    hdf5::READER,
    archive::ZIP,
    archive::SEVEN_ZIP,
    archive::TAR,
    archive::STREAM,
    safetensors::READER,
    keras::READER,
    skops::READER,
    hugging_face::READER,
    mar::READER,
    xgboost::JSON,
    xgboost::UBJSON,
    lightgbm::READER,
    catboost::READER,
    pmml::READER,
    openvino::READER,
    hydra::READER,
    pickle::READER,
    onnx::READER,
    tensorflow::READER,
    coreml::READER,
    messagepack::READER,
    caffe::READER,
    recognised::READER,
    python::SITE_HOOK,
    python::SOURCE,
    other::EXECUTABLE,
];

/// What a content is when no other reader takes it for anything; the first that reads it counts.
pub(crate) const FALLBACKS: &[Reader] = &[other::MEDIA_FILE, pickle::HIDDEN, other::TEXT];
