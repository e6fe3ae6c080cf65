//! JSON as Python reads it.

use super::{MAX_BYTES, MAX_DEPTH, MAX_VALUES, Malformed, Value, text};

/// Reads one JSON document.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, Malformed> {
    if bytes.len() > MAX_BYTES {
        return Err(Malformed(format!("it has more than the {MAX_BYTES} bytes that are read")));
    }
    let text = text(bytes).ok_or_else(|| Malformed("it is not text".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut reader = Reader { rest: text.as_bytes(), text, values: MAX_VALUES };
    let value = reader.value(0)?;
    reader.blank();
    if reader.rest.is_empty() { Ok(value) } else { Err(reader.bad("the end of the text")) }
}

struct Reader<'t> {
    text: &'t str,
    rest: &'t [u8],
    values: usize,
}

impl Reader<'_> {
    fn bad(&self, expected: &str) -> Malformed {
        let at = self.text.len().saturating_sub(self.rest.len());
        Malformed(format!("at byte {at} there is no JSON: expected {expected}"))
    }

    fn blank(&mut self) {
        while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn take(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word.as_bytes()) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed(format!("it is nested more than {MAX_DEPTH} levels deep")));
        }
        self.values = self.values.checked_sub(1).ok_or_else(|| {
            Malformed(format!("it holds more than the {MAX_VALUES} values that are read"))
        })?;
        self.blank();
        match self.rest {
            [b'"', ..] => self.string().map(Value::Text),
            [b'{', rest @ ..] => {
                self.rest = rest;
                self.map(depth)
            }
            [b'[', rest @ ..] => {
                self.rest = rest;
                self.list(depth)
            }
            [b'-' | b'0'..=b'9' | b'N' | b'I', ..] => self.number(),
            _ => {
                for (word, value) in [
                    ("true", Value::Bool(true)),
                    ("false", Value::Bool(false)),
                    ("null", Value::Null),
                ] {
                    if self.take(word) {
                        return Ok(value);
                    }
                }
                Err(self.bad("a value"))
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Malformed> {
        let mut entries = Vec::new();
        self.blank();
        if self.take("}") {
            return Ok(Value::Map(entries));
        }
        loop {
            self.blank();
            let key = self.string()?;
            self.blank();
            if !self.take(":") {
                return Err(self.bad("`:`"));
            }
            entries.push((key, self.value(depth.saturating_add(1))?));
            self.blank();
            if self.take("}") {
                return Ok(Value::Map(entries));
            }
            if !self.take(",") {
                return Err(self.bad("`,` or `}`"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Malformed> {
        let mut items = Vec::new();
        self.blank();
        if self.take("]") {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth.saturating_add(1))?);
            self.blank();
            if self.take("]") {
                return Ok(Value::List(items));
            }
            if !self.take(",") {
                return Err(self.bad("`,` or `]`"));
            }
        }
    }

    fn number(&mut self) -> Result<Value, Malformed> {
        for word in ["NaN", "Infinity", "-Infinity"] {
            if self.take(word) {
                return Ok(Value::Number(word.to_owned()));
            }
        }
        let numeric = |byte: &&u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        let length = self.rest.iter().take_while(numeric).count();
        let (digits, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        if digits.is_empty() {
            return Err(self.bad("a number"));
        }
        let number = String::from_utf8_lossy(digits).into_owned();
        self.rest = rest;
        Ok(Value::Number(number))
    }

    fn string(&mut self) -> Result<String, Malformed> {
        if !self.take("\"") {
            return Err(self.bad("a string"));
        }
        let mut string = Vec::new();
        loop {
            let plain = self.rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\')).count();
            let (piece, rest) = self.rest.split_at_checked(plain).unwrap_or((self.rest, &[]));
            string.extend_from_slice(piece);
            self.rest = rest;
            match rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Ok(String::from_utf8_lossy(&string).into_owned());
                }
                [b'\\', b'u', rest @ ..] => {
                    self.rest = rest;
                    let character = self.escape()?;
                    string.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                [b'\\', byte, rest @ ..] => {
                    self.rest = rest;
                    string.push(match byte {
                        b'b' => 8,
                        b'f' => 12,
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'"' | b'\\' | b'/' => *byte,
                        _ => return Err(self.bad("an escape that JSON knows")),
                    });
                }
                _ => return Err(self.bad("the end of the string")),
            }
        }
    }

    /// What follows `\u`. A lone surrogate becomes the replacement character.
    fn escape(&mut self) -> Result<char, Malformed> {
        let first = self.four()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or('\u{fffd}'));
        }
        let before = self.rest;
        if self.take("\\u") {
            let second = self.four()?;
            if (0xdc00..0xe000).contains(&second) {
                let high = first.saturating_sub(0xd800) << 10;
                let low = second.saturating_sub(0xdc00);
                let code = high.saturating_add(low).saturating_add(0x1_0000);
                return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            self.rest = before;
        }
        Ok('\u{fffd}')
    }

    fn four(&mut self) -> Result<u32, Malformed> {
        let (digits, rest) =
            self.rest.split_at_checked(4).ok_or_else(|| self.bad("four hexadecimal digits"))?;
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(self.bad("four hexadecimal digits"));
        }
        let code = u32::from_str_radix(digits, 16);
        self.rest = rest;
        code.map_err(|_| self.bad("four hexadecimal digits"))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::{Value, read};

    #[test]
    fn what_python_reads_is_read() {
        let text = |text: &str| Value::Text(text.to_owned());
        let map = |key: &str, value| Value::Map(vec![(key.to_owned(), value)]);
        let number = |number: &str| Value::Number(number.to_owned());
        let cases = [
            (
                r#" {"a": [1, -2.5e3, NaN, -Infinity]} "#,
                map(
                    "a",
                    Value::List(vec![
                        number("1"),
                        number("-2.5e3"),
                        number("NaN"),
                        number("-Infinity"),
                    ]),
                ),
            ),
            (r#"{"cl\u0061ss": "\ud83d\ude00\n\ud800x"}"#, map("class", text("😀\n\u{fffd}x"))),
            ("[]", Value::List(vec![])),
            ("{}", Value::Map(vec![])),
            ("[true, null]", Value::List(vec![Value::Bool(true), Value::Null])),
        ];
        for (json, value) in cases {
            assert_eq!(read(json.as_bytes()), Ok(value.clone()), "{json}");
            let little: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(read(&little), Ok(value.clone()), "{json} in UTF-16");
            let big: Vec<u8> = json.chars().flat_map(|c| (c as u32).to_be_bytes()).collect();
            assert_eq!(read(&big), Ok(value), "{json} in UTF-32");
        }
        let twice = read(br#"{"a": 1, "a": 2}"#).unwrap();
        assert_eq!(twice.get("a"), Some(&number("2")));
        assert_eq!(twice.entries().len(), 2);
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        let deep = "[".repeat(100_000);
        for bad in ["", "{", "{\"a\"}", "[1,]", "\"a", "{\"a\":1} x", "tru", "\"\\u12\"", &deep] {
            assert!(read(bad.as_bytes()).is_err(), "{bad:.40}");
        }
    }
}
