//! What puts the result of an attack with gradients in doubt, as AutoAttack's authors check it
//! (<https://github.com/fra31/auto-attack/blob/master/flags_doc.md>).

use caiso_inference::{Access, LogitTap};

use crate::run::{Problem, RowResult};
use crate::{Attack, RobustnessError, attacks, find};

/// Rows that a model is asked about twice.
const ASKED_TWICE: usize = 250;
/// By how much two answers may differ, relative to their length.
const DIFFERENCE: f64 = 1e-4;
/// By how much a sum of probabilities may miss 1.
const SUM: f32 = 1e-5;
/// Share of the rows that random search may break after attacks with gradients failed.
const BROKEN_BLINDLY: f64 = 0.002;

/// Whether the model may be judged by its gradients, from its `logits` for the rows themselves.
pub(crate) fn of_model(
    attack: &Attack,
    problem: &Problem<'_>,
    logits: &[f32],
) -> Result<Vec<String>, RobustnessError> {
    let mut notes = Vec::new();
    if attack.access < Access::Gradients {
        return Ok(notes);
    }
    let classes = problem.model.classes();
    let is_distribution = |row: &[f32]| {
        let sum: f32 = row.iter().sum();
        row.iter().all(|&p| (-SUM..=1.0 + SUM).contains(&p)) && (sum - 1.0).abs() <= SUM
    };
    let tap = problem.model.spec().tap;
    if tap == LogitTap::Probabilities
        || (tap == LogitTap::Output && logits.chunks_exact(classes).all(is_distribution))
    {
        notes.push(
            "the model gives probabilities, not logits: where they saturate, gradients vanish and the model \
             looks more robust than it is"
                .to_owned(),
        );
    }
    if attack.meta.code == attacks::autoattack::UNIT.meta.code {
        let count = problem.labels.len().min(ASKED_TWICE);
        let again = problem.model.logits(&problem.rows[..count * problem.domain.width()])?;
        let differs = |(a, b): (&[f32], &[f32])| {
            let length =
                |row: &[f32]| row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            let gap: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
            length(&gap) > DIFFERENCE * length(a)
        };
        if logits.chunks_exact(classes).zip(again.chunks_exact(classes)).any(differs) {
            notes.push(
                "the model answers the same input differently each time: gradients at one draw say little about \
                 the next, and the model looks more robust than it is"
                    .to_owned(),
            );
        }
    }
    Ok(notes)
}

/// What the results themselves show.
pub(crate) fn of_results(attack: &Attack, rows: &[RowResult]) -> Vec<String> {
    let mut notes = Vec::new();
    if attack.access < Access::Gradients {
        return notes;
    }
    let blind = |row: &&RowResult| {
        row.by.and_then(find).is_some_and(|attack| attack.access < Access::Gradients)
    };
    let broken = rows.iter().filter(blind).count();
    if broken as f64 > BROKEN_BLINDLY * rows.len() as f64 {
        notes.push(format!(
            "{broken} of {} rows fell to random search after all attacks with gradients had failed: the gradients \
             mislead, and attacks with gradients alone overstate this model's robustness",
            rows.len(),
        ));
    }
    let flat = rows.iter().filter(|row| row.without_gradient).count();
    if flat > 0 {
        notes.push(format!(
            "{flat} of {} rows stand and have a gradient of zero: attacks with gradients say nothing about them",
            rows.len(),
        ));
    }
    notes
}
