use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::image::{Pin, pin};
use crate::manifests::printable;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};
use crate::yaml::Field;

caiso_core::unit! {
    /// ## What it does
    /// Reports images that are not named by digest: high where the tag is `latest` or missing or
    /// the digest is none, medium where it is another tag. The port of a registry is not taken for
    /// a tag.
    ///
    /// ## Why it matters
    /// A tag can be moved. What runs tomorrow under the same name need not be what was assessed
    /// today, and nobody is told.
    ///
    /// ## References
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Supply chain
    /// - CIS Kubernetes Benchmark v1.11, 5.5.1
    /// - OCI Distribution Specification, pulling manifests
    /// - MITRE ATLAS AML.T0010.004 (AI supply chain compromise: container registry)
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-006",
            name: "image-not-pinned",
            title: "An image is not pinned by digest",
            severity: Severity::High,
            techniques: &["AML.T0010.004"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_containers(&UNIT.meta, input, context, visit),
    };
}

const REMEDY: &str = "Write `image: NAME@sha256:DIGEST`; `crane digest NAME:TAG` or the \
                      registry's page tells the digest";

fn visit(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    let part = &container.title;
    let field = container.spec.read::<&str>(&["image"]);
    if field == Field::Absent {
        if report.is_missing(&pod.path, part, "image", [&container.spec, &pod.spec]) {
            report.unclear(&pod.path, container.spec.place(), part, "the container names no image");
        }
        return;
    }
    let Some((image, node)) = report.known(&pod.path, part, field) else { return };
    let shown = printable(image);
    let (severity, message) = match pin(image) {
        Pin::Digest => return,
        Pin::BadDigest => (
            Severity::High,
            format!(
                "`{shown}` names a digest that is none: the image cannot be pulled, or not \
                 checked"
            ),
        ),
        Pin::Latest => (
            Severity::High,
            format!(
                "`{shown}` is whatever was pushed last: what runs tomorrow is not what was \
                 assessed today"
            ),
        ),
        Pin::Tag => (
            Severity::Medium,
            format!("`{shown}` is a tag, and a tag can be moved to another image unnoticed"),
        ),
    };
    report.finding(&pod.path, node.place(), part, message, REMEDY).severity = severity;
}
