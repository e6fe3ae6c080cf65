use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::Pod;
use crate::report::{Report, over_pods};

caiso_core::unit! {
    /// ## What it does
    /// Reports pod specifications that no `NetworkPolicy` of the same namespace in the manifests
    /// selects. Where the labels of a pod or a selector cannot be known, it is not assessed.
    ///
    /// ## Why it matters
    /// Without a policy every pod of the cluster can reach the model server, and the model server
    /// can reach everything: queries for extraction come from anywhere and stolen data can go
    /// anywhere.
    ///
    /// ## References
    /// - CIS Kubernetes Benchmark v1.11, 5.3.2
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Network separation
    /// - MITRE ATLAS AML.T0040 (inference API access), AML.T0025 (exfiltration)
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-016",
            name: "no-network-policy",
            title: "No network policy selects a pod",
            severity: Severity::Medium,
            techniques: &["AML.T0040", "AML.T0025"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_pods(&UNIT.meta, input, context, visit),
    };
}

fn visit(report: &mut Report<'_>, pod: &Pod) {
    // A part of other specifications runs nothing by itself.
    let Some(labels) = &pod.labels else { return };
    let policies = report.input.objects.iter().filter(|object| {
        object.kind == "NetworkPolicy"
            && object.group == "networking.k8s.io"
            && (object.namespace == pod.namespace || object.namespace.is_none() || pod.namespace.is_none())
    });
    let mut uncertain = false;
    for policy in policies {
        let Some(selector) = policy.node.get("spec").and_then(|spec| spec.get("podSelector")) else { continue };
        match labels.selected_by(selector) {
            Some(true) => return,
            Some(false) => {}
            None => uncertain = true,
        }
    }
    if uncertain {
        report.unclear(&pod.path, pod.spec.place(), &pod.title, "whether a network policy selects this pod cannot be known");
        return;
    }
    report.finding(
        &pod.path,
        pod.spec.place(),
        &pod.title,
        "no network policy selects this pod: everything in the cluster can reach it, and it can reach everything",
        "Add a NetworkPolicy with `podSelector: {}` and `policyTypes: [Ingress, Egress]` to the namespace, then allow \
         what is needed",
    );
}
