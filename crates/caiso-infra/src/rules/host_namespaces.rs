use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::Pod;
use crate::report::{Report, over_pods};

caiso_core::unit! {
    /// ## What it does
    /// Reports pods with `hostNetwork`, `hostPID` or `hostIPC` set to true.
    ///
    /// ## Why it matters
    /// With the node's network a container reaches services bound to the node's loopback and cloud
    /// metadata and network policies do not hold for it; with its processes it reads their
    /// environment and memory; with its IPC it reads shared memory, where training frameworks keep
    /// data.
    ///
    /// ## References
    /// - Kubernetes Pod Security Standards, baseline: Host Namespaces
    /// - CIS Kubernetes Benchmark v1.11, 5.2.3, 5.2.4, 5.2.5
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Pod security
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-002",
            name: "host-namespaces",
            title: "A pod shares namespaces of its node",
            severity: Severity::High,
            techniques: &["AML.T0105", "AML.T0090"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_pods(&UNIT.meta, input, context, visit),
    };
}

const SETTINGS: [(&str, &str); 3] = [
    (
        "hostNetwork",
        "the pod uses the node's network: it reaches what listens on the node, and no network \
         policy holds for it",
    ),
    ("hostPID", "the pod sees every process of the node, with its environment and memory"),
    ("hostIPC", "the pod shares the node's inter-process memory with every process on it"),
];

fn visit(report: &mut Report<'_>, pod: &Pod) {
    for (setting, message) in SETTINGS {
        if let Some((true, node)) =
            report.known(&pod.path, &pod.title, pod.spec.read::<bool>(&[setting]))
        {
            report.finding(
                &pod.path,
                node.place(),
                format!("{} {setting}", pod.title),
                message,
                format!("Write `{setting}: false` in the pod specification, or leave it out"),
            );
        }
    }
}
