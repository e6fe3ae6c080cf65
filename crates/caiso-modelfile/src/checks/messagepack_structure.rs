use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{Words, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reads a MessagePack file as Flax writes it and reports extensions other than its arrays, complex
    /// numbers and scalars, lengths that the file does not have, arrays whose shape is not their size,
    /// names given twice, nesting that no model has, and bytes behind the value.
    ///
    /// ## Why it matters
    /// Readers hand unknown extensions to hooks that turn bytes into objects, some by unpickling them.
    /// Lengths that lie make readers allocate without bound.
    ///
    /// ## References
    /// - MessagePack, <https://github.com/msgpack/msgpack/blob/master/spec.md>
    /// - Flax serialization,
    ///   <https://flax.readthedocs.io/en/latest/api_reference/flax.serialization.html>
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-MSGP-001",
            name: "messagepack-structure",
            title: "The MessagePack file is more than a tree of arrays",
            severity: Severity::Medium,
            techniques: &["AML.T0011.000", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn run(input: &ModelFileInput, _: &Parameters, _: &RunContext) -> Result<Outcome, CheckError> {
    let found = input.facts(|facts| match facts {
        Facts::MessagePack(facts) => Some(&facts.structure),
        _ => None,
    });
    Ok(report(&UNIT.meta, input, found, &[Format::MessagePack], &WORDS))
}

const WORDS: Words = Words {
    remediation: "Do not load the file; save the parameters anew with the current version of Flax",
    summaries: [
        "the file is a tree of arrays and plain values",
        "one thing in the file is not what Flax writes",
        "things in the file are not what Flax writes",
    ],
};
