use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use caiso_inference::onnx::STANDARD_DOMAIN;

use crate::readers::onnx::Description;
use crate::{Format, ModelFileInput, Node};

caiso_core::unit! {
    /// ## What it does
    /// Lists the operators of an ONNX model that no operator set of the ONNX standard defines, in the
    /// graph, its subgraphs and functions. An operator whose function is part of the
    /// file is made of standard parts and no finding; one that needs a library of its own is. So is a
    /// function that takes the name of a standard operator. Operators that ONNX Runtime brings
    /// along (`com.microsoft`) are a finding of low severity: other runtimes lack them.
    ///
    /// ## Why it matters
    /// A custom operator means native code, loaded into the process that serves the model, that
    /// nobody sees by looking at the model file. A function that shadows a standard operator
    /// makes the graph read like one model and compute another.
    ///
    /// ## References
    /// - ONNX IR specification, operator sets and functions,
    ///   <https://github.com/onnx/onnx/blob/main/docs/IR.md>
    /// - MITRE ATLAS AML.T0018.001 (modify AI model architecture), AML.T0011.000
    /// - EU AI Act, Article 15(5); NIST AI RMF MAP 4.2
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ONNX-001",
            name: "custom-operator-domain",
            title: "The model needs operators that no standard defines",
            severity: Severity::High,
            techniques: &["AML.T0018.001", "AML.T0011.000"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: custom_operator_domain,
    };
}

/// Domains whose operators the ONNX standard defines.
const STANDARD: [&str; 4] =
    [STANDARD_DOMAIN, "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training"];
/// Domains that ONNX Runtime ships itself.
const ONNX_RUNTIME: [&str; 4] =
    ["com.microsoft", "com.microsoft.nchwc", "com.microsoft.dml", "com.ms.internal.nhwc"];

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn custom_operator_domain(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for (node, description) in input.onnx() {
        judge(input, node, description, &mut outcome);
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::Onnx]));
    outcome.summary = match outcome.findings.len() {
        0 => "every operator is one of the ONNX standard or defined in the file".to_owned(),
        1 => "one operator is outside the ONNX standard".to_owned(),
        count => format!("{count} operators are outside the ONNX standard"),
    };
    Ok(outcome)
}

fn judge(input: &ModelFileInput, node: &Node, description: &Description, outcome: &mut Outcome) {
    for ((domain, operator), nodes) in &description.operators {
        let known = STANDARD.contains(&domain.as_str());
        if known || description.functions.contains(&(domain.clone(), operator.clone())) {
            continue;
        }
        let part = format!("{domain}::{operator}");
        let message = format!(
            "{nodes} node{} `{operator}` of the domain `{domain}`, which no ONNX standard defines: \
             the runtime has to load a library for it",
            if *nodes == 1 { " uses" } else { "s use" }
        );
        let mut finding = Finding::of(
            &UNIT.meta,
            input.at(node, &part),
            message,
            "Export the model with standard operators, or review, pin and sign the library that brings \
             this one",
        );
        if ONNX_RUNTIME.contains(&domain.as_str()) {
            finding.severity = Severity::Low;
            finding.message = format!(
                "`{operator}` of the domain `{domain}` is an extension of ONNX Runtime: no other \
                 runtime is bound to compute it, or to compute it alike"
            );
            "Export the model with standard operators, or serve it with the runtime it was assessed for"
                .clone_into(&mut finding.remediation);
        }
        outcome.findings.push(finding);
    }
    for (domain, name) in &description.functions {
        if STANDARD.contains(&domain.as_str()) {
            outcome.findings.push(Finding::of(
                &UNIT.meta,
                input.at(node, &format!("function {name}")),
                format!(
                    "the file defines its own `{name}` in the domain of the standard operators: the \
                     graph may compute something else than it reads like"
                ),
                "Export the model again without it, and find out who added it",
            ));
        }
    }
    let unused: Vec<&str> = description
        .operator_sets
        .keys()
        .map(String::as_str)
        .filter(|domain| !STANDARD.contains(domain))
        .filter(|domain| !description.operators.keys().any(|(used, _)| used == domain))
        .collect();
    if !unused.is_empty() {
        outcome.facts.insert("imported but unused domains".to_owned(), unused.join(", "));
    }
    outcome.not_assessed.extend(description.not_read());
}
