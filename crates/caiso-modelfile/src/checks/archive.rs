//! What the checks on archives have in common.

use crate::ModelFileInput;
use crate::readers::archive::{Archive, Oddity, OddityKind};
use crate::tree::{Facts, Node};

/// The oddities of these kinds, with the archive each is in.
pub(super) fn oddities<'i>(
    input: &'i ModelFileInput,
    kinds: &'i [OddityKind],
) -> impl Iterator<Item = (&'i Node, &'i Oddity)> {
    let archives = input.facts::<Archive>(|facts| match facts {
        Facts::Archive(archive) => Some(archive),
        _ => None,
    });
    archives.flat_map(move |(node, archive)| {
        let odd = archive.oddities.iter().filter(|oddity| kinds.contains(&oddity.kind));
        odd.map(move |oddity| (node, oddity))
    })
}
