//! Signs of code, payloads and addresses in texts that should only describe: metadata and names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use caiso_core::Severity;

use crate::readers::other::is_executable;

/// Pieces of program text that no description has, in lower case.
const CODE: [&str; 30] = [
    "__import__(",
    "__reduce__",
    "__subclasses__",
    "__globals__",
    "__builtins__",
    "os.system",
    "os.popen",
    "subprocess.",
    "pty.spawn",
    "eval(",
    "exec(",
    "compile(",
    "marshal.loads",
    "pickle.loads",
    "base64.b64decode",
    "importlib.import_module",
    "<script",
    "javascript:",
    "onerror=",
    "powershell",
    "/bin/sh",
    "/bin/bash",
    "/dev/tcp/",
    "$(curl",
    "curl -",
    "wget -",
    "| sh",
    "|sh",
    "| bash",
    "file:///",
];

/// What a text turned out to carry.
pub(crate) struct Sign {
    pub(crate) severity: Severity,
    /// As the end of "the metadata `x` …".
    pub(crate) message: String,
    /// A payload that the text encodes.
    pub(crate) payload: Option<Vec<u8>>,
}

/// Looks at a text that is meant as a description.
pub(crate) fn look(text: &str) -> Option<Sign> {
    let lower = text.to_ascii_lowercase();
    if let Some(code) = CODE.iter().find(|code| lower.contains(**code)) {
        return Some(Sign {
            severity: Severity::Medium,
            message: format!("holds program text (`{code}`)"),
            payload: None,
        });
    }
    if looks_like_pickle(text.as_bytes()) {
        return Some(Sign {
            severity: Severity::Medium,
            message: "is a Python pickle".to_owned(),
            payload: Some(text.as_bytes().to_vec()),
        });
    }
    if let Some(sign) = text.split_ascii_whitespace().find_map(encoded) {
        return Some(sign);
    }
    ["http://", "https://", "ftp://", "file://", "\\\\"]
        .iter()
        .find(|scheme| lower.starts_with(**scheme) && lower.split_ascii_whitespace().count() == 1)
        .map(|_| Sign {
            severity: Severity::Info,
            message: "is an address".to_owned(),
            payload: None,
        })
}

/// A run of base64 that encodes something a loader would run.
fn encoded(word: &str) -> Option<Sign> {
    let word = match word.strip_prefix("data:").and_then(|data| data.split_once(";base64,")) {
        Some((_, data)) => data,
        None => word,
    };
    let word = word.trim_matches(['"', '\'', ',', ';']).trim_end_matches('=');
    // Shorter ones are ordinary words.
    if word.len() < 16 || word.len() > 64 << 20 {
        return None;
    }
    let kind = |payload: &[u8]| {
        if looks_like_pickle(payload) {
            Some("a Python pickle")
        } else if is_executable(payload) {
            Some("a program or script")
        } else if payload.starts_with(b"PK\x03\x04") {
            Some("a zip archive")
        } else if std::str::from_utf8(payload)
            .is_ok_and(|text| CODE.iter().any(|code| text.to_ascii_lowercase().contains(code)))
        {
            Some("program text")
        } else {
            None
        }
    };
    let payload = STANDARD_NO_PAD.decode(word).ok()?;
    let kind = kind(&payload)?;
    Some(Sign {
        severity: Severity::High,
        message: format!("encodes {kind} in base64"),
        payload: Some(payload),
    })
}

/// A pickle of protocol 2 to 5 that ends with STOP, or text of protocol 0 that names a global.
fn looks_like_pickle(bytes: &[u8]) -> bool {
    let binary = matches!(bytes, [0x80, 2..=5, .., b'.']);
    let global = bytes.first().is_some_and(|first| matches!(first, b'c' | b'(' | b'i'))
        && bytes.ends_with(b".")
        && bytes.split(|byte| *byte == b'\n').count() > 2
        && bytes.windows(3).any(|window| window == b"\ntR" || window == b"tR." || window == b"(S'");
    binary || global
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use caiso_core::Severity;

    use super::look;

    #[test]
    fn payloads_are_told_from_descriptions() {
        let pickle = STANDARD.encode(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.");
        let script = STANDARD.encode(b"#!/usr/bin/env python3\nprint('hello')\n");
        for bad in [
            "<script>alert(1)</script>",
            "__import__('os').system('id')",
            "cos\nsystem\n(S'id'\ntR.",
        ] {
            assert_eq!(look(bad).map(|sign| sign.severity), Some(Severity::Medium), "{bad}");
        }
        for encoded in [&pickle, &format!("a thumbnail: data:image/png;base64,{script}")] {
            assert_eq!(look(encoded).map(|sign| sign.severity), Some(Severity::High), "{encoded}");
        }
        for good in [
            "pt",
            "Apache-2.0",
            "stable-diffusion-xl-v1-base/lora",
            "{\"epochs\": 3, \"loss\": 0.2, \"evaluation (mean)\": 4}",
            "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ] {
            assert!(look(good).is_none(), "{good}");
        }
        assert_eq!(look("https://example.org/x").map(|sign| sign.severity), Some(Severity::Info));
    }
}
