//! Which processes may talk to each other: a certificate authority for one run, and certificates that name a role and an
//! incarnation.
//!
//! A launcher makes an [`Authority`] and never writes it anywhere; each of its children gets [`Credentials`] over its
//! standard input. A process that was started by hand makes an [`OwnKey`], shows the authority the public half, and gets
//! a certificate. What a role may say is not decided here but in `Message::may_be_sent_by`.

use std::sync::Arc;

use anyhow::Context;
use protocol::ids::{NodeId, Role};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm,
};
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;

use crate::control::Credentials;

/// The name every certificate of every run bears, so that TLS has a server name to check.
pub const COMMON_NAME: &str = "just-hungry";
/// The version of what is spoken over QUIC, as TLS negotiates it.
const APPLICATION_PROTOCOL: &[u8] = b"just-hungry/1";

/// The certificate authority of one run. It lives and dies with its launcher; a name server that was started by hand
/// keeps it in the private folder of its cluster.
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
        let params = Self::params()?;
        let certificate = params.self_signed(&key).context("no certificate authority could be created for this run")?;
        Ok(Self { certificate: certificate.der().to_vec(), issuer: Issuer::new(params, key) })
    }

    /// The one whose [`Self::key`] and [`Self::certificate`] were kept.
    ///
    /// # Errors
    /// When `key` is none.
    pub fn kept(key: &[u8], certificate: Vec<u8>) -> anyhow::Result<Self> {
        let key = KeyPair::try_from(key).context("the key of the certificate authority is damaged")?;
        Ok(Self { certificate, issuer: Issuer::new(Self::params()?, key) })
    }

    fn params() -> anyhow::Result<CertificateParams> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.not_before = rcgen::date_time_ymd(1970, 1, 1); // Machines join whatever date they think it is.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Ok(params)
    }

    /// Its private key (PKCS #8): with it, anybody can join the run under any role.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        self.issuer.key().serialize_der()
    }

    /// Its certificate, which is no secret.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Keys for one process. `id` is its incarnation; none for the customers' endpoint, which speaks for many.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub fn issue(&self, role: Role, id: Option<NodeId>) -> anyhow::Result<Credentials> {
        let key = OwnKey::new()?;
        let certificate = self.certify(role, id, &key.public())?;
        Ok(key.with(certificate))
    }

    /// A certificate for the process that has made this public key. The credentials lack the private one, which that
    /// process adds ([`OwnKey::with`]).
    ///
    /// # Errors
    /// When it is no public key.
    pub fn certify(&self, role: Role, id: Option<NodeId>, public_key: &[u8]) -> anyhow::Result<Credentials> {
        let mut names = vec![COMMON_NAME.to_owned(), role_name(role).to_owned()];
        names.extend(id.map(|id| format!("{ID_PREFIX}{id}")));
        let mut params = CertificateParams::new(names)?;
        params.not_before = rcgen::date_time_ymd(1970, 1, 1); // Machines join whatever date they think it is.
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let key = PublicKey::read(public_key).context("this is not a public key (a point of P-256)")?;
        let certificate =
            params.signed_by(&key, &self.issuer).context("no certificate could be created for a process")?;
        let (authority, certificate) = (self.certificate.clone(), certificate.der().to_vec());
        Ok(Credentials { authority, certificate, key: Vec::new() })
    }
}

impl Authority {
    /// TLS for the port at which other machines knock: its certificate, which names no role, and the authority's.
    pub(super) fn at_the_door(&self) -> anyhow::Result<(Vec<CertificateDer<'static>>, PrivatePkcs8KeyDer<'static>)> {
        let key = OwnKey::new()?;
        let mut params = CertificateParams::new(vec![COMMON_NAME.to_owned()])?;
        params.not_before = rcgen::date_time_ymd(1970, 1, 1);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key.0, &self.issuer).context("no certificate could be created")?;
        let chain = vec![certificate.der().clone(), self.certificate.clone().into()];
        Ok((chain, key.0.serialize_der().into()))
    }
}

/// A key pair that is made in the process that uses it. The private half never leaves it.
pub struct OwnKey(KeyPair);

impl OwnKey {
    /// A new one.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub fn new() -> anyhow::Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("no key could be created for a process")?;
        Ok(Self(key))
    }

    /// What the authority is shown.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        self.0.der_bytes().to_vec()
    }

    /// The credentials that the authority gave for this key, made whole.
    #[must_use]
    pub fn with(&self, credentials: Credentials) -> Credentials {
        Credentials { key: self.0.serialize_der(), ..credentials }
    }
}

/// An uncompressed point of P-256.
struct PublicKey(Vec<u8>);

impl PublicKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == 65 && bytes[0] == 4).then(|| Self(bytes.to_vec()))
    }
}

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
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

pub(super) fn provider() -> Arc<CryptoProvider> {
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

    /// Both ends take what was signed from afar, also by an authority that was kept in between.
    #[test]
    fn a_public_key_is_certified_without_the_private_one() {
        let authority = Authority::new().unwrap();
        let kept = Authority::kept(&authority.key(), authority.certificate().to_vec()).unwrap();
        for authority in [authority, kept] {
            let own = OwnKey::new().unwrap();
            let given = authority.certify(Role::Replica, Some(NodeId(7)), &own.public()).unwrap();
            assert!(given.key.is_empty());
            accepting(&given).map(drop).unwrap_err();
            accepting(&own.with(given.clone())).unwrap();
            dialling(&own.with(given)).unwrap();
        }
        let authority = Authority::new().unwrap();
        for nonsense in [&b""[..], b"a public key", &[4; 64], &[5; 65]] {
            authority.certify(Role::Replica, None, nonsense).unwrap_err();
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
