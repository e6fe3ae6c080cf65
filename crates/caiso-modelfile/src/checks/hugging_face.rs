//! What the checks on configurations of Hugging Face models have in common.

use crate::ModelFileInput;
use crate::readers::hugging_face::Configuration;
use crate::tree::{Facts, Node};

/// Every such configuration in the file.
pub(super) fn configurations(
    input: &ModelFileInput,
) -> impl Iterator<Item = (&Node, &Configuration)> {
    input.facts(|facts| match facts {
        Facts::HuggingFace(found) => Some(found),
        _ => None,
    })
}
