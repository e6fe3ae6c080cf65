//! From the results of an attack to an outcome.

use caiso_core::{
    Direction, Figure, Finding, Line, Location, Mark, Measurement, Meta, NotAssessed, Outcome,
    Threshold, Value,
};

use crate::RobustnessInput;
use crate::evaluate::Evaluation;
use crate::parameters::Budget;

/// Coverage of every interval.
pub(crate) const LEVEL: f64 = 0.95;
/// A share of nine tenths of nine tenths must not fail by the last bit.
const ROUNDING: f64 = 1e-12;
/// Features are named in a sentence up to this many.
const NAMED: usize = 3;

/// What the report needs to know beside the results.
pub(crate) struct Attack<'a> {
    pub(crate) meta: &'a Meta,
    /// `PGD with 40 steps from 3 starts`.
    pub(crate) words: String,
    pub(crate) budget: &'a Budget,
}

pub(crate) fn outcome(input: &RobustnessInput, attack: &Attack<'_>, run: &Evaluation) -> Outcome {
    let budget = attack.budget;
    let n = run.len() as u64;
    let clean = run.clean_correct() as u64;
    let clean_accuracy = ratio(clean, n);
    let required = budget.minimum_robust_accuracy.unwrap_or(0.9 * clean_accuracy);
    let threshold = budget
        .epsilons
        .iter()
        .position(|&epsilon| epsilon == budget.threshold_epsilon)
        .unwrap_or(budget.epsilons.len() - 1);
    let robust: Vec<u64> =
        (0..budget.epsilons.len()).map(|index| run.robust(index) as u64).collect();
    let flipped = clean - robust[threshold];

    let mut outcome = Outcome::default();
    outcome.measurements.push(share("clean_accuracy", clean, n, Direction::HigherIsBetter));
    for (&epsilon, &robust) in budget.epsilons.iter().zip(&robust) {
        let of = |measurement: Measurement| measurement.of("epsilon", epsilon.to_string());
        let accuracy = share("robust_accuracy", robust, n, Direction::HigherIsBetter);
        let flips = share("attack_success_rate", clean - robust, clean, Direction::LowerIsBetter);
        outcome.measurements.extend([of(accuracy), of(flips)]);
    }
    let at_threshold =
        |measurement: Measurement| measurement.of("epsilon", budget.threshold_epsilon.to_string());
    for (class, name) in input.classes.iter().enumerate() {
        let (robust, correct) = run.robust_of_class(class, threshold);
        let flips = share(
            "attack_success_rate",
            (correct - robust) as u64,
            correct as u64,
            Direction::LowerIsBetter,
        );
        outcome.measurements.push(at_threshold(flips.of("class", name)));
    }
    outcome.measurements.push(median_distance(input, run));
    outcome.measurements.push(Measurement::new(
        "rows_without_gradient",
        run.without_gradient() as f64,
        "rows",
        Direction::LowerIsBetter,
        clean,
    ));
    let movers = run.movers(input, threshold);
    for mover in &movers {
        let measure = |name: &str, value: f64, unit: &str| {
            let measurement = Measurement::new(name, value, unit, Direction::Informative, flipped);
            at_threshold(measurement.of("feature", mover.name))
        };
        outcome.measurements.push(measure("mean_shift", mover.mean_shift, "model units"));
        if let Some(share) = mover.decisive {
            outcome.measurements.push(measure("decisive", share, "ratio"));
        }
    }

    let robust_accuracy = ratio(robust[threshold], n);
    let consequence = format!(
        "{} of the correct decisions flip {}",
        percent(ratio(flipped, clean)),
        shading(input, budget.threshold_epsilon)
    );
    let fall =
        format!("accuracy falls from {} to {}", percent(clean_accuracy), percent(robust_accuracy));
    outcome.summary = if clean == 0 {
        format!("No row is decided correctly even without an attack (n = {n})")
    } else if flipped == 0 {
        let shading = shading(input, budget.threshold_epsilon);
        let accuracy = percent(clean_accuracy);
        let words = &attack.words;
        format!("No correct decision flips {shading}; accuracy stays {accuracy} (n = {n}; {words})")
    } else {
        format!("{consequence}; {fall} (n = {n}; {})", attack.words)
    };
    if run.without_gradient() > 0 {
        let rows = run.without_gradient();
        outcome.summary.push_str(&format!("; for {rows} rows it had no gradient to follow"));
    }
    if clean == 0 {
        outcome.not_assessed.push(NotAssessed {
            what: "robustness".to_owned(),
            reason: "there is no correct decision that an attack could flip".to_owned(),
            remedy: "check the order of `classes` and `features` in the manifest".to_owned(),
        });
    } else if robust_accuracy < required - ROUNDING {
        let key = format!("robust_accuracy[epsilon={}]", budget.threshold_epsilon);
        let interval = outcome.measurement(&key).and_then(|m| m.interval.clone());
        let message = format!(
            "{consequence}{}: {fall}, below the required {} (n = {n})",
            direction(input, run, threshold),
            percent(required),
        );
        let location = Location {
            component: input.component.clone(),
            path: input.path.clone(),
            ..Location::default()
        };
        let mut finding =
            Finding::of(attack.meta, location, message, remediation(&movers, required));
        finding.threshold = Some(Threshold {
            measurement: key,
            value: robust_accuracy,
            interval,
            n,
            minimum: Some(required),
            maximum: None,
        });
        outcome.findings.push(finding);
    }
    outcome.figures.push(figure(input, attack, run, &robust, required));
    if run.without_gradient() > 0 {
        outcome.not_assessed.push(NotAssessed {
            what: format!("{} of {n} rows", run.without_gradient()),
            reason: "the gradient is zero in every feature that may move, so the attack had no \
                     direction; that they did not flip shows nothing"
                .to_owned(),
            remedy: "attack them without gradients, or export the model with logits as its output"
                .to_owned(),
        });
    }
    outcome.limits = limits(input, attack, run);
    outcome.facts.insert("attack".to_owned(), attack.words.clone());
    outcome.facts.insert(
        "distance".to_owned(),
        "L-infinity, every feature scaled to [0, 1] by its bounds".to_owned(),
    );
    let free: Vec<&str> = input
        .domain
        .features()
        .iter()
        .filter(|feature| feature.is_free())
        .map(|feature| feature.name.as_str())
        .collect();
    outcome.facts.insert("features an attacker can move".to_owned(), list(&free, 20));
    outcome
}

/// A feature and what attackers did with it.
pub(crate) struct Mover<'a> {
    pub(crate) name: &'a str,
    /// Mean size of the change over the flipped rows, in the model's units.
    pub(crate) mean_shift: f64,
    /// Share of the flipped rows that flip back when only this feature is restored.
    pub(crate) decisive: Option<f64>,
}

pub(crate) fn share(name: &str, count: u64, n: u64, direction: Direction) -> Measurement {
    if n == 0 {
        let none = Value::Undefined("there is no row it could be measured on".to_owned());
        return Measurement::new(name, none, "ratio", direction, 0);
    }
    let interval = caiso_math::wilson(count, n, LEVEL);
    Measurement::new(name, ratio(count, n), "ratio", direction, n).with_interval(
        interval.low,
        interval.high,
        LEVEL,
        "wilson",
    )
}

fn median_distance(input: &RobustnessInput, run: &Evaluation) -> Measurement {
    let mut distances = run.distances(input);
    distances.sort_by(f64::total_cmp);
    let value = match distances.len() {
        0 => Value::Undefined("no decision flipped".to_owned()),
        count => Value::from(f64::midpoint(distances[(count - 1) / 2], distances[count / 2])),
    };
    let unit = "fraction of range";
    Measurement::new(
        "median_distance",
        value,
        unit,
        Direction::HigherIsBetter,
        distances.len() as u64,
    )
}

pub(crate) fn ratio(count: u64, n: u64) -> f64 {
    if n == 0 { 0.0 } else { count as f64 / n as f64 }
}

/// `17.3 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// `a, b and 3 others`.
fn list(names: &[&str], most: usize) -> String {
    let others = names.len().saturating_sub(most);
    let named = names.len() - others;
    match (named, others) {
        (0, _) => "none".to_owned(),
        (1, 0) => names[0].to_owned(),
        (_, 0) => format!("{} and {}", names[..named - 1].join(", "), names[named - 1]),
        (_, 1) => format!("{} and one other", names[..named].join(", ")),
        _ => format!("{} and {others} others", names[..named].join(", ")),
    }
}

/// `when an attacker can shift income by 0.09 and value by 0.06 (3 % of each range)`.
fn shading(input: &RobustnessInput, epsilon: f64) -> String {
    let amounts: Vec<String> = input
        .domain
        .features()
        .iter()
        .filter(|feature| feature.moves_within(epsilon))
        .map(|feature| format!("{} by {}", feature.name, significant(epsilon * feature.range())))
        .collect();
    let amounts: Vec<&str> = amounts.iter().map(String::as_str).collect();
    format!(
        "when an attacker can shift {} ({} % of each range)",
        list(&amounts, NAMED),
        significant(100.0 * epsilon)
    )
}

/// A number with three significant digits and no trailing zeros.
pub(crate) fn significant(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return number;
    }
    let digits = 2 - number.abs().log10().floor() as i32;
    // Through text, which rounds decimally; a multiplication would leave 0.30000000000000004.
    format!("{number:.*}", usize::try_from(digits).unwrap_or(0)).parse().unwrap_or(number)
}

/// `, 140 of 180 from "no" to "yes"`, if one direction makes up most of several.
fn direction(input: &RobustnessInput, run: &Evaluation, threshold: usize) -> String {
    let transitions = run.transitions(threshold);
    let total: u64 = transitions.values().sum();
    let name = |class: usize| input.classes.get(class).map_or("?", String::as_str);
    transitions
        .iter()
        .max_by_key(|(pair, count)| (**count, std::cmp::Reverse(**pair)))
        .map(|((from, to), count)| {
            format!(", {count} of {total} from `{}` to `{}`", name(*from), name(*to))
        })
        .unwrap_or_default()
}

fn remediation(movers: &[Mover<'_>], required: f64) -> String {
    let decisive: Vec<&str> = movers
        .iter()
        .filter(|mover| mover.decisive.is_some_and(|share| share >= 0.25))
        .map(|mover| mover.name)
        .take(NAMED)
        .collect();
    let first = if decisive.is_empty() {
        "Verify the inputs at their source before the model sees them".to_owned()
    } else {
        format!(
            "Verify {} at the source before the model sees it (each alone, restored to its true \
             value, undoes a quarter of the flips or more)",
            list(&decisive, NAMED)
        )
    };
    format!(
        "{first}, train adversarially or with bounded slopes, and send decisions near the boundary to \
         a person. Passes with a robust accuracy of at least {}",
        percent(required)
    )
}

fn figure(
    input: &RobustnessInput,
    attack: &Attack<'_>,
    run: &Evaluation,
    robust: &[u64],
    required: f64,
) -> Figure {
    let n = run.len() as u64;
    let clean = run.clean_correct() as u64;
    let mut counts = vec![(0.0, clean)];
    counts.extend(
        attack
            .budget
            .epsilons
            .iter()
            .copied()
            .zip(robust.iter().copied())
            .filter(|(epsilon, _)| *epsilon > 0.0),
    );
    let band = counts.iter().map(|&(_, count)| {
        let interval = caiso_math::wilson(count, n, LEVEL);
        (interval.low, interval.high)
    });
    let constant = input.classes.iter().enumerate().map(|(class, _)| run.of_class(class)).max();
    let constant = ratio(constant.unwrap_or(0) as u64, n);
    let last = counts.last().copied().unwrap_or_default();
    Figure::Curve {
        title: format!("Accuracy under attack ({})", attack.words),
        alternative: format!(
            "Accuracy is {} without an attack and {} when each feature may move by {} % of its range; \
             the gate asks for {} at {} %.",
            percent(ratio(clean, n)),
            percent(ratio(last.1, n)),
            significant(100.0 * last.0),
            percent(required),
            significant(100.0 * attack.budget.threshold_epsilon),
        ),
        x_label: "epsilon (fraction of each feature's range)".to_owned(),
        y_label: "robust accuracy".to_owned(),
        lines: vec![Line {
            name: "robust accuracy, 95 % interval".to_owned(),
            points: counts.iter().map(|&(epsilon, count)| (epsilon, ratio(count, n))).collect(),
            band: band.collect(),
        }],
        marks: vec![
            Mark { label: "always the most common class".to_owned(), at: constant },
            Mark {
                label: format!("gate at epsilon {}", attack.budget.threshold_epsilon),
                at: required,
            },
        ],
    }
}

fn limits(input: &RobustnessInput, attack: &Attack<'_>, run: &Evaluation) -> Vec<String> {
    let mut limits = vec![
        "Robust accuracy is an upper bound: a stronger attack may flip more decisions.".to_owned(),
        "A decision that is wrong without an attack counts as not robust.".to_owned(),
    ];
    if attack.budget.minimum_robust_accuracy.is_none() {
        limits.push(
            "No minimum_robust_accuracy was set for this system; the default asks for nine tenths \
             of the clean accuracy."
                .to_owned(),
        );
    }
    if run.len() < input.len() {
        limits.push(format!(
            "{} of {} rows were drawn by the seed and attacked.",
            run.len(),
            input.len()
        ));
    }
    let outside = input.rows_outside_bounds();
    if outside > 0 {
        limits.push(format!(
            "{outside} rows hold values outside the declared bounds; such a value may stay where it is \
             or move inwards."
        ));
    }
    if run.missed() > 0 {
        limits.push(format!(
            "{} rows that this attack leaves standing at epsilon {} are flipped by a single step \
             (FGSM): the gradient may be masked, and the true robust accuracy is lower.",
            run.missed(),
            attack.budget.threshold_epsilon
        ));
    }
    limits
}
