//! Expressions.

use super::fold::{self, Value};
use super::lexer::Token;
use super::parser::{Event, Parser};

const DEEPEST: usize = 48;

impl Parser {
    /// One expression, or a list of them without brackets.
    pub(super) fn expressions(&mut self) -> Value {
        if self.peek().is_none() {
            return Value::Text(String::new());
        }
        let first = self.expression();
        if !matches!(self.peek(), Some(Token::Sign(","))) {
            return first;
        }
        let mut items = vec![first];
        while self.sign(",") && self.peek().is_some() {
            items.push(self.expression());
        }
        Value::List(items)
    }

    pub(super) fn expression(&mut self) -> Value {
        if self.depth >= DEEPEST {
            self.fail("it is nested too deeply");
            self.at = self.tokens.len();
            return Value::Unknown;
        }
        self.depth = self.depth.saturating_add(1);
        let mut value = self.operation(0);
        while self.word("if") {
            self.operation(0);
            let other = if self.word("else") { self.expression() } else { Value::Unknown };
            // Either may come out.
            value = match (value, other) {
                (value, other) if value == other => value,
                (Value::Text(text), Value::Unknown) => Value::Text(text),
                (value, other) => {
                    fold::binary(&value, "+", &fold::binary(&other, "~", &Value::Unknown))
                }
            };
        }
        self.depth = self.depth.saturating_sub(1);
        value
    }

    /// Operators from the weakest (`or`) to the strongest (`**`).
    fn operation(&mut self, level: usize) -> Value {
        const SIGNS: [&[&str]; 7] = [
            &["or"],
            &["and"],
            &["==", "!=", "<=", ">=", "<", ">", "in", "not", "is"],
            &["~"],
            &["+", "-"],
            &["*", "/", "//", "%"],
            &["**"],
        ];
        let Some(signs) = SIGNS.get(level) else { return self.unary() };
        let next = level.saturating_add(1);
        if level == 2 && self.word("not") {
            if self.depth >= DEEPEST {
                self.fail("it is nested too deeply");
                return Value::Unknown;
            }
            self.depth = self.depth.saturating_add(1);
            self.operation(level);
            self.depth = self.depth.saturating_sub(1);
            return Value::Unknown;
        }
        let mut left = self.operation(next);
        loop {
            let sign = match self.peek() {
                Some(Token::Sign(sign)) => *sign,
                Some(Token::Name(word)) => match word.as_str() {
                    "or" => "or",
                    "and" => "and",
                    "in" => "in",
                    "not" => "not",
                    "is" => "is",
                    _ => return left,
                },
                _ => return left,
            };
            if !signs.contains(&sign) {
                return left;
            }
            self.at = self.at.saturating_add(1);
            left = match sign {
                "is" => {
                    self.test();
                    Value::Unknown
                }
                "not" => {
                    if !self.word("in") {
                        self.fail("`not` stands alone");
                    }
                    self.operation(next);
                    Value::Unknown
                }
                _ => {
                    let right = self.operation(next);
                    let folded = fold::binary(&left, sign, &right);
                    if let Value::Text(text) = &folded {
                        self.note(Event::Text(text.clone()));
                    }
                    folded
                }
            };
        }
    }

    /// `defined`, `not none`, `divisibleby(3)`, `in list`.
    fn test(&mut self) {
        self.word("not");
        self.name();
        while self.sign(".") {
            self.name();
        }
        if self.sign("(") {
            self.arguments();
        } else if matches!(self.peek(), Some(Token::Text(_) | Token::Int(_)))
            || matches!(self.peek(), Some(Token::Name(word)) if !matches!(word.as_str(), "or" | "and" | "if" | "else" | "is" | "in" | "not" | "recursive"))
        {
            self.unary();
        }
    }

    fn unary(&mut self) -> Value {
        let mut negative = false;
        let mut signs = false;
        while matches!(self.peek(), Some(Token::Sign("-" | "+"))) {
            negative ^= matches!(self.peek(), Some(Token::Sign("-")));
            signs = true;
            self.at = self.at.saturating_add(1);
        }
        let value = self.primary();

        match value {
            Value::Int(number) if negative => {
                number.checked_neg().map_or(Value::Unknown, Value::Int)
            }
            value if signs && !matches!(value, Value::Int(_)) => Value::Unknown,
            value => value,
        }
    }

    fn primary(&mut self) -> Value {
        let Some(token) = self.peek().cloned() else {
            self.fail("an expression ends too early");
            return Value::Unknown;
        };
        self.at = self.at.saturating_add(1);
        let (value, name) = match token {
            Token::Text(mut text) => {
                // Neighbours are one text.
                while let Some(Token::Text(more)) = self.peek() {
                    text.push_str(more);
                    self.at = self.at.saturating_add(1);
                }
                self.note(Event::Text(text.clone()));
                (Value::Text(text), None)
            }
            Token::Int(number) => {
                // A fraction.
                if matches!(self.peek(), Some(Token::Sign(".")))
                    && matches!(self.tokens.get(self.at.saturating_add(1)), Some(Token::Int(_)))
                {
                    self.at = self.at.saturating_add(2);
                    (Value::Unknown, None)
                } else {
                    (Value::Int(number), None)
                }
            }
            Token::Name(name) => match name.as_str() {
                "true" | "false" | "none" | "True" | "False" | "None" => (Value::Unknown, None),
                _ => {
                    if !self.macros.contains(&name) {
                        self.note(Event::Name(name.clone()));
                    }
                    (self.variables.get(&name).cloned().unwrap_or(Value::Unknown), Some(name))
                }
            },
            Token::Sign("(") => {
                if self.sign(")") {
                    (Value::List(Vec::new()), None)
                } else {
                    let value = self.expressions();
                    self.expect(")");
                    (value, None)
                }
            }
            Token::Sign("[") => (Value::List(self.items("]")), None),
            Token::Sign("{") => {
                let mut keys = Vec::new();
                while !self.sign("}") && self.peek().is_some() && self.broken.is_none() {
                    keys.push(self.expression());
                    self.expect(":");
                    self.expression();
                    if !self.sign(",") {
                        self.expect("}");
                        break;
                    }
                }
                (Value::List(keys), None)
            }
            other => {
                self.fail(&format!("unexpected {other:?}"));
                (Value::Unknown, None)
            }
        };
        self.postfix(value, name)
    }

    fn items(&mut self, end: &'static str) -> Vec<Value> {
        let mut items = Vec::new();
        while !self.sign(end) {
            if self.peek().is_none() {
                self.fail(&format!("`{end}` is missing"));
                break;
            }
            let before = self.at;
            items.push(self.expression());
            if !self.sign(",") {
                self.expect(end);
                break;
            }
            if self.at == before {
                break;
            }
        }
        items
    }

    fn postfix(&mut self, mut value: Value, mut name: Option<String>) -> Value {
        // The value before the last attribute: what a method is called on.
        let mut owner: Option<(Value, String)> = None;
        loop {
            if self.sign(".") {
                let attribute = match self.peek().cloned() {
                    Some(Token::Name(attribute)) => attribute,
                    Some(Token::Int(index)) => {
                        self.at = self.at.saturating_add(1);
                        value = fold::index(&value, index);
                        (owner, name) = (None, None);
                        continue;
                    }
                    _ => {
                        self.fail("an attribute has no name");
                        return Value::Unknown;
                    }
                };
                self.at = self.at.saturating_add(1);
                self.note(Event::Attribute(attribute.clone()));
                name = name.map(|name| format!("{name}.{attribute}"));
                let known = name.as_ref().and_then(|name| self.variables.get(name)).cloned();
                owner = Some((
                    std::mem::replace(&mut value, known.unwrap_or(Value::Unknown)),
                    attribute,
                ));
                continue;
            }
            if self.sign("[") {
                value = self.subscript(&value);
            } else if self.sign("(") {
                let arguments = self.arguments();
                value = match owner.take() {
                    Some((of, method)) => {
                        self.note(Event::Method(method.clone()));
                        let folded = fold::method(&method, &of, &arguments.values);
                        if method == "format"
                            && let Value::Text(format) = &of
                        {
                            self.note(Event::Text(format.clone()));
                        }
                        folded
                    }
                    None => self.call(name.take(), arguments),
                };
                if let Value::Text(text) = &value {
                    self.note(Event::Text(text.clone()));
                }
            } else if self.sign("|") {
                value = self.filter(&value);
            } else {
                return value;
            }
            (owner, name) = (None, None);
        }
    }

    fn call(&mut self, name: Option<String>, arguments: Arguments) -> Value {
        let Some(name) = name else { return Value::Unknown };
        let value = match (name.as_str(), arguments.values.as_slice()) {
            ("range", bounds) => {
                let most = bounds.iter().filter_map(|bound| match bound {
                    Value::Int(bound) => Some(bound.saturating_abs()),
                    _ => None,
                });
                if let Some(most) = most.max().filter(|most| *most > 10_000_000) {
                    self.note(Event::Range(most));
                }
                Value::Unknown
            }
            // The names are the keys.
            ("dict", _) => Value::List(
                arguments.named.iter().map(|(name, _)| Value::Text(name.clone())).collect(),
            ),
            ("namespace", _) => {
                self.namespace = arguments.named;
                Value::Unknown
            }
            _ => Value::Unknown,
        };
        self.note(Event::Call(name));
        value
    }

    fn subscript(&mut self, value: &Value) -> Value {
        let mut bounds = [None; 3];
        let (mut parts, mut key) = (0_usize, Value::Unknown);
        loop {
            if self.sign(":") {
                parts = parts.saturating_add(1);
                continue;
            }
            if self.sign("]") || self.peek().is_none() {
                break;
            }
            let before = self.at;
            key = self.expression();
            if let (Value::Int(bound), Some(place)) = (&key, bounds.get_mut(parts)) {
                *place = Some(*bound);
            }
            if self.sign(",") || self.at == before {
                continue;
            }
            if !matches!(self.peek(), Some(Token::Sign(":" | "]"))) {
                self.expect("]");
                return Value::Unknown;
            }
        }
        if parts > 0 {
            let folded = fold::slice(value, bounds);
            if let Value::Text(text) = &folded {
                self.note(Event::Text(text.clone()));
            }
            return folded;
        }
        match key {
            Value::Text(text) => {
                self.note(Event::Attribute(text));
                Value::Unknown
            }
            Value::Int(number) => fold::index(value, number),
            Value::Built(pieces) => {
                self.note(Event::Built(pieces));
                Value::Unknown
            }
            _ => Value::Unknown,
        }
    }

    /// A filter with its arguments, behind the bar.
    pub(super) fn filter(&mut self, value: &Value) -> Value {
        let Some(mut name) = self.name() else {
            self.fail("a filter has no name");
            return Value::Unknown;
        };
        while self.sign(".") {
            name = format!("{name}.{}", self.name().unwrap_or_default());
        }
        let arguments = if self.sign("(") { self.arguments() } else { Arguments::default() };
        self.note(Event::Filter(name.clone()));
        let first = arguments.values.first();
        if name == "attr" {
            self.note(match first {
                Some(Value::Text(name)) => Event::Attribute(name.clone()),
                Some(Value::Built(pieces)) => Event::Built(format!("_{pieces}")),
                _ => Event::UnknownAttribute,
            });
            return Value::Unknown;
        }
        // `map('attr', …)`, `select(…)`: the filter's name is an argument.
        if name == "map"
            && let Some(Value::Text(inner)) = first
        {
            self.note(Event::Filter(inner.clone()));
        }
        if let Some((_, Value::Text(attribute))) =
            arguments.named.iter().find(|(name, _)| name == "attribute")
        {
            for part in attribute.split('.') {
                self.note(Event::Attribute(part.to_owned()));
            }
        }
        if matches!(name.as_str(), "selectattr" | "rejectattr" | "groupby" | "sum")
            && let Some(Value::Text(attribute)) = first
        {
            for part in attribute.split('.') {
                self.note(Event::Attribute(part.to_owned()));
            }
        }
        let folded = fold::apply(&name, value, &arguments.values);
        if let Value::Text(text) = &folded {
            self.note(Event::Text(text.clone()));
        }
        folded
    }

    pub(super) fn arguments(&mut self) -> Arguments {
        let mut arguments = Arguments::default();
        while !self.sign(")") {
            if self.peek().is_none() {
                self.fail("`)` is missing");
                break;
            }
            while self.sign("*") || self.sign("**") {}
            let named = match (self.peek(), self.tokens.get(self.at.saturating_add(1))) {
                (Some(Token::Name(name)), Some(Token::Sign("="))) => Some(name.clone()),
                _ => None,
            };
            if let Some(name) = named {
                self.at = self.at.saturating_add(2);
                let value = self.expression();
                arguments.named.push((name, value));
            } else {
                let value = self.expression();
                arguments.values.push(value);
            }
            if !self.sign(",") {
                self.expect(")");
                break;
            }
        }
        arguments
    }
}

#[derive(Default)]
pub(super) struct Arguments {
    pub(super) values: Vec<Value>,
    pub(super) named: Vec<(String, Value)>,
}
