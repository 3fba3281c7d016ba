//! What a name server must know to use etcd: addresses, the key, who it is there, and whom it trusts.

use std::ffi::OsString;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::view_record::StoreError;

/// The most endpoints: more than any etcd has members.
const MOST_ENDPOINTS: usize = 9;

/// What is told about etcd. It travels where keys travel, never on a command line.
#[derive(Clone, Serialize, Deserialize)]
pub struct EtcdAccess {
    /// "http://127.0.0.1:2379", tried in turn.
    pub endpoints: Vec<String>,
    /// Under which the record is stored.
    pub key: String,
    /// User and password; none: etcd asks for none.
    pub user: Option<(String, String)>,
    /// The identity that the record must carry: another cluster's is refused, and not overwritten.
    pub cluster: String,
    /// Where a cluster with durable replicas writes down that etcd has held its record: an etcd without it is then not the right one.
    /// The path need not be text; the folder exists.
    pub mark: Option<OsString>,
    /// Certificates of the authorities that may have certified etcd, as PEM; none: those that this machine trusts.
    pub authorities: Option<Vec<u8>>,
    /// The certificate that this name server shows, and its private key, as PEM one after the other; none: it shows none.
    pub certificate: Option<Vec<u8>>,
}

impl std::fmt::Debug for EtcdAccess {
    /// Shows no secret, not even in a crash text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EtcdAccess").field("endpoints", &self.endpoints).field("key", &self.key).finish_non_exhaustive()
    }
}

impl EtcdAccess {
    /// These addresses, and nothing else yet.
    #[must_use]
    pub fn at(endpoints: Vec<String>) -> Self {
        let (key, cluster) = Default::default();
        Self { endpoints, key, user: None, cluster, mark: None, authorities: None, certificate: None }
    }

    /// Without what only the person knows who starts a name server.
    #[must_use]
    pub fn without_secrets(self) -> Self {
        Self { user: None, authorities: None, certificate: None, ..self }
    }

    /// Reads "etcd=http://a:2379,http://b:2379". The key and the cluster are added by the launcher, the rest by the reader.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(words: &str) -> Result<Self, StoreError> {
        let wrong = |why: &str| {
            StoreError::Setting(format!(
                "{why} Say where etcd answers, such as etcd=http://127.0.0.1:2379, with commas between several addresses."
            ))
        };
        let list = words.strip_prefix("etcd=").ok_or_else(|| wrong("This is no place for the view record."))?;
        let endpoints: Vec<String> = list.split(',').map(str::to_owned).collect();
        if endpoints.len() > MOST_ENDPOINTS {
            return Err(wrong(&format!("More than {MOST_ENDPOINTS} addresses are too many.")));
        }
        let access = Self::at(endpoints);
        access.urls()?;
        Ok(access)
    }

    /// Whether some endpoint is spoken to over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.starts_with("https:"))
    }

    pub(super) fn urls(&self) -> Result<Vec<Url>, StoreError> {
        let read = |endpoint: &String| {
            let wrong = |why: &str| {
                StoreError::Setting(format!(
                    "The address {:?} of etcd cannot be used: {why}. Use one such as http://127.0.0.1:2379.",
                    endpoint.escape_debug().take(100).collect::<String>()
                ))
            };
            let url = Url::parse(endpoint).map_err(|error| wrong(&error.to_string()))?;
            if !url.username().is_empty() || url.password().is_some() {
                return Err(wrong("everybody on this machine can read a command line, so no password may stand in it"));
            }
            let plain = matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none();
            if plain { Ok(url) } else { Err(wrong("it must be http or https, a host and a port")) }
        };
        self.endpoints.iter().map(read).collect()
    }
}
