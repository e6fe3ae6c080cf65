//! From what loading does to how bad that is: the allow list first, then the rules for what it does not
//! know.

use std::collections::BTreeSet;
use std::ops::Range;

use caiso_core::Severity;

use crate::catalog::{Catalog, Category, Judgement, Use};
use crate::event::{
    AcceptedBy, Analysis, ArgumentKind, Build, Call, Callee, Difference, DifferenceKind, EventKind,
    Folding, Name, Stream,
};
use crate::text::looks_like_code;

/// Something about a pickle that somebody should know before loading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// What the global can be used for.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// The global, or what is known of it.
    pub global: String,
    /// The instruction.
    pub span: Range<usize>,
    /// What loading does, in a sentence without an end.
    pub message: String,
    /// Identifiers of published advisories or weaknesses, separated by spaces.
    pub reference: Option<&'static str>,
    /// It is about how readers differ, not about what is loaded.
    pub difference: bool,
}

/// Attributes that redirect what a later instruction or Python itself calls.
const HOOKS: [&str; 9] = [
    "__setstate__",
    "__class__",
    "__reduce__",
    "__reduce_ex__",
    "__dict__",
    "__getattr__",
    "append",
    "extend",
    "add",
];

/// The loader in the pickle of a single torch tensor.
const STORAGE: &str = "torch.storage._load_from_bytes";

/// Judges everything an analysis found, in its order; the same thing done again is named once. Harmless uses
/// are left out.
pub fn judge(analysis: &Analysis, catalog: &Catalog) -> Vec<Concern> {
    let mut concerns = Vec::new();
    let mut seen = BTreeSet::new();
    for stream in &analysis.streams {
        let looked_into: BTreeSet<usize> = stream
            .events
            .iter()
            .filter(|event| matches!(event.kind, EventKind::Nested { analysed: true, .. }))
            .map(|event| event.span.start)
            .collect();
        let folded = folded(stream);
        for (index, event) in stream.events.iter().enumerate() {
            let found = match &event.kind {
                EventKind::Import { global, by } => Some(import(global.as_ref(), by, catalog)),
                EventKind::Call(called) => call(called, catalog),
                EventKind::Build(built) => build(built, catalog),
                EventKind::Difference(different) => Some(difference(different, stream, index)),
                EventKind::Oversized { depth, values } => Some(unknown(
                    Severity::Medium,
                    "pickle".to_owned(),
                    format!(
                        "makes a value {depth} containers deep that unfolds to {values} values"
                    ),
                )),
                EventKind::Persistent { .. } | EventKind::Nested { .. } => None,
            };
            let Some(mut concern) = found.filter(|concern| concern.severity > Severity::Info)
            else {
                continue;
            };
            // How torch itself writes a tensor that is pickled alone: what it loads is judged where it lies.
            let only_imported = matches!(event.kind, EventKind::Import { .. });
            if concern.global == STORAGE
                && (only_imported || looked_into.contains(&event.span.start))
            {
                concern.severity = Severity::Low;
            }
            if only_imported
                && concern.category == Category::Resolver
                && folded.contains(&concern.global)
            {
                concern.severity = Severity::Low;
            }
            concern.span = event.span.clone();
            if stream.resynchronised {
                concern.message.push_str(", in a pickle behind damaged or foreign bytes");
            }
            if stream.depth > 0 {
                concern.message.push_str(", in a pickle within the pickle");
            }
            if seen.insert((concern.global.clone(), concern.message.clone(), concern.severity)) {
                concerns.push(concern);
            }
        }
    }
    concerns
}

/// Globals that are called, and whose every call came to a constant or a global: what these reach is judged in
/// their place.
fn folded(stream: &Stream) -> BTreeSet<String> {
    let mut folded = BTreeSet::new();
    let mut open = BTreeSet::new();
    for event in &stream.events {
        if let EventKind::Call(Call { callee: Callee::Global(global), folding, .. }) = &event.kind {
            let known = matches!(folding, Folding::Constant | Folding::Resolved(_));
            if known { &mut folded } else { &mut open }.insert(global.to_string());
        }
    }
    folded.retain(|global| !open.contains(global));
    folded
}

fn concern(judgement: Judgement, global: &Name, message: String) -> Concern {
    Concern {
        category: judgement.category,
        severity: judgement.severity,
        global: global.to_string(),
        span: 0..0,
        message,
        reference: judgement.reference,
        difference: false,
    }
}

fn unknown(severity: Severity, global: String, message: String) -> Concern {
    Concern {
        category: Category::Unknown,
        severity,
        global,
        span: 0..0,
        message,
        reference: None,
        difference: false,
    }
}

fn import(global: Option<&Name>, by: &str, catalog: &Catalog) -> Concern {
    let Some(global) = global else {
        // The program that loads may have registered the code.
        let severity = if by == "EXT" { Severity::Medium } else { Severity::High };
        let message = format!("{by} imports a global whose name is not in the file");
        return unknown(severity, "?".to_owned(), message);
    };
    let judgement = catalog.judge(&global.module, &global.name, Use::Import);
    let what = match judgement.category {
        Category::Unknown => "which is not on the allow list".to_owned(),
        category => format!("of category {category}"),
    };
    concern(judgement, global, format!("imports `{global}`, {what}"))
}

fn call(call: &Call, catalog: &Catalog) -> Option<Concern> {
    if let (Callee::Global(global), Folding::NotResolver) = (&call.callee, &call.folding) {
        // The everyday case: nothing is to be said.
        let judgement = catalog.judge(&global.module, &global.name, Use::Call);
        if judgement.severity <= Severity::Info {
            return None;
        }
    }
    Some(told(call, catalog))
}

fn told(call: &Call, catalog: &Catalog) -> Concern {
    let code = call.arguments.iter().find(|argument| {
        matches!(argument.kind, ArgumentKind::Text | ArgumentKind::Bytes)
            && looks_like_code(&argument.text)
    });
    let arguments: Vec<&str> =
        call.arguments.iter().take(4).map(|argument| argument.text.as_str()).collect();
    let mut arguments = arguments.join(", ");
    if arguments.len() > 160 {
        arguments.truncate(arguments.floor_char_boundary(160));
        arguments.push('…');
    }
    match &call.callee {
        Callee::Global(global) => {
            let mut judgement = catalog.judge(&global.module, &global.name, Use::Call);
            let mut message = format!("calls `{global}({arguments})`");
            if judgement.category == Category::Unknown {
                message.push_str(", which is not on the allow list");
                if code.is_some() {
                    judgement.severity = judgement.severity.max(Severity::High);
                    message.push_str(", with a string that looks like code or an address");
                }
            }
            match &call.folding {
                Folding::Unresolved => {
                    judgement.severity = judgement.severity.max(Severity::High);
                    message.push_str(", with arguments that are not in the file");
                }
                Folding::Resolved(result) if judgement.category == Category::Resolver => {
                    let of = catalog.judge(&result.module, &result.name, Use::Call);
                    judgement = of;
                    message.push_str(&format!(", which is `{result}`"));
                }
                Folding::Constant if judgement.category == Category::Resolver => {
                    // What it wraps is judged where it is called, and where it is imported.
                    judgement.severity =
                        if matches!(&*global.name, "partial" | "itemgetter" | "attrgetter") {
                            Severity::Low
                        } else {
                            judgement.severity.min(Severity::Medium)
                        };
                }
                _ => {}
            }
            concern(judgement, global, message)
        }
        Callee::Folded { global, through } => {
            let mut judgement = catalog.judge(&global.module, &global.name, Use::Call);
            if code.is_some() && judgement.category == Category::Unknown {
                judgement.severity = judgement.severity.max(Severity::High);
            }
            let path: Vec<String> = through.iter().map(|name| format!("`{name}`")).collect();
            let message =
                format!("calls `{global}({arguments})`, reached through {}", path.join(", "));
            concern(judgement, global, message)
        }
        Callee::Unknown { result_of } => {
            let (severity, global) = match result_of {
                Some(name) => {
                    let made = catalog.judge(&name.module, &name.name, Use::Call);
                    let least =
                        if made.category.is_harmless() { Severity::Medium } else { Severity::High };
                    (least, format!("{name}(…)"))
                }
                None => (Severity::High, "?".to_owned()),
            };
            let severity = if code.is_some() { Severity::High } else { severity };
            let message = format!("calls a value that the pickle computes, with ({arguments})");
            unknown(severity, global, message)
        }
    }
}

fn build(build: &Build, catalog: &Catalog) -> Option<Concern> {
    if let (Some(class), true) = (&build.class, build.items) {
        // No writer of tensors does it; loaders that allow only tensors do not expect it.
        let message = format!("writes items into the memory of a tensor, the result of `{class}`");
        let mut concern = unknown(Severity::High, class.to_string(), message);
        concern.reference = Some("CVE-2026-24747");
        return Some(concern);
    }
    if let Some(target) = &build.target {
        let message = format!("overwrites {} of `{target}` itself", keys(build));
        return Some(unknown(Severity::High, target.to_string(), message));
    }
    let hook = build.keys.iter().any(|key| HOOKS.contains(&key.as_str()));
    let name = build.class.as_ref().map_or_else(|| "?".to_owned(), Name::to_string);
    if hook {
        let message =
            format!("sets {} of an object of `{name}`, which redirects calls", keys(build));
        return Some(unknown(Severity::Medium, name, message));
    }
    let harmless = build.class.as_ref().is_some_and(|class| {
        catalog.judge(&class.module, &class.name, Use::Call).category.is_harmless()
    });
    if harmless || (!build.dictionary && build.class.is_none()) {
        return None;
    }
    let message =
        format!("sets the state of an object of `{name}`, which is not on the allow list");
    Some(unknown(Severity::Low, name, message))
}

fn keys(build: &Build) -> String {
    let keys: Vec<String> = build.keys.iter().take(4).map(|key| format!("`{key}`")).collect();
    if keys.is_empty() { "attributes".to_owned() } else { keys.join(", ") }
}

fn difference(difference: &Difference, stream: &Stream, index: usize) -> Concern {
    let calls_after = stream
        .events
        .iter()
        .skip(index)
        .any(|event| matches!(event.kind, EventKind::Call(_) | EventKind::Import { .. }));
    let severity = match difference.kind {
        DifferenceKind::FrameStraddled | DifferenceKind::FrameNested => Severity::High,
        // The plain case of a file that is cut off.
        DifferenceKind::FrameTooLong if stream.end != crate::event::End::Stop => Severity::Medium,
        _ if calls_after && difference.accepted_by != AcceptedBy::Both => Severity::High,
        _ => Severity::Medium,
    };
    let who = match difference.accepted_by {
        AcceptedBy::C => "only the unpickler written in C goes on",
        AcceptedBy::Python => "only the unpickler written in Python goes on",
        AcceptedBy::Both => "the two unpicklers go on differently",
    };
    let message = format!("{}: {who}", difference.kind.text());
    Concern { difference: true, ..unknown(severity, "pickle".to_owned(), message) }
}
