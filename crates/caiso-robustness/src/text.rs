//! Attacks on classifiers of texts, by edits of characters, through labels or scores alone.
//!
//! [`run_text`] attacks every text that is classified correctly. Each text is attacked by itself: its result depends on the
//! text, the seed and the model only.

mod draft;
mod greedy;
mod typing;
mod victim;

use caiso_core::{Meta, ParameterSet, Parameters, RunContext};
use caiso_inference::{Access, CHUNK, TextModel};
use rayon::prelude::*;
use serde::Serialize;

use crate::RobustnessError;
use crate::error::ending;
use victim::Victim;

caiso_core::units![TextAttack: badchars, deepwordbug, textbugger, typos];

/// A procedure that looks for adversarial texts, one file in `text/`.
pub struct TextAttack {
    /// What the attack says about itself. Its `name` is what the command line calls it.
    pub meta: Meta,
    /// The least that the model has to let one see.
    pub access: Access,
    /// What a person sees of its edits.
    pub looks: Looks,
    /// Its parameters: type, defaults, ranges, documentation.
    pub parameters: ParameterSet,
    /// Attacks one text and tells the victim what to try.
    pub(crate) run: fn(&mut Victim<'_>, &Parameters) -> Result<(), RobustnessError>,
}

/// What a person sees of the edits of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Looks {
    /// The same text as before.
    Same,
    /// The same words, mistyped.
    Mistyped,
}

/// A model and the texts it is attacked on.
#[derive(Clone, Copy)]
pub struct TextProblem<'a> {
    /// The classifier under attack.
    pub model: &'a dyn TextModel,
    /// The texts.
    pub texts: &'a [String],
    /// True class of each text, from 0.
    pub labels: &'a [usize],
}

/// How an attack on texts is run.
#[derive(Clone, Debug)]
pub struct TextSettings {
    /// The class that each text shall be taken for; any wrong one if `None`. A text whose label it is already is left out.
    pub targets: Option<Vec<usize>>,
    /// Most queries that one text may cost, besides the one for its class without an attack.
    pub queries: u64,
}

impl Default for TextSettings {
    fn default() -> Self {
        Self { targets: None, queries: u64::MAX }
    }
}

/// What an attack did to a set of texts.
#[derive(Clone, Debug, Serialize)]
pub struct TextAttacked {
    /// One for each text of the problem, in its order.
    pub texts: Vec<TextResult>,
    /// Why the attack ended before all texts were through, if it did.
    pub stopped: Option<String>,
}

/// What an attack did to one text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TextResult {
    /// True class.
    pub label: usize,
    /// Class without an attack.
    pub clean: usize,
    /// Class of the adversarial text, if there is one.
    pub flipped: Option<usize>,
    /// The adversarial text, else the text itself.
    pub text: String,
    /// Words that differ.
    pub words_changed: usize,
    /// Characters inserted, deleted or replaced, word by word (Levenshtein).
    pub edit_distance: usize,
    /// Texts the model was asked for.
    pub queries: u64,
    /// Whether the attack on this text ran to its end.
    pub finished: bool,
}

/// The attack on texts with this name.
pub fn find_text(name: &str) -> Option<&'static TextAttack> {
    ALL.iter().copied().find(|attack| attack.meta.name == name)
}

/// Checks what an attack needs against what there is.
fn check(
    attack: &TextAttack,
    problem: &TextProblem<'_>,
    settings: &TextSettings,
) -> Result<(), RobustnessError> {
    let (texts, classes) = (problem.texts.len(), problem.model.spec().classes);
    if texts == 0 {
        return Err(RobustnessError::NoRows);
    }
    let targets = settings.targets.as_deref().unwrap_or(problem.labels);
    for given in [problem.labels, targets] {
        if given.len() != texts {
            return Err(RobustnessError::Texts { texts, labels: given.len() });
        }
        if let Some(row) = given.iter().position(|&label| label >= classes) {
            return Err(RobustnessError::Label { row: row + 1, label: given[row], classes });
        }
    }
    if problem.model.access() < attack.access {
        return Err(RobustnessError::Access {
            attack: attack.meta.name,
            needed: "scores",
            given: "labels",
        });
    }
    Ok(())
}

/// Attacks every text that is classified correctly. `progress` is told how many texts are through.
pub fn run_text(
    attack: &TextAttack,
    parameters: &Parameters,
    problem: &TextProblem<'_>,
    settings: &TextSettings,
    context: &RunContext,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<TextAttacked, RobustnessError> {
    check(attack, problem, settings)?;
    let mut clean = Vec::with_capacity(problem.texts.len());
    for texts in problem.texts.chunks(CHUNK) {
        context.proceed()?;
        clean.extend(problem.model.predict(texts)?);
    }
    let results: Vec<(TextResult, Option<String>)> = (0..problem.texts.len())
        .into_par_iter()
        .map(|k| {
            let (text, label) = (&problem.texts[k], problem.labels[k]);
            let target = settings.targets.as_ref().map(|targets| targets[k]);
            let mut victim = Victim::new(attack, problem.model, context, k, text, label, target);
            victim.limit = settings.queries;
            let stopped = if clean[k] == label && target != Some(label) {
                ending((attack.run)(&mut victim, parameters))?
            } else {
                None
            };
            progress(1);
            Ok((victim.result(clean[k], stopped.is_none()), stopped))
        })
        .collect::<Result<_, RobustnessError>>()?;
    let stopped = results.iter().find_map(|(_, stopped)| stopped.clone());
    Ok(TextAttacked { texts: results.into_iter().map(|(result, _)| result).collect(), stopped })
}
