//! Signs that an attack says more of itself than of the model.

use caiso_inference::Access;
use caiso_robustness::{Attacked, fooled_by_other_only, stands_at_larger_epsilon};

use super::options::Chosen;

/// What one run of an attack found.
pub(super) struct Run<'a> {
    pub(super) chosen: &'a Chosen,
    /// Those it answers for; none if it was run without one.
    pub(super) epsilons: Vec<f64>,
    pub(super) attacked: Attacked,
}

/// Compares runs with each other: attacks without gradients that break what attacks with gradients leave standing, and attacks
/// that are weaker in a larger ball.
pub(super) fn doubts(runs: &[Run<'_>]) -> Vec<String> {
    let pairs = runs.iter().flat_map(|run| runs.iter().map(move |other| (run, other)));
    pairs
        .filter(|(run, other)| run.chosen.norm == other.chosen.norm)
        .flat_map(|(run, other)| masked(run, other).into_iter().chain(weaker(run, other)))
        .collect()
}

/// Epsilons at which `other`, which sees no gradients, breaks rows that `run` leaves standing.
fn masked(run: &Run<'_>, other: &Run<'_>) -> Vec<String> {
    let (attack, blind) = (run.chosen.attack, other.chosen.attack);
    if attack.access < Access::Gradients || blind.access == Access::Gradients {
        return Vec::new();
    }
    let shared = run.epsilons.iter().filter(|epsilon| other.epsilons.contains(epsilon));
    shared
        .filter_map(|&epsilon| {
            let norm = run.chosen.norm;
            let rows = fooled_by_other_only(&run.attacked, &other.attacked, norm, epsilon).len();
            (rows > 0).then(|| {
                format!(
                    "`{}`, which sees no gradients, breaks {rows} rows within {epsilon} that `{}` leaves standing: \
                     gradients may be masked, or it needs more steps",
                    blind.meta.name, attack.meta.name
                )
            })
        })
        .collect()
}

/// Whether the same attack breaks less in a larger ball, which holds the smaller one.
fn weaker(run: &Run<'_>, other: &Run<'_>) -> Option<String> {
    let name = run.chosen.attack.meta.name;
    let (&[small], &[large]) = (run.epsilons.as_slice(), other.epsilons.as_slice()) else {
        return None;
    };
    if name != other.chosen.attack.meta.name || small >= large {
        return None;
    }
    let (smaller, larger) = ((small, &run.attacked), (large, &other.attacked));
    let rows = stands_at_larger_epsilon(smaller, larger, run.chosen.norm).len();
    (rows > 0).then(|| {
        format!(
            "{rows} rows that `{name}` breaks within {small} stand against it within {large}: it needs smaller steps, \
             more of them or restarts"
        )
    })
}
