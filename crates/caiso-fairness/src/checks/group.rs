//! FA-GROUP-001: each protected attribute's groups compared.

mod judge;

use caiso_core::{
    Band, Check, CheckError, Direction, Dot, Figure, Mark, Measurement, Meta, NotAssessed, Outcome,
    ParameterSet, Parameters, RunContext, Severity, Value, unit,
};
use caiso_math::{chi_squared, fisher_exact, holm, log_ratio, newcombe, wilson};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cube::{Cube, Rate};
use crate::metrics::{
    Bootstrap, accuracy_difference, average_absolute_odds_difference, average_odds_difference,
    disparate_impact, equal_opportunity_difference, equalized_odds_difference, share,
    statistical_parity_difference,
};
use crate::wording::{
    Group, count, counts_fact, favourable_fact, group_of, labelled, percent, rates_of, value_name,
};
use crate::{Attribute, FairnessInput};

unit! {
    /// ## What it does
    /// Compares how a model treats the groups of each protected attribute: the privileged side
    /// with everybody else, and with each other group by itself. For each comparison it reports
    /// the difference and the ratio of selection rates, the difference of true positive rates,
    /// the average, average absolute and largest difference of true and false positive rates, and
    /// the difference of accuracy; each with interval, sample size and, where one applies, an
    /// exact test, adjusted by Holm over all tests of the run.
    ///
    /// A finding is raised for a disparate impact below `minimum_disparate_impact` (or above its
    /// inverse: the rule protects both sides), an equal opportunity difference beyond
    /// `maximum_equal_opportunity_difference` and an average absolute odds difference above
    /// `maximum_average_absolute_odds_difference`. The value decides, not the interval; the
    /// message says when the interval includes the bound. Groups below `minimum_group_size` are
    /// not shown; this keeps unreliable rates out, it is no full disclosure control.
    ///
    /// ## Why it matters
    /// A model that never sees a protected attribute can still refuse one group far more often
    /// than another through features that stand in for it. Anti-discrimination law, EU AI Act
    /// Article 10(2)(f)-(g) and the four-fifths rule ask for the comparison that finds this.
    /// Which difference is justified is for people to decide.
    ///
    /// ## References
    /// - 29 CFR 1607.4(D), four-fifths rule
    /// - Hardt, Price, Srebro, "Equality of Opportunity in Supervised Learning", 2016, <https://arxiv.org/abs/1610.02413>
    /// - Bellamy et al., "AI Fairness 360", 2018, <https://arxiv.org/abs/1810.01943> (definitions and signs)
    /// - Newcombe 1998 and Katz et al. 1978 (intervals of differences and ratios)
    /// - NIST AI RMF 1.0, MEASURE 2.11
    pub(crate) static UNIT: Check<FairnessInput> = Check {
        meta: Meta {
            code: "FA-GROUP-001",
            name: "group-fairness",
            title: "Do the groups of each protected attribute get equal treatment",
            severity: Severity::High,
            techniques: &[],
            evidence: &["fairness-metrics", "accuracy-evaluation"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::of::<GroupParameters>(),
        run,
    };
}

/// Parameters of FA-GROUP-001.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GroupParameters {
    /// Smallest ratio of selection rates that passes, in either direction; four fifths by
    /// 29 CFR 1607.4(D).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) minimum_disparate_impact: f64,
    /// Largest difference of true positive rates that passes, in either direction.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) maximum_equal_opportunity_difference: f64,
    /// Largest mean of the absolute differences of true and false positive rate that passes.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) maximum_average_absolute_odds_difference: f64,
    /// Smallest group that is shown and compared, in rows.
    #[schemars(range(min = 1))]
    pub(crate) minimum_group_size: u64,
    /// Bootstrap replicates behind the intervals of the odds differences.
    #[schemars(range(min = 200, max = 100_000))]
    pub(crate) replicates: u32,
    /// Coverage of every interval.
    #[schemars(range(min = 0.5, max = 0.999))]
    pub(crate) confidence: f64,
}

impl Default for GroupParameters {
    fn default() -> Self {
        Self {
            minimum_disparate_impact: 0.8,
            maximum_equal_opportunity_difference: 0.1,
            maximum_average_absolute_odds_difference: 0.1,
            minimum_group_size: 30,
            replicates: 2000,
            confidence: 0.95,
        }
    }
}

fn run(
    input: &FairnessInput,
    parameters: &Parameters,
    context: &RunContext,
) -> Result<Outcome, CheckError> {
    let cube = Cube::count(input).map_err(|error| super::not_assessable(&error))?;
    let parameters = parameters.read();
    let mut report = Report {
        input,
        context,
        parameters: &parameters,
        outcome: Outcome::default(),
        tests: Vec::new(),
        comparisons: Vec::new(),
        resamples_lost: Vec::new(),
    };
    for (index, attribute) in input.attributes.iter().enumerate() {
        report.attribute(attribute, &cube.by_value(index))?;
    }
    Ok(report.finish())
}

/// A group beside the privileged one.
struct Comparison {
    group: Group,
    reference: Group,
    of: Vec<(&'static str, String)>,
}

impl Comparison {
    fn new(group: &Group, reference: &Group) -> Self {
        let mut of = group.of.clone();
        of.push(("reference", reference.of[1].1.clone()));
        Self { group: group.clone(), reference: reference.clone(), of }
    }

    fn n(&self) -> u64 {
        self.group.counts.n() + self.reference.counts.n()
    }

    /// Why a metric over true positive (and, if `odds`, false positive) rates is undefined.
    fn missing(&self, odds: bool) -> String {
        let empty = |group: &Group, rate: Rate, what: &str| {
            (rate.1 == 0).then(|| format!("no row with {} is truly {what}", group.part))
        };
        let sides = [&self.group, &self.reference];
        let positives = sides.map(|g| empty(g, g.counts.true_positive_rate(), "favourable"));
        let negatives = sides
            .map(|g| empty(g, g.counts.false_positive_rate(), "unfavourable").filter(|_| odds));
        positives.into_iter().chain(negatives).flatten().collect::<Vec<_>>().join("; ")
    }
}

/// One exact test of the family.
struct Test {
    /// Labels of the comparison.
    of: Vec<(&'static str, String)>,
    /// The rate tested.
    rate: &'static str,
    p_value: f64,
}

struct Report<'a> {
    input: &'a FairnessInput,
    context: &'a RunContext,
    parameters: &'a GroupParameters,
    outcome: Outcome,
    /// The family of tests.
    tests: Vec<Test>,
    /// Disparate impact of every comparison with its name, where defined.
    comparisons: Vec<(String, Option<f64>)>,
    /// Comparisons with replicates too often undefined for an interval.
    resamples_lost: Vec<String>,
}

impl Report<'_> {
    fn attribute(
        &mut self,
        attribute: &Attribute,
        counts: &[crate::Counts],
    ) -> Result<(), CheckError> {
        let level = self.parameters.confidence;
        let smallest = self.parameters.minimum_group_size;
        let privileged = attribute.is_privileged();
        let groups: Vec<Group> =
            (0..counts.len()).map(|value| group_of(attribute, counts, |v| v == value)).collect();
        let reference = group_of(attribute, counts, |value| privileged[value]);
        let others = group_of(attribute, counts, |value| !privileged[value]);
        let large = |group: &&Group| group.counts.n() >= smallest;

        let several = |wanted: bool| privileged.iter().filter(|&&p| p == wanted).count() > 1;
        let sides = [(&others, false), (&reference, true)];
        let sides = sides.into_iter().filter(|(_, side)| several(*side)).map(|(group, _)| group);
        for group in groups.iter().chain(sides).filter(large) {
            self.outcome.measurements.extend(rates_of(group, level));
            self.outcome.facts.extend([counts_fact(group)]);
        }
        let small: Vec<&str> =
            groups.iter().filter(|group| !large(group)).map(|g| g.of[1].1.as_str()).collect();
        if !small.is_empty() {
            self.outcome.limits.push(format!(
                "{} of {} with fewer than {smallest} rows not shown: {}.",
                count(small.len(), "group", "groups"),
                attribute.title,
                small.join(", "),
            ));
        }
        let figure = self.figure(attribute, &groups, &privileged, &reference);
        self.outcome.figures.push(figure);

        for (side, group) in [("privileged", &reference), ("other", &others)] {
            if !large(&group) {
                self.outcome.not_assessed.push(NotAssessed {
                    what: format!("fairness by {}", attribute.title),
                    reason: format!("the {side} side has fewer than {smallest} rows"),
                    remedy: format!(
                        "assess on data with at least {smallest} rows of each side of `{}`, or \
                         name other privileged values",
                        attribute.name
                    ),
                });
                return Ok(());
            }
        }
        let mut compared = vec![&others];
        if several(false) {
            let each = groups.iter().zip(&privileged).filter(|(_, p)| !**p).map(|(group, _)| group);
            compared.extend(each.filter(large));
        }
        for group in compared {
            self.compare(&Comparison::new(group, &reference))?;
        }
        Ok(())
    }

    fn compare(&mut self, comparison: &Comparison) -> Result<(), CheckError> {
        let level = self.parameters.confidence;
        let (group, reference) = (&comparison.group.counts, &comparison.reference.counts);
        let lane = self.comparisons.len() as u32;
        let bootstrap = Bootstrap {
            context: self.context,
            code: UNIT.meta.code,
            lane,
            replicates: self.parameters.replicates,
            level,
        };
        let [average, absolute, equalized] = bootstrap.intervals(
            group,
            reference,
            [average_odds_difference, average_absolute_odds_difference, equalized_odds_difference],
        )?;

        let selection = (group.selection_rate(), reference.selection_rate());
        let opportunity = (group.true_positive_rate(), reference.true_positive_rate());
        let odds_n = |rates: (Rate, Rate)| rates.0.1 + rates.1.1;

        let parity = self.add(
            comparison,
            ("statistical_parity_difference", "difference", Direction::ZeroIsBest, comparison.n()),
            statistical_parity_difference(group, reference).ok_or_else(String::new),
            newcombe(selection.0, selection.1, level).map(|i| (i, "newcombe")),
        );
        let p = fisher_exact(selection.0, selection.1);
        self.outcome.measurements[parity] =
            self.outcome.measurements[parity].clone().with_test("fisher-exact", p);
        self.tests.push(Test { of: comparison.of.clone(), rate: "selection_rate", p_value: p });

        let nobody = || format!("nobody with {} is selected", comparison.reference.part);
        let impact = self.add(
            comparison,
            ("disparate_impact", "ratio", Direction::OneIsBest, comparison.n()),
            disparate_impact(group, reference).ok_or_else(nobody),
            log_ratio(selection.0, selection.1, level).map(|i| (i, "katz-log")),
        );
        for (name, yates) in [("chi_squared", false), ("chi_squared_yates", true)] {
            let test = chi_squared(&[selection.0, selection.1], yates);
            let value = test.map_or_else(
                || Value::Undefined("everybody or nobody is selected".to_owned()),
                |test| Value::from(test.statistic),
            );
            let mut measurement =
                Measurement::new(name, value, "statistic", Direction::Informative, comparison.n());
            if let Some(test) = test {
                measurement = measurement.with_test("chi-squared", test.p_value);
            }
            self.outcome.measurements.push(labelled(measurement, &comparison.of));
        }

        let equal = self.add(
            comparison,
            (
                "equal_opportunity_difference",
                "difference",
                Direction::ZeroIsBest,
                odds_n(opportunity),
            ),
            equal_opportunity_difference(group, reference).ok_or_else(|| comparison.missing(false)),
            newcombe(opportunity.0, opportunity.1, level).map(|i| (i, "newcombe")),
        );
        if opportunity.0.1 > 0 && opportunity.1.1 > 0 {
            let p = fisher_exact(opportunity.0, opportunity.1);
            self.outcome.measurements[equal] =
                self.outcome.measurements[equal].clone().with_test("fisher-exact", p);
            self.tests.push(Test {
                of: comparison.of.clone(),
                rate: "true_positive_rate",
                p_value: p,
            });
        }

        let mut odds =
            |name, direction, value: Option<f64>, interval: Option<caiso_math::Interval>| {
                self.add(
                    comparison,
                    (name, "difference", direction, comparison.n()),
                    value.ok_or_else(|| comparison.missing(true)),
                    interval.map(|i| (i, "bootstrap-percentile")),
                )
            };
        odds(
            "average_odds_difference",
            Direction::ZeroIsBest,
            average_odds_difference(group, reference),
            average,
        );
        let absolute_value = average_absolute_odds_difference(group, reference);
        let absolute_odds = odds(
            "average_absolute_odds_difference",
            Direction::LowerIsBetter,
            absolute_value,
            absolute,
        );
        odds(
            "equalized_odds_difference",
            Direction::LowerIsBetter,
            equalized_odds_difference(group, reference),
            equalized,
        );
        if absolute_value.is_some() && absolute.is_none() {
            self.resamples_lost.push(comparison.group.part.clone());
        }
        self.add(
            comparison,
            ("accuracy_difference", "difference", Direction::ZeroIsBest, comparison.n()),
            accuracy_difference(group, reference).ok_or_else(String::new),
            newcombe(group.accuracy(), reference.accuracy(), level).map(|i| (i, "newcombe")),
        );

        self.judge_impact(comparison, impact);
        self.judge_opportunity(comparison, equal);
        self.judge_odds(comparison, absolute_odds);
        Ok(())
    }

    /// Adds a measurement and returns its place.
    fn add(
        &mut self,
        comparison: &Comparison,
        (name, unit, direction, n): (&str, &str, Direction, u64),
        value: Result<f64, String>,
        interval: Option<(caiso_math::Interval, &str)>,
    ) -> usize {
        let defined = value.is_ok();
        let value = value.map_or_else(Value::Undefined, Value::from);
        let mut measurement =
            labelled(Measurement::new(name, value, unit, direction, n), &comparison.of);
        if let Some((interval, method)) = interval.filter(|_| defined) {
            let level = self.parameters.confidence;
            measurement = measurement.with_interval(interval.low, interval.high, level, method);
        }
        self.outcome.measurements.push(measurement);
        self.outcome.measurements.len() - 1
    }

    fn figure(
        &self,
        attribute: &Attribute,
        groups: &[Group],
        privileged: &[bool],
        reference: &Group,
    ) -> Figure {
        let bound = self.parameters.minimum_disparate_impact;
        let smallest = self.parameters.minimum_group_size;
        let target =
            share(reference.counts.selection_rate()).filter(|_| reference.counts.n() >= smallest);
        let dot = |(group, &reference): (&Group, &bool)| {
            let (x, n) = group.counts.selection_rate();
            let shown = n >= smallest;
            let value = share((x, n)).filter(|_| shown);
            let interval = wilson(x, n, self.parameters.confidence);
            let broken = value.zip(target).is_some_and(|(rate, target)| {
                !reference && rate.min(target) < bound * rate.max(target)
            });
            let name = value_name(&group.of[1].1);
            Dot {
                label: if shown {
                    name.to_owned()
                } else {
                    format!("{name} (under {smallest} rows)")
                },
                value,
                interval: value.map(|_| (interval.low, interval.high)),
                n: if shown { n } else { 0 },
                reference,
                broken,
            }
        };
        let dots: Vec<Dot> = groups.iter().zip(privileged).map(dot).collect();
        let rates: Vec<String> = dots
            .iter()
            .map(|dot| match dot.value {
                Some(rate) => format!("{} {}", dot.label, percent(rate)),
                None => format!("{} not shown", dot.label),
            })
            .collect();
        Figure::Dots {
            title: format!("Selection rate by {}", attribute.title),
            alternative: format!(
                "Share of people with the favourable outcome ({}): {}.",
                self.input.favourable,
                rates.join(", ")
            ),
            x_label: "selection rate (share of rows)".to_owned(),
            dots,
            marks: target
                .map(|at| Mark {
                    label: format!("privileged: {}", value_name(&reference.of[1].1)),
                    at,
                })
                .into_iter()
                .collect(),
            band: target.map(|target| Band {
                label: format!("ratio of at least {bound:.2}"),
                low: target * bound,
                high: if target < bound { target / bound } else { 1.0 },
            }),
        }
    }

    fn finish(mut self) -> Outcome {
        let adjusted = holm(&self.tests.iter().map(|test| test.p_value).collect::<Vec<_>>());
        for (test, p) in self.tests.iter().zip(adjusted) {
            let n = self.input.actual.len() as u64;
            let name = "holm_adjusted_p_value";
            let measurement = Measurement::new(name, p, "probability", Direction::Informative, n);
            self.outcome.measurements.push(labelled(measurement, &test.of).of("rate", test.rate));
        }
        let limits = &mut self.outcome.limits;
        if !self.tests.is_empty() {
            limits.push(format!(
                "Holm's adjustment covers the family of all {} Fisher exact tests of this run: selection rate \
                 and true positive rate in {}. The χ² tests ask the same of the selection rate again and are not \
                 counted.",
                self.tests.len(),
                count(self.comparisons.len(), "comparison", "comparisons"),
            ));
            limits.push(
                "Intervals are for one value at a time. Those of absolute differences cannot include 0 and lie \
                 too high when the true difference is near 0."
                    .to_owned(),
            );
            limits.push(
                "Metrics that use the true outcome take it as right: bias in the labels themselves does not show."
                    .to_owned(),
            );
        }
        if !self.resamples_lost.is_empty() {
            limits.push(format!(
                "No interval of the odds differences for {}: more than 5 % of the resamples lack an outcome.",
                self.resamples_lost.join(", ")
            ));
        }
        self.outcome.facts.extend([favourable_fact(self.input)]);
        self.outcome.summary = self.summary();
        self.outcome
    }

    fn summary(&self) -> String {
        let distance = |impact: f64| impact.min(1.0 / impact);
        let worst = self
            .comparisons
            .iter()
            .filter_map(|(title, impact)| impact.map(|impact| (title, impact)))
            .min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)));
        let compared = count(self.comparisons.len(), "comparison", "comparisons");
        let worst = worst.map_or_else(String::new, |(title, impact)| {
            format!("; disparate impact furthest from 1: {impact:.2} ({title})")
        });
        match (self.outcome.findings.len(), self.comparisons.len()) {
            (_, 0) => "No protected attribute could be compared.".to_owned(),
            (0, _) => format!("No bound is broken in {compared} of groups{worst}."),
            (found, _) => {
                format!(
                    "{} broken in {compared} of groups{worst}.",
                    count(found, "bound is", "bounds are")
                )
            }
        }
    }
}
