use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};
use crate::yaml::Field;

caiso_core::unit! {
    /// ## What it does
    /// Reports containers in which `securityContext.allowPrivilegeEscalation` is not false: it is
    /// true where nothing is said. A value in the pod's security context counts for nothing, since
    /// Kubernetes knows none there.
    ///
    /// ## Why it matters
    /// A process may then become root through a set-uid program of the image, whatever user the
    /// container runs as.
    ///
    /// ## References
    /// - Kubernetes Pod Security Standards, restricted: Privilege Escalation
    /// - CIS Kubernetes Benchmark v1.11, 5.2.6
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Pod security
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-004",
            name: "privilege-escalation",
            title: "A container may gain privileges",
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

fn visit(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    if pod.is_windows() {
        return;
    }
    let part = &container.title;
    let place = match container.spec.read::<bool>(&["securityContext", "allowPrivilegeEscalation"])
    {
        Field::Known(false, _) => return,
        Field::Known(true, node) => node.place(),
        unclear @ Field::Unclear(..) => {
            report.known(&pod.path, part, unclear);
            return;
        }
        Field::Absent => {
            let setting = "securityContext.allowPrivilegeEscalation";
            if !report.is_missing(&pod.path, part, setting, [&container.spec, &pod.spec]) {
                return;
            }
            container.spec.place()
        }
    };
    report.finding(
        &pod.path,
        place,
        part,
        "a process in the container may become root through a set-uid program \
         (`allowPrivilegeEscalation` is not false)",
        "Write `securityContext: {allowPrivilegeEscalation: false}` in the container",
    );
}
