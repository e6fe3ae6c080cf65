//! A campaign as a check.

use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::parameters::CampaignParameters;
use super::{Campaign, Step};
use crate::RobustnessInput;

caiso_core::unit! {
    /// ## What it does
    /// Attacks the model with every attack that fits what the model lets one see and the norm, each with its default
    /// parameters and with others drawn around them. The candidates race by successive halving: all attack the same few rows,
    /// those that together break most of them go on to twice as many. A row counts as robust at an epsilon only if no attack
    /// broke it. Reports the worst case for each epsilon, what each attack alone achieves and how many queries it spends
    /// for a success, and the smallest changes that flip a decision.
    ///
    /// `caiso redteam model` runs it, within a budget of queries and of time; it continues a campaign that was stopped, and
    /// stops by itself once the answer is known. `caiso assess` takes up the last campaign that was sealed for the same model
    /// and data.
    ///
    /// ## Why it matters
    /// One attack shows that one attack fails. Somebody who wants a decision to flip tries many, changes their parameters,
    /// and keeps what works.
    ///
    /// ## References
    /// - Jamieson, Talwalkar: Non-stochastic Best Arm Identification and Hyperparameter Optimization, AISTATS 2016,
    ///   <https://arxiv.org/abs/1502.07943>
    /// - Carlini et al.: On Evaluating Adversarial Robustness, 2019, <https://arxiv.org/abs/1902.06705>
    /// - Biggio, Roli: Wild Patterns, Pattern Recognition 84, 2018, <https://arxiv.org/abs/1712.03141>
    /// - MITRE ATLAS AML.T0043, AML.T0015
    /// - EU AI Act, Article 15(4) and (5); NIST AI RMF MEASURE 2.7
    static UNIT: Check<RobustnessInput> = Check {
        meta: Meta {
            code: super::CODE,
            name: "evasion-campaign",
            title: "Decisions flip under the worst of many attacks",
            severity: Severity::High,
            techniques: &["AML.T0043", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        parameters: ParameterSet::of::<CampaignParameters>(),
        run,
    };
}

/// The check that runs a campaign from its beginning to its end. It is not among [`CHECKS`](crate::CHECKS), since an
/// assessment does not start campaigns.
pub static CAMPAIGNS: &[&Check<RobustnessInput>] = &[&UNIT];

pub(super) fn meta() -> &'static Meta {
    &UNIT.meta
}

fn run(
    input: &RobustnessInput,
    parameters: &Parameters,
    context: &RunContext,
) -> Result<Outcome, CheckError> {
    let campaign = Campaign::new(input, parameters, context.seed)?;
    let mut state = campaign.start();
    loop {
        match campaign.step(&mut state, context)? {
            Step::Done => {}
            Step::Stopped(reason) => return Ok(campaign.outcome(&state, Some(&reason))),
            Step::Ended(_) => return Ok(campaign.outcome(&state, None)),
        }
    }
}
