use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::keras_object::{in_hdf5, keras, start, wraps_a_function};
use crate::globals;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Finds Python code in the configuration of a Keras model: marshalled code of lambdas, wherever it
    /// is nested, and `Lambda` layers that call a function by its name. The names that the code uses are
    /// told, and judged by the catalog of Python globals.
    ///
    /// ## Why it matters
    /// Whoever loads the model runs that code with his own rights. The HDF5 format runs it even with
    /// `safe_mode=True`; the archive of Keras 3 refuses it only as long as safe mode is on.
    ///
    /// ## References
    /// - CVE-2024-3660 (Lambda layers), CVE-2025-9905 (HDF5 ignores safe mode)
    /// - Keras, `keras.saving.load_model`, `safe_mode`
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0018.002 (embed malware)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-KER-001",
            name: "keras-code-in-configuration",
            title: "The Keras configuration holds Python code",
            severity: Severity::Critical,
            techniques: &["AML.T0011.000", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: keras_code,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn keras_code(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = start(input, "no Python code in the configuration");
    for (node, keras) in keras(input) {
        let hdf5 = in_hdf5(input, node);
        for code in &keras.codes {
            let names = code.names.as_deref().unwrap_or_default();
            let harmful = harmful(names);
            let what = match (&code.names, names.is_empty(), &harmful) {
                (None, ..) => "which cannot be decoded".to_owned(),
                (_, true, _) => "which uses no names".to_owned(),
                (_, _, Some(name)) => format!("which uses `{name}`"),
                _ => format!("which uses `{}`", names.join("`, `")),
            };
            let when = if hdf5 {
                "loading the HDF5 file runs it, with safe mode or without (CVE-2025-9905)"
            } else {
                "it runs where safe mode is off (CVE-2024-3660)"
            };
            let mut finding = Finding::of(
                &UNIT.meta,
                input.at(node, &format!("code at {}", code.at)),
                format!("`{}` is Python code, {what}: {when}", code.at),
                "Do not load the file; ask for the model with the function as a registered class or as \
                 plain layers",
            );
            if !hdf5 && harmful.is_none() {
                finding.severity = Severity::High;
            }
            outcome.findings.push(finding);
        }
        for object in keras.objects.iter().filter(|object| object.class == "Lambda") {
            let coded = keras.codes.iter().any(|code| code.at.starts_with(&object.at));
            let named = wraps_a_function(keras, object);
            if coded || named {
                continue;
            }
            let harmful = object
                .function
                .as_deref()
                .filter(|name| globals::judge_dotted(name).category.is_dangerous());
            if let Some(name) = harmful {
                let message = format!("`{}` is a Lambda layer that calls `{name}`", object.at);
                let place = input.at(node, &format!("Lambda layer {}", object.at));
                let remediation = "Do not load the file; ask for the model with plain layers";
                outcome.findings.push(Finding::of(&UNIT.meta, place, message, remediation));
                continue;
            }
            let mut finding = Finding::of(
                &UNIT.meta,
                input.at(node, &format!("Lambda layer {}", object.at)),
                format!(
                    "`{}` is a Lambda layer whose function the loading program has to have: what the \
                     model computes is not in the file",
                    object.at
                ),
                "Review the function that the program registers for it, or ask for plain layers",
            );
            finding.severity = Severity::Medium;
            outcome.findings.push(finding);
        }
    }
    if !outcome.findings.is_empty() {
        outcome.summary = format!("{} places hold or call code", outcome.findings.len());
    }
    outcome
        .not_assessed
        .extend(input.not_assessed(&[Format::KerasConfiguration, Format::KerasHdf5]));
    Ok(outcome)
}

/// The first name, with a module or alone, that the catalog knows as harmful.
fn harmful(names: &[String]) -> Option<String> {
    let alone = |name: &&String| globals::judge("builtins", name).category.is_dangerous();
    let reached = |name: &String| {
        let harmful = |module: &&String| globals::judge(module, name).category.is_dangerous();
        let from = names.iter().find(harmful).filter(|_| !alone(&name))?;
        Some(format!("{from}.{name}"))
    };
    names.iter().find_map(reached).or_else(|| names.iter().find(alone).cloned())
}
