//! An endpoint with what it has answered.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use caiso_inference::Error;

use crate::answer::{Kind, Reader};
use crate::inputs::{Inputs, Key};
use crate::journal::Journal;
use crate::limits::{locked, waited};
use crate::template::Template;
use crate::transport::Transport;
use crate::warning::Warning;

/// How far from 1 probabilities may add up that are rounded to two decimals.
const ROUNDED_SUM: f32 = 0.005;

pub(crate) struct Target {
    /// What it is called in messages: method and address as described.
    pub(crate) shown: String,
    /// None when only kept answers are given.
    pub(crate) transport: Option<Transport>,
    pub(crate) template: Template,
    pub(crate) reader: Reader,
    pub(crate) batch: usize,
    pub(crate) concurrency: usize,
    pub(crate) budget: Option<u64>,
    pub(crate) answers: Answers,
}

/// The answers so far, shared by all calls.
pub(crate) struct Answers {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    entries: HashMap<Key, Entry>,
    journal: Option<Journal>,
    /// Inputs that were ever asked, in earlier processes too, and repetitions for a check.
    queries: u64,
    warnings: Vec<Warning>,
}

enum Entry {
    /// Some call is asking.
    Pending,
    Known(Vec<f32>),
}

impl Answers {
    pub(crate) fn new(
        kept: HashMap<Key, Vec<f32>>,
        journal: Option<Journal>,
        warnings: Vec<Warning>,
    ) -> Self {
        let queries = kept.len() as u64;
        let entries = kept.into_iter().map(|(key, answer)| (key, Entry::Known(answer))).collect();
        let state = State { entries, journal, queries, warnings };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

/// Inputs that one call asks for. What is still pending at its end is given up and not counted.
struct Claim<'a> {
    answers: &'a Answers,
    keys: &'a [Key],
    /// Indices into `keys`.
    mine: Vec<usize>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut state = locked(&self.answers.state);
        for &index in &self.mine {
            if matches!(state.entries.get(&self.keys[index]), Some(Entry::Pending)) {
                state.entries.remove(&self.keys[index]);
                state.queries -= 1;
            }
        }
        self.answers.changed.notify_all();
    }
}

impl Target {
    pub(crate) fn queries(&self) -> u64 {
        locked(&self.answers.state).queries
    }

    pub(crate) fn warnings(&self) -> Vec<Warning> {
        locked(&self.answers.state).warnings.clone()
    }

    /// Logits `[inputs, classes]`.
    pub(crate) fn logits(&self, inputs: Inputs<'_>) -> Result<Vec<f32>, Error> {
        let classes = self.reader.classes();
        let mut logits = Vec::with_capacity(inputs.len() * classes);
        for answer in self.ask(inputs)? {
            self.reader.kind.logits(&answer, classes, &mut logits);
        }
        Ok(logits)
    }

    /// The answer to each input, of which every one is asked at most once.
    fn ask(&self, inputs: Inputs<'_>) -> Result<Vec<Vec<f32>>, Error> {
        let keys: Vec<Key> = (0..inputs.len()).map(|index| inputs.key(index)).collect();
        loop {
            let claim = self.claim(&keys)?;
            self.ask_all(inputs, &claim.mine, &keys)?;
            drop(claim);
            let mut state = locked(&self.answers.state);
            let known = |key: &Key| match state.entries.get(key) {
                Some(Entry::Known(answer)) => Some(answer.clone()),
                _ => None,
            };
            if let Some(answers) = keys.iter().map(known).collect() {
                return Ok(answers);
            }
            // Another call asks for the rest, and gives up what it cannot have.
            if keys.iter().all(|key| state.entries.contains_key(key)) {
                state = waited(&self.answers.changed, state);
            }
            drop(state);
        }
    }

    /// Marks the inputs that nobody has asked as pending, counts them, and says which.
    fn claim<'a>(&'a self, keys: &'a [Key]) -> Result<Claim<'a>, Error> {
        let mut state = locked(&self.answers.state);
        let mut mine = Vec::new();
        for (index, &key) in keys.iter().enumerate() {
            if let MapEntry::Vacant(vacant) = state.entries.entry(key) {
                vacant.insert(Entry::Pending);
                mine.push(index);
            }
        }
        let queries = state.queries + mine.len() as u64;
        let refused = if mine.is_empty() {
            None
        } else if self.transport.is_none() {
            let what = format!("{} of {} inputs", mine.len(), keys.len());
            Some(self.no_answer("no answer was kept, and none is asked for in replay", &what))
        } else {
            let spent = self.budget.filter(|&budget| queries > budget);
            spent.map(|budget| Error::BudgetSpent { budget })
        };
        if let Some(error) = refused {
            for index in mine {
                state.entries.remove(&keys[index]);
            }
            self.answers.changed.notify_all();
            return Err(error);
        }
        state.queries = queries;
        Ok(Claim { answers: &self.answers, keys, mine })
    }

    /// Asks for all of `mine`, some requests at a time; the error is that of the first request that failed.
    fn ask_all(&self, inputs: Inputs<'_>, mine: &[usize], keys: &[Key]) -> Result<(), Error> {
        let size = if self.template.takes_many() { self.batch } else { 1 };
        let batches: Vec<&[usize]> = mine.chunks(size).collect();
        let keep = |batch: &[usize]| {
            let answers = self.request(inputs, batch)?;
            let kept = batch.iter().map(|&index| keys[index]).zip(answers).collect();
            self.keep(kept)
        };
        let workers = self.concurrency.min(batches.len());
        if workers <= 1 {
            return batches.into_iter().try_for_each(keep);
        }
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let batch = batches.get(number)?;
                if failed.load(Ordering::Relaxed) {
                    return None;
                }
                if let Err(error) = keep(batch) {
                    failed.store(true, Ordering::Relaxed);
                    return Some((number, error));
                }
            }
        };
        let first = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let ends = threads.into_iter().map(|thread| match thread.join() {
                Ok(end) => end,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            ends.flatten().min_by_key(|(number, _)| *number)
        });
        first.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// One request, whatever is known already.
    pub(crate) fn request(
        &self,
        inputs: Inputs<'_>,
        batch: &[usize],
    ) -> Result<Vec<Vec<f32>>, Error> {
        let what = match batch {
            [single] => format!("input {} of {}", single + 1, inputs.len()),
            [first, ..] => {
                format!("{} inputs from {} of {}", batch.len(), first + 1, inputs.len())
            }
            [] => return Ok(Vec::new()),
        };
        let Some(transport) = &self.transport else {
            return Err(self.no_answer("no request is sent", &what));
        };
        let body = self
            .template
            .render(inputs, batch)
            .map_err(|problem| self.no_answer(&problem, &what))?;
        let answer = transport
            .send(&body)
            .map_err(|problem| self.no_answer(&transport.redact(&problem), &what))?;
        self.reader.read(&answer, batch.len()).map_err(|_| {
            // Read again without secrets, so that none is left by a message that cuts the answer short.
            let answer = transport.redact(&String::from_utf8_lossy(&answer));
            let problem = match self.reader.read(answer.as_bytes(), batch.len()) {
                Err(problem) => problem,
                Ok(_) => "the answer cannot be used".to_owned(),
            };
            self.no_answer(&problem, &what)
        })
    }

    /// Keeps answers, on file first.
    fn keep(&self, answers: Vec<(Key, Vec<f32>)>) -> Result<(), Error> {
        let mut state = locked(&self.answers.state);
        if let Some(journal) = &mut state.journal {
            journal.append(&answers).map_err(|error| {
                Error::NoAnswer(format!("the journal cannot be written: {error}"))
            })?;
        }
        for (key, answer) in answers {
            if self.reader.kind == Kind::Probabilities {
                sum(&mut state.warnings, &answer);
            }
            state.entries.insert(key, Entry::Known(answer));
        }
        self.answers.changed.notify_all();
        Ok(())
    }

    /// Asks each input alone, alone again, and with the others; the answers are counted and not kept.
    pub(crate) fn repeat(&self, inputs: Inputs<'_>) -> Result<(), Error> {
        if self.transport.is_none() {
            return Ok(());
        }
        let all: Vec<usize> = (0..inputs.len()).collect();
        let together = self.template.takes_many() && self.batch > 1 && all.len() > 1;
        let rounds = if together { 3 } else { 2 };
        {
            let mut state = locked(&self.answers.state);
            let queries = state.queries + rounds * all.len() as u64;
            if let Some(budget) = self.budget.filter(|&budget| queries > budget) {
                return Err(Error::BudgetSpent { budget });
            }
            state.queries = queries;
        }
        let alone = || -> Result<Vec<Vec<f32>>, Error> {
            let each = all.iter().map(|&index| self.request(inputs, &[index]));
            Ok(each.collect::<Result<Vec<_>, Error>>()?.concat())
        };
        let (first, second) = (alone()?, alone()?);
        let (differing, largest) = compare(&first, &second);
        let asked = all.len();
        if differing > 0 {
            let warning = Warning::Randomised { asked, differing, largest };
            locked(&self.answers.state).warnings.push(warning);
        } else if together {
            let mut batched = Vec::with_capacity(asked);
            for batch in all.chunks(self.batch) {
                batched.extend(self.request(inputs, batch)?);
            }
            let (differing, largest) = compare(&first, &batched);
            if differing > 0 {
                let warning = Warning::Batching { asked, differing, largest };
                locked(&self.answers.state).warnings.push(warning);
            }
        }
        Ok(())
    }

    fn no_answer(&self, problem: &str, what: &str) -> Error {
        Error::NoAnswer(format!("{} for {what}: {problem}", self.shown))
    }
}

/// How many answers differ, and the largest difference. Differences in the last bits of single precision, as
/// parallel sums have them, are none.
fn compare(first: &[Vec<f32>], second: &[Vec<f32>]) -> (usize, f32) {
    let differences = first.iter().zip(second).map(|(first, second)| {
        first.iter().zip(second).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    });
    differences
        .filter(|&difference| difference > 1e-6)
        .fold((0, 0.0), |(count, largest), d| (count + 1, f32::max(largest, d)))
}

fn sum(warnings: &mut Vec<Warning>, answer: &[f32]) {
    let total: f32 = answer.iter().sum();
    let off = |total: f32| (total - 1.0).abs();
    if off(total) <= ROUNDED_SUM * answer.len() as f32 {
        return;
    }
    for warning in warnings.iter_mut() {
        if let Warning::Sum { answers, worst } = warning {
            *answers += 1;
            if off(total) > off(*worst) {
                *worst = total;
            }
            return;
        }
    }
    warnings.push(Warning::Sum { answers: 1, worst: total });
}
