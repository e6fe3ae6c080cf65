use std::collections::BTreeMap;

use caiso_core::{
    Check, CheckError, Finding, Meta, NotAssessed, Outcome, ParameterSet, Parameters, RunContext,
    Severity,
};

use caiso_signing::{PublicKey, Trust, verify};

use crate::ModelFileInput;

caiso_core::unit! {
    /// ## What it does
    /// Looks whether the manifest names a detached signature for the model file, an OpenSSF Model Signing
    /// bundle, and verifies it with the public key that the manifest names under `signer`: that the key
    /// signed, and that it signed this file. A signature that does not hold is of high severity. Without
    /// `signer` it is not verified, and the outcome says so.
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
            title: "The model file is not signed, or its signature does not hold",
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
            outcome.facts.insert("signature".to_owned(), signature.path.clone());
            outcome.facts.insert("signature form".to_owned(), form(&signature.bytes).to_owned());
            let Some(signer) = &signature.signer else {
                outcome.summary =
                    format!("`{}` is named as the signature of `{}`", signature.path, input.path);
                outcome.not_assessed.push(NotAssessed {
                    what: format!("signature `{}`", signature.path),
                    reason: "nobody is named whose signature it is to be".to_owned(),
                    remedy: "name the signer's public key, a PEM file, under `signer` of the model"
                        .to_owned(),
                });
                return Ok(outcome);
            };
            match verified(input, &signature.bytes, signer) {
                Ok(said) => {
                    outcome.summary = format!("`{}` is signed as it is", input.path);
                    outcome.facts.extend(said.facts);
                    outcome.limits.extend(said.not_checked);
                }
                Err(reason) => {
                    let message = format!(
                        "the signature `{}` does not hold for `{}`: {reason}",
                        signature.path, input.path
                    );
                    outcome.summary.clone_from(&message);
                    let mut finding =
                        Finding::of(&UNIT.meta, input.location(None), message, REMEDIATION);
                    finding.severity = Severity::High;
                    outcome.findings.push(finding);
                }
            }
            return Ok(outcome);
        }
    };
    outcome.summary.clone_from(&message);
    outcome.findings.push(Finding::of(&UNIT.meta, input.location(None), message, REMEDIATION));
    Ok(outcome)
}

/// What a signature that holds says.
struct Said {
    facts: BTreeMap<String, String>,
    not_checked: Vec<String>,
}

/// Verifies an OpenSSF Model Signing bundle and that it covers the file; why not otherwise.
fn verified(input: &ModelFileInput, bundle: &[u8], signer: &[u8]) -> Result<Said, String> {
    let pem =
        std::str::from_utf8(signer).map_err(|_| "the signer's key is no PEM text".to_owned())?;
    let key = PublicKey::from_pem(pem).map_err(|error| error.to_string())?;
    let fingerprint = key.fingerprint().map_err(|error| error.to_string())?;
    let found = verify(bundle, &Trust::Key(key)).map_err(|error| error.to_string())?;
    let name = input.path.rsplit('/').next().unwrap_or_default();
    // A model that is one file is signed as `.`; one of a folder by its path there.
    let resource = found.manifest.resources().iter().find(|resource| {
        resource.name == "."
            || resource.name == name
            || input.path.ends_with(&format!("/{}", resource.name))
    });
    let resource = resource.ok_or_else(|| "it does not list the file".to_owned())?;
    let digest = hex::encode(&resource.digest);
    if digest != input.sha256 {
        return Err(format!("it is for a file with the digest {digest}"));
    }
    let facts = BTreeMap::from([
        ("signer".to_owned(), fingerprint),
        ("signature checked".to_owned(), found.checked.join("; ")),
    ]);
    Ok(Said { facts, not_checked: found.not_checked })
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
