use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::Pod;
use crate::report::{Report, over_pods};
use crate::yaml::{Field, read};

caiso_core::unit! {
    /// ## What it does
    /// Reports pods into which the token of their service account is mounted:
    /// `automountServiceAccountToken` is true, or neither the pod nor its service account, if that
    /// is among the manifests, says false. What the pod says wins.
    ///
    /// ## Why it matters
    /// A model server seldom talks to Kubernetes. The token lies in its file system as a key for
    /// whoever reads files there, with the rights of the account.
    ///
    /// ## References
    /// - CIS Kubernetes Benchmark v1.11, 5.1.5, 5.1.6
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Service account tokens
    /// - MITRE ATLAS AML.T0091.000 (application access token)
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-013",
            name: "service-account-token",
            title: "A pod carries a key to the cluster",
            severity: Severity::Low,
            techniques: &["AML.T0091.000", "AML.T0012"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_pods(&UNIT.meta, input, context, visit),
    };
}

const SETTING: &str = "automountServiceAccountToken";

fn visit(report: &mut Report<'_>, pod: &Pod) {
    let place = match pod.spec.read::<bool>(&[SETTING]) {
        Field::Known(false, _) => return,
        Field::Known(true, node) => node.place(),
        unclear @ Field::Unclear(..) => {
            report.known(&pod.path, &pod.title, unclear);
            return;
        }
        Field::Absent => {
            if account_forbids(report.input, pod)
                || !report.is_missing(&pod.path, &pod.title, SETTING, [&pod.spec, &pod.spec])
            {
                return;
            }
            pod.spec.place()
        }
    };
    report.finding(
        &pod.path,
        place,
        &pod.title,
        "the token of the pod's service account lies in its file system: whoever reads files \
         there can act in the cluster as that account",
        "Write `automountServiceAccountToken: false` in the pod specification",
    );
}

fn account_forbids(input: &InfraInput, pod: &Pod) -> bool {
    let named = ["serviceAccountName", "serviceAccount"].iter().find_map(|key| {
        match pod.spec.read::<&str>(&[key]) {
            Field::Known(name, _) => Some(name),
            _ => None,
        }
    });
    let name = named.unwrap_or("default");
    input.of_kind("ServiceAccount").any(|object| {
        object.name == name
            && object.is_in(pod.namespace.as_deref())
            && matches!(read::<bool>(&object.node, &[SETTING]), Field::Known(false, _))
    })
}
