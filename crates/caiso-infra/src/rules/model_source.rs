use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::image::{Pin, pin};
use crate::manifests::{Object, each_entry, printable};
use crate::report::{Report, over_objects};
use crate::yaml::{Node, is_template};

caiso_core::unit! {
    /// ## What it does
    /// Reports where inference services, runtimes and training jobs fetch models and data from
    /// (`storageUri`, `modelUri`, `uri` of a model): high over plain HTTP; medium where the
    /// reference names a moving version (`latest`, an image tag, a Hugging Face repository without
    /// a commit, any web address); low for a bucket or volume, whose content KServe does not check.
    /// An OCI reference by digest and a Hugging Face commit pass.
    ///
    /// ## Why it matters
    /// Whoever controls the place, or the network on the way from it, decides which model answers.
    /// The model that was assessed and the model that runs are then the same by custom only.
    ///
    /// ## References
    /// - KServe documentation, model storage
    /// - MITRE ATLAS AML.T0010.003 (AI supply chain compromise: model)
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Supply chain
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-018",
            name: "model-source",
            title: "A model comes from a place that can change",
            severity: Severity::High,
            techniques: &["AML.T0010.003", "AML.T0018.000"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_objects(&UNIT.meta, input, context, visit),
    };
}

const REMEDY: &str = "Write a reference that cannot change: `storageUri: \
                      oci://REGISTRY/MODEL@sha256:DIGEST` (a modelcar) or `storageUri: \
                      hf://OWNER/MODEL:COMMIT`, and sign the model";

/// Kinds whose `uri` is that of a model.
const URI_KINDS: [&str; 3] =
    ["LLMInferenceService", "LLMInferenceServiceConfig", "InferenceService"];

fn visit(report: &mut Report<'_>, object: &Object) -> bool {
    let mut found = false;
    each_entry(object, &mut |title, entry| {
        let reference = match &*entry.key {
            "storageUri" | "modelUri" | "sourceModelUri" => true,
            "uri" => URI_KINDS.contains(&object.kind.as_str()),
            _ => false,
        };
        if let Some(uri) = entry.value.text().filter(|_| reference) {
            found = true;
            judge(report, object, &entry.value, title, uri);
        }
    });
    found
}

fn judge(report: &mut Report<'_>, object: &Object, node: &Node, title: &str, uri: &str) {
    if is_template(uri) {
        report.unclear(
            &object.path,
            node.place(),
            title,
            "the place of the model is a placeholder",
        );
        return;
    }
    let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
    let moving = uri.split(['/', ':', '@', '=']).any(|part| part.eq_ignore_ascii_case("latest"));
    let (severity, why) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (Severity::High, "over plain HTTP: whoever is on the way can replace it"),
        "oci" => match pin(rest) {
            Pin::Digest => return,
            Pin::BadDigest => (Severity::High, "by a digest that is none"),
            Pin::Latest | Pin::Tag => (Severity::Medium, "by a tag, which can be moved"),
        },
        "hf" => match rest.rsplit_once(':').or_else(|| rest.rsplit_once('@')) {
            Some((_, commit)) if is_commit(commit) => return,
            Some(_) => (Severity::Medium, "by a branch or tag, which can be moved"),
            None => (
                Severity::Medium,
                "without a commit: the owner of the repository can replace it at any time",
            ),
        },
        _ if moving => (Severity::Medium, "under a name that moves with every version"),
        "https" => (Severity::Medium, "from a web address whose content can change"),
        "pvc" | "file" | "" => {
            (Severity::Low, "from a volume whose content nobody checks when it is loaded")
        }
        _ => (Severity::Low, "from a bucket whose content nobody checks when it is loaded"),
    };
    // A password in the address is IN-K8S-007's business and must not be shown.
    let shown = if rest.contains('@') && !matches!(scheme, "oci" | "hf") {
        printable(scheme)
    } else {
        printable(uri)
    };
    report
        .finding(
            &object.path,
            node.place(),
            title,
            format!("the model comes {why} (`{shown}`)"),
            REMEDY,
        )
        .severity = severity;
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
