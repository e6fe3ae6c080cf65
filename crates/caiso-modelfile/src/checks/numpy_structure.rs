use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{Words, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reads the header of a NumPy file as NumPy does and reports arrays of Python objects (whose pickle
    /// is judged like any other), headers that are not the three entries NumPy writes or longer than
    /// NumPy reads, sizes that the file does not have, and bytes behind the array.
    ///
    /// ## Why it matters
    /// An array of objects is a pickle: it runs code when it is loaded with `allow_pickle`, which was the
    /// default before NumPy 1.16.3 and is what tutorials advise. Readers in other languages trust the
    /// shape.
    ///
    /// ## References
    /// - The format, <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>
    /// - CVE-2019-6446 (NumPy runs code of object arrays)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-NPY-001",
            name: "numpy-structure",
            title: "The NumPy file is more than an array of numbers",
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
        Facts::Numpy(facts) => Some(&facts.structure),
        _ => None,
    });
    Ok(report(&UNIT.meta, input, found, &[Format::Numpy], &WORDS))
}

const WORDS: Words = Words {
    remediation: "Load the file with `allow_pickle=False` only, or save it anew as an array of numbers",
    summaries: [
        "the file holds arrays of numbers or text only",
        "one thing in the file is not an array of numbers",
        "things in the file are not arrays of numbers",
    ],
};
