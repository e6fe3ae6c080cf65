/// A number for people: whole numbers with separated thousands, others with three digits after
/// the point below ten, fewer above, and powers of ten where that would show zeros only.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "undefined".to_owned()
    } else if value == 0.0 {
        "0".to_owned()
    } else if !(0.0005..1e15).contains(&size) {
        format!("{value:.2e}")
    } else if value.fract() == 0.0 {
        grouped(value)
    } else {
        fixed(value, decimals(size))
    }
}

/// A value and the bound it is held against, with as many digits as it takes to tell them apart,
/// so that a value that just fails never reads like the bound.
pub fn pair(value: f64, bound: f64) -> (String, String) {
    let (short_value, short_bound) = (number(value), number(bound));
    if value == bound || short_value != short_bound {
        return (short_value, short_bound);
    }
    (4..=12)
        .map(|digits| (format!("{value:.digits$}"), format!("{bound:.digits$}")))
        .find(|(value, bound)| value != bound)
        .unwrap_or_else(|| (value.to_string(), bound.to_string()))
}

fn decimals(size: f64) -> usize {
    match size {
        _ if size < 10.0 => 3,
        _ if size < 100.0 => 2,
        _ if size < 1000.0 => 1,
        _ => 0,
    }
}

fn fixed(value: f64, decimals: usize) -> String {
    if decimals == 0 { grouped(value.round()) } else { format!("{value:.decimals$}") }
}

/// Digits in groups of three from five digits on.
fn grouped(whole: f64) -> String {
    let digits = format!("{:.0}", whole.abs());
    let sign = if whole < 0.0 { "-" } else { "" };
    if digits.len() < 5 {
        return format!("{sign}{digits}");
    }
    let mut out = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.714_23, "0.714"),
            (0.5, "0.500"),
            (12.345, "12.35"),
            (123.45, "123.5"),
            (1234.6, "1235"),
            (952.0, "952"),
            (12_345.0, "12,345"),
            (-1_234_567.0, "-1,234,567"),
            (0.000_123, "1.23e-4"),
            (3.2e20, "3.20e20"),
            (f64::NAN, "undefined"),
            (f64::INFINITY, "undefined"),
        ] {
            assert_eq!(number(value), text, "{value:e}");
        }
    }

    #[test]
    fn a_value_that_just_fails_does_not_read_like_its_bound() {
        assert_eq!(pair(0.599_96, 0.6), ("0.59996".to_owned(), "0.60000".to_owned()));
        assert_eq!(pair(0.31, 0.6), ("0.310".to_owned(), "0.600".to_owned()));
        assert_eq!(pair(0.6, 0.6), ("0.600".to_owned(), "0.600".to_owned()));
        let (value, bound) = pair(0.1 + 0.2, 0.3);
        assert_ne!(value, bound);
    }
}
