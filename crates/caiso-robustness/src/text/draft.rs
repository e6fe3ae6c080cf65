//! A text as words and what lies between them, and changes of some of its words.

use std::collections::BTreeMap;

/// A text cut into words (letters, digits and apostrophes) and what lies between them.
#[derive(Debug)]
pub(crate) struct Words<'t> {
    pieces: Vec<&'t str>,
    /// Which pieces are words.
    words: Vec<usize>,
}

/// New spellings of some words, by their number; an empty one deletes the word.
pub(crate) type Draft = BTreeMap<usize, String>;

impl<'t> Words<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let is_word = |c: char| c.is_alphanumeric() || c == '\'' || c == '\u{2019}';
        let (mut pieces, mut words) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let word = is_word(first);
            let end = rest.find(|c| is_word(c) != word).unwrap_or(rest.len());
            let (piece, after) = rest.split_at(end);
            if word {
                words.push(pieces.len());
            }
            pieces.push(piece);
            rest = after;
        }
        Self { pieces, words }
    }

    /// Number of words.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    pub(crate) fn word(&self, number: usize) -> &'t str {
        self.pieces[self.words[number]]
    }

    /// The text with some words changed.
    pub(crate) fn with(&self, draft: &Draft) -> String {
        let mut text = String::new();
        let mut changes = draft.iter().map(|(&number, word)| (self.words[number], word)).peekable();
        for (place, piece) in self.pieces.iter().enumerate() {
            match changes.next_if(|&(changed, _)| changed == place) {
                Some((_, word)) => text.push_str(word),
                None => text.push_str(piece),
            }
        }
        text
    }

    /// Characters inserted, deleted or replaced.
    pub(crate) fn edit_distance(&self, draft: &Draft) -> usize {
        draft.iter().map(|(&number, word)| strsim::levenshtein(self.word(number), word)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_its_pieces() {
        for text in ["", "one", " Don't  panic, says 42! ", "größer – ÷ Ⅷ", "日本語 text\n"]
        {
            assert_eq!(Words::new(text).with(&Draft::new()), text);
        }
        let words = Words::new(" Don't  panic, says 42! ");
        assert_eq!(
            (0..words.len()).map(|k| words.word(k)).collect::<Vec<_>>(),
            ["Don't", "panic", "says", "42"]
        );
        let draft = Draft::from([(1, "pancake".to_owned()), (3, String::new())]);
        assert_eq!(words.with(&draft), " Don't  pancake, says ! ");
        assert_eq!(words.edit_distance(&draft), 4 + 2);
    }
}
