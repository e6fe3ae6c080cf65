//! Extended headers.

use std::borrow::Cow;

use super::header::text;

/// Values that replace those of the next header, or of all that follow.
#[derive(Clone, Debug, Default)]
pub(super) struct Extensions<'a> {
    pub(super) name: Option<Cow<'a, [u8]>>,
    pub(super) link: Option<Cow<'a, [u8]>>,
    pub(super) size: Option<u64>,
    pub(super) sparse: bool,
}

impl<'a> Extensions<'a> {
    /// GNU's long name.
    pub(super) fn set_name(&mut self, data: &'a [u8]) -> bool {
        self.name = Some(Cow::Borrowed(text(data)));
        true
    }

    /// GNU's long link.
    pub(super) fn set_link(&mut self, data: &'a [u8]) -> bool {
        self.link = Some(Cow::Borrowed(text(data)));
        true
    }

    /// Records of the form `length key=value\n`; false where one is damaged.
    pub(super) fn read(&mut self, data: &'a [u8]) -> bool {
        let mut rest = data;
        while rest.first().is_some_and(|byte| *byte != 0) {
            let Some((key, value, after)) = record(rest) else { return false };
            match key {
                b"path" if self.sparse && self.name.is_some() => {}
                b"path" => self.name = Some(Cow::Borrowed(value)),
                b"GNU.sparse.name" => {
                    self.name = Some(Cow::Borrowed(value));
                    self.sparse = true;
                }
                b"linkpath" => self.link = Some(Cow::Borrowed(value)),
                b"size" => match decimal(value) {
                    Some(size) => self.size = Some(size),
                    None => return false,
                },
                _ if key.starts_with(b"GNU.sparse.") => self.sparse = true,
                _ => {}
            }
            rest = after;
        }
        true
    }

    /// These values, and those of `global` where there is none.
    pub(super) fn over(self, global: &Self) -> Self {
        Self {
            name: self.name.or_else(|| global.name.clone()),
            link: self.link.or_else(|| global.link.clone()),
            size: self.size.or(global.size),
            sparse: self.sparse || global.sparse,
        }
    }
}

fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = memchr::memchr(b' ', bytes.get(..bytes.len().min(21))?)?;
    let length = usize::try_from(decimal(bytes.get(..blank)?)?).ok()?;
    let (record, after) = bytes.split_at_checked(length)?;
    let pair = record.get(blank.checked_add(1)?..)?.strip_suffix(b"\n")?;
    let (key, value) = pair.split_at_checked(memchr::memchr(b'=', pair)?)?;
    Some((key, value.get(1..)?, after))
}

fn decimal(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}
