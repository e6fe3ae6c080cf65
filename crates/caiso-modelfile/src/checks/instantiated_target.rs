use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::checks::external_data::escapes;
use crate::globals::{cited, effect, judge_dotted};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reads YAML and JSON configurations whose `_target_` entries name what is instantiated (Hydra,
    /// NeMo), Python tags of YAML, and the loaders of MLflow models. Each name is judged by the
    /// catalog of pickle globals: what runs code is critical, what is neither known nor of the
    /// libraries that such configurations are for is medium.
    ///
    /// ## Why it matters
    /// Whoever instantiates the configuration calls what it names, with arguments that it names,
    /// without a pickle being in sight.
    ///
    /// ## References
    /// - CVE-2025-23304 (NVIDIA NeMo)
    /// - MITRE ATLAS AML.T0011.000, AML.T0010.003
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-HYD-001",
            name: "instantiated-target",
            title: "The configuration instantiates what nobody has vetted",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: instantiated_target,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn instantiated_target(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    let configurations = input.facts(|facts| match facts {
        Facts::Hydra(found) => Some(found),
        _ => None,
    });
    for (node, found) in configurations {
        let mut push = |at: &str, name: &str, verb: &str, least: Severity| {
            let judged = judge_dotted(name);
            let root = name.split('.').next().unwrap_or_default();
            let severity = if judged.category.is_dangerous() {
                judged.severity.max(least)
            } else if KNOWN.contains(&root) || judged.category.is_harmless() {
                least
            } else {
                Severity::Medium.max(least)
            };
            if severity < Severity::Medium {
                return;
            }
            let message = format!(
                "`{at}` {verb} `{name}`, which {}{}",
                effect(judged.category),
                cited(judged.reference)
            );
            let mut finding = Finding::of(
                &UNIT.meta,
                input.at(node, &format!("{at}: {name}")),
                message,
                REMEDIATION,
            );
            finding.severity = severity;
            outcome.findings.push(finding);
        };
        for (at, name) in &found.targets {
            push(at, name, "has the loader call", Severity::Info);
        }
        for tag in &found.tags {
            let (kind, name) = tag.split_once(':').unwrap_or((tag, ""));
            // Tuples, complex numbers and texts are data.
            if kind.starts_with("object") || matches!(kind, "name" | "module") {
                push(
                    &format!("!!python/{kind}"),
                    name,
                    "has a loader of YAML make",
                    Severity::Medium,
                );
            }
        }
        let loaders = found.mlflow.iter().flat_map(|mlflow| &mlflow.loaders);
        // A flavour of MLflow itself; the files that it loads are judged where they lie.
        let own = |name: &str| name.strip_prefix("mlflow.").is_some_and(|rest| !rest.contains('.'));
        for (at, name) in loaders.filter(|(_, name)| !own(name)) {
            push(at, name, "has MLflow import", Severity::Info);
        }
        for (at, path) in found.mlflow.iter().flat_map(|mlflow| &mlflow.code) {
            let message = format!(
                "`{at}` has MLflow import the code in `{path}`, which comes with the model"
            );
            let mut finding = Finding::of(
                &UNIT.meta,
                input.at(node, &format!("{at}: {path}")),
                message,
                REMEDIATION,
            );
            finding.severity = Severity::Medium;
            outcome.findings.push(finding);
        }
        let paths = found.mlflow.iter().flat_map(|mlflow| mlflow.paths.iter().chain(&mlflow.code));
        for (at, path) in paths {
            let Some(reason) = escapes(path) else { continue };
            let mut finding = Finding::of(
                &UNIT.meta,
                input.at(node, &format!("{at}: {path} outside")),
                format!("`{at}` has MLflow read `{path}`, which {reason}"),
                REMEDIATION,
            );
            finding.severity = Severity::High;
            outcome.findings.push(finding);
        }
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::HydraConfiguration]));
    outcome.summary = match outcome.findings.len() {
        0 => "everything that is instantiated is known".to_owned(),
        count => format!("{count} entries instantiate what is not known to be harmless"),
    };
    Ok(outcome)
}

const REMEDIATION: &str = "Do not instantiate the configuration; get the model from its source again, or allow only \
    the classes that it needs";

/// Libraries that such configurations are for.
const KNOWN: [&str; 14] = [
    "nemo",
    "torch",
    "torchmetrics",
    "torchaudio",
    "torchvision",
    "lightning",
    "pytorch_lightning",
    "omegaconf",
    "hydra",
    "transformers",
    "diffusers",
    "megatron",
    "mlflow",
    "sklearn",
];
