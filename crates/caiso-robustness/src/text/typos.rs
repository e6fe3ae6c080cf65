use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::typing::swap;
use super::victim::Victim;
use super::{Looks, TextAttack};
use crate::RobustnessError;

caiso_core::unit! {
    /// ## What it does
    /// Swaps neighbouring letters of random words, without looking at the model's answers, several times.
    ///
    /// ## Why it matters
    /// It is what happens without any attacker. A model whose decision hangs on a typing error needs none.
    ///
    /// ## References
    /// - Ribeiro et al.: Beyond Accuracy: Behavioral Testing of NLP Models with CheckList, ACL 2020,
    ///   <https://aclanthology.org/2020.acl-main.442>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: TextAttack = TextAttack {
        meta: Meta {
            code: "RB-TYPOS-001",
            name: "typos",
            title: "Random typing errors",
            severity: Severity::High,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Labels,
        looks: Looks::Mistyped,
        parameters: ParameterSet::of::<TyposParameters>(),
        run,
    };
}

/// Parameters of `typos`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct TyposParameters {
    /// Swaps in each draw, in different words.
    #[schemars(range(min = 1, max = 10_000))]
    typos: u32,
    /// Draws for each text.
    #[schemars(range(min = 1, max = 100_000))]
    repeats: u32,
}

impl Default for TyposParameters {
    fn default() -> Self {
        Self { typos: 1, repeats: 10 }
    }
}

fn run(victim: &mut Victim<'_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let TyposParameters { typos, repeats } = parameters.read();
    // Words in which two neighbours differ, and where.
    let places = |word: &[char]| -> Vec<usize> {
        (1..word.len()).filter(|&i| word[i - 1] != word[i]).map(|i| i - 1).collect()
    };
    let mut swappable: Vec<(usize, Vec<char>, Vec<usize>)> = (0..victim.words.len())
        .map(|number| {
            let word: Vec<char> = victim.words.word(number).chars().collect();
            let places = places(&word);
            (number, word, places)
        })
        .filter(|(.., places)| !places.is_empty())
        .collect();
    if swappable.is_empty() {
        return Ok(());
    }
    for _ in 0..repeats {
        victim.stream.shuffle(&mut swappable);
        let mut draft = Draft::new();
        for (number, word, places) in swappable.iter().take(typos as usize) {
            let place = places[victim.stream.below(places.len() as u64) as usize];
            draft.insert(*number, swap(word, place));
        }
        victim.attempt(&[draft])?;
    }
    Ok(())
}
