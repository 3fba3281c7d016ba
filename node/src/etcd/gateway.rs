//! What is said to etcd's JSON gateway: `/v3/kv/range`, `/v3/kv/txn`, `/v3/auth/authenticate`.
//!
//! Numbers of 64 bits are strings there, keys and values are base64. Answers are bounded, and none is believed that is
//! not what it should be.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::machine::JournalRecord;
use protocol::view_record::{Revision, StoreAnswer, StoreOperation};
use reqwest::header::AUTHORIZATION;
use reqwest::{Certificate, Client, Identity, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{EtcdAccess, content, mistakes};
use crate::storage;
use crate::view_record::StoreError;

/// A connection is there within this, or the next endpoint is tried.
const CONNECT: Duration = Duration::from_millis(300);
/// An endpoint has answered within this, or it is given up.
const ANSWER: Duration = Duration::from_millis(800);
/// The longest answer that is read; a true one has some 2 KiB.
const LONGEST_ANSWER: usize = 256 * 1024;
/// How etcd numbers what it refuses: bad credentials, a lacking permission, no or an old token.
const BAD_CREDENTIALS: u32 = 3;
const NO_PERMISSION: u32 = 7;
const NOT_POSSIBLE: u32 = 9;
const NO_TOKEN: u32 = 16;

/// One conversation with etcd.
pub(super) struct Gateway {
    client: Client,
    endpoints: Vec<Url>,
    /// The endpoint that answered last.
    at: usize,
    key: String,
    user: Option<(String, String)>,
    token: Option<String>,
    cluster: String,
    mark: Option<PathBuf>,
    /// Some endpoint has answered, so what was told about etcd is right.
    has_answered: bool,
}

/// Why an endpoint gave no answer that can be used.
#[derive(Debug)]
enum Failed {
    /// What was asked did not get there: another endpoint may be asked the same.
    NotSent(String),
    /// It may have been done.
    Doubtful(String),
    /// etcd wants no part of it.
    Refused { code: u32, why: String },
    /// This name server was told something wrong, as this sentence says. It was not done.
    Mistake(String),
}

impl Failed {
    fn why(&self) -> &str {
        match self {
            Failed::NotSent(why) | Failed::Doubtful(why) | Failed::Refused { why, .. } | Failed::Mistake(why) => why,
        }
    }
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    code: u32,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Header {
    #[serde(deserialize_with = "number")]
    revision: u64,
}

#[derive(Deserialize)]
struct KeyValue {
    #[serde(deserialize_with = "number")]
    mod_revision: u64,
    #[serde(deserialize_with = "bytes")]
    value: Vec<u8>,
}

#[derive(Deserialize)]
struct Range {
    #[serde(default)]
    kvs: Vec<KeyValue>,
}

/// Each answer about keys says at which revision etcd is: one that does not is no answer.
#[derive(Deserialize)]
struct Answer<T> {
    header: Header,
    #[serde(flatten)]
    said: T,
}

#[derive(Deserialize)]
struct Transaction {
    #[serde(default)]
    succeeded: bool,
    #[serde(default)]
    responses: Vec<TransactionPart>,
}

#[derive(Deserialize)]
struct TransactionPart {
    response_range: Option<Range>,
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

impl Gateway {
    pub(super) fn new(access: &EtcdAccess) -> Result<Self, StoreError> {
        let setting = |error: reqwest::Error| {
            let why = crate::error_text::chain(&error.into());
            StoreError::Setting(format!(
                "The certificates for etcd cannot be used: {why}. Check the files of the authority, of the certificate and of its key."
            ))
        };
        // An error means that the process has a provider already, and then that one is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .user_agent(concat!("just-hungry/", env!("CARGO_PKG_VERSION")));
        let builder = match &access.authorities {
            Some(pem) => {
                let authorities = Certificate::from_pem_bundle(pem).map_err(setting)?;
                if authorities.is_empty() {
                    let why = "The file of the authority that may certify etcd contains no certificate (PEM). Name another file with --view-record-ca.";
                    return Err(StoreError::Setting(why.into()));
                }
                builder.tls_certs_only(authorities)
            }
            None if access.is_secure() => builder,
            None => builder.tls_certs_only([]),
        };
        let builder = match &access.certificate {
            Some(pem) => builder.identity(Identity::from_pem(pem).map_err(setting)?),
            None => builder,
        };
        Ok(Self {
            client: builder.build().map_err(setting)?,
            endpoints: access.urls()?,
            at: 0,
            key: access.key.clone(),
            user: access.user.clone(),
            token: None,
            cluster: access.cluster.clone(),
            mark: access.mark.as_ref().map(PathBuf::from),
            has_answered: false,
        })
    }

    /// Carries an operation out, within a bounded time.
    pub(super) async fn carry_out(&mut self, operation: &StoreOperation) -> Result<StoreAnswer, StoreError> {
        let answer = match operation {
            StoreOperation::Read => self.read().await,
            StoreOperation::Write { after, record } => self.write(*after, record).await,
        };
        match answer {
            Ok(answer) => answer,
            // A user that etcd does not know is no outage.
            Err(Failed::Refused { why, .. }) => Err(StoreError::Refused(why)),
            Err(Failed::Mistake(sentence)) if !self.has_answered => Err(StoreError::Setting(sentence)),
            Err(failed) => {
                tracing::warn!("etcd gave no answer: {}", failed.why());
                // The next question goes to another endpoint first.
                self.at = (self.at + 1) % self.endpoints.len();
                Ok(StoreAnswer::Unanswered)
            }
        }
    }

    async fn read(&mut self) -> Result<Result<StoreAnswer, StoreError>, Failed> {
        let body = json!({"key": STANDARD.encode(&self.key)});
        let answer: Answer<Range> = self.ask("v3/kv/range", &body, true).await?;
        Ok(self.holds(&answer.said))
    }

    async fn write(
        &mut self,
        after: Revision,
        record: &JournalRecord,
    ) -> Result<Result<StoreAnswer, StoreError>, Failed> {
        let key = STANDARD.encode(&self.key);
        let encoded = content::encode(&self.cluster, record);
        let value = STANDARD.encode(encoded.map_err(|error| Failed::NotSent(error.to_string()))?);
        let body = json!({
            "compare": [{"key": key, "target": "MOD", "result": "EQUAL", "mod_revision": after.0.to_string()}],
            "success": [{"request_put": {"key": key, "value": value}}],
            "failure": [{"request_range": {"key": key}}],
        });
        let Answer { header, said }: Answer<Transaction> = self.ask("v3/kv/txn", &body, false).await?;
        if said.succeeded {
            return Ok(self.note_that_it_is_there().map(|()| StoreAnswer::Written(Revision(header.revision))));
        }
        let range = said.responses.into_iter().find_map(|part| part.response_range);
        Ok(self.holds(&range.ok_or_else(|| nonsense("it refuses a write and does not say what it holds"))?))
    }

    /// What is stored. No key: no revision, and no record yet.
    fn holds(&self, range: &Range) -> Result<StoreAnswer, StoreError> {
        let Some(found) = range.kvs.first() else {
            if self.mark.as_deref().is_some_and(|mark| mark.exists()) {
                return Err(StoreError::Lost { key: self.key.clone() });
            }
            let (revision, record) = (Revision(0), JournalRecord::default());
            return Ok(StoreAnswer::Holds { revision, record });
        };
        let revision = Revision(found.mod_revision);
        let record = content::decode(&self.key, &self.cluster, &found.value)?;
        self.note_that_it_is_there()?;
        Ok(StoreAnswer::Holds { revision, record })
    }

    /// The mark is on disk before anybody hears of the record, and so before a replica knows a view.
    fn note_that_it_is_there(&self) -> Result<(), StoreError> {
        let Some(mark) = self.mark.as_deref().filter(|mark| !mark.exists()) else { return Ok(()) };
        storage::write_mark(mark, &format!("The view record is in etcd, under the key {}.\n", self.key)).map_err(
            |error| {
                let why = crate::error_text::io(&error);
                let advice = "Check that the folder is writable and not full";
                StoreError::Setting(format!("The file {} cannot be written: {why}. {advice}.", mark.display()))
            },
        )
    }

    /// Asks one endpoint after the other. What must not be done twice goes to another one only if it cannot have arrived.
    async fn ask<T: DeserializeOwned>(&mut self, path: &str, body: &Value, may_repeat: bool) -> Result<T, Failed> {
        let mut last = Failed::NotSent("there is no endpoint".into());
        for _ in 0..self.endpoints.len() {
            let before = last;
            last = match self.ask_as_user(path, body).await.and_then(|answer| understood(&answer)) {
                Ok(answer) => {
                    self.has_answered = true;
                    return Ok(answer);
                }
                Err(failed @ Failed::Refused { .. }) => return Err(failed),
                Err(failed @ Failed::Doubtful(_)) if !may_repeat => return Err(failed),
                // One that is down is no reason to keep quiet about one that cannot be right.
                Err(_) if matches!(before, Failed::Mistake(_)) => before,
                Err(failed) => failed,
            };
            self.at = (self.at + 1) % self.endpoints.len();
        }
        Err(last)
    }

    /// A token is asked for when there is none. An old one is refused, and nothing was done: so it may be asked again.
    async fn ask_as_user(&mut self, path: &str, body: &Value) -> Result<Vec<u8>, Failed> {
        let Some((name, password)) = self.user.clone() else { return self.post(path, body).await };
        let login = json!({"name": name, "password": password});
        for _ in 0..2 {
            if self.token.is_none() {
                // Nothing but this was sent yet.
                let answer = self.post("v3/auth/authenticate", &login).await.map_err(|failed| match failed {
                    Failed::Doubtful(why) => Failed::NotSent(why),
                    failed @ (Failed::NotSent(_) | Failed::Refused { .. } | Failed::Mistake(_)) => failed,
                })?;
                self.token = Some(understood::<Token>(&answer)?.token);
            }
            match self.post(path, body).await {
                Err(Failed::Refused { code: NO_TOKEN, .. }) => self.token = None,
                answer => return answer,
            }
        }
        Err(Failed::NotSent("etcd does not accept the token that it has just given".into()))
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Vec<u8>, Failed> {
        let mut url = self.endpoints[self.at].clone();
        url.set_path(path);
        let mut request = self.client.post(url).json(body);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token);
        }
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Err(self.without_answer(error).await),
        };
        let status = response.status();
        let mut answer = Vec::new();
        let cut_off = |error: reqwest::Error| Failed::Doubtful(crate::error_text::chain(&error.into()));
        while let Some(chunk) = response.chunk().await.map_err(cut_off)? {
            if answer.len() + chunk.len() > LONGEST_ANSWER {
                return Err(nonsense("the answer is longer than any true one"));
            }
            answer.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(answer);
        }
        let Ok(refusal) = serde_json::from_slice::<Refusal>(&answer) else {
            let mistake = self.mistaken_scheme().await;
            return Err(mistake.unwrap_or_else(|| Failed::Doubtful(format!("status {status}"))));
        };
        let why: String = refusal.message.chars().filter(|letter| !letter.is_control()).take(200).collect();
        match refusal.code {
            code @ (BAD_CREDENTIALS | NO_PERMISSION | NOT_POSSIBLE | NO_TOKEN) => Err(Failed::Refused { code, why }),
            _ => Err(Failed::Doubtful(format!("status {status} {why}"))),
        }
    }

    async fn without_answer(&self, error: reqwest::Error) -> Failed {
        if let Some(sentence) = mistakes::of(&error, &self.endpoints[self.at]) {
            return Failed::Mistake(sentence);
        }
        if !error.is_timeout()
            && let Some(mistake) = self.mistaken_scheme().await
        {
            return mistake;
        }
        let (is_connect, why) = (error.is_connect(), crate::error_text::chain(&error.into()));
        if is_connect { Failed::NotSent(why) } else { Failed::Doubtful(why) }
    }

    /// Whether http and https were confused, where nothing has answered yet.
    async fn mistaken_scheme(&self) -> Option<Failed> {
        if self.has_answered {
            return None;
        }
        mistakes::of_scheme(&self.client, &self.endpoints[self.at]).await.map(Failed::Mistake)
    }
}

fn nonsense(why: &str) -> Failed {
    Failed::Doubtful(format!("what etcd says is not valid: {why}"))
}

fn understood<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Failed> {
    serde_json::from_slice(answer).map_err(|error| nonsense(&error.to_string()))
}

/// A number of 64 bits, which is a string there.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}
