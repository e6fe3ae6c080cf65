use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Walks every group and data set of an HDF5 file and reports links to other files, data sets whose
    /// data lies in other files, virtual data sets, and pickled Python objects.
    ///
    /// ## Why it matters
    /// The HDF5 library follows such a link with the rights of whoever loads the model. The content of a
    /// file that the author chose becomes weights, which can be read back from the model or its answers.
    ///
    /// ## References
    /// - CVE-2026-1669 (external data sets in Keras files)
    /// - HDF5 File Format Specification, External Data Files and Link messages
    /// - MITRE ATLAS AML.T0037 (data from local system), AML.T0011.000 (unsafe AI artifacts)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-HDF5-001",
            name: "hdf5-outside-file",
            title: "The HDF5 file reaches outside itself",
            severity: Severity::High,
            techniques: &["AML.T0037", "AML.T0011.000"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: hdf5_outside,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn hdf5_outside(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome =
        Outcome { summary: "everything lies in the file itself".to_owned(), ..Outcome::default() };
    let files = input.facts(|facts| match facts {
        Facts::Hdf5(hdf5) => Some(hdf5),
        _ => None,
    });
    for (node, hdf5) in files {
        hdf5.describe(&mut outcome.facts);
        let mut push = |what: String, message: String, severity| {
            let mut finding = Finding::of(
                &UNIT.meta,
                input.at(node, &what),
                message,
                "Do not load the file; get the model from its source again, with everything in one file",
            );
            finding.severity = severity;
            outcome.findings.push(finding);
        };
        for link in &hdf5.external_links {
            push(
                format!("link to {} in {}", link.file, link.at),
                format!(
                    "`{}` links to `{}`: whoever loads the model reads a file that its author chose",
                    link.at, link.file
                ),
                Severity::High,
            );
        }
        for data in &hdf5.external_data {
            push(
                format!("data of {}", data.at),
                format!(
                    "the data of `{}` lies in {}: whoever loads the model reads a file that its author \
                     chose",
                    data.at, data.file
                ),
                Severity::High,
            );
        }
        for path in &hdf5.virtual_datasets {
            push(
                format!("virtual data set {path}"),
                format!(
                    "`{path}` is a virtual data set: its values are read from other files, which the \
                     author of the model chose"
                ),
                Severity::High,
            );
        }
        for path in &hdf5.pickled {
            push(
                format!("pickled objects in {path}"),
                format!(
                    "`{path}` holds pickled Python objects, which run code when PyTables or pandas reads \
                     them"
                ),
                Severity::Medium,
            );
        }
    }
    if !outcome.findings.is_empty() {
        outcome.summary = format!("{} places reach outside the file", outcome.findings.len());
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::Hdf5, Format::KerasHdf5]));
    Ok(outcome)
}
