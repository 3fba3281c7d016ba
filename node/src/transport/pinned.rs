//! TLS between the machines of a cluster, before the joining one has a certificate.
//!
//! The code that a person was given holds the fingerprint of the run's authority. So the machine that joins knows for certain
//! whom it talks to, and nobody can stand in between. The other way round, it proves itself by the secret of the code, which is said only
//! afterwards; that is not decided here.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, ServerConfig, TransportConfig, VarInt};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::identity::{Authority, provider};

/// The version of what is said to join, as TLS negotiates it.
const APPLICATION_PROTOCOL: &[u8] = b"just-hungry-join/2";
/// After this much silence the other machine counts as gone.
pub const IDLE: Duration = Duration::from_secs(4);
const KEEP_ALIVE: Duration = Duration::from_millis(1000);
/// Processes of one machine, and the conversation itself.
const MOST_STREAMS: u32 = 80;
/// What an authenticated machine may have said that nobody has read yet, in bytes.
const WINDOW: u32 = 4 * 1024 * 1024;
/// What the joining machine has sent and the other one has not acknowledged, in bytes.
const SENT_AHEAD: u64 = 4 * 1024;
/// Handshakes that may wait; more are ignored, and dial again.
const WAITING_HANDSHAKES: usize = 64;

/// The SHA-256 of a certificate.
pub type Fingerprint = [u8; 32];

/// Of an authority's certificate.
#[must_use]
pub fn fingerprint(certificate: &[u8]) -> Fingerprint {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let mut fingerprint = Fingerprint::default();
    fingerprint.copy_from_slice(digest.as_ref());
    fingerprint
}

/// For the port at which other machines knock.
///
/// # Errors
/// When the operating system gives no random numbers.
pub fn door(authority: &Authority) -> anyhow::Result<ServerConfig> {
    let (chain, key) = authority.at_the_door()?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key.into())
        .context("certificate and key do not match")?;
    config.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    let mut server = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(config)?));
    server.transport_config(Arc::new(limits(1)?)).migration(false).max_incoming(WAITING_HANDSHAKES);
    Ok(server)
}

/// For the machine that joins the cluster of this authority.
///
/// # Errors
/// When TLS cannot be set up.
pub fn towards(fingerprint: Fingerprint) -> anyhow::Result<ClientConfig> {
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned(fingerprint)))
        .with_no_client_auth();
    config.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    config.enable_early_data = false;
    let mut client = ClientConfig::new(Arc::new(QuicClientConfig::try_from(config)?));
    let mut limits = limits(MOST_STREAMS)?;
    // What is on its way fills the queues of a slow network, in which the cluster's own messages wait, too.
    limits.send_window(SENT_AHEAD);
    client.transport_config(Arc::new(limits));
    Ok(client)
}

fn limits(streams: u32) -> anyhow::Result<TransportConfig> {
    let mut limits = TransportConfig::default();
    limits
        .max_concurrent_bidi_streams(VarInt::from_u32(streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .receive_window(VarInt::from_u32(WINDOW))
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(Some(IDLE.try_into()?))
        .keep_alive_interval(Some(KEEP_ALIVE));
    Ok(limits)
}

/// Trusts one authority, whose certificate comes with the other side's own.
#[derive(Debug)]
struct Pinned(Fingerprint);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let authority = others.iter().find(|certificate| fingerprint(certificate) == self.0);
        let authority = authority.ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
        verifier.verify_server_cert(end_entity, &[], name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
