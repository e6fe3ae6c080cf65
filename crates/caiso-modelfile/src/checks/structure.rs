//! What the checks of tree ensembles share.

use caiso_core::{Finding, Meta, NotAssessed, Outcome};

use crate::structure::Problems;
use crate::{Format, ModelFileInput, Node};

/// The contradictions of each model as findings.
pub(super) fn report<'a>(
    meta: &Meta,
    input: &ModelFileInput,
    models: impl Iterator<Item = (&'a Node, &'a Problems)>,
    formats: &[Format],
) -> Outcome {
    let mut outcome = Outcome::default();
    for (node, problems) in models {
        for problem in &problems.all {
            let mut finding = Finding::of(
                meta,
                input.at(node, &problem.part),
                format!("{}: {}", problem.part, problem.message),
                "Do not load the file; get it from its source again, or save the model again with a \
                 current version of its library",
            );
            finding.severity = problem.severity;
            outcome.findings.push(finding);
        }
        if problems.more > 0 {
            outcome.not_assessed.push(NotAssessed {
                what: format!("{} more contradictions", problems.more),
                reason: "only the first hundred are listed".to_owned(),
                remedy: "get the file from its source again".to_owned(),
            });
        }
    }
    outcome.not_assessed.extend(input.not_assessed(formats));
    outcome.summary = match outcome.findings.len() {
        0 => "the sizes and indices in the file agree".to_owned(),
        1 => "one contradiction in the file".to_owned(),
        count => format!("{count} contradictions in the file"),
    };
    outcome
}
