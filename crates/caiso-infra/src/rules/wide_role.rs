use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::manifests::Object;
use crate::report::{Report, over_objects};
use crate::yaml::{Field, Node, read};

caiso_core::unit! {
    /// ## What it does
    /// Reads the rules of Roles and ClusterRoles. High: every action on every resource, every
    /// action on secrets, pods or roles, and the actions `escalate`, `bind` and `impersonate`.
    /// Medium: every action on, or every resource of, anything else; reading all secrets; running
    /// commands in pods; the proxy of nodes. Names are compared whole.
    ///
    /// ## Why it matters
    /// Whoever takes over a pod with such a role takes over the namespace, or with a ClusterRole
    /// the cluster.
    ///
    /// ## References
    /// - CIS Kubernetes Benchmark v1.11, 5.1.2, 5.1.3, 5.1.8, 5.1.10
    /// - Kubernetes documentation, Role Based Access Control Good Practices
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-017",
            name: "wide-role",
            title: "A role grants more than a workload needs",
            severity: Severity::High,
            techniques: &["AML.T0012", "AML.T0091.000"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_objects(&UNIT.meta, input, context, visit),
    };
}

/// Resources of which every action leads to everything else.
const SENSITIVE: [&str; 9] = [
    "secrets",
    "pods",
    "pods/exec",
    "roles",
    "rolebindings",
    "clusterroles",
    "clusterrolebindings",
    "serviceaccounts/token",
    "nodes/proxy",
];

fn visit(report: &mut Report<'_>, object: &Object) -> bool {
    if !matches!(object.kind.as_str(), "Role" | "ClusterRole")
        || object.group != "rbac.authorization.k8s.io"
    {
        return false;
    }
    let title = object.title();
    let Some((rules, _)) =
        report.known(&object.path, &title, read::<&[Node]>(&object.node, &["rules"]))
    else {
        return true;
    };
    for (index, rule) in rules.iter().enumerate() {
        let part = format!("{title} rule {index}");
        for key in ["verbs", "resources", "apiGroups", "resourceNames", "nonResourceURLs"] {
            if let Field::Unclear(node, reason) = read::<&[Node]>(rule, &[key]) {
                report.unclear(&object.path, node.place(), &part, reason);
            }
        }
        if let Some((severity, message)) = judge(rule) {
            report
                .finding(
                    &object.path,
                    rule.place(),
                    part,
                    message,
                    "Name the verbs, resources and objects that the workload uses: `verbs: \
                     [get], resources: [configmaps], resourceNames: [NAME]`",
                )
                .severity = severity;
        }
    }
    true
}

fn judge(rule: &Node) -> Option<(Severity, &'static str)> {
    let list = |key: &str| rule.items_at(&[key]).iter().filter_map(Node::text).collect::<Vec<_>>();
    let (verbs, resources) = (list("verbs"), list("resources"));
    let has = |names: &[&str], wanted: &[&str]| names.iter().any(|name| wanted.contains(name));
    let (every_verb, every_resource) = (has(&verbs, &["*"]), has(&resources, &["*"]));
    let named = !rule.items_at(&["resourceNames"]).is_empty();
    let can = |verb: &[&str], resource: &[&str]| {
        (every_verb || has(&verbs, verb)) && (every_resource || has(&resources, resource))
    };
    if every_verb && every_resource {
        return Some((Severity::High, "grants every action on every resource"));
    }
    if every_verb && has(&resources, &SENSITIVE) && !named {
        return Some((
            Severity::High,
            "grants every action on secrets, pods or roles, through which everything else is in \
             reach",
        ));
    }
    if can(&["escalate", "bind"], &["roles", "clusterroles", "rolebindings", "clusterrolebindings"])
        || can(&["impersonate"], &["users", "groups", "serviceaccounts"])
    {
        return Some((Severity::High, "lets its holder take any other role"));
    }
    if can(&["get", "list", "watch"], &["secrets"]) && !named {
        return Some((Severity::Medium, "lets its holder read every secret in reach of the role"));
    }
    if can(&["create", "get"], &["pods/exec", "pods/attach"])
        || can(&["create", "get"], &["nodes/proxy"])
    {
        return Some((Severity::Medium, "lets its holder run commands in other pods"));
    }
    if every_verb && (!resources.is_empty() || has(&list("nonResourceURLs"), &["*"])) {
        return Some((
            Severity::Medium,
            "grants every action, also those that come with later versions",
        ));
    }
    if every_resource {
        return Some((
            Severity::Medium,
            "covers every resource, also those that come with later versions",
        ));
    }
    None
}
