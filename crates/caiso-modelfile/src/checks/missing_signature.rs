use caiso_core::{
    Check, CheckError, Finding, Meta, NotAssessed, Outcome, ParameterSet, Parameters, RunContext,
    Severity,
};

use crate::ModelFileInput;

caiso_core::unit! {
    /// ## What it does
    /// Looks whether the manifest names a detached signature for the model file and whether the
    /// file it names holds anything. The signature itself is not verified by this check, and the
    /// outcome says so.
    ///
    /// ## Why it matters
    /// Without a signature nobody who loads the model can tell that it is the one that was
    /// assessed: whoever can write to the store, the registry or the volume it is served from can
    /// replace it, and the digest in the evidence is then the digest of another file.
    ///
    /// ## References
    /// - MITRE ATLAS AML.T0010.003 (model supply chain compromise), AML.M0013 (code signing)
    /// - OpenSSF Model Signing, <https://github.com/ossf/model-signing-spec>
    /// - EU AI Act, Article 15(5); NIST AI RMF MANAGE 3.1
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-SIG-001",
            name: "missing-model-signature",
            title: "The model file is not signed",
            severity: Severity::Medium,
            techniques: &["AML.T0010.003"],
            evidence: &["signature-verification"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: missing_signature,
    };
}

const REMEDIATION: &str = "Sign the file where it is built (Sigstore model signing or in-toto), \
    verify the signature before every load, and name it under `signature` of the model in caiso.yaml";

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn missing_signature(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    let message = match &input.signature {
        None => format!(
            "`{}` carries no signature: whoever loads it cannot tell that it is the model that was \
             assessed",
            input.path
        ),
        Some(signature) if signature.bytes.trim_ascii().is_empty() => format!(
            "`{}` is named as the signature of `{}` and is empty: nothing is signed",
            signature.path, input.path
        ),
        Some(signature) => {
            outcome.summary =
                format!("`{}` is named as the signature of `{}`", signature.path, input.path);
            outcome.facts.insert("signature".to_owned(), signature.path.clone());
            outcome.facts.insert("signature form".to_owned(), form(&signature.bytes).to_owned());
            outcome.not_assessed.push(NotAssessed {
                what: format!("signature `{}`", signature.path),
                reason: "it is there, but this version of caiso does not verify model signatures"
                    .to_owned(),
                remedy: "verify it with the tool that made it and attest the result".to_owned(),
            });
            return Ok(outcome);
        }
    };
    outcome.summary.clone_from(&message);
    outcome.findings.push(Finding::of(&UNIT.meta, input.location(None), message, REMEDIATION));
    Ok(outcome)
}

/// What kind of signature the content looks like.
fn form(bytes: &[u8]) -> &'static str {
    match serde_json::from_slice::<serde_json::Value>(bytes) {
        Ok(json) if json.get("verificationMaterial").is_some() => "Sigstore bundle",
        Ok(json) if json.get("payloadType").is_some() => "DSSE envelope",
        Ok(_) => "JSON of unknown kind",
        Err(_) if bytes.starts_with(b"-----BEGIN ") => "PEM",
        Err(_) => "unknown",
    }
}
