use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};
use crate::yaml::Node;

caiso_core::unit! {
    /// ## What it does
    /// Reports workflow templates in which a parameter of the run (`{{inputs.parameters…}}`,
    /// `{{workflow.parameters…}}`, `{{item…}}`, Tekton's `$(params…)`) stands inside a script or
    /// inside the text given to `sh -c`.
    ///
    /// ## Why it matters
    /// The parameter is put into the text before the shell reads it. Whoever may start the
    /// pipeline, or whoever wrote the data a parameter comes from, runs any command in the step,
    /// with its credentials for data and models.
    ///
    /// ## References
    /// - Argo Workflows documentation, Workflow Templates and security
    /// - CWE-78, CWE-94
    /// - MITRE ATLAS AML.T0050 (command and scripting interpreter)
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-026",
            name: "script-injection",
            title: "A parameter becomes part of a script",
            severity: Severity::High,
            techniques: &["AML.T0050", "AML.T0112"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_containers(&UNIT.meta, input, context, visit),
    };
}

/// Placeholders whose value comes from outside the manifest.
const PARAMETERS: [&str; 4] =
    ["inputs.parameters", "workflow.parameters", "item", "inputs.artifacts"];
const SHELLS: [&str; 9] = ["sh", "bash", "dash", "ash", "zsh", "python", "python3", "perl", "node"];

fn visit(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    let source = ["source", "script"]
        .iter()
        .find_map(|key| container.spec.raw(&[key]))
        .filter(|node| interpolates(node));
    let words: Vec<&Node> =
        ["command", "args"].iter().flat_map(|list| container.spec.items(&[list])).collect();
    let shell = words
        .first()
        .and_then(|node| node.text())
        .is_some_and(|text| SHELLS.contains(&text.rsplit('/').next().unwrap_or(text)));
    // The script is the word after `-c`; what follows are its own arguments, which are safe.
    let inline = words.iter().position(|node| {
        node.text().is_some_and(|text| {
            text.starts_with('-') && !text.starts_with("--") && text.ends_with('c')
        })
    });
    let inline = inline
        .filter(|_| shell)
        .and_then(|index| words.get(index.saturating_add(1)).copied())
        .filter(|node| interpolates(node));
    if let Some(node) = source.or(inline) {
        report.finding(
            &pod.path,
            node.place(),
            &container.title,
            "a parameter is put into the script before it runs: whoever sets the parameter runs \
             any command in this step",
            "Hand the parameter over as data: `env: [{name: VALUE, value: \
             \"{{inputs.parameters.NAME}}\"}]`, and write `\"$VALUE\"` in the script",
        );
    }
}

fn interpolates(node: &Node) -> bool {
    let text = node.text().unwrap_or_default();
    let argo = text.split("{{").skip(1).any(|rest| {
        let name = rest.trim_start_matches(['=', ' ']);
        PARAMETERS.iter().any(|parameter| {
            name.strip_prefix(parameter).is_some_and(|rest| rest.starts_with(['.', '[', '}', ' ']))
        })
    });
    argo || text.contains("$(params.")
}
