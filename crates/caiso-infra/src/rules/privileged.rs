use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};

caiso_core::unit! {
    /// ## What it does
    /// Reports containers with `securityContext.privileged: true`, in every pod specification of
    /// every object, and on Windows `windowsOptions.hostProcess: true`, also where a container
    /// inherits it from its pod.
    ///
    /// ## Why it matters
    /// A privileged container sees the devices of its node and may do there what root may. Whoever
    /// takes over the model server takes over the node and with it every other container on it.
    ///
    /// ## References
    /// - Kubernetes Pod Security Standards, baseline: Privileged Containers, HostProcess
    /// - CIS Kubernetes Benchmark v1.11, 5.2.2, 5.2.11
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Pod security
    /// - MITRE ATLAS AML.T0105 (escape to host)
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-001",
            name: "privileged-container",
            title: "A container is privileged",
            severity: Severity::High,
            techniques: &["AML.T0105", "AML.T0090"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_containers(&UNIT.meta, input, context, visit),
    };
}

fn visit(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    let part = &container.title;
    let settings: [(&[&str], _, _); 2] = [
        (
            &["privileged"],
            container.spec.read::<bool>(&["securityContext", "privileged"]),
            "privileged: false",
        ),
        (
            &["windowsOptions", "hostProcess"],
            pod.security::<bool>(container, &["windowsOptions", "hostProcess"]),
            "windowsOptions: {hostProcess: false}",
        ),
    ];
    for (path, field, safe) in settings {
        if let Some((true, node)) = report.known(&pod.path, part, field) {
            let setting = path.join(".");
            report.finding(
                &pod.path,
                node.place(),
                part,
                format!(
                    "`{setting}: true`: whoever takes over this container owns the node and \
                     everything on it"
                ),
                format!(
                    "Write `securityContext: {{{safe}}}` in the container; grant single \
                     capabilities or devices (a device plugin for GPUs) where it needs them"
                ),
            );
        }
    }
}
