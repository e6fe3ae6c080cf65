//! How many bytes an element has, and whether it is a Python object.

use super::literal::Literal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// So many bytes of plain data.
    Bytes(u64),
    /// Python objects, at least among other things.
    Objects,
    /// A description that NumPy does not write itself.
    Unknown,
}

impl Element {
    pub(super) fn of(descr: &Literal) -> Self {
        match descr {
            Literal::Text(text) => plain(text),
            Literal::List(fields) => {
                let mut total = Self::Bytes(0);
                for field in fields {
                    total = total.and(match field {
                        Literal::Tuple(parts) => match parts.as_slice() {
                            [_, element] => Self::of(element),
                            [_, element, shape] => Self::of(element).times(shape),
                            _ => Self::Unknown,
                        },
                        _ => Self::Unknown,
                    });
                }
                total
            }
            // A type and the shape of each element.
            Literal::Tuple(parts) => match parts.as_slice() {
                [element, shape] => Self::of(element).times(shape),
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Objects, _) | (_, Self::Objects) => Self::Objects,
            (Self::Bytes(a), Self::Bytes(b)) => a.checked_add(b).map_or(Self::Unknown, Self::Bytes),
            _ => Self::Unknown,
        }
    }

    fn times(self, shape: &Literal) -> Self {
        let Self::Bytes(width) = self else { return self };
        let axes = match shape {
            Literal::Tuple(axes) => axes.as_slice(),
            axis => std::slice::from_ref(axis),
        };
        axes.iter()
            .try_fold(width, |total, axis| match axis {
                Literal::Int(axis) => total.checked_mul(u64::try_from(*axis).ok()?),
                _ => None,
            })
            .map_or(Self::Unknown, Self::Bytes)
    }
}

/// `<f4`, `|b1`, `<U12`, `<M8[ns]`, `|O`.
fn plain(text: &str) -> Element {
    let code = text.strip_prefix(['<', '>', '|', '=']).unwrap_or(text);
    let mut characters = code.chars();
    let kind = characters.next();
    let size = characters.as_str();
    // The unit of a time.
    let size = match (kind, size.split_once('[')) {
        (Some('M' | 'm'), Some((size, unit))) if unit.ends_with(']') => size,
        _ => size,
    };
    let number = if size.is_empty() { None } else { size.parse::<u64>().ok() };
    match (kind, number) {
        (Some('O'), _) if size.is_empty() || number.is_some() => Element::Objects,
        (Some('?'), None) if size.is_empty() => Element::Bytes(1),
        (Some('b'), Some(1)) => Element::Bytes(1),
        (Some('i' | 'u'), Some(width @ (1 | 2 | 4 | 8)))
        | (Some('f'), Some(width @ (2 | 4 | 8 | 12 | 16)))
        | (Some('c'), Some(width @ (8 | 16 | 24 | 32)))
        | (Some('M' | 'm'), Some(width @ 8))
        | (Some('S' | 'V' | 'a'), Some(width)) => Element::Bytes(width),
        (Some('U'), Some(length)) => length.checked_mul(4).map_or(Element::Unknown, Element::Bytes),
        _ if code.to_ascii_lowercase().contains("obj") || code.contains('O') => Element::Objects,
        _ => Element::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Element, Literal};

    #[test]
    fn sizes_are_those_of_numpy() {
        for (descr, element) in [
            ("'<f4'", Element::Bytes(4)),
            ("'|b1'", Element::Bytes(1)),
            ("'<U3'", Element::Bytes(12)),
            ("'<M8[ns]'", Element::Bytes(8)),
            ("'|V6'", Element::Bytes(6)),
            ("[('a', '<i4'), ('b', '<f8', (2, 3)), ('', '|V4')]", Element::Bytes(56)),
            ("('<f4', (2,))", Element::Bytes(8)),
            ("'|O'", Element::Objects),
            ("'O8'", Element::Objects),
            ("'object'", Element::Objects),
            ("'f4,O'", Element::Objects),
            ("[('a', '<i4'), ('b', [('c', '|O')])]", Element::Objects),
            ("'f4,i4'", Element::Unknown),
            ("7", Element::Unknown),
        ] {
            assert_eq!(Element::of(&Literal::parse(descr).unwrap()), element, "{descr}");
        }
    }
}
