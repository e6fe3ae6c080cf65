//! Greedy search over words: the most important ones first, for each the spelling that helps most, then back with what was
//! not needed.

use caiso_math::Stream;

use super::draft::Draft;
use super::victim::Victim;
use crate::RobustnessError;

/// How much of a text may change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Share of the words, at least one.
    pub(crate) words: f64,
    /// Characters inserted, deleted or replaced.
    pub(crate) edits: u32,
}

/// Searches with the spellings that `spell` offers for a word.
pub(crate) fn search(
    victim: &mut Victim<'_>,
    budget: Budget,
    mut spell: impl FnMut(&str, &mut Stream) -> Vec<String>,
) -> Result<(), RobustnessError> {
    let count = victim.words.len();
    let most_words = ((count as f64 * budget.words).ceil() as usize).max(1);
    let (order, mut best) = importance(victim)?;
    let mut draft = Draft::new();
    for number in order {
        if draft.len() == most_words || victim.found.is_some() {
            break;
        }
        let word = victim.words.word(number);
        let mut spellings = spell(word, &mut victim.stream);
        spellings.sort();
        spellings.dedup();
        let mut drafts: Vec<Draft> = spellings
            .into_iter()
            .filter(|spelling| spelling != word)
            .map(|spelling| {
                let mut draft = draft.clone();
                draft.insert(number, spelling);
                draft
            })
            .filter(|draft| victim.words.edit_distance(draft) <= budget.edits as usize)
            .collect();
        // Where labels tell nothing apart chance has to choose.
        victim.stream.shuffle(&mut drafts);
        let scores = victim.attempt(&drafts)?;
        let mut better = None;
        for (k, &score) in scores.iter().enumerate() {
            if score > best || (better.is_none() && !victim.has_scores()) {
                (best, better) = (score, Some(k));
            }
        }
        if let Some(k) = better {
            draft = drafts.swap_remove(k);
        }
    }
    prune(victim)
}

/// The words in the order of what their deletion does to the score, and the score of the text itself. Longer words come first
/// among equals; where the queries do not reach for all, only the longest are asked for.
fn importance(victim: &mut Victim<'_>) -> Result<(Vec<usize>, f32), RobustnessError> {
    let mut order: Vec<usize> = (0..victim.words.len()).collect();
    order.sort_by_key(|&number| std::cmp::Reverse(victim.words.word(number).chars().count()));
    // Half of the queries are for the search itself.
    let affordable = usize::try_from(victim.remaining() / 2).unwrap_or(usize::MAX);
    order.truncate(affordable.max(1));
    let deletions = order.iter().map(|&number| Draft::from([(number, String::new())]));
    let drafts: Vec<Draft> = std::iter::once(Draft::new()).chain(deletions).collect();
    let scores = victim.score(&drafts)?;
    let mut ranked: Vec<(f32, usize)> = scores[1..].iter().copied().zip(order).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok((ranked.into_iter().map(|(_, number)| number).collect(), scores[0]))
}

/// Takes changes back one by one, as long as the model stays fooled.
fn prune(victim: &mut Victim<'_>) -> Result<(), RobustnessError> {
    let Some((mut draft, _)) = victim.found.clone() else { return Ok(()) };
    let numbers: Vec<usize> = draft.keys().copied().collect();
    for number in numbers {
        if draft.len() == 1 {
            break;
        }
        let mut fewer = draft.clone();
        fewer.remove(&number);
        victim.attempt(std::slice::from_ref(&fewer))?;
        if victim.found.as_ref().is_some_and(|(found, _)| *found == fewer) {
            draft = fewer;
        }
    }
    Ok(())
}
