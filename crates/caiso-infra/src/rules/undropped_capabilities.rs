use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};
use crate::yaml::{Field, Node};

caiso_core::unit! {
    /// ## What it does
    /// Reports containers that do not drop `ALL` capabilities.
    ///
    /// ## Why it matters
    /// The runtime gives every container about a dozen capabilities, among them to change the owner
    /// of files and to send raw network packets. A model server needs none.
    ///
    /// ## References
    /// - Kubernetes Pod Security Standards, restricted: Capabilities
    /// - CIS Kubernetes Benchmark v1.11, 5.2.9
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Pod security
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-010",
            name: "undropped-capabilities",
            title: "A container keeps the capabilities it does not need",
            severity: Severity::Low,
            techniques: &["AML.T0105"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_containers(&UNIT.meta, input, context, visit),
    };
}

fn visit(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    if pod.is_windows() {
        return;
    }
    let part = &container.title;
    let place = match container.spec.read::<&[Node]>(&["securityContext", "capabilities", "drop"]) {
        Field::Known(items, node) => {
            if items.iter().filter_map(Node::text).any(|name| name.eq_ignore_ascii_case("ALL")) {
                return;
            }
            node.place()
        }
        unclear @ Field::Unclear(..) => {
            report.known(&pod.path, part, unclear);
            return;
        }
        Field::Absent => {
            if !report.is_missing(
                &pod.path,
                part,
                "securityContext.capabilities.drop",
                [&container.spec, &pod.spec],
            ) {
                return;
            }
            container.spec.place()
        }
    };
    report.finding(
        &pod.path,
        place,
        part,
        "the container keeps capabilities of the kernel that a model server does not need",
        "Write `securityContext: {capabilities: {drop: [ALL]}}` in the container",
    );
}
