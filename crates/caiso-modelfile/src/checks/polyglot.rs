use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use std::collections::BTreeSet;

use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reports a content that loaders of different formats would each accept: a pickle that is also a
    /// zip archive, an image with an archive behind it, a program that is a model. Every reading is
    /// inspected.
    ///
    /// ## Why it matters
    /// One program takes the file for weights, the other runs what is in it; a scanner that stops at
    /// the first format sees half.
    ///
    /// ## References
    /// - saferpickle issue 41 (routing by the first bytes)
    /// - MITRE ATLAS AML.T0074 (masquerading)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ID-002",
            name: "polyglot",
            title: "The file is of several formats at once",
            severity: Severity::Medium,
            techniques: &["AML.T0074", "AML.T0011.000"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: polyglot,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn polyglot(input: &ModelFileInput, _: &Parameters, _: &RunContext) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for node in &input.tree.nodes {
        let formats: BTreeSet<Format> = node
            .readings
            .iter()
            .map(|reading| reading.format)
            .filter(|format| is_binary(*format))
            .collect();
        // The libraries of TensorFlow Lite append labels to a model as a zip archive.
        let labels = formats.contains(&Format::TensorFlowLite) && formats.contains(&Format::Zip);
        if formats.len() < 2 || labels && formats.len() == 2 {
            continue;
        }
        let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
        outcome.findings.push(Finding::of(
            &UNIT.meta,
            input.at(node, "formats"),
            format!("loaders can take the content for {}", names.join(" and for ")),
            "Do not load the file; find out who put the formats together",
        ));
    }
    outcome.summary = match outcome.findings.len() {
        0 => "the content is of one format".to_owned(),
        count => format!("{count} contents are of several formats"),
    };
    Ok(outcome)
}

/// Formats that a loader recognises by their bytes: JSON and text can be several things without harm.
fn is_binary(format: Format) -> bool {
    !matches!(
        format,
        Format::Text
            | Format::Media
            | Format::KerasConfiguration
            | Format::HuggingFaceConfiguration
            | Format::HydraConfiguration
            | Format::Skops
            | Format::XgBoost
            | Format::LightGbm
            | Format::Pmml
            | Format::OpenVino
            | Format::PythonSource
            | Format::SiteHook
            | Format::TorchModelArchive
            | Format::TensorData
    )
}
