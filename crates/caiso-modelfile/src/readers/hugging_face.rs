//! Configuration, tokenizers and templates of Hugging Face models.

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configuration {}

pub(crate) const READER: Reader = Reader {
    claims: |_| false,
    read: |_, scope| {
        scope.gap(
            None,
            format!("nothing looks into the format {} yet", Format::HuggingFaceConfiguration),
        );
        Some(Reading::new(Format::HuggingFaceConfiguration, Facts::HuggingFace(Configuration {})))
    },
};
