use std::collections::BTreeMap;
use std::sync::LazyLock;

use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::external_data::printable;
use crate::readers::tensorflow::{Operator, TensorFlow};
use crate::tree::Facts;
use crate::{Format, ModelFileInput, Node};

caiso_core::unit! {
    /// ## What it does
    /// Lists the operators of a TensorFlow SavedModel or graph, also those in the functions of its
    /// library, that do more than compute: write or read files, open ports or call hosts, call Python
    /// functions, print to a file, run a graph that lies in a tensor. The operators with which a model
    /// saves and restores its own variables are expected in the function that the model names as its
    /// saver, and nowhere else. An operator that TensorFlow does not have and that the file does not
    /// define needs a library of somebody else, and is a finding of medium severity.
    ///
    /// ## Why it matters
    /// A graph is a program. Whoever serves the model lets its author write and read files, or reach
    /// other hosts, with the rights of the service; no pickle is needed for that.
    ///
    /// ## References
    /// - TensorFlow, Using TensorFlow Securely,
    ///   <https://github.com/tensorflow/tensorflow/blob/master/SECURITY.md>
    /// - TensorFlow raw operators, <https://www.tensorflow.org/api_docs/python/tf/raw_ops>
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0010.003 (AI supply chain: model)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-TF-001",
            name: "tensorflow-operator",
            title: "A TensorFlow graph does more than compute",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0010.003"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: tensorflow_operator,
    };
}

/// Operator to effect; empty for those that only compute.
static CATALOG: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    include_str!("../../../../catalogs/tensorflow-operators.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
        .collect()
});

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn tensorflow_operator(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    let mut operators = 0_usize;
    let graphs = input.facts(|facts| match facts {
        Facts::TensorFlow(graph) => Some(graph),
        _ => None,
    });
    for (node, graph) in graphs {
        operators = operators.saturating_add(graph.operators.len());
        judge(input, node, graph, &mut outcome);
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::SavedModel, Format::FrozenGraph]));
    outcome.summary = match outcome.findings.len() {
        0 => format!("none of {operators} operators does more than compute"),
        1 => format!("one of {operators} operators needs a look"),
        count => format!("{count} of {operators} operators need a look"),
    };
    Ok(outcome)
}

fn judge(input: &ModelFileInput, node: &Node, graph: &TensorFlow, outcome: &mut Outcome) {
    for (name, operator) in &graph.operators {
        if operator.outside_saver == 0 || graph.functions.contains(name) {
            continue;
        }
        let effect = CATALOG.get(name.as_str()).copied();
        let Some((severity, does)) = weigh(effect, operator) else { continue };
        let places: Vec<String> = operator
            .texts
            .iter()
            .filter(|text| is_place(text))
            .map(|text| printable(text))
            .collect();
        let given = match places.as_slice() {
            [] => String::new(),
            places => format!(" (`{}`)", places.get(..4).unwrap_or(places).join("`, `")),
        };
        let shown = printable(name);
        let message =
            format!("the operator `{shown}` at `{}` {does}{given}", printable(&operator.place));
        let remediation = if effect.is_some() {
            "Do not load the model; get it from its source again, or have its author export it \
             without this operator"
        } else {
            "Export the model with operators of TensorFlow, or review, pin and sign the library that \
             brings this one"
        };
        let place = input.at(node, &format!("operator {shown}"));
        let mut finding = Finding::of(&UNIT.meta, place, message, remediation);
        finding.severity = severity;
        outcome.findings.push(finding);
    }
}

/// How bad an operator is and what it does.
fn weigh(effect: Option<&str>, operator: &Operator) -> Option<(Severity, &'static str)> {
    let names_a_place = operator.texts.iter().any(|text| is_place(text));
    Some(match effect {
        None => (
            Severity::Medium,
            "is none of TensorFlow, and the file does not define it: a library of somebody else has \
             to be loaded for it",
        ),
        Some("python") => {
            (Severity::High, "calls a Python function of the process that serves the model")
        }
        Some("write") => (
            Severity::Critical,
            "writes a file with the rights of the process that serves the model",
        ),
        Some("read") => {
            (Severity::High, "reads a file with the rights of the process that serves the model")
        }
        Some("asset") if names_a_place => {
            (Severity::Medium, "reads a file that is none of the model's assets")
        }
        Some("network") => (Severity::High, "opens a port or calls another host"),
        Some("target") if names_a_place => {
            (Severity::High, "writes to or reads from a place that the author of the model chose")
        }
        Some("nested") => {
            (Severity::Medium, "runs a graph that lies in a tensor, which nothing has looked at")
        }
        Some("stop") => (Severity::Medium, "can end the process that serves the model"),
        _ => return None,
    })
}

/// Whether a text names a file or a host.
fn is_place(text: &str) -> bool {
    let url = text.split_once("://").is_some_and(|(scheme, _)| {
        !matches!(scheme, "local" | "bytes" | "memcbk" | "")
            && !scheme.contains(char::is_whitespace)
    });
    let path = text.len() > 1 && text.starts_with(['/', '~', '\\']);
    let drive =
        matches!(text.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    url || path || drive || text.contains("../") || text.contains("..\\")
}

#[cfg(test)]
mod tests {
    use super::{CATALOG, is_place};

    #[test]
    fn the_catalog_has_known_effects_only() {
        let effects =
            ["", "python", "write", "read", "asset", "network", "target", "nested", "stop"];
        for (operator, effect) in CATALOG.iter() {
            assert!(effects.contains(effect), "{operator} {effect}");
        }
        assert!(CATALOG.len() > 1_900);
        assert_eq!(CATALOG["MatMul"], "");
        assert_eq!(CATALOG["WriteFile"], "write");
    }

    #[test]
    fn places_are_told_from_other_texts() {
        for place in
            ["/etc/passwd", "file:///tmp/x", "grpc://h:1", "C:\\x", "../x", "~/x", "s3://b/k"]
        {
            assert!(is_place(place), "{place}");
        }
        for text in
            ["", "/", "a b", "local://", "stderr", "log(info)", "channels_last", "memcbk://x"]
        {
            assert!(!is_place(text), "{text}");
        }
    }
}
