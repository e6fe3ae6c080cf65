//! What the checks on Python source have in common.

use caiso_core::Severity;
use caiso_pickle::catalog::{Judgement, Rule, Use};
use caiso_pickle::{Catalog, Category};

use crate::ModelFileInput;
use crate::readers::python::{Call, Python, Usage};
use crate::tree::{Facts, Node};

/// Every Python source in the file.
pub(super) fn sources(input: &ModelFileInput) -> impl Iterator<Item = (&Node, &Python)> {
    input.facts(|facts| match facts {
        Facts::Python(python) => Some(python),
        _ => None,
    })
}

/// What the catalog says of a dotted name: the worst of the pairs of module and name that it lists. In source,
/// unlike in a pickle, most of a module is used for what it is there for, so that a module which is dangerous as
/// a whole counts only where it runs something or talks to others.
fn judge(path: &str) -> Option<Judgement> {
    let cuts = path
        .match_indices('.')
        .filter_map(|(at, _)| Some((path.get(..at)?, path.get(at.checked_add(1)?..)?)));
    let judged = cuts.take(16).map(|(module, name)| {
        let judgement = Catalog::embedded().judge(module, name, Use::Call);
        (judgement, name.contains('.'))
    });
    let counts = |(judgement, _): &(Judgement, bool)| match judgement.rule {
        Rule::Exact => judgement.category.is_dangerous(),
        Rule::Default => false,
        // `model.eval()` and `file.open()` are methods of their objects.
        Rule::DottedPart("builtins") if !path.contains("builtins") => false,
        Rule::DottedPart(module) if ordinary(path) && !SYSTEM.contains(&module) => false,
        Rule::Parent(_) if ordinary(path) => false,
        _ => matches!(
            judgement.category,
            Category::Exec | Category::Native | Category::Network | Category::CodeObject
        ),
    };
    judged.filter(counts).map(|(judgement, _)| judgement).max_by_key(|judgement| judgement.severity)
}

/// Packages that model code is made of: what of them does harm is listed by its name.
const PACKAGES: [&str; 16] = [
    "PIL",
    "accelerate",
    "datasets",
    "diffusers",
    "huggingface_hub",
    "jax",
    "keras",
    "numpy",
    "pytest",
    "scipy",
    "sklearn",
    "tensorflow",
    "torch",
    "torchvision",
    "transformers",
    "unittest",
];
/// Modules that lead out of a package through which they are reached.
const SYSTEM: [&str; 14] = [
    "builtins",
    "ctypes",
    "importlib",
    "marshal",
    "nt",
    "os",
    "pickle",
    "posix",
    "pty",
    "runpy",
    "shutil",
    "socket",
    "subprocess",
    "sys",
];

fn ordinary(path: &str) -> bool {
    let root = path.split('.').next().unwrap_or_default();
    PACKAGES.contains(&root) || path.starts_with("urllib.parse.")
}

/// What a pickle has no reason to call and model code has: it compiles the functions of that code.
const ORDINARY: [&str; 3] = ["torch.compile", "torch.jit.script", "torch.jit.trace"];

/// How bad a call is where it stands, and what it does.
pub(super) fn concern(call: &Call) -> Option<(Severity, &'static str)> {
    if ["__globals__", "__builtins__", "__subclasses__", "__self__", "__mro__", "__bases__"]
        .iter()
        .any(|part| call.path.contains(part))
    {
        return Some((Severity::Medium, "walks to the insides of the interpreter"));
    }
    // Looked up by name; what is found is judged where it is called.
    if call.usage == Usage::Resolve || call.path.starts_with("builtins.getattr") {
        return None;
    }
    if ORDINARY.contains(&call.path.as_str()) {
        return None;
    }
    let judgement = judge(&call.path)?;
    if call.usage == Usage::Name {
        let runs = judgement.rule == Rule::Exact
            && judgement.category == Category::Exec
            && !ordinary(&call.path);
        let severity = if call.at_import { Severity::High } else { Severity::Medium };
        return runs.then_some((severity, "may run commands or code wherever it is handed to"));
    }
    let known = call.constant || !call.argument.is_empty();
    let (at_import, within, effect) = match judgement.category {
        Category::Exec if known => (Severity::High, Severity::High, "runs commands or code"),
        Category::Exec => (Severity::High, Severity::Medium, "runs commands or code"),
        Category::Native => (Severity::High, Severity::Medium, "loads native code"),
        Category::Network => (Severity::High, Severity::Medium, "talks to other machines"),
        Category::NestedLoad => (Severity::Medium, Severity::Low, "loads a serialised object"),
        Category::CodeObject => (Severity::High, Severity::Medium, "builds code from bytes"),
        Category::FileWrite => (Severity::Medium, Severity::Low, "changes files"),
        Category::ProcessControl => {
            (Severity::Medium, Severity::Low, "starts or disturbs processes")
        }
        _ => (Severity::Low, Severity::Low, "reads files or imports modules"),
    };
    let plain = matches!(call.path.as_str(), "builtins.open" | "sys.exit" | "os.getenv");
    let severity = if call.at_import { at_import } else { within };
    (!plain && severity > Severity::Low).then_some((severity, effect))
}

/// A call as its author would write it.
pub(super) fn shown(call: &Call) -> String {
    let path = call.path.strip_prefix("builtins.").unwrap_or(&call.path);
    if call.usage == Usage::Name {
        return path.to_owned();
    }
    let argument =
        if call.constant { format!("{:?}", call.argument) } else { call.argument.clone() };
    format!("{path}({argument})")
}
