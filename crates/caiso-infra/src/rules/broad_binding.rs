use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::manifests::{Object, printable};
use crate::report::{Report, over_objects};
use crate::yaml::{Node, read};

caiso_core::unit! {
    /// ## What it does
    /// Reads the subjects of RoleBindings and ClusterRoleBindings, names compared whole. Critical:
    /// `system:anonymous` and `system:unauthenticated`, who have not logged in. High:
    /// `system:authenticated` and all service accounts, and the role `cluster-admin` for anybody.
    /// Medium: the `default` service account, which every pod has that names none. The bindings of
    /// `system:public-info-viewer`, `system:discovery` and `system:basic-user` are those of
    /// Kubernetes itself and pass.
    ///
    /// ## Why it matters
    /// A right that everybody has needs no attack to be used.
    ///
    /// ## References
    /// - CIS Kubernetes Benchmark v1.11, 5.1.1, 5.1.5, 5.1.7
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Authentication and authorization
    /// - MITRE ATLAS AML.T0012 (valid accounts)
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-020",
            name: "broad-binding",
            title: "A role is bound to everybody",
            severity: Severity::Critical,
            techniques: &["AML.T0012", "AML.T0049"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_objects(&UNIT.meta, input, context, visit),
    };
}

/// Roles that Kubernetes itself binds to everybody.
const PUBLIC: [&str; 3] = ["system:public-info-viewer", "system:discovery", "system:basic-user"];

fn visit(report: &mut Report<'_>, object: &Object) -> bool {
    if !matches!(object.kind.as_str(), "RoleBinding" | "ClusterRoleBinding")
        || object.group != "rbac.authorization.k8s.io"
    {
        return false;
    }
    let title = object.title();
    let role = object.node.text_at(&["roleRef", "name"]).unwrap_or_default();
    let Some((subjects, _)) =
        report.known(&object.path, &title, read::<&[Node]>(&object.node, &["subjects"]))
    else {
        return true;
    };
    for subject in subjects {
        let Some((name, node)) =
            report.known(&object.path, &title, read::<&str>(subject, &["name"]))
        else {
            continue;
        };
        let (severity, who) = match (subject.text_at(&["kind"]).unwrap_or_default(), name) {
            ("User", "system:anonymous") | ("Group", "system:unauthenticated") => {
                (Severity::Critical, "everybody, logged in or not")
            }
            ("Group", "system:authenticated") => (Severity::High, "everybody who can log in"),
            ("Group", name)
                if name == "system:serviceaccounts"
                    || name.starts_with("system:serviceaccounts:") =>
            {
                (Severity::High, "every pod that has a service account")
            }
            ("Group", "system:masters") => (Severity::High, "a group that no rule can stop"),
            _ if role == "cluster-admin" => (Severity::High, "one subject"),
            ("ServiceAccount", "default") => {
                (Severity::Medium, "every pod of the namespace that names no account")
            }
            _ => continue,
        };
        if PUBLIC.contains(&role) {
            continue;
        }
        let what = if role == "cluster-admin" {
            "every right (`cluster-admin`)".to_owned()
        } else {
            format!("the rights of `{}`", printable(role))
        };
        report
            .finding(
                &object.path,
                node.place(),
                format!("{title} subject {}", printable(name)),
                format!("gives {what} to {who}"),
                "Bind a role with the few rights needed to one service account: `subjects: \
                 [{kind: ServiceAccount, name: NAME, namespace: NAMESPACE}]`",
            )
            .severity = severity;
    }
    true
}
