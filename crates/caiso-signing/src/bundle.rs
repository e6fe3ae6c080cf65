use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::error::shown;
use crate::statement::{self, PAYLOAD_TYPE, pre_authentication_encoding};
use crate::{Certificate, Certificates, Error, Manifest, SigningKey};

/// Bytes of a bundle, at most; about 300,000 files.
pub const MAX_BUNDLE: usize = 64 << 20;

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Certificates in a bundle, at most.
const MAX_CERTIFICATES: usize = 16;

/// How a bundle is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// With a key that the verifier must have.
    Key,
    /// With a certificate, the path to its authority in the bundle.
    Certificate,
    /// With a certificate for some minutes, its use noted in a public log (keyless Sigstore).
    Sigstore,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "a key",
            Self::Certificate => "a certificate",
            Self::Sigstore => "a Sigstore certificate",
        })
    }
}

/// A bundle as it was read: its form is checked, nothing in it is verified.
#[derive(Clone, Debug)]
pub struct Bundle {
    pub(crate) method: Method,
    /// Fingerprint of the key that the bundle says has signed.
    pub(crate) hint: Option<String>,
    /// Key in the bundle itself, as bundles had before 1.0.
    pub(crate) raw_key: Option<Vec<u8>>,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) keyid: Option<String>,
    pub(crate) log_entries: usize,
    pub(crate) has_timestamps: bool,
    pub(crate) has_key_details: bool,
    claimed_time: Option<u64>,
}

impl Bundle {
    /// Reads the JSON of a Sigstore bundle 0.3 with a DSSE envelope.
    ///
    /// # Errors
    /// More than [`MAX_BUNDLE`] bytes, no such JSON, a field that is missing or unknown, more than one
    /// signature, Base64 that is not canonical, certificates that cannot be read.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_BUNDLE {
            return Err(Error::TooLarge { size: bytes.len(), limit: MAX_BUNDLE });
        }
        let wire: Wire = serde_json::from_slice(bytes)
            .map_err(|source| Error::Json { place: "the bundle", source })?;
        let Wire { media_type, verification_material: material, dsse_envelope: envelope } = wire;
        expect("mediaType", &media_type, MEDIA_TYPE)?;
        expect("dsseEnvelope.payloadType", &envelope.payload_type, PAYLOAD_TYPE)?;
        let count = envelope.signatures.len();
        let [signature] = <[Signature; 1]>::try_from(envelope.signatures).map_err(|_| {
            field("dsseEnvelope.signatures", format!("a list of {count}"), "exactly one signature")
        })?;

        let method = material.method()?;
        let log_entries = material.tlog_entries.unwrap_or_default();
        if method == Method::Sigstore && log_entries.is_empty() {
            let place = "verificationMaterial.tlogEntries";
            return Err(field(place, "empty".to_owned(), "at least one entry of the log"));
        }
        let mut certificates = Vec::new();
        let chain = material.x509_certificate_chain.map(|chain| chain.certificates);
        let listed = chain.into_iter().flatten().chain(material.certificate);
        for (index, RawCertificate { raw_bytes }) in listed.enumerate() {
            let place = format!("{index} in verificationMaterial");
            if index >= MAX_CERTIFICATES {
                let found = "a longer list".to_owned();
                let place = "verificationMaterial.x509CertificateChain";
                return Err(field(place, found, "at most 16 certificates"));
            }
            certificates.push(Certificate::from_der(decode(&place, &raw_bytes)?, &place)?);
        }
        if method != Method::Key && certificates.is_empty() {
            let place = "verificationMaterial.x509CertificateChain.certificates";
            return Err(field(place, "empty".to_owned(), "at least one certificate"));
        }
        let (mut hint, mut raw_key, mut has_key_details) = (None, None, false);
        if let Some(key) = material.public_key {
            let place = "verificationMaterial.publicKey";
            if key.hint.is_none() && key.raw_bytes.is_none() {
                return Err(field(place, "without `hint`".to_owned(), "the key's fingerprint"));
            }
            raw_key = key.raw_bytes.map(|raw| decode(place, &raw)).transpose()?;
            hint = key.hint;
            has_key_details = key.key_details.is_some();
        }
        let claimed = log_entries.iter().find_map(|entry| entry.integrated_time.as_deref());
        Ok(Self {
            method,
            hint,
            raw_key,
            certificates,
            payload: decode("dsseEnvelope.payload", &envelope.payload)?,
            signature: decode("dsseEnvelope.signatures[0].sig", &signature.sig)?,
            keyid: signature.keyid.filter(|keyid| !keyid.is_empty()),
            log_entries: log_entries.len(),
            has_key_details,
            has_timestamps: material.timestamp_verification_data.is_some(),
            claimed_time: claimed.and_then(|time| time.parse().ok()),
        })
    }

    /// How it is signed.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The certificate that signed, which nothing has verified yet.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificates.first()
    }

    /// When the log's entry says that it was made, in seconds since 1970; nothing has verified it.
    pub fn claimed_time(&self) -> Option<u64> {
        self.claimed_time
    }
}

/// Signs a manifest with a key, and where certificates are given, with the first of them, the others
/// being those between it and the authority's.
///
/// Returns the bundle's JSON. The same arguments always give the same bytes.
///
/// # Errors
/// Certificates whose first one is not for this key, a manifest too large for a bundle.
pub fn sign(
    manifest: &Manifest,
    key: &SigningKey,
    certificates: Option<&Certificates>,
) -> Result<Vec<u8>, Error> {
    let payload = statement::write(manifest)?;
    let signature = key.sign(&pre_authentication_encoding(&payload))?;
    let mut material = Material { tlog_entries: Some(Vec::new()), ..Material::default() };
    match certificates.map(Certificates::as_slice) {
        None => {
            material.public_key = Some(PublicKeyIdentifier {
                hint: Some(key.public_key().fingerprint()?),
                raw_bytes: None,
                key_details: None,
            });
        }
        Some(certificates) => {
            let first = certificates.first().ok_or(Error::Empty)?;
            if first.public_key()? != key.public_key() {
                return Err(first.problem(
                    "is not for the given key; the signer's certificate comes first".to_owned(),
                ));
            }
            first.check_signer()?;
            if certificates.len() > MAX_CERTIFICATES {
                return Err(first.problem("comes with more than 15 others".to_owned()));
            }
            let certificates = certificates
                .iter()
                .map(|certificate| RawCertificate { raw_bytes: STANDARD.encode(&certificate.der) })
                .collect();
            material.x509_certificate_chain = Some(Chain { certificates });
        }
    }
    let wire = Wire {
        media_type: MEDIA_TYPE.to_owned(),
        verification_material: material,
        dsse_envelope: Envelope {
            payload: STANDARD.encode(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![Signature {
                sig: STANDARD.encode(signature),
                keyid: Some(String::new()),
            }],
        },
    };
    let bytes =
        serde_json::to_vec(&wire).map_err(|source| Error::Json { place: "the bundle", source })?;
    if bytes.len() > MAX_BUNDLE {
        return Err(Error::TooLarge { size: bytes.len(), limit: MAX_BUNDLE });
    }
    Ok(bytes)
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    media_type: String,
    verification_material: Material,
    dsse_envelope: Envelope,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Material {
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<PublicKeyIdentifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x509_certificate_chain: Option<Chain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<RawCertificate>,
    tlog_entries: Option<Vec<LogEntry>>,
    #[serde(skip_serializing)]
    timestamp_verification_data: Option<IgnoredAny>,
}

impl Material {
    fn method(&self) -> Result<Method, Error> {
        let parts = [
            (self.public_key.is_some(), Method::Key),
            (self.x509_certificate_chain.is_some(), Method::Certificate),
            (self.certificate.is_some(), Method::Sigstore),
        ];
        let mut present = parts.into_iter().filter_map(|(is, method)| is.then_some(method));
        match (present.next(), present.next()) {
            (Some(method), None) => Ok(method),
            (first, _) => Err(field(
                "verificationMaterial",
                if first.is_some() { "with several of them" } else { "with none" }.to_owned(),
                "one of `publicKey`, `x509CertificateChain` and `certificate`",
            )),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PublicKeyIdentifier {
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_bytes: Option<String>,
    #[serde(skip_serializing)]
    key_details: Option<IgnoredAny>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chain {
    certificates: Vec<RawCertificate>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawCertificate {
    raw_bytes: String,
}

/// What else an entry holds belongs to the log and is not looked at.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogEntry {
    integrated_time: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    sig: String,
    keyid: Option<String>,
}

fn decode(place: &str, text: &str) -> Result<Vec<u8>, Error> {
    let bytes = STANDARD
        .decode(text)
        .map_err(|error| field(place, format!("not Base64 ({error})"), "canonical Base64"))?;
    if bytes.is_empty() {
        return Err(field(place, "empty".to_owned(), "some bytes"));
    }
    Ok(bytes)
}

fn expect(place: &str, found: &str, expected: &str) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(field(place, shown(found), expected)) }
}

fn field(place: &str, found: String, expected: &str) -> Error {
    let (place, expected) = (format!("`{place}`"), expected.to_owned());
    Error::Field { place, found, expected }
}
