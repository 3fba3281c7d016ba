//! Which processes may talk to each other: a certificate authority for one run, and certificates that name a role and an
//! incarnation.
//!
//! The launcher makes an [`Authority`] and never writes it anywhere; each process gets [`Credentials`] over its standard
//! input. What a role may say is not decided here but in `Message::may_be_sent_by`.

use std::sync::Arc;

use anyhow::Context;
use protocol::ids::{NodeId, Role};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;

use crate::control::Credentials;

/// The name every certificate of every run bears, so that TLS has a server name to check.
pub const COMMON_NAME: &str = "just-hungry";
/// The version of what is spoken over QUIC, as TLS negotiates it.
const APPLICATION_PROTOCOL: &[u8] = b"just-hungry/1";

/// The certificate authority of one run. It lives and dies with the launcher.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
}

impl Authority {
    /// A new one, with new keys.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub fn new() -> anyhow::Result<Self> {
        let key = KeyPair::generate().context("no key could be created for this run")?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).context("no certificate authority could be created for this run")?;
        Ok(Self { certificate: certificate.der().to_vec(), issuer: Issuer::new(params, key) })
    }

    /// Keys for one process. `id` is its incarnation; none for the customers' endpoint, which speaks for many.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub fn issue(&self, role: Role, id: Option<NodeId>) -> anyhow::Result<Credentials> {
        let key = KeyPair::generate().context("no key could be created for a process")?;
        let mut names = vec![COMMON_NAME.to_owned(), role_name(role).to_owned()];
        names.extend(id.map(|id| format!("{ID_PREFIX}{id}")));
        let mut params = CertificateParams::new(names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let certificate =
            params.signed_by(&key, &self.issuer).context("no certificate could be created for a process")?;
        Ok(Credentials {
            authority: self.certificate.clone(),
            certificate: certificate.der().to_vec(),
            key: key.serialize_der(),
        })
    }
}

const ID_PREFIX: &str = "id-";

fn role_name(role: Role) -> &'static str {
    match role {
        Role::NameServer => "role-name-server",
        Role::FrontEnd => "role-front-end",
        Role::Replica => "role-replica",
        Role::Customer => "role-customer",
    }
}

/// What the certificate of a peer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerIdentity {
    /// What it may say.
    pub role: Role,
    /// Which incarnation it is; none for a customers' endpoint.
    pub id: Option<NodeId>,
}

impl PeerIdentity {
    /// Reads the certificate of an established connection; TLS has already checked that the run's authority made it.
    #[must_use]
    pub fn of(connection: &quinn::Connection) -> Option<Self> {
        let chain = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
        Self::read(chain.first()?)
    }

    fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
        let mut role = None;
        let mut id = None;
        for name in certificate.valid_dns_names() {
            let roles = [Role::NameServer, Role::FrontEnd, Role::Replica, Role::Customer];
            role = role.or(roles.into_iter().find(|role| role_name(*role) == name));
            id = id.or(name.strip_prefix(ID_PREFIX).and_then(|id| u64::from_str_radix(id, 16).ok()).map(NodeId));
        }
        // A process that speaks for one incarnation must say for which; only customers share a connection.
        role.filter(|role| *role == Role::Customer || id.is_some()).map(|role| Self { role, id })
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn roots(credentials: &Credentials) -> anyhow::Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(credentials.authority.clone().into())
        .context("the certificate authority of this run is not a valid certificate")?;
    Ok(Arc::new(roots))
}

/// TLS for accepting: only peers of this run, no session tickets, so no 0-RTT, which could be replayed.
pub(crate) fn accepting(credentials: &Credentials) -> anyhow::Result<QuicServerConfig> {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(credentials)?, provider())
        .build()
        .context("the certificate authority of this run cannot check other nodes")?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![credentials.certificate.clone().into()],
            PrivatePkcs8KeyDer::from(credentials.key.clone()).into(),
        )
        .context("certificate and key do not match")?;
    config.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config.try_into()?)
}

/// TLS for dialling: only peers of this run, nothing resumed, so no 0-RTT.
pub(crate) fn dialling(credentials: &Credentials) -> anyhow::Result<QuicClientConfig> {
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots(credentials)?)
        .with_client_auth_cert(
            vec![credentials.certificate.clone().into()],
            PrivatePkcs8KeyDer::from(credentials.key.clone()).into(),
        )
        .context("certificate and key do not match")?;
    config.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    config.enable_early_data = false;
    Ok(config.try_into()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_name_role_and_incarnation() {
        let authority = Authority::new().unwrap();
        for role in [Role::NameServer, Role::FrontEnd, Role::Replica, Role::Customer] {
            let credentials = authority.issue(role, Some(NodeId(0xfeed))).unwrap();
            let identity = PeerIdentity::read(&credentials.certificate.into());
            assert_eq!(identity, Some(PeerIdentity { role, id: Some(NodeId(0xfeed)) }));
        }
    }

    #[test]
    fn only_customers_may_be_nobody_in_particular() {
        let authority = Authority::new().unwrap();
        let customers = authority.issue(Role::Customer, None).unwrap();
        assert_eq!(
            PeerIdentity::read(&customers.certificate.into()),
            Some(PeerIdentity { role: Role::Customer, id: None })
        );
        let replica = authority.issue(Role::Replica, None).unwrap();
        assert_eq!(PeerIdentity::read(&replica.certificate.into()), None);
        assert_eq!(PeerIdentity::read(&authority.certificate.clone().into()), None);
    }
}
