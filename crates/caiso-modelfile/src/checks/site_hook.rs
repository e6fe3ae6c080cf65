use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::checks::python::{concern, sources};
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reads text files named `.pth`. Of such a file in a folder of packages the interpreter
    /// executes, at every start, each line that begins with `import`. A line that runs commands or
    /// code, or reaches out, is critical; one that only imports a module of high severity lower,
    /// since what the module does is not in the file.
    ///
    /// ## Why it matters
    /// A checkpoint and a path file share the ending `.pth`. One that is unpacked or installed into a
    /// folder of packages runs for every Python program of the user, without anybody loading it.
    ///
    /// ## References
    /// - Python documentation, module `site`, <https://docs.python.org/3/library/site.html>
    /// - MITRE ATLAS AML.T0011.000, AML.T0010.003
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-PTH-001",
            name: "python-site-hook",
            title: "A path file runs code whenever Python starts",
            severity: Severity::Critical,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: site_hook,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn site_hook(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for (node, python) in sources(input) {
        for (line, text) in &python.hooks {
            let calls = python.calls.iter().filter(|call| call.line == *line);
            let worst = calls.filter_map(concern).map(|(severity, _)| severity).max();
            let shown: String = text.chars().take(120).collect();
            let mut location = input.at(node, "import line");
            location.line = node.path.is_empty().then_some(*line);
            let mut finding = Finding::of(
                &UNIT.meta,
                location,
                format!(
                    "line {line} runs at every start of Python once the file lies among its packages: `{shown}`"
                ),
                "Do not install or unpack the file; find out who put it there",
            );
            if worst.is_none_or(|worst| worst < Severity::High) || SETUPTOOLS.contains(&text.trim())
            {
                finding.severity = Severity::Medium;
            }
            outcome.findings.push(finding);
        }
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::SiteHook]));
    outcome.summary = match outcome.findings.len() {
        0 => "no line is executed".to_owned(),
        count => format!("{count} lines are executed"),
    };
    Ok(outcome)
}

/// The lines of `distutils-precedence.pth`, which comes with setuptools (60 and above, below 60).
const SETUPTOOLS: [&str; 2] = [
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; \
     enabled and __import__('_distutils_hack').add_shim();",
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'stdlib') == 'local'; \
     enabled and __import__('_distutils_hack').add_shim();",
];
