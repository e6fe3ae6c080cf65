//! Reads expressions and statements, folds constants, and notes what is reached for.

use std::collections::{BTreeMap, BTreeSet};

use super::fold::{self, Value};
use super::lexer::{self, Block, Token};

const MOST_EVENTS: usize = 100_000;

/// What a template does that may matter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event {
    /// An attribute or constant key is taken.
    Attribute(String),
    /// An attribute is taken whose name is not constant.
    UnknownAttribute,
    /// A key is put together from these constants and others.
    Built(String),
    /// A constant text, folded.
    Text(String),
    /// A name of the environment is used.
    Name(String),
    /// A function is called by its name.
    Call(String),
    Method(String),
    Filter(String),
    /// Another template is loaded.
    Load(String),
    /// A long loop.
    Range(i64),
}

#[derive(Default)]
pub(super) struct Parser {
    pub(super) events: Vec<Event>,
    /// Macros and variables that the template defines.
    pub(super) macros: BTreeSet<String>,
    /// Why it is no Jinja.
    pub(super) broken: Option<String>,
    pub(super) variables: BTreeMap<String, Value>,
    pub(super) tokens: Vec<Token>,
    pub(super) at: usize,
    pub(super) depth: usize,
    /// The arguments of the last `namespace(…)`.
    pub(super) namespace: Vec<(String, Value)>,
}

impl Parser {
    pub(super) fn template(&mut self, text: &str) {
        let (blocks, broken) = lexer::blocks(text);
        self.broken = broken;
        // The text of `{% set x %}…{% endset %}`.
        let mut capture: Option<(String, Value)> = None;
        for block in blocks {
            let put = match block {
                Block::Plain(text) => Value::Text(text),
                Block::Output(tokens) => {
                    self.begin(tokens);
                    let value = self.expressions();
                    self.finish();
                    value
                }
                Block::Statement(tokens) => {
                    self.begin(tokens);
                    match self.statement() {
                        Some(Capture::Begin(name)) => {
                            capture = Some((name, Value::Text(String::new())));
                        }
                        Some(Capture::End) => {
                            if let Some((name, value)) = capture.take() {
                                self.assign(&name, value);
                            }
                        }
                        None => {}
                    }
                    self.finish();
                    continue;
                }
            };
            if let Some((_, value)) = &mut capture {
                *value = fold::binary(value, "~", &put);
            }
        }
    }

    fn begin(&mut self, tokens: Vec<Token>) {
        (self.tokens, self.at, self.depth) = (tokens, 0, 0);
    }

    fn finish(&mut self) {
        if let Some(token) = self.tokens.get(self.at).cloned() {
            self.fail(&format!("unexpected {token:?}"));
            // The rest may still be read in part.
            while self.at < self.tokens.len() {
                self.at = self.at.saturating_add(1);
                self.depth = 0;
                self.expressions();
            }
        }
    }

    pub(super) fn fail(&mut self, reason: &str) {
        if self.broken.is_none() {
            self.broken = Some(reason.chars().take(100).collect());
        }
    }

    pub(super) fn note(&mut self, event: Event) {
        if self.events.len() < MOST_EVENTS {
            self.events.push(event);
        } else {
            self.fail("it is longer than any real one");
        }
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at = self.at.saturating_add(usize::from(found));
        found
    }

    pub(super) fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(found)) if found == word);
        self.at = self.at.saturating_add(usize::from(found));
        found
    }

    pub(super) fn name(&mut self) -> Option<String> {
        let Some(Token::Name(name)) = self.peek() else { return None };
        let name = name.clone();
        self.at = self.at.saturating_add(1);
        Some(name)
    }

    pub(super) fn expect(&mut self, sign: &str) {
        if !self.sign(sign) {
            self.fail(&format!("`{sign}` is missing"));
        }
    }

    fn assign(&mut self, name: &str, value: Value) {
        if let Value::Text(text) = &value {
            self.note(Event::Text(text.clone()));
        }
        // A second value in another branch: what was known is not constant any more, its pieces are.
        let value = match self.variables.remove(name) {
            Some(before) if before != value => match (before, value) {
                (Value::Unknown, value) => value,
                (before, value) => {
                    match fold::binary(&before, "~", &fold::binary(&value, "~", &Value::Unknown)) {
                        Value::Built(_) if matches!(value, Value::Text(_)) => value,
                        mixed => mixed,
                    }
                }
            },
            _ => value,
        };
        if self.variables.len() < 10_000 {
            self.variables.insert(name.to_owned(), value);
        }
        self.macros.insert(name.to_owned());
    }

    fn statement(&mut self) -> Option<Capture> {
        let Some(word) = self.name() else {
            self.fail("a statement has no name");
            return None;
        };
        match word.as_str() {
            "set" => return self.set(),
            "for" => {
                self.targets();
                if !self.word("in") {
                    self.fail("a loop lacks `in`");
                }
                self.expressions();
                if self.word("if") {
                    self.expression();
                }
                self.word("recursive");
            }
            "if" | "elif" | "do" | "print" | "autoescape" => {
                self.expressions();
            }
            "macro" => {
                if let Some(name) = self.name() {
                    self.macros.insert(name);
                }
                self.expect("(");
                self.arguments();
            }
            "call" => {
                if self.sign("(") {
                    self.arguments();
                }
                self.expression();
            }
            "filter" => {
                self.filter(&Value::Unknown);
                while self.sign("|") {
                    self.filter(&Value::Unknown);
                }
            }
            "with" => {
                while let Some(name) = self.name() {
                    self.expect("=");
                    let value = self.expression();
                    self.assign(&name, value);
                    if !self.sign(",") {
                        break;
                    }
                }
            }
            "include" | "import" | "from" | "extends" | "debug" => {
                self.note(Event::Load(word));
                while self.at < self.tokens.len() {
                    self.expressions();
                    self.at = self.at.saturating_add(1);
                }
            }
            "block" | "trans" | "pluralize" => while self.name().is_some() {},
            "endset" => return Some(Capture::End),
            "else" | "endfor" | "endif" | "endmacro" | "endcall" | "endfilter" | "endwith"
            | "endblock" | "endautoescape" | "break" | "continue" | "generation"
            | "endgeneration" | "endtrans" => {
                self.name();
            }
            other => self.fail(&format!("unknown statement `{other}`")),
        }
        None
    }

    fn set(&mut self) -> Option<Capture> {
        let target = self.name()?;
        let mut target_names = vec![target];
        loop {
            if self.sign(".") {
                let attribute = self.name()?;
                self.note(Event::Attribute(attribute.clone()));
                if let Some(last) = target_names.last_mut() {
                    *last = format!("{last}.{attribute}");
                }
            } else if self.sign(",") {
                target_names.push(self.name()?);
            } else {
                break;
            }
        }
        if !self.sign("=") {
            let mut value = Value::Unknown;
            while self.sign("|") {
                value = self.filter(&value);
            }
            return target_names.pop().map(Capture::Begin);
        }
        self.namespace.clear();
        match (self.expressions(), target_names.as_slice()) {
            (value, [only]) => {
                for (name, value) in std::mem::take(&mut self.namespace) {
                    self.assign(&format!("{only}.{name}"), value);
                }
                self.assign(only, value);
            }
            (Value::List(items), many) => {
                for (name, value) in many.iter().zip(items) {
                    self.assign(name, value);
                }
            }
            (_, many) => {
                for name in many {
                    self.assign(name, Value::Unknown);
                }
            }
        }
        None
    }

    /// The variables of a loop.
    fn targets(&mut self) {
        while !matches!(self.peek(), Some(Token::Name(word)) if word == "in") {
            match self.peek() {
                Some(Token::Name(_)) => {
                    if let Some(name) = self.name() {
                        self.macros.insert(name.clone());
                        self.variables.insert(name, Value::Unknown);
                    }
                }
                Some(Token::Sign("," | "(" | ")")) => self.at = self.at.saturating_add(1),
                _ => return self.fail("a loop has no variable"),
            }
        }
    }
}

/// Where a text that is assigned begins and ends.
enum Capture {
    Begin(String),
    End,
}
