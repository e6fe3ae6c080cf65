use std::time::Duration;

use sha2::{Digest, Sha256};
use x509_cert::der::{DateTime, Decode, DecodePem, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};

use crate::error::shown;
use crate::key::block;
use crate::{Error, PublicKey};

const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
const ANY_USAGE: &str = "2.5.29.37.0";
const NAME_CONSTRAINTS: &str = "2.5.29.30";
/// Extensions that are looked at, or that say nothing about who may sign: basic constraints, key usage,
/// extended key usage, subject alternative name.
const UNDERSTOOD: [&str; 4] = ["2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.17"];

/// An X.509 certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub(crate) der: Vec<u8>,
    pub(crate) inner: x509_cert::Certificate,
}

impl Certificate {
    /// Reads DER.
    pub(crate) fn from_der(der: Vec<u8>, place: &str) -> Result<Self, Error> {
        match x509_cert::Certificate::from_der(&der) {
            Ok(inner) => Ok(Self { der, inner }),
            Err(error) => Err(Error::Certificate {
                certificate: place.to_owned(),
                reason: format!("cannot be read: {error}"),
            }),
        }
    }

    /// Who it is about, by RFC 4514, or its serial number where it does not say.
    pub fn subject(&self) -> String {
        let tbs = self.inner.tbs_certificate();
        match tbs.subject().to_string() {
            empty if empty.is_empty() => format!("with serial number {}", tbs.serial_number()),
            subject => subject,
        }
    }

    /// Who issued it, by RFC 4514.
    pub fn issuer(&self) -> String {
        self.inner.tbs_certificate().issuer().to_string()
    }

    /// E-mail addresses, host names and URIs of the subject.
    pub fn names(&self) -> Vec<String> {
        let names = self.inner.tbs_certificate().get_extension::<SubjectAltName>();
        let names = names.ok().flatten().map(|(_, names)| names.0).unwrap_or_default();
        names
            .iter()
            .filter_map(|name| match name {
                GeneralName::Rfc822Name(text)
                | GeneralName::DnsName(text)
                | GeneralName::UniformResourceIdentifier(text) => Some(text.to_string()),
                _ => None,
            })
            .collect()
    }

    /// First and last second of its validity, since 1970.
    pub fn validity(&self) -> (u64, u64) {
        let validity = self.inner.tbs_certificate().validity();
        (
            validity.not_before.to_unix_duration().as_secs(),
            validity.not_after.to_unix_duration().as_secs(),
        )
    }

    /// SHA-256 of its DER in hexadecimal.
    pub fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(&self.der))
    }

    /// The subject's key, where it can sign models.
    pub fn public_key(&self) -> Result<PublicKey, Error> {
        PublicKey::from_der(&self.key_info()?).map_err(|error| self.problem(error.to_string()))
    }

    /// SubjectPublicKeyInfo in DER.
    pub(crate) fn key_info(&self) -> Result<Vec<u8>, Error> {
        let info = self.inner.tbs_certificate().subject_public_key_info();
        info.to_der().map_err(|error| self.problem(error.to_string()))
    }

    pub(crate) fn problem(&self, reason: String) -> Error {
        Error::Certificate { certificate: shown(&self.subject()), reason }
    }

    pub(crate) fn issued_by(&self, other: &Self) -> bool {
        self.inner.tbs_certificate().issuer() == other.inner.tbs_certificate().subject()
    }

    pub(crate) fn is_self_issued(&self) -> bool {
        self.issued_by(self)
    }

    /// Valid at the time, and nothing in it that must be understood and is not.
    pub(crate) fn check(&self, at: u64) -> Result<(), Error> {
        let (first, last) = self.validity();
        let validity = self.inner.tbs_certificate().validity();
        if at < first || at > last {
            let (first, last) = (validity.not_before, validity.not_after);
            return Err(self.problem(format!(
                "is valid from {first} to {last}, not at the given time, {}",
                time(at),
            )));
        }
        let mut seen = std::collections::BTreeSet::new();
        for extension in self.inner.tbs_certificate().extensions().map_or(&[][..], Vec::as_slice) {
            let oid = extension.extn_id.to_string();
            if !seen.insert(oid.clone()) {
                return Err(self.problem(format!("has extension {oid} twice")));
            }
            if oid == NAME_CONSTRAINTS {
                return Err(
                    self.problem("constrains names, which is not understood here".to_owned())
                );
            }
            if extension.critical && !UNDERSTOOD.contains(&oid.as_str()) {
                return Err(self.problem(format!(
                    "has the critical extension {oid}, which is not understood"
                )));
            }
        }
        Ok(())
    }

    /// May sign code or documents: each usage that it lists allows it, and it lists one.
    pub(crate) fn check_signer(&self) -> Result<(), Error> {
        let (usage, extended) = (self.usage()?, self.extended_usage()?);
        if usage.is_none() && extended.is_none() {
            return Err(self
                .problem("has no key usage, expected digitalSignature or codeSigning".to_owned()));
        }
        if usage.is_some_and(|usage| !usage.digital_signature()) {
            return Err(self.problem("its key usage lacks digitalSignature".to_owned()));
        }
        self.check_extended(extended.as_ref())
    }

    /// May issue the certificates below it, `depth` of which are authorities that are not self-issued.
    pub(crate) fn check_authority(&self, depth: usize) -> Result<(), Error> {
        let constraints = self
            .inner
            .tbs_certificate()
            .get_extension::<BasicConstraints>()
            .map_err(|error| self.problem(format!("its basic constraints: {error}")))?;
        let Some((_, BasicConstraints { ca: true, path_len_constraint })) = constraints else {
            return Err(self.problem("is not one of a certificate authority".to_owned()));
        };
        if path_len_constraint.is_some_and(|limit| depth > usize::from(limit)) {
            return Err(self.problem(format!(
                "allows {} authorities below it, the path has {depth}",
                path_len_constraint.unwrap_or_default(),
            )));
        }
        if self.usage()?.is_some_and(|usage| !usage.key_cert_sign()) {
            return Err(self.problem("its key usage lacks keyCertSign".to_owned()));
        }
        self.check_extended(self.extended_usage()?.as_ref())
    }

    fn usage(&self) -> Result<Option<KeyUsage>, Error> {
        let usage = self.inner.tbs_certificate().get_extension::<KeyUsage>();
        let usage = usage.map_err(|error| self.problem(format!("its key usage: {error}")))?;
        Ok(usage.map(|(_, usage)| usage))
    }

    fn extended_usage(&self) -> Result<Option<ExtendedKeyUsage>, Error> {
        let usage = self.inner.tbs_certificate().get_extension::<ExtendedKeyUsage>();
        let usage =
            usage.map_err(|error| self.problem(format!("its extended key usage: {error}")))?;
        Ok(usage.map(|(_, usage)| usage))
    }

    fn check_extended(&self, usage: Option<&ExtendedKeyUsage>) -> Result<(), Error> {
        let allows = |usage: &ExtendedKeyUsage| {
            usage.0.iter().any(|oid| [CODE_SIGNING, ANY_USAGE].contains(&oid.to_string().as_str()))
        };
        match usage {
            Some(usage) if !allows(usage) => {
                Err(self.problem("its extended key usage lacks codeSigning".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// Certificates of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates(Vec<Certificate>);

impl Certificates {
    /// Reads all `CERTIFICATE` blocks of PEM; other text is passed over.
    ///
    /// # Errors
    /// No certificate, or one that cannot be read.
    pub fn from_pem(mut pem: &str) -> Result<Self, Error> {
        let mut certificates = Vec::new();
        while let Some(text) = block(pem, &["CERTIFICATE"]) {
            let place = format!("{} of the PEM", certificates.len().saturating_add(1));
            let inner = x509_cert::Certificate::from_pem(text);
            let der = inner.and_then(|inner| inner.to_der()).map_err(|error| {
                let reason = format!("cannot be read: {error}");
                Error::Certificate { certificate: place.clone(), reason }
            })?;
            certificates.push(Certificate::from_der(der, &place)?);
            let Some((_, rest)) = pem.split_once(text) else { break };
            pem = rest;
        }
        if certificates.is_empty() {
            return Err(Error::Certificate {
                certificate: "in PEM".to_owned(),
                reason: "none found, expected `BEGIN CERTIFICATE`".to_owned(),
            });
        }
        Ok(Self(certificates))
    }

    /// The certificates in the order of the file.
    pub fn as_slice(&self) -> &[Certificate] {
        &self.0
    }
}

/// Seconds since 1970 as date and time in UTC.
pub(crate) fn time(at: u64) -> String {
    DateTime::from_unix_duration(Duration::from_secs(at))
        .map_or_else(|_| format!("{at} s after 1970"), |time| time.to_string())
}
