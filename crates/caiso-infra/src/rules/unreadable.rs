use caiso_core::{
    Check, CheckError, Direction, Measurement, Meta, NotAssessed, Outcome, ParameterSet, Severity,
};

use crate::InfraInput;

caiso_core::unit! {
    /// ## What it does
    /// Lists what the deployment's files hold: documents, Kubernetes objects by kind and pod
    /// specifications; and every place that could not be read and therefore was not assessed:
    /// broken YAML, text that is not UTF-8, templates, documents that are no Kubernetes object,
    /// values of a wrong shape where a container must stand. It raises no findings.
    ///
    /// ## Why it matters
    /// A rule that found nothing means something only for what it has seen.
    ///
    /// ## References
    /// - YAML 1.2.2, chapter 9 (documents)
    /// - Kubernetes documentation, Objects in Kubernetes
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

fn run(input: &InfraInput) -> Result<Outcome, CheckError> {
    if input.files == 0 {
        return Err(CheckError::not_assessable(
            format!("`{}` names no manifest", input.component),
            "name the manifests of the deployment under `paths`",
        ));
    }
    let containers = input.pods.iter().map(|pod| pod.containers.len()).sum();
    let mut outcome = Outcome {
        summary: format!(
            "{} documents with {} objects and {} pod specifications were read; {} places were not",
            input.documents,
            input.objects.len(),
            input.pods.len(),
            input.problems().len(),
        ),
        ..Outcome::default()
    };
    let counts = [
        ("files", input.files),
        ("documents", input.documents),
        ("objects", input.objects.len()),
        ("pod_specs", input.pods.len()),
        ("containers", containers),
    ];
    for (name, count) in counts {
        let n = u64::try_from(count).unwrap_or(u64::MAX);
        outcome.measurements.push(Measurement::new(
            name,
            n as f64,
            name,
            Direction::Informative,
            n,
        ));
    }
    let unread = u64::try_from(input.problems().len()).unwrap_or(u64::MAX);
    outcome.measurements.push(Measurement::new(
        "unread_places",
        unread as f64,
        "places",
        Direction::LowerIsBetter,
        unread,
    ));
    let kinds: Vec<String> = input.kinds().map(|(kind, count)| format!("{kind} {count}")).collect();
    if !kinds.is_empty() {
        outcome.facts.insert("kinds".to_owned(), kinds.join(", "));
    }
    outcome.not_assessed = input
        .problems()
        .iter()
        .map(|problem| NotAssessed {
            what: if problem.line == 0 {
                problem.file.clone()
            } else {
                format!("{}:{}:{}", problem.file, problem.line, problem.column)
            },
            reason: problem.message.clone(),
            remedy: problem.help.clone().unwrap_or_default(),
        })
        .collect();
    outcome.limits.push(
        "The manifests are judged as they stand: what admission control, operators or people \
         change in the cluster is not seen."
            .to_owned(),
    );
    Ok(outcome)
}
