use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::external_data::{escapes, printable};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reports each asset of a TensorFlow SavedModel whose file name is not a plain path below the
    /// model's `assets` folder: absolute paths, `..`, drive letters and network shares, URLs.
    ///
    /// ## Why it matters
    /// The loader joins the name to the folder and gives the graph the result. A name that leaves the
    /// folder makes the graph read a file of the host that the author of the model chose.
    ///
    /// ## References
    /// - TensorFlow `meta_graph.proto`, `AssetFileDef`,
    ///   <https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/meta_graph.proto>
    /// - MITRE ATLAS AML.T0037 (data from local system), AML.T0011.000 (unsafe AI artifacts)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-TF-002",
            name: "tensorflow-asset",
            title: "A TensorFlow model reads assets outside its folder",
            severity: Severity::High,
            techniques: &["AML.T0037", "AML.T0011.000"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: tensorflow_asset,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn tensorflow_asset(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    let mut assets = 0_usize;
    let graphs = input.facts(|facts| match facts {
        Facts::TensorFlow(graph) => Some(graph),
        _ => None,
    });
    for (node, graph) in graphs {
        for asset in &graph.assets {
            assets = assets.saturating_add(1);
            let Some(reason) = escapes(asset) else { continue };
            let shown = printable(asset);
            outcome.findings.push(Finding::of(
                &UNIT.meta,
                input.at(node, &format!("asset {shown}")),
                format!(
                    "the asset `{shown}` {reason}: whoever loads the model reads a file that its author \
                     chose"
                ),
                "Do not load the model; get it from its source again, with its assets below its folder",
            ));
        }
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::SavedModel, Format::FrozenGraph]));
    outcome.summary = match (assets, outcome.findings.len()) {
        (0, _) => "the model names no assets".to_owned(),
        (assets, 0) => format!("{assets} assets, all below the model's folder"),
        (_, findings) => format!("{findings} assets are outside the model's folder"),
    };
    Ok(outcome)
}
