//! From the state of a campaign to an outcome.

use std::collections::BTreeSet;

use caiso_core::{
    Direction, Figure, Finding, Line, Location, Mark, Measurement, NotAssessed, Outcome, Threshold,
    Value,
};
use caiso_inference::Access;

use super::state::{Ended, Found, State};
use super::{Campaign, check, examples};
use crate::report::{LEVEL, percent, ratio, share, significant};

/// A share of nine tenths of nine tenths must not fail by the last bit.
const ROUNDING: f64 = 1e-12;
/// Attacks with a line of their own in the figure.
const LINES: usize = 5;

impl Campaign<'_> {
    /// What the campaign has come to. `stopped` says why it did not come to its end, if it did not.
    pub fn outcome(&self, state: &State, stopped: Option<&str>) -> Outcome {
        let n = self.seen(state);
        let mut outcome = Outcome::default();
        self.facts(state, &mut outcome);
        if let Some(reason) = stopped.filter(|_| state.ended().is_none()) {
            outcome.not_assessed.push(self.rest(state, reason));
        }
        if n == 0 || !state.attacked() {
            nothing(state, &mut outcome);
            return outcome;
        }
        let rows = n as u64;
        let correct = self.correct(state, n);
        let required = self.required(state);
        self.measure(state, n, &mut outcome);
        let robust = self.robust(state, n, self.threshold_epsilon);
        let accuracy = ratio(robust, rows);
        let norm = self.parameters.norm;
        let words = format!(
            "{} of the correct decisions flip when an attacker can change the inputs by {} in {norm}; accuracy \
             falls from {} to {} in the worst case of {} attacks",
            percent(ratio(correct - robust, correct)),
            self.threshold_epsilon,
            percent(ratio(correct, rows)),
            percent(accuracy),
            self.attacks(state).len(),
        );
        let ended = match state.ended() {
            Some(Ended::KnownBelow | Ended::KnownAbove) => format!(
                "; known with {} confidence after {} queries",
                percent(self.parameters.confidence.unwrap_or(LEVEL)),
                state.queries
            ),
            Some(Ended::QueriesSpent) => "; the queries were spent".to_owned(),
            _ => String::new(),
        };
        outcome.summary = format!("{words} (n = {n}{ended})");
        if accuracy < required - ROUNDING {
            outcome.findings.push(self.finding(state, n, &words, required, &outcome));
        }
        outcome.figures.push(self.curves(state, n, required));
        outcome.figures.extend(examples::figure(self, state));
        outcome.limits = self.limits(state, n);
        outcome
    }

    fn facts(&self, state: &State, outcome: &mut Outcome) {
        let names: Vec<&str> = self.attacks(state).into_iter().collect();
        let facts = &mut outcome.facts;
        facts.insert("attacks".to_owned(), names.join(", "));
        facts.insert("queries".to_owned(), state.queries.to_string());
        for out in &self.left_out {
            facts.insert(format!("left out: {}", out.attack), out.reason.clone());
        }
        for (candidate, found) in self.candidates.iter().zip(&state.found) {
            if let Some(reason) = &found.refused {
                facts.insert(format!("left out: {}", candidate.attack.meta.name), reason.clone());
            }
        }
        if state.ended().is_some() {
            let finalists =
                state.racing.iter().filter(|&&place| state.found[place].refused.is_none());
            for &place in finalists {
                let candidate = &self.candidates[place];
                let parameters = candidate.parameters.as_json().to_string();
                facts.insert(format!("parameters of {}", candidate.name()), parameters);
            }
        }
    }

    /// What is left to do when the campaign was stopped.
    fn rest(&self, state: &State, reason: &str) -> NotAssessed {
        let (next, done, all) = self.next(state);
        NotAssessed {
            what: format!("{} of {all} steps, from {next} on", all - done),
            reason: format!("the campaign was stopped after {done} steps: {reason}"),
            remedy: "run the same command again with --resume".to_owned(),
        }
    }

    /// Names of the attacks that were carried out.
    fn attacks(&self, state: &State) -> BTreeSet<&'static str> {
        let pairs = self.candidates.iter().zip(&state.found);
        pairs
            .filter(|(_, found)| found.refused.is_none() && !found.distances.is_empty())
            .map(|(candidate, _)| candidate.attack.meta.name)
            .collect()
    }

    /// The candidates that stand for their attacks: of each the one that came furthest, then broke most.
    fn best(&self, state: &State) -> Vec<usize> {
        let broken = |found: &Found| {
            found
                .distances
                .iter()
                .flatten()
                .filter(|&&d| super::state::within(d, self.threshold_epsilon))
                .count()
        };
        let all = |found: &Found| found.distances.iter().flatten().count();
        let mut best: Vec<usize> = Vec::new();
        for (place, (candidate, found)) in self.candidates.iter().zip(&state.found).enumerate() {
            if found.refused.is_some() || found.distances.is_empty() {
                continue;
            }
            let key = |found: &Found| (found.distances.len(), broken(found), all(found));
            let same = |&known: &usize| {
                self.candidates[known].attack.meta.code == candidate.attack.meta.code
            };
            match best.iter().position(same) {
                None => best.push(place),
                Some(at) if key(found) > key(&state.found[best[at]]) => best[at] = place,
                Some(_) => {}
            }
        }
        // The strongest first: by the share of its rows that it breaks.
        let strength = |place: usize| {
            let found = &state.found[place];
            (ratio(broken(found) as u64, found.distances.len() as u64), all(found))
        };
        best.sort_by(|&a, &b| {
            let (a_share, a_all) = strength(a);
            let (b_share, b_all) = strength(b);
            b_share.total_cmp(&a_share).then(b_all.cmp(&a_all)).then(a.cmp(&b))
        });
        best
    }

    fn measure(&self, state: &State, n: usize, outcome: &mut Outcome) {
        let rows = n as u64;
        let correct = self.correct(state, n);
        let better = Direction::HigherIsBetter;
        let out = &mut outcome.measurements;
        out.push(share("clean_accuracy", correct, rows, better));
        for &epsilon in &self.epsilons {
            let robust = self.robust(state, n, epsilon);
            let of = |measurement: Measurement| measurement.of("epsilon", epsilon.to_string());
            out.push(of(share("robust_accuracy", robust, rows, better)));
            let flips = correct - robust;
            out.push(of(share("attack_success_rate", flips, correct, Direction::LowerIsBetter)));
        }
        let mut distances: Vec<f64> = (0..n).filter_map(|row| state.distance(row)).collect();
        distances.sort_by(f64::total_cmp);
        let value = match distances.len() {
            0 => Value::Undefined("no decision flipped".to_owned()),
            count => f64::midpoint(distances[(count - 1) / 2], distances[count / 2]).into(),
        };
        let count = distances.len() as u64;
        out.push(Measurement::new("median_distance", value, self.unit(), better, count));
        let success = |successes: usize, queries: u64| match successes {
            0 => Value::Undefined("no decision flipped".to_owned()),
            successes => Value::from(queries as f64 / successes as f64),
        };
        let cost = success(distances.len(), state.queries);
        out.push(Measurement::new("queries_for_a_success", cost, "queries", better, count));
        for place in self.best(state) {
            let (candidate, found) = (&self.candidates[place], &state.found[place]);
            let seen = found.distances.len();
            let standing = self.standing(state, found, self.threshold_epsilon);
            let of =
                |measurement: Measurement| measurement.of("attack", candidate.attack.meta.name);
            let accuracy = share("robust_accuracy", standing, seen as u64, better)
                .of("epsilon", self.threshold_epsilon.to_string());
            out.push(of(accuracy));
            let successes = found.distances.iter().flatten().count();
            let cost = success(successes, found.queries);
            let cost = Measurement::new(
                "queries_for_a_success",
                cost,
                "queries",
                better,
                successes as u64,
            );
            out.push(of(cost));
            if found.init_failed > 0 {
                let failed = found.init_failed as f64;
                let worse = Direction::LowerIsBetter;
                out.push(of(Measurement::new("init_failed", failed, "rows", worse, seen as u64)));
            }
        }
    }

    /// Rows among those that a candidate attacked that are decided correctly and that it does not break.
    fn standing(&self, state: &State, found: &Found, epsilon: f64) -> u64 {
        let stands =
            |&row: &usize| state.clean[row] == self.labels[row] && !found.breaks(row, epsilon);
        (0..found.distances.len()).filter(stands).count() as u64
    }

    fn unit(&self) -> &'static str {
        match self.parameters.norm {
            crate::Norm::L0 => "features",
            _ => "fraction of range",
        }
    }

    fn finding(
        &self,
        state: &State,
        n: usize,
        words: &str,
        required: f64,
        outcome: &Outcome,
    ) -> Finding {
        let key = format!("robust_accuracy[epsilon={}]", self.threshold_epsilon);
        let interval = outcome.measurement(&key).and_then(|found| found.interval.clone());
        let robust = self.robust(state, n, self.threshold_epsilon);
        let location = Location {
            component: self.input.component.clone(),
            path: self.input.path.clone(),
            ..Location::default()
        };
        let message = format!("{words}, below the required {} (n = {n})", percent(required));
        let remediation = format!(
            "Verify the inputs at their source before the model sees them, train adversarially, limit what an attacker \
             can ask and see, and send decisions near the boundary to a person. Passes with a robust accuracy of at \
             least {}",
            percent(required)
        );
        let mut finding = Finding::of(check::meta(), location, message, remediation);
        // Of the attacks that broke something, since those techniques were carried out.
        let proved: BTreeSet<&str> = self
            .candidates
            .iter()
            .zip(&state.found)
            .filter(|(_, found)| (0..n).any(|row| found.breaks(row, self.threshold_epsilon)))
            .flat_map(|(candidate, _)| candidate.attack.meta.techniques.iter().copied())
            .collect();
        if !proved.is_empty() {
            finding.techniques = proved.into_iter().map(str::to_owned).collect();
        }
        finding.threshold = Some(Threshold {
            measurement: key,
            value: ratio(robust, n as u64),
            interval,
            n: n as u64,
            minimum: Some(required),
            maximum: None,
        });
        finding
    }

    /// The security-evaluation curves of the strongest attacks and of their worst case.
    fn curves(&self, state: &State, n: usize, required: f64) -> Figure {
        let line = |name: &str, rows: usize, robust: &dyn Fn(f64) -> u64| {
            let counts = std::iter::once(0.0).chain(self.epsilons.iter().copied());
            Line {
                name: format!("{name} (n {rows})"),
                points: counts
                    .map(|epsilon| (epsilon, ratio(robust(epsilon), rows as u64)))
                    .collect(),
                band: Vec::new(),
            }
        };
        let mut worst =
            line("worst case of all, 95 % interval", n, &|epsilon| self.robust(state, n, epsilon));
        // Of the others the table of the figure gives n; five bands over each other say nothing.
        worst.band = worst
            .points
            .iter()
            .map(|&(epsilon, _)| {
                let interval = caiso_math::wilson(self.robust(state, n, epsilon), n as u64, LEVEL);
                (interval.low, interval.high)
            })
            .collect();
        let (clean, last) = (worst.points.first().copied(), worst.points.last().copied());
        let best = self.best(state);
        let mut lines = vec![worst];
        lines.extend(best.iter().take(LINES).map(|&place| {
            let found = &state.found[place];
            let name = self.candidates[place].attack.meta.name;
            line(name, found.distances.len(), &|epsilon| self.standing(state, found, epsilon))
        }));
        let (clean, last) = (clean.unwrap_or_default(), last.unwrap_or_default());
        let norm = self.parameters.norm;
        Figure::Curve {
            title: format!("Accuracy under attack ({} attacks, {norm})", best.len()),
            alternative: format!(
                "Accuracy is {} without an attack and {} at most when the inputs may change by {} in {norm}; the gate \
                 asks for {} at {}.",
                percent(clean.1),
                percent(last.1),
                significant(last.0),
                percent(required),
                significant(self.threshold_epsilon),
            ),
            x_label: format!("epsilon in {norm} ({})", self.unit()),
            y_label: "robust accuracy".to_owned(),
            lines,
            marks: vec![Mark {
                label: format!("gate at epsilon {}", self.threshold_epsilon),
                at: required,
            }],
        }
    }

    fn limits(&self, state: &State, n: usize) -> Vec<String> {
        let mut limits = vec![
            "Robust accuracy is an upper bound: a stronger attack may flip more decisions.".to_owned(),
            "A decision that is wrong without an attack counts as not robust.".to_owned(),
            "Attacks that lost the race were tried on the first rows only; each measurement names its own n.".to_owned(),
        ];
        if self.parameters.minimum_robust_accuracy.is_none() {
            limits.push(
                "No minimum_robust_accuracy was set for this system; the default asks for nine tenths of the clean \
                 accuracy."
                    .to_owned(),
            );
        }
        let all = self.input.len();
        if n < all {
            let why = match state.ended() {
                Some(Ended::KnownBelow | Ended::KnownAbove) => {
                    ", which was enough to know the answer"
                }
                _ if self.parameters.budget_queries.is_some() => ", for which the queries sufficed",
                _ => "",
            };
            limits.push(format!("{n} of {all} rows were drawn by the seed and attacked{why}."));
        }
        if !state.examples.is_empty() {
            limits.push("The examples show single rows of the data set.".to_owned());
        }
        let masked = self.masked(state, n);
        if masked > 0 {
            limits.push(format!(
                "{masked} rows are broken by attacks that use answers only and by none that follows gradients: the \
                 gradient may be masked, and gradient attacks overrate the model."
            ));
        }
        let failed: u64 = state.found.iter().map(|found| found.init_failed).sum();
        if failed > 0 {
            limits.push(format!(
                "In {failed} cases an attack found no point to start from; that the row stands there shows nothing."
            ));
        }
        limits
    }

    /// Rows that no gradient attack breaks at the threshold's epsilon although some other attack does.
    fn masked(&self, state: &State, n: usize) -> usize {
        let by = |row: usize, gradients: bool| {
            self.candidates.iter().zip(&state.found).any(|(candidate, found)| {
                (candidate.attack.access == Access::Gradients) == gradients
                    && found.breaks(row, self.threshold_epsilon)
            })
        };
        if !self.candidates.iter().any(|candidate| candidate.attack.access == Access::Gradients) {
            return 0;
        }
        (0..n).filter(|&row| by(row, false) && !by(row, true)).count()
    }
}

/// Says why there is no result.
fn nothing(state: &State, outcome: &mut Outcome) {
    if let Some(item) = outcome.not_assessed.first() {
        outcome.summary = format!("Not assessed: {}.", item.reason);
        return;
    }
    let (reason, remedy) = if state.ended() == Some(Ended::QueriesSpent) {
        ("the queries do not suffice for a single attack", "allow more queries")
    } else if state.found.iter().all(|found| found.refused.is_some()) {
        ("no attack accepts the model", "choose attacks that fit it, or another norm")
    } else {
        (
            "there is no correct decision that an attack could flip",
            "check the order of `classes` and `features` in the manifest",
        )
    };
    outcome.summary = format!("Not assessed: {reason}.");
    outcome.not_assessed.push(NotAssessed {
        what: "robustness".to_owned(),
        reason: reason.to_owned(),
        remedy: remedy.to_owned(),
    });
}
