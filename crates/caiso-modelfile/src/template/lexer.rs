//! A template as blocks, and their content as tokens.

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    Text(String),
    Int(i64),
    /// An operator or bracket; numbers with fractions are not told apart.
    Sign(&'static str),
    /// Something no expression has.
    Bad,
}

#[derive(Clone, Debug)]
pub(super) enum Block {
    /// Output as it stands.
    Plain(String),
    /// `{{ … }}`
    Output(Vec<Token>),
    /// `{% … %}`
    Statement(Vec<Token>),
}

const SIGNS: [&str; 33] = [
    "**", "//", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|", "~", "+",
    "-", "*", "/", "%", "<", ">", "=", ";", "!", "?", "@", "&", "^", "$", "\\",
];

/// Cuts a template into blocks; a reason where it has an end too few.
pub(super) fn blocks(text: &str) -> (Vec<Block>, Option<String>) {
    let mut blocks = Vec::new();
    let mut rest = text;
    loop {
        let Some(at) = ["{{", "{%", "{#"].iter().filter_map(|open| rest.find(open)).min() else {
            blocks.push(Block::Plain(rest.to_owned()));
            return (blocks, None);
        };
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        blocks.push(Block::Plain(before.to_owned()));
        let inside = from.get(2..).unwrap_or_default();
        if from.starts_with("{#") {
            let Some((_, after)) = inside.split_once("#}") else {
                return (blocks, Some("a comment has no end".to_owned()));
            };
            rest = after;
            continue;
        }
        let statement = from.starts_with("{%");
        let (tokens, after) =
            tokens(inside.trim_start_matches(['-', '+']), if statement { "%}" } else { "}}" });
        let Some(after) = after else {
            blocks.push(if statement { Block::Statement(tokens) } else { Block::Output(tokens) });
            return (blocks, Some("a block has no end".to_owned()));
        };
        rest = after;
        if statement && tokens == [Token::Name("raw".to_owned())] {
            let Some((raw, after)) = end_of_raw(rest) else {
                return (blocks, Some("a raw block has no end".to_owned()));
            };
            blocks.push(Block::Plain(raw.to_owned()));
            rest = after;
            continue;
        }
        blocks.push(if statement { Block::Statement(tokens) } else { Block::Output(tokens) });
    }
}

/// What lies before `{% endraw %}`, and behind it.
fn end_of_raw(text: &str) -> Option<(&str, &str)> {
    let mut from = 0_usize;
    loop {
        let at = from.checked_add(text.get(from..)?.find("{%")?)?;
        let inside = text.get(at.checked_add(2)?..)?;
        let word = inside.trim_start_matches(['-', '+']).trim_start();
        if let Some(after) = word.strip_prefix("endraw") {
            let after = after.trim_start().trim_start_matches(['-', '+']);
            if let Some(after) = after.strip_prefix("%}") {
                return Some((text.get(..at)?, after));
            }
        }
        from = at.checked_add(2)?;
    }
}

/// The tokens up to the end of a block, and what follows it.
fn tokens<'t>(text: &'t str, end: &str) -> (Vec<Token>, Option<&'t str>) {
    let mut tokens = Vec::new();
    let mut rest = text;
    // A brace that closes a dictionary is not the end of the block.
    let mut braces = 0_usize;
    loop {
        rest = rest.trim_start();
        if braces == 0 || end == "%}" {
            let trimmed = rest.strip_prefix(['-', '+']).unwrap_or(rest);
            if let Some(after) = trimmed.strip_prefix(end).or_else(|| rest.strip_prefix(end)) {
                return (tokens, Some(after));
            }
        }
        let Some(first) = rest.chars().next() else { return (tokens, None) };
        if first == '\'' || first == '"' {
            let Some((text, after)) = string(rest, first) else {
                tokens.push(Token::Bad);
                return (tokens, None);
            };
            tokens.push(Token::Text(text));
            rest = after;
        } else if first == '_' || first.is_alphabetic() {
            let length =
                rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            tokens.push(Token::Name(normalised(name)));
            rest = after;
        } else if first.is_ascii_digit() {
            let length =
                rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let (number, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            tokens.push(integer(number).map_or(Token::Bad, Token::Int));
            rest = after;
        } else if let Some((sign, after)) =
            SIGNS.iter().find_map(|sign| Some((*sign, rest.strip_prefix(*sign)?)))
        {
            match sign {
                "{" => braces = braces.saturating_add(1),
                "}" => braces = braces.saturating_sub(1),
                _ => {}
            }
            tokens.push(Token::Sign(sign));
            rest = after;
        } else {
            tokens.push(Token::Bad);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
}

/// Python reads letters of other widths and styles as the plain ones.
fn normalised(name: &str) -> String {
    name.chars()
        .map(|character| {
            let code = u32::from(character);
            let plain = match code {
                // Full-width forms.
                0xff01..=0xff5e => code.checked_sub(0xfee0),
                // Mathematical alphabets: 13 styles of 52 letters each.
                0x1d400..=0x1d6a3 => {
                    let letter = code.saturating_sub(0x1d400) % 52;
                    Some(if letter < 26 {
                        letter.saturating_add(0x41)
                    } else {
                        letter.saturating_add(0x47)
                    })
                }
                _ => None,
            };
            plain.and_then(char::from_u32).unwrap_or(character)
        })
        .collect()
}

fn integer(text: &str) -> Option<i64> {
    let text = text.replace('_', "").to_ascii_lowercase();
    match text.get(..2) {
        Some("0x") => i64::from_str_radix(text.get(2..)?, 16).ok(),
        Some("0o") => i64::from_str_radix(text.get(2..)?, 8).ok(),
        Some("0b") => i64::from_str_radix(text.get(2..)?, 2).ok(),
        // An exponent makes a fraction, whose value plays no part.
        _ => text.split('e').next()?.parse().ok(),
    }
}

/// The content of a quoted text with Python's escapes, and what follows it.
fn string(quoted: &str, quote: char) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut characters = quoted.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == quote {
            return Some((content, quoted.get(at.checked_add(character.len_utf8())?..)?));
        }
        if character != '\\' {
            content.push(character);
            continue;
        }
        let (at, escape) = characters.next()?;
        let behind = at.checked_add(escape.len_utf8())?;
        let digits = |most: usize, radix: u32| -> (usize, Option<char>) {
            let run: String = quoted
                .get(behind..)
                .unwrap_or_default()
                .chars()
                .take(most)
                .take_while(|digit| digit.is_digit(radix))
                .collect();
            (run.len(), u32::from_str_radix(&run, radix).ok().and_then(char::from_u32))
        };
        let (used, escaped) = match escape {
            'n' => (0, Some('\n')),
            't' => (0, Some('\t')),
            'r' => (0, Some('\r')),
            'a' | 'b' | 'f' | 'v' => (0, Some(' ')),
            'x' => digits(2, 16),
            'u' => digits(4, 16),
            'U' => digits(8, 16),
            '0'..='7' => {
                let run: String = quoted
                    .get(at..)
                    .unwrap_or_default()
                    .chars()
                    .take(3)
                    .take_while(|digit| digit.is_digit(8))
                    .collect();
                let value = u32::from_str_radix(&run, 8).ok().and_then(char::from_u32);
                (run.len().saturating_sub(1), value)
            }
            'N' => {
                let name = quoted.get(behind..).and_then(|rest| rest.strip_prefix('{'));
                let name = name.and_then(|rest| rest.split_once('}')).map_or("", |(name, _)| name);
                let character = match name.to_ascii_uppercase().as_str() {
                    "LOW LINE" | "UNDERSCORE" | "SPACING UNDERSCORE" => '_',
                    "FULL STOP" => '.',
                    _ => '\u{fffd}',
                };
                (name.chars().count().saturating_add(2), Some(character))
            }
            '\n' => (0, None),
            other => (0, Some(other)),
        };
        content.extend(escaped);
        for _ in 0..used {
            characters.next();
        }
    }
    None
}
