//! Scanning targets on several threads.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use caiso_core::{
    CheckError, Finding, ParameterSet, Parameters, RunContext, Severity, Span, sha256_hex,
};
use caiso_modelfile::{CHECKS, Found, ModelFileInput, Tree, applies};

use crate::data_files::{beside, know_data_files};
use crate::{Content, FileResult, Kind, NotInspected, Spool, Target, Verdict};

/// How to scan.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads; at least one is used.
    pub jobs: usize,
    /// Whether to compute digests. They take longer than the scan of a large file.
    pub digests: bool,
}

/// Scans every target; the results come in the order of the targets, whatever the number of threads.
/// `finished` is called from the scanning threads, in any order.
pub fn scan(
    targets: &[Target],
    options: &Options,
    finished: &(dyn Fn(&FileResult) + Sync),
) -> Vec<FileResult> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<FileResult>>> = Mutex::new(vec![None; targets.len()]);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(target) = targets.get(index) else { return };
            let result = one(target, options);
            finished(&result);
            let mut results = results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            results[index] = Some(result);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..options.jobs.min(targets.len()) {
            // The scanning thread itself does the work where no other can be started.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut results: Vec<FileResult> = results.into_iter().flatten().collect();
    know_data_files(targets, &mut results);
    results
}

/// [`caiso_modelfile::Format::id`] of everything that the file itself could be taken for.
pub(crate) fn formats(tree: &Tree) -> Vec<&'static str> {
    let readings = tree.root().into_iter().flat_map(|root| &root.readings);
    readings.map(|reading| reading.format.id()).collect()
}

fn one(target: &Target, options: &Options) -> FileResult {
    let path = target.path.display().to_string();
    let content = match &target.kind {
        Kind::File | Kind::Link(_) => Content::open(&target.path),
        Kind::StandardInput => Content::keep(&mut io::stdin().lock()),
        Kind::Unreadable(reason) => return FileResult::unreadable(path, reason.clone()),
    };
    match content {
        Ok(content) => {
            let outside = match &target.kind {
                Kind::Link(to) => Some(to.as_path()),
                _ => None,
            };
            judge(path, &target.path, content.as_ref(), outside, options)
        }
        Err(error) => FileResult::unreadable(path, format!("cannot be read: {error}")),
    }
}

fn judge(
    path: String,
    place: &Path,
    bytes: &[u8],
    outside: Option<&Path>,
    options: &Options,
) -> FileResult {
    // The digest takes longer than the scan; both read the same pages.
    let (input, sha256) = std::thread::scope(|scope| {
        let hash = || Some(sha256_hex(bytes));
        let parallel = options.digests && bytes.len() > PARALLEL_FROM;
        let hashing = parallel
            .then(|| std::thread::Builder::new().spawn_scoped(scope, hash))
            .and_then(Result::ok);
        let mut input = ModelFileInput::new("file", &path, String::new(), bytes, None, &Spool);
        input.beside = Some(beside(&input.tree, place));
        input.link = outside.map(|target| target.display().to_string());
        let digest = match hashing {
            Some(thread) => thread.join().ok().flatten(),
            None if options.digests => hash(),
            None => None,
        };
        (input, digest)
    });
    let mut findings: Vec<Finding> = Vec::new();
    let mut not_inspected: Vec<NotInspected> = input
        .tree
        .gaps()
        .map(|(node, gap)| NotInspected {
            part: (!node.path.is_empty()).then(|| node.path.clone()),
            bytes: gap.range.as_ref().map(|range| Span { start: range.start, end: range.end }),
            reason: gap.reason.clone(),
        })
        .collect();
    for file in input.beside.iter().flatten().filter(|file| file.found == Found::Nothing) {
        not_inspected.push(NotInspected {
            part: None,
            bytes: None,
            reason: format!("`{}`, which tensors are to be read from, is not there", file.name),
        });
    }
    let (parameters, context) = (no_parameters(), RunContext::default());
    for check in CHECKS {
        // A file beside a model is not bound to be signed.
        if check.meta.code.starts_with("MF-SIG-") || !applies(check.meta.code, &input) {
            continue;
        }
        match (check.run)(&input, parameters, &context) {
            Ok(outcome) => findings.extend(outcome.findings),
            Err(CheckError::NotAssessable { reason, .. }) if not_inspected.is_empty() => {
                not_inspected.push(NotInspected { part: None, bytes: None, reason });
            }
            Err(_) => {}
        }
    }
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| (&a.code, &a.location).cmp(&(&b.code, &b.location)))
    });
    let max_severity = findings.first().map(|finding| finding.severity);
    let verdict = match max_severity {
        Some(Severity::Medium | Severity::High | Severity::Critical) => Verdict::Findings,
        _ if not_inspected.is_empty() => Verdict::Clean,
        _ => Verdict::Incomplete,
    };
    FileResult {
        sha256,
        size: input.size(),
        formats: formats(&input.tree),
        verdict,
        max_severity,
        findings,
        not_inspected,
        path,
        tree: input.tree,
    }
}

/// Those of the checks on model files.
fn no_parameters() -> &'static Parameters {
    static NONE: OnceLock<Parameters> = OnceLock::new();
    NONE.get_or_init(|| {
        let resolved = ParameterSet::NONE.resolve(&serde_json::Map::new());
        resolved.expect("no parameters are always complete")
    })
}

/// Below this size a thread costs more than it saves.
const PARALLEL_FROM: usize = 8 << 20;
