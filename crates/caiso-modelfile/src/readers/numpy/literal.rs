//! The part of Python's literals that `ast.literal_eval` takes, as NumPy reads its headers.

use std::fmt;

const DEEPEST: usize = 32;
const MOST: usize = 100_000;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    Bytes(String),
    Tuple(Vec<Literal>),
    List(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, items: &[Self]| {
            for (index, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
            }
            Ok::<(), fmt::Error>(())
        };
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(value) => f.write_str(if *value { "True" } else { "False" }),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Text(text) | Self::Bytes(text) => f.write_str(text),
            Self::Tuple(items) => {
                f.write_str("(")?;
                list(f, items)?;
                f.write_str(")")
            }
            Self::List(items) => {
                f.write_str("[")?;
                list(f, items)?;
                f.write_str("]")
            }
            Self::Dict(_) => f.write_str("{…}"),
        }
    }
}

impl Literal {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: text, items: 0 };
        let value = parser.value(0)?;
        parser.space();
        match parser.rest {
            "" => Ok(value),
            rest => Err(format!("`{}` follows it", rest.chars().take(20).collect::<String>())),
        }
    }
}

struct Parser<'t> {
    rest: &'t str,
    items: usize,
}

impl Parser<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Result<Literal, String> {
        self.items = self.items.saturating_add(1);
        if depth > DEEPEST || self.items > MOST {
            return Err("it is nested too deeply or too long".to_owned());
        }
        let deeper = depth.saturating_add(1);
        if self.eat("(") {
            let (items, comma) = self.items(")", deeper)?;
            return Ok(match <[Literal; 1]>::try_from(items) {
                Ok([only]) if !comma => only,
                Ok(only) => Literal::Tuple(only.into()),
                Err(items) => Literal::Tuple(items),
            });
        }
        if self.eat("[") {
            return Ok(Literal::List(self.items("]", deeper)?.0));
        }
        if self.eat("{") {
            let mut entries = Vec::new();
            while !self.eat("}") {
                let key = self.value(deeper)?;
                if !self.eat(":") {
                    return Err("a dictionary lacks a colon".to_owned());
                }
                entries.push((key, self.value(deeper)?));
                if !self.eat(",") && !self.rest.trim_start().starts_with('}') {
                    return Err("a dictionary lacks a comma".to_owned());
                }
            }
            return Ok(Literal::Dict(entries));
        }
        self.space();
        if let Some(text) = self.text()? {
            return Ok(text);
        }
        self.word()
    }

    fn items(&mut self, end: &str, depth: usize) -> Result<(Vec<Literal>, bool), String> {
        let (mut items, mut comma) = (Vec::new(), true);
        while !self.eat(end) {
            if !comma {
                return Err(format!("a comma or `{end}` is missing"));
            }
            items.push(self.value(depth)?);
            comma = self.eat(",");
        }
        Ok((items, comma))
    }

    /// Strings; neighbours are joined, as in Python.
    fn text(&mut self) -> Result<Option<Literal>, String> {
        let mut joined: Option<(String, bool)> = None;
        loop {
            self.space();
            let prefix: usize =
                self.rest.find(['\'', '"']).filter(|at| *at <= 2).unwrap_or(usize::MAX);
            let Some((letters, quoted)) = self.rest.split_at_checked(prefix) else { break };
            let letters = letters.to_ascii_lowercase();
            if !matches!(letters.as_str(), "" | "b" | "u" | "r" | "br" | "rb") {
                break;
            }
            let Some(quote) = quoted.chars().next() else { break };
            let (content, rest) = string(quoted, quote, letters.contains('r'))?;
            self.rest = rest;
            let bytes = letters.contains('b');
            match &mut joined {
                Some((text, kind)) if *kind == bytes => text.push_str(&content),
                Some(_) => return Err("bytes and text are joined".to_owned()),
                None => joined = Some((content, bytes)),
            }
        }
        Ok(joined
            .map(|(text, bytes)| if bytes { Literal::Bytes(text) } else { Literal::Text(text) }))
    }

    fn word(&mut self) -> Result<Literal, String> {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+')))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        Ok(match word {
            "None" => Literal::None,
            "True" => Literal::Bool(true),
            "False" => Literal::Bool(false),
            word => {
                // Python 2 wrote long integers with an L.
                let number = word.strip_suffix('L').unwrap_or(word).replace('_', "");
                match (number.parse(), number.parse()) {
                    (Ok(int), _) => Literal::Int(int),
                    (_, Ok(float)) if number.starts_with(|c: char| !c.is_ascii_alphabetic()) => {
                        Literal::Float(float)
                    }
                    _ => {
                        let shown: String = word.chars().take(40).collect();
                        return Err(format!("`{shown}` is no literal"));
                    }
                }
            }
        })
    }
}

/// The content of a quoted string and what follows it.
fn string(quoted: &str, quote: char, raw: bool) -> Result<(String, &str), String> {
    let mut content = String::new();
    let mut characters = quoted.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' if !raw => {
                let hex =
                    |digits: String| u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                let escaped = match characters.next().map(|(_, escaped)| escaped) {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('r') => '\r',
                    Some('x') => hex(characters.by_ref().take(2).map(|(_, c)| c).collect())
                        .ok_or("a bad escape")?,
                    Some('u') => hex(characters.by_ref().take(4).map(|(_, c)| c).collect())
                        .ok_or("a bad escape")?,
                    Some(other) => other,
                    None => break,
                };
                content.push(escaped);
            }
            '\n' => break,
            character if character == quote => {
                let after = at.saturating_add(character.len_utf8());
                return Ok((content, quoted.get(after..).unwrap_or_default()));
            }
            character => content.push(character),
        }
    }
    Err("a string has no end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::Literal;

    #[test]
    fn literals_are_read_as_python_reads_them() {
        let show = |text: &str| Literal::parse(text).map(|literal| literal.to_string());
        assert_eq!(show("(1, 2,)"), Ok("(1, 2)".to_owned()));
        assert_eq!(show("(1)"), Ok("1".to_owned()));
        assert_eq!(show("(1,)"), Ok("(1)".to_owned()));
        assert_eq!(show("()"), Ok("()".to_owned()));
        assert_eq!(
            show("[('a', '<f4'), ('b' 'c', \"|O\")]"),
            Ok("[(a, <f4), (bc, |O)]".to_owned())
        );
        assert_eq!(show(r"'\x7cO'"), Ok("|O".to_owned()));
        assert_eq!(show("10L"), Ok("10".to_owned()));
        assert!(
            matches!(Literal::parse("{'a': True, }"), Ok(Literal::Dict(entries)) if entries.len() == 1)
        );
        for bad in
            ["", "f()", "1 2", "[1 2]", "{'a'}", "'x", "__import__('os')", "{'a': 1 'b': 2}", "inf"]
        {
            assert!(Literal::parse(bad).is_err(), "{bad}");
        }
        assert!(Literal::parse(&"(".repeat(5_000)).is_err());
    }
}
