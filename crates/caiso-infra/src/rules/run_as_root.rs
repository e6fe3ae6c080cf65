use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};
use crate::yaml::Field;

caiso_core::unit! {
    /// ## What it does
    /// Works out the user of each container: its own `runAsUser` and `runAsNonRoot`, else those of
    /// its pod. User 0, `runAsNonRoot: false` and neither of both are reported; a user above 0 or
    /// `runAsNonRoot: true` passes. On Windows the user `ContainerAdministrator` is reported.
    ///
    /// ## Why it matters
    /// Without either setting the image decides, and most images run as root. Root in a container
    /// is root on the node as soon as one fault in the kernel or the runtime lets it out.
    ///
    /// ## References
    /// - Kubernetes Pod Security Standards, restricted: Running as Non-root
    /// - CIS Kubernetes Benchmark v1.11, 5.2.7
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Non-root containers
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-003",
            name: "run-as-root",
            title: "A container may run as root",
            severity: Severity::Medium,
            techniques: &["AML.T0105", "AML.T0112"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_containers(&UNIT.meta, input, context, visit),
    };
}

const REMEDY: &str = "Write `securityContext: {runAsNonRoot: true, runAsUser: 10001}` in the \
                      pod specification or the container, with a user of the image above 0";

fn visit(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    let part = &container.title;
    if pod.is_windows() {
        let user = pod.security::<&str>(container, &["windowsOptions", "runAsUserName"]);
        if let Some(("ContainerAdministrator", node)) = report.known(&pod.path, part, user) {
            report.finding(
                &pod.path,
                node.place(),
                part,
                "the container runs as administrator",
                "Write `securityContext: {windowsOptions: {runAsUserName: ContainerUser}}` in \
                 the container",
            );
        }
        return;
    }
    match pod.security::<i64>(container, &["runAsUser"]) {
        Field::Known(0, node) => {
            report.finding(
                &pod.path,
                node.place(),
                part,
                "the container runs as root (`runAsUser: 0`): one fault in the kernel or the \
                 runtime makes that root on the node",
                REMEDY,
            );
        }
        Field::Known(..) => {}
        unclear @ Field::Unclear(..) => {
            report.known(&pod.path, part, unclear);
        }
        Field::Absent => match pod.security::<bool>(container, &["runAsNonRoot"]) {
            Field::Known(true, _) => {}
            Field::Known(false, node) => {
                report.finding(
                    &pod.path,
                    node.place(),
                    part,
                    "`runAsNonRoot: false` and no user: the container runs as root if its image \
                     says so",
                    REMEDY,
                );
            }
            unclear @ Field::Unclear(..) => {
                report.known(&pod.path, part, unclear);
            }
            Field::Absent => {
                if report.is_missing(
                    &pod.path,
                    part,
                    "securityContext.runAsNonRoot",
                    [&container.spec, &pod.spec],
                ) {
                    report.finding(
                        &pod.path,
                        container.spec.place(),
                        part,
                        "neither `runAsNonRoot` nor `runAsUser` is set: the container runs as \
                         root if its image says so, and most do",
                        REMEDY,
                    );
                }
            }
        },
    }
}
