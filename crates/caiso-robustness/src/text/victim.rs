//! A text under attack: what an attack may ask about it, and what it has found.

use caiso_core::RunContext;
use caiso_inference::{Access, CHUNK, Loss, TextModel, arg_max};
use caiso_math::Stream;

use super::draft::{Draft, Words};
use super::{TextAttack, TextResult};
use crate::RobustnessError;

pub(crate) struct Victim<'a> {
    model: &'a dyn TextModel,
    context: &'a RunContext,
    pub(crate) words: Words<'a>,
    text: &'a str,
    label: usize,
    target: Option<usize>,
    /// The random stream of this text.
    pub(crate) stream: Stream,
    queries: u64,
    /// Most queries.
    pub(crate) limit: u64,
    /// The adversarial text with the fewest changed words, of these the one with the fewest edits, and its class.
    pub(crate) found: Option<(Draft, usize)>,
}

impl<'a> Victim<'a> {
    pub(crate) fn new(
        attack: &TextAttack,
        model: &'a dyn TextModel,
        context: &'a RunContext,
        index: usize,
        text: &'a str,
        label: usize,
        target: Option<usize>,
    ) -> Self {
        Self {
            model,
            context,
            words: Words::new(text),
            text,
            label,
            target,
            stream: Stream::new(context.seed, attack.meta.code, index as u64),
            queries: 0,
            limit: u64::MAX,
            found: None,
        }
    }

    /// Whether the model gives scores, which tell one edit from another before the decision changes.
    pub(crate) fn has_scores(&self) -> bool {
        self.model.access() > Access::Labels
    }

    /// Queries that this text may still cost.
    pub(crate) fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.queries)
    }

    /// How far the wanted decision is ahead for each of these texts: positive where the model is fooled.
    pub(crate) fn score(&mut self, drafts: &[Draft]) -> Result<Vec<f32>, RobustnessError> {
        Ok(self.ask(drafts)?.into_iter().map(|(ahead, _)| ahead).collect())
    }

    /// The same, and keeps what fools the model.
    pub(crate) fn attempt(&mut self, drafts: &[Draft]) -> Result<Vec<f32>, RobustnessError> {
        let answers = self.ask(drafts)?;
        for (draft, &(_, class)) in drafts.iter().zip(&answers) {
            let fools = self.target.map_or(class != self.label, |target| class == target);
            let size = |draft: &Draft| (draft.len(), self.words.edit_distance(draft));
            if fools && self.found.as_ref().is_none_or(|(found, _)| size(draft) < size(found)) {
                self.found = Some((draft.clone(), class));
            }
        }
        Ok(answers.into_iter().map(|(ahead, _)| ahead).collect())
    }

    /// How far the wanted decision is ahead, and the decision.
    fn ask(&mut self, drafts: &[Draft]) -> Result<Vec<(f32, usize)>, RobustnessError> {
        let classes = self.model.spec().classes;
        let mut answers = Vec::with_capacity(drafts.len());
        let mut seed = vec![0.0; classes];
        for drafts in drafts.chunks(CHUNK) {
            self.context.proceed()?;
            if drafts.len() as u64 > self.remaining() {
                return Err(RobustnessError::QueriesSpent);
            }
            self.queries += drafts.len() as u64;
            let texts: Vec<String> = drafts.iter().map(|draft| self.words.with(draft)).collect();
            let logits = self.model.logits(&texts)?;
            for logits in logits.chunks_exact(classes) {
                let ahead = match self.target {
                    Some(target) => -Loss::Margin.value_and_seed(logits, target, &mut seed),
                    None => Loss::Margin.value_and_seed(logits, self.label, &mut seed),
                };
                answers.push((ahead, arg_max(logits)));
            }
        }
        Ok(answers)
    }

    /// What came of it.
    pub(crate) fn result(self, clean: usize, finished: bool) -> TextResult {
        let wrong = (clean != self.label).then_some(clean);
        let (draft, flipped) = match self.found {
            Some((draft, class)) => (draft, Some(class)),
            None => (Draft::new(), wrong),
        };
        TextResult {
            label: self.label,
            clean,
            flipped,
            text: if draft.is_empty() { self.text.to_owned() } else { self.words.with(&draft) },
            words_changed: draft.len(),
            edit_distance: self.words.edit_distance(&draft),
            queries: self.queries + 1,
            finished: finished || flipped.is_some(),
        }
    }
}
