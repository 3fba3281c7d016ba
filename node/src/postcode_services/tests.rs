//! Asking over real sockets: stand-ins that behave or not, and servers that no service would be.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Redirect;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::*;
use crate::control::{Misbehaviour, StandInKey};
use crate::stand_in;
use PostcodeService::{GetTheData, PostcodesIo};

/// Both stand-ins and somebody who asks them.
struct Scene {
    services: PostcodeServices,
    first: watch::Sender<Misbehaviour>,
    second: watch::Sender<Misbehaviour>,
}

/// What one question came to.
struct Asked {
    verdict: Verdict,
    /// Services in the order of asking, with what each said.
    attempts: Vec<(PostcodeService, Verdict)>,
    failures: Vec<String>,
    took: Duration,
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (listener, base)
}

async fn stand_in(service: PostcodeService) -> (String, watch::Sender<Misbehaviour>) {
    stand_in_with(service, StandInKey::random().unwrap()).await
}

async fn stand_in_with(service: PostcodeService, key: StandInKey) -> (String, watch::Sender<Misbehaviour>) {
    let (listener, base) = listen().await;
    let (behaviour, watched) = watch::channel(Misbehaviour::None);
    tokio::spawn(stand_in::serve(service, key, listener, watched));
    (base, behaviour)
}

async fn server(routes: Router) -> String {
    let (listener, base) = listen().await;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    base
}

fn services(first: String, second: String) -> PostcodeServices {
    services_with(None, first, second)
}

fn services_with(key: Option<StandInKey>, first: String, second: String) -> PostcodeServices {
    let address = |service, id, base_url| ServiceAddress { service, id: NodeId(id), base_url, key: key.clone() };
    let both = vec![address(PostcodesIo, 1, first), address(GetTheData, 2, second)];
    PostcodeServices::with_patience(both, true, Patience::USUAL.times(3)).unwrap()
}

async fn scene() -> Scene {
    let ((io, first), (data, second)) = (stand_in(PostcodesIo).await, stand_in(GetTheData).await);
    Scene { services: services(io, data), first, second }
}

async fn ask(services: &PostcodeServices, postcode: &str) -> Asked {
    let (mut attempts, mut failures) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    let (inquiry, postcode) = (services.inquiry(), postcode.parse().unwrap());
    let (mut verdict, mut place) = (Verdict::NobodyAnswers, 0);
    while let Some(turn) = inquiry.next(place) {
        let said = inquiry.ask(turn, postcode).await;
        assert_eq!(said.failure.is_some(), said.verdict == Verdict::NobodyAnswers);
        attempts.push((turn.service, said.verdict.clone()));
        failures.extend(said.failure);
        (verdict, place) = (said.verdict, turn.place + 1);
        if verdict != Verdict::NobodyAnswers || !said.ask_another {
            break;
        }
    }
    Asked { verdict, attempts, failures, took: begun.elapsed() }
}

impl Asked {
    /// Asserts that the first service gave no answer and the second said yes.
    fn assert_fell_back(&self) {
        let valid = Verdict::Valid { place: Some("England".into()), by: GetTheData };
        assert_eq!(self.verdict, valid, "{:?} {:?}", self.attempts, self.failures);
        assert_eq!(self.attempts, [(PostcodesIo, Verdict::NobodyAnswers), (GetTheData, valid)]);
    }
}

#[tokio::test]
async fn the_first_service_decides_when_it_answers() {
    let scene = scene().await;
    let valid = ask(&scene.services, "DH1 3LE").await;
    assert_eq!(valid.verdict, Verdict::Valid { place: Some("County Durham".into()), by: PostcodesIo });
    assert_eq!(valid.attempts.len(), 1);
    for (postcode, says) in [("DH1 3CC", "no postcode DH1 3CC"), ("AB45 3AD", "was closed in 2016")] {
        let asked = ask(&scene.services, postcode).await;
        let Verdict::Invalid { why, by: PostcodesIo } = &asked.verdict else { panic!("{:?}", asked.verdict) };
        assert!(why.contains(says), "{why}");
        assert_eq!(asked.attempts.len(), 1, "a definite no is not asked again");
    }
    let belfast = ask(&scene.services, "BT1 5GS").await;
    assert_eq!(belfast.verdict, Verdict::Valid { place: Some("Belfast".into()), by: PostcodesIo });
    scene.first.send_replace(Misbehaviour::NotFound);
    let asked = ask(&scene.services, "DH1 3LE").await;
    assert!(matches!(asked.verdict, Verdict::Invalid { by: PostcodesIo, .. }) && asked.attempts.len() == 1);
}

#[tokio::test]
async fn the_second_is_asked_when_the_first_is_no_use() {
    for fault in [Misbehaviour::Broken, Misbehaviour::HalfBody, Misbehaviour::NotJson, Misbehaviour::TooManyRequests] {
        let scene = scene().await;
        scene.first.send_replace(fault);
        ask(&scene.services, "DH1 3LE").await.assert_fell_back();
    }
}

#[tokio::test]
async fn silence_ends_in_time() {
    for fault in [Misbehaviour::Hangs, Misbehaviour::Slow(60_000)] {
        let scene = scene().await;
        scene.first.send_replace(fault);
        let asked = ask(&scene.services, "DH1 3LE").await;
        asked.assert_fell_back();
        assert!(asked.failures[0].contains("did not answer in time"), "{:?}", asked.failures);
        assert!(asked.took < Duration::from_secs(8), "{:?}", asked.took);
        scene.second.send_replace(fault);
        assert_eq!(ask(&scene.services, "DH1 3LE").await.verdict, Verdict::NobodyAnswers);
    }
}

#[tokio::test]
async fn a_little_slowness_is_no_failure() {
    let scene = scene().await;
    scene.first.send_replace(Misbehaviour::Slow(100));
    let asked = ask(&scene.services, "DH1 3LE").await;
    assert!(matches!(asked.verdict, Verdict::Valid { by: PostcodesIo, .. }), "{:?}", asked.failures);
    assert!(asked.took >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_refused_connection_is_no_answer() {
    let (listener, nobody) = listen().await;
    drop(listener);
    let (data, _behaviour) = stand_in(GetTheData).await;
    let asked = ask(&services(nobody.clone(), data), "DH1 3LE").await;
    asked.assert_fell_back();
    assert!(asked.failures[0].contains("cannot be reached"), "{:?}", asked.failures);
    let asked = ask(&services(nobody.clone(), nobody), "DH1 3LE").await;
    assert_eq!((asked.verdict, asked.attempts.len()), (Verdict::NobodyAnswers, 2));
}

#[tokio::test]
async fn the_weaker_service_says_what_it_knows_and_no_more() {
    let scene = scene().await;
    scene.first.send_replace(Misbehaviour::Broken);
    for (postcode, says) in [("ZZ99 9ZZ", "in August 2023"), ("AB45 3AD", "was closed")] {
        let Verdict::Invalid { why, by: GetTheData } = ask(&scene.services, postcode).await.verdict else {
            panic!("{postcode} should be refused")
        };
        assert!(why.contains(says), "{why}");
    }
    let belfast = ask(&scene.services, "BT1 5GS").await;
    assert_eq!((belfast.verdict, belfast.attempts.len()), (Verdict::NobodyAnswers, 2));
    assert!(belfast.failures[1].contains("Northern Ireland"), "{:?}", belfast.failures);
}

#[tokio::test]
async fn a_service_that_asks_for_rest_is_passed_over() {
    let scene = scene().await;
    scene.first.send_replace(Misbehaviour::TooManyRequests);
    ask(&scene.services, "DH1 3LE").await.assert_fell_back();
    scene.first.send_replace(Misbehaviour::None);
    let asked = ask(&scene.services, "DH1 3LE").await;
    assert_eq!(asked.attempts.len(), 1, "no request leaves: {:?}", asked.attempts);
    assert!(matches!(asked.verdict, Verdict::Valid { by: GetTheData, .. }));
    let begun = Instant::now();
    while ask(&scene.services, "DH1 3LE").await.attempts[0].0 != PostcodesIo {
        assert!(begun.elapsed() < Duration::from_secs(20), "it wanted one second of rest");
    }
}

#[tokio::test]
async fn endless_bodies_are_cut_off() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let flood = Router::new().fallback(move || {
        let counter = Arc::clone(&counter);
        async move {
            let chunk = Bytes::from(vec![b'{'; 64 * 1024]);
            let pieces = stream::iter((0..1600).map(move |_| {
                counter.fetch_add(chunk.len(), Ordering::Relaxed);
                Ok::<_, std::io::Error>(chunk.clone())
            }));
            Body::from_stream(pieces)
        }
    });
    let (data, _behaviour) = stand_in(GetTheData).await;
    let asked = ask(&services(server(flood).await, data), "DH1 3LE").await;
    asked.assert_fell_back();
    assert!(asked.failures[0].contains("more than any answer"), "{:?}", asked.failures);
    assert!(sent.load(Ordering::Relaxed) < 50 * 1024 * 1024, "{sent:?} bytes were taken");
}

#[tokio::test]
async fn redirections_are_not_followed() {
    let hits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&hits);
    let elsewhere = server(Router::new().fallback(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        async { r#"{"status":200,"result":{"postcode":"DH1 3LE"}}"# }
    }))
    .await;
    let redirect = Router::new().fallback(move || async move { Redirect::temporary(&elsewhere) });
    let (data, _behaviour) = stand_in(GetTheData).await;
    ask(&services(server(redirect).await, data), "DH1 3LE").await.assert_fell_back();
    assert_eq!(hits.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn our_own_fault_is_not_carried_to_the_next() {
    let strict = Router::new()
        .fallback(|| async { (StatusCode::BAD_REQUEST, r#"{"status":400,"error":"Invalid result limit submitted"}"#) });
    let (data, _behaviour) = stand_in(GetTheData).await;
    let asked = ask(&services(server(strict).await, data), "DH1 3LE").await;
    assert_eq!((asked.verdict, asked.attempts.len()), (Verdict::NobodyAnswers, 1));
    assert!(asked.failures[0].contains("status 400"), "{:?}", asked.failures);
}

#[tokio::test]
async fn many_questions_at_once_are_all_answered() {
    let scene = scene().await;
    let questions = (0..32).map(|_| {
        let inquiry = scene.services.inquiry();
        let turn = inquiry.next(0).unwrap();
        tokio::spawn(async move { inquiry.ask(turn, "DH1 3LE".parse().unwrap()).await })
    });
    for question in questions.collect::<Vec<_>>() {
        assert!(matches!(question.await.unwrap().verdict, Verdict::Valid { by: PostcodesIo, .. }));
    }
}

#[tokio::test]
async fn verdicts_are_remembered_when_wanted() {
    let Scene { mut services, .. } = scene().await;
    let postcode = "DH1 3LE".parse().unwrap();
    assert_eq!(services.cached(&postcode), None);
    let verdict = ask(&services, "DH1 3LE").await.verdict;
    services.remember(postcode, &verdict);
    assert_eq!(services.cached(&postcode), Some(verdict));
    services.set_cache(false);
    assert_eq!(services.cached(&postcode), None);
}

#[test]
fn services_by_https_need_certificates_or_say_so() {
    let address = ServiceAddress { service: PostcodesIo, id: NodeId(1), base_url: LIVE_POSTCODES_IO.into(), key: None };
    match PostcodeServices::new(vec![address], true) {
        Ok(services) => assert!(services.inquiry.endpoints[0].is_secure()),
        Err(refusal) => assert!(refusal.to_string().contains("no certificates"), "{refusal}"),
    }
}

/// Says yes to everything, with headers of its own.
async fn stranger(proof: &'static str) -> String {
    let yes = move |axum::extract::Path(postcode): axum::extract::Path<String>| async move {
        let result = serde_json::json!({ "postcode": postcode, "country": "England" });
        let body = serde_json::json!({ "status": 200, "result": result }).to_string();
        ([("x-stand-in", "1"), ("x-stand-in-proof", proof), ("retry-after", "60")], body)
    };
    server(Router::new().route("/postcodes/{postcode}", axum::routing::get(yes))).await
}

#[tokio::test]
async fn a_stranger_on_the_port_of_a_dead_stand_in_is_not_believed() {
    let key = StandInKey::random().unwrap();
    let (second, _behaviour) = stand_in_with(GetTheData, key.clone()).await;
    let unknown = "ZZ99 9ZZ";
    // Without a key anybody is believed: so it was.
    let naive = services_with(None, stranger("").await, second.clone());
    assert!(matches!(ask(&naive, unknown).await.verdict, Verdict::Valid { by: PostcodesIo, .. }));
    // One that heard the stand-in prove something before.
    let heard = key.proof(PostcodesIo, "/postcodes/ZZ99%209ZZ", "another challenge");
    for proof in ["", String::leak(heard)] {
        let services = services_with(Some(key.clone()), stranger(proof).await, second.clone());
        let asked = ask(&services, unknown).await;
        assert!(matches!(asked.verdict, Verdict::Invalid { by: GetTheData, .. }), "{:?}", asked.verdict);
        assert!(asked.failures[0].contains("Another program answers at http://127.0.0.1:"), "{:?}", asked.failures);
        assert!(services.inquiry().next(0).is_some_and(|turn| turn.service == PostcodesIo), "nor is its wish for rest");
    }
}

#[tokio::test]
async fn a_stand_in_of_this_run_is_believed_however_it_misbehaves() {
    let key = StandInKey::random().unwrap();
    let (first, behaviour) = stand_in_with(PostcodesIo, key.clone()).await;
    let (second, _behaviour) = stand_in_with(GetTheData, key.clone()).await;
    let services = services_with(Some(key), first, second);
    assert!(matches!(ask(&services, "DH1 3LE").await.verdict, Verdict::Valid { by: PostcodesIo, .. }));
    for fault in [Misbehaviour::Broken, Misbehaviour::HalfBody, Misbehaviour::NotJson] {
        behaviour.send_replace(fault);
        let asked = ask(&services, "DH1 3LE").await;
        asked.assert_fell_back();
        assert!(!asked.failures[0].contains("Another program"), "{:?}", asked.failures);
    }
    behaviour.send_replace(Misbehaviour::NotFound);
    assert!(matches!(ask(&services, "DH1 3LE").await.verdict, Verdict::Invalid { by: PostcodesIo, .. }));
}
