//! Image references.

/// How firmly a reference names one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pin {
    /// By digest: always the same image.
    Digest,
    /// By a digest that is none.
    BadDigest,
    /// By a tag, which can be moved.
    Tag,
    /// By `latest`, or by nothing, which means `latest`.
    Latest,
}

/// How firmly `reference` (`registry:5000/team/name:tag@sha256:…`) names one image.
pub(crate) fn pin(reference: &str) -> Pin {
    if let Some((_, digest)) = reference.split_once('@') {
        let hex = |length: usize, digits: &str| {
            digits.len() == length
                && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        return match digest.split_once(':') {
            Some(("sha256", digits)) if hex(64, digits) => Pin::Digest,
            Some(("sha512", digits)) if hex(128, digits) => Pin::Digest,
            _ => Pin::BadDigest,
        };
    }
    // A colon before the last slash separates the port of the registry.
    let name = reference.rsplit('/').next().unwrap_or(reference);
    match name.split_once(':') {
        None | Some((_, "latest" | "")) => Pin::Latest,
        Some(_) => Pin::Tag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_by_their_grammar() {
        let digest = "a".repeat(64);
        let cases = [
            (format!("a/b@sha256:{digest}"), Pin::Digest),
            (format!("a/b:1@sha256:{digest}"), Pin::Digest),
            ("a/b@sha256:abc".to_owned(), Pin::BadDigest),
            (format!("a/b@md5:{digest}"), Pin::BadDigest),
            ("localhost:5000/b".to_owned(), Pin::Latest),
            ("localhost:5000/b:1".to_owned(), Pin::Tag),
            ("b".to_owned(), Pin::Latest),
            ("b:latest".to_owned(), Pin::Latest),
            ("b:latest-cuda".to_owned(), Pin::Tag),
            (String::new(), Pin::Latest),
        ];
        for (reference, expected) in cases {
            assert_eq!(pin(&reference), expected, "{reference}");
        }
    }
}
