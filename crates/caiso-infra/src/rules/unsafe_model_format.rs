use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::manifests::{Object, each_entry, printable};
use crate::report::{Report, over_objects};
use crate::yaml::Entry;

caiso_core::unit! {
    /// ## What it does
    /// Reports inference services that load models in formats of which loading runs code: the
    /// formats `sklearn` and `pytorch` (pickle, TorchServe archives), `mlflow` (medium: a Python
    /// function), and model references that end in `.pkl`, `.pickle`, `.joblib`, `.dill`, `.pt`,
    /// `.pth`, `.ckpt` or `.mar`.
    ///
    /// ## Why it matters
    /// Whoever can replace the file runs code in the model server, with its rights and its network.
    ///
    /// ## References
    /// - MITRE ATLAS AML.T0011.000 (user execution: unsafe AI artifacts), AML.T0018.002
    /// - Python documentation, pickle, warning at the top
    /// - KServe documentation, supported model formats
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-019",
            name: "unsafe-model-format",
            title: "A model is loaded by running what it contains",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0018.002"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_objects(&UNIT.meta, input, context, visit),
    };
}

const REMEDY: &str = "Export the model to a format that holds data only and serve that: \
                      `modelFormat: {name: onnx}`, or safetensors with a runtime that loads it; \
                      until then sign the file and verify the signature before it is loaded";
/// Ends of file names of formats that run code when loaded.
const SUFFIXES: [&str; 9] =
    ["pkl", "pickle", "joblib", "dill", "cloudpickle", "pt", "pth", "ckpt", "mar"];

fn visit(report: &mut Report<'_>, object: &Object) -> bool {
    let mut found = false;
    each_entry(object, &mut |title, entry| {
        found |= format(report, object, title, entry) | reference(report, object, title, entry);
    });
    found
}

/// Judges the format of a model, if the entry names one.
fn format(report: &mut Report<'_>, object: &Object, title: &str, entry: &Entry) -> bool {
    let value = &entry.value;
    let named = match &*entry.key {
        "modelFormat" => value.get("name").and_then(|name| Some((name.text()?, name))),
        // The older form: the format is the key of the container.
        key @ ("sklearn" | "pytorch" | "mlflow") if value.is_mapping() => Some((key, value)),
        _ => None,
    };
    let Some((format, place)) = named else { return false };
    let severity = match format.to_ascii_lowercase().as_str() {
        "sklearn" | "pytorch" => Severity::High,
        "mlflow" => Severity::Medium,
        _ => return true,
    };
    let message = format!(
        "a model of the format `{}` runs code when it is loaded: whoever can replace the file \
         takes over the server",
        printable(format)
    );
    report.finding(&object.path, place.place(), title, message, REMEDY).severity = severity;
    true
}

/// Judges the file name of a model, if the entry refers to one.
fn reference(report: &mut Report<'_>, object: &Object, title: &str, entry: &Entry) -> bool {
    let uri = match &*entry.key {
        "storageUri" | "modelUri" | "sourceModelUri" | "uri" => entry.value.text(),
        _ => None,
    };
    if let Some(suffix) = uri.and_then(suffix) {
        let part = format!("{title} {}", printable(&entry.key));
        let message = format!(
            "a `.{suffix}` file runs code when it is loaded: whoever can replace it takes over the \
             server"
        );
        report.finding(&object.path, entry.value.place(), part, message, REMEDY);
    }
    uri.is_some()
}

fn suffix(uri: &str) -> Option<&'static str> {
    let path = uri.split(['?', '#']).next().unwrap_or(uri);
    let (_, end) = path.rsplit('/').next()?.rsplit_once('.')?;
    SUFFIXES.into_iter().find(|suffix| end.eq_ignore_ascii_case(suffix))
}
