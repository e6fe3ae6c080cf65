use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::readers::skops::Node;
use crate::tree::Facts;
use crate::{Format, ModelFileInput, globals};

caiso_core::unit! {
    /// ## What it does
    /// Judges every type, function, method and operator that the schema of a skops file names, by the
    /// catalog of Python globals and by lists of what numpy, scipy and scikit-learn need. Finds nodes
    /// that show one name and load another, and skops files that are no skops at all.
    ///
    /// ## Why it matters
    /// skops asks the user to trust the types that it shows. Several versions showed something else than
    /// they loaded, and a file of another format is unpickled where only a model card was wanted.
    ///
    /// ## References
    /// - CVE-2025-54412 (OperatorFuncNode), CVE-2025-54413 (MethodNode), CVE-2025-54886 (joblib instead)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0010.003 (compromised model)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-SKO-001",
            name: "skops-untrusted-type",
            title: "The skops file names types beyond those of scikit-learn",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0010.003"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: skops_type,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn skops_type(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome {
        summary: "the schema names only types of Python, numpy, scipy and scikit-learn".to_owned(),
        ..Outcome::default()
    };
    let pickled = input.format().filter(|format| matches!(format, Format::Pickle | Format::Joblib));
    if let Some(format) = pickled
        && input.path.to_ascii_lowercase().ends_with(".skops")
    {
        outcome.findings.push(Finding::of(
            &UNIT.meta,
            input.location(None),
            format!(
                "`{}` is called a skops file and is a {format}: what reads it as a skops file and falls \
                 back to joblib runs its code (CVE-2025-54886)",
                input.path
            ),
            "Do not load the file; find out who wrote it",
        ));
    }
    let schemas = input.facts(|facts| match facts {
        Facts::Skops(skops) => Some(skops),
        _ => None,
    });
    for (part, skops) in schemas {
        skops.describe(&mut outcome.facts);
        for node in &skops.nodes {
            let Some((severity, message)) = judge(node) else { continue };
            let mut finding = Finding::of(
                &UNIT.meta,
                input.at(part, &format!("{} {}.{}", node.loader, node.module, node.class)),
                message,
                if severity >= Severity::High {
                    "Do not load the file; find out who wrote it"
                } else {
                    "Review the type before it is put on the list of trusted ones"
                },
            );
            finding.severity = severity;
            outcome.findings.push(finding);
        }
    }
    if !outcome.findings.is_empty() {
        outcome.summary = format!("{} names need a look", outcome.findings.len());
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::Skops]));
    Ok(outcome)
}

/// Types that skops rebuilds from plain data, by their module.
const BUILT_IN: &[(&str, &[&str])] = &[
    (
        "builtins",
        &[
            "str",
            "int",
            "float",
            "bool",
            "bytes",
            "bytearray",
            "list",
            "dict",
            "tuple",
            "set",
            "slice",
            "map",
            "complex",
            "frozenset",
            "NoneType",
            "type",
            "object",
        ],
    ),
    ("collections", &["OrderedDict", "defaultdict", "Counter", "deque"]),
    ("datetime", &["date", "datetime", "time", "timedelta", "timezone"]),
    ("zoneinfo", &["ZoneInfo"]),
    ("decimal", &["Decimal"]),
    ("uuid", &["UUID"]),
];

/// The loaders of skops 0.9 to 0.16.
const LOADERS: [&str; 30] = [
    "BytearrayNode",
    "BytesNode",
    "CachedNode",
    "ConstructorFromReduceNode",
    "DTypeNode",
    "DefaultDictNode",
    "DictNode",
    "FunctionNode",
    "JsonNode",
    "ListNode",
    "LossNode",
    "MaskedArrayNode",
    "MethodNode",
    "NdArrayNode",
    "ObjectNode",
    "OperatorFuncNode",
    "PartialNode",
    "QuantileForestNode",
    "RandomGeneratorNode",
    "RandomStateNode",
    "ReduceNode",
    "SGDNode",
    "SetNode",
    "SliceNode",
    "SparseMatrixNode",
    "TreeNode",
    "TupleNode",
    "TypeNode",
    "UnsupportedTypeNode",
    "_DictWithDeprecatedKeysNode",
];

fn judge(node: &Node) -> Option<(Severity, String)> {
    let (module, class) = (node.module.as_str(), node.class.as_str());
    let name = format!("{module}.{class}");
    let judged = globals::judge(module, class);
    let at = &node.at;
    if !LOADERS.contains(&node.loader.as_str()) && !judged.category.is_dangerous() {
        let loader = &node.loader;
        let message = format!("`{at}` is built by `{loader}`, which no version of skops has");
        return Some((Severity::Medium, message));
    }
    match node.loader.as_str() {
        "OperatorFuncNode" => {
            let plain = ["attrgetter", "itemgetter", "methodcaller"].contains(&class);
            if module == "operator" && plain {
                let what = format!("`{at}` is `{name}({})`: ", node.arguments);
                let harmless = class == "itemgetter" || !node.arguments.contains("__");
                return Some(if harmless {
                    (Severity::Low, format!("{what}it reads an attribute, an item or a method"))
                } else {
                    (Severity::High, format!("{what}it reaches into the insides of objects"))
                });
            }
            Some((
                Severity::Critical,
                format!(
                    "`{at}` shows `{name}` and calls `operator.{class}` when the file is loaded \
                     (CVE-2025-54412)"
                ),
            ))
        }
        "MethodNode" => {
            let Some((method, bound)) = &node.method else {
                return Some((
                    Severity::High,
                    format!("`{at}` is a method of nothing (CVE-2025-54413)"),
                ));
            };
            if *bound != name {
                return Some((
                    Severity::High,
                    format!(
                        "`{at}` shows `{name}` and takes `{method}` of `{bound}` (CVE-2025-54413)"
                    ),
                ));
            }
            let reached = globals::judge(module, &format!("{class}.{method}"));
            if method.starts_with("__") || reached.category.is_dangerous() {
                return Some((
                    Severity::High,
                    format!("`{at}` takes the method `{method}` of `{name}` (CVE-2025-54413)"),
                ));
            }
            Some((Severity::Medium, format!("`{at}` takes the method `{method}` of `{name}`")))
        }
        _ if judged.category.is_dangerous() => Some((
            judged.severity.max(Severity::High),
            format!(
                "`{at}` names `{name}`, which {}{}",
                globals::effect(judged.category),
                globals::cited(judged.reference)
            ),
        )),
        _ if judged.severity <= Severity::Info => None,
        "FunctionNode" | "PartialNode" => {
            let fine = node.only_computes() || name == "functools.partial";
            (!fine).then(|| (Severity::Medium, format!("`{at}` names the function `{name}`")))
        }
        _ if is_trusted(module, class) => None,
        loader if module.is_empty() || class.is_empty() || loader.is_empty() => {
            Some((Severity::Medium, format!("`{at}` does not say what it builds")))
        }
        _ => Some((
            Severity::Medium,
            format!("`{at}` builds `{name}`, which {}", globals::effect(judged.category)),
        )),
    }
}

/// Whether the type belongs to what scikit-learn models are made of. A name in lower case is a function,
/// and `datasets` and `externals` hold loaders and other packages.
fn is_trusted(module: &str, class: &str) -> bool {
    if BUILT_IN.iter().any(|(known, classes)| *known == module && classes.contains(&class)) {
        return true;
    }
    let mut parts = module.split('.');
    let package = parts.next().unwrap_or_default();
    let is_class = class.trim_start_matches('_').starts_with(|c: char| c.is_ascii_uppercase());
    match package {
        "sklearn" => is_class && !parts.any(|part| matches!(part, "datasets" | "externals")),
        "scipy" => is_class || parts.next() == Some("sparse"),
        "numpy" => match module {
            "numpy" | "numpy.ma" | "numpy.ma.core" | "numpy.dtypes" => {
                let scalar = |prefix: &str| {
                    class
                        .strip_prefix(prefix)
                        .is_some_and(|bits| bits.chars().all(|c| c.is_ascii_digit() || c == '_'))
                };
                let kinds = [
                    "int",
                    "uint",
                    "float",
                    "complex",
                    "bool",
                    "str",
                    "bytes",
                    "datetime",
                    "timedelta",
                    "void",
                    "object",
                ];
                kinds.iter().any(|kind| scalar(kind))
                    || [
                        "ndarray",
                        "dtype",
                        "generic",
                        "longdouble",
                        "clongdouble",
                        "intc",
                        "uintc",
                        "longlong",
                        "ulonglong",
                        "short",
                        "ushort",
                        "byte",
                        "ubyte",
                        "half",
                        "single",
                        "double",
                        "matrix",
                        "recarray",
                    ]
                    .contains(&class)
                    || class == "MaskedArray"
                    || class.ends_with("DType")
            }
            _ => module.starts_with("numpy.random") && is_class,
        },
        "quantile_forest" => is_class,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_trusted;

    #[test]
    fn only_what_models_are_made_of_is_trusted() {
        let trusted = [
            ("sklearn.tree._tree", "Tree"),
            ("sklearn.ensemble._hist_gradient_boosting.binning", "_BinMapper"),
            ("numpy", "float64"),
            ("numpy", "bool"),
            ("numpy.random.mtrand", "RandomState"),
            ("scipy.sparse._csr", "csr_matrix"),
            ("builtins", "dict"),
        ];
        for (module, class) in trusted {
            assert!(is_trusted(module, class), "{module}.{class}");
        }
        let others = [
            ("builtins", "eval"),
            ("numpy", "load"),
            ("numpy", "fromfile"),
            ("sklearn.datasets._base", "Bunch"),
            ("sklearn.utils", "check_array"),
            ("sklearnx", "Tree"),
            ("os", "system"),
        ];
        for (module, class) in others {
            assert!(!is_trusted(module, class), "{module}.{class}");
        }
    }
}
