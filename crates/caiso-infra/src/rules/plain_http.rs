use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::manifests::Object;
use crate::report::{Report, over_objects};
use crate::yaml::{Field, read};

caiso_core::unit! {
    /// ## What it does
    /// Reports Ingresses without TLS, OpenShift Routes without TLS or with insecure traffic
    /// allowed, listeners of Gateways of the protocol HTTP, and servers of Istio Gateways of the
    /// protocol HTTP that do not redirect to HTTPS. Traffic inside the cluster is not judged.
    ///
    /// ## Why it matters
    /// Questions to the model and its answers, with the personal data in them and the credentials
    /// of the callers, can be read and changed on the way.
    ///
    /// ## References
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Encrypted communication
    /// - NIST SP 800-52 Rev. 2
    /// - CWE-319
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-022",
            name: "plain-http",
            title: "An entrance speaks plain HTTP",
            severity: Severity::Medium,
            techniques: &["AML.T0049", "AML.T0025"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_objects(&UNIT.meta, input, context, visit),
    };
}

fn visit(report: &mut Report<'_>, object: &Object) -> bool {
    match (object.kind.as_str(), object.group.as_str()) {
        ("Ingress", "networking.k8s.io" | "extensions") => {
            let spec = object.node.get("spec").unwrap_or(&object.node);
            if spec.items_at(&["tls"]).is_empty() {
                found(
                    report,
                    object,
                    spec.place(),
                    object.title(),
                    "Write `tls: [{hosts: [NAME], secretName: CERTIFICATE}]` in the Ingress",
                );
            }
        }
        ("Route", "route.openshift.io") => {
            let spec = object.node.get("spec").unwrap_or(&object.node);
            let remedy = "Write `tls: {termination: reencrypt, insecureEdgeTerminationPolicy: \
                          Redirect}` in the Route";
            if spec.get("tls").is_none() {
                found(report, object, spec.place(), object.title(), remedy);
            } else if let Some(policy) = spec
                .at(&["tls", "insecureEdgeTerminationPolicy"])
                .filter(|policy| policy.text() == Some("Allow"))
            {
                found(report, object, policy.place(), object.title(), remedy);
            }
        }
        ("Gateway", "gateway.networking.k8s.io") => {
            for (index, listener) in object.node.items_at(&["spec", "listeners"]).iter().enumerate()
            {
                if let Some(protocol) =
                    listener.get("protocol").filter(|protocol| protocol.text() == Some("HTTP"))
                {
                    found(
                        report,
                        object,
                        protocol.place(),
                        format!("{} listener {index}", object.title()),
                        "Write `protocol: HTTPS` with `tls: {certificateRefs: [{name: \
                         CERTIFICATE}]}` in the listener",
                    );
                }
            }
        }
        ("Gateway", "networking.istio.io") => {
            for (index, server) in object.node.items_at(&["spec", "servers"]).iter().enumerate() {
                let redirects = matches!(
                    read::<bool>(server, &["tls", "httpsRedirect"]),
                    Field::Known(true, _)
                );
                let protocol = server
                    .at(&["port", "protocol"])
                    .filter(|protocol| matches!(protocol.text(), Some("HTTP" | "HTTP2" | "GRPC")));
                if let Some(protocol) = protocol.filter(|_| !redirects) {
                    found(
                        report,
                        object,
                        protocol.place(),
                        format!("{} server {index}", object.title()),
                        "Write `tls: {httpsRedirect: true}` in the server, and serve `protocol: \
                         HTTPS` beside it",
                    );
                }
            }
        }
        _ => return false,
    }
    true
}

fn found(report: &mut Report<'_>, object: &Object, place: (u64, u64), part: String, remedy: &str) {
    report.finding(
        &object.path,
        place,
        part,
        "what is asked and answered can be read and changed on the way, with the callers' \
         credentials",
        remedy,
    );
}
