use caiso_core::{
    Check, CheckError, Direction, Measurement, Meta, NotAssessed, Outcome, ParameterSet, Severity,
};

use crate::InfraInput;

caiso_core::unit! {
    /// ## What it does
    /// Counts the documents and objects that were read and lists every place that could not be:
    /// broken YAML, text that is not UTF-8, templates, documents that are no Kubernetes objects.
    ///
    /// ## Why it matters
    /// What no rule could read is unknown, not safe. Every other rule is incomplete as long as
    /// something is listed here.
    ///
    /// ## References
    /// - Kubernetes API conventions: `apiVersion` and `kind`
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-000",
            name: "unreadable-manifest",
            title: "Manifests are read",
            severity: Severity::Info,
            techniques: &[],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, _| run(input),
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn run(input: &InfraInput) -> Result<Outcome, CheckError> {
    let count = |name: &str, noun: &str, value: usize| {
        let n = u64::try_from(value).unwrap_or(u64::MAX);
        Measurement::new(name, n as f64, noun, Direction::Informative, n)
    };
    let problems = input.problems();
    let unread = |problem: &caiso_core::Diagnostic| NotAssessed {
        what: format!("{}:{}:{}", problem.file, problem.line, problem.column),
        reason: problem.message.clone(),
        remedy: problem.help.clone().unwrap_or_default(),
    };
    Ok(Outcome {
        summary: format!(
            "{} documents with {} objects and {} pod specifications were read, {} places were not",
            input.documents,
            input.objects(),
            input.pod_specs(),
            problems.len()
        ),
        measurements: vec![
            count("documents", "documents", input.documents),
            count("objects", "objects", input.objects()),
            count("pod_specs", "pod specifications", input.pod_specs()),
        ],
        not_assessed: problems.iter().map(unread).collect(),
        ..Outcome::default()
    })
}
