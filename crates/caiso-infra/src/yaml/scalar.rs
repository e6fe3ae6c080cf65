//! The type of a plain scalar as Kubernetes reads it.
//!
//! Kubernetes tools read YAML 1.1: `yes`, `on` and `y` are true, `017` is fifteen. A reader of YAML
//! 1.2 would take `hostPID: yes` for text and see no weakness.

use super::Value;

/// Resolves a plain (unquoted) scalar.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        _ => number(text).unwrap_or_else(|| Value::Text(text.into())),
    }
}

fn number(text: &str) -> Option<Value> {
    let first = text.bytes().next()?;
    if !first.is_ascii_digit() && !matches!(first, b'+' | b'-' | b'.') {
        return None;
    }
    let plain = text.replace('_', "");
    if let Some(integer) = integer(&plain) {
        return Some(Value::Int(integer));
    }
    let body = plain.trim_start_matches(['+', '-']);
    let decimal = body.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && body.bytes().any(|byte| byte.is_ascii_digit())
        && body.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    if !decimal {
        return None;
    }
    plain.parse().ok().filter(|float: &f64| float.is_finite()).map(Value::Float)
}

fn integer(plain: &str) -> Option<i64> {
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.strip_prefix('+').unwrap_or(plain)),
    };
    let lower = digits.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (lower.get(2..)?, 16),
        [b'0', b'o', ..] => (lower.get(2..)?, 8),
        [b'0', b'b', ..] => (lower.get(2..)?, 2),
        [b'0', _, ..] => (lower.get(1..)?, 8),
        _ => (lower.as_str(), 10),
    };
    // `from_str_radix` would accept a second sign.
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = i64::from_str_radix(digits, radix).ok()?;
    Some(if negative { magnitude.checked_neg()? } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_read_as_kubernetes_reads_them() {
        let cases = [
            ("yes", Value::Bool(true)),
            ("Off", Value::Bool(false)),
            ("yEs", Value::Text("yEs".into())),
            ("~", Value::Null),
            ("0", Value::Int(0)),
            ("-0", Value::Int(0)),
            ("0x0", Value::Int(0)),
            ("0o17", Value::Int(15)),
            ("017", Value::Int(15)),
            ("1_000", Value::Int(1000)),
            ("+7", Value::Int(7)),
            ("--7", Value::Text("--7".into())),
            ("0.0", Value::Float(0.0)),
            ("1e3", Value::Float(1000.0)),
            (".5", Value::Float(0.5)),
            ("1.2.3", Value::Text("1.2.3".into())),
            ("10.0.0.1", Value::Text("10.0.0.1".into())),
            ("2026-01-02", Value::Text("2026-01-02".into())),
            ("100m", Value::Text("100m".into())),
            (".", Value::Text(".".into())),
            ("-", Value::Text("-".into())),
            ("é", Value::Text("é".into())),
        ];
        for (text, value) in cases {
            assert_eq!(resolve(text), value, "{text}");
        }
    }
}
