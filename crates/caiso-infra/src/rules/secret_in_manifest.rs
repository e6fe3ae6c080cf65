use caiso_core::{Check, CheckError, Meta, Outcome, ParameterSet, RunContext, Severity};

use crate::InfraInput;
use crate::manifests::{Object, printable};
use crate::pods::{Container, Pod};
use crate::report::Report;
use crate::secret::{is_random, is_secret, issued};
use crate::yaml::{Node, is_template};

caiso_core::unit! {
    /// ## What it does
    /// Looks for secrets in literal environment variables, arguments and commands of containers, in
    /// ConfigMaps, and in the values of Secret objects: credentials in the formats that services
    /// issue, settings whose name announces a secret and whose value is neither a reference nor a
    /// placeholder, and long random values. The secret itself is never repeated in any output.
    ///
    /// ## Why it matters
    /// Manifests are kept in repositories, shown by dashboards and printed by `kubectl describe`.
    /// Everyone who can read them has the secret, also years later from the history.
    ///
    /// ## References
    /// - CIS Kubernetes Benchmark v1.11, 5.4.1, 5.4.2
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Secrets
    /// - CWE-798, CWE-312
    /// - MITRE ATLAS AML.T0055 (unsecured credentials)
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-007",
            name: "secret-in-manifest",
            title: "A secret is written into a manifest",
            severity: Severity::High,
            techniques: &["AML.T0055", "AML.T0095.000", "AML.T0012"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| run(input, context),
    };
}

const REMEDY: &str = "Revoke it and issue another. Keep that in a Secret made outside the \
                      repository (External Secrets, Sealed Secrets, a vault) and mount it as a \
                      file: `volumes: [{name: credentials, secret: {secretName: NAME}}]`";

fn run(input: &InfraInput, context: &RunContext) -> Result<Outcome, CheckError> {
    let mut report = Report::new(input, &UNIT.meta);
    report.expect_objects()?;
    let mut count = 0_usize;
    for pod in &input.pods {
        context.proceed()?;
        for container in &pod.containers {
            count = count.saturating_add(1);
            environment(&mut report, pod, container);
            arguments(&mut report, pod, container);
        }
    }
    for object in &input.objects {
        context.proceed()?;
        match object.kind.as_str() {
            "ConfigMap" => config_map(&mut report, object),
            "Secret" => secret(&mut report, object),
            _ => continue,
        }
        count = count.saturating_add(1);
    }
    report.limit(
        "Secrets without a known format, a telling name or a random look are not recognised.",
    );
    Ok(report.finish("places_checked", "place", count))
}

/// Reports a value under a name, if it is a secret.
fn value(report: &mut Report<'_>, path: &str, part: &str, name: &str, text: &str, node: &Node) {
    let shown = printable(name);
    if let Some(kind) = issued(text) {
        report.finding(
            path,
            node.place(),
            part,
            format!(
                "`{shown}` holds {kind} in clear text: whoever can read the manifest can use it"
            ),
            REMEDY,
        );
    } else if is_secret(name, text) {
        report.finding(
            path,
            node.place(),
            part,
            format!(
                "`{shown}` holds its secret in clear text: whoever can read the manifest has it"
            ),
            REMEDY,
        );
    } else if is_random(text) {
        let message = format!("`{shown}` holds a long random value in clear text, as keys are");
        report.finding(path, node.place(), part, message, REMEDY).severity = Severity::Medium;
    }
}

fn environment(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    for variable in container.spec.items(&["env"]) {
        let (Some(name), Some(node)) = (variable.text_at(&["name"]), variable.get("value")) else {
            continue;
        };
        let part = format!("{} env {}", container.title, printable(name));
        match node.text() {
            Some(text) if is_template(text) && is_secret(name, "x") => {
                report.unclear(
                    &pod.path,
                    node.place(),
                    &part,
                    "the value of a secret is a placeholder; where it comes from is not in the \
                     manifest",
                );
            }
            Some(text) => value(report, &pod.path, &part, name, text, node),
            None if is_secret(name, "x") => {
                report.unclear(
                    &pod.path,
                    node.place(),
                    &part,
                    format!("the value is {}, expected text", node.kind()),
                );
            }
            None => {}
        }
    }
}

fn arguments(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    for list in ["command", "args"] {
        let items = container.spec.items(&[list]);
        for (index, node) in items.iter().enumerate() {
            let Some(text) = node.text() else { continue };
            let part = format!("{} {list}[{index}]", container.title);
            // `--password=VALUE`, or `--password VALUE`, where the flag is the item before.
            let before =
                || items.get(index.checked_sub(1)?)?.text().filter(|b| b.starts_with("--"));
            let (name, text) = match text.split_once('=') {
                Some(flag) if text.starts_with('-') => flag,
                _ if text.starts_with('-') => (list, text),
                _ => (before().filter(|flag| !flag.contains('=')).unwrap_or(list), text),
            };
            value(report, &pod.path, &part, name, text, node);
        }
    }
}

fn config_map(report: &mut Report<'_>, object: &Object) {
    for entry in object.node.get("data").map_or(&[][..], Node::entries) {
        if let Some(text) = entry.value.text() {
            let part = format!("{} {}", object.title(), printable(&entry.key));
            value(report, &object.path, &part, &entry.key, text, &entry.value);
        }
    }
}

fn secret(report: &mut Report<'_>, object: &Object) {
    let entries = ["data", "stringData"]
        .into_iter()
        .filter_map(|key| object.node.get(key))
        .flat_map(Node::entries);
    let mut filled = entries.filter(|entry| {
        let text = entry.value.text().unwrap_or_default();
        // Certificates are public; a name without a telling word still is a secret in a Secret.
        !entry.key.ends_with(".crt") && is_secret("secret", text)
    });
    if let Some(first) = filled.next() {
        let more = filled.count();
        let keys = if more == 0 {
            format!("`{}`", printable(&first.key))
        } else {
            format!("`{}` and {more} more", printable(&first.key))
        };
        report.finding(
            &object.path,
            first.value.place(),
            object.title(),
            format!(
                "the values of the Secret ({keys}) stand in the manifest: base64 is no \
                 encryption, and whoever can read the file has them"
            ),
            REMEDY,
        );
    }
}
