use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use caiso_math::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::greedy::{Budget, search};
use super::typing::{delete, insert, look_alike, neighbour, replace, swap};
use super::victim::Victim;
use super::{Looks, TextAttack};
use crate::RobustnessError;

caiso_core::unit! {
    /// ## What it does
    /// The bugs of TextBugger that need no model of language, in the words that matter most: a blank inside a word, a letter left out,
    /// two inner letters swapped, a letter replaced by a sign that looks like it or by its neighbour on the keyboard. First and last
    /// letter stay where the word is long enough.
    ///
    /// ## Why it matters
    /// Such texts are what people write who want to get past a filter; readers hardly notice.
    ///
    /// ## References
    /// - Li et al.: TextBugger, NDSS 2019, <https://arxiv.org/abs/1812.05271>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: TextAttack = TextAttack {
        meta: Meta {
            code: "RB-TEXTBUGGER-001",
            name: "textbugger",
            title: "TextBugger",
            severity: Severity::High,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Labels,
        looks: Looks::Mistyped,
        parameters: ParameterSet::of::<TextBuggerParameters>(),
        run,
    };
}

/// Parameters of `textbugger`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct TextBuggerParameters {
    /// Largest share of the words that may change; one word always may.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    max_words: f64,
    /// Most characters inserted, deleted or replaced.
    #[schemars(range(min = 1))]
    max_edits: u32,
}

impl Default for TextBuggerParameters {
    fn default() -> Self {
        Self { max_words: 0.3, max_edits: 30 }
    }
}

fn run(victim: &mut Victim<'_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let TextBuggerParameters { max_words, max_edits } = parameters.read();
    search(victim, Budget { words: max_words, edits: max_edits }, spell)
}

fn spell(word: &str, stream: &mut Stream) -> Vec<String> {
    let word: Vec<char> = word.chars().collect();
    let mut spellings = Vec::new();
    // Places within the word, without its ends.
    let inner = word.len().saturating_sub(2) as u64;
    if word.len() >= 2 {
        spellings.push(insert(&word, 1 + stream.below(word.len() as u64 - 1) as usize, ' '));
    }
    if inner >= 1 {
        spellings.push(delete(&word, 1 + stream.below(inner) as usize));
        let place = 1 + stream.below(inner) as usize;
        if let Some(letter) = neighbour(word[place], stream) {
            spellings.push(replace(&word, place, letter));
        }
    }
    if inner >= 2 {
        spellings.push(swap(&word, 1 + stream.below(inner - 1) as usize));
    }
    let alike: Vec<(usize, char)> =
        word.iter().enumerate().filter_map(|(i, &c)| Some((i, look_alike(c)?))).collect();
    if !alike.is_empty() {
        let (place, sign) = alike[stream.below(alike.len() as u64) as usize];
        spellings.push(replace(&word, place, sign));
    }
    spellings
}
