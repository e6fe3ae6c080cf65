use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};
use crate::yaml::Node;

caiso_core::unit! {
    /// ## What it does
    /// Reports containers, of every role, that take a Secret as an environment variable
    /// (`secretKeyRef`, `secretRef`).
    ///
    /// ## Why it matters
    /// The environment of a process is inherited by every program it starts, shown by debug pages
    /// and written into crash reports. A file can be read once, and is renewed when the Secret
    /// changes.
    ///
    /// ## References
    /// - CIS Kubernetes Benchmark v1.11, 5.4.1
    /// - Kubernetes documentation, Good practices for Kubernetes Secrets
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-014",
            name: "secret-as-environment",
            title: "A secret is handed over as an environment variable",
            severity: Severity::Low,
            techniques: &["AML.T0055"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_containers(&UNIT.meta, input, context, visit),
    };
}

fn visit(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    let variables = container
        .spec
        .items(&["env"])
        .into_iter()
        .filter_map(|item| item.at(&["valueFrom", "secretKeyRef"]));
    let sources: Vec<&Node> = container
        .spec
        .items(&["envFrom"])
        .into_iter()
        .filter_map(|item| item.get("secretRef"))
        .collect();
    let found: Vec<&Node> = variables.chain(sources).collect();
    let Some(first) = found.first() else { return };
    let what = if found.len() == 1 {
        "a Secret is".to_owned()
    } else {
        format!("{} Secrets are", found.len())
    };
    report.finding(
        &pod.path,
        first.place(),
        &container.title,
        format!(
            "{what} handed over as environment variables, which child processes, debug pages \
             and crash reports show"
        ),
        "Mount it as a file: `volumes: [{name: credentials, secret: {secretName: NAME}}]` in \
         the pod specification and `volumeMounts: [{name: credentials, mountPath: /run/secrets, \
         readOnly: true}]` in the container",
    );
}
