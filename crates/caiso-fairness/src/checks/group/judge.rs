//! What FA-GROUP-001 makes of its measurements: findings, and what could not be judged.

use caiso_core::{Finding, Interval, Location, Measurement, NotAssessed, Threshold, Value};

use super::{Comparison, Report, UNIT};
use crate::cube::Rate;
use crate::metrics::share;
use crate::wording::{Group, percent};

impl Report<'_> {
    pub(super) fn judge_impact(&mut self, comparison: &Comparison, place: usize) {
        let bound = self.parameters.minimum_disparate_impact;
        let (group, reference) = (&comparison.group, &comparison.reference);
        let rates = [group, reference].map(|g| share(g.counts.selection_rate()).unwrap_or(0.0));
        let measurement = self.outcome.measurements[place].clone();
        let impact = measurement.value.known();
        self.comparisons.push((group.title.clone(), impact));
        // The rule protects whoever is selected less often.
        let (worse, better, ratio) = if rates[0] <= rates[1] {
            (group, reference, impact)
        } else {
            (reference, group, Some(rates[1] / rates[0]))
        };
        let Some(ratio) = ratio else {
            self.undefined(comparison, "disparate impact", &measurement);
            return;
        };
        if ratio >= bound {
            return;
        }
        let mut rates = rates;
        rates.sort_by(f64::total_cmp);
        let interval = measurement.interval.clone().map(|mut interval| {
            if impact.is_some_and(|impact| impact > 1.0) {
                (interval.low, interval.high) = (1.0 / interval.high, 1.0 / interval.low);
            }
            interval
        });
        let message = format!(
            "People with {} get the favourable outcome ({}) {ratio:.2} times as often as people with {} \
             ({} against {}), below the bound of {bound:.2}{}.",
            worse.title,
            self.input.favourable,
            better.title,
            percent(rates[0]),
            percent(rates[1]),
            certainty(interval.as_ref(), bound, |x| format!("{x:.2}")),
        );
        let remedy = format!(
            "Find which features stand in for {}, then reweigh, retrain or adjust the decision threshold \
             until the ratio is at least {bound:.2}; or record why the difference is justified.",
            attribute_title(worse)
        );
        let threshold = impact.map(|value| Threshold {
            measurement: measurement.key(),
            value,
            interval: measurement.interval.clone(),
            n: measurement.n,
            minimum: Some(bound),
            maximum: (bound > 0.0).then(|| 1.0 / bound),
        });
        self.find(worse, message, remedy, threshold);
    }

    pub(super) fn judge_opportunity(&mut self, comparison: &Comparison, place: usize) {
        let bound = self.parameters.maximum_equal_opportunity_difference;
        let measurement = self.outcome.measurements[place].clone();
        let Some(value) = measurement.value.known() else {
            self.undefined(comparison, "equal opportunity difference", &measurement);
            return;
        };
        if value.abs() <= bound {
            return;
        }
        let (group, reference) = (&comparison.group, &comparison.reference);
        let (worse, better) = if value < 0.0 { (group, reference) } else { (reference, group) };
        let rates = [worse, better].map(|g| share(g.counts.true_positive_rate()).unwrap_or(0.0));
        // How much less often, as the sentence says it.
        let interval = measurement.interval.clone().map(|mut interval| {
            if value < 0.0 {
                (interval.low, interval.high) = (-interval.high, -interval.low);
            }
            interval
        });
        let message = format!(
            "Of the people whose true outcome is favourable ({}), those with {} get it from the model {} points \
             less often than those with {} ({} against {}), beyond the bound of {} points{}.",
            self.input.favourable,
            worse.title,
            points(value.abs()),
            better.title,
            percent(rates[0]),
            percent(rates[1]),
            points(bound),
            certainty(interval.as_ref(), bound, |x| format!("{} points", points(x))),
        );
        let remedy = format!(
            "Look at the qualified people with {} whom the model refuses, and at how well the training data \
             covers them; then retrain or adjust the decision threshold until the difference is at most {} points.",
            worse.title,
            points(bound),
        );
        let threshold = Threshold {
            measurement: measurement.key(),
            value,
            interval: measurement.interval,
            n: measurement.n,
            minimum: Some(-bound),
            maximum: Some(bound),
        };
        self.find(worse, message, remedy, Some(threshold));
    }

    pub(super) fn judge_odds(&mut self, comparison: &Comparison, place: usize) {
        let bound = self.parameters.maximum_average_absolute_odds_difference;
        let measurement = self.outcome.measurements[place].clone();
        let Some(value) = measurement.value.known() else {
            self.undefined(comparison, "average absolute odds difference", &measurement);
            return;
        };
        if value <= bound {
            return;
        }
        let (group, reference) = (&comparison.group, &comparison.reference);
        let rate = |rate: Rate| percent(share(rate).unwrap_or(0.0));
        let message = format!(
            "The model errs differently on people with {} and people with {}: true and false positive rate \
             differ by {} points on average (true {} against {}, false {} against {}), above the bound of {} points{}.",
            group.title,
            reference.title,
            points(value),
            rate(group.counts.true_positive_rate()),
            rate(reference.counts.true_positive_rate()),
            rate(group.counts.false_positive_rate()),
            rate(reference.counts.false_positive_rate()),
            points(bound),
            certainty(measurement.interval.as_ref(), bound, |x| format!("{} points", points(x))),
        );
        let remedy = format!(
            "Compare the errors of the two groups case by case; then retrain or equalise the odds by \
             group-aware post-processing, where the law allows it, until the mean is at most {} points.",
            points(bound)
        );
        let threshold = Threshold {
            measurement: measurement.key(),
            value,
            interval: measurement.interval,
            n: measurement.n,
            minimum: None,
            maximum: Some(bound),
        };
        self.find(group, message, remedy, Some(threshold));
    }

    fn find(
        &mut self,
        group: &Group,
        message: String,
        remedy: String,
        threshold: Option<Threshold>,
    ) {
        let location = Location {
            component: self.input.component.clone(),
            path: self.input.path.clone(),
            part: Some(group.part.clone()),
            ..Location::default()
        };
        let mut finding = Finding::of(&UNIT.meta, location, message, remedy);
        finding.threshold = threshold;
        self.outcome.findings.push(finding);
    }

    fn undefined(&mut self, comparison: &Comparison, what: &str, measurement: &Measurement) {
        let Value::Undefined(reason) = &measurement.value else { return };
        self.outcome.not_assessed.push(NotAssessed {
            what: format!("{what} of {}", comparison.group.title),
            reason: reason.clone(),
            remedy: "assess on data in which both outcomes occur in every group".to_owned(),
        });
    }
}

/// `African American` of `African American = yes`.
fn attribute_title(group: &Group) -> &str {
    group.title.split(" = ").next().unwrap_or(&group.title)
}

/// Percentage points.
fn points(difference: f64) -> String {
    format!("{:.1}", 100.0 * difference)
}

/// What the interval says about the bound.
fn certainty(interval: Option<&Interval>, bound: f64, show: impl Fn(f64) -> String) -> String {
    let Some(interval) = interval else { return String::new() };
    let includes = if interval.low <= bound && bound <= interval.high {
        "includes the bound, so the data do not settle it"
    } else {
        "excludes the bound"
    };
    format!(
        "; the {:.0} % interval from {} to {} {includes}",
        100.0 * interval.level,
        show(interval.low),
        show(interval.high)
    )
}
