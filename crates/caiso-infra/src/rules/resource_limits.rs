use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::Role;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};
use crate::yaml::{Field, Quantity, read};

caiso_core::unit! {
    /// ## What it does
    /// Reports containers without a limit of memory (medium) or of processor time (low), their own,
    /// their pod's or, by a `LimitRange` of the namespace among the manifests, the default. A limit
    /// of 0 is none. Ephemeral containers can have none and are passed over.
    ///
    /// ## Why it matters
    /// Without a memory limit one flood of requests, or one large input, takes the memory of the
    /// node, and every service on it stops.
    ///
    /// ## References
    /// - CIS Kubernetes Benchmark v1.11, 5.7.1 (administrative boundaries)
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Resource policies
    /// - MITRE ATLAS AML.T0029 (denial of AI service)
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-009",
            name: "no-resource-limits",
            title: "A container has no resource limits",
            severity: Severity::Medium,
            techniques: &["AML.T0029", "AML.T0034"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_containers(&UNIT.meta, input, context, visit),
    };
}

fn visit(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    if container.role == Role::Ephemeral {
        return;
    }
    let part = &container.title;
    let mut missing = Vec::new();
    for resource in ["memory", "cpu"] {
        let path = ["resources", "limits", resource];
        let paths: [&[&str]; 2] = [&path, &["resourcesPerNode", "limits", resource]];
        let own = paths
            .iter()
            .map(|path| container.spec.read::<Quantity>(path))
            .find(|field| *field != Field::Absent);
        let field = own.unwrap_or_else(|| pod.spec.read::<Quantity>(&path));
        match field {
            Field::Known(quantity, _) if quantity.is_zero() => missing.push(resource),
            Field::Known(..) => {}
            unclear @ Field::Unclear(..) => {
                report.known(&pod.path, part, unclear);
            }
            Field::Absent if has_default(report.input, pod, resource) => {}
            Field::Absent => missing.push(resource),
        }
    }
    let Some(worst) = missing.first() else { return };
    if !report.is_missing(&pod.path, part, "resources.limits", [&container.spec, &pod.spec]) {
        return;
    }
    let (severity, message) = if *worst == "memory" {
        (
            Severity::Medium,
            "without a memory limit a flood of requests can take the memory of the node and \
             stop every service on it",
        )
    } else {
        (
            Severity::Low,
            "without a limit of processor time a flood of requests slows down every service on \
             the node",
        )
    };
    report
        .finding(
            &pod.path,
            container.spec.place(),
            part,
            message,
            "Write `resources: {limits: {cpu: \"1\", memory: 512Mi}}` in the container, with \
             what it was measured to need",
        )
        .severity = severity;
}

/// Whether a `LimitRange` gives containers of the pod's namespace a default.
fn has_default(input: &InfraInput, pod: &Pod, resource: &str) -> bool {
    let ranges = input.of_kind("LimitRange");
    let ranges = ranges.filter(|range| range.is_in(pod.namespace.as_deref()));
    ranges.flat_map(|object| object.node.items_at(&["spec", "limits"])).any(|limit| {
        limit.text_at(&["type"]) == Some("Container")
            && match read::<Quantity>(limit, &["default", resource]) {
                Field::Known(quantity, _) => !quantity.is_zero(),
                _ => false,
            }
    })
}
