//! The paths of postcodes.io, with its limits and errors.
//!
//! Not offered: JSONP, bulk search by position, places, Scottish postcodes. Searches by distance know the 12,786
//! postcodes whose position is exactly known; look-ups and completion know all of Great Britain.

mod bodies;
mod near;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::routing::get;
use protocol::postcode::Postcode;
use serde_json::{Value, json};

use super::Reply;
use crate::gazetteer::{Finding, Gazetteer, Unit, postcodes_from};

/// The parameters behind the question mark.
type Parameters = Query<BTreeMap<String, String>>;

const MOST_IN_BULK: usize = 100;

const INVALID_JSON: &str = "Invalid JSON submitted.\nYou need to submit a JSON object with an array of postcodes or \
    geolocation objects.\nAlso ensure that Content-Type is set to application/json\n";
const INVALID_JSON_QUERY: &str = "Invalid JSON query submitted. \nYou need to submit a JSON object with an array of \
    postcodes or geolocation objects.\nAlso ensure that Content-Type is set to application/json\n";

pub(super) fn routes() -> Router {
    Router::new()
        .route("/ping", get(async || found(json!("pong"))))
        .route("/ready", get(async || found(json!("Ready"))))
        .route("/postcodes", get(query).post(bulk))
        .route("/postcodes/{postcode}", get(show))
        .route("/postcodes/{postcode}/validate", get(validate))
        .route("/postcodes/{postcode}/nearest", get(near::postcode))
        .route("/postcodes/{postcode}/autocomplete", get(autocomplete))
        .route("/random/postcodes", get(random))
        .route("/outcodes", get(near::outcodes))
        .route("/outcodes/{outcode}", get(outcode))
        .route("/outcodes/{outcode}/nearest", get(near::outcode))
        .route("/terminated_postcodes/{postcode}", get(terminated))
        .fallback(nothing_here)
        .method_not_allowed_fallback(nothing_here)
}

fn found(result: Value) -> Reply {
    Reply(StatusCode::OK, json!({ "status": 200, "result": result }))
}

fn refused(status: StatusCode, error: &str) -> Reply {
    Reply(status, json!({ "status": status.as_u16(), "error": error }))
}

fn not_found(error: &str) -> Reply {
    refused(StatusCode::NOT_FOUND, error)
}

fn bad_request(error: &str) -> Reply {
    refused(StatusCode::BAD_REQUEST, error)
}

fn live(text: &str) -> Option<Unit<'static>> {
    match Gazetteer::get().find(text.parse().ok()?) {
        Finding::Live(unit) => Some(unit),
        Finding::Closed(_) | Finding::Unknown => None,
    }
}

async fn nothing_here() -> Reply {
    not_found("Resource not found")
}

async fn show(Path(text): Path<String>) -> Reply {
    let Ok(postcode) = text.parse::<Postcode>() else { return not_found("Invalid postcode") };
    match Gazetteer::get().find(postcode) {
        Finding::Live(unit) => found(bodies::postcode(&unit, None)),
        Finding::Closed(closed) => {
            let mut reply = not_found("Postcode not found");
            reply.1["terminated"] = bodies::terminated(closed);
            reply
        }
        Finding::Unknown => not_found("Postcode not found"),
    }
}

async fn validate(Path(text): Path<String>) -> Reply {
    found(json!(live(&text).is_some()))
}

async fn autocomplete(Path(text): Path<String>, Query(parameters): Parameters) -> Reply {
    let postcodes = search(&text, parameters.get("limit"));
    found(if postcodes.is_empty() { Value::Null } else { json!(postcodes) })
}

/// By position, or by how the postcode begins.
async fn query(Query(parameters): Parameters) -> Reply {
    if let Some((longitude, latitude)) = near::position(&parameters) {
        return near::postcodes(longitude, latitude, &parameters);
    }
    match parameters.get("q").or(parameters.get("query")).map(|text| text.trim()) {
        None | Some("") => bad_request("No postcode query submitted. Remember to include query parameter"),
        Some(text) => {
            let units: Vec<_> = search(text, parameters.get("limit")).into_iter().filter_map(bodies::of).collect();
            found(if units.is_empty() { Value::Null } else { json!(units) })
        }
    }
}

/// Postcodes that begin with `text`: first as a district ("DH1" is not "DH10"), then with its space, then without.
fn search(text: &str, limit: Option<&String>) -> Vec<Postcode> {
    let limit = limit.and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0).unwrap_or(10).min(100);
    let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_uppercase();
    let compact = spaced.replace(' ', "");
    if compact.is_empty() {
        return Vec::new();
    }
    if let Ok(whole) = compact.parse()
        && Gazetteer::get().exists(whole)
    {
        return vec![whole];
    }
    let outside = Gazetteer::get().outside_great_britain().map(|unit| unit.postcode);
    let outside = outside.filter(|postcode| postcode.as_str().replace(' ', "").starts_with(&compact));
    let fitting: Vec<_> = postcodes_from(&compact).chain(outside).collect();
    let of_district = || fitting.iter().filter(|postcode| postcode.outcode() == compact);
    let as_spaced = || fitting.iter().filter(|postcode| postcode.as_str().starts_with(&spaced));
    if of_district().next().is_some() {
        of_district().take(limit).copied().collect()
    } else if spaced.contains(' ') && as_spaced().next().is_some() {
        as_spaced().take(limit).copied().collect()
    } else {
        fitting.into_iter().take(limit).collect()
    }
}

async fn bulk(body: Bytes) -> Reply {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return bad_request(INVALID_JSON) };
    let asked = match body.get("postcodes") {
        None | Some(Value::Null) => return bad_request(INVALID_JSON_QUERY),
        Some(Value::Array(asked)) => asked,
        Some(_) => return bad_request("Invalid data submitted. You need to provide a JSON array"),
    };
    if asked.len() > MOST_IN_BULK {
        return bad_request("Too many postcodes submitted. Up to 100 postcodes can be bulk requested at a time");
    }
    let answers = asked.iter().filter_map(Value::as_str).map(|text| {
        let result = live(text).map(|unit| bodies::postcode(&unit, None));
        json!({ "query": text, "result": result })
    });
    found(answers.collect())
}

/// Of a district any; else one whose position is exactly known.
async fn random(Query(parameters): Parameters) -> Reply {
    let outcode = parameters.get("outcode").map(|outcode| outcode.trim().to_ascii_uppercase());
    let candidates: Vec<Postcode> = match &outcode {
        Some(outcode) if !outcode.is_empty() => {
            postcodes_from(outcode).filter(|postcode| postcode.outcode() == outcode).collect()
        }
        _ => Gazetteer::get().listed().collect(),
    };
    let dice = RandomState::new().hash_one(0) as usize;
    let chosen = candidates.get(dice % candidates.len().max(1)).copied();
    found(chosen.and_then(bodies::of).unwrap_or_default())
}

async fn outcode(Path(name): Path<String>) -> Reply {
    match near::known_outcode(&name) {
        Some(outcode) => found(bodies::outcode(outcode, None)),
        None => not_found("Outcode not found"),
    }
}

async fn terminated(Path(text): Path<String>) -> Reply {
    let Ok(postcode) = text.parse::<Postcode>() else { return not_found("Invalid postcode") };
    match Gazetteer::get().find(postcode) {
        Finding::Closed(closed) => found(bodies::terminated(closed)),
        Finding::Live(_) | Finding::Unknown => not_found("Terminated postcode not found"),
    }
}
