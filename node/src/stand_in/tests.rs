//! Both stand-ins over real sockets: the contract of the services they stand for, and every way to fail.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// A stand-in on a free port of its own, until the test is over.
struct Site {
    base: String,
    behaviour: watch::Sender<Misbehaviour>,
    client: reqwest::Client,
}

struct Answer {
    status: u16,
    body: Value,
}

impl Site {
    async fn of(service: PostcodeService) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (behaviour, watched) = watch::channel(Misbehaviour::None);
        tokio::spawn(serve(service, StandInKey::random().unwrap(), listener, watched));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Site { base, behaviour, client }
    }

    async fn get(&self, path: &str) -> Answer {
        let response = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
        assert_eq!(response.headers()["x-stand-in"], "1", "{path}");
        Answer { status: response.status().as_u16(), body: response.json().await.unwrap() }
    }

    /// The result of a good answer.
    async fn result(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!(200)), "{path}: {}", answer.body);
        answer.body["result"].clone()
    }

    async fn assert_error(&self, path: &str, status: u16, error: &str) {
        let answer = self.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert_eq!((&answer.body["status"], &answer.body["error"]), (&json!(status), &json!(error)), "{path}");
    }
}

async fn postcodes_io() -> Site {
    Site::of(PostcodeService::PostcodesIo).await
}

/// `known` must be in `object` field by field; fields that only `object` has do not matter.
fn assert_contains(object: &Value, known: &Value) {
    for (field, value) in known.as_object().unwrap() {
        match value {
            Value::Object(_) => assert_contains(&object[field], value),
            Value::Number(number) if number.is_f64() => {
                let difference = object[field].as_f64().unwrap() - number.as_f64().unwrap();
                assert!(difference.abs() < 2e-5, "{field}: {object}");
            }
            _ => assert_eq!(&object[field], value, "{field}: {object}"),
        }
    }
}

#[tokio::test]
async fn a_postcode_is_described_as_the_service_does_it() {
    let site = postcodes_io().await;
    let found = site.result("/postcodes/SW1A%201AA").await;
    assert_contains(
        &found,
        &json!({
            "postcode": "SW1A 1AA", "quality": 1, "eastings": 529090, "northings": 179645, "country": "England",
            "longitude": -0.141588, "latitude": 51.501009, "region": "London", "incode": "1AA", "outcode": "SW1A",
            "admin_district": "Westminster", "admin_county": null, "admin_ward": null, "parish": null,
            "codes": { "admin_district": "E09000033", "admin_county": "E99999999" }
        }),
    );
    assert!(found.as_object().unwrap().contains_key("parliamentary_constituency_2024"));
    for spelling in ["sw1a1aa", "%20Sw1A%20%201aA%20"] {
        assert_eq!(site.result(&format!("/postcodes/{spelling}")).await, found);
    }
    let jersey = site.result("/postcodes/JE24WD").await;
    assert_contains(
        &jersey,
        &json!({ "quality": 9, "longitude": null, "eastings": null, "country": "Channel Islands" }),
    );
    let belfast = site.result("/postcodes/BT15GS").await;
    assert_contains(&belfast, &json!({ "country": "Northern Ireland", "admin_district": "Belfast" }));
    let by_sector = site.result("/postcodes/IV27%204AA").await;
    assert_contains(&by_sector, &json!({ "postcode": "IV27 4AA", "quality": 6, "country": "Scotland" }));
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_service_s_words() {
    let site = postcodes_io().await;
    site.assert_error("/postcodes/DH1", 404, "Invalid postcode").await;
    site.assert_error("/postcodes/D%3F%3F", 404, "Invalid postcode").await;
    site.assert_error("/postcodes/ZZ99%209ZZ", 404, "Postcode not found").await;
    site.assert_error("/postcodes/BT1%201AA", 404, "Postcode not found").await;
    for path in ["/", "/nothing", "/postcodes", "/postcodes/DH13LE/nothing", "/outcodes/DH1/x/y"] {
        site.assert_error(path, 404, "Resource not found").await;
    }
    let response = site.client.post(format!("{}/postcodes/DH13LE", site.base)).send().await.unwrap();
    assert_eq!(response.status(), 404);
    let closed = site.get("/postcodes/AB45%203AD").await;
    assert_eq!(closed.status, 404);
    let terminated = json!({ "postcode": "AB45 3AD", "year_terminated": 2016, "month_terminated": 9,
        "longitude": -2.4648, "latitude": 57.6359 });
    assert_eq!(closed.body, json!({ "status": 404, "error": "Postcode not found", "terminated": terminated }));
}

#[tokio::test]
async fn get_the_data_matches_wholes_and_parts() {
    let site = Site::of(PostcodeService::GetTheData).await;
    let unit = site.get("/postcode/dh1+3le").await;
    assert_eq!(unit.status, 200);
    assert_contains(
        &unit.body,
        &json!({ "status": "match", "match_type": "unit_postcode", "data": {
            "postcode": "DH1 3LE", "status": "live", "positional_quality_indicator": 1, "country": "England",
            "postcode_no_space": "DH13LE", "postcode_fixed_width_seven": "DH1 3LE",
            "postcode_fixed_width_eight": "DH1  3LE", "postcode_area": "DH", "postcode_district": "DH1",
            "postcode_sector": "DH1 3", "outcode": "DH1", "incode": "3LE" } }),
    );
    let (easting, latitude) = (&unit.body["data"]["easting"], &unit.body["data"]["latitude"]);
    assert!(easting.is_u64() && latitude.as_str().unwrap().starts_with("54.7"), "{}", unit.body);
    for (input, kind, status) in [
        ("AB45%203AD", "unit_postcode", json!("terminated")),
        ("RG26", "postcode_district", Value::Null),
        ("DH1%203", "postcode_sector", Value::Null),
        ("DH13", "postcode_sector", Value::Null),
        ("RG2%206", "postcode_sector", Value::Null),
        ("DH", "postcode_area", Value::Null),
    ] {
        let body = site.get(&format!("/postcode/{input}")).await.body;
        assert_eq!((&body["match_type"], &body["data"]["status"]), (&json!(kind), &status), "{input}: {body}");
    }
    for input in ["ZZ99%209ZZ", "BT1%205GS", "BT1", "JE2%204WD", "D", "rubbish"] {
        let body = site.get(&format!("/postcode/{input}")).await.body;
        assert_eq!(body["status"], "no_match", "{input}: {body}");
    }
}

#[tokio::test]
async fn a_stand_in_misbehaves_when_told_and_behaves_again() {
    let site = postcodes_io().await;
    let (path, url) = ("/postcodes/DH13LE", format!("{}/postcodes/DH13LE", site.base));
    let proper = site.result(path).await;
    site.behaviour.send_replace(Misbehaviour::NotFound);
    site.assert_error(path, 404, "Postcode not found").await;
    site.behaviour.send_replace(Misbehaviour::TooManyRequests);
    let response = site.client.get(&url).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &HeaderValue::from_static("1")));
    site.behaviour.send_replace(Misbehaviour::Broken);
    site.assert_error(path, 500, "500 Server Error.\n").await;
    site.behaviour.send_replace(Misbehaviour::NotJson);
    let response = site.client.get(&url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.json::<Value>().await.is_err());
    site.behaviour.send_replace(Misbehaviour::Slow(300));
    let begun = Instant::now();
    assert_eq!(site.result(path).await, proper);
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
    site.behaviour.send_replace(Misbehaviour::Hangs);
    let limit = Duration::from_millis(400);
    let silence = site.client.get(&url).timeout(limit).send().await.unwrap_err();
    assert!(silence.is_timeout(), "{silence}");
    site.behaviour.send_replace(Misbehaviour::None);
    assert_eq!(site.result(path).await, proper);

    let other = Site::of(PostcodeService::GetTheData).await;
    other.behaviour.send_replace(Misbehaviour::NotFound);
    let refusal = other.get("/postcode/DH1%203LE").await;
    assert_eq!((refusal.status, refusal.body), (404, json!({ "status": "no_match", "input": "DH1 3LE" })));
}

#[tokio::test]
async fn half_a_body_is_announced_whole_and_breaks_off() {
    let site = postcodes_io().await;
    site.behaviour.send_replace(Misbehaviour::HalfBody);
    let mut socket = TcpStream::connect(site.base.trim_start_matches("http://")).await.unwrap();
    socket.write_all(b"GET /postcodes/DH13LE HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut received = Vec::new();
    let _ = socket.read_to_end(&mut received).await;
    let text = String::from_utf8(received).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(announced.parse::<usize>().unwrap() / 2, body.len(), "{text}");
    assert!(body.contains("\"status\"") || body.starts_with('{'), "{body}");
}
