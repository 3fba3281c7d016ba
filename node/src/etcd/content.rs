//! The record as it is stored: JSON that a person can read with `etcdctl get`, with the identity of its cluster.

use protocol::ids::{FrontEndToken, View};
use protocol::machine::JournalRecord;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::view_record::StoreError;

/// Raised whenever the format changes.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    #[serde(rename = "just-hungry view record")]
    version: u32,
    cluster: String,
    token: FrontEndToken,
    view: View,
}

/// The identity of the cluster that trusts this authority: the fingerprint of its certificate.
#[must_use]
pub fn identity(authority: &[u8]) -> String {
    digest(&SHA256, authority).as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn encode(cluster: &str, record: &JournalRecord) -> Result<Vec<u8>, serde_json::Error> {
    let JournalRecord { token, view } = record.clone();
    serde_json::to_vec(&Content { version: VERSION, cluster: cluster.to_owned(), token, view })
}

/// What is stored under `key`, if it is this cluster's.
pub(super) fn decode(key: &str, cluster: &str, bytes: &[u8]) -> Result<JournalRecord, StoreError> {
    let no_record = |why: String| StoreError::NoRecord { key: key.to_owned(), why };
    let content: Content = serde_json::from_slice(bytes).map_err(|error| no_record(error.to_string()))?;
    if content.version != VERSION {
        return Err(no_record(format!("it has format {}, not {VERSION}", content.version)));
    }
    if content.cluster != cluster {
        let theirs = content.cluster.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
        return Err(StoreError::OtherCluster { key: key.to_owned(), theirs, ours: cluster.to_owned() });
    }
    Ok(JournalRecord { token: content.token, view: content.view })
}
