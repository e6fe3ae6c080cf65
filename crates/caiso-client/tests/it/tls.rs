//! Encrypted connections. `tls/` has an authority and a server for `localhost` and 127.0.0.1 that it vouches
//! for; the key of the authority was thrown away.

use std::net::TcpStream;
use std::sync::Arc;

use caiso_client::{Connection, HttpModel, Recording};
use caiso_inference::Model as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::server::{HONEST, Server, endpoint, honest, nothing};

const AUTHORITY: &[u8] = include_bytes!("tls/authority.pem");

fn server() -> Server {
    let chain =
        vec![CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).expect("PEM")];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).expect("PEM");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let configuration = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("the key of the certificate");
    let configuration = Arc::new(configuration);
    Server::over(Box::new(|_, request| honest(request)), move |stream: TcpStream| {
        let connection = ServerConnection::new(Arc::clone(&configuration)).ok()?;
        Some(StreamOwned::new(connection, stream))
    })
}

fn connect(server: &Server, host: &str, roots: &[u8]) -> HttpModel {
    let url = format!("https://{host}:{}/", server.address.port());
    let connection =
        Connection { environment: &nothing, tls_roots: Some(roots), recording: Recording::Memory };
    HttpModel::connect(&endpoint(&url, HONEST), connection).expect("a good description")
}

#[test]
fn a_named_authority_is_trusted_and_no_other() {
    let server = server();
    let model = connect(&server, "127.0.0.1", AUTHORITY);
    assert_eq!(model.predict(&[0.9, 0.9, 0.1, 0.1]).expect("answers"), [1, 0]);

    // The server's own certificate is no authority.
    let stranger = connect(&server, "127.0.0.1", include_bytes!("tls/server.pem"));
    let error = stranger.predict(&[0.9, 0.9]).expect_err("not trusted").to_string();
    assert!(error.contains("no trusted connection") && !error.contains("tries"), "{error}");
}

#[test]
fn roots_that_are_none_are_refused() {
    for (roots, expected) in [
        (&b"no certificates here"[..], "no certificate in PEM form"),
        (b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "not PEM"),
    ] {
        let endpoint = endpoint("https://localhost/", HONEST);
        let connection = Connection {
            environment: &nothing,
            tls_roots: Some(roots),
            recording: Recording::Memory,
        };
        let error = HttpModel::connect(&endpoint, connection).err().expect("refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
}
