//! Licences by their SPDX identifiers (<https://spdx.org/licenses/>).

use super::document::{Licence, LicenceChoice};
use super::place::address;

/// The identifiers that models, data and their software carry.
#[rustfmt::skip] // A table.
const SPDX: &[&str] = &[
    "0BSD", "AFL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-1.1", "Apache-2.0", "Artistic-2.0",
    "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear", "BSL-1.0", "C-UDA-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0",
    "CC-BY-4.0", "CC-BY-NC-2.0", "CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC-BY-NC-ND-3.0", "CC-BY-NC-ND-4.0",
    "CC-BY-NC-SA-2.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0",
    "CC-PDDC", "CC0-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "CDLA-Sharing-1.0", "ECL-2.0", "EPL-1.0",
    "EPL-2.0", "EUPL-1.1", "EUPL-1.2", "GFDL-1.3-only", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only",
    "GPL-3.0-or-later", "ISC", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later",
    "LPPL-1.3c", "MIT", "MIT-0", "MPL-2.0", "MS-PL", "MulanPSL-2.0", "NCSA", "ODbL-1.0", "ODC-By-1.0", "OFL-1.1",
    "OSL-3.0", "PDDL-1.0", "PSF-2.0", "PostgreSQL", "Python-2.0", "Unicode-3.0", "Unlicense", "WTFPL", "Zlib",
];

/// What people write for them: identifiers of the Hugging Face hub and older SPDX identifiers.
#[rustfmt::skip] // A table.
const SPELLINGS: &[(&str, &str)] = &[
    ("agpl-3.0", "AGPL-3.0-only"), ("apache", "Apache-2.0"), ("apache 2.0", "Apache-2.0"),
    ("apache license 2.0", "Apache-2.0"), ("apache software license 2.0", "Apache-2.0"), ("apache2", "Apache-2.0"),
    ("bsd 3-clause", "BSD-3-Clause"), ("bsd-3", "BSD-3-Clause"), ("gpl-2.0", "GPL-2.0-only"),
    ("gpl-3.0", "GPL-3.0-only"), ("lgpl-2.1", "LGPL-2.1-only"), ("lgpl-3.0", "LGPL-3.0-only"),
    ("mit license", "MIT"), ("odc-by", "ODC-By-1.0"), ("pddl", "PDDL-1.0"), ("the mit license", "MIT"),
];

/// A licence as it is written: by its identifier where it is one, as an expression of identifiers, else by name.
pub(super) fn licence(written: &str, url: Option<&str>) -> LicenceChoice {
    let written = written.trim();
    let url = url.and_then(address);
    if let Some(id) = identifier(written) {
        return LicenceChoice::License(Licence { id: Some(id), name: None, url });
    }
    let plain = written.replace(['(', ')'], " ");
    let mut words = plain.split_whitespace().enumerate();
    let alternating = words.all(|(place, word)| match place % 2 {
        0 => SPDX.contains(&word),
        _ => matches!(word, "AND" | "OR"),
    });
    let words = plain.split_whitespace().count();
    let balanced = written.matches('(').count() == written.matches(')').count();
    if alternating && words > 2 && words % 2 == 1 && balanced {
        return LicenceChoice::Expression { expression: written.to_owned() };
    }
    LicenceChoice::License(Licence { id: None, name: Some(written.to_owned()), url })
}

/// Licences as CycloneDX takes them: an expression stands alone or, among others, for a name.
pub(super) fn together(licences: Vec<LicenceChoice>) -> Vec<LicenceChoice> {
    if licences.len() < 2 {
        return licences;
    }
    let named = |choice| match choice {
        LicenceChoice::Expression { expression } => {
            LicenceChoice::License(Licence { name: Some(expression), ..Licence::default() })
        }
        licence @ LicenceChoice::License(_) => licence,
    };
    licences.into_iter().map(named).collect()
}

fn identifier(written: &str) -> Option<&'static str> {
    let same = SPDX.iter().find(|id| id.eq_ignore_ascii_case(written)).copied();
    same.or_else(|| {
        let spelling =
            SPELLINGS.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(written));
        spelling.map(|(_, id)| *id)
    })
}

/// The licence that a licence file holds, by the words it begins with.
pub(super) fn of_text(text: &str) -> Option<LicenceChoice> {
    let head: String = text.split_whitespace().take(200).collect::<Vec<_>>().join(" ");
    let starts = |words: &str| head.starts_with(words);
    let holds = |words: &str| head.contains(words);
    let id = if starts("Apache License") && holds("Version 2.0") {
        "Apache-2.0"
    } else if holds("Permission is hereby granted, free of charge") && !holds("Boost") {
        "MIT"
    } else if starts("GNU GENERAL PUBLIC LICENSE Version 3") {
        "GPL-3.0-only"
    } else if starts("GNU AFFERO GENERAL PUBLIC LICENSE Version 3") {
        "AGPL-3.0-only"
    } else if starts("GNU LESSER GENERAL PUBLIC LICENSE Version 3") {
        "LGPL-3.0-only"
    } else if starts("Mozilla Public License Version 2.0") {
        "MPL-2.0"
    } else if holds("Redistribution and use in source and binary forms") {
        if holds("3. Neither the name") { "BSD-3-Clause" } else { return None }
    } else if holds("Creative Commons Attribution 4.0 International") {
        "CC-BY-4.0"
    } else {
        return None;
    };
    Some(LicenceChoice::License(Licence { id: Some(id), ..Licence::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_expressions_and_names_are_told_apart() {
        let shown = |written| serde_json::to_string(&licence(written, None)).unwrap();
        assert_eq!(shown("apache-2.0"), r#"{"license":{"id":"Apache-2.0"}}"#);
        assert_eq!(shown("MIT License"), r#"{"license":{"id":"MIT"}}"#);
        assert_eq!(
            shown("(MIT OR Apache-2.0) AND Unicode-3.0"),
            r#"{"expression":"(MIT OR Apache-2.0) AND Unicode-3.0"}"#
        );
        assert_eq!(shown("MIT OR"), r#"{"license":{"name":"MIT OR"}}"#);
        assert_eq!(shown("llama3.1"), r#"{"license":{"name":"llama3.1"}}"#);
        assert_eq!(
            of_text("\n  Apache License\n  Version 2.0, January 2004"),
            Some(licence("Apache-2.0", None))
        );
        let both = together(vec![licence("MIT OR Zlib", None), licence("MIT", None)]);
        assert!(both.iter().all(|choice| matches!(choice, LicenceChoice::License(_))), "{both:?}");
        assert_eq!(of_text("All rights reserved."), None);
    }
}
