//! Certificate authorities for the tests.

use std::str::FromStr;
use std::time::Duration;

use p256::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use x509_cert::builder::{Builder, CertificateBuilder, profile::BuilderProfile};
use x509_cert::der::asn1::{ObjectIdentifier, OctetString, UtcTime};
use x509_cert::der::{Decode, EncodePem};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};
use x509_cert::{Certificate, TbsCertificate};

pub(crate) const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
pub(crate) const SERVER: &str = "1.3.6.1.5.5.7.3.1";
/// In the middle of what certificates here are valid for, by default.
pub(crate) const NOW: u64 = 1_800_000_000;

/// What a certificate says.
#[derive(Clone)]
pub(crate) struct Wish {
    pub(crate) subject: &'static str,
    pub(crate) issuer: Option<&'static str>,
    pub(crate) authority: bool,
    pub(crate) path_length: Option<u8>,
    pub(crate) usage: Option<KeyUsages>,
    pub(crate) extended: Option<&'static str>,
    pub(crate) valid: (u64, u64),
    pub(crate) extra: Option<(&'static str, bool)>,
}

impl Wish {
    pub(crate) fn authority(subject: &'static str) -> Self {
        Self {
            subject,
            issuer: None,
            authority: true,
            path_length: None,
            usage: Some(KeyUsages::KeyCertSign),
            extended: None,
            valid: (NOW - 1000, NOW + 1000),
            extra: None,
        }
    }

    pub(crate) fn signer(subject: &'static str) -> Self {
        let usage = Some(KeyUsages::DigitalSignature);
        Self { authority: false, usage, extended: Some(CODE_SIGNING), ..Self::authority(subject) }
    }
}

impl BuilderProfile for Wish {
    fn get_issuer(&self, subject: &Name) -> Name {
        self.issuer.map_or_else(|| subject.clone(), name)
    }

    fn get_subject(&self) -> Name {
        name(self.subject)
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        Ok(Vec::new())
    }
}

struct Raw(Extension);

impl ToExtension for Raw {
    type Error = x509_cert::der::Error;

    fn to_extension(self, _: &Name, _: &[Extension]) -> Result<Extension, Self::Error> {
        Ok(self.0)
    }
}

fn name(common: &str) -> Name {
    Name::from_str(&format!("CN={common}")).unwrap()
}

/// A certificate and its key on P-256.
pub(crate) struct Holder {
    pub(crate) certificate: Certificate,
    key: p256::ecdsa::SigningKey,
}

impl Holder {
    /// Whose key is made from `seed`, certified by `issuer` or by itself.
    pub(crate) fn new(wish: Wish, seed: u8, issuer: Option<&Self>) -> Self {
        let key = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
        let key_info = key.verifying_key().to_public_key_der().unwrap();
        let signer = issuer.map_or(&key, |issuer| &issuer.key);
        let certificate = certify(wish, seed, key_info.as_bytes(), signer);
        Self { certificate, key }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.to_pem(LineEnding::LF).unwrap()
    }

    pub(crate) fn key_pem(&self) -> String {
        self.key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
    }

    /// A certificate for a key on any curve.
    pub(crate) fn certify(&self, wish: Wish, key_info: &[u8]) -> String {
        certify(wish, 99, key_info, &self.key).to_pem(LineEnding::LF).unwrap()
    }
}

fn certify(
    wish: Wish,
    serial: u8,
    key_info: &[u8],
    signer: &p256::ecdsa::SigningKey,
) -> Certificate {
    let time = |at| Time::UtcTime(UtcTime::from_unix_duration(Duration::from_secs(at)).unwrap());
    let validity = Validity::new(time(wish.valid.0), time(wish.valid.1));
    let key_info = SubjectPublicKeyInfo::from_der(key_info).unwrap();
    let wished = wish.clone();
    let serial = SerialNumber::new(&[serial]).unwrap();
    let mut builder = CertificateBuilder::new(wish, serial, validity, key_info).unwrap();
    if wished.authority {
        let path_len_constraint = wished.path_length;
        builder.add_extension(&BasicConstraints { ca: true, path_len_constraint }).unwrap();
    }
    if let Some(usage) = wished.usage {
        builder.add_extension(&KeyUsage(usage.into())).unwrap();
    }
    if let Some(usage) = wished.extended {
        let usage = ExtendedKeyUsage(vec![ObjectIdentifier::new(usage).unwrap()]);
        builder.add_extension(&usage).unwrap();
    }
    if let Some((oid, critical)) = wished.extra {
        let extn_value = OctetString::new(vec![5, 0]).unwrap();
        let extn_id = ObjectIdentifier::new(oid).unwrap();
        builder.add_extension(Raw(Extension { extn_id, critical, extn_value })).unwrap();
    }
    builder.build::<_, p256::ecdsa::DerSignature>(signer).unwrap()
}
