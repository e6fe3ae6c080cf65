//! Recognising secrets written into text. Nothing here returns a part of a secret.

/// Prefixes of credentials that services issue, the fewest characters that follow, and their name.
const ISSUED: [(&str, usize, &str); 27] = [
    ("AKIA", 16, "an AWS access key"),
    ("ASIA", 16, "an AWS session key"),
    ("ghp_", 36, "a GitHub token"),
    ("gho_", 36, "a GitHub token"),
    ("ghu_", 36, "a GitHub token"),
    ("ghs_", 36, "a GitHub token"),
    ("ghr_", 36, "a GitHub token"),
    ("github_pat_", 40, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("hf_", 30, "a Hugging Face token"),
    ("sk-ant-", 32, "an Anthropic API key"),
    ("sk-proj-", 32, "an OpenAI API key"),
    ("sk-", 40, "an OpenAI API key"),
    ("xoxb-", 20, "a Slack token"),
    ("xoxp-", 20, "a Slack token"),
    ("xapp-", 20, "a Slack token"),
    ("AIza", 35, "a Google API key"),
    ("ya29.", 40, "a Google OAuth token"),
    ("sk_live_", 20, "a Stripe key"),
    ("rk_live_", 20, "a Stripe key"),
    ("npm_", 36, "an npm token"),
    ("pypi-AgE", 50, "a PyPI token"),
    ("dapi", 32, "a Databricks token"),
    ("nvapi-", 40, "an NVIDIA API key"),
    ("gsk_", 40, "a Groq API key"),
    ("SG.", 60, "a SendGrid key"),
    ("hvs.", 24, "a Vault token"),
];

/// Words in a name that announce a secret.
const SECRET_WORDS: [&str; 16] = [
    "password",
    "passwd",
    "pwd",
    "pass",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "apikey",
    "credential",
    "credentials",
    "accesskey",
    "secretkey",
    "privatekey",
    "authkey",
    "bearer",
];

/// Words that, at the end of a name, say that the value is about a secret and not the secret.
const ABOUT_WORDS: [&str; 36] = [
    "file",
    "path",
    "dir",
    "directory",
    "name",
    "names",
    "url",
    "uri",
    "endpoint",
    "host",
    "ttl",
    "expiry",
    "expiration",
    "expires",
    "lifetime",
    "seconds",
    "minutes",
    "interval",
    "timeout",
    "length",
    "size",
    "limit",
    "count",
    "max",
    "min",
    "enabled",
    "disabled",
    "required",
    "policy",
    "type",
    "provider",
    "header",
    "issuer",
    "ref",
    "mount",
    "id",
];

/// The kind of credential that a text contains by its format, wherever it came from.
pub(crate) fn issued(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let stop = |c: char| !(c.is_ascii_alphanumeric() || "-_.+".contains(c));
    let by_prefix = text.split(stop).find_map(|word| {
        ISSUED.iter().find_map(|(prefix, least, name)| {
            let rest = word.strip_prefix(prefix)?;
            // The placeholder of an example repeats one character or is all letters of one word.
            let varied = rest.bytes().any(|b| b.is_ascii_digit()) && distinct(rest) >= 6;
            let long = rest.len() >= *least
                && rest.bytes().filter(u8::is_ascii_alphanumeric).count() >= *least / 2;
            // Keys of this form have no hyphen; names with this beginning do.
            let hyphen = *prefix == "sk-" && rest.contains('-');
            (long && varied && !hyphen).then_some(*name)
        })
    });
    by_prefix
        .or_else(|| jwt(text).then_some("a signed token (JWT)"))
        .or_else(|| url_password(text).then_some("a password in a URL"))
        .or_else(|| {
            let key = text.split_once("AccountKey=").map(|(_, key)| key);
            let long = |key: &str| {
                key.chars().take_while(|c| c.is_ascii_alphanumeric() || "+/=".contains(*c)).count()
                    >= 40
            };
            key.is_some_and(long).then_some("an Azure storage account key")
        })
}

/// Whether a setting of this name holds a secret if its value is one that can be used as such.
pub(crate) fn is_secret(name: &str, value: &str) -> bool {
    names_secret(name) && is_literal(value)
}

/// Whether a value has the look of a random key: long, and of all kinds of characters.
pub(crate) fn is_random(value: &str) -> bool {
    let bytes = value.as_bytes();
    let alphabet = |b: &u8| b.is_ascii_alphanumeric() || b"+/=-_".contains(b);
    bytes.len() >= 32
        && bytes.iter().all(alphabet)
        && bytes.iter().any(u8::is_ascii_lowercase)
        && bytes.iter().any(u8::is_ascii_uppercase)
        && bytes.iter().filter(|byte| byte.is_ascii_digit()).count() >= 3
        && !value.contains("//")
        && entropy(bytes) >= 4.2
}

fn names_secret(name: &str) -> bool {
    let words = words(name);
    if words.last().is_some_and(|last| ABOUT_WORDS.contains(&last.as_str())) {
        return false;
    }
    let single = words.iter().any(|word| SECRET_WORDS.contains(&word.as_str()));
    let pair = words.windows(2).any(|pair| {
        let joined: String = pair.concat();
        SECRET_WORDS.contains(&joined.as_str())
    });
    single || pair
}

/// A name in lower-case words: `openaiApiKey`, `OPENAI_API_KEY` and `--openai-api-key` alike.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_lower = false;
    for character in name.chars() {
        let separator = !character.is_alphanumeric();
        if separator || (character.is_uppercase() && previous_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| !separator) {
            word.extend(character.to_lowercase());
        }
        previous_lower = character.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a value stands for itself: no reference, placeholder, path, switch or number that
/// counts something.
fn is_literal(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    let switch =
        ["true", "false", "yes", "no", "none", "null", "auto", "default", "bearer", "basic"];
    let reference = value.starts_with("$(")
        || value.starts_with("${")
        || value.contains("{{")
        || value.starts_with('/')
        || value.starts_with("file:")
        || (value.starts_with('<') && value.ends_with('>'))
        || value.starts_with("vault:")
        || value.starts_with("arn:")
        || (value.contains("://") && !url_password(value));
    let count = value.len() <= 5 && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let switch = switch.iter().any(|word| value.eq_ignore_ascii_case(word));
    !(value.is_empty() || reference || count || switch)
}

/// Whether the text holds `scheme://user:password@host` with a password that stands for itself.
fn url_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority =
            rest.split(['/', '?', '#', ' ', '\n', '"', '\'']).next().unwrap_or_default();
        let Some((user, _)) = authority.rsplit_once('@') else { return false };
        let Some((_, password)) = user.split_once(':') else { return false };
        !password.is_empty()
            && !password.starts_with('$')
            && !password.contains("{{")
            && !password.starts_with('<')
            && !password.bytes().all(|byte| byte == b'*')
    })
}

fn jwt(text: &str) -> bool {
    let stop = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
    text.split(stop).any(|word| {
        let mut parts = word.split('.');
        let long = |part: Option<&str>, least| part.is_some_and(|part| part.len() >= least);
        word.starts_with("eyJ")
            && long(parts.next(), 12)
            && parts.next().is_some_and(|part| part.starts_with("eyJ") && part.len() >= 10)
            && long(parts.next(), 16)
    })
}

fn distinct(text: &str) -> usize {
    let mut seen = [false; 256];
    for byte in text.bytes() {
        if let Some(slot) = seen.get_mut(usize::from(byte)) {
            *slot = true;
        }
    }
    seen.iter().filter(|seen| **seen).count()
}

/// Shannon entropy in bits per byte.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    let total = bytes.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issued_credentials_are_known_by_their_format() {
        // Put together here, so that no scanner takes this file for a leak.
        let text = [
            (format!("AKIA{}", "IOSFODNN7EXAMP1E"), "an AWS access key"),
            (format!("--token=ghp_{}", "aB3".repeat(12)), ""),
            (format!("x hf_{}", "aB3cD5eF7g".repeat(4)), "a Hugging Face token"),
            (format!("-----BEGIN {} PRIVATE KEY-----", "RSA"), "a private key"),
            (format!("postgres://u:{}@db/x", "geheim"), "a password in a URL"),
            ("postgres://u:$(PASSWORD)@db/x".to_owned(), ""),
            ("postgres://db/x?a=b:c@d".to_owned(), ""),
            (format!("AKIA{}", "X".repeat(16)), ""),
            ("hf_model_name_that_is_rather_long_indeed".to_owned(), ""),
            ("sk-learn-model-server-for-the-mortgage-system-1".to_owned(), ""),
            ("plain text".to_owned(), ""),
        ];
        for (text, expected) in text {
            assert_eq!(issued(&text).unwrap_or_default(), expected, "{text}");
        }
    }

    #[test]
    fn names_announce_secrets_by_whole_words() {
        let secret = [
            "DB_PASSWORD",
            "openaiApiKey",
            "--hf-token",
            "AWS_SECRET_ACCESS_KEY",
            "WANDB_API_KEY",
            "PGPASS_PASS",
        ];
        let not = [
            "TOKENIZERS_PARALLELISM",
            "MAX_TOKENS",
            "PASSWORD_FILE",
            "SECRET_NAME",
            "COMPASS",
            "TOKEN_TTL",
            "KEY",
            "BYPASS",
            "AWS_ACCESS_KEY_ID",
        ];
        for name in secret {
            assert!(names_secret(name), "{name}");
        }
        for name in not {
            assert!(!names_secret(name), "{name}");
        }
    }

    #[test]
    fn references_and_switches_are_no_secrets() {
        for value in [
            "",
            "$(PW)",
            "${PW}",
            "{{ .Values.pw }}",
            "/run/secrets/pw",
            "<password>",
            "true",
            "512",
            "''",
        ] {
            assert!(!is_secret("PASSWORD", value), "{value}");
        }
        for value in ["changeme", "Tremont-Street", "123456", "a"] {
            assert!(is_secret("PASSWORD", value), "{value}");
        }
    }

    #[test]
    fn random_keys_look_random_and_names_do_not() {
        assert!(is_random("wJalrXUtnFEMIK7MDENGbPxRfiCYq3nP1LkT8sQz"));
        for value in [
            "3f1c0b5a2f8c4f7e9d6a1b0c5e4d3f2a1b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e",
            "mortgage-model-server-production-europe-west-1",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaAAA111",
            "short1A",
        ] {
            assert!(!is_random(value), "{value}");
        }
    }
}
