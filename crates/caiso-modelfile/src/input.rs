//! What a model file check works on.

use caiso_core::{CheckError, Location};

use crate::onnx::{self, Description};
use crate::{Format, identify};

/// A model file with its place in the system, identified and described once for all checks.
#[derive(Clone, Debug)]
pub struct ModelFileInput {
    /// Component of the system: `model:mortgage`.
    pub component: String,
    /// Path relative to the manifest, with forward slashes.
    pub path: String,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// Detached signature, where the manifest names one.
    pub signature: Option<Signature>,
    size: u64,
    format: Option<Format>,
    description: Option<Result<Description, String>>,
}

/// A detached signature file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Path relative to the manifest.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
}

impl ModelFileInput {
    /// Identifies and describes `bytes`. Nothing of the file is executed, and the bytes are not kept.
    pub fn new(
        component: impl Into<String>,
        path: impl Into<String>,
        sha256: impl Into<String>,
        bytes: &[u8],
        signature: Option<Signature>,
    ) -> Self {
        let format = identify(bytes);
        let description = (format == Some(Format::Onnx)).then(|| onnx::describe(bytes));
        Self {
            component: component.into(),
            path: path.into(),
            sha256: sha256.into(),
            signature,
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            format,
            description,
        }
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The format of the file, if it is a known one.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// The place of the file, or of a part of it.
    pub(crate) fn location(&self, part: Option<String>) -> Location {
        Location {
            component: self.component.clone(),
            path: Some(self.path.clone()),
            part,
            ..Location::default()
        }
    }

    /// The description of an ONNX file; why there is none otherwise.
    pub(crate) fn onnx(&self) -> Result<&Description, CheckError> {
        match (&self.description, self.format) {
            (Some(Ok(description)), _) => Ok(description),
            (Some(Err(reason)), _) => Err(CheckError::not_assessable(
                format!("`{}` begins like an ONNX model but cannot be read: {reason}", self.path),
                "replace the file by an undamaged export and compare its digest with the source's",
            )),
            (None, Some(format)) => Err(CheckError::not_assessable(
                format!("`{}` has the format {format}, not ONNX", self.path),
                "give the model as ONNX too, or wait for detectors of this format",
            )),
            (None, None) => Err(unrecognised(&self.path)),
        }
    }
}

pub(crate) fn unrecognised(path: &str) -> CheckError {
    CheckError::not_assessable(
        format!("the content of `{path}` is of no model format that caiso knows"),
        "name the model file itself under `path`, not an archive, a pointer or a document",
    )
}
