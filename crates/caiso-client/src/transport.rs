//! One request and its repetitions.

use std::error::Error as _;
use std::io::ErrorKind;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use caiso_core::manifest::Endpoint;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use ureq::Agent;
use ureq::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use ureq::http::{Request, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Error, Proxy};

use crate::ClientError;
use crate::answer::cut;
use crate::limits::Limits;
use crate::secrets::Secrets;

/// Longest answer that is read.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// How much of the answer is read that comes with an error status.
const MAX_EXCERPT_BYTES: u64 = 4096;

/// Longest wait between two repetitions, unless the answer asks for more.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// Longest wait that an answer may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(5);

/// Sends bodies to one address.
pub(crate) struct Transport {
    agent: Agent,
    method: &'static str,
    uri: Uri,
    headers: HeaderMap,
    secrets: Secrets,
    limits: Limits,
    timeout: Duration,
    retries: u32,
    backoff: Duration,
}

/// A request that brought nothing.
enum Failure {
    /// Another try may bring something, after the wait that the answer asks for.
    Passing(String, Option<Duration>),
    Lasting(String),
}

impl Transport {
    pub(crate) fn new(
        endpoint: &Endpoint,
        roots: Option<&[u8]>,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ClientError> {
        let wrong = |problem: String| ClientError::Description {
            endpoint: endpoint.name.value.clone(),
            problem,
        };
        let mut secrets = Secrets::default();
        let uri: Uri = secrets
            .expand(&endpoint.url, "`url`", environment)?
            .parse()
            .map_err(|_| wrong(format!("`{}` is no address", endpoint.url.value)))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            let shown = &endpoint.url.value;
            return Err(wrong(format!("`{shown}` is no HTTP address, expected https://HOST/PATH")));
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &endpoint.headers {
            let place = format!("the header `{name}`");
            let value = secrets.expand(value, &place, environment)?;
            let known = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| wrong(format!("`{name}` is no name of a header")))?;
            let mut value = HeaderValue::from_str(&value).map_err(|_| {
                wrong(format!("the value of {place} has a character that none may have"))
            })?;
            value.set_sensitive(true);
            headers.insert(known, value);
        }
        let proxy = if endpoint.proxy { Proxy::try_from_env() } else { None };
        let tls = if uri.scheme_str() == Some("https") {
            let certificates = certificates(roots)?;
            TlsConfig::builder()
                .provider(TlsProvider::Rustls)
                .root_certs(RootCerts::new_with_certs(&certificates))
                .unversioned_rustls_crypto_provider(Arc::new(
                    rustls::crypto::ring::default_provider(),
                ))
                .build()
        } else {
            TlsConfig::default()
        };
        let seconds = |value: f64| {
            let wrong = |error| wrong(format!("{value} s is no time to wait: {error}"));
            Duration::try_from_secs_f64(value).map_err(wrong)
        };
        let timeout = seconds(endpoint.timeout.value)?;
        let interval = seconds(endpoint.rate.as_ref().map_or(0.0, |rate| 1.0 / rate.value))?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy)
            .tls_config(tls)
            .user_agent(concat!("caiso/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(timeout))
            .max_idle_connections_per_host(endpoint.concurrency.value)
            .build()
            .new_agent();
        Ok(Self {
            agent,
            method: endpoint.method.as_str(),
            uri,
            headers,
            secrets,
            limits: Limits::new(endpoint.concurrency.value, interval),
            timeout,
            retries: endpoint.retries,
            backoff: seconds(endpoint.backoff.value)?,
        })
    }

    /// `text` without any secret.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.secrets.redact(text)
    }

    /// Sends a body and answers with the body of a successful answer, or with what came instead.
    pub(crate) fn send(&self, body: &[u8]) -> Result<Vec<u8>, String> {
        let mut wait = self.backoff;
        let mut tries = 0;
        loop {
            let permit = self.limits.enter();
            let failure = match self.once(body) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            drop(permit);
            tries += 1;
            match failure {
                Failure::Lasting(problem) => return Err(problem),
                Failure::Passing(problem, _) if tries > self.retries => {
                    return Err(format!("{problem}, at each of {tries} tries"));
                }
                Failure::Passing(problem, asked) => {
                    let asked = asked.unwrap_or_default();
                    if asked > MAX_RETRY_AFTER {
                        let (asked, most) = (asked.as_secs(), MAX_RETRY_AFTER.as_secs());
                        return Err(format!(
                            "{problem} and asks to wait {asked} s, longer than {most} s"
                        ));
                    }
                    if !asked.is_zero() {
                        self.limits.pause(asked);
                    }
                    sleep(wait.min(MAX_BACKOFF).max(asked));
                    wait = wait.min(MAX_BACKOFF) * 2;
                }
            }
        }
    }

    fn once(&self, body: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut request = Request::builder().method(self.method).uri(&self.uri);
        if let Some(headers) = request.headers_mut() {
            headers.clone_from(&self.headers);
        }
        let request = request
            .body(body)
            .map_err(|error| Failure::Lasting(format!("cannot be asked: {error}")))?;
        let mut response = self.agent.run(request).map_err(|error| self.failure(error))?;
        let status = response.status();
        let mut read = |limit| response.body_mut().with_config().limit(limit).read_to_vec();
        if status.is_success() {
            return read(MAX_ANSWER_BYTES).map_err(|error| self.failure(error));
        }
        let excerpt = match read(MAX_EXCERPT_BYTES) {
            Ok(bytes) => cut(self.redact(&String::from_utf8_lossy(&bytes)).trim()),
            Err(_) => String::new(),
        };
        let excerpt = if excerpt.is_empty() { excerpt } else { format!(": {excerpt}") };
        let headers = response.headers();
        if status.is_redirection() {
            let host = headers
                .get(LOCATION)
                .and_then(|location| location.to_str().ok()?.parse::<Uri>().ok())
                .and_then(|location| location.host().map(|host| format!(" to {host}")))
                .unwrap_or_default();
            return Err(Failure::Lasting(format!(
                "answered {status}, a redirect{host}, and only the address in the description is asked; if \
                 that is right, write it as `url`"
            )));
        }
        let problem = format!("answered {status}{excerpt}");
        Err(match status.as_u16() {
            408 | 429 | 500 | 502 | 503 | 504 => {
                Failure::Passing(problem, headers.get(RETRY_AFTER).and_then(retry_after))
            }
            401 | 403 => Failure::Lasting(format!("{problem}; check the credentials in `headers`")),
            _ => Failure::Lasting(problem),
        })
    }

    fn failure(&self, error: Error) -> Failure {
        match error {
            Error::Timeout(_) => Failure::Passing(
                format!("did not answer within {} s", self.timeout.as_secs_f64()),
                None,
            ),
            Error::Io(error) if is_about_trust(&error) => {
                Failure::Lasting(format!("no trusted connection: {error}"))
            }
            Error::Rustls(error) => Failure::Lasting(format!("no trusted connection: {error}")),
            Error::Tls(error) => Failure::Lasting(format!("no trusted connection: {error}")),
            Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
                Failure::Passing("refused the connection".to_owned(), None)
            }
            Error::HostNotFound => Failure::Passing("its host was not found".to_owned(), None),
            Error::BodyExceedsLimit(most) => {
                Failure::Lasting(format!("answered with more than {most} bytes"))
            }
            error => {
                let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                Failure::Passing(format!("broke off ({error}{cause})"), None)
            }
        }
    }
}

/// A handshake that failed by its content comes as an error of reading.
fn is_about_trust(error: &std::io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some()
}

/// Seconds, or the time in the form of RFC 9110 section 5.6.7.
fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::parse(text).ok()?.timestamp();
    Some(Timestamp::now().duration_until(until).try_into().unwrap_or_default())
}

fn certificates(roots: Option<&[u8]>) -> Result<Vec<Certificate<'static>>, ClientError> {
    let Some(pem) = roots else {
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty() {
            let why: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
            let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
            let problem =
                format!("this machine trusts none{why}; give a file of them under `tls_roots`");
            return Err(ClientError::Roots(problem));
        }
        return Ok(found.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect());
    };
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(error) => {
                return Err(ClientError::Roots(format!("`tls_roots` is not PEM: {error}")));
            }
        }
    }
    if certificates.is_empty() {
        return Err(ClientError::Roots("`tls_roots` has no certificate in PEM form".to_owned()));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_seconds_or_times() {
        let wait = |text: &'static str| retry_after(&HeaderValue::from_static(text));
        assert_eq!(wait("90"), Some(Duration::from_secs(90)));
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO), "it is past");
        assert!(wait("Fri, 01 Jan 2100 00:00:00 GMT").is_some_and(|wait| wait > MAX_RETRY_AFTER));
        assert_eq!((wait("soon"), wait("-1"), wait("1.5")), (None, None, None));
    }
}
