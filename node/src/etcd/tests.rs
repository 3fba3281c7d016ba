//! A gateway that answers late, twice, not, or nonsense; and one that is not for this cluster.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::ids::{Contact, FrontEndToken, NodeId, Role, View, ViewNumber};
use protocol::machine::{Effect, Effects, Identity, Input, Machine, Settings, Timer};
use protocol::message::Message;
use protocol::name_server::NameServer;
use protocol::view_record::{Keeping, Revision};
use serde_json::{Value, json};

use super::*;

/// What the stand-in does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Carries it out and answers.
    Well,
    /// Carries it out and answers when nobody listens any more.
    Late,
    /// Carries it out twice, as a proxy may that repeats, and answers what came of the second time.
    Twice,
    /// Carries it out and does not answer.
    Mute,
    /// Answers something that no etcd says.
    Nonsense(&'static str),
    /// As an etcd that has no majority.
    NoLeader,
}

#[derive(Default)]
struct Held {
    revision: u64,
    value: Option<(u64, String)>,
    moods: VecDeque<Mood>,
    /// The paths of all requests.
    asked: Vec<String>,
    /// What a user must say, and the token that is good now.
    user: Option<(String, String)>,
    tokens: u32,
}

type Shared = Arc<Mutex<Held>>;

impl Held {
    fn range(&self) -> Value {
        let kvs: Vec<Value> = self
            .value
            .iter()
            .map(|(revision, value)| json!({"key": "a2V5", "mod_revision": revision.to_string(), "value": value}))
            .collect();
        json!({"header": {"revision": self.revision.to_string()}, "kvs": kvs, "count": kvs.len().to_string()})
    }

    fn carry_out(&mut self, path: &str, body: &Value) -> Value {
        if path.ends_with("authenticate") {
            self.tokens += 1;
            return json!({"header": {}, "token": self.tokens.to_string()});
        }
        if path.ends_with("range") {
            return self.range();
        }
        let now = self.value.as_ref().map_or(0, |(revision, _)| *revision).to_string();
        let fits = body["compare"][0]["mod_revision"] == json!(now);
        if fits {
            self.revision += 7;
            let value = body["success"][0]["request_put"]["value"].as_str().unwrap().to_owned();
            self.value = Some((self.revision, value));
            return json!({"header": {"revision": self.revision.to_string()}, "succeeded": true,
                "responses": [{"response_put": {}}]});
        }
        json!({"header": {"revision": self.revision.to_string()}, "responses": [{"response_range": self.range()}]})
    }
}

async fn answer(
    State(held): State<Shared>,
    Path(path): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> axum::response::Response {
    let (mood, said) = {
        let mut held = held.lock().unwrap();
        held.asked.push(path.clone());
        let refused = |status, code: u32, why: &str| {
            (status, Json(json!({"error": why, "message": why, "code": code}))).into_response()
        };
        if let Some((name, password)) = held.user.clone() {
            let is_login = path.ends_with("authenticate");
            if is_login && (body["name"] != json!(name) || body["password"] != json!(password)) {
                let why = "etcdserver: authentication failed, invalid user ID or password";
                return refused(StatusCode::BAD_REQUEST, 3, why);
            }
            let shown = headers.get("authorization").and_then(|token| token.to_str().ok());
            if !is_login && shown != Some(held.tokens.to_string().as_str()) {
                return refused(StatusCode::UNAUTHORIZED, 16, "etcdserver: invalid auth token");
            }
        }
        let mood = held.moods.pop_front().unwrap_or(Mood::Well);
        match mood {
            Mood::NoLeader => return refused(StatusCode::SERVICE_UNAVAILABLE, 14, "etcdserver: no leader"),
            Mood::Nonsense(words) => return words.into_response(),
            Mood::Twice => drop(held.carry_out(&path, &body)),
            Mood::Well | Mood::Late | Mood::Mute => {}
        }
        (mood, held.carry_out(&path, &body))
    };
    match mood {
        Mood::Late => tokio::time::sleep(Duration::from_secs(2)).await,
        Mood::Mute => std::future::pending().await,
        Mood::Well | Mood::Twice | Mood::NoLeader | Mood::Nonsense(_) => {}
    }
    Json(said).into_response()
}

async fn stand_in() -> (String, Shared) {
    let held = Shared::default();
    let app = Router::new().route("/{*path}", post(answer)).with_state(held.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    (address, held)
}

fn access(endpoints: &[&str]) -> EtcdAccess {
    let endpoints = endpoints.iter().map(|endpoint| (*endpoint).to_owned()).collect();
    EtcdAccess { key: "just-hungry/test".into(), cluster: "ours".into(), ..EtcdAccess::at(endpoints) }
}

fn gateway(endpoints: &[&str]) -> Gateway {
    Gateway::new(&access(endpoints)).unwrap()
}

fn record(number: u64) -> JournalRecord {
    JournalRecord { token: FrontEndToken(3), view: View::new(ViewNumber(number), NodeId(11), vec![NodeId(11)]) }
}

fn write(after: u64, number: u64) -> StoreOperation {
    StoreOperation::Write { after: Revision(after), record: record(number) }
}

fn holds(revision: u64, record: JournalRecord) -> StoreAnswer {
    StoreAnswer::Holds { revision: Revision(revision), record }
}

#[tokio::test]
async fn a_record_is_written_once_after_what_was_read() {
    let (address, _) = stand_in().await;
    let mut etcd = gateway(&[&address]);
    assert_eq!(etcd.carry_out(&StoreOperation::Read).await, Ok(holds(0, JournalRecord::default())));
    assert_eq!(etcd.carry_out(&write(0, 1)).await, Ok(StoreAnswer::Written(Revision(7))));
    assert_eq!(etcd.carry_out(&write(0, 2)).await, Ok(holds(7, record(1))), "somebody was first");
    assert_eq!(etcd.carry_out(&write(7, 2)).await, Ok(StoreAnswer::Written(Revision(14))));
    assert_eq!(etcd.carry_out(&StoreOperation::Read).await, Ok(holds(14, record(2))));
}

#[tokio::test]
async fn what_may_have_been_done_is_not_sent_to_another_endpoint() {
    let ((first, one), (second, other)) = (stand_in().await, stand_in().await);
    let mut etcd = gateway(&[&first, &second]);
    for mood in [Mood::Mute, Mood::Late, Mood::NoLeader, Mood::Nonsense("{}"), Mood::Nonsense("soup")] {
        for held in [&one, &other] {
            held.lock().unwrap().moods = [mood].into();
        }
        assert_eq!(etcd.carry_out(&write(0, 1)).await, Ok(StoreAnswer::Unanswered), "{mood:?}");
        let asked = |held: &Shared| std::mem::take(&mut held.lock().unwrap().asked);
        let mut asked = [asked(&one), asked(&other)];
        asked.sort();
        assert_eq!(asked, [vec![], vec!["v3/kv/txn".to_owned()]], "{mood:?}");
        for held in [&one, &other] {
            *held.lock().unwrap() = Held::default();
        }
    }
    // A port where nobody listens cannot have done it.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut etcd = gateway(&[&format!("http://{nobody}"), &first]);
    assert_eq!(etcd.carry_out(&write(0, 1)).await, Ok(StoreAnswer::Written(Revision(7))));
}

#[tokio::test]
async fn a_read_goes_to_the_next_endpoint_and_stays_with_the_one_that_answers() {
    let ((first, one), (second, other)) = (stand_in().await, stand_in().await);
    one.lock().unwrap().moods = [Mood::Nonsense(r#"{"header":{"revision":"x"}}"#), Mood::Well].into();
    let mut etcd = gateway(&[&first, &second]);
    for _ in 0..2 {
        assert_eq!(etcd.carry_out(&StoreOperation::Read).await, Ok(holds(0, JournalRecord::default())));
    }
    assert_eq!((one.lock().unwrap().asked.len(), other.lock().unwrap().asked.len()), (1, 2));
}

#[tokio::test]
async fn the_record_of_others_is_refused_and_not_overwritten() {
    let (address, held) = stand_in().await;
    let mut stranger = Gateway::new(&EtcdAccess { cluster: "theirs".into(), ..access(&[&address]) }).unwrap();
    stranger.carry_out(&write(0, 1)).await.unwrap();
    let before = held.lock().unwrap().value.clone();
    let mut etcd = gateway(&[&address]);
    for operation in [StoreOperation::Read, write(0, 1)] {
        let refusal = etcd.carry_out(&operation).await.unwrap_err();
        assert!(matches!(refusal, StoreError::OtherCluster { .. }), "{refusal}");
        assert!(refusal.to_string().contains("etcdctl del just-hungry/test"), "{refusal}");
        assert_eq!(held.lock().unwrap().value, before);
    }
    for stored in ["recipe for soup", "{}", r#"{"just-hungry view record":2,"cluster":"ours","token":1,"view":{}}"#] {
        held.lock().unwrap().value = Some((3, STANDARD.encode(stored)));
        let refusal = etcd.carry_out(&StoreOperation::Read).await.unwrap_err();
        assert!(matches!(refusal, StoreError::NoRecord { .. }), "{refusal}");
    }
}

#[tokio::test]
async fn a_store_that_has_lost_the_record_of_a_durable_cluster_is_not_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let (address, held) = stand_in().await;
    let durable = EtcdAccess { mark: Some(mark.clone().into_os_string()), ..access(&[&address]) };
    let mut etcd = Gateway::new(&durable).unwrap();
    assert_eq!(etcd.carry_out(&StoreOperation::Read).await, Ok(holds(0, JournalRecord::default())));
    assert!(!mark.exists(), "there is no record yet");
    assert_eq!(etcd.carry_out(&write(0, 1)).await, Ok(StoreAnswer::Written(Revision(7))));
    assert!(mark.exists());
    std::fs::remove_file(&mark).unwrap();
    assert_eq!(etcd.carry_out(&StoreOperation::Read).await, Ok(holds(7, record(1))));
    assert!(mark.exists(), "one that was lost is written again");
    *held.lock().unwrap() = Held::default();
    for operation in [StoreOperation::Read, write(7, 2)] {
        let refusal = Gateway::new(&durable).unwrap().carry_out(&operation).await.unwrap_err();
        assert!(matches!(refusal, StoreError::Lost { .. }), "{refusal}");
        assert_eq!(held.lock().unwrap().value, None, "nothing is written");
    }
}

#[tokio::test]
async fn a_user_is_let_in_again_when_the_token_is_old_and_a_wrong_password_ends_it() {
    let (address, held) = stand_in().await;
    held.lock().unwrap().user = Some(("hungry".into(), "secret".into()));
    let told = EtcdAccess { user: Some(("hungry".into(), "secret".into())), ..access(&[&address]) };
    assert!(!format!("{told:?}").contains("secret"));
    let mut etcd = Gateway::new(&told).unwrap();
    assert_eq!(etcd.carry_out(&write(0, 1)).await, Ok(StoreAnswer::Written(Revision(7))));
    held.lock().unwrap().tokens += 1;
    assert_eq!(etcd.carry_out(&write(7, 2)).await, Ok(StoreAnswer::Written(Revision(14))));
    let wrong = EtcdAccess { user: Some(("hungry".into(), "guess".into())), ..told };
    let refusal = Gateway::new(&wrong).unwrap().carry_out(&StoreOperation::Read).await.unwrap_err();
    assert!(refusal.to_string().contains("invalid user ID or password"), "{refusal}");
}

#[test]
fn addresses_are_checked_and_hold_no_password() {
    let read = |words: &str| EtcdAccess::parse(words).map(|access| access.endpoints.len()).map_err(|e| e.to_string());
    assert_eq!(read("etcd=http://a:2379,https://[::1]:2379"), Ok(2));
    for (bad, why) in [
        ("", "no place"),
        ("consul=http://a:1", "no place"),
        ("etcd=", "cannot be used"),
        ("etcd=a:2379", "cannot be used"),
        ("etcd=http://a:2379/v3", "a host and a port"),
        ("etcd=http://u:p@a:2379", "no password"),
        ("etcd=http://a,http://a,http://a,http://a,http://a,http://a,http://a,http://a,http://a,http://a", "too many"),
    ] {
        assert!(read(bad).unwrap_err().contains(why), "{bad}: {:?}", read(bad));
    }
}

/// A machine with its store, as the loop drives them.
struct Driven {
    machine: NameServer,
    etcd: Etcd,
}

impl Driven {
    /// Until there are this many records told, or answers from the store; timers of the store ring at once.
    async fn told(&mut self, asks: Message, records: usize) -> Vec<(FrontEndToken, View, bool)> {
        let from = Contact { id: NodeId(9), address: ([127, 0, 0, 1], 9).into() };
        let mut effects = Effects::new(false);
        self.machine.handle(Input::Received { from, traced: false, message: asks }, &mut effects);
        let mut told = Vec::new();
        loop {
            let mut rings = false;
            for effect in effects.drain().collect::<Vec<_>>() {
                match effect {
                    Effect::Store { number, operation } => self.etcd.begin(number, operation),
                    Effect::Send { message: Message::Record { token, view, claimed }, .. } => {
                        told.push((token, view, claimed));
                    }
                    Effect::SetTimer { timer: Timer::AskStore, .. } => rings = true,
                    _ => {}
                }
            }
            if told.len() >= records {
                return told;
            }
            let input = if rings {
                Input::Rang(Timer::AskStore)
            } else {
                let answered = std::future::poll_fn(|context| self.etcd.poll_answer(context)).await;
                let (number, answer) = answered.unwrap();
                Input::StoreAnswered { number, answer }
            };
            self.machine.handle(input, &mut effects);
        }
    }
}

#[tokio::test]
async fn a_write_without_an_answer_is_read_back() {
    for mood in [Mood::Mute, Mood::Late, Mood::Twice, Mood::Nonsense("soup")] {
        let (address, held) = stand_in().await;
        let me = Contact { id: NodeId(1), address: ([127, 0, 0, 1], 1).into() };
        let (name, role, name_servers) = ("name-server".into(), Role::NameServer, me.into());
        let identity = Identity { me, name, role, name_servers };
        let machine = NameServer::with_store(identity, Settings::default());
        let etcd = Etcd::new(&access(&[&address])).unwrap();
        let mut driven = Driven { machine, etcd };
        let claimed = driven.told(Message::ClaimFrontEnd, 1).await;
        assert_eq!(claimed, [(FrontEndToken(1), View::default(), true)]);
        assert_eq!(driven.machine.keeping(), Keeping::Store);
        held.lock().unwrap().asked.clear();
        held.lock().unwrap().moods = [mood].into();
        let view = View::new(ViewNumber(1), NodeId(11), vec![NodeId(11)]);
        let (token, expected) = (FrontEndToken(1), ViewNumber(0));
        let told = driven.told(Message::RecordView { token, expected, view: view.clone() }, 1).await;
        let was_done = mood != Mood::Nonsense("soup");
        assert_eq!(told, [(token, if was_done { view } else { View::default() }, false)], "{mood:?}");
        let writes = held.lock().unwrap().asked.iter().filter(|path| path.ends_with("txn")).count();
        assert_eq!(writes, 1, "{mood:?}: it is read back, not repeated");
    }
}
