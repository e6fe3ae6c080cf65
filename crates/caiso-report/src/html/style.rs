//! The style sheet, and a test that its colours can be read.

pub(super) const STYLE: &str = include_str!("style.css");

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::STYLE;

    /// Relative luminance, WCAG 2.2.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Custom properties of each `:root{…}` rule: light, dark, print.
    fn themes() -> Vec<BTreeMap<&'static str, &'static str>> {
        STYLE
            .split(":root{")
            .skip(1)
            .map(|rest| {
                let body = rest.split('}').next().unwrap();
                body.split(';')
                    .filter_map(|pair| pair.trim().strip_prefix("--")?.split_once(':'))
                    .filter(|(_, value)| value.starts_with('#') && value.len() == 7)
                    .collect()
            })
            .collect()
    }

    #[test]
    fn colours_meet_wcag_aa() {
        let themes = themes();
        assert_eq!(themes.len(), 3, "light, dark and print");
        for theme in themes {
            for ground in ["paper", "soft"] {
                for text in ["ink", "muted", "accent", "second", "good", "bad", "warn"] {
                    let ratio = contrast(theme[text], theme[ground]);
                    assert!(ratio >= 4.5, "{text} on {ground}: {ratio:.2} in {theme:?}");
                }
            }
            for (text, ground) in [
                ("bad", "bad-soft"),
                ("good", "good-soft"),
                ("warn", "warn-soft"),
                ("ink", "bad-soft"),
                ("ink", "good-soft"),
                ("ink", "warn-soft"),
            ] {
                let ratio = contrast(theme[text], theme[ground]);
                assert!(ratio >= 4.5, "{text} on {ground}: {ratio:.2}");
            }
            // White or black text on filled bars and tags.
            for ground in ["good", "bad", "accent"] {
                let ratio = contrast(theme["paper"], theme[ground]);
                assert!(ratio >= 4.5, "paper on {ground}: {ratio:.2}");
            }
        }
    }

    #[test]
    fn loads_nothing() {
        for word in ["url(", "@import", "http", "<", "data-part"] {
            assert!(!STYLE.contains(word), "{word}");
        }
    }
}
