//! The text format of protocol buffers, as far as names, texts and nesting go
//! (<https://protobuf.dev/reference/protobuf/textformat-spec/>).

pub(super) enum Token<'a> {
    /// A name, a number, or a value that is a name.
    Word(&'a [u8]),
    /// A text without quotes and escapes; those that follow each other are one.
    Text(String),
    /// `{` or `<`.
    Open,
    /// `}` or `>`.
    Close,
}

/// Tokens with the lines they begin on; separators are left out.
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
    line: u64,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, line: 1 }
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.line = self.line.saturating_add(u64::from(byte == b'\n'));
        Some(byte)
    }

    /// Skips white space and comments.
    fn space(&mut self) {
        while let Some(&byte) = self.rest.first() {
            match byte {
                b'#' => while self.byte().is_some_and(|byte| byte != b'\n') {},
                _ if byte.is_ascii_whitespace() || byte == 0x0b => {
                    self.byte();
                }
                _ => return,
            }
        }
    }

    /// The rest of a text after its quote, without escapes, added to `text`.
    fn text(&mut self, quote: u8, text: &mut Vec<u8>) {
        while let Some(byte) = self.byte() {
            match byte {
                _ if byte == quote => return,
                b'\\' => self.escape(text),
                _ => text.push(byte),
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) {
        let Some(byte) = self.byte() else { return };
        match byte {
            b'0'..=b'7' => {
                let first = u32::from(byte.saturating_sub(b'0'));
                text.extend(u8::try_from(self.digits(8, 2, first)).ok());
            }
            b'x' | b'X' => text.extend(u8::try_from(self.digits(16, 2, 0)).ok()),
            b'u' | b'U' => {
                let count = if byte == b'u' { 4 } else { 8 };
                let character = char::from_u32(self.digits(16, count, 0)).unwrap_or('\u{fffd}');
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            b'n' => text.push(b'\n'),
            b't' => text.push(b'\t'),
            b'r' => text.push(b'\r'),
            _ => text.push(byte),
        }
    }

    /// Up to `count` digits that continue `number`.
    fn digits(&mut self, radix: u32, count: u32, number: u32) -> u32 {
        let mut number = number;
        for _ in 0..count {
            let digit = self.rest.first().and_then(|byte| char::from(*byte).to_digit(radix));
            let Some(digit) = digit else { break };
            self.byte();
            number = number.saturating_mul(radix).saturating_add(digit);
        }
        number
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (u64, Token<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.space();
            let (line, start) = (self.line, self.rest);
            let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-+".contains(byte);
            let length = start.iter().take_while(|byte| is_word(byte)).count();
            if let Some((word, rest)) = start.split_at_checked(length).filter(|_| length > 0) {
                self.rest = rest;
                return Some((line, Token::Word(word)));
            }
            match self.byte()? {
                b'{' | b'<' => return Some((line, Token::Open)),
                b'}' | b'>' => return Some((line, Token::Close)),
                mut quote @ (b'"' | b'\'') => {
                    let mut text = Vec::new();
                    loop {
                        self.text(quote, &mut text);
                        self.space();
                        match self.rest.first() {
                            Some(&next @ (b'"' | b'\'')) => quote = next,
                            _ => break,
                        }
                        self.byte();
                    }
                    return Some((line, Token::Text(String::from_utf8_lossy(&text).into_owned())));
                }
                _ => {}
            }
        }
    }
}
