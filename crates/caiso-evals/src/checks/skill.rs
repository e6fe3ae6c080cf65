//! EV-SKILL-001: does the model know more than a constant?

use caiso_core::{
    Check, CheckError, Direction, Dot, Figure, Finding, Location, Mark, Measurement, Meta,
    NotAssessed, Outcome, ParameterSet, Parameters, RunContext, Severity, Threshold, Value, unit,
};
use caiso_math::{Auc, Interval, bonett_price, mcnemar_exact, mean_of_proportions, wilson};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::skill::{Confusion, Losses, losses};
use crate::{HAS_SKILL, SkillInput};

unit! {
    /// ## What it does
    /// Compares a classifier's decisions on labelled data with the best constant answer. It
    /// reports accuracy beside the share of the most frequent class, with the interval of their
    /// difference and McNemar's exact test; the share of each class that is recognised; balanced
    /// accuracy, their mean; and `balanced_skill`, which is 0 for every constant answer and 1 for
    /// a perfect one (for two classes it is Youden's index). Where probabilities are given, also
    /// the Brier and logarithmic skill scores against the base rates and, for two classes, the
    /// area under the ROC curve.
    ///
    /// The model has skill when the lower end of the interval of `balanced_skill` is above 0.
    /// Accuracy alone misleads: where 88 of 100 applications are granted, granting all of them is
    /// right 88 % of the time and knows nothing. Balanced accuracy is 1/k for every answer that
    /// does not depend on the true class, whatever the balance of the k classes. Decisions count,
    /// not probabilities, because the verdicts on robustness and fairness are verdicts on
    /// decisions. A finding is raised when that lower end is not above `minimum_skill`.
    ///
    /// The constant is chosen with knowledge of the labels assessed on, which favours the
    /// constant, never the model.
    ///
    /// ## Why it matters
    /// A model without skill cannot be made worse by an attack and treats all groups alike, so it
    /// passes tests of robustness and fairness for the wrong reason. EU AI Act Article 15(1) and
    /// (3) ask for an appropriate, declared level of accuracy.
    ///
    /// ## References
    /// - Brodersen et al., "The Balanced Accuracy and Its Posterior Distribution", 2010, <https://doi.org/10.1109/ICPR.2010.764>
    /// - Youden, "Index for rating diagnostic tests", 1950
    /// - Gneiting, Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation", 2007, <https://doi.org/10.1198/016214506000001437>
    /// - Zou, Donner 2008 (interval of a mean of proportions); Bonett, Price 2012 (paired difference)
    /// - NIST AI RMF 1.0, MEASURE 2.5
    pub(crate) static UNIT: Check<SkillInput> = Check {
        meta: Meta {
            code: "EV-SKILL-001",
            name: "skill-over-constant",
            title: "Is the model better than a constant answer",
            severity: Severity::High,
            techniques: &[],
            evidence: &["accuracy-evaluation"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::of::<SkillParameters>(),
        run,
    };
}

/// Parameters of EV-SKILL-001.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct SkillParameters {
    /// The lower end of the interval of `balanced_skill` has to be above this to pass; 0 is a
    /// constant answer, 1 a perfect one.
    #[schemars(range(min = 0.0, max = 1.0))]
    minimum_skill: f64,
    /// Fewest rows to judge skill by.
    #[schemars(range(min = 2))]
    minimum_rows: u64,
    /// Coverage of every interval.
    #[schemars(range(min = 0.5, max = 0.999))]
    confidence: f64,
}

impl Default for SkillParameters {
    fn default() -> Self {
        Self { minimum_skill: 0.0, minimum_rows: 30, confidence: 0.95 }
    }
}

fn run(
    input: &SkillInput,
    parameters: &Parameters,
    context: &RunContext,
) -> Result<Outcome, CheckError> {
    context.proceed()?;
    input.check().map_err(|error| {
        let remedy = "give labelled rows of at least two classes and the model's answers to them";
        CheckError::not_assessable(error.to_string(), remedy)
    })?;
    let parameters: SkillParameters = parameters.read();
    let confusion = Confusion::of(&input.actual, &input.predicted, input.classes.len());
    if confusion.n() < parameters.minimum_rows {
        return Err(CheckError::not_assessable(
            format!("{} labelled rows are too few to judge skill by", confusion.n()),
            format!("assess on at least {} labelled rows", parameters.minimum_rows),
        ));
    }
    Ok(Report { input, parameters, confusion, outcome: Outcome::default() }.build())
}

struct Report<'a> {
    input: &'a SkillInput,
    parameters: SkillParameters,
    confusion: Confusion,
    outcome: Outcome,
}

impl Report<'_> {
    fn build(mut self) -> Outcome {
        let level = self.parameters.confidence;
        let (n, right) = (self.confusion.n(), self.confusion.right());
        let majority = self.confusion.majority();
        let constant = self.confusion.rows(majority);

        let score = |name, x: u64| {
            let interval = wilson(x, n, level);
            Measurement::new(name, share(x, n), "ratio", Direction::HigherIsBetter, n)
                .with_interval(interval.low, interval.high, level, "wilson")
        };
        let answer = &self.input.classes[majority];
        let mut of_constant = score("constant_accuracy", constant).of("class", answer.as_str());
        of_constant.direction = Direction::Informative;
        self.outcome.measurements.extend([score("accuracy", right), of_constant]);
        self.accuracy_gain(majority);

        let recalls = self.confusion.recalls();
        for &(class, (x, rows)) in &recalls {
            let interval = wilson(x, rows, level);
            let recall = Measurement::new(
                "recall",
                share(x, rows),
                "ratio",
                Direction::HigherIsBetter,
                rows,
            )
            .of("class", self.input.classes[class].as_str())
            .with_interval(interval.low, interval.high, level, "wilson");
            self.outcome.measurements.push(recall);
        }
        let rates: Vec<(u64, u64)> = recalls.iter().map(|(_, rate)| *rate).collect();
        let chance = 1.0 / rates.len() as f64;
        let balanced = rates.iter().map(|&(x, n)| share(x, n)).sum::<f64>() * chance;
        // `check` has seen two classes, so every rate has rows.
        let interval =
            mean_of_proportions(&rates, level).unwrap_or(Interval { low: 0.0, high: 1.0 });
        let skill = |accuracy: f64| (accuracy - chance) / (1.0 - chance);
        for (name, scale) in
            [("balanced_accuracy", &(|x| x) as &dyn Fn(f64) -> f64), ("balanced_skill", &skill)]
        {
            let value = scale(balanced);
            let measurement = Measurement::new(name, value, "ratio", Direction::HigherIsBetter, n)
                .with_interval(scale(interval.low), scale(interval.high), level, "mover-wilson");
            self.outcome.measurements.push(measurement);
        }
        let low = skill(interval.low);
        self.probabilities();
        self.figure(&recalls, balanced, interval, chance);
        self.facts(low > 0.0);
        self.judge(low, balanced, interval, chance);
        self.limits(recalls.len());
        self.outcome
    }

    /// The paired comparison with the constant answer.
    fn accuracy_gain(&mut self, majority: usize) {
        let level = self.parameters.confidence;
        let n = self.confusion.n();
        let majority_right = self.confusion.counts[majority][majority];
        let only_model = self.confusion.right() - majority_right;
        let only_constant = self.confusion.rows(majority) - majority_right;
        let gain = (only_model as f64 - only_constant as f64) / n as f64;
        let mut measurement =
            Measurement::new("accuracy_gain", gain, "difference", Direction::HigherIsBetter, n)
                .with_test("mcnemar-exact", mcnemar_exact(only_model, only_constant));
        if let Some(interval) = bonett_price(only_model, only_constant, n, level) {
            measurement =
                measurement.with_interval(interval.low, interval.high, level, "bonett-price");
        }
        self.outcome.measurements.push(measurement);
    }

    fn probabilities(&mut self) {
        let level = self.parameters.confidence;
        let Some(probabilities) = &self.input.probabilities else { return };
        let (n, classes) = (self.confusion.n(), self.input.classes.len());
        let (brier, logarithmic) = losses(&self.input.actual, probabilities, classes);
        let infinite = || {
            let rows = self.input.actual.iter().zip(probabilities.chunks_exact(classes));
            let zeros = rows.filter(|(class, row)| row[**class] == 0.0).count();
            format!("the true class has probability 0 in {zeros} rows, so the loss is infinite")
        };
        let mut add = |name: &str,
                       unit: &str,
                       direction,
                       value: Value,
                       interval: Option<(Interval, &str)>| {
            let mut measurement = Measurement::new(name, value, unit, direction, n);
            if let Some((interval, method)) = interval {
                measurement = measurement.with_interval(interval.low, interval.high, level, method);
            }
            self.outcome.measurements.push(measurement);
        };
        for (score, skill, unit, loss) in [
            ("brier_score", "brier_skill_score", "score", Some(brier)),
            ("log_loss", "log_loss_skill_score", "nats", logarithmic),
        ] {
            let value = |pick: fn(&Losses) -> f64| {
                loss.map_or_else(|| Value::Undefined(infinite()), |loss| Value::from(pick(&loss)))
            };
            add(score, unit, Direction::LowerIsBetter, value(|loss| loss.model), None);
            let interval = loss.and_then(|loss| loss.interval(level)).map(|i| (i, "delta"));
            add(skill, "ratio", Direction::HigherIsBetter, value(Losses::skill), interval);
        }
        if classes == 2 {
            let scores: Vec<f64> =
                probabilities.chunks_exact(2).map(|row| f64::from(row[1])).collect();
            let positive: Vec<bool> = self.input.actual.iter().map(|&class| class == 1).collect();
            let auc = Auc::of(&scores, &positive);
            let value = auc.map_or_else(
                || Value::Undefined("a class has fewer than two rows".to_owned()),
                |auc| Value::from(auc.area),
            );
            let interval = auc.and_then(|auc| auc.interval(level)).map(|i| (i, "delong-logit"));
            add("roc_auc", "ratio", Direction::HigherIsBetter, value, interval);
        }
    }

    fn figure(
        &mut self,
        recalls: &[(usize, (u64, u64))],
        balanced: f64,
        interval: Interval,
        chance: f64,
    ) {
        let level = self.parameters.confidence;
        let mut dots: Vec<Dot> = recalls
            .iter()
            .map(|&(class, (x, rows))| {
                let interval = wilson(x, rows, level);
                Dot {
                    label: format!("class {}", self.input.classes[class]),
                    value: Some(share(x, rows)),
                    interval: Some((interval.low, interval.high)),
                    n: rows,
                    reference: false,
                    broken: false,
                }
            })
            .collect();
        dots.push(Dot {
            label: "balanced accuracy".to_owned(),
            value: Some(balanced),
            interval: Some((interval.low, interval.high)),
            n: self.confusion.n(),
            reference: false,
            broken: interval.low <= chance,
        });
        let rows: Vec<String> = dots
            .iter()
            .filter_map(|dot| Some(format!("{} {}", dot.label, percent(dot.value?))))
            .collect();
        self.outcome.figures.push(Figure::Dots {
            title: "Share of each class recognised".to_owned(),
            alternative: format!(
                "{}; a constant answer has a balanced accuracy of {}.",
                rows.join(", "),
                percent(chance)
            ),
            x_label: "share of the class's rows answered right".to_owned(),
            dots,
            marks: vec![Mark { label: "constant answer".to_owned(), at: chance }],
            band: None,
        });
    }

    fn facts(&mut self, has_skill: bool) {
        let facts = &mut self.outcome.facts;
        facts.insert(HAS_SKILL.to_owned(), if has_skill { "yes" } else { "no" }.to_owned());
        let classes = &self.input.classes;
        for (class, answers) in classes.iter().zip(&self.confusion.counts) {
            let counts: Vec<String> = classes
                .iter()
                .zip(answers)
                .map(|(answer, count)| format!("{answer} {count}"))
                .collect();
            facts.insert(format!("predictions for true class {class}"), counts.join(", "));
        }
    }

    fn judge(&mut self, low: f64, balanced: f64, interval: Interval, chance: f64) {
        let minimum = self.parameters.minimum_skill;
        let n = self.confusion.n();
        let constant = &self.input.classes[self.confusion.majority()];
        let accuracy = format!(
            "its accuracy is {}, that of always answering `{constant}` {}",
            percent(share(self.confusion.right(), n)),
            percent(share(self.confusion.rows(self.confusion.majority()), n)),
        );
        let against = format!(
            "balanced accuracy {} ({:.0} % interval {} to {}) against {} for a constant answer",
            percent(balanced),
            100.0 * self.parameters.confidence,
            percent(interval.low),
            percent(interval.high),
            percent(chance),
        );
        self.outcome.summary = if low > 0.0 {
            format!("The model is better than a constant answer: {against}; {accuracy}.")
        } else {
            format!(
                "The model is not shown to be better than a constant answer: {against}; {accuracy}."
            )
        };
        if low > minimum {
            return;
        }
        let message = if low > 0.0 {
            format!(
                "The model's skill is not shown to be above the minimum of {minimum:.2}: {against}; {accuracy}."
            )
        } else {
            self.outcome.summary.clone()
        };
        let remedy = format!(
            "Until the lower end of balanced_skill is above {minimum:.2}, read no other verdict on this model as \
             a merit: retrain with weights or a threshold that suit the balance of the classes, find features \
             that carry information, or assess on more rows."
        );
        let location = Location {
            component: self.input.component.clone(),
            path: self.input.path.clone(),
            ..Location::default()
        };
        let mut finding = Finding::of(&UNIT.meta, location, message, remedy);
        finding.threshold = self.outcome.measurement("balanced_skill").and_then(|measurement| {
            Some(Threshold {
                measurement: measurement.key(),
                value: measurement.value.known()?,
                interval: measurement.interval.clone(),
                n: measurement.n,
                minimum: Some(minimum),
                maximum: None,
            })
        });
        self.outcome.findings.push(finding);
    }

    fn limits(&mut self, seen: usize) {
        let limits = &mut self.outcome.limits;
        limits.push(
            "Skill is judged on the decisions; the lower end of the interval has to be above the bound, not \
             just the value."
                .to_owned(),
        );
        if self.input.probabilities.is_some() {
            limits.push(
                "Skill scores compare with the base rates of the same rows. The Brier score adds over all \
                 classes, so with two classes it is twice the one-class form; its skill score is the same."
                    .to_owned(),
            );
        } else {
            limits
                .push("The model gives no probabilities: their skill is not assessed.".to_owned());
        }
        let absent = self.input.classes.len() - seen;
        if absent > 0 {
            let names: Vec<&str> = (0..self.input.classes.len())
                .filter(|&class| self.confusion.rows(class) == 0)
                .map(|class| self.input.classes[class].as_str())
                .collect();
            self.outcome.not_assessed.push(NotAssessed {
                what: format!("recognition of {}", names.join(", ")),
                reason: "no labelled row is of that class".to_owned(),
                remedy: "assess on data with rows of every class".to_owned(),
            });
        }
    }
}

fn share(x: u64, n: u64) -> f64 {
    if n == 0 { 0.0 } else { x as f64 / n as f64 }
}

/// `17.3 %`.
fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
