use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::Pod;
use crate::report::{Report, over_pods};
use crate::yaml::{Field, Node, Value, read};

caiso_core::unit! {
    /// ## What it does
    /// Works out for each pod specification which `NetworkPolicy` objects of its namespace select
    /// its labels for incoming traffic. Reports pods that none selects, and pods for which a policy
    /// allows everything from everywhere. Where an operator adds labels, or another kind of policy
    /// is in use, it says that it cannot know. A namespace that is not written down may be any.
    ///
    /// ## Why it matters
    /// Without a policy every pod of the cluster reaches the model server past its gateway and the
    /// authentication there, and one pod taken over anywhere is enough to query the model or attack
    /// its server.
    ///
    /// ## References
    /// - CIS Kubernetes Benchmark v1.11, 5.3.2
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Network policies
    /// - MITRE ATLAS AML.T0040 (AI model inference API access)
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-016",
            name: "no-network-policy",
            title: "Anybody in the cluster may talk to a pod",
            severity: Severity::Medium,
            techniques: &["AML.T0040", "AML.T0049"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_pods(&UNIT.meta, input, context, visit),
    };
}

const REMEDY: &str = "Add a policy for the pod's labels: `kind: NetworkPolicy` with `spec: \
                      {podSelector: {matchLabels: {app: NAME}}, policyTypes: [Ingress], \
                      ingress: [{from: [{podSelector: {matchLabels: {app: CALLER}}}]}]}`, and \
                      one with `podSelector: {}` and no `ingress` for the rest";
/// Kinds that restrict traffic too, by rules of their own.
const OTHERS: [&str; 5] = [
    "CiliumNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
    "GlobalNetworkPolicy",
    "AdminNetworkPolicy",
    "BaselineAdminNetworkPolicy",
];

fn visit(report: &mut Report<'_>, pod: &Pod) {
    let Some(labels) = &pod.labels else { return };
    if matches!(pod.spec.read::<bool>(&["hostNetwork"]), Field::Known(true, _)) {
        // IN-K8S-002: no policy holds for it.
        return;
    }
    let (mut selected, mut unknown, mut open) = (false, false, None);
    let policies = report.input.of_kind("NetworkPolicy");
    for policy in policies.filter(|policy| policy.is_in(pod.namespace.as_deref())) {
        let Some(spec) = policy.node.get("spec").filter(|spec| concerns_ingress(spec)) else {
            continue;
        };
        // No selector means every pod, as does an empty one.
        let verdict =
            spec.get("podSelector").map_or(Some(true), |selector| labels.selected_by(selector));
        match verdict {
            Some(false) => {}
            None => unknown = true,
            Some(true) => {
                selected = true;
                if let Some(rule) = spec.items_at(&["ingress"]).iter().find(|rule| allows_all(rule))
                {
                    open.get_or_insert((policy, rule));
                }
            }
        }
    }
    if let Some((policy, rule)) = open {
        report.finding(
            &policy.path,
            rule.place(),
            format!("{} by {}", pod.title, policy.title()),
            "the policy allows everything from everywhere: anybody in the cluster may talk to \
             the pod",
            REMEDY,
        );
    } else if !selected
        && (unknown || OTHERS.iter().any(|kind| report.input.of_kind(kind).next().is_some()))
    {
        report.unclear(
            &pod.path,
            pod.spec.place(),
            &pod.title,
            "whether a policy selects these pods depends on labels or policies that the \
             manifests do not show in full",
        );
    } else if !selected {
        report.finding(
            &pod.path,
            pod.spec.place(),
            &pod.title,
            "no network policy of the manifests selects these pods: anybody in the cluster may \
             talk to them, past any gateway",
            REMEDY,
        );
    }
}

/// Without `policyTypes`, a policy is about incoming traffic.
fn concerns_ingress(spec: &Node) -> bool {
    match read::<&[Node]>(spec, &["policyTypes"]) {
        Field::Known(types, _) => types.iter().any(|item| item.text() == Some("Ingress")),
        _ => true,
    }
}

/// Whether a rule has neither senders nor ports, which allows all.
fn allows_all(rule: &Node) -> bool {
    let empty = |key| rule.items_at(&[key]).is_empty();
    let anybody = rule.items_at(&["from"]).iter().any(|peer| {
        peer.text_at(&["ipBlock", "cidr"]).is_some_and(|cidr| matches!(cidr, "0.0.0.0/0" | "::/0"))
            && peer.items_at(&["ipBlock", "except"]).is_empty()
    });
    (rule.is_mapping() || rule.value == Value::Null) && (empty("from") || anybody) && empty("ports")
}
