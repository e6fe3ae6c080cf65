//! Constant folding: what a template puts together from constants, without running it.

/// Longest text and most items that are folded.
const LONGEST: usize = 64 << 10;
const MOST: usize = 10_000;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Int(i64),
    List(Vec<Value>),
    /// Not constant, but put together from texts, the constant ones of which are these.
    Built(String),
    Unknown,
}

impl Value {
    /// Python's `str()`.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Int(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The constant texts in it.
    fn pieces(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Built(text) => Some(text.clone()),
            Self::Int(number) => Some(number.to_string()),
            Self::List(items) => Some(items.iter().filter_map(Self::pieces).collect()),
            Self::Unknown => None,
        }
    }

    /// A text that is not constant because one of `parts` is not.
    fn built(parts: &[&Self]) -> Self {
        let pieces: Vec<String> = parts.iter().filter_map(|part| part.pieces()).collect();
        if pieces.is_empty() { Self::Unknown } else { bounded(pieces.concat(), Self::Built) }
    }
}

fn bounded(text: String, make: fn(String) -> Value) -> Value {
    if text.len() > LONGEST { Value::Unknown } else { make(text) }
}

fn texts(items: &[Value]) -> Option<Vec<String>> {
    items.iter().map(Value::text).collect()
}

/// `left sign right`
pub(super) fn binary(left: &Value, sign: &str, right: &Value) -> Value {
    match (sign, left, right) {
        ("~", left, right) => match (left.text(), right.text()) {
            (Some(left), Some(right)) => bounded(left + &right, Value::Text),
            _ => Value::built(&[left, right]),
        },
        ("+", Value::Text(a), Value::Text(b)) => bounded(format!("{a}{b}"), Value::Text),
        ("+", Value::Int(a), Value::Int(b)) => a.checked_add(*b).map_or(Value::Unknown, Value::Int),
        ("-", Value::Int(a), Value::Int(b)) => a.checked_sub(*b).map_or(Value::Unknown, Value::Int),
        ("*", Value::Int(a), Value::Int(b)) => a.checked_mul(*b).map_or(Value::Unknown, Value::Int),
        ("**", Value::Int(a), Value::Int(b)) => {
            u32::try_from(*b).ok().and_then(|b| a.checked_pow(b)).map_or(Value::Unknown, Value::Int)
        }
        ("+", Value::List(a), Value::List(b)) if a.len().saturating_add(b.len()) <= MOST => {
            Value::List(a.iter().chain(b).cloned().collect())
        }
        ("*", Value::Text(text), Value::Int(count))
        | ("*", Value::Int(count), Value::Text(text)) => {
            let count = usize::try_from(*count).unwrap_or(0);
            match text.len().checked_mul(count) {
                Some(length) if length <= LONGEST => Value::Text(text.repeat(count)),
                _ => Value::Unknown,
            }
        }
        ("%", Value::Text(format), right) => {
            let one = [right.clone()];
            let arguments = match right {
                Value::List(items) => items.as_slice(),
                _ => &one,
            };
            percent(format, arguments)
        }
        ("+", left, right) => Value::built(&[left, right]),
        _ => Value::Unknown,
    }
}

/// `"%s%c" % (…)`
pub(super) fn percent(format: &str, arguments: &[Value]) -> Value {
    let mut arguments = arguments.iter();
    let mut text = String::new();
    let mut characters = format.chars();
    let mut constant = true;
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let kind = characters.by_ref().find(|c| c.is_ascii_alphabetic() || *c == '%');
        if kind == Some('%') {
            text.push('%');
            continue;
        }
        match (kind, arguments.next()) {
            (Some('c'), Some(Value::Int(code))) => {
                text.extend(u32::try_from(*code).ok().and_then(char::from_u32));
            }
            (_, Some(value)) => {
                if let Some(value) = value.text() {
                    text.push_str(&value);
                } else {
                    text.extend(value.pieces());
                    constant = false;
                }
            }
            (_, None) => constant = false,
        }
        if text.len() > LONGEST {
            return Value::Unknown;
        }
    }
    bounded(text, if constant { Value::Text } else { Value::Built })
}

/// `"{}{1}".format(…)`
fn braces(format: &str, arguments: &[Value]) -> Value {
    let mut text = String::new();
    let mut rest = format;
    let (mut next, mut constant) = (0_usize, true);
    while let Some((before, from)) = rest.split_once('{') {
        text.push_str(before);
        if let Some(after) = from.strip_prefix('{') {
            text.push('{');
            rest = after;
            continue;
        }
        let (field, after) = from.split_once('}').unwrap_or((from, ""));
        rest = after;
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let index = if name.is_empty() { next } else { name.parse().unwrap_or(usize::MAX) };
        next = next.saturating_add(1);
        match arguments.get(index) {
            Some(Value::Int(code)) if spec.ends_with('c') => {
                text.extend(u32::try_from(*code).ok().and_then(char::from_u32));
            }
            Some(value) => {
                if let Some(value) = value.text() {
                    text.push_str(&value);
                } else {
                    text.extend(value.pieces());
                    constant = false;
                }
            }
            None => constant = false,
        }
        if text.len() > LONGEST {
            return Value::Unknown;
        }
    }
    text.push_str(rest);
    bounded(text, if constant { Value::Text } else { Value::Built })
}

/// `value[start:stop:step]` with constants.
pub(super) fn slice(value: &Value, bounds: [Option<i64>; 3]) -> Value {
    match value {
        Value::Text(text) => {
            let characters: Vec<char> = text.chars().collect();
            Value::Text(sliced(&characters, bounds).into_iter().collect())
        }
        Value::List(items) => Value::List(sliced(items, bounds)),
        Value::Built(_) => value.clone(),
        _ => Value::Unknown,
    }
}

fn sliced<T: Clone>(items: &[T], [start, stop, step]: [Option<i64>; 3]) -> Vec<T> {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let step = step.filter(|step| *step != 0).unwrap_or(1);
    let place = |bound: i64| if bound < 0 { bound.saturating_add(length) } else { bound };
    let (low, high) = if step > 0 { (0, length) } else { (-1, length.saturating_sub(1)) };
    let start =
        start.map_or(if step > 0 { 0 } else { high }, |start| place(start).clamp(low, high));
    let stop = stop.map_or(if step > 0 { length } else { -1 }, |stop| place(stop).clamp(low, high));
    let mut taken = Vec::new();
    let mut at = start;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        taken.extend(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned());
        at = at.saturating_add(step);
    }
    taken
}

/// `value[index]` with a constant.
pub(super) fn index(value: &Value, index: i64) -> Value {
    let stop = if index == -1 { None } else { Some(index.saturating_add(1)) };
    match slice(value, [Some(index), stop, None]) {
        Value::List(items) => items.into_iter().next().unwrap_or(Value::Unknown),
        Value::Text(text) if text.is_empty() => Value::Unknown,
        other => other,
    }
}

/// A filter, or a method of the same name, on a constant.
pub(super) fn apply(name: &str, value: &Value, arguments: &[Value]) -> Value {
    let first = arguments.first();
    match (name, value) {
        (
            "string" | "safe" | "e" | "escape" | "trim" | "strip" | "encode" | "decode" | "default"
            | "d",
            Value::Text(text),
        ) => Value::Text(if name == "trim" || name == "strip" {
            text.trim().to_owned()
        } else {
            text.clone()
        }),
        ("lower" | "casefold", Value::Text(text)) => bounded(text.to_lowercase(), Value::Text),
        ("upper", Value::Text(text)) => bounded(text.to_uppercase(), Value::Text),
        ("swapcase", Value::Text(text)) => Value::Text(
            text.chars()
                .map(|c| {
                    if c.is_ascii_uppercase() {
                        c.to_ascii_lowercase()
                    } else {
                        c.to_ascii_uppercase()
                    }
                })
                .collect(),
        ),
        ("reverse", _) => slice(value, [None, None, Some(-1)]),
        ("list", Value::Text(text)) if text.len() <= MOST => {
            Value::List(text.chars().map(|c| Value::Text(c.into())).collect())
        }
        ("first", _) => index(value, 0),
        ("last", _) => index(value, -1),
        ("replace", Value::Text(text)) => match (first, arguments.get(1)) {
            (Some(Value::Text(from)), Some(Value::Text(to))) if !from.is_empty() => {
                let matches = text.matches(from.as_str()).count();
                match matches.checked_mul(to.len()).and_then(|more| more.checked_add(text.len())) {
                    Some(length) if length <= LONGEST => Value::Text(text.replace(from, to)),
                    _ => Value::Unknown,
                }
            }
            _ => Value::built(&[value]),
        },
        ("split", Value::Text(text)) => match first {
            Some(Value::Text(by)) if !by.is_empty() => Value::List(
                text.split(by.as_str()).take(MOST).map(|part| Value::Text(part.into())).collect(),
            ),
            _ => Value::List(
                text.split_whitespace().take(MOST).map(|part| Value::Text(part.into())).collect(),
            ),
        },
        ("format", Value::Text(format)) => percent(format, arguments),
        ("join", Value::List(items)) => joined(items, first),
        ("join", Value::Text(text)) => {
            let items: Vec<Value> =
                text.chars().take(MOST).map(|c| Value::Text(c.into())).collect();
            joined(&items, first)
        }
        (_, Value::Built(_)) | ("list" | "keys" | "sort" | "unique", Value::List(_)) => {
            value.clone()
        }
        _ => Value::Unknown,
    }
}

/// A method of a constant, where it differs from the filter of that name.
pub(super) fn method(name: &str, value: &Value, arguments: &[Value]) -> Value {
    match (name, value, arguments.first()) {
        ("format", Value::Text(format), _) => braces(format, arguments),
        ("join", Value::Text(_), Some(Value::List(items))) => joined(items, Some(value)),
        ("join", Value::Text(_), Some(Value::Text(text))) => {
            let items: Vec<Value> =
                text.chars().take(MOST).map(|c| Value::Text(c.into())).collect();
            joined(&items, Some(value))
        }
        _ => apply(name, value, arguments),
    }
}

fn joined(items: &[Value], by: Option<&Value>) -> Value {
    let by = match by {
        Some(Value::Text(by)) => by.as_str(),
        None => "",
        Some(_) => return Value::Unknown,
    };
    match texts(items) {
        Some(texts) => {
            let length: usize = texts.iter().map(String::len).sum();
            let more = by.len().saturating_mul(texts.len());
            if length.saturating_add(more) > LONGEST {
                Value::Unknown
            } else {
                Value::Text(texts.join(by))
            }
        }
        None => Value::built(&items.iter().collect::<Vec<_>>()),
    }
}
