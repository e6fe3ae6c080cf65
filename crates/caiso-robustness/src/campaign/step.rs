//! One piece of work, and who goes on to the next rung.

use std::cmp::Reverse;

use caiso_core::{CheckError, RunContext};

use super::state::{Ended, Example, Found, State};
use super::{Campaign, Candidate};
use crate::attack::{Goal, Scope};
use crate::{Problem, RobustnessError, Settings, run};

/// What a step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was done, and there may be more to do.
    Done,
    /// The model stopped answering, or the run was cancelled; why. The state is as before the step.
    Stopped(String),
    /// The campaign had ended before.
    Ended(Ended),
}

impl Campaign<'_> {
    /// What the next step is, in words, and how many steps are done of how many there are at most.
    pub fn next(&self, state: &State) -> (String, usize, usize) {
        let all: usize = (0..self.rungs.count()).map(|rung| self.rungs.places(rung)).sum();
        if state.clean.is_empty() {
            return (format!("{} rows without an attack", self.ids.len()), 0, 1 + all);
        }
        let before: usize = (0..state.rung).map(|rung| self.rungs.places(rung)).sum();
        let words = state.racing.get(state.done).map_or_else(String::new, |&candidate| {
            let rows = self.rungs.added(state.rung);
            let name = self.candidates[candidate].name();
            format!("{name} on rows {} to {}", rows.start + 1, rows.end)
        });
        (words, 1 + before + state.done, 1 + all)
    }

    /// Does the next piece of work: the classes without an attack, then one candidate on the rows of a rung.
    ///
    /// # Errors
    /// If the problem is none. A model that fails or stops answering is no error: see [`Step::Stopped`].
    pub fn step(&self, state: &mut State, context: &RunContext) -> Result<Step, RobustnessError> {
        if let Some(ended) = state.ended {
            return Ok(Step::Ended(ended));
        }
        if let Err(error) = context.proceed() {
            return Ok(Step::Stopped(error.to_string()));
        }
        if state.clean.is_empty() {
            match self.input.model.predict(&self.rows) {
                Ok(clean) => state.clean = clean,
                Err(error) => return Ok(Step::Stopped(error.to_string())),
            }
            state.queries = self.ids.len() as u64;
            if !state.clean.iter().zip(&self.labels).any(|(clean, label)| clean == label) {
                state.ended = Some(Ended::Through);
            }
            return Ok(Step::Done);
        }
        let place = state.racing[state.done];
        let Some(queries) = self.queries_for_a_row(state) else {
            state.ended = Some(Ended::QueriesSpent);
            return Ok(Step::Done);
        };
        let mut found = state.found[place].clone();
        let mut examples = Vec::new();
        match self.attack(state, place, queries, &mut found, &mut examples, context) {
            Ok(None) => {}
            Ok(Some(reason)) => return Ok(Step::Stopped(reason)),
            Err(RobustnessError::Model(error)) => return Ok(Step::Stopped(error.to_string())),
            Err(RobustnessError::Check(error @ CheckError::Cancelled)) => {
                return Ok(Step::Stopped(error.to_string()));
            }
            // The attack and the model do not go together, which only the attack can tell.
            Err(error) => {
                found = Found { refused: Some(error.to_string()), ..state.found[place].clone() };
                examples.clear();
            }
        }
        state.queries += found.queries - state.found[place].queries;
        state.found[place] = found;
        for example in examples {
            state.keep(example);
        }
        state.done += 1;
        self.advance(state);
        Ok(Step::Done)
    }

    /// Attacks the rows that the rung adds, one epsilon after the other where the attack needs one. Answers why the model
    /// stopped, if it did.
    fn attack(
        &self,
        state: &State,
        place: usize,
        queries: u64,
        found: &mut Found,
        examples: &mut Vec<Example>,
        context: &RunContext,
    ) -> Result<Option<String>, RobustnessError> {
        let Candidate { attack, parameters, .. } = &self.candidates[place];
        let width = self.input.domain.width();
        let context = RunContext { seed: self.seed, ..context.clone() };
        let mut rows = self.rungs.added(state.rung);
        if attack.scope == Scope::DataSet {
            rows.start = 0;
        }
        found.distances.resize(rows.end, None);
        let problem = Problem {
            model: self.input.model.as_ref(),
            domain: &self.input.domain,
            rows: &self.rows,
            labels: &self.labels,
            surrogate: None,
        };
        let epsilons: Vec<Option<f64>> = match attack.goal {
            Goal::Nearest => vec![None],
            Goal::WithinEpsilon => self.epsilons.iter().copied().map(Some).collect(),
        };
        // What a smaller epsilon broke, a larger one breaks too.
        let mut standing: Vec<usize> =
            rows.filter(|&row| state.clean[row] == self.labels[row]).collect();
        let mut failed = 0;
        let mut blind = 0;
        for epsilon in epsilons {
            let settings = Settings {
                queries,
                rows: Some(standing.clone()),
                ..Settings::new(self.parameters.norm, epsilon)
            };
            let attacked = run(attack, parameters, &problem, &settings, &context, &|_| {})?;
            if attacked.stopped.is_some() {
                return Ok(attacked.stopped);
            }
            (failed, blind) = (0, 0);
            standing.retain(|&row| {
                let result = &attacked.rows[row];
                // One of them is for the class without an attack, which is counted once for all.
                found.queries += result.queries.saturating_sub(1);
                let Some(class) = result.flipped else {
                    failed += u64::from(result.init_failed);
                    blind += u64::from(result.without_gradient);
                    return true;
                };
                let distance = result.distances.in_norm(self.parameters.norm);
                let known = &mut found.distances[row];
                if known.is_none_or(|known| distance < known) {
                    *known = Some(distance);
                }
                let point = attacked.adversarial[row * width..][..width].to_vec();
                examples.push(Example { row, candidate: place, class, distance, point });
                false
            });
        }
        found.init_failed += failed;
        found.without_gradient += blind;
        Ok(None)
    }

    /// Queries that the next candidate may spend on a row in one run: an even share of what is left; `None` if nothing is.
    fn queries_for_a_row(&self, state: &State) -> Option<u64> {
        let Some(budget) = self.parameters.budget_queries else {
            return Some(self.parameters.queries_per_row);
        };
        let candidate = &self.candidates[state.racing[state.done]];
        let runs = match candidate.attack.goal {
            Goal::Nearest => 1,
            Goal::WithinEpsilon => self.epsilons.len() as u64,
        };
        let waiting = (state.racing.len() - state.done) as u64;
        let here = self.rungs.added(state.rung).len() as u64 * waiting;
        let attacks = here + self.rungs.work_from(state.rung + 1);
        let share = budget.saturating_sub(state.queries) / attacks.max(1) / runs;
        (share > 0).then(|| share.min(self.parameters.queries_per_row))
    }

    /// Ends the rung or the campaign where that is due.
    fn advance(&self, state: &mut State) {
        let through = state.done == state.racing.len();
        if let Some(known) = self.known(state, through) {
            state.ended = Some(known);
            return;
        }
        if !through {
            return;
        }
        if state.rung + 1 == self.rungs.count() {
            state.ended = Some(Ended::Through);
            return;
        }
        state.racing = self.promoted(state);
        state.rung += 1;
        state.done = 0;
        if state.racing.is_empty() {
            state.ended = Some(Ended::Through);
        }
    }

    /// Whether it is known with the asked confidence on which side of the minimum the robust accuracy lies.
    ///
    /// Every rung is a look at the data, so each has its share of the risk of error (Bonferroni). Within a rung the count
    /// only falls, so looking after every candidate costs nothing more; that the model withstands is said only when all have
    /// had their turn.
    fn known(&self, state: &State, through: bool) -> Option<Ended> {
        let confidence = self.parameters.confidence?;
        let level = 1.0 - (1.0 - confidence) / self.rungs.count() as f64;
        let n = self.rungs.up_to(state.rung);
        let robust = self.robust(state, n, self.threshold_epsilon);
        let interval = caiso_math::wilson(robust, n as u64, level);
        let required = self.required(state);
        if interval.high < required {
            Some(Ended::KnownBelow)
        } else if through && interval.low > required && state.attacked() {
            Some(Ended::KnownAbove)
        } else {
            None
        }
    }

    /// Rows that at least one candidate has attacked.
    pub(super) fn seen(&self, state: &State) -> usize {
        match (state.rung, state.done) {
            (0, 0) => 0,
            (rung, 0) => self.rungs.up_to(rung - 1),
            (rung, _) => self.rungs.up_to(rung),
        }
    }

    /// Rows among the first `n` that are decided correctly and that nothing breaks within `epsilon`.
    pub(super) fn robust(&self, state: &State, n: usize, epsilon: f64) -> u64 {
        let robust =
            |&row: &usize| state.clean[row] == self.labels[row] && !state.is_broken(row, epsilon);
        (0..n).filter(robust).count() as u64
    }

    /// Rows among the first `n` that are decided correctly without an attack.
    pub(super) fn correct(&self, state: &State, n: usize) -> u64 {
        let pairs = state.clean.iter().zip(&self.labels).take(n);
        pairs.filter(|(clean, label)| clean == label).count() as u64
    }

    /// The least robust accuracy that passes.
    pub(super) fn required(&self, state: &State) -> f64 {
        self.parameters.minimum_robust_accuracy.unwrap_or_else(|| {
            let n = self.ids.len();
            0.9 * self.correct(state, n) as f64 / n as f64
        })
    }

    /// The candidates that go on: one after the other, whoever together with those before leaves the fewest rows standing
    /// at the threshold's epsilon, then at all; who alone does; who spends fewer queries; who comes first.
    fn promoted(&self, state: &State) -> Vec<usize> {
        let n = self.rungs.up_to(state.rung);
        let mut left: Vec<usize> = state
            .racing
            .iter()
            .copied()
            .filter(|&place| state.found[place].refused.is_none())
            .collect();
        let all = &self.epsilons;
        let mut broken = vec![vec![false; n]; all.len()];
        let mut chosen = Vec::new();
        while chosen.len() < self.rungs.places(state.rung + 1) && !left.is_empty() {
            let key = |place: usize| {
                let found = &state.found[place];
                let counts = all.iter().zip(&broken).map(|(&epsilon, broken)| {
                    let together = |&row: &usize| broken[row] || found.breaks(row, epsilon);
                    let alone = |&row: &usize| found.breaks(row, epsilon);
                    ((0..n).filter(together).count(), (0..n).filter(alone).count())
                });
                let counts: Vec<(usize, usize)> = counts.collect();
                let threshold = all.iter().position(|&epsilon| epsilon == self.threshold_epsilon);
                let at_threshold = threshold.map_or(0, |index| counts[index].0);
                let together: usize = counts.iter().map(|count| count.0).sum();
                let alone: usize = counts.iter().map(|count| count.1).sum();
                (at_threshold, together, alone, Reverse(found.queries), Reverse(place))
            };
            let Some(best) = (0..left.len()).max_by_key(|&k| key(left[k])) else { break };
            let place = left.remove(best);
            for (&epsilon, broken) in all.iter().zip(&mut broken) {
                for (row, broken) in broken.iter_mut().enumerate() {
                    *broken |= state.found[place].breaks(row, epsilon);
                }
            }
            chosen.push(place);
        }
        chosen.sort_unstable();
        chosen
    }
}
