use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use caiso_math::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::greedy::{Budget, search};
use super::typing::{delete, insert, letters, replace, swap};
use super::victim::Victim;
use super::{Looks, TextAttack};
use crate::RobustnessError;

caiso_core::unit! {
    /// ## What it does
    /// Mistypes the words that matter most, found by leaving out one word after another: two neighbouring letters swapped, one
    /// replaced, deleted or inserted. Of each word the variant that hurts most is kept, and what was not needed is taken back.
    ///
    /// ## Why it matters
    /// A reader understands a mistyped word, a model that knows words by their spelling does not. It takes scores or labels only.
    ///
    /// ## References
    /// - Gao et al.: Black-box Generation of Adversarial Text Sequences to Evade Deep Learning Classifiers, 2018,
    ///   <https://arxiv.org/abs/1801.04354>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: TextAttack = TextAttack {
        meta: Meta {
            code: "RB-DEEPWORDBUG-001",
            name: "deepwordbug",
            title: "DeepWordBug",
            severity: Severity::High,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Labels,
        looks: Looks::Mistyped,
        parameters: ParameterSet::of::<DeepWordBugParameters>(),
        run,
    };
}

/// Parameters of `deepwordbug`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct DeepWordBugParameters {
    /// Largest share of the words that may change; one word always may.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    max_words: f64,
    /// Most characters inserted, deleted or replaced.
    #[schemars(range(min = 1))]
    max_edits: u32,
}

impl Default for DeepWordBugParameters {
    fn default() -> Self {
        Self { max_words: 0.3, max_edits: 30 }
    }
}

fn run(victim: &mut Victim<'_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let DeepWordBugParameters { max_words, max_edits } = parameters.read();
    search(victim, Budget { words: max_words, edits: max_edits }, spell)
}

/// One variant of each kind, at random places.
fn spell(word: &str, stream: &mut Stream) -> Vec<String> {
    let word: Vec<char> = word.chars().collect();
    let mut spellings = Vec::new();
    if word.len() >= 2 {
        let place = stream.below(word.len() as u64 - 1) as usize;
        spellings.push(swap(&word, place));
        spellings.push(delete(&word, stream.below(word.len() as u64) as usize));
    }
    let place = stream.below(word.len() as u64) as usize;
    spellings.push(replace(&word, place, letters(word[place], stream)));
    let place = stream.below(word.len() as u64 + 1) as usize;
    spellings.push(insert(&word, place, letters(word[place.min(word.len() - 1)], stream)));
    spellings
}
