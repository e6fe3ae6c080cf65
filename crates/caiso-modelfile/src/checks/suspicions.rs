//! What the checks share whose findings come from the reader of their format.

use std::borrow::Borrow;

use caiso_core::{Finding, Meta, NotAssessed, Outcome};

use crate::suspicion::Suspicions;
use crate::{Format, ModelFileInput, Node};

/// What a check says of everything it finds.
pub(super) struct Words {
    pub(super) remediation: &'static str,
    /// The summaries of no, of one and, after their number, of more findings.
    pub(super) summaries: [&'static str; 3],
}

/// The words of the checks of tree ensembles and networks.
pub(super) const CONTRADICTIONS: Words = Words {
    remediation: "Do not load the file; get it from its source again, or save the model again with a current \
        version of its library",
    summaries: [
        "the sizes and indices in the file agree",
        "one contradiction in the file",
        "contradictions in the file",
    ],
};

/// The suspicions of each part as findings.
pub(super) fn report<'a, S: Borrow<Suspicions>>(
    meta: &Meta,
    input: &ModelFileInput,
    parts: impl Iterator<Item = (&'a Node, S)>,
    formats: &[Format],
    words: &Words,
) -> Outcome {
    let mut outcome = Outcome::default();
    for (node, suspicions) in parts {
        let Suspicions { all, more } = suspicions.borrow();
        for suspicion in all {
            let place = input.at(node, &suspicion.what);
            let mut finding = Finding::of(meta, place, &suspicion.message, words.remediation);
            finding.severity = suspicion.severity;
            outcome.findings.push(finding);
        }
        if *more > 0 {
            outcome.not_assessed.push(NotAssessed {
                what: format!("{more} more of these findings"),
                reason: "only the first hundred and the gravest are listed".to_owned(),
                remedy: words.remediation.to_owned(),
            });
        }
    }
    outcome.not_assessed.extend(input.not_assessed(formats));
    let [none, one, several] = words.summaries;
    outcome.summary = match outcome.findings.len() {
        0 => none.to_owned(),
        1 => one.to_owned(),
        count => format!("{count} {several}"),
    };
    outcome
}
