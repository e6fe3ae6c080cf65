//! Campaigns: many attacks with many parameters on one model, within budgets.
//!
//! A campaign is a race of candidates, each an attack with one set of parameters, by successive halving (Jamieson and
//! Talwalkar 2016, <https://arxiv.org/abs/1502.07943>): all candidates attack a few rows, the half that breaks most
//! of them goes on to twice as many. What any candidate found counts: a row is robust at an epsilon only if no attack broke
//! it.
//!
//! [`Campaign::step`] does one piece of work and leaves a [`State`] that can be written down. A campaign that is continued from
//! there comes to the same result, bit for bit, as one that was never stopped.

mod check;
mod draw;
mod examples;
mod parameters;
mod plan;
mod report;
mod state;
mod step;

use caiso_core::{Parameters, Subject};
use caiso_math::Stream;

pub use check::CAMPAIGNS;
pub use state::{Ended, State};
pub use step::Step;

use crate::campaign::parameters::CampaignParameters;
use crate::campaign::plan::{Candidate, LeftOut, Rungs, Target};
use crate::{RobustnessError, RobustnessInput, input};

/// Code of the check: keys its random streams.
const CODE: &str = "RB-REDTEAM-001";

/// A campaign that is laid out: who attacks, on which rows.
pub struct Campaign<'a> {
    input: &'a RobustnessInput,
    parameters: CampaignParameters,
    /// Ascending, with the threshold's.
    epsilons: Vec<f64>,
    threshold_epsilon: f64,
    seed: u64,
    candidates: Vec<Candidate>,
    left_out: Vec<LeftOut>,
    rungs: Rungs,
    /// Rows of the input that take part, in the order in which they are drawn.
    ids: Vec<usize>,
    rows: Vec<f32>,
    labels: Vec<usize>,
}

impl<'a> Campaign<'a> {
    /// Chooses attacks, draws their parameters and the rows.
    ///
    /// # Errors
    /// If the input is no problem, an attack that is asked for is unknown, or none fits the model.
    pub fn new(
        input: &'a RobustnessInput,
        parameters: &Parameters,
        seed: u64,
    ) -> Result<Self, RobustnessError> {
        let parameters: CampaignParameters = parameters.read();
        input::check(input.model.as_ref(), &input.domain, &input.rows, &input.labels)?;
        let (epsilons, threshold_epsilon) = parameters.epsilons();
        let target = Target { access: input.model.access(), trees: input.model.trees().is_some() };
        let plan = plan::plan(target, input.len(), &parameters, seed)?;
        // One stream for the choice, on a row number that no row has.
        let mut ids: Vec<usize> = (0..input.len()).collect();
        Stream::new(seed, CODE, u64::MAX).shuffle(&mut ids);
        ids.truncate(plan.rungs.rows());
        let width = input.domain.width();
        Ok(Self {
            input,
            parameters,
            epsilons,
            threshold_epsilon,
            seed,
            candidates: plan.candidates,
            left_out: plan.left_out,
            rungs: plan.rungs,
            rows: ids.iter().flat_map(|&id| &input.rows[id * width..][..width]).copied().collect(),
            labels: ids.iter().map(|&id| input.labels[id]).collect(),
            ids,
        })
    }

    /// The state before the first step.
    pub fn start(&self) -> State {
        State::new(self.candidates.len())
    }

    /// Row `place` of those that take part.
    fn row(&self, place: usize) -> &[f32] {
        let width = self.input.domain.width();
        &self.rows[place * width..][..width]
    }
}

/// Key under which the newest campaign against these subjects is found in the ledger.
pub fn campaign_key(subjects: &[Subject]) -> String {
    let mut parts: Vec<String> =
        subjects.iter().map(|subject| format!("{}={}\n", subject.name, subject.sha256())).collect();
    parts.sort();
    caiso_core::sha256_hex(format!("{CODE}\n{}", parts.concat()).as_bytes())
}
