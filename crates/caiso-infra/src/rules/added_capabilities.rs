use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::manifests::printable;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};
use crate::yaml::Node;

caiso_core::unit! {
    /// ## What it does
    /// Reports capabilities in `securityContext.capabilities.add`, compared as whole names without
    /// regard to case and the prefix `CAP_`: high where one leads out of the container
    /// (`SYS_ADMIN`, `ALL` and their like), medium where it is outside the baseline, low where it
    /// is inside; `NET_BIND_SERVICE` alone passes.
    ///
    /// ## Why it matters
    /// Capabilities are the pieces of root. With some of them a container loads kernel modules,
    /// reads other processes or mounts the node's disks.
    ///
    /// ## References
    /// - Kubernetes Pod Security Standards, baseline and restricted: Capabilities
    /// - CIS Kubernetes Benchmark v1.11, 5.2.8, 5.2.9
    /// - capabilities(7)
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-008",
            name: "added-capabilities",
            title: "A container is given capabilities of the kernel",
            severity: Severity::High,
            techniques: &["AML.T0105"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_containers(&UNIT.meta, input, context, visit),
    };
}

/// Capabilities with which a process leaves its container.
const ESCAPE: [&str; 13] = [
    "ALL",
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_BOOT",
    "DAC_READ_SEARCH",
    "BPF",
    "NET_ADMIN",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "SYSLOG",
    "CHECKPOINT_RESTORE",
];
/// Those that the baseline of the Pod Security Standards allows to add.
const BASELINE: [&str; 12] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn visit(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    let part = &container.title;
    let field = container.spec.read::<&[Node]>(&["securityContext", "capabilities", "add"]);
    let Some((items, _)) = report.known(&pod.path, part, field) else { return };
    let mut added: Vec<(Severity, String, &Node)> = Vec::new();
    for item in items {
        let Some(name) = item.text() else {
            report.unclear(
                &pod.path,
                item.place(),
                part,
                format!("a capability is {}, expected its name", item.kind()),
            );
            continue;
        };
        let upper = name.to_ascii_uppercase();
        let severity = match upper.strip_prefix("CAP_").unwrap_or(&upper) {
            "NET_BIND_SERVICE" => continue,
            name if ESCAPE.contains(&name) => Severity::High,
            name if BASELINE.contains(&name) => Severity::Low,
            _ => Severity::Medium,
        };
        added.push((severity, printable(name), item));
    }
    // The worst decides; among equals the first.
    let Some((severity, _, node)) = added.iter().rev().max_by_key(|(severity, ..)| *severity)
    else {
        return;
    };
    let names: Vec<&str> = added.iter().map(|(_, name, _)| name.as_str()).collect();
    let consequence = if *severity == Severity::High {
        "a process that is taken over can leave the container"
    } else {
        "a process that is taken over can do more than the model server needs"
    };
    report
        .finding(
            &pod.path,
            node.place(),
            part,
            format!("the container is given {}: {consequence}", names.join(", ")),
            "Write `securityContext: {capabilities: {drop: [ALL]}}` in the container, and add \
             none but NET_BIND_SERVICE",
        )
        .severity = *severity;
}
