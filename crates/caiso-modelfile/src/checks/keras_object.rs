use std::borrow::Cow;

use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::globals;
use crate::readers::keras::{Keras, Object};
use crate::tree::Facts;
use crate::{Format, ModelFileInput, Node};

caiso_core::unit! {
    /// ## What it does
    /// Judges every object that a Keras configuration names by `module`, `class_name` and
    /// `registered_name`, at any depth. What the catalog of Python globals lists as harmful keeps the
    /// catalog's severity; what lies outside Keras and is not known needs a review.
    ///
    /// ## Why it matters
    /// Keras imports the module that the configuration names and calls what it finds there, so a file
    /// without any code can run a command on the machine that loads it.
    ///
    /// ## References
    /// - CVE-2025-1550 (arbitrary modules)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0010.003 (compromised model)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-KER-002",
            name: "keras-object-outside-keras",
            title: "The Keras configuration names Python objects outside Keras",
            severity: Severity::Critical,
            techniques: &["AML.T0011.000", "AML.T0010.003"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: keras_object,
    };
}

/// Every Keras configuration of the file.
pub(super) fn keras(input: &ModelFileInput) -> impl Iterator<Item = (&Node, &Keras)> {
    input.facts(|facts| match facts {
        Facts::Keras(keras) => Some(keras),
        _ => None,
    })
}

/// An outcome with the description of the models.
pub(super) fn start(input: &ModelFileInput, summary: &str) -> Outcome {
    let mut outcome = Outcome { summary: summary.to_owned(), ..Outcome::default() };
    for (_, keras) in keras(input) {
        keras.describe(&mut outcome.facts);
    }
    outcome
}

/// Whether the configuration lies in an HDF5 file, whose loader has no safe mode.
pub(super) fn in_hdf5(input: &ModelFileInput, node: &Node) -> bool {
    let holder = node.parent.and_then(|parent| input.tree.nodes.get(parent));
    holder.is_some_and(|holder| {
        holder.readings.iter().any(|reading| matches!(reading.facts, Facts::Hdf5(_)))
    })
}

/// Whether a layer's function is an object of its own in the configuration.
pub(super) fn wraps_a_function(keras: &Keras, layer: &Object) -> bool {
    let below = format!("{}.config.function", layer.at.trim_end_matches('.'));
    let below = below.trim_start_matches('.').to_owned();
    keras.objects.iter().any(|object| object.at == below)
}

/// Packages of the Keras team.
const OWN: [&str; 7] =
    ["keras", "tf_keras", "keras_hub", "keras_nlp", "keras_cv", "keras_rs", "tensorflow.keras"];

/// Whether a module belongs to Keras.
pub(super) fn is_own(module: &str) -> bool {
    OWN.iter().any(|own| {
        module.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }) || module.starts_with("tensorflow.python.keras.")
        || module == "tensorflow.python.keras"
}

/// The object that the loader looks up: a function by its own name.
pub(super) fn target(object: &Object) -> Cow<'_, str> {
    match &object.function {
        Some(function) if object.class == "function" => Cow::Borrowed(function),
        _ => Cow::Borrowed(&object.class),
    }
}

/// Classes that Keras resolves without looking at the module.
fn is_built_in(object: &Object) -> bool {
    let class = object.class.as_str();
    let primitive =
        ["int", "float", "str", "bool", "list", "dict", "tuple", "set", "bytes", "slice"];
    class.len() > 4 && class.starts_with("__") && class.ends_with("__")
        || primitive.contains(&class)
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn keras_object(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = start(input, "every named object belongs to Keras");
    for (node, keras) in keras(input) {
        for object in &keras.objects {
            outcome.findings.extend(judge(input, node, object));
        }
    }
    if !outcome.findings.is_empty() {
        outcome.summary = format!("{} named objects are not Keras' own", outcome.findings.len());
    }
    outcome
        .not_assessed
        .extend(input.not_assessed(&[Format::KerasConfiguration, Format::KerasHdf5]));
    Ok(outcome)
}

fn judge(input: &ModelFileInput, node: &Node, object: &Object) -> Option<Finding> {
    let target = target(object);
    let module = object.module.as_deref().unwrap_or_default();
    let registered = object.registered.as_deref().unwrap_or_default();
    let (severity, message) = if !module.is_empty() && !is_own(module) {
        let judged = globals::judge(module, &target);
        // Functions that Keras finds by their bare name have this module.
        let fine = module == "builtins" && (is_built_in(object) || object.class == "function");
        if fine && !judged.category.is_dangerous() || judged.severity < Severity::Medium {
            return None;
        }
        let message = format!(
            "`{}` makes the loader import `{module}` and call `{target}`, which {}{}",
            object.at,
            globals::effect(judged.category),
            if judged.category.is_dangerous() { " (CVE-2025-1550)" } else { "" },
        );
        (judged.severity, message)
    } else if registered.contains('>') && !is_own(registered.split('>').next().unwrap_or_default())
        // Keras' own packages register theirs under their names, capitalised or not.
        && !["keras", "tf", "addons"].contains(
            &registered.split('>').next().unwrap_or_default().to_ascii_lowercase().as_str(),
        )
    {
        let message = format!(
            "`{}` is the custom object `{registered}`: the loading program has to have its code",
            object.at
        );
        (Severity::Medium, message)
    } else {
        return None;
    };
    let mut finding = Finding::of(
        &UNIT.meta,
        input.at(
            node,
            &format!(
                "{}.{target} at {}",
                if module.is_empty() { registered } else { module },
                object.at
            ),
        ),
        message,
        if severity >= Severity::High {
            "Do not load the file; find out who wrote it"
        } else {
            "Review the code behind the name before the model is loaded, and pin its version"
        },
    );
    finding.severity = severity;
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn own_modules_are_matched_whole() {
        for own in ["keras", "keras.layers", "keras.src.models.functional", "tf_keras.layers"] {
            assert!(is_own(own), "{own}");
        }
        for other in ["kerasx", "os", "", "my.keras", "tensorflow.io", "keras_evil.layers"] {
            assert!(!is_own(other), "{other}");
        }
    }
}
