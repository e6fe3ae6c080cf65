use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};
use crate::yaml::Field;

caiso_core::unit! {
    /// ## What it does
    /// Reports containers in which `securityContext.readOnlyRootFilesystem` is not true.
    ///
    /// ## Why it matters
    /// Whoever takes over the process can replace the program or the model that the image brought,
    /// and it stays so until the container is replaced.
    ///
    /// ## References
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Immutable container file systems
    /// - NIST SP 800-190, 4.4.4
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-012",
            name: "writable-root-file-system",
            title: "A container may change its own programs",
            severity: Severity::Low,
            techniques: &["AML.T0112", "AML.T0018.000"],
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
    let place = match container.spec.read::<bool>(&["securityContext", "readOnlyRootFilesystem"]) {
        Field::Known(true, _) => return,
        Field::Known(false, node) => node.place(),
        unclear @ Field::Unclear(..) => {
            report.known(&pod.path, part, unclear);
            return;
        }
        Field::Absent => {
            let setting = "securityContext.readOnlyRootFilesystem";
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
        "whoever takes over the process can replace the program or model that the image brought",
        "Write `securityContext: {readOnlyRootFilesystem: true}` in the container, and mount \
         `emptyDir: {}` where it writes",
    );
}
