use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};
use crate::yaml::Field;

caiso_core::unit! {
    /// ## What it does
    /// Works out the seccomp profile of each container, its own or its pod's: `Unconfined` is
    /// medium; none is low, since the cluster may have a default. The annotations that Kubernetes
    /// no longer reads count for nothing.
    ///
    /// ## Why it matters
    /// The filter keeps a container from the rarely used system calls in which most escapes begin.
    ///
    /// ## References
    /// - Kubernetes Pod Security Standards, baseline and restricted: Seccomp
    /// - CIS Kubernetes Benchmark v1.11, 5.7.2
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Pod security
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-011",
            name: "no-seccomp",
            title: "A container runs without a system call filter",
            severity: Severity::Medium,
            techniques: &["AML.T0105"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_containers(&UNIT.meta, input, context, visit),
    };
}

const REMEDY: &str = "Write `securityContext: {seccompProfile: {type: RuntimeDefault}}` in the \
                      pod specification";

fn visit(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    if pod.is_windows() {
        return;
    }
    let part = &container.title;
    match pod.security::<&str>(container, &["seccompProfile", "type"]) {
        Field::Known("RuntimeDefault" | "Localhost", _) => {}
        Field::Known("Unconfined", node) => {
            report.finding(
                &pod.path,
                node.place(),
                part,
                "every system call of the kernel is open to the container (`Unconfined`)",
                REMEDY,
            );
        }
        Field::Known(_, node) => report.unclear(
            &pod.path,
            node.place(),
            part,
            "no such seccomp profile type; known: RuntimeDefault, Localhost, Unconfined",
        ),
        unclear @ Field::Unclear(..) => {
            report.known(&pod.path, part, unclear);
        }
        Field::Absent => {
            if report.is_missing(
                &pod.path,
                part,
                "securityContext.seccompProfile",
                [&container.spec, &pod.spec],
            ) {
                report
                    .finding(
                        &pod.path,
                        container.spec.place(),
                        part,
                        "no system call filter is asked for: unless the cluster sets one, every \
                         system call is open to the container",
                        REMEDY,
                    )
                    .severity = Severity::Low;
            }
        }
    }
}
