//! How words are mistyped, and which characters look like others.

use caiso_math::Stream;

/// The word with the letter at a place and the one after it swapped.
pub(crate) fn swap(word: &[char], place: usize) -> String {
    let mut word = word.to_vec();
    word.swap(place, place + 1);
    word.into_iter().collect()
}

/// The word without the letter at a place.
pub(crate) fn delete(word: &[char], place: usize) -> String {
    word[..place].iter().chain(&word[place + 1..]).collect()
}

/// The word with a letter before a place.
pub(crate) fn insert(word: &[char], place: usize, letter: char) -> String {
    word[..place].iter().chain([&letter]).chain(&word[place..]).collect()
}

/// The word with another letter at a place.
pub(crate) fn replace(word: &[char], place: usize, letter: char) -> String {
    word[..place].iter().chain([&letter]).chain(&word[place + 1..]).collect()
}

/// A random letter in the case of another one, and unlike it.
pub(crate) fn letters(like: char, stream: &mut Stream) -> char {
    loop {
        let letter = char::from(b'a' + stream.below(26) as u8);
        let letter = if like.is_uppercase() { letter.to_ascii_uppercase() } else { letter };
        if letter != like {
            return letter;
        }
    }
}

/// Lines of an English keyboard.
const KEYS: [&str; 4] = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// A random neighbour on the same line of an English keyboard.
pub(crate) fn neighbour(letter: char, stream: &mut Stream) -> Option<char> {
    let lower = letter.to_ascii_lowercase();
    let line = KEYS.iter().find(|line| line.contains(lower))?;
    let place = line.find(lower)?;
    let left = place.checked_sub(1).and_then(|left| line[left..].chars().next());
    let right = line[place + 1..].chars().next();
    let key = match (left, right) {
        (Some(left), Some(right)) => {
            if stream.below(2) == 0 {
                left
            } else {
                right
            }
        }
        (one, other) => one.or(other)?,
    };
    Some(if letter.is_ascii_uppercase() { key.to_ascii_uppercase() } else { key })
}

/// A sign of an ordinary keyboard that looks like a letter.
pub(crate) fn look_alike(letter: char) -> Option<char> {
    Some(match letter {
        'a' | 'A' => '@',
        'b' => '6',
        'B' => '8',
        'e' | 'E' => '3',
        'g' => '9',
        'i' | 'I' | 'l' => '1',
        'o' | 'O' => '0',
        's' | 'S' => '5',
        't' | 'T' => '7',
        'z' | 'Z' => '2',
        _ => return None,
    })
}

/// A letter of another script with the same shape (confusables of Unicode Technical Standard 39).
pub(crate) fn homoglyph(letter: char) -> Option<char> {
    const LATIN: &str = "acdehijopqswxyABCEHIJKMOPSTXY";
    const CYRILLIC: &str = "асԁеһіјорԛѕԝхуАВСЕНІЈКМОРЅТХҮ";
    let place = LATIN.find(letter)?;
    CYRILLIC.chars().nth(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homoglyphs_are_of_another_script_and_one_for_one() {
        let mut seen = Vec::new();
        for letter in (b'A'..=b'z').map(char::from) {
            if let Some(other) = homoglyph(letter) {
                assert!(('\u{400}'..='\u{52f}').contains(&other), "{letter} {other}");
                assert!(!seen.contains(&other));
                seen.push(other);
            }
        }
        assert_eq!(seen.len(), 29);
        assert_eq!(homoglyph('p'), Some('\u{440}'));
        assert_eq!(homoglyph('Y'), Some('\u{4ae}'));
    }

    #[test]
    fn neighbours_share_a_line() {
        let mut stream = Stream::new(1, "test", 0);
        assert_eq!(neighbour('Q', &mut stream), Some('W'));
        assert_eq!(neighbour('m', &mut stream), Some('n'));
        assert_eq!(neighbour('é', &mut stream), None);
        let both: Vec<char> = (0..50).filter_map(|_| neighbour('g', &mut stream)).collect();
        assert!(both.contains(&'f') && both.contains(&'h') && both.len() == 50);
    }

    #[test]
    fn words_are_mistyped_where_asked() {
        let word: Vec<char> = "wörd".chars().collect();
        assert_eq!(swap(&word, 1), "wröd");
        assert_eq!(delete(&word, 3), "wör");
        assert_eq!(insert(&word, 4, 's'), "wörds");
        assert_eq!(replace(&word, 0, 'l'), "lörd");
    }
}
