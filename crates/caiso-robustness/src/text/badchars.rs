use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use caiso_math::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::greedy::{Budget, search};
use super::typing::{homoglyph, insert, replace};
use super::victim::Victim;
use super::{Looks, TextAttack};
use crate::RobustnessError;

caiso_core::unit! {
    /// ## What it does
    /// Encodes the words that matter most in another way that looks the same on a screen: characters without width, letters of
    /// other scripts with the same shape, letters stored in another order and shown in the old one by the marks of bidirectional
    /// text, and, if asked for, letters that a backspace takes away again.
    ///
    /// ## Why it matters
    /// No reader can see it, so that nobody will report it. It works on whatever takes text as it comes, moderation and search
    /// included; normalising the text before the model stops it.
    ///
    /// ## References
    /// - Boucher et al.: Bad Characters: Imperceptible NLP Attacks, IEEE Symposium on Security and Privacy 2022,
    ///   <https://arxiv.org/abs/2106.09898>
    /// - Unicode Technical Standard 39: Unicode Security Mechanisms, <https://www.unicode.org/reports/tr39/>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: TextAttack = TextAttack {
        meta: Meta {
            code: "RB-BADCHARS-001",
            name: "badchars",
            title: "Bad characters",
            severity: Severity::High,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Labels,
        looks: Looks::Same,
        parameters: ParameterSet::of::<BadCharsParameters>(),
        run,
    };
}

/// Parameters of `badchars`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct BadCharsParameters {
    /// Ways of encoding.
    kinds: Vec<Kind>,
    /// Largest share of the words that may change; one word always may.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    max_words: f64,
    /// Most characters inserted, deleted or replaced.
    #[schemars(range(min = 1))]
    max_edits: u32,
}

impl Default for BadCharsParameters {
    fn default() -> Self {
        let kinds = vec![Kind::Invisible, Kind::Homoglyph, Kind::Reorder];
        Self { kinds, max_words: 0.3, max_edits: 60 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Characters without width between letters.
    Invisible,
    /// Letters of other scripts with the same shape.
    Homoglyph,
    /// Letters stored in reverse within marks that show them reversed again.
    Reorder,
    /// A letter and a backspace, which some programs show as nothing.
    Deletion,
}

const ZERO_WIDTH_SPACE: char = '\u{200b}';
const RIGHT_TO_LEFT_OVERRIDE: char = '\u{202e}';
const POP_DIRECTION: char = '\u{202c}';
const BACKSPACE: char = '\u{8}';

fn run(victim: &mut Victim<'_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let BadCharsParameters { kinds, max_words, max_edits } = parameters.read();
    search(victim, Budget { words: max_words, edits: max_edits }, |word, stream| {
        let word: Vec<char> = word.chars().collect();
        kinds.iter().flat_map(|kind| spell(*kind, &word, stream)).collect()
    })
}

/// One variant at a random place, and one of the whole word.
fn spell(kind: Kind, word: &[char], stream: &mut Stream) -> Vec<String> {
    match kind {
        Kind::Invisible if word.len() >= 2 => {
            let place = 1 + stream.below(word.len() as u64 - 1) as usize;
            let between = word.iter().map(char::to_string).collect::<Vec<_>>();
            let whole = between.join(ZERO_WIDTH_SPACE.encode_utf8(&mut [0; 4]));
            vec![insert(word, place, ZERO_WIDTH_SPACE), whole]
        }
        Kind::Homoglyph => {
            let alike: Vec<(usize, char)> =
                word.iter().enumerate().filter_map(|(i, &c)| Some((i, homoglyph(c)?))).collect();
            if alike.is_empty() {
                return Vec::new();
            }
            let (place, letter) = alike[stream.below(alike.len() as u64) as usize];
            let whole = word.iter().map(|&c| homoglyph(c).unwrap_or(c)).collect();
            vec![replace(word, place, letter), whole]
        }
        Kind::Reorder if word.len() >= 2 && word.iter().all(char::is_ascii_alphabetic) => {
            let place = stream.below(word.len() as u64 - 1) as usize;
            let reversed = |from: usize, to: usize| -> String {
                let inner = word[from..to].iter().rev().copied();
                let marked =
                    [RIGHT_TO_LEFT_OVERRIDE].into_iter().chain(inner).chain([POP_DIRECTION]);
                word[..from]
                    .iter()
                    .copied()
                    .chain(marked)
                    .chain(word[to..].iter().copied())
                    .collect()
            };
            vec![reversed(place, place + 2), reversed(0, word.len())]
        }
        // One letter has no inside, and digits and marks have directions of their own.
        Kind::Invisible | Kind::Reorder => Vec::new(),
        Kind::Deletion => {
            let place = stream.below(word.len() as u64 + 1) as usize;
            let (head, tail) = word.split_at(place);
            vec![head.iter().copied().chain(['x', BACKSPACE]).chain(tail.iter().copied()).collect()]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown: letters without width dropped, overridden stretches reversed, homoglyphs read as what they look like,
    /// backspaces applied.
    fn shown(text: &str) -> String {
        let mut shown: Vec<char> = Vec::new();
        let mut start = None;
        for c in text.chars() {
            match c {
                ZERO_WIDTH_SPACE => {}
                RIGHT_TO_LEFT_OVERRIDE => start = Some(shown.len()),
                POP_DIRECTION => shown[start.take().unwrap()..].reverse(),
                BACKSPACE => drop(shown.pop()),
                c => shown.push(('A'..='z').find(|&l| homoglyph(l) == Some(c)).unwrap_or(c)),
            }
        }
        shown.into_iter().collect()
    }

    #[test]
    fn every_variant_looks_like_the_word() {
        let mut stream = Stream::new(1, "test", 0);
        for word in ["a", "it", "Excellent", "JoySpech", "don't", "b2b", "größe"] {
            let letters: Vec<char> = word.chars().collect();
            for kind in [Kind::Invisible, Kind::Homoglyph, Kind::Reorder, Kind::Deletion] {
                for spelling in spell(kind, &letters, &mut stream) {
                    assert_ne!(spelling, word, "{kind:?}");
                    assert_eq!(shown(&spelling), word, "{kind:?} {spelling:?}");
                }
            }
        }
        let word: Vec<char> = "speech".chars().collect();
        for kind in [Kind::Invisible, Kind::Homoglyph, Kind::Reorder] {
            assert_eq!(spell(kind, &word, &mut stream).len(), 2, "{kind:?}");
        }
    }
}
