//! Python pickles, and what is made of them: joblib dumps and PyTorch checkpoints of the old kind.

use std::collections::{BTreeMap, BTreeSet};

use caiso_core::Severity;
use caiso_pickle::{
    Analysis, Catalog, Category, Concern, End, EventKind, GapReason, ResultKind, Stream, analyse,
    judge, looks_like_pickle,
};

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect, Scope};

mod notes;
mod storage;

pub(crate) use storage::Storage;

/// What loading would do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pickle {
    /// What is wrong with it, in the order of the bytes.
    pub(crate) concerns: Vec<Concern>,
    /// Everything that loading imports, as `module.name`.
    pub(crate) globals: BTreeSet<String>,
    /// What the first pickle's value is made by, if it is the result of a call.
    pub(crate) class: Option<String>,
    /// Highest protocol.
    pub(crate) protocol: u8,
    /// Pickles at the top level.
    pub(crate) streams: usize,
    /// Pickles that were found by searching behind damage, where a loader does not begin.
    pub(crate) hidden: Vec<std::ops::Range<usize>>,
    /// Identifiers of objects that the loader supplies, as Python would write them.
    pub(crate) persistent: Vec<String>,
    /// A checkpoint of the old kind whose magic number is not written down but computed.
    pub(crate) computed_magic: bool,
    /// Versions and traces of the training: `training epoch`, `version of scikit-learn`.
    pub(crate) notes: BTreeMap<String, String>,
}

pub(crate) const READER: Reader =
    Reader { claims: |artifact| looks_like_pickle(artifact.bytes), read };

/// A pickle behind bytes that are none, in a content that nothing else explains. Only what would do harm is
/// worth the name: bytes of every kind hold what could be a pickle by chance.
pub(crate) const HIDDEN: Reader = Reader {
    claims: |artifact| !super::other::is_text(artifact.bytes),
    read: |artifact, scope| {
        let analysis = analyse(artifact.bytes, &scope.limits().pickle);
        let concerns = judge(&analysis, Catalog::embedded());
        let harmful = concerns.iter().any(|concern| {
            concern.severity >= Severity::High && concern.category != Category::Unknown
        });
        let whole = analysis.streams.iter().any(|stream| stream.end == End::Stop);
        let pickle = Pickle { concerns, ..Pickle::default() };
        (harmful && whole).then(|| Reading::new(Format::Pickle, Facts::Pickle(pickle)))
    },
};

/// Whether the content is one pickle from its first to its last byte that imports something: no weights are,
/// by chance.
pub(crate) fn is_whole(content: &[u8]) -> bool {
    if !matches!(content, [0x80, 0..=5, ..]) {
        return false;
    }
    let analysis = analyse(content, &caiso_pickle::Limits::default());
    analysis.gaps.is_empty()
        && analysis.streams.iter().all(|stream| stream.end == End::Stop)
        && analysis
            .streams
            .iter()
            .flat_map(|stream| &stream.events)
            .any(|event| is_import(&event.kind))
}

fn is_import(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Import { .. })
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every reader")]
fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let analysis = analyse(artifact.bytes, &scope.limits().pickle);
    let legacy = legacy(&analysis);
    gaps(&analysis, legacy.is_some(), artifact.bytes, scope);
    let mut globals = BTreeSet::new();
    for event in analysis.streams.iter().flat_map(|stream| &stream.events) {
        if let EventKind::Import { global: Some(global), .. } = &event.kind
            && globals.len() < MAX_GLOBALS
        {
            globals.insert(global.to_string());
        }
    }
    let persistent = |kind: &EventKind| match kind {
        EventKind::Persistent { id } => Some(id.clone()),
        _ => None,
    };
    let top = || analysis.streams.iter().filter(|stream| stream.depth == 0);
    // A tensor that is pickled alone is a checkpoint of the old kind within the pickle.
    let events = || top().flat_map(|stream| &stream.events);
    let persistent = events().filter_map(|event| persistent(&event.kind)).collect();
    let joblib = globals.iter().any(|global| global.starts_with("joblib.numpy_pickle"));
    let format = match legacy {
        Some(_) => Format::PyTorchLegacy,
        None if joblib => Format::Joblib,
        None => Format::Pickle,
    };
    let class = top().next().and_then(|stream| match &stream.result {
        ResultKind::Call(name) | ResultKind::Global(name) => Some(name.to_string()),
        _ => None,
    });
    let pickle = Pickle {
        concerns: judge(&analysis, Catalog::embedded()),
        globals,
        class,
        protocol: top().filter_map(|stream| stream.protocol).max().unwrap_or_default(),
        streams: top().count(),
        hidden: top()
            .filter(|stream| stream.resynchronised && !stream.events.is_empty())
            .map(|stream| stream.range.clone())
            .take(MAX_HIDDEN)
            .collect(),
        persistent,
        computed_magic: legacy == Some(Magic::Computed),
        notes: notes::read(artifact.bytes),
    };
    Some(Reading::new(format, Facts::Pickle(pickle)))
}

const MAX_GLOBALS: usize = 10_000;
const MAX_HIDDEN: usize = 100;

/// How a checkpoint of the old kind says what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Magic {
    Literal,
    Computed,
}

/// `0x1950a86a20f9469cfc6c`, least significant byte first (torch/serialization.py, `MAGIC_NUMBER`).
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// `PROTOCOL_VERSION` in the same file.
const PROTOCOL_VERSION: i64 = 1001;

/// Whether the pickle is the magic number of a checkpoint of the old kind.
fn is_legacy_start(stream: &Stream) -> bool {
    matches!(&stream.result, ResultKind::Long(bytes) if bytes.strip_suffix(&[0]).unwrap_or(bytes) == MAGIC)
}

/// A checkpoint before version 1.6 of PyTorch begins with the pickles of a magic number and of a protocol
/// version.
fn legacy(analysis: &Analysis) -> Option<Magic> {
    let mut streams = analysis.streams.iter().filter(|stream| stream.depth == 0);
    let (first, second) = (streams.next()?, streams.next());
    match &first.result {
        _ if is_legacy_start(first) => Some(Magic::Literal),
        ResultKind::Call(_) | ResultKind::Unknown
            if second.is_some_and(|second| second.result == ResultKind::Int(PROTOCOL_VERSION)) =>
        {
            Some(Magic::Computed)
        }
        _ => None,
    }
}

/// Says what no pickle covers. The weights of a checkpoint of the old kind follow its pickles.
fn gaps(analysis: &Analysis, legacy: bool, bytes: &[u8], scope: &mut Scope<'_, '_>) {
    let number = |range: &std::ops::Range<usize>| {
        let number = |place: usize| u64::try_from(place).unwrap_or(u64::MAX);
        number(range.start)..number(range.end)
    };
    for gap in &analysis.gaps {
        let within = analysis.streams.iter().any(|stream| {
            stream.depth == 0
                && stream.range.start <= gap.range.start
                && gap.range.end <= stream.range.end
        });
        // The weights of a checkpoint of the old kind, also of one within a constant of the pickle.
        let weights = legacy || within && analysis.streams.iter().any(is_legacy_start);
        if gap.reason != GapReason::NotPickle || weights {
            continue;
        }
        scope.gap(Some(number(&gap.range)), "bytes that belong to no pickle");
        let content = bytes.get(gap.range.clone()).unwrap_or_default();
        let name = format!("bytes {} to {}", gap.range.start, gap.range.end);
        if gap.range.len() < bytes.len() {
            scope.part(&name, content, Expect::Data);
        }
    }
    for incomplete in &analysis.incomplete {
        scope.gap(Some(number(&incomplete.range)), incomplete.reason.clone());
    }
    for stream in analysis.streams.iter().filter(|stream| stream.depth == 0) {
        let reason = match &stream.end {
            End::Stop | End::Limit => continue,
            End::Truncated => "the pickle is cut off".to_owned(),
            End::Undecodable(reason) => format!("the pickle cannot be read on: {reason}"),
            End::Refused(reason) => format!("loading stops with an error: {reason}"),
            _ => "the pickle does not come to its end".to_owned(),
        };
        let end = number(&(stream.range.end..bytes.len()));
        scope.gap(Some(end), reason);
    }
}
