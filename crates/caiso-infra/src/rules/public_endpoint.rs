use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::manifests::Object;
use crate::report::{Report, over_objects};
use crate::yaml::{Node, Value};

caiso_core::unit! {
    /// ## What it does
    /// Reports Services of the types `LoadBalancer` (unless internal by a known annotation or
    /// limited to source ranges) and `NodePort`, Services with `externalIPs`, and inference
    /// services that are not labelled cluster-local and for which the manifests ask for no
    /// authentication.
    ///
    /// ## Why it matters
    /// Whoever reaches the model can query it: to copy it, to find inputs that deceive it, to run
    /// up its cost or to attack its server. Whether that is wanted, the manifests do not say.
    ///
    /// ## References
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Network separation
    /// - CVE-2020-8554 (external IPs)
    /// - KServe documentation, cluster-local services
    /// - MITRE ATLAS AML.T0040 (AI model inference API access)
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-021",
            name: "public-endpoint",
            title: "An endpoint is reachable from outside the cluster",
            severity: Severity::Medium,
            techniques: &["AML.T0040", "AML.T0049"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_objects(&UNIT.meta, input, context, visit),
    };
}

/// Annotations with which cloud providers make a load balancer internal, and the value.
const INTERNAL: [(&str, &str); 8] = [
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"),
    ("service.beta.kubernetes.io/aws-load-balancer-internal", "true"),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", "true"),
    ("networking.gke.io/load-balancer-type", "Internal"),
    ("cloud.google.com/load-balancer-type", "Internal"),
    ("service.beta.kubernetes.io/openstack-internal-load-balancer", "true"),
    ("service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", "private"),
    ("service.beta.kubernetes.io/oci-load-balancer-internal", "true"),
];

/// Kinds that make a mesh or gateway ask callers who they are.
const GUARDS: [&str; 4] =
    ["RequestAuthentication", "AuthorizationPolicy", "AuthPolicy", "SecurityPolicy"];

fn visit(report: &mut Report<'_>, object: &Object) -> bool {
    match object.kind.as_str() {
        "Service" if object.group.is_empty() => service(report, object),
        "InferenceService" => inference_service(report, object),
        _ => return false,
    }
    true
}

fn service(report: &mut Report<'_>, object: &Object) {
    let node = &object.node;
    let title = object.title();
    if let Some(first) = node.items_at(&["spec", "externalIPs"]).first() {
        report.finding(
            &object.path,
            first.place(),
            format!("{title} externalIPs"),
            "the Service takes over outside addresses on every node",
            "Remove `externalIPs` and use `type: ClusterIP` behind a gateway that authenticates",
        );
    }
    let Some(kind) = node.at(&["spec", "type"]) else { return };
    let message = match kind.text() {
        Some("LoadBalancer") if is_internal(node) || is_limited(node) => return,
        Some("LoadBalancer") => "the Service is published on an outside address for everybody",
        Some("NodePort") => "the Service is open on every node of the cluster",
        Some("ClusterIP" | "ExternalName") => return,
        _ => {
            report.unclear(&object.path, kind.place(), &title, "no known type of Service");
            return;
        }
    };
    report.finding(
        &object.path,
        kind.place(),
        title,
        message,
        "Write `type: ClusterIP` and publish it through a gateway that authenticates, or limit \
         it with `loadBalancerSourceRanges: [ADDRESS/LENGTH]`",
    );
}

fn is_internal(node: &Node) -> bool {
    INTERNAL.iter().any(|(key, internal)| {
        node.at(&["metadata", "annotations", key]).is_some_and(|value| match &value.value {
            Value::Text(text) => text.eq_ignore_ascii_case(internal),
            _ => false,
        })
    })
}

/// Whether only some addresses may reach a load balancer.
fn is_limited(node: &Node) -> bool {
    let ranges = node.items_at(&["spec", "loadBalancerSourceRanges"]);
    let all = |range: &Node| range.text().is_none_or(|text| text.trim().ends_with("/0"));
    !ranges.is_empty() && !ranges.iter().any(all)
}

fn inference_service(report: &mut Report<'_>, object: &Object) {
    let labels = ["networking.kserve.io/visibility", "networking.knative.dev/visibility"];
    let local = labels
        .iter()
        .any(|label| object.node.text_at(&["metadata", "labels", label]) == Some("cluster-local"));
    let authenticated =
        object.node.text_at(&["metadata", "annotations", "security.opendatahub.io/enable-auth"])
            == Some("true")
            || GUARDS.iter().any(|kind| {
                let mut guards = report.input.of_kind(kind);
                guards.any(|guard| guard.is_in(object.namespace.as_deref()))
            });
    if !local && !authenticated {
        report.finding(
            &object.path,
            object.node.place(),
            object.title(),
            "KServe publishes the model through the cluster's ingress, and nothing in the \
             manifests asks callers who they are",
            "Write `metadata: {labels: {networking.kserve.io/visibility: cluster-local}}`, or \
             add an AuthorizationPolicy with a RequestAuthentication",
        );
    }
}
