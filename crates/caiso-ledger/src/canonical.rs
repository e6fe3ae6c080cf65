//! Canonical JSON, [RFC 8785](https://www.rfc-editor.org/rfc/rfc8785).

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::LedgerError;
use crate::error::Result;

/// The one canonical encoding of a value; `what` names it in errors.
pub fn to_canonical<T: Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>> {
    serde_json_canonicalizer::to_vec(value)
        .map_err(|source| LedgerError::Encode { what, source: Arc::new(source) })
}

/// Reads a value and demands that the bytes are its canonical encoding, so that two different
/// byte strings never mean the same value.
pub fn from_canonical<T: Serialize + DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T> {
    let value: T = serde_json::from_slice(bytes)
        .map_err(|source| LedgerError::Decode { what, source: Arc::new(source) })?;
    if to_canonical(what, &value)? == bytes {
        Ok(value)
    } else {
        Err(LedgerError::NotCanonical { what })
    }
}

/// Serde form of 32 bytes as 64 lower-case hexadecimal digits.
pub(crate) mod hex32 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(&text, &mut bytes)
            .map_err(|_| D::Error::custom("expected 64 hexadecimal digits"))?;
        Ok(bytes)
    }
}

/// Serde form of 32 bytes that may be absent.
pub(crate) mod hex32_option {
    use serde::{Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "the signature serde asks for")]
    pub(crate) fn serialize<S: Serializer>(
        bytes: &Option<[u8; 32]>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => super::hex32::serialize(bytes, to),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<[u8; 32]>, D::Error> {
        super::hex32::deserialize(from).map(Some)
    }
}

/// Serde form of bytes as padded standard base64.
pub(crate) mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(|_| D::Error::custom("expected padded standard base64"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn sorts_by_utf16_code_unit_and_writes_shortest_numbers() {
        // The example of RFC 8785, section 3.2.3, with the numbers of section 3.2.2.
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis",
            "numbers": [333_333_333.333_333_3, 1e30, 4.50, 2e-3, 1e-27],
        });
        let text = String::from_utf8(to_canonical("example", &value).unwrap()).unwrap();
        let keys = ["\\r", "1", "numbers", "\u{80}", "\u{f6}", "\u{20ac}", "\u{1f600}", "\u{fb33}"];
        let positions: Vec<_> =
            keys.iter().map(|key| text.find(&format!("\"{key}\":")).unwrap()).collect();
        assert!(positions.is_sorted(), "{text}");
        assert!(text.contains("[333333333.3333333,1e+30,4.5,0.002,1e-27]"), "{text}");
    }

    #[test]
    fn refuses_every_other_encoding() {
        assert!(from_canonical::<Value>("value", br#"{"a":1,"b":2}"#).is_ok());
        for bytes in [
            br#"{"b":2,"a":1}"#.as_slice(),
            br#"{"a": 1}"#,
            br#"{"a":1,"a":1}"#,
            br#"{"a":1.0}"#,
            br#"{"a":"\u0041"}"#,
        ] {
            let error = from_canonical::<Value>("value", bytes).unwrap_err();
            assert!(matches!(error, LedgerError::NotCanonical { .. }), "{error}");
        }
        assert!(matches!(
            from_canonical::<Value>("value", b"{").unwrap_err(),
            LedgerError::Decode { .. }
        ));
        let deep = "[".repeat(100_000);
        assert!(from_canonical::<Value>("value", deep.as_bytes()).is_err());
    }
}
