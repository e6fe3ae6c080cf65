use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::manifests::{Object, printable};
use crate::report::{Report, over_objects};
use crate::yaml::{Node, Value};

caiso_core::unit! {
    /// ## What it does
    /// Reports Istio AuthorizationPolicies that allow everything (an empty rule with the action
    /// `ALLOW`; one without any rule forbids everything and passes), and PeerAuthentications that
    /// switch mutual TLS off (`DISABLE`, medium) or make it optional (`PERMISSIVE`, low).
    ///
    /// ## Why it matters
    /// One such policy undoes all others that allow, and callers are no longer known.
    ///
    /// ## References
    /// - Istio documentation, Authorization Policy, PeerAuthentication
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Authentication and authorization
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-025",
            name: "open-mesh-policy",
            title: "The service mesh lets everybody in",
            severity: Severity::High,
            techniques: &["AML.T0040", "AML.T0049"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_objects(&UNIT.meta, input, context, visit),
    };
}

fn visit(report: &mut Report<'_>, object: &Object) -> bool {
    if object.group != "security.istio.io" {
        return false;
    }
    match object.kind.as_str() {
        "AuthorizationPolicy" => authorization(report, object),
        "PeerAuthentication" => peers(report, object),
        _ => return false,
    }
    true
}

fn authorization(report: &mut Report<'_>, object: &Object) {
    let spec = object.node.get("spec");
    let action = spec.and_then(|spec| spec.text_at(&["action"])).unwrap_or("ALLOW");
    let rules = spec.map_or(&[][..], |spec| spec.items_at(&["rules"]));
    let open = rules.iter().enumerate().find(|(_, rule)| match &rule.value {
        Value::Mapping(_) => ["from", "to", "when"].iter().all(|key| rule.get(key).is_none()),
        value => *value == Value::Null,
    });
    if let Some((index, rule)) = open.filter(|_| action == "ALLOW") {
        report.finding(
            &object.path,
            rule.place(),
            format!("{} rule {index}", object.title()),
            "an empty rule allows every request of everybody, whatever other policies allow",
            "Name the callers: `rules: [{from: [{source: {principals: \
             [cluster.local/ns/NAMESPACE/sa/ACCOUNT]}}]}]`",
        );
    }
}

fn peers(report: &mut Report<'_>, object: &Object) {
    let spec = object.node.get("spec");
    let modes =
        spec.and_then(|spec| spec.at(&["mtls", "mode"])).map(|mode| ("mode".to_owned(), mode));
    let ports = spec.and_then(|spec| spec.get("portLevelMtls")).into_iter().flat_map(Node::entries);
    let ports = ports.filter_map(|entry| {
        Some((format!("port {}", printable(&entry.key)), entry.value.get("mode")?))
    });
    for (part, mode) in modes.into_iter().chain(ports) {
        let (severity, message) = match mode.text() {
            Some("DISABLE") => (
                Severity::Medium,
                "services talk to each other unencrypted and do not know who calls",
            ),
            Some("PERMISSIVE") => {
                (Severity::Low, "services also answer callers that do not show who they are")
            }
            _ => continue,
        };
        report
            .finding(
                &object.path,
                mode.place(),
                format!("{} {part}", object.title()),
                message,
                "Write `mtls: {mode: STRICT}`",
            )
            .severity = severity;
    }
}
