//! Running a rule over the manifests and collecting what it says.

use caiso_core::{
    CheckError, Direction, Finding, Location, Measurement, Meta, NotAssessed, Outcome, RunContext,
};

use crate::InfraInput;
use crate::manifests::Object;
use crate::pods::{Container, Layers, Pod};
use crate::yaml::{Field, FromNode, Node};

/// Most findings that one rule reports; more help nobody.
const MAX_FINDINGS: usize = 2_000;

/// What a rule says about one deployment.
pub(crate) struct Report<'a> {
    pub(crate) input: &'a InfraInput,
    meta: &'static Meta,
    outcome: Outcome,
    left_out: usize,
}

/// Runs a rule over every pod specification.
pub(crate) fn over_pods(
    meta: &'static Meta,
    input: &InfraInput,
    context: &RunContext,
    visit: impl Fn(&mut Report<'_>, &Pod),
) -> Result<Outcome, CheckError> {
    let mut report = Report::new(input, meta);
    report.expect_pods()?;
    for pod in &input.pods {
        context.proceed()?;
        visit(&mut report, pod);
    }
    Ok(report.finish("pod_specs_checked", "pod specification", input.pods.len()))
}

/// Runs a rule over every container of every pod specification.
pub(crate) fn over_containers(
    meta: &'static Meta,
    input: &InfraInput,
    context: &RunContext,
    visit: impl Fn(&mut Report<'_>, &Pod, &Container),
) -> Result<Outcome, CheckError> {
    let mut report = Report::new(input, meta);
    report.expect_pods()?;
    let mut count = 0_usize;
    for pod in &input.pods {
        context.proceed()?;
        for container in &pod.containers {
            visit(&mut report, pod, container);
            count = count.saturating_add(1);
        }
    }
    Ok(report.finish("containers_checked", "container", count))
}

/// Runs a rule over every object that it applies to: `visit` says whether it does.
pub(crate) fn over_objects(
    meta: &'static Meta,
    input: &InfraInput,
    context: &RunContext,
    visit: impl Fn(&mut Report<'_>, &Object) -> bool,
) -> Result<Outcome, CheckError> {
    let mut report = Report::new(input, meta);
    report.expect_objects()?;
    let mut count = 0_usize;
    for object in &input.objects {
        context.proceed()?;
        count = count.saturating_add(usize::from(visit(&mut report, object)));
    }
    Ok(report.finish("objects_checked", "object", count))
}

impl<'a> Report<'a> {
    pub(crate) fn new(input: &'a InfraInput, meta: &'static Meta) -> Self {
        Self { input, meta, outcome: Outcome::default(), left_out: 0 }
    }

    pub(crate) fn expect_objects(&self) -> Result<(), CheckError> {
        if !self.input.objects.is_empty() {
            return Ok(());
        }
        Err(CheckError::not_assessable(
            format!(
                "no Kubernetes object could be read in the manifests of `{}`",
                self.input.component
            ),
            "name the manifests of the deployment under `paths`",
        ))
    }

    pub(crate) fn expect_pods(&self) -> Result<(), CheckError> {
        self.expect_objects()?;
        if !self.input.pods.is_empty() {
            return Ok(());
        }
        Err(CheckError::not_assessable(
            format!("no pod specification is in the manifests of `{}`", self.input.component),
            "name the manifests that run the system under `paths`",
        ))
    }

    /// Adds a finding at a line and column of a file; returns it for changes.
    pub(crate) fn finding(
        &mut self,
        path: &str,
        (line, column): (u64, u64),
        part: impl Into<String>,
        message: impl Into<String>,
        remediation: impl Into<String>,
    ) -> &mut Finding {
        let location = Location {
            component: self.input.component.clone(),
            path: Some(path.to_owned()),
            line: Some(line),
            column: Some(column),
            part: Some(part.into()),
            bytes: None,
        };
        if self.outcome.findings.len() >= MAX_FINDINGS {
            self.outcome.findings.pop();
            self.left_out = self.left_out.saturating_add(1);
        }
        let at = self.outcome.findings.len();
        self.outcome.findings.push(Finding::of(self.meta, location, message, remediation));
        #[expect(clippy::indexing_slicing, reason = "pushed in the line above")]
        &mut self.outcome.findings[at]
    }

    /// Says that something at a place could not be judged.
    pub(crate) fn unclear(
        &mut self,
        path: &str,
        (line, column): (u64, u64),
        part: &str,
        reason: impl Into<String>,
    ) {
        let remedy = "write the value as Kubernetes defines it, or assess the rendered manifest";
        self.not_assessed(NotAssessed {
            what: format!("{path}:{line}:{column} ({part})"),
            reason: reason.into(),
            remedy: remedy.to_owned(),
        });
    }

    /// Adds a remark, unless it is the last again or there are too many already.
    fn not_assessed(&mut self, remark: NotAssessed) {
        let remarks = &mut self.outcome.not_assessed;
        if remarks.len() < MAX_FINDINGS && remarks.last() != Some(&remark) {
            remarks.push(remark);
        }
    }

    /// The value of a field and its place. `None` if it is absent, and if it is unclear, which the
    /// report then says.
    pub(crate) fn known<'n, T: FromNode<'n>>(
        &mut self,
        path: &str,
        part: &str,
        field: Field<'n, T>,
    ) -> Option<(T, &'n Node)> {
        match field {
            Field::Known(value, node) => Some((value, node)),
            Field::Absent => None,
            Field::Unclear(node, reason) => {
                self.unclear(path, (node.line, node.column), part, reason);
                None
            }
        }
    }

    /// Whether the absence of a setting is a weakness of the manifest. It is not where somebody
    /// else completes the specification, which the report then says.
    pub(crate) fn is_missing(
        &mut self,
        path: &str,
        part: &str,
        setting: &str,
        layers: [&Layers; 2],
    ) -> bool {
        let Some(who) = layers.iter().find_map(|layer| layer.completed_by.as_ref()) else {
            return true;
        };
        let (line, column) = layers.first().map_or((0, 0), |layer| layer.place());
        self.not_assessed(NotAssessed {
            what: format!("{path}:{line}:{column} ({part})"),
            reason: format!("`{setting}` is not set here, and {who} may set it"),
            remedy: format!("set `{setting}` here, or add the manifest of {who}"),
        });
        false
    }

    pub(crate) fn limit(&mut self, text: &str) {
        self.outcome.limits.push(text.to_owned());
    }

    /// The outcome, having looked at `count` things of the kind `noun`.
    pub(crate) fn finish(mut self, measurement: &str, noun: &str, count: usize) -> Outcome {
        let n = u64::try_from(count).unwrap_or(u64::MAX);
        let things = if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") };
        let findings = self.outcome.findings.len().saturating_add(self.left_out);
        self.outcome.summary = match findings {
            _ if count == 0 => {
                format!("no {noun} in the manifests is of a kind this rule is about")
            }
            0 => format!("no weakness in {things}"),
            1 => format!("1 weakness in {things}"),
            many => format!("{many} weaknesses in {things}"),
        };
        self.outcome.measurements.push(Measurement::new(
            measurement,
            n as f64,
            &format!("{noun}s"),
            Direction::Informative,
            n,
        ));
        self.outcome.findings.sort_by(|a, b| a.location.cmp(&b.location));
        if self.left_out > 0 {
            self.outcome.not_assessed.push(NotAssessed {
                what: format!("{} more findings", self.left_out),
                reason: format!("a rule lists at most {MAX_FINDINGS}"),
                remedy: "mend those listed and run again".to_owned(),
            });
        }
        let problems = self.input.problems().len();
        if problems > 0 {
            self.outcome.not_assessed.push(NotAssessed {
                what: format!(
                    "{problems} place{} in the manifests",
                    if problems == 1 { "" } else { "s" }
                ),
                reason: "could not be read; IN-K8S-000 lists them".to_owned(),
                remedy: "mend what IN-K8S-000 lists".to_owned(),
            });
        }
        self.outcome
    }
}
