use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::manifests::Object;
use crate::report::{Report, over_objects};

caiso_core::unit! {
    /// ## What it does
    /// Looks for `*` in the verbs, resources and API groups of roles, and for bindings to everybody
    /// (`system:anonymous`, `system:unauthenticated`, `system:authenticated`) or to
    /// `cluster-admin`.
    ///
    /// ## Why it matters
    /// A wildcard grants what is added to the cluster tomorrow, secrets and other teams' models
    /// included. Bound to everybody it needs no break-in at all.
    ///
    /// ## References
    /// - CIS Kubernetes Benchmark v1.11, 5.1.1, 5.1.3
    /// - Kubernetes, RBAC good practices
    /// - MITRE ATLAS AML.T0091.000 (application access token), AML.T0075 (cloud service discovery)
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-017",
            name: "wide-role",
            title: "A role reaches further than a workload needs",
            severity: Severity::High,
            techniques: &["AML.T0091.000", "AML.T0075"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_objects(&UNIT.meta, input, context, visit),
    };
}

const KINDS: [&str; 4] = ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"];
const EVERYBODY: [&str; 3] = ["system:anonymous", "system:unauthenticated", "system:authenticated"];

fn visit(report: &mut Report<'_>, object: &Object) -> bool {
    if object.group != "rbac.authorization.k8s.io" || !KINDS.contains(&object.kind.as_str()) {
        return false;
    }
    for (index, rule) in object.node.items_at(&["rules"]).iter().enumerate() {
        for key in ["verbs", "resources", "apiGroups"] {
            if let Some(all) = rule.items_at(&[key]).iter().find(|value| value.text() == Some("*")) {
                report.finding(
                    &object.path,
                    all.place(),
                    format!("{} rule {index} {key}", object.title()),
                    format!("the role grants every one of its `{key}`, those added to the cluster later included"),
                    format!("Name under `{key}` what the workload was seen to use"),
                );
            }
        }
    }
    for subject in object.node.items_at(&["subjects"]) {
        if let Some(name) = subject.text_at(&["name"]).filter(|name| EVERYBODY.contains(name)) {
            report.finding(
                &object.path,
                subject.place(),
                format!("{} subject {name}", object.title()),
                format!("the binding holds for `{name}`: whoever reaches the API server has its rights"),
                "Bind named service accounts or groups",
            );
        }
    }
    if object.node.text_at(&["roleRef", "name"]) == Some("cluster-admin") {
        let place = object.node.at(&["roleRef"]).map_or_else(|| object.node.place(), crate::yaml::Node::place);
        report.finding(
            &object.path,
            place,
            format!("{} roleRef", object.title()),
            "the binding gives full control of the cluster",
            "Bind a role that names what the workload needs",
        );
    }
    true
}
