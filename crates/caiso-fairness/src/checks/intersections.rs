//! FA-INTER-001: all two-way intersections of protected attributes.

use caiso_core::{
    Band, Check, CheckError, Direction, Dot, Figure, Finding, Location, Mark, Measurement, Meta,
    NotAssessed, Outcome, ParameterSet, Parameters, RunContext, Severity, Threshold, Value, unit,
};
use caiso_math::{fisher_exact, holm, log_ratio, wilson};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cube::Cube;
use crate::metrics::{disparate_impact, share};
use crate::wording::{
    Group, count, counts_fact, favourable_fact, labelled, percent, rate, value_name,
};
use crate::{Attribute, Counts, FairnessInput};

unit! {
    /// ## What it does
    /// Compares the selection rate of every combination of two protected values (single and
    /// African American, single and not, …) with the rows that are privileged in both. For each
    /// combination it reports size, selection rate, true positive rate, the ratio of selection
    /// rates with its interval, and Fisher's exact test, adjusted by Holm over all combinations
    /// of the run.
    ///
    /// A finding is raised for a ratio below `minimum_disparate_impact`, or above its inverse. Many
    /// small groups are compared, so chance alone breaks the bound somewhere: the finding is high
    /// where the adjusted test is below `significance`, otherwise medium. 29 CFR 1607.4(D) makes
    /// the same distinction. Combinations below `minimum_group_size` are suppressed and counted;
    /// this keeps unreliable rates out, it is no full disclosure control.
    ///
    /// ## Why it matters
    /// A model can treat each attribute's groups alike and still fail the people in whom two
    /// attributes meet; comparisons one attribute at a time average them away.
    ///
    /// ## References
    /// - Crenshaw, "Demarginalizing the Intersection of Race and Sex", 1989
    /// - Buolamwini, Gebru, "Gender Shades", 2018, <https://proceedings.mlr.press/v81/buolamwini18a.html>
    /// - 29 CFR 1607.4(D), four-fifths rule
    /// - NIST AI RMF 1.0, MEASURE 2.11
    pub(crate) static UNIT: Check<FairnessInput> = Check {
        meta: Meta {
            code: "FA-INTER-001",
            name: "intersectional-fairness",
            title: "Do people in whom two protected attributes meet get equal treatment",
            severity: Severity::High,
            techniques: &[],
            evidence: &["fairness-metrics"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::of::<IntersectionParameters>(),
        run,
    };
}

/// Parameters of FA-INTER-001.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct IntersectionParameters {
    /// Smallest ratio of selection rates that passes, in either direction.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) minimum_disparate_impact: f64,
    /// Smallest combination that is shown and compared, in rows.
    #[schemars(range(min = 1))]
    pub(crate) minimum_group_size: u64,
    /// Adjusted p-value below which a broken bound is high rather than medium.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) significance: f64,
    /// Coverage of every interval.
    #[schemars(range(min = 0.5, max = 0.999))]
    pub(crate) confidence: f64,
}

impl Default for IntersectionParameters {
    fn default() -> Self {
        Self {
            minimum_disparate_impact: 0.8,
            minimum_group_size: 30,
            significance: 0.05,
            confidence: 0.95,
        }
    }
}

/// A combination beside the rows that are privileged in both attributes.
struct Cell {
    group: Group,
    reference: Group,
    /// Two-sided p-value of equal selection rates, then adjusted.
    p_value: f64,
    adjusted: f64,
    /// Place of its ratio among the measurements.
    ratio: usize,
}

fn run(
    input: &FairnessInput,
    parameters: &Parameters,
    context: &RunContext,
) -> Result<Outcome, CheckError> {
    let parameters: IntersectionParameters = parameters.read();
    let cube = Cube::count(input).map_err(|error| super::not_assessable(&error))?;
    if input.attributes.len() < 2 {
        return Err(CheckError::not_assessable(
            "an intersection takes two protected attributes and the data set names one",
            "name another protected attribute of the data set",
        ));
    }
    let mut outcome = Outcome::default();
    let mut cells = Vec::new();
    for first in 0..input.attributes.len() {
        for second in first + 1..input.attributes.len() {
            context.proceed()?;
            let pair = [&input.attributes[first], &input.attributes[second]];
            let counts = cube.by_pair(first, second);
            compare_pair(pair, &counts, &parameters, input, &mut outcome, &mut cells);
        }
    }
    let adjusted = holm(&cells.iter().map(|cell| cell.p_value).collect::<Vec<_>>());
    for (cell, adjusted) in cells.iter_mut().zip(adjusted) {
        cell.adjusted = adjusted;
        let n = cell.group.counts.n() + cell.reference.counts.n();
        let measurement = Measurement::new(
            "holm_adjusted_p_value",
            adjusted,
            "probability",
            Direction::Informative,
            n,
        );
        outcome.measurements.push(labelled(measurement, &cell.group.of));
    }
    for cell in &cells {
        judge(cell, &parameters, input, &mut outcome);
    }
    if !cells.is_empty() {
        outcome.limits.push(format!(
            "Holm's adjustment covers the family of {}, one for each combination compared; a broken bound \
             whose adjusted p-value is not below {} is medium.",
            count(cells.len(), "Fisher exact test", "Fisher exact tests"),
            parameters.significance,
        ));
        outcome
            .limits
            .push("Intersections of three and more attributes are not looked at.".to_owned());
    }
    outcome.facts.extend([favourable_fact(input)]);
    outcome.summary = summary(&outcome, &cells);
    Ok(outcome)
}

fn compare_pair(
    [a, b]: [&Attribute; 2],
    counts: &[Vec<Counts>],
    parameters: &IntersectionParameters,
    input: &FairnessInput,
    outcome: &mut Outcome,
    cells: &mut Vec<Cell>,
) {
    let (smallest, level) = (parameters.minimum_group_size, parameters.confidence);
    let (of_a, of_b) = (a.is_privileged(), b.is_privileged());
    let group = |values: [&str; 2], counts: Counts| Group {
        of: vec![
            ("attributes", format!("{} and {}", a.name, b.name)),
            ("group", format!("{} and {}", values[0], values[1])),
        ],
        part: format!("{} = {} and {} = {}", a.name, values[0], b.name, values[1]),
        title: format!("{} = {} and {} = {}", a.title, values[0], b.title, values[1]),
        counts,
    };
    let names = |attribute: &Attribute| {
        attribute.privileged.iter().map(|v| value_name(v)).collect::<Vec<_>>().join(" or ")
    };
    let mut privileged = Counts::default();
    let mut groups = Vec::new();
    let (mut suppressed, mut suppressed_rows) = (0, 0);
    for (i, row) in counts.iter().enumerate() {
        for (j, &cell) in row.iter().enumerate() {
            let reference = of_a[i] && of_b[j];
            if reference {
                privileged += cell;
            }
            if cell.n() == 0 {
                continue;
            }
            if cell.n() < smallest {
                suppressed += 1;
                suppressed_rows += cell.n();
                continue;
            }
            let values = [value_name(&a.values[i]), value_name(&b.values[j])];
            groups.push((group(values, cell), reference));
        }
    }
    let reference = group([&names(a), &names(b)], privileged);
    for (group, _) in &groups {
        let (n, rates) = (group.counts.n(), &group.counts);
        let size = Measurement::new("group_size", n as f64, "rows", Direction::Informative, n);
        let truly = "is truly favourable";
        outcome.measurements.extend([
            labelled(size, &group.of),
            rate("selection_rate", group, rates.selection_rate(), level, "exists"),
            rate("true_positive_rate", group, rates.true_positive_rate(), level, truly),
        ]);
        outcome.facts.extend([counts_fact(group)]);
    }
    if suppressed > 0 {
        // A single cell's size would follow from the total.
        let rows = if suppressed > 1 {
            format!(" ({suppressed_rows} rows together)")
        } else {
            String::new()
        };
        outcome.limits.push(format!(
            "{} of {} and {} with fewer than {smallest} rows suppressed{rows}.",
            count(suppressed, "combination", "combinations"),
            a.title,
            b.title,
        ));
    }
    let target = share(privileged.selection_rate()).filter(|_| privileged.n() >= smallest);
    outcome.figures.push(figure([a, b], &groups, target, parameters, input));
    if privileged.n() < smallest {
        outcome.not_assessed.push(NotAssessed {
            what: format!("intersections of {} and {}", a.title, b.title),
            reason: format!("fewer than {smallest} rows are privileged in both"),
            remedy: format!("assess on data with at least {smallest} such rows"),
        });
        return;
    }
    for (group, _) in groups.into_iter().filter(|(_, reference)| !reference) {
        let rates = (group.counts.selection_rate(), privileged.selection_rate());
        let p_value = fisher_exact(rates.0, rates.1);
        let value = disparate_impact(&group.counts, &privileged).map_or_else(
            || Value::Undefined(format!("nobody with {} is selected", reference.part)),
            Value::from,
        );
        let defined = value.known().is_some();
        let n = group.counts.n() + privileged.n();
        let mut measurement =
            Measurement::new("disparate_impact", value, "ratio", Direction::OneIsBest, n)
                .with_test("fisher-exact", p_value);
        if let Some(interval) = log_ratio(rates.0, rates.1, level).filter(|_| defined) {
            measurement = measurement.with_interval(interval.low, interval.high, level, "katz-log");
        }
        outcome.measurements.push(labelled(measurement, &group.of));
        let ratio = outcome.measurements.len() - 1;
        cells.push(Cell { group, reference: reference.clone(), p_value, adjusted: 1.0, ratio });
    }
}

fn judge(
    cell: &Cell,
    parameters: &IntersectionParameters,
    input: &FairnessInput,
    outcome: &mut Outcome,
) {
    let bound = parameters.minimum_disparate_impact;
    let measurement = outcome.measurements[cell.ratio].clone();
    let rates = [&cell.group, &cell.reference]
        .map(|group| share(group.counts.selection_rate()).unwrap_or(0.0));
    let (low, high) = (rates[0].min(rates[1]), rates[0].max(rates[1]));
    if high == 0.0 {
        if let Value::Undefined(reason) = &measurement.value {
            outcome.not_assessed.push(NotAssessed {
                what: format!("disparate impact of {}", cell.group.title),
                reason: reason.clone(),
                remedy: "assess on data in which somebody gets the favourable outcome".to_owned(),
            });
        }
        return;
    }
    let ratio = low / high;
    if ratio >= bound {
        return;
    }
    let (worse, better) = if rates[0] < rates[1] {
        (&cell.group, &cell.reference)
    } else {
        (&cell.reference, &cell.group)
    };
    let established = cell.adjusted < parameters.significance;
    let message = format!(
        "People with {} get the favourable outcome ({}) {ratio:.2} times as often as people with {} ({} against \
         {}), below the bound of {bound:.2}; {} (adjusted p {}).",
        worse.title,
        input.favourable,
        better.title,
        percent(low),
        percent(high),
        if established {
            "chance alone does not explain it"
        } else {
            "chance alone could explain it"
        },
        if cell.adjusted < 0.001 {
            "< 0.001".to_owned()
        } else {
            format!("= {:.3}", cell.adjusted)
        },
    );
    let remedy = format!(
        "Look at the decisions about people with {} case by case, gather more data on them, and retrain or \
         reweigh until the ratio is at least {bound:.2}; or record why the difference is justified.",
        worse.title
    );
    let location = Location {
        component: input.component.clone(),
        path: input.path.clone(),
        part: Some(cell.group.part.clone()),
        ..Location::default()
    };
    let mut finding = Finding::of(&UNIT.meta, location, message, remedy);
    if !established {
        finding.severity = Severity::Medium;
    }
    finding.threshold = measurement.value.known().map(|value| Threshold {
        measurement: measurement.key(),
        value,
        interval: measurement.interval.clone(),
        n: measurement.n,
        minimum: Some(bound),
        maximum: (bound > 0.0).then(|| 1.0 / bound),
    });
    outcome.findings.push(finding);
}

fn figure(
    [a, b]: [&Attribute; 2],
    groups: &[(Group, bool)],
    target: Option<f64>,
    parameters: &IntersectionParameters,
    input: &FairnessInput,
) -> Figure {
    let bound = parameters.minimum_disparate_impact;
    let dot = |(group, reference): &(Group, bool)| {
        let (x, n) = group.counts.selection_rate();
        let value = share((x, n));
        let interval = wilson(x, n, parameters.confidence);
        Dot {
            label: group.of[1].1.clone(),
            value,
            interval: Some((interval.low, interval.high)),
            n,
            reference: *reference,
            broken: value.zip(target).is_some_and(|(rate, target)| {
                !reference && rate.min(target) < bound * rate.max(target)
            }),
        }
    };
    let dots: Vec<Dot> = groups.iter().map(dot).collect();
    let rates: Vec<String> = dots
        .iter()
        .filter_map(|dot| Some(format!("{} {}", dot.label, percent(dot.value?))))
        .collect();
    Figure::Dots {
        title: format!("Selection rate by {} and {}", a.title, b.title),
        alternative: format!(
            "Share of people with the favourable outcome ({}): {}.",
            input.favourable,
            rates.join(", ")
        ),
        x_label: "selection rate (share of rows)".to_owned(),
        dots,
        marks: target
            .map(|at| Mark { label: "privileged in both".to_owned(), at })
            .into_iter()
            .collect(),
        band: target.map(|target| Band {
            label: format!("ratio of at least {bound:.2}"),
            low: target * bound,
            high: if target < bound { target / bound } else { 1.0 },
        }),
    }
}

fn summary(outcome: &Outcome, cells: &[Cell]) -> String {
    let compared = count(cells.len(), "combination", "combinations");
    match (outcome.findings.len(), cells.len()) {
        (_, 0) => "No combination of protected values could be compared.".to_owned(),
        (0, _) => format!("No bound is broken in {compared} of protected values."),
        (found, _) => {
            let high = outcome.findings.iter().filter(|f| f.severity == Severity::High).count();
            format!(
                "{found} of {compared} of protected values {} a bound, {high} of them beyond chance.",
                if found == 1 { "breaks" } else { "break" }
            )
        }
    }
}
