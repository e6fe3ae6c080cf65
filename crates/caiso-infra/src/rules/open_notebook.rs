use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};
use crate::yaml::Node;

caiso_core::unit! {
    /// ## What it does
    /// Reports containers whose command, arguments or environment switch off the login of Jupyter:
    /// an empty token or password, any origin allowed, or the check against forged requests
    /// disabled. In a Kubeflow `Notebook`, whose gateway asks for a login, it is medium.
    ///
    /// ## Why it matters
    /// A notebook runs any code. Whoever reaches its port, from any pod of the cluster at least,
    /// runs code with its data and credentials.
    ///
    /// ## References
    /// - Jupyter Server documentation, Security in the Jupyter Server
    /// - MITRE ATLAS AML.T0049 (exploit public-facing application), AML.T0035
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-023",
            name: "open-notebook",
            title: "A notebook asks for no password",
            severity: Severity::High,
            techniques: &["AML.T0049", "AML.T0112", "AML.T0035"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_containers(&UNIT.meta, input, context, visit),
    };
}

/// Settings that switch the login off, by the end of their name after the class.
const LOGIN: [&str; 2] = ["token", "password"];
const CLASSES: [&str; 5] =
    ["NotebookApp", "ServerApp", "IdentityProvider", "PasswordIdentityProvider", "LabApp"];

fn visit(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    for list in ["command", "args"] {
        for node in container.spec.items(&[list]) {
            if node.text().is_some_and(|text| text.split_whitespace().any(opens)) {
                found(report, pod, container, node);
                return;
            }
        }
    }
    for variable in container.spec.items(&["env"]) {
        let empty = variable.get("value").filter(|value| value.text() == Some(""));
        if let (Some("JUPYTER_TOKEN"), Some(value)) = (variable.text_at(&["name"]), empty) {
            found(report, pod, container, value);
        }
    }
}

/// Whether an argument switches a protection of Jupyter off.
fn opens(argument: &str) -> bool {
    let Some((name, value)) = argument.trim_start_matches('-').split_once('=') else {
        return false;
    };
    let Some((class, setting)) = name.split_once('.') else { return false };
    let value = value.trim_matches(['\'', '"', ';', ',']);
    CLASSES.contains(&class)
        && match setting {
            "disable_check_xsrf" | "allow_unauthenticated_access" => value == "True",
            "allow_origin" => value == "*",
            "hashed_password" => value.is_empty(),
            setting => LOGIN.contains(&setting) && value.is_empty(),
        }
}

fn found(report: &mut Report<'_>, pod: &Pod, container: &Container, node: &Node) {
    let finding = report.finding(
        &pod.path,
        node.place(),
        &container.title,
        "the notebook's login or its protection against foreign pages is off: whoever reaches \
         its port runs code with its data and credentials",
        "Remove the setting, so that Jupyter asks for its token, and allow only the gateway to \
         reach the port (NetworkPolicy)",
    );
    if pod.title.starts_with("Notebook/") {
        finding.severity = Severity::Medium;
    }
}
