use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::ModelFileInput;
use crate::tree::Facts;

caiso_core::unit! {
    /// ## What it does
    /// Looks in text files for keys whose issuers mark them (cloud providers, model hubs, code hosts)
    /// and for private keys, and reports their kind and line, never the key.
    ///
    /// ## Why it matters
    /// Whoever gets the model gets the key too, and with it what the key opens.
    ///
    /// ## References
    /// - CWE-312 (cleartext storage of sensitive information)
    /// - MITRE ATLAS AML.T0055 (unsecured credentials)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-SEC-001",
            name: "secret-in-text",
            title: "A secret lies beside the model",
            severity: Severity::Medium,
            techniques: &["AML.T0055"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: secret_in_text,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn secret_in_text(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    let texts = input.facts(|facts| match facts {
        Facts::Text(notes) => Some(notes),
        _ => None,
    });
    for (node, notes) in texts {
        for (line, kind) in &notes.secrets {
            let mut location = input.at(node, kind);
            location.line = node.path.is_empty().then_some(*line);
            outcome.findings.push(Finding::of(
                &UNIT.meta,
                location,
                format!("line {line} holds {kind}"),
                "Withdraw the key where it was issued, then remove it from the file",
            ));
        }
    }
    outcome.summary = match outcome.findings.len() {
        0 => "no text holds a key of a known form".to_owned(),
        count => format!("{count} keys lie in texts"),
    };
    Ok(outcome)
}
