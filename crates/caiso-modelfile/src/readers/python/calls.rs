//! What Python source calls, by the full names that its imports and assignments lead to.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::lexer::{Placed, Token, tokens};
use super::{Call, Python, Usage};

/// Most tokens that are read of one source.
const MAX_TOKENS: usize = 2_000_000;
/// Most calls that are kept of one source.
const MAX_CALLS: usize = 10_000;
/// Most modules of which everything is imported.
const MAX_STARS: usize = 100;
/// How deep expressions are followed.
const MAX_DEPTH: usize = 64;

/// Functions of the language that reach outside of the source.
const BUILTINS: [&str; 12] = [
    "__import__",
    "breakpoint",
    "compile",
    "delattr",
    "eval",
    "exec",
    "execfile",
    "getattr",
    "globals",
    "open",
    "setattr",
    "vars",
];

/// Attributes that lead from any object to the insides of the interpreter.
const INSIDES: [&str; 6] =
    ["__globals__", "__builtins__", "__subclasses__", "__self__", "__mro__", "__bases__"];

/// Reads a source.
pub(super) fn read(source: &str) -> Python {
    let (tokens, whole) = tokens(source, MAX_TOKENS);
    let mut reader = Reader {
        tokens: &tokens,
        at: 0,
        known: HashMap::new(),
        scopes: Vec::new(),
        stars: Vec::new(),
        found: Python::default(),
    };
    reader.found.whole = whole;
    reader.statements();
    reader.found
}

/// What an expression is, as far as the source tells.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// An object reached by this dotted name.
    Path(String),
    /// A constant text, or what a decoder makes of one.
    Text(String),
    /// What a call of this name gives.
    Result(String),
    Unknown,
}

struct Reader<'t, 's> {
    tokens: &'t [Placed<'s>],
    at: usize,
    known: HashMap<&'s str, Value>,
    /// Indentation of each open function.
    scopes: Vec<usize>,
    /// Modules of which everything is imported.
    stars: Vec<String>,
    found: Python,
}

impl<'s> Reader<'_, 's> {
    fn peek(&self) -> Option<&Token<'s>> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn next(&mut self) -> Option<&Token<'s>> {
        let token = self.tokens.get(self.at).map(|(token, _)| token);
        self.at = self.at.saturating_add(1);
        token
    }

    fn is(&self, mark: char) -> bool {
        self.peek() == Some(&Token::Mark(mark))
    }

    fn word(&self) -> Option<&'s str> {
        match self.peek() {
            Some(Token::Name(name)) => Some(name),
            _ => None,
        }
    }

    fn statements(&mut self) {
        while let Some(token) = self.peek() {
            match token {
                Token::Line { indent } => {
                    let indent = *indent;
                    self.at = self.at.saturating_add(1);
                    self.scopes.retain(|function| indent > *function);
                    self.statement(indent);
                }
                Token::Mark(';' | ':') => {
                    self.at = self.at.saturating_add(1);
                    let indent = usize::MAX;
                    self.statement(indent);
                }
                _ => drop(self.expression(0)),
            }
        }
    }

    fn statement(&mut self, indent: usize) {
        match self.word() {
            Some("import") => self.import(),
            Some("from") => self.import_from(),
            Some("async") => {
                self.at = self.at.saturating_add(1);
                self.statement(indent);
            }
            Some("def") => {
                self.scopes.push(indent.min(usize::MAX.saturating_sub(1)));
                // The name that is defined is no call.
                self.at = self.at.saturating_add(2);
            }
            Some("if") if self.is_main_guard() => self.scopes.push(indent.min(1 << 20)),
            Some(name) => self.assignment(name),
            None => {}
        }
    }

    /// `if __name__ == …`: not what an import executes.
    fn is_main_guard(&self) -> bool {
        let next = self.at.saturating_add(1);
        matches!(self.tokens.get(next), Some((Token::Name("__name__"), _)))
    }

    fn dotted(&mut self) -> String {
        let mut path = String::new();
        loop {
            match self.peek() {
                Some(Token::Name(name)) if path.is_empty() || path.ends_with('.') => {
                    path.push_str(name);
                }
                Some(Token::Mark('.')) => path.push('.'),
                _ => return path,
            }
            self.at = self.at.saturating_add(1);
        }
    }

    /// `as name`, if it follows.
    fn alias(&mut self) -> Option<&'s str> {
        if self.word() != Some("as") {
            return None;
        }
        self.at = self.at.saturating_add(1);
        let name = self.word();
        self.at = self.at.saturating_add(1);
        name
    }

    fn import(&mut self) {
        self.at = self.at.saturating_add(1);
        loop {
            let start = self.word();
            let path = self.dotted();
            if path.is_empty() {
                return;
            }
            self.found.imports.insert(path.clone());
            match (self.alias(), start) {
                (Some(alias), _) => drop(self.known.insert(alias, Value::Path(path))),
                (None, Some(root)) => drop(self.known.insert(root, Value::Path(root.to_owned()))),
                (None, None) => {}
            }
            if !self.is(',') {
                return;
            }
            self.at = self.at.saturating_add(1);
        }
    }

    fn import_from(&mut self) {
        self.at = self.at.saturating_add(1);
        let module = self.dotted();
        if self.word() != Some("import") {
            return;
        }
        self.at = self.at.saturating_add(1);
        let local = module.starts_with('.');
        if !local {
            self.found.imports.insert(module.clone());
        }
        if self.is('(') {
            self.at = self.at.saturating_add(1);
        }
        if self.is('*') && !local && self.stars.len() < MAX_STARS {
            self.stars.push(module);
            return;
        }
        while let Some(name) = self.word() {
            self.at = self.at.saturating_add(1);
            let alias = self.alias().unwrap_or(name);
            if local {
                self.known.remove(alias);
            } else {
                self.known.insert(alias, Value::Path(format!("{module}.{name}")));
            }
            if !self.is(',') {
                return;
            }
            self.at = self.at.saturating_add(1);
        }
    }

    /// `name = expression`: the name means what the expression is.
    fn assignment(&mut self, name: &'s str) {
        let next =
            |ahead: usize| self.tokens.get(self.at.saturating_add(ahead)).map(|(token, _)| token);
        let single = next(1) == Some(&Token::Mark('=')) && next(2) != Some(&Token::Mark('='));
        if !single {
            return;
        }
        self.at = self.at.saturating_add(2);
        let before = self.found.calls.len();
        let value = self.expression(0);
        let ends = matches!(self.peek(), None | Some(Token::Line { .. } | Token::Mark(';')));
        // Where the name is called, that is told.
        if ends && matches!(value, Value::Path(_)) {
            let mut at = 0_usize;
            self.found.calls.retain(|call| {
                at = at.saturating_add(1);
                at <= before || call.usage != Usage::Name
            });
        }
        if ends && value != Value::Unknown {
            self.known.insert(name, value);
        } else {
            // It may have meant something else before.
            self.known.insert(name, Value::Unknown);
        }
    }

    /// One operand and what is added to it; moves on by at least one token.
    fn expression(&mut self, depth: usize) -> Value {
        let mut value = self.operand(depth);
        while self.is('+') && depth < MAX_DEPTH {
            self.at = self.at.saturating_add(1);
            let more = self.operand(depth);
            value = match (value, more) {
                (Value::Text(one), Value::Text(two)) => Value::Text(one + &two),
                _ => Value::Unknown,
            };
        }
        value
    }

    fn operand(&mut self, depth: usize) -> Value {
        let line = self.tokens.get(self.at).map_or(0, |(_, line)| *line);
        let mut value = match self.next() {
            Some(Token::Name(name)) => {
                let name: &'s str = name;
                let next = self.tokens.get(self.at.saturating_add(1)).map(|(token, _)| token);
                if self.is(':') && next == Some(&Token::Mark('=')) && depth < MAX_DEPTH {
                    self.at = self.at.saturating_add(2);
                    let value = self.expression(depth.saturating_add(1));
                    self.known.insert(name, value.clone());
                    return value;
                }
                match self.known.get(name) {
                    Some(value) => value.clone(),
                    None if self.star(name).is_some() => {
                        self.star(name).map_or(Value::Unknown, Value::Path)
                    }
                    None if BUILTINS.contains(&name) => Value::Path(format!("builtins.{name}")),
                    None if name == "torch" || name == "ops" => Value::Path(name.to_owned()),
                    None => Value::Unknown,
                }
            }
            Some(Token::Text(text)) => {
                let mut text = text.clone();
                // Texts beside one another are one.
                while let Some(Token::Text(more)) = self.peek() {
                    text = text.zip(more.clone()).map(|(one, two)| one + &two);
                    self.at = self.at.saturating_add(1);
                }
                text.map_or(Value::Unknown, Value::Text)
            }
            Some(Token::Mark('(')) if depth < MAX_DEPTH => {
                let (inner, count) = self.arguments(')', depth);
                match (inner.into_iter().next(), count) {
                    (Some(value), 1) => value,
                    _ => Value::Unknown,
                }
            }
            _ => return Value::Unknown,
        };
        loop {
            match self.peek() {
                Some(Token::Mark('.')) => {
                    self.at = self.at.saturating_add(1);
                    let name = self.word().unwrap_or_default();
                    self.at = self.at.saturating_add(usize::from(!name.is_empty()));
                    value = match value {
                        Value::Path(path) | Value::Result(path) => {
                            Value::Path(format!("{path}.{name}"))
                        }
                        Value::Unknown if INSIDES.contains(&name) => {
                            Value::Path(format!("?.{name}"))
                        }
                        Value::Text(text) if matches!(name, "decode" | "encode" | "strip") => {
                            Value::Text(text)
                        }
                        _ => Value::Unknown,
                    };
                }
                Some(Token::Mark('(')) if depth < MAX_DEPTH => {
                    self.at = self.at.saturating_add(1);
                    let (arguments, _) = self.arguments(')', depth);
                    value = self.call(value, &arguments, line);
                }
                Some(Token::Mark('[')) if depth < MAX_DEPTH => {
                    self.at = self.at.saturating_add(1);
                    let (arguments, _) = self.arguments(']', depth);
                    value = match (value, arguments.as_slice()) {
                        (Value::Path(path), [Value::Text(key)]) => {
                            Value::Path(format!("{path}.{key}"))
                        }
                        _ => Value::Unknown,
                    };
                }
                _ => {
                    self.handed(&value, line);
                    return value;
                }
            }
        }
    }

    /// What a name means that a harmful object of a module has of which everything is imported.
    fn star(&self, name: &str) -> Option<String> {
        let harmful =
            |module: &&String| crate::globals::judge(module, name).category.is_dangerous();
        self.stars.iter().find(harmful).map(|module| format!("{module}.{name}"))
    }

    /// Notes an object that is named without a call. A keyword or the target of an assignment is none.
    fn handed(&mut self, value: &Value, line: u64) {
        let Value::Path(path) = value else { return };
        if path.contains('.') && !self.is('=') && self.found.calls.len() < MAX_CALLS {
            self.found.calls.push(Call {
                path: path.clone(),
                argument: String::new(),
                constant: false,
                line,
                at_import: self.scopes.is_empty(),
                usage: Usage::Name,
            });
        }
    }

    /// The values between brackets, behind the opening one, and how many commas tell there are.
    fn arguments(&mut self, close: char, depth: usize) -> (Vec<Value>, usize) {
        let (mut values, mut count) = (Vec::new(), 1_usize);
        while let Some(token) = self.peek() {
            match token {
                Token::Mark(mark) if *mark == close => {
                    self.at = self.at.saturating_add(1);
                    break;
                }
                Token::Mark(',') => {
                    self.at = self.at.saturating_add(1);
                    count = count.saturating_add(1);
                }
                Token::Line { .. } if self.at.saturating_add(1) >= self.tokens.len() => break,
                _ => values.push(self.expression(depth.saturating_add(1))),
            }
        }
        (values, count)
    }

    fn call(&mut self, callee: Value, arguments: &[Value], line: u64) -> Value {
        // Methods of texts and of what is unknown are not followed.
        let Value::Path(path) = callee else { return Value::Unknown };
        let constant = matches!(arguments.first(), Some(Value::Text(_)));
        let folded = fold(&path, arguments);
        if self.found.calls.len() < MAX_CALLS {
            let text = match arguments.first() {
                Some(Value::Text(text)) => text.chars().take(80).collect(),
                Some(Value::Path(path)) => path.clone(),
                Some(Value::Result(path)) => format!("{path}(…)"),
                _ => String::new(),
            };
            let at_import = self.scopes.is_empty();
            let usage = match folded {
                Some(Value::Path(_)) => Usage::Resolve,
                _ => Usage::Call,
            };
            self.found.calls.push(Call {
                path: path.clone(),
                argument: text,
                constant,
                line,
                at_import,
                usage,
            });
        } else {
            self.found.whole = false;
        }
        folded.unwrap_or(Value::Result(path))
    }
}

/// What a resolver or decoder with constant arguments gives.
fn fold(path: &str, arguments: &[Value]) -> Option<Value> {
    let folded = match (path, arguments) {
        (
            "builtins.getattr",
            [Value::Path(object) | Value::Result(object), Value::Text(name), ..],
        ) => Value::Path(format!("{object}.{name}")),
        (
            "builtins.__import__" | "importlib.import_module" | "importlib.__import__",
            [Value::Text(module), ..],
        ) => Value::Path(module.clone()),
        (
            "base64.b64decode" | "base64.standard_b64decode" | "base64.decodebytes",
            [Value::Text(text), ..],
        ) => {
            let bytes = STANDARD.decode(text.trim()).ok()?;
            Value::Text(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => return None,
    };
    Some(folded)
}
