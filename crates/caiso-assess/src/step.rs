//! One planned check on one component, and running it under a budget.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use caiso_core::{Check, CheckError, Meta, Outcome, Parameters, RunContext, Subject};

/// How long a cancelled check may take to notice.
const GRACE: Duration = Duration::from_secs(2);

type Job = Box<dyn FnOnce(&RunContext) -> Result<Outcome, CheckError> + Send>;

/// A check on a component: what it is about, and what is to be done.
pub(crate) struct Step {
    pub(crate) meta: &'static Meta,
    /// `model:classifier`; empty for the whole system.
    pub(crate) component: String,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) parameters: Parameters,
    pub(crate) work: Work,
}

/// What is to be done with a step.
pub(crate) enum Work {
    /// Run it.
    Run(Job),
    /// Another command runs it; an assessment takes what that sealed last.
    Sealed(Job),
    /// It applies, but something it needs is missing.
    Missing(CheckError),
    /// It does not apply.
    NotApplicable(String),
    /// Left out on request.
    Skipped(String),
}

impl Step {
    /// A step that runs `check` on `input`.
    pub(crate) fn run<I: Send + Sync + 'static>(
        check: &'static Check<I>,
        input: &Arc<I>,
        component: &str,
        subjects: Vec<Subject>,
        parameters: Parameters,
    ) -> Self {
        let input = Arc::clone(input);
        let values = parameters.clone();
        let job: Job = Box::new(move |context| (check.run)(&input, &values, context));
        let component = component.to_owned();
        Self { meta: &check.meta, component, subjects, parameters, work: Work::Run(job) }
    }
}

impl Step {
    /// The same step, but for an assessment, which leaves the running to another command.
    pub(crate) fn sealed_elsewhere(self) -> Self {
        let work = match self.work {
            Work::Run(job) => Work::Sealed(job),
            other => other,
        };
        Self { work, ..self }
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// With an outcome.
    Outcome(Box<Outcome>),
    /// Without one; the reason and what would change it.
    Incomplete { reason: String, remedy: String },
}

/// Runs a job on its own thread. A job that panics or exceeds `budget` ends incomplete, and the
/// rest of the assessment goes on.
pub(crate) fn execute(job: Job, seed: u64, budget: Duration) -> (Ended, Duration) {
    let start = Instant::now();
    let context = RunContext::with_seed(seed);
    let cancelled = Arc::clone(&context.cancelled);
    let (sender, receiver) = mpsc::channel();
    let worker = std::thread::Builder::new().name("caiso-check".to_owned()).spawn(move || {
        let result = std::panic::catch_unwind(AssertUnwindSafe(|| job(&context)));
        // The receiver is gone only when the budget and the grace are spent.
        let _ = sender.send(result);
    });
    let result = match worker {
        Ok(_) => receiver.recv_timeout(budget).or_else(|_| {
            cancelled.store(true, Ordering::Relaxed);
            receiver.recv_timeout(GRACE)
        }),
        Err(error) => {
            let reason = format!("no thread could be started: {error}");
            let remedy = "close other programs and run again".to_owned();
            return (Ended::Incomplete { reason, remedy }, start.elapsed());
        }
    };
    let over_budget = || Ended::Incomplete {
        reason: format!("exceeded its budget of {} s", budget.as_secs_f64()),
        remedy: "raise --budget, or lower the check's parameters".to_owned(),
    };
    let ended = match result {
        Ok(Ok(Ok(outcome))) => Ended::Outcome(Box::new(outcome)),
        Ok(Ok(Err(CheckError::NotAssessable { reason, remedy }))) => {
            Ended::Incomplete { reason, remedy }
        }
        Ok(Ok(Err(_))) | Err(_) => over_budget(),
        Ok(Err(panic)) => Ended::Incomplete {
            reason: format!("an internal error stopped it: {}", panic_message(panic.as_ref())),
            remedy: "report it with the model's operators (`caiso checks MF-ID-001`)".to_owned(),
        },
    };
    (ended, start.elapsed())
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(job: Job, budget: Duration) -> String {
        match execute(job, 1, budget).0 {
            Ended::Outcome(outcome) => outcome.summary,
            Ended::Incomplete { reason, .. } => reason,
        }
    }

    #[test]
    fn a_panic_is_incomplete() {
        let job: Job = Box::new(|_| panic!("division of nothing"));
        let reason = reason(job, Duration::from_secs(5));
        assert_eq!(reason, "an internal error stopped it: division of nothing");
    }

    #[test]
    fn a_check_over_budget_is_stopped() {
        let job: Job = Box::new(|context| {
            loop {
                context.proceed()?;
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        assert_eq!(reason(job, Duration::from_millis(20)), "exceeded its budget of 0.02 s");
    }

    #[test]
    fn a_check_that_never_looks_is_abandoned() {
        let job: Job = Box::new(|_| {
            std::thread::sleep(Duration::from_secs(10));
            Ok(Outcome::default())
        });
        assert_eq!(reason(job, Duration::from_millis(5)), "exceeded its budget of 0.005 s");
    }

    #[test]
    fn the_outcome_comes_back() {
        let job: Job = Box::new(|context| {
            Ok(Outcome { summary: format!("seed {}", context.seed), ..Outcome::default() })
        });
        assert_eq!(reason(job, Duration::from_secs(5)), "seed 1");
    }
}
