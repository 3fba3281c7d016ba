//! What etcd's silence says when a person has told the name server something wrong: no TLS where there is some, a certificate of
//! another authority.
//!
//! It matters at the first contact only. A store that has answered before was told right, so later the same is an outage, which
//! demotes nobody.

use reqwest::{Client, Url};
use rustls::{AlertDescription, CertificateError, Error as TlsError};

/// What is wrong with this endpoint, as a sentence; none: it may be silent for other reasons.
pub(super) fn of(error: &reqwest::Error, endpoint: &Url) -> Option<String> {
    let wrong = |why: &str| Some(format!("etcd at {} cannot be used: {why}", shown(endpoint)));
    match tls_error(error)? {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => wrong(
            "its certificate was made by an authority that is not trusted here, so another program may be answering. If the address is right, name the file of its authority with --view-record-ca.",
        ),
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => wrong(
            "its certificate is for another name or address. Write the address in --view-record as the certificate has it, or give etcd a certificate for this one.",
        ),
        TlsError::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => wrong(
            "its certificate is not valid on today's date. Check the date of both machines, or give etcd a new one.",
        ),
        // Older servers say "bad" where they mean "none".
        TlsError::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired,
        ) => wrong(
            "it wants a certificate of this name server, made by an authority that etcd trusts. Name it with --view-record-cert, and its key with --view-record-key.",
        ),
        TlsError::InvalidMessage(_) => wrong(NO_TLS),
        other => wrong(&format!("no secure connection can be made ({other}). Check the certificates of both sides.")),
    }
}

const NO_TLS: &str = "it does not speak TLS there. Write http instead of https, or start etcd with a certificate.";
const TLS: &str = "it speaks TLS there. Write https instead of http.";

/// The same as [`of`], where only an attempt to speak the other way can tell. No secret is sent.
pub(super) async fn of_scheme(client: &Client, endpoint: &Url) -> Option<String> {
    let (other, why) = if endpoint.scheme() == "http" { ("https", TLS) } else { ("http", NO_TLS) };
    let mut url = endpoint.clone();
    // Both schemes are of one kind, so this is possible. Without a port each would mean another one.
    let port = endpoint.port_or_known_default();
    (url.set_scheme(other).is_ok() && url.set_port(port).is_ok()).then_some(())?;
    url.set_path("version");
    let speaks = match client.get(url).send().await {
        Ok(_) => true,
        Err(error) => {
            matches!(tls_error(&error), Some(TlsError::InvalidCertificate(_) | TlsError::AlertReceived(_)))
        }
    };
    speaks.then(|| format!("etcd at {} cannot be used: {why}", shown(endpoint)))
}

fn shown(endpoint: &Url) -> &str {
    endpoint.as_str().trim_end_matches('/')
}

/// What TLS says, wherever it lies in the error.
fn tls_error(error: &reqwest::Error) -> Option<&TlsError> {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    loop {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        // An error of the system that wraps another one does not name it as its source.
        let wrapped = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => wrapped,
            None => cause.source()?,
        };
    }
}
