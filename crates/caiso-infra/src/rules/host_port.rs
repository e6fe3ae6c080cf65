use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};
use crate::yaml::read;

caiso_core::unit! {
    /// ## What it does
    /// Reports ports of containers with a `hostPort` other than 0.
    ///
    /// ## Why it matters
    /// The port is open on the address of every node the pod runs on, past Services, and on many
    /// networks past network policies too.
    ///
    /// ## References
    /// - Kubernetes Pod Security Standards, baseline: Host Ports
    /// - CIS Kubernetes Benchmark v1.11, 5.2.13
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-015",
            name: "host-port",
            title: "A container opens a port on its node",
            severity: Severity::Medium,
            techniques: &["AML.T0049"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_containers(&UNIT.meta, input, context, visit),
    };
}

fn visit(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    for port in container.spec.items(&["ports"]) {
        let part = &container.title;
        let Some((number, node)) = report.known(&pod.path, part, read::<i64>(port, &["hostPort"]))
        else {
            continue;
        };
        if number != 0 {
            report.finding(
                &pod.path,
                node.place(),
                format!("{part} port {number}"),
                format!(
                    "port {number} is open on every node that the pod runs on, past Services \
                     and their policies"
                ),
                "Remove `hostPort` and publish the port with a Service: `type: ClusterIP`",
            );
        }
    }
}
