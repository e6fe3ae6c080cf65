use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::keras_object::{is_own, keras, start, target};
use crate::globals::judge_dotted;
use crate::readers::keras::Object;
use crate::{Format, ModelFileInput, Node};

caiso_core::unit! {
    /// ## What it does
    /// Finds objects of Keras itself that do more than compute: functions that fetch, unpack, load or
    /// save files, that switch off safe mode or rebuild code; layers that load a TensorFlow or PyTorch
    /// model; layers and callbacks whose arguments name a file.
    ///
    /// ## Why it matters
    /// They pass for Keras' own, so a loader in safe mode builds them: they read files of the machine,
    /// fetch what the author of the model chose, or run the code of another model.
    ///
    /// ## References
    /// - CVE-2025-8747 (`keras.utils.get_file`), CVE-2025-9906 (`enable_unsafe_deserialization`),
    ///   CVE-2025-49655 (`TorchModuleWrapper`), CVE-2025-12058 (vocabulary files)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0037 (data from local system)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-KER-003",
            name: "keras-gadget",
            title: "The Keras configuration uses parts of Keras that reach files or code",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0037"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: keras_gadget,
    };
}

/// Names in Keras, what they do, where it is published.
const GADGETS: &[(&str, Severity, &str, &str)] = &[
    (
        "enable_unsafe_deserialization",
        Severity::Critical,
        "switches safe mode off",
        "CVE-2025-9906",
    ),
    (
        "get_file",
        Severity::Critical,
        "fetches a file from anywhere and unpacks it",
        "CVE-2025-8747",
    ),
    ("TorchModuleWrapper", Severity::Critical, "unpickles a PyTorch module", "CVE-2025-49655"),
    ("func_load", Severity::Critical, "rebuilds Python code from bytes", "CVE-2024-3660"),
    ("run_script", Severity::Critical, "runs a script", ""),
    ("TFSMLayer", Severity::High, "loads a TensorFlow SavedModel from a path", "CVE-2026-1462"),
    ("load_model", Severity::High, "loads another model", ""),
    ("load_weights", Severity::High, "reads another file of weights", ""),
    ("model_from_json", Severity::High, "builds another model", ""),
    ("deserialize_keras_object", Severity::High, "builds any other object", ""),
    ("extract_archive", Severity::High, "unpacks an archive", "CVE-2025-12060"),
    ("save_model", Severity::High, "writes a file", ""),
    ("save_weights", Severity::High, "writes a file", ""),
    ("export_model", Severity::High, "writes files", ""),
    ("save_img", Severity::High, "writes a file", ""),
    ("load_img", Severity::High, "reads a file", ""),
    ("plot_model", Severity::High, "writes a file and starts a program", ""),
    ("image_dataset_from_directory", Severity::High, "reads files", ""),
    ("text_dataset_from_directory", Severity::High, "reads files", ""),
    ("audio_dataset_from_directory", Severity::High, "reads files", ""),
    ("custom_object_scope", Severity::Medium, "changes which names the loader knows", ""),
    ("set_backend", Severity::Medium, "changes the backend", ""),
    ("JaxLayer", Severity::Medium, "calls functions given by their names", ""),
    ("FlaxLayer", Severity::Medium, "calls functions given by their names", ""),
    ("ModelCheckpoint", Severity::High, "writes files", ""),
    ("BackupAndRestore", Severity::High, "writes files", ""),
    ("CSVLogger", Severity::High, "writes a file", ""),
    ("TensorBoard", Severity::High, "writes files", ""),
    ("RemoteMonitor", Severity::High, "sends data to another machine", ""),
];

/// Modules of Keras whose functions only compute.
const COMPUTING: [&str; 14] = [
    "activations",
    "applications",
    "constraints",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "ops",
    "optimizers",
    "quantizers",
    "random",
    "regularizers",
    "models",
];

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn keras_gadget(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = start(input, "no part of Keras that reaches files or code is used");
    for (node, keras) in keras(input) {
        for object in &keras.objects {
            outcome.findings.extend(gadget(input, node, object));
            outcome.findings.extend(files(input, node, object));
        }
    }
    if !outcome.findings.is_empty() {
        outcome.summary = format!("{} uses of Keras reach files or code", outcome.findings.len());
    }
    outcome
        .not_assessed
        .extend(input.not_assessed(&[Format::KerasConfiguration, Format::KerasHdf5]));
    Ok(outcome)
}

fn gadget(input: &ModelFileInput, node: &Node, object: &Object) -> Option<Finding> {
    let target = target(object);
    let module = object.module.as_deref().unwrap_or("keras");
    if !is_own(module) && module != "builtins" {
        return None;
    }
    let last = target.rsplit(['.', '>']).next().unwrap_or(&target);
    let known = GADGETS.iter().find(|(name, ..)| *name == last);
    let is_function =
        object.class == "function" || last.starts_with(|c: char| c.is_ascii_lowercase());
    let computes = || module.split('.').any(|part| COMPUTING.contains(&part));
    let (severity, does, reference) = match known {
        Some(&(_, severity, does, reference)) => (severity, does, reference),
        // Classes of old versions have short names such as `relu`; their module is not written.
        // A module of Keras that leads on to another one.
        None if !target.starts_with("__")
            && judge_dotted(&format!("{module}.{target}")).category.is_dangerous() =>
        {
            (Severity::High, "leads through Keras to what runs code or reaches files", "")
        }
        None if is_function && object.module.is_some() && module != "builtins" && !computes() => {
            (Severity::Medium, "is a function outside the modules that only compute", "")
        }
        None => return None,
    };
    let cited = if reference.is_empty() { String::new() } else { format!(" ({reference})") };
    let mut finding = Finding::of(
        &UNIT.meta,
        input.at(node, &format!("{target} at {}", object.at)),
        format!("`{}` names `{module}.{target}`, which {does}{cited}", object.at),
        "Do not load the file; ask for the model without it",
    );
    finding.severity = severity;
    Some(finding)
}

fn files(input: &ModelFileInput, node: &Node, object: &Object) -> Vec<Finding> {
    let known = GADGETS.iter().any(|(name, ..)| *name == object.class);
    let finding = |(argument, file): &(String, String)| {
        Finding::of(
            &UNIT.meta,
            input.at(node, &format!("{argument} of {} at {}", object.class, object.at)),
            format!(
                "the layer `{}` reads `{file}` when it is built: a file or address that the author of the \
                 model chose (CVE-2025-12058)",
                object.class
            ),
            "Do not load the file; ask for the model with the content in it",
        )
    };
    if known { Vec::new() } else { object.files.iter().map(finding).collect() }
}
