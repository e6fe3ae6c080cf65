//! The tokens of Python source (<https://docs.python.org/3/reference/lexical_analysis.html>), as far as calls
//! depend on them.

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'s> {
    Name(&'s str),
    /// A string with its escapes undone; `None` for a formatted string, whose value is not in the file.
    Text(Option<String>),
    /// A number, which no name depends on.
    Number,
    /// One character of punctuation.
    Mark(char),
    /// The end of a logical line, and the indentation of the next one.
    Line {
        indent: usize,
    },
}

/// A token and the line it begins in, from 1.
pub(super) type Placed<'s> = (Token<'s>, u64);

/// The tokens of a source, at most `most` of them; whether that was all.
pub(super) fn tokens(source: &str, most: usize) -> (Vec<Placed<'_>>, bool) {
    let mut lexer = Lexer { rest: source, line: 1, depth: 0, nested: 0, tokens: Vec::new() };
    let indent = lexer.indentation();
    lexer.push(Token::Line { indent });
    while !lexer.rest.is_empty() {
        if lexer.tokens.len() >= most {
            return (lexer.tokens, false);
        }
        lexer.token();
    }
    lexer.push(Token::Line { indent: 0 });
    (lexer.tokens, true)
}

struct Lexer<'s> {
    rest: &'s str,
    line: u64,
    /// Open brackets, within which lines do not end.
    depth: usize,
    /// Formatted strings around what is read.
    nested: usize,
    tokens: Vec<Placed<'s>>,
}

/// How many formatted strings may lie in one another.
const MAX_NESTED: usize = 16;

impl<'s> Lexer<'s> {
    fn push(&mut self, token: Token<'s>) {
        self.tokens.push((token, self.line));
    }

    /// Takes `count` bytes, which end at a character's boundary, and counts their lines.
    fn take(&mut self, count: usize) -> &'s str {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, ""));
        self.rest = rest;
        let lines = taken.bytes().filter(|&byte| byte == b'\n').count();
        self.line = self.line.saturating_add(u64::try_from(lines).unwrap_or(u64::MAX));
        taken
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'s str {
        let end = self.rest.find(|character| !wanted(character)).unwrap_or(self.rest.len());
        self.take(end)
    }

    /// Skips empty lines and comments; the indentation of the first line with something on it.
    fn indentation(&mut self) -> usize {
        loop {
            let space = self.take_while(|character| matches!(character, ' ' | '\t' | '\x0c')).len();
            if self.rest.starts_with('#') {
                self.take_while(|character| character != '\n');
            }
            if self.rest.starts_with(['\n', '\r']) {
                self.take(1);
            } else {
                return space;
            }
        }
    }

    fn token(&mut self) {
        let Some(first) = self.rest.chars().next() else { return };
        match first {
            '\n' | '\r' => {
                self.take(1);
                if self.depth == 0 {
                    let indent = self.indentation();
                    self.push(Token::Line { indent });
                }
            }
            ' ' | '\t' | '\x0c' => drop(self.take(1)),
            '#' => drop(self.take_while(|character| character != '\n')),
            '\\' => {
                self.take(1);
                if self.rest.starts_with('\r') {
                    self.take(1);
                }
                if self.rest.starts_with('\n') {
                    self.take(1);
                }
            }
            '"' | '\'' => self.text(""),
            '0'..='9' => {
                self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
                self.push(Token::Number);
            }
            _ if first.is_alphabetic() || first == '_' => {
                let name = self.take_while(|c| c.is_alphanumeric() || c == '_');
                let prefix = name.len() <= 2 && name.chars().all(|c| "rRbBuUfFtT".contains(c));
                if prefix && self.rest.starts_with(['"', '\'']) {
                    self.text(name);
                } else {
                    self.push(Token::Name(name));
                }
            }
            _ => {
                self.take(first.len_utf8());
                match first {
                    '(' | '[' | '{' => self.depth = self.depth.saturating_add(1),
                    ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                self.push(Token::Mark(first));
            }
        }
    }

    fn text(&mut self, prefix: &str) {
        let raw = prefix.contains(['r', 'R']);
        let formatted = prefix.contains(['f', 'F', 't', 'T']);
        let quote = self.rest.get(..1).unwrap_or_default();
        let triple = self.rest.get(..3).is_some_and(|three| three == quote.repeat(3));
        let end = if triple { quote.repeat(3) } else { quote.to_owned() };
        let line = self.line;
        self.take(end.len());
        let mut value = String::new();
        let mut expressions: Vec<(&'s str, u64)> = Vec::new();
        while !self.rest.is_empty() && !self.rest.starts_with(&end) {
            if self.rest.starts_with('\n') && !triple {
                break;
            }
            let Some(character) = self.rest.chars().next() else { break };
            if formatted && character == '{' {
                if self.rest.starts_with("{{") {
                    self.take(2);
                } else {
                    let line = self.line;
                    let length = replacement(self.rest);
                    expressions.push((self.take(length), line));
                }
                continue;
            }
            self.take(character.len_utf8());
            match character {
                '\\' if raw => {
                    value.push('\\');
                    value.extend(self.rest.chars().next());
                    self.take(self.rest.chars().next().map_or(0, char::len_utf8));
                }
                '\\' => value.extend(self.escape()),
                _ => value.push(character),
            }
        }
        if self.rest.starts_with(&end) {
            self.take(end.len());
        }
        self.tokens.push((Token::Text((!formatted).then_some(value)), line));
        // What stands in a formatted string is like the arguments of a call on it.
        for (expression, line) in expressions {
            self.tokens.push((Token::Mark('('), line));
            let inner = expression.strip_prefix('{').unwrap_or(expression);
            let inner = inner.strip_suffix('}').unwrap_or(inner);
            if self.nested < MAX_NESTED {
                let (rest, after, depth) = (self.rest, self.line, self.depth);
                (self.rest, self.line) = (inner, line);
                self.depth = depth.saturating_add(1);
                self.nested = self.nested.saturating_add(1);
                while !self.rest.is_empty() {
                    self.token();
                }
                self.nested = self.nested.saturating_sub(1);
                (self.rest, self.line, self.depth) = (rest, after, depth);
            }
            self.tokens.push((Token::Mark(')'), line));
        }
    }

    /// The character that an escape stands for.
    fn escape(&mut self) -> Option<char> {
        let kind = self.rest.chars().next()?;
        self.take(kind.len_utf8());
        let digits = match kind {
            'n' => return Some('\n'),
            't' => return Some('\t'),
            'r' => return Some('\r'),
            '\n' => return None,
            'x' => 2,
            'u' => 4,
            'U' => 8,
            '0'..='7' => {
                let more =
                    self.rest.bytes().take(2).take_while(|b| matches!(b, b'0'..=b'7')).count();
                let code = format!("{kind}{}", self.take(more));
                return u32::from_str_radix(&code, 8).ok().and_then(char::from_u32);
            }
            other => return Some(other),
        };
        let code =
            self.rest.get(..digits).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.take(digits);
        u32::from_str_radix(code, 16).ok().and_then(char::from_u32)
    }
}

/// The length of a replacement field of a formatted string, from its `{` to its `}`. Strings in it may hold
/// the quotes of the one around it (PEP 701).
fn replacement(text: &str) -> usize {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '{') => depth = depth.saturating_add(1),
            (None, '}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at.saturating_add(1);
                }
            }
            _ => {}
        }
    }
    // Not closed: only the brace, so that what follows is read as it stands.
    1
}
