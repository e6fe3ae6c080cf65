//! The text arguments of protocol 0, and what codecs make of constants.

use std::borrow::Cow;

/// Text as CPython's `raw-unicode-escape` decodes it: `\uXXXX` and `\UXXXXXXXX` after an odd number of
/// backslashes, everything else Latin-1. What Python would refuse is kept as it stands.
pub(crate) fn raw_unicode_escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'\\' {
            text.push(char::from(first));
            rest = tail;
            continue;
        }
        let width = match tail.first() {
            Some(b'u') => 4,
            Some(b'U') => 8,
            Some(b'\\') => {
                text.push_str("\\\\");
                rest = tail.get(1..).unwrap_or_default();
                continue;
            }
            _ => 0,
        };
        if let Some(character) =
            tail.get(1..).and_then(|digits| digits.get(..width)).filter(|_| width > 0).and_then(hex)
        {
            text.push(char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER));
            rest = tail.get(width.saturating_add(1)..).unwrap_or_default();
        } else {
            text.push('\\');
            rest = tail;
        }
    }
    text
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, &digit| {
        value.checked_mul(16)?.checked_add(char::from(digit).to_digit(16)?)
    })
}

/// The inside of a quoted `STRING` argument after Python's string escapes, or nothing where the quotes
/// are missing.
pub(crate) fn quoted(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (&open, inside) = bytes.split_first()?;
    let (&close, inside) = inside.split_last()?;
    if open != close || !matches!(open, b'\'' | b'"') {
        return None;
    }
    if !inside.contains(&b'\\') {
        return Some(Cow::Borrowed(inside));
    }
    let mut out = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'\\' {
            out.push(first);
            continue;
        }
        let (&escape, tail) = rest.split_first()?;
        rest = tail;
        match escape {
            b'\n' => {}
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'v' => out.push(11),
            b'\\' | b'\'' | b'"' => out.push(escape),
            b'x' => {
                let value = hex(rest.get(..2)?)?;
                out.push(u8::try_from(value).ok()?);
                rest = rest.get(2..).unwrap_or_default();
            }
            b'0'..=b'7' => {
                let mut value = u32::from(escape.saturating_sub(b'0'));
                for _ in 0..2 {
                    let Some((digit @ b'0'..=b'7', tail)) = rest.split_first() else { break };
                    value = value
                        .saturating_mul(8)
                        .saturating_add(u32::from(digit.saturating_sub(b'0')));
                    rest = tail;
                }
                out.push(u8::try_from(value & 0xff).unwrap_or_default());
            }
            other => out.extend_from_slice(&[b'\\', other]),
        }
    }
    Some(Cow::Owned(out))
}

/// What a decimal text argument is to the two unpicklers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// Both read this value; beyond 64 bits it saturates.
    Both(i64),
    /// Only the unpickler written in C accepts the text, and reads this.
    OnlyC(i64),
    /// Neither accepts it.
    Neither,
}

/// An integer in base 10, or in the base its prefix names where `prefixed`. `wide` says that the
/// unpickler written in C first tries `strtol`, which takes a leading zero for octal.
pub(crate) fn integer(bytes: &[u8], prefixed: bool, wide: bool) -> Number {
    if let Some(value) = python_integer(bytes, prefixed) {
        return Number::Both(value);
    }
    // `PyLong_FromString` sees a C string, which ends at the first zero byte.
    if let Some(end) = memchr::memchr(0, bytes)
        && let Some(value) = python_integer(bytes.get(..end).unwrap_or_default(), prefixed)
    {
        return Number::OnlyC(value);
    }
    if wide {
        let text = bytes.trim_ascii_start();
        let (negative, digits) = match text.split_first() {
            Some((b'-', digits)) => (true, digits),
            Some((b'+', digits)) => (false, digits),
            _ => (false, text),
        };
        if digits.first() == Some(&b'0')
            && let Some(value) = digits.iter().try_fold(0_i64, |value, digit| match digit {
                b'0'..=b'7' => {
                    value.checked_mul(8)?.checked_add(i64::from(digit.saturating_sub(b'0')))
                }
                _ => None,
            })
        {
            return Number::OnlyC(if negative { value.saturating_neg() } else { value });
        }
    }
    Number::Neither
}

/// `int(text, 10)` or `int(text, 0)`.
fn python_integer(bytes: &[u8], prefixed: bool) -> Option<i64> {
    let space = |byte: &u8| matches!(byte, b' ' | 9..=13);
    let start = bytes.iter().position(|byte| !space(byte))?;
    let end = bytes.iter().rposition(|byte| !space(byte))?.saturating_add(1);
    let text = bytes.get(start..end)?;
    let (negative, digits) = match text.split_first()? {
        (b'-', digits) => (true, digits),
        (b'+', digits) => (false, digits),
        _ => (false, text),
    };
    let (base, digits, prefix) = match digits {
        [b'0', b'x' | b'X', rest @ ..] if prefixed => (16, rest, true),
        [b'0', b'o' | b'O', rest @ ..] if prefixed => (8, rest, true),
        [b'0', b'b' | b'B', rest @ ..] if prefixed => (2, rest, true),
        _ => (10, digits, false),
    };
    // An underscore stands between digits, or between the prefix and a digit.
    let mut after_digit = prefix;
    let mut value = 0_i64;
    for &byte in digits {
        if byte == b'_' {
            if !after_digit {
                return None;
            }
            after_digit = false;
            continue;
        }
        let digit = char::from(byte).to_digit(base)?;
        value = value.saturating_mul(i64::from(base)).saturating_add(i64::from(digit));
        after_digit = true;
    }
    if digits.is_empty() || !after_digit {
        return None;
    }
    // Base 0 takes no leading zeros, but any number of zeros is zero.
    if prefixed && !prefix && digits.first() == Some(&b'0') && value != 0 {
        return None;
    }
    Some(if negative { value.saturating_neg() } else { value })
}

/// The two's complement of a positive decimal number, least significant byte first, at most 64 bytes.
pub(crate) fn decimal(text: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    for digit in text.iter().filter(|byte| byte.is_ascii_digit()) {
        let mut carry = u16::from(digit.saturating_sub(b'0'));
        for byte in &mut bytes {
            let sum = u16::from(*byte).saturating_mul(10).saturating_add(carry);
            let [low, high] = sum.to_le_bytes();
            *byte = low;
            carry = u16::from(high);
        }
        if carry > 0 && bytes.len() < 64 {
            bytes.push(u8::try_from(carry).unwrap_or(u8::MAX));
        }
    }
    if bytes.last().is_some_and(|&byte| byte > 127) {
        bytes.push(0);
    }
    bytes
}

/// Whether Python's `float` and the C unpickler's parser accept a text.
pub(crate) fn float(bytes: &[u8]) -> (bool, bool) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return (false, false);
    };
    let plain = |text: &str| text.parse::<f64>().ok();
    // Beyond the largest float, Python says infinity, and C raises.
    let c = plain(text).is_some_and(|value| value.is_finite() || text.contains(['n', 'N']));
    let stripped = text.trim_matches(|character: char| matches!(character, ' ' | '\t'..='\r'));
    let mut joined = String::with_capacity(stripped.len());
    let mut previous = ' ';
    let mut characters = stripped.chars().peekable();
    while let Some(character) = characters.next() {
        let between =
            previous.is_ascii_digit() && characters.peek().is_some_and(char::is_ascii_digit);
        if character != '_' || !between {
            joined.push(character);
        }
        previous = character;
    }
    (c || plain(&joined).is_some(), c)
}

/// Whether a string looks like a shell command, Python source, or an address on the network.
pub(crate) fn looks_like_code(text: &str) -> bool {
    const WORDS: [&str; 34] = [
        "://",
        "import ",
        "__import__",
        "exec(",
        "eval(",
        "os.system",
        "subprocess",
        "socket",
        "lambda ",
        "print(",
        "open(",
        "/bin/",
        "/etc/",
        "/dev/",
        "bash",
        "cmd.exe",
        "powershell",
        "curl ",
        "wget ",
        "nc ",
        "rm -",
        "chmod ",
        "sudo ",
        "python",
        "echo ",
        "touch ",
        "whoami",
        "cat ",
        "&&",
        "||",
        "$(",
        "`",
        "; ",
        " | ",
    ];
    WORDS.iter().any(|word| {
        let letters = word.starts_with(|first: char| first.is_ascii_alphabetic());
        text.match_indices(word).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            !letters || before.is_none_or(|before| !before.is_alphanumeric() && before != '_')
        })
    })
}

/// At most `limit` bytes of a text, cut at a character, with what is not UTF-8 or not printable escaped.
pub(crate) fn preview(bytes: &[u8], limit: usize) -> String {
    let head = bytes.get(..limit).unwrap_or(bytes);
    let mut out = String::with_capacity(head.len());
    for chunk in head.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                out.extend(character.escape_default());
            } else {
                out.push(character);
            }
        }
        // What the limit cut in two is no damage.
        let last = std::ptr::eq(chunk.invalid().as_ptr_range().end, head.as_ptr_range().end);
        let cut = head.len() < bytes.len() && last;
        if !cut {
            for byte in chunk.invalid() {
                out.push_str(&format!("\\x{byte:02x}"));
            }
        }
    }
    if head.len() < bytes.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_pythons() {
        assert_eq!(raw_unicode_escape(b"a\\u0041\\U00000042\\x\xe9"), "aAB\\x\u{e9}");
        assert_eq!(raw_unicode_escape(b"\\\\u0041"), "\\\\u0041");
        assert_eq!(quoted(b"'a\\x41\\101\\n\\q'").unwrap().as_ref(), b"aAA\n\\q");
        assert_eq!(quoted(b"'a\""), None);
        assert_eq!(quoted(b"'"), None);
    }

    #[test]
    fn integers_are_pythons() {
        for (text, prefixed, wide, expected) in [
            ("12", true, true, Number::Both(12)),
            (" -1_0 ", false, false, Number::Both(-10)),
            ("0x1f", true, true, Number::Both(31)),
            ("0x1f", false, false, Number::Neither),
            ("000", true, true, Number::Both(0)),
            ("010", true, true, Number::OnlyC(8)),
            ("010", false, false, Number::Both(10)),
            ("1\0x", false, false, Number::OnlyC(1)),
            ("1__0", false, false, Number::Neither),
            ("_1", true, true, Number::Neither),
            ("0x_1", true, true, Number::Both(1)),
            ("", true, true, Number::Neither),
        ] {
            assert_eq!(integer(text.as_bytes(), prefixed, wide), expected, "{text:?}");
        }
    }

    #[test]
    fn floats_differ() {
        assert_eq!(float(b"1.5e3"), (true, true));
        assert_eq!(float(b"1_0.5"), (true, false));
        assert_eq!(float(b" 1"), (true, false));
        assert_eq!(float(b"1e340"), (true, false));
        assert_eq!(float(b"nan"), (true, true));
        assert_eq!(float(b"x"), (false, false));
    }

    #[test]
    fn previews_end_at_a_character() {
        assert_eq!(preview("aé".as_bytes(), 2), "a…");
        assert_eq!(preview(b"a\xff\n", 10), "a\\xff\\n");
    }
}
